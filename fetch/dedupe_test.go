package fetch

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"holdfast/internal/vfs"
)

// all reads a list to its end.
func allUnits(l *List) (units []string, err error) {
	for {
		u, err := l.Next()
		if err != nil {
			return units, err
		}
		units = append(units, fmt.Sprintf("%d %s %v of %d: %s %v", u.Line, u.URL, u.Bad, u.OfLine, u.Method, l.Inputs()))
	}
}

// TestDedupeOnDisk: a deduper that remembers next to nothing finds what one does
// that remembers everything, however the list ends.
func TestDedupeOnDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(rapid.OneOf(
			rapid.Map(rapid.IntRange(0, 30), func(n int) string { return fmt.Sprintf("http://a.test/%d", n) }),
			rapid.Map(rapid.IntRange(0, 30), func(n int) string { return fmt.Sprintf("  HTTP://A.test:80/x/../%d\r", n) }),
			rapid.Map(rapid.IntRange(0, 30), func(n int) string { return fmt.Sprintf(`{"url":"http://a.test/%d","method":"put"}`, n) }),
			rapid.SampledFrom([]string{"", "# comment", "no URL", "{", " ", "http://a.test/" + strings.Repeat("y", 100<<10)}),
		), 0, 60).Draw(t, "lines")
		text := strings.Join(lines, "\n")
		normalized, broken := rapid.Bool().Draw(t, "normalized"), rapid.Bool().Draw(t, "broken")
		read := func(most int) ([]string, error) {
			in := io.Reader(strings.NewReader(text))
			if broken {
				in = io.MultiReader(in, iotest.ErrReader(syscall.EIO))
			}
			l := NewList(in, "list")
			d := NewDeduper(normalized, dir)
			d.most = most
			l.Dedupe(d)
			return allUnits(l)
		}
		want, wantErr := read(1 << 20)
		got, err := read(rapid.IntRange(1, 20).Draw(t, "most"))
		if fmt.Sprint(got) != fmt.Sprint(want) || fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Fatalf("got %q (%v)\nwant %q (%v)", got, err, want, wantErr)
		}
	})
	if names, err := os.ReadDir(dir); err != nil || len(names) > 0 {
		t.Errorf("files are left: %v (%v)", names, err)
	}
}

// TestDedupeDiskFull: no room for what was read ahead is an error each time, and
// the lines before it are given.
func TestDedupeDiskFull(t *testing.T) {
	t.Parallel()
	l := NewList(strings.NewReader(strings.Repeat("http://a.test/1\nhttp://a.test/2\nhttp://a.test/1\n", 30_000)), "list")
	d := NewDeduper(false, t.TempDir())
	d.most, d.fs = 2, vfs.NewFaulty(vfs.OS{}, vfs.FullFrom(3, syscall.ENOSPC))
	l.Dedupe(d)
	for range 2 {
		units, err := allUnits(l)
		if !errors.Is(err, syscall.ENOSPC) || len(units) > 2 {
			t.Fatalf("%d units, then %v", len(units), err)
		}
	}
}
