package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// pairFiles are two lists and what the workers of a pair are told in a folder.
func pairFiles(t *testing.T, dir string) (lists string, worker func(id string, more ...string) []string) {
	t.Helper()
	lists = t.TempDir()
	for name, text := range map[string]string{"A": manyLines(0, 400), "B": manyLines(1, 300)} {
		if err := os.WriteFile(filepath.Join(lists, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	boxes := map[string][2]string{"A": {"B_to_A.msg", "A_to_B.msg"}, "B": {"A_to_B.msg", "B_to_A.msg"}}
	return lists, func(id string, more ...string) []string {
		return append([]string{"merge", "worker", "--id", id, "--data", filepath.Join(lists, id),
			"--inbox", filepath.Join(dir, boxes[id][0]), "--outbox", filepath.Join(dir, boxes[id][1]),
			"--output", filepath.Join(dir, "output"), "--state", filepath.Join(dir, "state_"+id)}, more...)
	}
}

// manyLines are n numbers of the same remainder by 2, far apart.
func manyLines(odd, n int) string {
	values, _ := drawLists(uint64(odd+1), 1<<29, n, 0, 0)
	var b strings.Builder
	for _, v := range values {
		fmt.Fprintln(&b, 2*v+int32(odd))
	}
	return b.String()
}

// R27: a worker that waits ends at SIGTERM, cleanly, with exit 130, and the
// same command goes on where it was.
func TestMergeWorkerStops(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lists, worker := pairFiles(t, dir)
	a := program(t, worker("A")...)
	var words bytes.Buffer
	a.Stderr = &words
	if err := a.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Process.Kill() }()
	// A has sent its first message when B has one to answer; then it waits.
	for tries := 0; ; tries++ {
		out, said, status := holdfast(t, worker("B", "--once")...)
		if status != 0 {
			t.Fatalf("B: status %d: %s", status, said)
		}
		if strings.Contains(out, `"messages_received":1`) {
			break
		}
		if tries == 10_000 {
			t.Fatalf("A sends nothing: %s", words.String())
		}
	}
	if err := a.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = a.Wait()
	if status := a.ProcessState.ExitCode(); status != ExitInterrupted || strings.Count(words.String(), "\n") != 1 || !strings.Contains(words.String(), "run the same command again") {
		t.Errorf("status %d: %s", status, words.String())
	}

	again := program(t, worker("A")...)
	if err := again.Start(); err != nil {
		t.Fatal(err)
	}
	if _, said, status := holdfast(t, worker("B")...); status != 0 {
		t.Errorf("B: status %d: %s", status, said)
	}
	if err := again.Wait(); err != nil {
		t.Errorf("A again: %v", err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "output"))
	if err != nil {
		t.Fatal(err)
	}
	want := filepath.Join(t.TempDir(), "want")
	if _, said, status := holdfast(t, "merge", "pair", filepath.Join(lists, "A"), filepath.Join(lists, "B"), "-o", want); status != 0 {
		t.Fatal(said)
	}
	if merged, err := os.ReadFile(want); err != nil || !bytes.Equal(got, merged) || len(got) == 0 {
		t.Errorf("%d bytes, want %d (%v)", len(got), len(merged), err)
	}
}

// A folder that cannot be written to: exit 4 and one line, before anything is
// sent; the same command does it all once it can.
func TestMergeReadOnly(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, "8m")
	lists, worker := pairFiles(t, disk)
	list := func(id string) string { return filepath.Join(lists, id) }
	sorted := filepath.Join(lists, "sorted")
	if err := os.WriteFile(sorted, []byte("a 1\nb 2\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	commands := map[string][]string{
		"pair":   {"merge", "pair", list("A"), list("B"), "-o", filepath.Join(disk, "out")},
		"worker": worker("A", "--once"),
		"logs":   {"merge", "logs", sorted, "--by", "1", "-o", filepath.Join(disk, "all.log")},
	}
	remount(t, disk, "ro")
	for name, args := range commands {
		out, words, status := holdfast(t, append(args, "--quiet")...)
		if status != ExitEnvironment || out != "" || strings.Count(words, "\n") != 1 || !strings.Contains(words, "read-only file system") || !strings.Contains(words, disk) {
			t.Errorf("%s: status %d: %s%s", name, status, out, words)
		}
	}
	if left, err := os.ReadDir(disk); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	remount(t, disk, "rw")
	for name, args := range commands {
		if _, words, status := holdfast(t, args...); status != 0 {
			t.Errorf("%s, writable again: status %d: %s", name, status, words)
		}
	}
}
