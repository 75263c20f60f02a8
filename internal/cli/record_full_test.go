package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// holdfast runs the real program and gives its output and exit status.
func holdfast(t *testing.T, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, program, args...)
	c.Args[0] = "holdfast"
	var out, words bytes.Buffer
	c.Stdout, c.Stderr = &out, &words
	var exit *exec.ExitError
	if err := c.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), words.String(), c.ProcessState.ExitCode()
}

// smallDisk is a file system of its own in memory. Package record has the same
// tests on one that is made up, for where this cannot be had.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+size, "none", dir).CombinedOutput(); err != nil {
		t.Skipf("no file system can be mounted here: %s", out)
	}
	t.Cleanup(func() { exec.Command("umount", dir).Run() })
	return dir
}

func remount(t *testing.T, dir, options string) {
	t.Helper()
	if out, err := exec.Command("mount", "-o", "remount,"+options, dir).CombinedOutput(); err != nil {
		t.Fatalf("remount: %s", out)
	}
}

// D4 on a real disk that is full: exit 4, the bytes that would do, and with
// more room the same log as if it had never been so.
func TestRecordDiskFull(t *testing.T) {
	t.Parallel()
	work := t.TempDir()
	queue, want := filepath.Join(work, "queue.jsonl"), filepath.Join(work, "want.log")
	if _, words, status := holdfast(t, "lab", "packets", "--seed", "1", "--packets", "3000", "--emit", queue, "--state-dir", work); status != 0 {
		t.Fatal(words)
	}
	record := func(dir, log string) (string, string, int) {
		return holdfast(t, "record", "--source", "jsonl", "-i", queue, "--state-dir", dir, "--log", log, "--segment-bytes", "64KiB", "--reorder-window", "10")
	}
	if _, words, status := record(work, want); status != 0 {
		t.Fatal(words)
	}
	for _, size := range []string{"200k", "260k", "340k", "400k"} {
		disk := smallDisk(t, size)
		log := filepath.Join(disk, "events.log")
		_, words, status := record(disk, log)
		if status != ExitEnvironment || !regexp.MustCompile(`no space left on device: free [1-9][0-9]* bytes and start again\n$`).MatchString(words) {
			t.Fatalf("%s: status %d: %s", size, status, words)
		}
		remount(t, disk, "size=8m")
		if _, words, status := record(disk, log); status != 0 {
			t.Fatalf("%s, with more room: status %d: %s", size, status, words)
		}
		a, errA := os.ReadFile(log)
		b, errB := os.ReadFile(want)
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Errorf("%s: the log has %d lines, want the same as without: %d (%v, %v)", size, bytes.Count(a, []byte{'\n'}), bytes.Count(b, []byte{'\n'}), errA, errB)
		}
		if out, words, status := holdfast(t, "record", "verify", "--state-dir", disk, "--log", log); status != 0 {
			t.Errorf("%s: %s%s", size, out, words)
		}
	}
}

// Crash test (f) on a real disk: the folder becomes read-only, or is removed,
// between two starts of a session and while one runs.
func TestRecordFolderFails(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, "8m")
	log := filepath.Join(disk, "events.log")
	record := func(more ...string) (string, string, int) {
		return holdfast(t, append([]string{"record", "--source", "lab", "--seed", "42", "--state-dir", disk, "--log", log, "--segment-bytes", "64KiB"}, more...)...)
	}
	if _, words, status := record(); status != ExitNotHeld {
		t.Fatalf("status %d: %s", status, words)
	}
	remount(t, disk, "ro")
	_, words, status := record()
	if status != ExitEnvironment || strings.Count(words, "\n") != 1 || !strings.Contains(words, "read-only file system") {
		t.Errorf("read-only: status %d: %s", status, words)
	}
	remount(t, disk, "rw")
	if out, words, status := record("--supervise"); status != 0 || !strings.Contains(out, "Coverage: 977/1000\n") || !strings.Contains(out, "Inversions: 0\n") {
		t.Errorf("writable again: status %d: %s%s", status, out, words)
	}

	// Removed while it runs: the next segment has no place.
	work := t.TempDir()
	state := filepath.Join(work, "state")
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(program, "record", "--source", "jsonl", "-i", "-", "--state-dir", state, "--log", filepath.Join(work, "e.log"), "--segment-bytes", "4KiB")
	c.Args[0] = "holdfast"
	var said bytes.Buffer
	c.Stderr = &said
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	queue := filepath.Join(work, "queue.jsonl")
	if _, words, status := holdfast(t, "lab", "packets", "--seed", "1", "--packets", "500", "--loss-prob", "0", "--emit", queue, "--state-dir", work); status != 0 {
		t.Fatal(words)
	}
	lines, err := os.ReadFile(queue)
	if err != nil {
		t.Fatal(err)
	}
	in.Write(lines[:1000])
	for { // until it has begun
		if b, err := os.ReadFile(filepath.Join(work, "e.log")); err == nil && len(b) > 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err := os.RemoveAll(state); err != nil {
		t.Fatal(err)
	}
	in.Write(lines[1000:]) // it may be gone before it has read all
	in.Close()
	c.Wait()
	if status := c.ProcessState.ExitCode(); status != ExitEnvironment || !strings.Contains(said.String(), ".seg") || !strings.Contains(said.String(), "no such file") {
		t.Errorf("removed: status %d: %s", status, said.String())
	}
	again, words, status := holdfast(t, "record", "--source", "jsonl", "-i", queue, "--state-dir", state, "--log", filepath.Join(work, "e.log"))
	if status != 0 {
		t.Errorf("started again: status %d: %s%s", status, again, words)
	}
	if out, words, status := holdfast(t, "record", "verify", "--state-dir", state, "--log", filepath.Join(work, "e.log")); status != 0 {
		t.Errorf("verify: %s%s", out, words)
	}
}
