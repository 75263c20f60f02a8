package record_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"holdfast/internal/vfs"
	"holdfast/lab/lossy"
	"holdfast/record"
	"holdfast/record/journal"
	"holdfast/record/seq"
)

// stopAt runs one process that ends at its n-th receive.
func (r *rig) stopAt(n int) {
	r.t.Helper()
	r.lab.FS, r.c.Disk, r.c.Policy.Window = r.disk, r.disk, uint64(r.lab.ReorderWindow)
	r.src = &labSource{c: r.lab, after: func(i int) error {
		if i == n {
			return lossy.ErrTerminated
		}
		return nil
	}}
	l, err := record.NewLogger(r.src, rigLog, r.c)
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := l.Run(r.t.Context()); !errors.Is(err, lossy.ErrTerminated) {
		r.t.Fatalf("run: %v", err)
	}
	r.crash.Kill()
}

// D9: whatever happens to the end of the log, the next start mends it from the
// journal, to the same bytes.
func TestLogIsDerived(t *testing.T) {
	t.Parallel()
	whole := newRig(t, 4)
	whole.lab.TotalPackets, whole.lab.TerminationProb = 80, .0000001
	whole.finish()
	want := whole.read(rigLog)
	faults := map[string]func(r *rig, log []byte){
		"deleted":  func(r *rig, _ []byte) { r.remove(rigLog) },
		"emptied":  func(r *rig, _ []byte) { r.write(rigLog, nil) },
		"NUL tail": func(r *rig, log []byte) { r.write(rigLog, append(bytes.Clone(log), make([]byte, 300)...)) },
		"garbage":  func(r *rig, log []byte) { r.write(rigLog, append(bytes.Clone(log), "12,0.1,zz,OK\nabc"...)) },
		"repeated": func(r *rig, log []byte) { r.write(rigLog, append(bytes.Clone(log), log[:40]...)) },
	}
	last := 0
	for cut := 1; cut < 90; cut++ {
		faults[fmt.Sprintf("cut by %d", cut)] = func(r *rig, log []byte) { r.write(rigLog, log[:max(0, len(log)-cut)]) }
		last = cut
	}
	if last == 0 {
		t.Fatal("no cuts")
	}
	for name, fault := range faults {
		r := newRig(t, 4)
		r.lab.TotalPackets, r.lab.TerminationProb = 80, .0000001
		r.stopAt(45)
		fault(r, r.read(rigLog))
		r.finish()
		if got := r.read(rigLog); !bytes.Equal(got, want) {
			t.Errorf("%s: the log became\n%s\nwant\n%s", name, got, want)
		}
		r.verified(name)
	}
}

func (r *rig) remove(path string) {
	r.t.Helper()
	if err := r.crash.Remove(path); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) verify() record.Verification {
	r.t.Helper()
	reader, err := journal.NewReader(r.crash, record.JournalDir(rigState, r.c.Session), r.c.Session)
	if err != nil {
		r.t.Fatal(err)
	}
	v, err := record.Verify(bytes.NewReader(r.read(rigLog)), reader)
	if err != nil {
		r.t.Fatal(err)
	}
	return v
}

func (r *rig) verified(name string) {
	r.t.Helper()
	if v := r.verify(); !v.Held() {
		r.t.Errorf("%s: %+v", name, v)
	}
}

// D9: bytes that a WROTE covers are never changed; verify names the line.
func TestEditedLogIsReported(t *testing.T) {
	t.Parallel()
	r := newRig(t, 6)
	r.lab.TotalPackets = 80
	r.finish()
	log := r.read(rigLog)
	lines := strings.SplitAfter(string(log), "\n")
	lines[9] = strings.Replace(lines[9], "7061636b", "7161636b", 1)
	edited := strings.Join(lines, "")
	r.write(rigLog, []byte(edited))
	if _, err := r.start(); err != nil {
		t.Fatal(err)
	}
	if string(r.read(rigLog)) != edited {
		t.Error("the recorder changed what was written")
	}
	v := r.verify()
	if v.Differing != 1 || v.Differences[0].Line != 10 {
		t.Errorf("%+v", v)
	}
}

// D10: a log without its journal is known and goes on; nothing is written twice.
func TestLogWithoutJournal(t *testing.T) {
	t.Parallel()
	r := newRig(t, 4)
	r.lab.TotalPackets, r.lab.TerminationProb = 80, .0000001
	r.stopAt(45)
	before := r.read(rigLog)
	names, err := r.crash.ReadDir(record.JournalDir(rigState, r.c.Session))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		r.remove(record.JournalDir(rigState, r.c.Session) + "/" + name)
	}
	for _, name := range []string{"packets.json", "position.txt", "retransmit.json"} {
		r.remove(rigState + "/.ms_4_" + name)
	}
	s := r.finish()
	if !bytes.HasPrefix(r.read(rigLog), before) {
		t.Error("the log was changed")
	}
	r.perfect()
	if s.Total.Extra["adopted_lines"] != int64(bytes.Count(before, []byte{'\n'})) {
		t.Errorf("adopted: %v", s.Total.Extra)
	}
	r.verified("adopted")

	bad := newRig(t, 4)
	bad.write(rigLog, []byte("1,0.5,6869,OK\n2,0.5,6869\n"))
	_, err = bad.start()
	var input *record.InputError
	if !errors.As(err, &input) || input.Line != 2 {
		t.Errorf("a malformed log: %v", err)
	}
	if names, _ := bad.crash.ReadDir(rigState); len(names) != 0 {
		t.Errorf("something was made: %v", names)
	}
}

