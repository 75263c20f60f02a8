package vfs_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"holdfast/internal/vfs"
)

// text reads a file; "-" if there is none.
func text(t *testing.T, disk vfs.Disk, path string) string {
	t.Helper()
	f, err := disk.OpenData(path, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return "-"
	}
	noError(t, err)
	defer f.Close()
	size, err := f.Size()
	noError(t, err)
	b := make([]byte, size)
	if size > 0 {
		_, err = f.ReadAt(b, 0)
		noError(t, err)
	}
	return string(b)
}

// With nothing surviving, exactly what was synced is there; with everything,
// what was written.
func TestCutAtTheExtremes(t *testing.T) {
	t.Parallel()
	for p, want := range map[float64][]string{0: {"old", "-", "-", "moved", "-", "linked"}, 1: {"new text", "made", "-", "-", "moved", "-"}} {
		disk := vfs.NewCrash(1, p)
		noError(t, disk.MkdirAll("d", 0o777))
		for name, s := range map[string]string{"d/changed": "old", "d/from": "moved", "d/removed": "linked"} {
			f := writeText(t, disk, name, s)
			noError(t, f.SyncData())
		}
		noError(t, disk.SyncDir("d"))
		noError(t, disk.SyncDir("."))
		writeText(t, disk, "d/changed", "new text")
		writeText(t, disk, "d/made", "made")
		noError(t, disk.Rename("d/from", "d/to"))
		noError(t, disk.Remove("d/removed"))
		disk.Cut()
		for i, name := range []string{"d/changed", "d/made", "d/none", "d/from", "d/to", "d/removed"} {
			if got := text(t, disk, name); got != want[i] {
				t.Errorf("p %v: %s holds %q, want %q", p, name, got, want[i])
			}
		}
	}
}

// A name is durable after SyncDir, whether its file is or not; a file that was
// synced is lost with its name.
func TestNamesAndBytesAreSyncedApart(t *testing.T) {
	t.Parallel()
	disk := vfs.NewCrash(1, 0)
	f := writeText(t, disk, "bytes", "text")
	noError(t, f.Sync())
	disk.Cut()
	if got := text(t, disk, "bytes"); got != "-" {
		t.Errorf("a name that was not synced: %q", got)
	}
	writeText(t, disk, "name", "text")
	noError(t, disk.SyncDir("."))
	disk.Cut()
	if got := text(t, disk, "name"); got != "" {
		t.Errorf("bytes that were not synced: %q", got)
	}
	noError(t, disk.MkdirAll("a/b", 0o777))
	noError(t, disk.SyncDir("a"))
	disk.Cut()
	wantNames(t, disk, ".", "name")
}

// What survives of a block: new, old, in between, or sectors of both; and each
// of these happens.
func TestBlocksTear(t *testing.T) {
	t.Parallel()
	const block, sector = 4096, 512
	fill := func(c byte) []byte { return bytes.Repeat([]byte{c}, 2*block) }
	seen := map[string]int{}
	for seed := range uint64(400) {
		disk := vfs.NewCrash(seed, .5)
		f := writeText(t, disk, "f", string(fill('a')))
		noError(t, f.Sync())
		noError(t, disk.SyncDir("."))
		for _, c := range []byte("bc") {
			_, err := f.WriteAt(fill(c), 0)
			noError(t, err)
		}
		disk.Cut()
		got := text(t, disk, "f")
		if len(got) != 2*block {
			t.Fatalf("%d bytes", len(got))
		}
		kinds := ""
		for at := 0; at < len(got); at += sector {
			s := got[at : at+sector]
			if strings.Trim(s, s[:1]) != "" {
				t.Fatalf("a sector is torn: %q", s)
			}
			kinds += s[:1]
		}
		for _, k := range []string{kinds[:8], kinds[8:]} {
			letters := slices.Compact(slices.Sorted(slices.Values([]byte(k))))
			seen[string(letters)]++
		}
		if kinds[:8] != kinds[8:] {
			seen["blocks differ"]++
		}
	}
	for _, k := range []string{"a", "b", "c", "ac", "bc", "blocks differ"} {
		if seen[k] == 0 {
			t.Errorf("%s: never: %v", k, seen)
		}
	}
}

// The length of a file that grew is the new one, the old one or one in between,
// and what is missing reads as zeros.
func TestLengths(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for seed := range uint64(200) {
		disk := vfs.NewCrash(seed, .5)
		f := writeText(t, disk, "f", strings.Repeat("a", 100))
		noError(t, f.Sync())
		noError(t, disk.SyncDir("."))
		_, err := f.WriteAt(bytes.Repeat([]byte("b"), 9900), 100)
		noError(t, err)
		noError(t, f.Preallocate(20_000))
		disk.Cut()
		got := text(t, disk, "f")
		if !strings.HasPrefix(got, strings.Repeat("a", 100)) || strings.Trim(got[100:], "b\x00") != "" {
			t.Fatalf("seed %d: %q", seed, got)
		}
		switch len(got) {
		case 100:
			seen["old"] = true
		case 20_000:
			seen["new"] = true
		default:
			seen["between"] = true
		}
	}
	if len(seen) != 3 {
		t.Errorf("seen only %v", seen)
	}
}

