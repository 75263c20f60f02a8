package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"holdfast/lab/flakyhttp"
)

// TestFetchSpill: a list begins with ten thousand URLs of an origin that asks
// for a pause. The others are served meanwhile, as the server's ledger has it;
// then the rest in the order of the list, and the spool is gone (R5.5).
func TestFetchSpill(t *testing.T) {
	t.Parallel()
	server, err := flakyhttp.Start(flakyhttp.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	n := 10_000
	if testing.Short() {
		n = 3000
	}
	pauses := strings.Replace(server.URL(), "127.0.0.1", "localhost", 1)
	urls := []string{pauses + "/fault/retry-after?value=6&times=1&id=1"}
	for i := range n - 1 {
		urls = append(urls, fmt.Sprintf("%s/status/200?n=%d", pauses, i))
	}
	var others []string
	for i := range 50 {
		others = append(others, fmt.Sprintf("%s/status/200?other=%d", server.URL(), i))
	}
	dir := t.TempDir()
	list, log := filepath.Join(dir, "list"), filepath.Join(dir, "log")
	if err := os.WriteFile(list, []byte(strings.Join(append(slices.Clone(urls), others...), "\n")), 0o666); err != nil {
		t.Fatal(err)
	}
	out, words, status := holdfast(t, "fetch", "-i", list, "--log", log, "--summary", "", "--per-host", "1", "--quiet")
	if want := fmt.Sprintf("Success rate: %d/%d\n", n+50, n+50); status != 0 || !strings.HasPrefix(out, want) {
		t.Fatalf("status %d: %s%s", status, out, words)
	}
	var got []string
	for _, e := range server.Ledger.Entries() {
		got = append(got, e.URL)
	}
	if retries := len(got) - len(slices.Compact(slices.Sorted(slices.Values(got)))); retries != 1 || len(got) < 52 {
		t.Fatalf("%d requests, %d of them retries", len(got), retries)
	}
	// First the one that is told to wait, and the others meanwhile; then the rest
	// in the order of the list. When the first is tried again is chance, because
	// its wait has jitter.
	if first := slices.Sorted(slices.Values(got[:51])); !slices.Equal(first, slices.Sorted(slices.Values(slices.Concat(urls[:1], others)))) {
		t.Fatalf("the first requests were %q", first)
	}
	if rest := slices.DeleteFunc(got[51:], func(url string) bool { return url == urls[0] }); !slices.Equal(rest, urls[1:]) {
		t.Errorf("%d more requests, in another order than that of the list", len(rest))
	}
	if _, err := os.Stat(log + ".spool"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the spool is still there: %v", err)
	}
}

// TestFetchSpillFull: on a disk that is too small for the spool, one line says
// so, with exit status 4; with room, --resume goes on.
func TestFetchSpillFull(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, "300k")
	server, err := flakyhttp.Start(flakyhttp.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	var list strings.Builder
	fmt.Fprintf(&list, "%s/fault/retry-after?value=2&times=1&id=1\n", server.URL())
	for i := range 2400 {
		fmt.Fprintf(&list, "%s/status/200?n=%d&%s\n", server.URL(), i, strings.Repeat("x", 1000))
	}
	name, log := filepath.Join(t.TempDir(), "list"), filepath.Join(disk, "log")
	if err := os.WriteFile(name, []byte(list.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	fetch := func() (string, string, int) {
		return holdfast(t, "fetch", "-i", name, "--log", log, "--summary", "", "--resume", "--per-host", "1", "--quiet")
	}
	_, words, status := fetch()
	if want := "holdfast: write " + log + ".spool: no space left on device: free some space; the same command with --resume goes on\n"; status != ExitEnvironment || words != want {
		t.Fatalf("status %d: %s", status, words)
	}
	remount(t, disk, "size=20m")
	if out, words, status := fetch(); status != 0 || !strings.HasPrefix(out, "Success rate: 2401/2401\n") {
		t.Fatalf("status %d: %s%s", status, out, words)
	}
}
