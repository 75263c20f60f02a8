package journal

import (
	"fmt"
	"syscall"
	"testing"

	"holdfast/internal/vfs"
)

const synced = dir + "/" + syncedName

// killed is a journal of n frames whose process was killed behind its last
// sync, and where each frame ends.
func killed(t *testing.T, n uint64) (disk *vfs.Crash, ends []int64) {
	t.Helper()
	disk = vfs.NewCrash(1, 1)
	j, _ := open(t, disk, Config{Level: Always, SegmentBytes: 64 << 10})
	for i := range n {
		if err := j.Commit(mustAppend(t, j, packet(i+1))); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, j.end())
	}
	disk.Kill()
	j.Close()
	return disk, ends
}

// Synced frames that turned into zeros are reported, whether the zeros begin
// with a frame or in one: the file SYNCED speaks for them.
func TestVanishedEnd(t *testing.T) {
	t.Parallel()
	const n = 40
	_, ends := killed(t, n)
	for _, c := range []struct {
		name string
		from int64 // the first byte that is gone
		left uint64
		kind Kind
	}{
		{"a frame", ends[n-2], n - 1, MissingFrames},
		{"five frames", ends[n-6], n - 5, MissingFrames},
		{"half a frame", ends[n-2] + 16, n - 1, DamagedFrames},
		{"all frames", headerSize, 0, MissingFrames},
	} {
		for _, cut := range []bool{false, true} {
			disk, _ := killed(t, n)
			b := contents(t, disk, seg1)
			b = zeroed(b, len(b)-int(c.from))
			if cut {
				b = b[:c.from]
			}
			put(t, disk, seg1, b)
			before, report := frames(t, disk)
			got, first, second := reopened(t, disk)
			name := fmt.Sprintf("%s, cut %t", c.name, cut)
			if len(before) != int(c.left) || len(got) != int(c.left) || report.Damaged != 1 || first.Damaged != 1 || first.Torn != nil {
				t.Fatalf("%s: %d and %d frames; %+v; %+v", name, len(before), len(got), report, first)
			}
			d := first.Damages[0]
			if d.Kind != c.kind || d.First != LSN(c.left+1) || d.Last != n || d.Known {
				t.Errorf("%s: %+v", name, d)
			}
			if second.Damaged != 1 || !second.Damages[0].Known {
				t.Errorf("%s: opened again: %+v", name, second)
			}
			j, _ := open(t, disk, Config{Level: Always, SegmentBytes: 64 << 10})
			if lsn := mustAppend(t, j, packet(n+1)); lsn != n+1 {
				t.Errorf("%s: the next frame is %d: what vanished must stay a hole", name, lsn)
			}
			mustClose(t, j)
			if after, report := frames(t, disk); len(after) != int(c.left)+1 || report.Damaged != 1 || !report.Damages[0].Known {
				t.Errorf("%s: in the end %d frames, %+v", name, len(after), report)
			}
		}
	}
}

// A SYNCED that cannot be believed proves nothing.
func TestWitnesses(t *testing.T) {
	t.Parallel()
	disk, ends := killed(t, 9)
	good := contents(t, disk, synced)
	if want := (witness{1, ends[8], 9}); readWitness(disk, dir, "s") != want || readWitness(disk, dir, "") != want {
		t.Errorf("%+v, want %+v", readWitness(disk, dir, "s"), want)
	}
	segment := contents(t, disk, seg1)
	put(t, disk, seg1, zeroed(segment, len(segment)-int(ends[7])))
	for name, b := range map[string][]byte{
		"none": nil, "short": good[:40], "zeros": make([]byte, 64), "flipped": append([]byte{1}, good[1:]...),
		"of another session": witness{1, ends[8], 9}.append(nil, sessionID("other")),
		"older":              witness{1, ends[7], 8}.append(nil, sessionID("s")),
	} {
		put(t, disk, synced, b)
		if got, report := frames(t, disk); len(got) != 8 || report.Damaged > 0 {
			t.Errorf("%s: %d frames, %+v", name, len(got), report)
		}
	}
	put(t, disk, synced, good)
	if _, report := frames(t, disk); report.Damaged != 1 {
		t.Errorf("%+v", report)
	}
}

// A journal goes on where SYNCED cannot be written.
func TestNoWitness(t *testing.T) {
	t.Parallel()
	crash := vfs.NewCrash(1, 1)
	disk := vfs.NewFaulty(crash, func(o vfs.Op) error {
		if o.Name == synced {
			return syscall.EIO
		}
		return nil
	})
	j, _ := open(t, disk, Config{Level: Always, SegmentBytes: 4096})
	for n := range uint64(200) {
		if err := j.Commit(mustAppend(t, j, packet(n+1))); err != nil {
			t.Fatal(err)
		}
	}
	mustClose(t, j)
	if got, report := frames(t, crash); len(got) != 200 || report.Damaged > 0 {
		t.Errorf("%d frames, %+v", len(got), report)
	}
}

// The bytes of SYNCED are part of the format.
func TestWitnessFormat(t *testing.T) {
	t.Parallel()
	got := fmt.Sprintf("%x", witness{2, 144, 7}.append(nil, sessionID("lab-42")))
	const want = "484653594e430d0a8eab7f503a89e182" + "0200000000000000" + "9000000000000000" + "0700000000000000" + "00e34aa9"
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
