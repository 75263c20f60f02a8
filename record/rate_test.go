package record_test

import (
	"context"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"holdfast/internal/soak"
	"holdfast/internal/vfs"
	"holdfast/record"
	"holdfast/record/journal"
	"holdfast/record/seq"
)

// An endless source makes packets as fast as they are taken, one in a hundred
// late and one in twenty twice, and calls look now and then.
type endless struct {
	n, left uint64
	payload [64]byte
	look    func()
}

const lookEvery = 50_000

func (e *endless) Ready() bool                         { return e.left > 0 }
func (e *endless) RequestRetransmit(uint64, int) error { return nil }

func (e *endless) Receive(context.Context) (seq.Delivery, error) {
	if e.left == 0 {
		return seq.Delivery{}, io.EOF
	}
	e.left--
	if e.n++; e.n%lookEvery == 0 {
		e.look()
	}
	at := e.n
	switch {
	case at%20 == 19: // what came five before, again
		at -= 5
	case at%100 == 50: // two change places
		at++
	case at%100 == 51:
		at--
	}
	at -= at / 20 // no number is left out for the copies
	e.payload[0] = byte(at)
	p := seq.Packet{Sequence: at, Timestamp: float64(at), Payload: e.payload[:], Checksum: crc32.ChecksumIEEE(e.payload[:])}
	return seq.Delivery{Packet: p, Valid: true, HeaderTrusted: true, Cursor: e.n}, nil
}

// Section 8, simulation: at full rate heap, goroutines and open files do not
// grow; journal faults: nor does the memory that it takes to read what was
// written. A soak of 17 writes ten million packets, and none writes more: they
// take 3 GB.
func TestFullRate(t *testing.T) {
	dir := t.TempDir()
	type usage struct {
		heap              uint64
		goroutines, files int
	}
	var first, most usage
	looks := 0
	src := &endless{left: uint64(min(soak.Rounds(200_000, 600_000), 10_000_000))}
	src.look = func() {
		if looks++; looks%3 != 0 {
			return
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		files, _ := os.ReadDir("/proc/self/fd") // none where there is no such folder
		now := usage{m.HeapAlloc, runtime.NumGoroutine(), len(files)}
		if first.heap == 0 {
			first = now
		}
		most = usage{max(most.heap, now.heap), max(most.goroutines, now.goroutines), max(most.files, now.files)}
	}
	total := src.left
	l, err := record.NewLogger(src, filepath.Join(dir, "log"), record.Config{Session: "rate", StateDir: dir,
		Policy: seq.Config{First: 1, Window: 8}, Journal: journal.Config{Level: journal.None, SegmentBytes: 4 << 20}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Run(t.Context())
	if err != nil || s.PacketsReceived != total || s.Inversions != 0 || s.Gaps != 0 || s.DuplicatesDiscarded < total/25 || s.PacketsWritten+s.DuplicatesDiscarded != total {
		t.Fatalf("%v, %+v", err, s)
	}
	if most.heap > first.heap+1<<20 || most.goroutines > first.goroutines || most.files > first.files {
		t.Errorf("from %+v to %+v", first, most)
	}

	// What comes after a crash is read in as little memory, whatever its length.
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	r, err := journal.NewReader(vfs.OS{}, record.JournalDir(dir, "rate"), "rate")
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = r.Next()
	}
	runtime.ReadMemStats(&after)
	if report := r.Report(); err != io.EOF || report.Damaged > 0 || report.Torn != nil || !report.Clean {
		t.Errorf("%v, %+v", err, report)
	}
	if bytes := after.TotalAlloc - before.TotalAlloc; bytes > 2<<20 {
		t.Errorf("%d bytes allocated to read %d frames", bytes, r.Report().Frames)
	}
}
