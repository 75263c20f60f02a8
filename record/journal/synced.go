package journal

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"

	"holdfast/internal/vfs"
)

// The file SYNCED says what the last sync made durable:
//
//	 0 magic "HFSYNC\r\n"
//	 8 first 8 bytes of the SHA-256 of the session's name
//	16 u64 number of the segment
//	24 u64 bytes of it that are synced
//	32 u64 LSN of the last frame in them
//	40 u32 CRC-32C over bytes 0 to 39
//
// A frame's watermark proves what was synced before it, so the last frames have
// nobody to speak for them: where they turn into zeros the segment looks as if
// they had never been. This file is their witness. It is written after each
// sync and never synced itself: what it says was true when it was written, so
// an old one, as a power cut leaves it, only proves less, and one that is
// missing, damaged or another session's proves nothing.
const (
	syncedName  = "SYNCED"
	syncedMagic = "HFSYNC\r\n"
	syncedSize  = 44
)

// A witness is what the file SYNCED says; the zero value proves nothing.
type witness struct {
	segment uint64
	end     int64
	lsn     LSN
}

func (w witness) append(b []byte, session [8]byte) []byte {
	le := binary.LittleEndian
	at := len(b)
	b = append(b, syncedMagic...)
	b = append(b, session[:]...)
	b = le.AppendUint64(b, w.segment)
	b = le.AppendUint64(b, uint64(w.end))
	b = le.AppendUint64(b, uint64(w.lsn))
	return le.AppendUint32(b, crc32.Checksum(b[at:], castagnoli))
}

// readWitness reads the file SYNCED, as far as it can be believed. An empty
// session is that of any journal.
func readWitness(fsys vfs.Disk, dir, session string) witness {
	f, err := fsys.OpenFile(filepath.Join(dir, syncedName), os.O_RDONLY, 0)
	if err != nil {
		return witness{}
	}
	defer f.Close()
	var b [syncedSize]byte
	if n, err := f.ReadAt(b[:], 0); n < syncedSize || err != nil && err != io.EOF {
		return witness{}
	}
	le := binary.LittleEndian
	w := witness{segment: le.Uint64(b[16:]), end: int64(le.Uint64(b[24:])), lsn: LSN(le.Uint64(b[32:]))}
	id := [8]byte(b[8:])
	if session != "" {
		id = sessionID(session)
	}
	if w.end < headerSize || !bytes.Equal(w.append(nil, id), b[:]) {
		return witness{}
	}
	return w
}

// openWitness opens the file SYNCED to be written. A journal goes on without
// one: it is there to report more, not to keep anything.
func openWitness(fsys vfs.Disk, dir string) mapped {
	return openMapped(fsys, filepath.Join(dir, syncedName), syncedSize)
}

// testify writes what the last sync made durable. It is called with mu held: a
// few bytes in memory that is a file, or in the page cache, cost little beside a
// sync.
func (j *Journal) testify() {
	if j.witness.file == nil {
		return
	}
	j.testimony = witness{j.seg.id, j.synced, j.durable}.append(j.testimony[:0], j.session)
	err := j.witness.try(func() (err error) {
		if copy(j.witness.mem, j.testimony) == 0 {
			_, err = j.witness.file.WriteAt(j.testimony, 0)
		}
		return err
	})
	if err != nil {
		j.witness.close()
	}
}
