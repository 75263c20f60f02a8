package main

import (
	"fmt"
	"io"
	"strings"

	"holdfast/internal/vfs"
	"holdfast/record/journal"
	"holdfast/record/seq"
)

func holdfast() *contestant {
	return &contestant{name: "holdfast", module: "holdfast", can: []promise{inMemory, inSystem, onDisk},
		note: "the record is the payload of a packet frame (sequence, time stamps, checksum beside it): 128 bytes; to the system: encoded in a file that is memory (mmap)",
		open: openHoldfast, scan: scanHoldfast, recover: recoverHoldfast}
}

const session = "bench"

type holdfastLog struct {
	j      *journal.Journal
	frames []seq.Frame
	staged bool
}

func openHoldfast(dir string, p promise, segment int) (writer, error) {
	level := journal.None
	if p == onDisk {
		level = journal.Always
	}
	j, _, err := journal.Open(vfs.OS{}, dir, journal.Config{Session: session, Level: level, SegmentBytes: int64(segment)})
	return &holdfastLog{j: j, staged: p == inMemory}, err
}

func (h *holdfastLog) append(first uint64, records [][]byte) error {
	if len(h.frames) < len(records) {
		h.frames = make([]seq.Frame, len(records))
	}
	for i, r := range records {
		f := &h.frames[i]
		f.Type = seq.FramePacket
		f.Packet.Sequence, f.Packet.Payload = first+uint64(i), r
	}
	if h.staged {
		_, err := h.j.Stage(h.frames[:len(records)]...)
		return err
	}
	lsn, err := h.j.Append(h.frames[:len(records)]...)
	if err != nil {
		return err
	}
	return h.j.Commit(lsn)
}

func (h *holdfastLog) close() error { return h.j.Close() }

func scanHoldfast(dir string, visit func(uint64, []byte)) error {
	r, err := journal.NewReader(vfs.OS{}, dir, session)
	if err != nil {
		return err
	}
	defer r.Close()
	for {
		e, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if e.Frame.Type == seq.FramePacket {
			visit(e.Frame.Packet.Sequence, e.Frame.Packet.Payload)
		}
	}
}

func recoverHoldfast(dir string, visit func(uint64, []byte)) (bool, string) {
	c := journal.Config{Session: session, Level: journal.Always, SegmentBytes: segmentSize, Replay: func(e journal.Entry) error {
		if e.Frame.Type == seq.FramePacket {
			visit(e.Frame.Packet.Sequence, e.Frame.Packet.Payload)
		}
		return nil
	}}
	j, r, err := journal.Open(vfs.OS{}, dir, c)
	if err != nil {
		return false, err.Error()
	}
	defer j.Close()
	var said []string
	if r.Torn != nil {
		said = append(said, fmt.Sprintf("torn tail of %d bytes", r.Torn.Length))
	}
	for _, d := range r.Damages {
		said = append(said, d.String())
	}
	return true, strings.Join(said, "; ")
}
