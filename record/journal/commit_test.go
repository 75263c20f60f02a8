package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"holdfast/internal/vfs"
	"holdfast/record/seq"
)

// hooked is a disk that calls a function within each sync of data, when the
// bytes are on the disk and the caller does not know it yet.
type hooked struct {
	vfs.Disk
	synced func()
}

type hookedFile struct {
	vfs.DataFile
	disk *hooked
}

func (h *hooked) OpenData(name string, flag int, perm fs.FileMode) (vfs.DataFile, error) {
	f, err := h.Disk.OpenData(name, flag, perm)
	return hookedFile{f, h}, err
}

func (f hookedFile) SyncData() error {
	err := f.DataFile.SyncData()
	f.disk.synced()
	return err
}

// What is appended during a sync is not durable after it, and one sync serves
// all who wait for it.
func TestAppendDuringSync(t *testing.T) {
	t.Parallel()
	crash := vfs.NewCrash(1, 0)
	disk := &hooked{Disk: crash, synced: func() {}}
	j, _ := open(t, disk, Config{Level: Always})
	syncs := 0
	disk.synced = func() {
		if syncs++; syncs == 1 {
			mustAppend(t, j, packet(3), packet(4))
		}
	}
	mustAppend(t, j, packet(1), packet(2))
	if err := j.Commit(1); err != nil {
		t.Fatal(err)
	}
	if d := j.Durable(); d != 2 || j.Unsynced() == 0 {
		t.Errorf("durable to %d, unsynced %d bytes", d, j.Unsynced())
	}
	if err := j.Commit(2); err != nil || syncs != 1 {
		t.Errorf("%d syncs, %v", syncs, err)
	}
	if err := j.Commit(3); err != nil || syncs != 2 || j.Durable() != 4 || j.Unsynced() != 0 {
		t.Errorf("%d syncs, durable to %d, %v", syncs, j.Durable(), err)
	}
	crash.Cut()
	j.Close()
	if got, _ := frames(t, crash); len(got) != 4 {
		t.Errorf("%d frames", len(got))
	}
}

