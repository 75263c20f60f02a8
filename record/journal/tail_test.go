package journal

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"holdfast/internal/soak"
	"holdfast/internal/vfs"
)

const tailPath = dir + "/" + tailName

// unmapped is a disk without memory that is a file.
func unmapped(o vfs.Op) error {
	if o.Call == "map" {
		return errors.ErrUnsupported
	}
	return nil
}

// inTail is a journal that was killed with n frames, none of them synced, and
// where each begins in TAIL.
func inTail(t *testing.T, n uint64) (disk *vfs.Crash, at []int) {
	t.Helper()
	disk = vfs.NewCrash(1, 1)
	j, _ := open(t, disk, Config{Level: None, SegmentBytes: 4096})
	for i := range n {
		at = append(at, tailHeader+len(j.enc.buf))
		mustAppend(t, j, packet(i+1))
	}
	if b := contents(t, disk, seg1); slices.ContainsFunc(b[headerSize:], func(b byte) bool { return b != 0 }) {
		t.Fatal("the frames are in the segment: nothing is tested")
	}
	disk.Kill()
	j.Close()
	return disk, at
}

// A frame that was cut off in TAIL, by a kill between any two of its bytes, is
// none; those before it are all there, for a reader and for the next writer.
func TestTailCutAtEveryByte(t *testing.T) {
	t.Parallel()
	const n = 4
	disk, at := inTail(t, n)
	whole := contents(t, disk, tailPath)
	last := whole[at[n-1]:]
	last = last[:frameSize(int(binary.LittleEndian.Uint32(last)))]
	step := 1
	if testing.Short() {
		step = 11
	}
	for cut := 0; cut <= len(last); cut += step {
		for name, before := range map[string][]byte{"zeros": make([]byte, len(last)), "frames": whole[at[0]:][:len(last)]} {
			b := append(slices.Clone(last[:cut]), before[cut:]...)
			if cut > 0 {
				clear(b[max(cut, len(b)-8):]) // an encoder begins with the padding
			}
			left := n - 1
			if slices.Equal(b, last) {
				left = n
			}
			disk, _ := inTail(t, n)
			put(t, disk, tailPath, slices.Concat(whole[:at[n-1]], b, whole[at[n-1]+len(last):]))
			read, _ := frames(t, disk)
			got, first, _ := reopened(t, disk)
			if len(read) != left || len(got) != left || first.Damaged > 0 || first.Torn != nil {
				t.Fatalf("cut at %d, before %s: read %d frames and recovered %d of %d; %+v", cut, name, len(read), len(got), left, first)
			}
		}
	}
}

// What a power cut can leave of TAIL is an old one. It changes nothing in a
// journal that has gone on, nor does that of another session or none at all.
func TestTailIsOld(t *testing.T) {
	t.Parallel()
	disk := vfs.NewCrash(1, 1)
	j, _ := open(t, disk, Config{Level: Always, SegmentBytes: 4096})
	var old [][]byte
	const n = 400
	for i := range uint64(n) {
		lsn := mustAppend(t, j, packet(i+1))
		old = append(old, contents(t, disk, tailPath))
		if i%7 == 0 {
			if err := j.Commit(lsn); err != nil {
				t.Fatal(err)
			}
		}
	}
	mustClose(t, j)
	foreign := slices.Clone(old[n-1])
	foreign[8]++
	old = append(old, foreign, nil, foreign[:20], make([]byte, tailMost))
	for i, b := range old {
		if i < n-30 && i%11 > 0 {
			continue
		}
		put(t, disk, tailPath, b)
		got, report := frames(t, disk)
		if len(got) != n || report.Damaged > 0 || report.Torn != nil {
			t.Fatalf("TAIL %d: %d frames of %d, %+v", i, len(got), n, report)
		}
	}
	j, rec := open(t, disk, Config{Level: Always, SegmentBytes: 4096})
	if rec.Frames != n || rec.Damaged > 0 || rec.Torn != nil {
		t.Errorf("%+v", rec)
	}
	mustClose(t, j)
}

