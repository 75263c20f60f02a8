package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"holdfast/internal/vfs"
)

// The header of a segment:
//
//	 0 magic "HFJRNL\r\n"
//	 8 u16 version, 1
//	10 u16 length of the header, 64
//	12 u32 0
//	16 u64 number of the segment
//	24 u64 first LSN
//	32 i64 created, ns since 1970, or 0
//	40 first 8 bytes of the SHA-256 of the session's name
//	48 12 zeros
//	60 u32 CRC-32C over bytes 0 to 59
const (
	magic      = "HFJRNL\r\n"
	version    = 1
	headerSize = 64
	maxHeader  = 4096 // of a later version, as far as this one looks
)

type header struct {
	id      uint64
	first   LSN
	created int64
	session [8]byte
}

func sessionID(name string) [8]byte {
	sum := sha256.Sum256([]byte(name))
	return [8]byte(sum[:8])
}

func (h header) append(b []byte) []byte {
	le := binary.LittleEndian
	at := len(b)
	b = append(b, magic...)
	b = le.AppendUint16(b, version)
	b = le.AppendUint16(b, headerSize)
	b = le.AppendUint32(b, 0)
	b = le.AppendUint64(b, h.id)
	b = le.AppendUint64(b, uint64(h.first))
	b = le.AppendUint64(b, uint64(h.created))
	b = append(b, h.session[:]...)
	b = append(b, make([]byte, 12)...)
	return le.AppendUint32(b, crc32.Checksum(b[at:], castagnoli))
}

// errDamaged says that bytes are no header.
var errDamaged = errors.New("damaged segment header")

// parseHeader reads the header at the beginning of b, a file or its first
// maxHeader bytes. The error is errDamaged or [ErrVersion].
func parseHeader(b []byte) (header, error) {
	le := binary.LittleEndian
	if len(b) < headerSize || string(b[:8]) != magic {
		return header{}, errDamaged
	}
	n := int(le.Uint16(b[10:]))
	if n < headerSize || n > len(b) || crc32.Checksum(b[:n-4], castagnoli) != le.Uint32(b[n-4:]) {
		return header{}, errDamaged
	}
	h := header{id: le.Uint64(b[16:]), first: LSN(le.Uint64(b[24:])), created: int64(le.Uint64(b[32:])), session: [8]byte(b[40:48])}
	if !bytes.Equal(h.append(nil), b[:n]) {
		return header{}, ErrVersion
	}
	return h, nil
}

func segmentName(id uint64) string { return fmt.Sprintf("%016x.seg", id) }

// parseName gives the number of a segment.
func parseName(name string) (id uint64, ok bool) {
	digits, isSegment := strings.CutSuffix(name, ".seg")
	if !isSegment {
		return 0, false
	}
	id, err := strconv.ParseUint(digits, 16, 64)
	return id, err == nil && id > 0 && segmentName(id) == name
}

// tempSuffix marks a file that is not complete. The names are fixed, so that a
// recovery that is repeated writes over what the one before has left.
const tempSuffix = ".tmp"

// A segment is one that is written.
type segment struct {
	id   uint64
	path string
	file vfs.DataFile
	end  int64 // behind the last frame
	size int64 // of the file; the space is taken
}

// reserve is the room for the last frames of a process whose disk is full
// (D4): a TALLY and a STOP.
const reserve = 256

// create makes a segment under its temporary name, with space for so many
// bytes of frames at least.
func (j *Journal) create(h header, need int64) (s segment, err error) {
	s = segment{id: h.id, path: filepath.Join(j.dir, segmentName(h.id)), end: headerSize}
	s.size = max(j.c.SegmentBytes, headerSize+need+reserve)
	s.file, err = j.fs.OpenData(s.path+tempSuffix, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
	if err == nil {
		err = s.file.Preallocate(s.size)
	}
	if err == nil {
		_, err = s.file.WriteAt(h.append(nil), 0)
	}
	if err == nil {
		return s, nil
	}
	if s.file != nil {
		s.file.Close()
		j.fs.Remove(s.path + tempSuffix) // gives back its space; a later create writes over it anyway
	}
	return s, full(err, s.path, s.size)
}

// publish gives a segment its name. From then on it ends the one before it.
func (j *Journal) publish(s *segment, durable bool) error {
	if err := j.fs.Rename(s.path+tempSuffix, s.path); err != nil {
		return err
	}
	if !durable {
		return nil
	}
	return j.fs.SyncDir(j.dir)
}

// save copies part of a file beside it, whole and durable or not at all; its
// name is durable after SyncDir.
func save(fsys vfs.Disk, from io.ReaderAt, offset, length int64, to string) (err error) {
	f, err := fsys.OpenData(to+tempSuffix, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, io.NewSectionReader(from, offset, length))
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return fsys.Rename(to+tempSuffix, to)
}