// Each caller appends and commits; all frames are there, in the order of their
// LSN, and syncs are shared.
func TestManyCallers(t *testing.T) {
	t.Parallel()
	const callers, each = 8, 50
	dir := filepath.Join(t.TempDir(), "s.journal")
	var syncs atomic.Int64
	j, _, err := Open(vfs.OS{}, dir, Config{Session: "s", SegmentBytes: 8 << 10, OnSync: func(s Sync) { syncs.Add(1) }})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	owner := map[LSN]uint64{}
	var wait sync.WaitGroup
	for c := range uint64(callers) {
		wait.Go(func() {
			for i := range uint64(each) {
				n := c*each + i + 1
				lsn, err := j.Append(packet(n))
				if err == nil {
					err = j.Commit(lsn)
				}
				if err != nil || j.Durable() < lsn {
					t.Errorf("frame %d, durable to %d: %v", lsn, j.Durable(), err)
					return
				}
				mu.Lock()
				owner[lsn] = n
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	mustClose(t, j)
	count := 0
	_, rec, err := Open(vfs.OS{}, dir, Config{Session: "s", Replay: func(e Entry) error {
		count++
		return same(only(*e.Frame), packet(owner[e.LSN]))
	}})
	if err != nil || count != callers*each || rec.Damaged > 0 || rec.Torn != nil {
		t.Errorf("%d frames, %+v, %v", count, rec, err)
	}
	if n := syncs.Load(); n > callers*each+50 {
		t.Errorf("%d syncs for %d frames: they are not shared", n, callers*each)
	}
}

// Frames that nobody commits are synced when their time has come, or when they
// are many (D1).
func TestSyncInTime(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		config Config
		after  time.Duration
	}{
		{Config{}, time.Millisecond},
		{Config{GroupWindow: 5 * time.Millisecond}, 5 * time.Millisecond},
		{Config{GroupWindow: time.Hour, GroupBytes: 100}, 0},
		{Config{Level: Interval}, 100 * time.Millisecond},
		{Config{Level: Interval, Interval: time.Second, GroupBytes: 100}, time.Second},
		{Config{Level: None}, -1},
		{Config{Level: Always}, -1},
	} {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			var all []Sync
			c.config.OnSync = func(s Sync) { mu.Lock(); defer mu.Unlock(); all = append(all, s) }
			seen := func() []Sync { mu.Lock(); defer mu.Unlock(); return slices.Clone(all) }
			j, _ := open(t, vfs.NewCrash(1, 0), c.config)
			for i := range 3 {
				from := len(seen())
				lsn := mustAppend(t, j, packet(1), packet(2))
				if c.after > 0 {
					time.Sleep(c.after - time.Nanosecond)
					if synctest.Wait(); len(seen()) > from {
						t.Fatalf("%+v: synced too early", c.config)
					}
					time.Sleep(time.Nanosecond)
				}
				synctest.Wait()
				if c.after < 0 {
					if time.Sleep(time.Hour); len(seen()) > 0 {
						t.Fatalf("%+v: synced", c.config)
					}
					continue
				}
				if syncs := seen(); len(syncs) != i+1 || syncs[i].Durable != lsn || syncs[i].Bytes == 0 || j.Durable() != lsn {
					t.Fatalf("%+v: %+v", c.config, syncs)
				}
			}
			mustClose(t, j)
		})
	}
}

// Commit waits for the disk at the levels that promise it, and only there.
func TestCommitSyncs(t *testing.T) {
	t.Parallel()
	for level, want := range map[Level]int{None: 0, Interval: 0, Group: 1, Always: 1} {
		synctest.Test(t, func(t *testing.T) {
			syncs := 0
			j, _ := open(t, vfs.NewCrash(1, 0), Config{Level: level, OnSync: func(Sync) { syncs++ }})
			if err := j.Commit(mustAppend(t, j, packet(1))); err != nil || syncs != want {
				t.Errorf("%v: %d syncs, %v", level, syncs, err)
			}
			mustClose(t, j)
		})
	}
}

func TestCommitOfWhatWasNotAppended(t *testing.T) {
	t.Parallel()
	j, _ := open(t, vfs.NewCrash(1, 0), Config{Level: Always})
	defer j.Close()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	j.Commit(1)
}

// D3: whatever call fails for another reason than space, nothing is
// acknowledged after it, and the first error stands.
func TestFailuresStick(t *testing.T) {
	t.Parallel()
	errIO := errors.New("input/output error")
	for _, call := range []string{"write", "sync", "truncate", "close", "rename", "syncdir"} {
		failing := false
		disk := vfs.NewFaulty(vfs.NewCrash(1, 0), func(o vfs.Op) error {
			if failing && o.Call == call && strings.Contains(o.Name, filepath.Base(dir)) {
				return fmt.Errorf("%w of %s", errIO, o.Call)
			}
			return nil
		})
		j, _ := open(t, disk, Config{Level: Always, SegmentBytes: 4096})
		failing = true
		var err error
		for n := uint64(1); err == nil && n < 1000; n++ {
			var lsn LSN
			if lsn, err = j.Append(packet(n)); err == nil {
				err = j.Commit(lsn)
			}
		}
		failing = false
		if !errors.Is(err, errIO) || !strings.Contains(err.Error(), call) {
			t.Errorf("%s: %v", call, err)
			continue
		}
		if _, again := j.Append(packet(1)); again != err {
			t.Errorf("%s: then Append: %v", call, again)
		}
		if again := j.Commit(0); again != err {
			t.Errorf("%s: then Commit: %v", call, again)
		}
		if again := j.Close(); again != err {
			t.Errorf("%s: then Close: %v", call, again)
		}
	}
}

// D4: a full disk stops the intake, takes a STOP, and the journal goes on when
// there is room, in the same process or the next.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	for _, cause := range []error{syscall.ENOSPC, syscall.EDQUOT} {
		for _, call := range []string{"preallocate", "open"} {
			full := false
			crash := vfs.NewCrash(1, 0)
			disk := vfs.NewFaulty(crash, func(o vfs.Op) error {
				if full && o.Call == call && (o.New || call != "open") && strings.Contains(o.Name, tempSuffix) {
					return cause
				}
				return nil
			})
			j, _ := open(t, disk, Config{Level: Always, SegmentBytes: 4096})
			full = true
			var want []seq.Frame
			n := uint64(1)
			next := func() error {
				f := packet(n)
				_, err := j.Append(f)
				if err == nil {
					want = append(want, f)
					n++
				}
				return err
			}
			var err error
			for err == nil && n < 1000 {
				err = next()
			}
			var e *FullError
			if !errors.As(err, &e) || e.Need < 4096 || !errors.Is(err, cause) || !strings.Contains(err.Error(), segmentName(2)) {
				t.Fatalf("%s: %v", call, err)
			}
			full = false
			for range 100 {
				if err := next(); err != nil {
					t.Fatalf("%s: with room again: %v", call, err)
				}
			}
			full = true
			for err = nil; err == nil && n < 2000; {
				err = next()
			}
			stop := []seq.Frame{{Type: seq.FrameTally, Tally: seq.TallyFrame{Held: 1, Deltas: make([]seq.Delta, 40)}}, {Type: seq.FrameStop, Stop: seq.StopDiskFull}}
			if err := j.Commit(mustAppend(t, j, stop...)); err != nil {
				t.Fatalf("%s: %v", call, err)
			}
			crash.Cut()
			j.Close()
			got, report := frames(t, crash)
			if len(got) != len(want)+2 || !report.Clean || report.Torn != nil || report.Damaged > 0 {
				t.Errorf("%s: %d frames of %d, %+v", call, len(got), len(want)+2, report)
			}
		}
	}
}

