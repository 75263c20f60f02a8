package archtest_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"holdfast/internal/archtest"
)

// TestArchitecture applies the rules to this module. Its messages say how to
// mend what they find.
func TestArchitecture(t *testing.T) {
	t.Parallel()
	m, err := archtest.Load(os.DirFS(moduleRoot(t)))
	if err != nil {
		t.Fatal(err)
	}
	if m.Path != "holdfast" || len(m.Packages) < 5 {
		t.Fatalf("found %d packages in module %q: the test does not see the source", len(m.Packages), m.Path)
	}
	for _, v := range archtest.Check(m) {
		t.Error(v)
	}
}

func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above this test")
		}
		dir = filepath.Dir(dir)
	}
}

var update = flag.Bool("update", false, "write what the rules find into testdata/*.txtar")

// Each archive is a small module that breaks rules. Its head says which and,
// after "#" lines, what is found; whatever else it holds must pass.
func TestRules(t *testing.T) {
	t.Parallel()
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no fake modules: %v", err)
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			fsys := fstest.MapFS{"go.mod": {Data: []byte("module holdfast\n")}}
			for _, f := range a.Files {
				fsys[f.Name] = &fstest.MapFile{Data: f.Data}
			}
			m, err := archtest.Load(fsys)
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			for _, v := range archtest.Check(m) {
				got.WriteString(v.String() + "\n")
			}
			about, want := splitHead(a.Comment)
			if *update {
				a.Comment = []byte(about + got.String() + "\n")
				if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, got.String()); diff != "" {
				t.Errorf("found (-want +got):\n%s", diff)
			}
		})
	}
}

func splitHead(comment []byte) (about, want string) {
	for line := range bytes.Lines(comment) {
		switch {
		case line[0] == '#':
			about += string(line)
		case len(bytes.TrimSpace(line)) > 0:
			want += string(line)
		}
	}
	return about, want
}

func TestSourceThatDoesNotParse(t *testing.T) {
	t.Parallel()
	broken := fstest.MapFS{"go.mod": {Data: []byte("module holdfast\n")}, "replay/x.go": {Data: []byte("package replay\nfunc {")}}
	if _, err := archtest.Load(broken); err == nil || !strings.Contains(err.Error(), "replay/x.go:2") {
		t.Errorf("got %v, want an error that names the place", err)
	}
	if _, err := archtest.Load(fstest.MapFS{}); err == nil {
		t.Error("a folder without go.mod is taken for a module")
	}
}
