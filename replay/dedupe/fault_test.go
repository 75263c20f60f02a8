package dedupe

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"

	"holdfast/internal/vfs"
)

// Row 53: whichever call fails, and from whichever on the disk is full: an
// error, the old files, and nothing else.
func TestRow53EveryFault(t *testing.T) {
	t.Parallel()
	rows := make([]string, 400)
	for i := range rows {
		rows[i] = at("A", []string{"000", "001", "002"}[i%3], "1")
	}
	text := header + strings.Join(rows, "") + "bad\n"
	f := newFolder(t)
	c := Config{
		In: f.write("in.csv", []byte(text)), Out: f.path("out.csv"), Removed: f.path("removed.csv"), Analysis: f.path("analysis.csv"),
		Tmp: f.dir, Memory: 1, Jobs: 1, chunk: 1000,
	}
	outputs := []string{"out.csv", "removed.csv", "analysis.csv"}
	reset := func() {
		for _, name := range outputs {
			f.write(name, []byte("old"))
		}
	}
	for name, plan := range map[string]func(int) vfs.Plan{
		"one call": func(n int) vfs.Plan {
			return func(o vfs.Op) error {
				if o.N != n || o.Call == "remove" { // a file that cannot be removed has to stay
					return nil
				}
				return syscall.EACCES
			}
		},
		"full": func(n int) vfs.Plan { return vfs.FullFrom(n, syscall.ENOSPC) },
	} {
		failures := 0
		for n := 1; ; n++ {
			reset()
			faulty := vfs.NewFaulty(vfs.OS{}, plan(n))
			c.FS = faulty
			_, err := ByKey(context.Background(), c)
			if err == nil && faulty.Calls() < n {
				break
			}
			for _, output := range outputs {
				if err != nil && f.read(output) != "old" || err == nil && f.read(output) == "old" {
					t.Fatalf("%s %d: error %v, and %s is %.20q", name, n, err, output, f.read(output))
				}
			}
			if names := f.names(); len(names) != 4 {
				t.Fatalf("%s %d: error %v, files %v", name, n, err, names)
			}
			if err != nil {
				failures++
				if !errors.Is(err, syscall.EACCES) && !errors.Is(err, syscall.ENOSPC) {
					t.Fatalf("%s %d: error %v does not tell the cause", name, n, err)
				}
			}
		}
		if failures < 10 {
			t.Errorf("%s: only %d calls failed", name, failures)
		}
	}
}