// A write that fills the disk, of frames that are nowhere else, has taken
// nothing, and leaves nothing that could be read behind what comes next.
func TestDiskFullInTheMiddle(t *testing.T) {
	t.Parallel()
	full := false
	crash := vfs.NewCrash(1, 0)
	disk := vfs.NewFaulty(crash, func(o vfs.Op) error {
		if full && o.Call == "write" {
			full = false
			return syscall.ENOSPC
		}
		return unmapped(o)
	})
	j, _ := open(t, disk, Config{Level: None})
	mustAppend(t, j, packet(1))
	full = true
	batch := []seq.Frame{packet(2), packet(3), packet(4), packet(5), packet(6), packet(7)}
	var e *FullError
	if lsn, err := j.Append(batch...); lsn != 1 || !errors.As(err, &e) || e.Need == 0 {
		t.Fatalf("%d, %v", lsn, err)
	}
	other := packet(2)
	other.Packet.Sequence = 12
	if lsn, err := j.Append(other); lsn != 2 || err != nil {
		t.Fatalf("%d, %v", lsn, err)
	}
	crash.Kill()
	j.Close()
	if got, report := frames(t, crash); len(got) != 2 || report.Torn != nil || report.Damaged > 0 {
		t.Errorf("%d frames, %+v", len(got), report)
	}
}

// D7.
func TestSecondWriter(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		disk vfs.Disk
		dir  string
	}{"memory": {vfs.NewCrash(1, 0), dir}, "disk": {vfs.OS{}, filepath.Join(t.TempDir(), "a", "s.journal")}} {
		first, _, err := Open(c.disk, c.dir, Config{Session: "s"})
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = Open(c.disk, c.dir, Config{Session: "s"})
		var locked *LockedError
		want := fmt.Sprintf("locked by another recorder (pid %d)", os.Getpid())
		if !errors.As(err, &locked) || !errors.Is(err, vfs.ErrLocked) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
		mustClose(t, first)
		if err := first.Close(); err != ErrClosed {
			t.Errorf("%s: closed twice: %v", name, err)
		}
		if _, err := first.Append(packet(1)); err != ErrClosed {
			t.Errorf("%s: append after Close: %v", name, err)
		}
		again, _, err := Open(c.disk, c.dir, Config{Session: "s"})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		mustClose(t, again)
	}
}

// Steady state: no allocation for an append, nor for its commit.
func TestAppendDoesNotAllocate(t *testing.T) {
	for _, level := range []Level{None, Group, Always} {
		j, _, err := Open(vfs.OS{}, t.TempDir(), Config{Session: "s", Level: level})
		if err != nil {
			t.Fatal(err)
		}
		batch := append(goldenFrames(), seq.Frame{Type: seq.FrameTally, Tally: seq.TallyFrame{Deltas: []seq.Delta{{Counter: 1, By: 2}}}})
		work := func() {
			lsn, err := j.Append(batch...)
			if err == nil {
				err = j.Commit(lsn)
			}
			if err != nil {
				t.Error(err)
			}
		}
		work()
		if n := testing.AllocsPerRun(200, work); n >= 1 {
			t.Errorf("%v: %v allocations", level, n)
		}
		mustClose(t, j)
	}
}

// Memory for reading does not grow with the journal.
func TestReadingAllocatesOnce(t *testing.T) {
	allocations := func(n int) float64 {
		disk := vfs.NewCrash(1, 0)
		j, _ := open(t, disk, Config{Level: None})
		for range n / 100 {
			mustAppend(t, j, records(100)...)
		}
		mustClose(t, j)
		return testing.AllocsPerRun(3, func() {
			if got, err := NewReader(disk, dir, "s"); err != nil {
				t.Error(err)
			} else {
				for err == nil {
					_, err = got.Next()
				}
			}
		})
	}
	if few, many := allocations(5_000), allocations(50_000); many > few+10 {
		t.Errorf("%v allocations for 5,000 frames, %v for 50,000", few, many)
	}
}
