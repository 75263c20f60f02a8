package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"holdfast/internal/vfs"
	"holdfast/record/seq"
)

const dir = "state/s.journal"

// contents is the bytes of a file.
func contents(t *testing.T, fsys vfs.FS, path string) []byte {
	t.Helper()
	f, err := fsys.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// put makes a file durable with these bytes.
func put(t *testing.T, fsys vfs.Disk, path string, b []byte) {
	t.Helper()
	f, err := fsys.OpenData(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Write(b)
	if err := errors.Join(err, f.Sync(), f.Close(), fsys.SyncDir(filepath.Dir(path))); err != nil {
		t.Fatal(err)
	}
}

// clone is a frame that stays.
func clone(f *seq.Frame) seq.Frame {
	c := *f
	c.Packet.Payload = slices.Clone(f.Packet.Payload)
	c.Wrote.Runs = slices.Clone(f.Wrote.Runs)
	c.Tally.Deltas = slices.Clone(f.Tally.Deltas)
	return c
}

// only leaves of a frame what its type uses.
func only(f seq.Frame) seq.Frame {
	g := seq.Frame{Type: f.Type}
	switch f.Type {
	case seq.FrameSession:
		g.Session = f.Session
	case seq.FrameStart:
		g.Start = f.Start
	case seq.FramePacket:
		g.Packet = f.Packet
	case seq.FrameWrote:
		g.Wrote = f.Wrote
	case seq.FrameRequest:
		g.Request = f.Request
	case seq.FrameGap:
		g.Gap = f.Gap
	case seq.FrameTally:
		g.Tally = f.Tally
	case seq.FramePolicy:
		g.Policy = f.Policy
	case seq.FrameStop:
		g.Stop = f.Stop
	}
	return g
}

// frames is what a reader gives of a journal.
func frames(t *testing.T, fsys vfs.Disk) ([]seq.Frame, Report) {
	t.Helper()
	r, err := NewReader(fsys, dir, "s")
	if err != nil {
		t.Fatal(err)
	}
	var got []seq.Frame
	for {
		e, err := r.Next()
		if err == io.EOF {
			return got, r.Report()
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, only(clone(e.Frame)))
	}
}

func open(t *testing.T, fsys vfs.Disk, c Config) (*Journal, Recovery) {
	t.Helper()
	if c.Session == "" {
		c.Session = "s"
	}
	j, rec, err := Open(fsys, dir, c)
	if err != nil {
		t.Fatal(err)
	}
	return j, rec
}

func mustAppend(t *testing.T, j *Journal, frames ...seq.Frame) LSN {
	t.Helper()
	lsn, err := j.Append(frames...)
	if err != nil {
		t.Fatal(err)
	}
	return lsn
}

func mustClose(t *testing.T, j *Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestFramesComeBack(t *testing.T) {
	t.Parallel()
	for _, level := range []Level{Group, None, Interval, Always} {
		disk := vfs.NewCrash(1, 0)
		var want []seq.Frame
		for range 3 { // processes
			var replayed []seq.Frame
			j, rec := open(t, disk, Config{Level: level, SegmentBytes: 4096, Replay: func(e Entry) error {
				replayed = append(replayed, only(clone(e.Frame)))
				return nil
			}})
			if diff := cmp.Diff(want, replayed); diff != "" || rec.Damaged > 0 || rec.Torn != nil || rec.Clean != (len(want) > 0) {
				t.Fatalf("%v: replay (-want +got):\n%s\n%+v", level, diff, rec)
			}
			for range 10 {
				for _, f := range someFrames() {
					lsn := mustAppend(t, j, f)
					want = append(want, f)
					if lsn != LSN(len(want)) {
						t.Fatalf("LSN %d of frame %d", lsn, len(want))
					}
					if err := j.Commit(lsn); err != nil {
						t.Fatal(err)
					}
				}
			}
			mustClose(t, j)
			got, report := frames(t, disk)
			if diff := cmp.Diff(want, got); diff != "" || report.Damaged > 0 || report.Torn != nil {
				t.Fatalf("%v (-want +got):\n%s\n%+v", level, diff, report)
			}
		}
	}
}

// D10: a journal of another session or a later version is not touched.
func TestForeignJournals(t *testing.T) {
	t.Parallel()
	later := header{id: 2, first: 9, session: sessionID("s")}.append(nil)
	later[8]++
	binary.LittleEndian.PutUint32(later[60:], crc32.Checksum(later[:60], castagnoli))
	longer := slices.Concat(later[:60], make([]byte, 40), []byte{0, 0, 0, 0})
	binary.LittleEndian.PutUint16(longer[10:], uint16(len(longer)))
	binary.LittleEndian.PutUint32(longer[100:], crc32.Checksum(longer[:100], castagnoli))
	for name, c := range map[string]struct {
		header []byte
		want   error
	}{
		"session":          {header{id: 2, first: 9, session: sessionID("t")}.append(nil), ErrForeign},
		"version":          {later, ErrVersion},
		"length of header": {longer, ErrVersion},
	} {
		disk := vfs.NewCrash(1, 0)
		j, _ := open(t, disk, Config{})
		mustAppend(t, j, packet(1))
		mustClose(t, j)
		torn := append(contents(t, disk, seg1), 1, 2, 3)
		put(t, disk, seg1, torn)
		put(t, disk, segmentPath(2), c.header)
		before, err := disk.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := Open(disk, dir, Config{Session: "s"}); !errors.Is(err, c.want) || !strings.Contains(err.Error(), segmentName(2)) {
			t.Errorf("%s: Open: %v", name, err)
		}
		if _, err := NewReader(disk, dir, "s"); !errors.Is(err, c.want) {
			t.Errorf("%s: NewReader: %v", name, err)
		}
		after, err := disk.ReadDir(dir)
		if diff := cmp.Diff(before, after); diff != "" || err != nil || !bytes.Equal(torn, contents(t, disk, seg1)) {
			t.Errorf("%s: touched: %v\n%s", name, err, diff)
		}
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]Config{
		"no session": {},
		"level":      {Session: "s", Level: Always + 1},
		"window":     {Session: "s", GroupWindow: -1},
		"interval":   {Session: "s", Interval: -1},
		"bytes":      {Session: "s", SegmentBytes: -1},
	} {
		disk := vfs.NewCrash(1, 0)
		if _, _, err := Open(disk, dir, c); err == nil {
			t.Errorf("%s: no error", name)
		}
		if names, err := disk.ReadDir("."); len(names) > 0 || err != nil {
			t.Errorf("%s: made %v, %v", name, names, err)
		}
	}
}

// A reader beside a writer sees whole frames, in order, and changes nothing.
func TestReaderBesideWriter(t *testing.T) {
	t.Parallel()
	disk := vfs.NewCrash(1, 0)
	j, _ := open(t, disk, Config{SegmentBytes: 4096, GroupWindow: time.Hour})
	defer j.Close()
	for n := range uint64(100) {
		mustAppend(t, j, packet(n+1))
		got, report := frames(t, disk)
		if len(got) != int(n+1) || report.Damaged > 0 || report.Torn != nil {
			t.Fatalf("%d of %d frames, %+v", len(got), n+1, report)
		}
		if err := same(got[n], packet(n+1)); err != nil {
			t.Fatal(err)
		}
	}
	r, err := NewReader(disk, dir, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(r.Close(), r.Close()); err != nil {
		t.Error(err)
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("after Close: %v", err)
	}
}

// A frame longer than a segment gets one of its own; one that cannot be written
// takes nothing with it.
func TestLongFrames(t *testing.T) {
	t.Parallel()
	disk := vfs.NewCrash(1, 0)
	j, _ := open(t, disk, Config{SegmentBytes: 4096, Level: Always})
	long := func(n int) seq.Frame {
		return seq.Frame{Type: seq.FramePacket, Packet: seq.PacketFrame{Packet: seq.Packet{Payload: bytes.Repeat([]byte{7}, n)}}}
	}
	want := []seq.Frame{packet(1), long(5000), packet(2), long(MaxPayload), packet(3)}
	for i, f := range want {
		if lsn := mustAppend(t, j, f); lsn != LSN(i+1) {
			t.Fatal(lsn)
		}
	}
	for name, f := range map[string]seq.Frame{
		"too long":      long(MaxPayload + 1),
		"no type":       {},
		"too many runs": {Type: seq.FrameWrote, Wrote: seq.WroteFrame{Runs: make([]seq.LineRun, 1<<16)}},
		"long name":     {Type: seq.FrameSession, Session: &seq.SessionFrame{Name: strings.Repeat("x", 1<<16)}},
	} {
		if lsn, err := j.Append(packet(4), f); err == nil || lsn != 0 {
			t.Errorf("%s: %d, %v", name, lsn, err)
		}
	}
	mustClose(t, j)
	if got, report := frames(t, disk); !reflect.DeepEqual(want, got) || report.Damaged > 0 || report.Torn != nil {
		t.Errorf("%d frames, %+v", len(got), report)
	}
}