// Crash test (c): what waited behind a gap when the process ended is logged
// without being asked for.
func TestHeldPacketsSurvive(t *testing.T) {
	t.Parallel()
	for n := 2; n < 150; n += 3 {
		r := newRig(t, 8)
		r.lab.TotalPackets, r.lab.TerminationProb = 140, .0000001
		r.stopAt(n)
		state, _, err := record.Replay(r.crash, record.JournalDir(rigState, r.c.Session), r.c.Session)
		if err != nil {
			t.Fatal(err)
		}
		r.finish()
		for _, ask := range r.src.trace {
			for _, k := range state.Known {
				if k.First <= ask.First && ask.First <= k.Last {
					t.Errorf("ended at receive %d: sequence %d was known and is asked for", n, ask.First)
				}
			}
		}
		r.perfect()
		r.verified(fmt.Sprint("ended at receive ", n))
	}
}

// Crash test (e): after one failed sync nothing more is acknowledged, and the
// next start writes the tail again.
func TestFailedSync(t *testing.T) {
	t.Parallel()
	for _, level := range []journal.Level{journal.Group, journal.Always} {
		underWay := 0
		if level == journal.Group {
			underWay = 1 // a write of lines that are durable, when the timer's sync fails beside it
		}
		for nth := 1; nth < 40; nth += 2 {
			r := newRig(t, 9)
			r.lair = newRig(t, 9).disk
			r.lab.TotalPackets, r.lab.TerminationProb = 120, 0
			r.c.Journal.Level = level
			syncs, after := 0, 0
			r.disk = vfs.NewFaulty(r.crash, func(o vfs.Op) error {
				if o.Call == "sync" || o.Call == "syncdata" {
					if syncs++; syncs == nth {
						return syscall.EIO
					}
				}
				if syncs >= nth && o.Call == "write" && o.Name == rigLog {
					after++
				}
				return nil
			})
			_, err := r.start()
			r.disk = r.crash
			if syncs >= nth && !errors.Is(err, syscall.EIO) {
				t.Fatalf("%v, sync %d: %v", level, nth, err)
			}
			if after > underWay {
				t.Errorf("%v, sync %d: %d writes to the log after it", level, nth, after)
			}
			r.crash.Kill()
			r.finish()
			r.genuine(r.read(rigLog), second(r.truth()))
			r.verified(fmt.Sprint(level, nth))
		}
	}
}

func second[A, B any](_ A, b B) B { return b }

// D4, D7: a second recorder is refused; a missing folder is told before
// anything is received.
func TestRefusals(t *testing.T) {
	t.Parallel()
	r := newRig(t, 42)
	r.c.Disk, r.lab.FS = r.disk, r.disk
	one, err := record.NewLogger(&labSource{c: r.lab}, rigLog, r.c)
	if err != nil || one == nil {
		t.Fatal(err)
	}
	if _, err := record.NewLogger(&labSource{c: r.lab}, rigLog, r.c); !errors.Is(err, record.ErrLocked) {
		t.Errorf("second recorder: %v", err)
	}
	other := r.c
	other.Session = "other"
	if _, err := record.NewLogger(&labSource{c: r.lab}, rigLog, other); !errors.Is(err, record.ErrLocked) {
		t.Errorf("second recorder of the log: %v", err)
	}
	src := &labSource{c: r.lab}
	if _, err := record.NewLogger(src, "/none/events.log", r.c); !errors.Is(err, os.ErrNotExist) || src.Source != nil {
		t.Errorf("missing folder: %v", err)
	}
}

// The classic logger (J1-J3) loses its buffer and counts it; the journal with
// the same bound loses nothing.
func TestJournalOff(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		off                   bool
		buffer                int
		written, lines, pairs uint64
		lost                  uint64
	}{
		{true, 1, 977, 571, 1344, 0},
		{true, 10, 921, 6, 9, 57},
		{true, 30, 776, 0, 0, 204},
		{false, 1, 977, 571, 1344, 0},
	} {
		r := newRig(t, 42)
		r.c.Policy = seq.Config{JournalOff: c.off, BufferSize: c.buffer}
		total := r.finish().Total
		if total.PacketsWritten != c.written || total.Inversions != c.lines || total.Extra["inverted_pairs"] != int64(c.pairs) || total.FinalBufferSize != c.lost {
			t.Errorf("%+v: %+v", c, total)
		}
		again, err := record.SessionStats(r.crash, rigState, r.c.Session)
		if err != nil || fmt.Sprint(again.Total) != fmt.Sprint(total) {
			t.Errorf("%+v: from the journal %+v, %v", c, again.Total, err)
		}
	}
}