// A file that was cut and has grown again holds old bytes, zeros or new ones.
func TestTruncate(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for seed := range uint64(100) {
		disk := vfs.NewCrash(seed, .5)
		f := writeText(t, disk, "f", "aaaa")
		noError(t, f.Sync())
		noError(t, disk.SyncDir("."))
		noError(t, f.Truncate(1))
		noError(t, f.Preallocate(4))
		if got := text(t, disk, "f"); got != "a\x00\x00\x00" {
			t.Fatalf("%q", got)
		}
		disk.Cut()
		seen[text(t, disk, "f")] = true
	}
	if !seen["aaaa"] || !seen["a\x00\x00\x00"] {
		t.Errorf("%v", seen)
	}
}

// After a sync that failed the file looks as before and the next sync succeeds;
// the disk does not have it all the same.
func TestFailedSyncHides(t *testing.T) {
	t.Parallel()
	lost, evicted := 0, 0
	for seed := range uint64(100) {
		crash := vfs.NewCrash(seed, 1)
		failing := false
		disk := vfs.NewFaulty(crash, func(o vfs.Op) error {
			if failing && o.Call == "sync" {
				return syscall.EIO
			}
			return nil
		})
		f := writeText(t, disk, "f", "old")
		noError(t, f.SyncData())
		noError(t, disk.SyncDir("."))
		_, err := f.WriteAt([]byte("new"), 0)
		noError(t, err)
		failing = true
		wantError(t, f.SyncData(), syscall.EIO)
		failing = false
		wantText(t, disk, "f", "new")
		noError(t, f.SyncData())
		if seed%2 == 0 {
			crash.Kill()
			if text(t, crash, "f") == "old" {
				evicted++
			}
		}
		crash.Cut()
		if text(t, crash, "f") == "old" {
			lost++
		}
	}
	if lost == 0 || lost == 100 || evicted == 0 || evicted == lost {
		t.Errorf("lost in %d of 100, forgotten before in %d", lost, evicted)
	}
}

// A killed process leaves its bytes, not its files and locks.
func TestKill(t *testing.T) {
	t.Parallel()
	disk := vfs.NewCrash(1, 0)
	f := writeText(t, disk, "f", "text")
	_, err := disk.Lock("LOCK")
	noError(t, err)
	disk.Kill()
	wantText(t, disk, "f", "text")
	_, err = f.WriteAt([]byte("late"), 0)
	wantError(t, err, fs.ErrClosed)
	wantError(t, f.Sync(), fs.ErrClosed)
	old, err := disk.Lock("LOCK")
	noError(t, err)
	disk.Kill()
	_, err = disk.Lock("LOCK")
	noError(t, err)
	noError(t, old.Close()) // of a dead process: the new lock stays
	_, err = disk.Lock("LOCK")
	wantError(t, err, vfs.ErrLocked)
}

// What a process stored in the memory of a file outlives it, but no power cut
// before a sync; what it stores when it is dead reaches nobody.
func TestMappedEnds(t *testing.T) {
	t.Parallel()
	for p, want := range map[float64]string{0: "old", 1: "new"} {
		for _, sync := range []bool{false, true} {
			disk := vfs.NewCrash(1, p)
			f := writeText(t, disk, "f", "old")
			noError(t, f.Sync())
			noError(t, disk.SyncDir("."))
			mem, unmap, err := f.Map(3)
			noError(t, err)
			copy(mem, "new")
			if sync {
				noError(t, f.SyncData())
				want = "new"
			}
			disk.Kill()
			copy(mem, "bad")
			wantError(t, unmap(), fs.ErrClosed)
			wantText(t, disk, "f", "new")
			disk.Cut()
			wantText(t, disk, "f", want)
		}
	}
}

// The process ends at each call in turn, with power or without: a file made
// with Create holds the old text or the new one, and the new one once Commit
// has returned. The same seed gives the same.
func TestOutputsSurviveCuts(t *testing.T) {
	t.Parallel()
	once := func(n int, p float64, seed uint64) (got string, done bool) {
		crash := vfs.NewCrash(seed, p)
		noError(t, crash.MkdirAll("d", 0o777))
		noError(t, crash.SyncDir("."))
		replace := func(disk vfs.Disk, s string) error {
			o, err := vfs.Create(disk, filepath.Join("d", "f"))
			if err != nil {
				return err
			}
			defer o.Abort()
			for part := range strings.SplitSeq(s, " ") {
				if _, err := fmt.Fprint(o, part); err != nil {
					return err
				}
			}
			return o.Commit()
		}
		noError(t, replace(crash, "old text"))
		err := replace(vfs.NewFaulty(crash, vfs.KillAt(n)), "the new text")
		if err != nil {
			wantError(t, err, vfs.ErrKilled)
		}
		crash.Cut()
		return text(t, crash, filepath.Join("d", "f")), err == nil
	}
	for _, p := range []float64{0, .1, .5, .9, 1} {
		for seed := range uint64(30) {
			for n, done := 1, false; !done; n++ {
				var got string
				got, done = once(n, p, seed)
				if got != "thenewtext" && (done || got != "oldtext") {
					t.Fatalf("p %v, seed %d, call %d, committed %v: %q", p, seed, n, done, got)
				}
				if again, _ := once(n, p, seed); again != got {
					t.Fatalf("p %v, seed %d, call %d: %q, then %q", p, seed, n, got, again)
				}
			}
		}
	}
}
