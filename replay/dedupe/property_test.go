package dedupe

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"holdfast/internal/soak"
	"holdfast/replay/ingest"
)

var allowBad = ingest.MaxBad{Set: true, Percent: 100}

// rounds is how many of n random cases to try: a tenth with -short, as under the
// race detector, half in a normal run, the more in a soak.
func rounds(n int) uint64 { return uint64(soak.Rounds(n/10, n/2)) }

// folder is where the files of a test are.
type folder struct {
	*testing.T
	dir string
}

func newFolder(t *testing.T) folder { return folder{t, t.TempDir()} }

func (f folder) path(name string) string { return filepath.Join(f.dir, name) }

func (f folder) write(name string, data []byte) string {
	f.Helper()
	if err := os.WriteFile(f.path(name), data, 0o666); err != nil {
		f.Fatal(err)
	}
	return f.path(name)
}

func (f folder) read(name string) string {
	f.Helper()
	b, err := os.ReadFile(f.path(name))
	if err != nil {
		f.Fatal(err)
	}
	return string(b)
}

// names are the files in the folder.
func (f folder) names() (names []string) {
	f.Helper()
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func (f folder) byKey(c Config) Result {
	f.Helper()
	r, err := ByKey(context.Background(), c)
	if err != nil {
		f.Fatal(err)
	}
	return r
}

// Random files, every rule, any chunk size, jobs and memory: always what the
// twin says, to the byte. Covers rows 9, 11-14, 17, 39, 40 and 44.
func TestByKeyIsItsTwin(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	keys := [][]string{nil, {"symbol"}, {"price", "symbol", "timestamp"}, {"timestamp"}, {"symbol", "note"}, {"note"}}
	for seed := uint64(0); seed < rounds(400); seed++ {
		g := newGenerator(seed)
		records := g.IntN(60)
		if g.one(20) {
			records = 2000
		}
		data := g.file(records)
		key := keys[g.IntN(len(keys))]
		if len(g.columns) < 4 && len(key) > 0 && key[len(key)-1] == "note" {
			key = nil
		}
		keep := keeps[g.IntN(len(keeps))]
		c := Config{
			In: f.write("in.csv", data), Out: f.path("out.csv"), Removed: f.path("removed.csv"), Tmp: f.dir, FS: unsynced{},
			Key: key, Keep: keep, Read: ingest.Options{MaxBad: allowBad},
			Jobs: 1 + g.IntN(3), chunk: []int{40, 200, 4000, 1 << 19}[g.IntN(4)], Memory: []int64{1 << 10, 0}[g.IntN(2)],
		}
		if g.one(4) { // a hash that nearly always collides removes no row
			c.hash = func(key []byte) uint64 { return uint64(len(key)%2) << 63 }
		}
		got := f.byKey(c)
		if key == nil {
			key = defaultKey
		}
		want := runTwin(data, key, keep)
		what := fmt.Sprintf("seed %d, keep %s, key %v, file:\n%q\n", seed, keep, key, clip(data))
		if diff := cmp.Diff(want.out.String(), f.read("out.csv")); diff != "" {
			t.Fatalf("%sout (-want +got):\n%s", what, diff)
		}
		if diff := cmp.Diff(want.removed.String(), f.read("removed.csv")); diff != "" {
			t.Fatalf("%sremoved (-want +got):\n%s", what, diff)
		}
		counts := func(r Result) [6]int64 {
			return [6]int64{r.RowsIn, r.Kept, r.Removed, r.Rejected, r.Rewritten, r.Groups}
		}
		if diff := cmp.Diff(counts(want.result), counts(got)); diff != "" {
			t.Fatalf("%scounts (-want +got):\n%s", what, diff)
		}
		f.noTemp()
	}
}

func clip(b []byte) []byte { return b[:min(len(b), 3000)] }

func (f folder) noTemp() {
	f.Helper()
	for _, name := range f.names() {
		if name[0] == '.' {
			f.Fatalf("%s is left", name)
		}
	}
}

// The same bytes inside give the same bytes out, whatever is around them and
// whatever the jobs and the memory (R2; rows 52 and 57 as far as this package goes).
func TestWrappingChangesNothing(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	for seed := uint64(0); seed < rounds(30); seed++ {
		g := newGenerator(seed)
		data := g.file(g.IntN(300))
		base := Config{
			Out: f.path("out.csv"), Removed: f.path("removed.csv"), Analysis: f.path("analysis.csv"),
			Read: ingest.Options{MaxBad: allowBad}, Tmp: f.dir, FS: unsynced{}, Keep: keepMean, Jobs: 1,
		}
		base.In = f.write("in.csv", data)
		want := f.byKey(base)
		files := func() [3]string { return [3]string{f.read("out.csv"), f.read("removed.csv"), f.read("analysis.csv")} }
		wantFiles := files()
		variants := map[string]func(*Config){
			"gzip":    func(c *Config) { c.In = f.write("in.gz", zip(f, data[:len(data)/2], data[len(data)/2:])) },
			"zstd":    func(c *Config) { c.In = f.write("in.any", zst(f, data)) },
			"stdin":   func(c *Config) { c.In, c.Read.Stdin = "-", bytes.NewReader(data) },
			"zipped":  func(c *Config) { c.In, c.Read.Stdin = "-", bytes.NewReader(zip(f, data)) },
			"jobs":    func(c *Config) { c.Jobs, c.chunk = 4, 100 },
			"memory":  func(c *Config) { c.Memory = 1 },
			"no mark": func(c *Config) { c.In = f.write("in2.csv", bytes.TrimPrefix(data, byteOrderMark)) },
		}
		for name, vary := range variants {
			c := base
			vary(&c)
			got := f.byKey(c)
			if diff := cmp.Diff(wantFiles, files()); diff != "" {
				t.Fatalf("seed %d, %s (-want +got):\n%s", seed, name, diff)
			}
			got.Rejects, want.Rejects = nil, nil // they name the file
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("seed %d, %s (-want +got):\n%s", seed, name, diff)
			}
			f.noTemp()
		}
	}
}

func zip(f folder, members ...[]byte) []byte {
	f.Helper()
	var b bytes.Buffer
	for _, m := range members {
		z := gzip.NewWriter(&b)
		z.Write(m)
		if err := z.Close(); err != nil {
			f.Fatal(err)
		}
	}
	return b.Bytes()
}

func zst(f folder, data []byte) []byte {
	f.Helper()
	z, err := zstd.NewWriter(nil)
	if err != nil {
		f.Fatal(err)
	}
	return z.EncodeAll(data, nil)
}

// Row 43: the output of a run, run through again, stays as it is (R65).
func TestRow43Idempotent(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	for seed := uint64(0); seed < rounds(80); seed++ {
		g := newGenerator(seed)
		c := Config{
			In: f.write("in.csv", g.file(g.IntN(80))), Out: f.path("once.csv"), Keep: keeps[g.IntN(len(keeps))], FS: unsynced{},
			Read: ingest.Options{MaxBad: allowBad},
		}
		f.byKey(c)
		c.In, c.Out = c.Out, f.path("twice.csv")
		if r := f.byKey(c); r.Removed+r.Rejected+r.Rewritten != 0 {
			t.Fatalf("seed %d, keep %s: the second run removed %d, rejected %d, rewrote %d", seed, c.Keep, r.Removed, r.Rejected, r.Rewritten)
		}
		if diff := cmp.Diff(f.read("once.csv"), f.read("twice.csv")); diff != "" {
			t.Fatalf("seed %d (-once +twice):\n%s", seed, diff)
		}
	}
}