// Frames in TAIL wait there while the disk has no room for them.
func TestTailWaitsForRoom(t *testing.T) {
	t.Parallel()
	full := false
	crash := vfs.NewCrash(1, 0)
	disk := vfs.NewFaulty(crash, func(o vfs.Op) error {
		if full && o.Call == "write" {
			return syscall.ENOSPC
		}
		return nil
	})
	j, _ := open(t, disk, Config{Level: Always})
	full = true
	lsn := mustAppend(t, j, packet(1), packet(2))
	var e *FullError
	if err := j.Commit(lsn); !errors.As(err, &e) || j.Durable() != 0 {
		t.Fatalf("%v, durable %d", err, j.Durable())
	}
	if lsn = mustAppend(t, j, packet(3)); lsn != 3 {
		t.Fatal(lsn)
	}
	full = false
	if err := j.Commit(lsn); err != nil {
		t.Fatal(err)
	}
	crash.Cut()
	j.Close()
	if got, report := frames(t, crash); len(got) != 3 || report.Torn != nil || report.Damaged > 0 {
		t.Errorf("%d frames, %+v", len(got), report)
	}
}

// A file that somebody cuts while it is memory is an error, not the end of the
// process.
func TestTailIsCut(t *testing.T) {
	t.Parallel()
	j, _, err := Open(vfs.OS{}, t.TempDir(), Config{Session: "s", Level: None})
	if err != nil {
		t.Fatal(err)
	}
	if j.tail.mem == nil {
		t.Skip("this system has no memory that is a file")
	}
	if err := os.Truncate(filepath.Join(j.dir, tailName), 0); err != nil {
		t.Fatal(err)
	}
	_, first := j.Append(packet(1))
	_, second := j.Append(packet(2))
	if first == nil || second != first || !strings.Contains(first.Error(), tailName) {
		t.Errorf("%v; %v", first, second)
	}
	if err := j.Close(); err != first {
		t.Errorf("close: %v", err)
	}
}

const appender = "HOLDFAST_TEST_APPEND_TO"

// TestAppender is the process that TestKilled kills. It says each frame that it
// has appended.
func TestAppender(t *testing.T) {
	to := os.Getenv(appender)
	if to == "" {
		t.Skip("is run by TestKilled")
	}
	next := uint64(1)
	c := Config{Session: "s", Level: None, SegmentBytes: 64 << 10, Replay: func(e Entry) error {
		next = e.Frame.Packet.Sequence + 1
		return nil
	}}
	j, _, err := Open(vfs.OS{}, to, c)
	if err != nil {
		t.Fatal(err)
	}
	for ; ; next++ {
		if _, err := j.Append(packet(next)); err != nil {
			t.Fatal(err)
		}
		fmt.Println(next)
	}
}

// A process that is killed with SIGKILL loses nothing that it has appended.
func TestKilled(t *testing.T) {
	t.Parallel()
	to := t.TempDir()
	rng := rand.New(rand.NewPCG(1, 1))
	for range soak.Rounds(4, 10) {
		cmd := exec.Command(os.Args[0], "-test.run=^TestAppender$")
		cmd.Env = append(os.Environ(), appender+"="+to)
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		said := uint64(0)
		lines := bufio.NewScanner(out)
		for left := 1 + rng.IntN(3000); lines.Scan(); left-- {
			if _, err := fmt.Sscan(lines.Text(), &said); err != nil {
				t.Fatal(lines.Text())
			}
			if left == 0 {
				cmd.Process.Kill()
			}
		}
		cmd.Wait()
		r, err := NewReader(vfs.OS{}, to, "s")
		if err != nil {
			t.Fatal(err)
		}
		n := uint64(0)
		for e, err := r.Next(); err == nil; e, err = r.Next() {
			n++
			if err := same(only(*e.Frame), packet(n)); err != nil {
				t.Fatal(err)
			}
		}
		if r.Report().Damaged > 0 || r.Report().Torn != nil || n < said || said == 0 {
			t.Fatalf("%d frames of %d: %+v", n, said, r.Report())
		}
	}
}
