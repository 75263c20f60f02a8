package dedupe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast/internal/vfs"
	"holdfast/replay/ingest"
)

// unsynced is the real file system without waiting for the disk.
type unsynced struct{ vfs.OS }

func (u unsynced) OpenFile(name string, flag int, perm fs.FileMode) (vfs.File, error) {
	f, err := u.OS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return unsyncedFile{f}, nil
}

func (unsynced) SyncDir(string) error { return nil }

type unsyncedFile struct{ vfs.File }

func (unsyncedFile) Sync() error { return nil }

// readerTwin is ByKey over ingest.Rows with a map, for files of any bytes.
func readerTwin(path string, o ingest.Options) (out, removed string, counts [4]int64, err error) {
	type row struct {
		n, line     int64
		raw, reason string
		key         string
	}
	var rows []row
	o.OnReject = func(r ingest.Reject) error {
		rows = append(rows, row{n: r.Row, line: r.Line, raw: string(r.Raw), reason: r.Reason})
		return nil
	}
	in, err := ingest.OpenRows(context.Background(), path, o)
	if err != nil {
		return "", "", counts, err
	}
	defer in.Close()
	for {
		r, err := in.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return "", "", counts, err
		}
		rows = append(rows, row{n: r.N, line: r.Line, raw: string(r.Raw), key: fmt.Sprint(int64(r.Time), r.Symbol)})
	}
	last := map[string]int64{}
	for _, r := range rows {
		last[r.key] = r.n
	}
	h := in.Header()
	var o1, o2 strings.Builder
	if h.Raw != nil {
		o1.WriteString(string(h.Raw) + "\n")
	} else if !o.NoHeader {
		o1.WriteString("symbol,timestamp,price\n")
	}
	o2.WriteString(removedHeader)
	for i, r := range rows {
		counts[0]++
		if r.n != int64(i+1) {
			panic("rows out of order")
		}
		switch {
		case r.reason != "":
			counts[3]++
			fmt.Fprintf(&o2, "%d,%d,rejected,%s,,,,%s\n", r.n, r.line, r.reason, appendField(nil, r.raw, false))
		case last[r.key] != r.n:
			counts[2]++
			fmt.Fprintf(&o2, "%d,%d,removed,duplicate-key,%d,,,%s\n", r.n, r.line, last[r.key], appendField(nil, r.raw, false))
		default:
			counts[1]++
			o1.WriteString(r.raw + "\n")
		}
	}
	return o1.String(), o2.String(), counts, nil
}

// mutate spoils some bytes of a file.
func (g *generator) mutate(data []byte) []byte {
	data = bytes.Clone(data)
	for range g.IntN(8) {
		if len(data) == 0 {
			return data
		}
		i := g.IntN(len(data))
		switch c := g.pick(`"`, `"`, "\n", "\r", ",", "\x00", "\xff", "#", ""); {
		case c == "":
			data = append(data[:i], data[i+1:]...)
		case g.one(2):
			data[i] = c[0]
		default:
			data = append(data[:i], append([]byte(c), data[i:]...)...)
		}
	}
	return data
}

// Files with quotes that do not pair up, stray bytes and cut tails: the fast
// way and the general reader agree about every record, and so do their errors.
func TestFastAgreesWithGeneralReader(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	for seed := uint64(0); seed < rounds(1000); seed++ {
		g := newGenerator(seed)
		data := g.mutate(g.file(g.IntN(40)))
		o := ingest.Options{MaxBad: allowBad, NoHeader: g.one(10), FoldCase: g.one(10)}
		c := Config{
			In: f.write("in.csv", data), Out: f.path("out.csv"), Removed: f.path("removed.csv"), Tmp: f.dir, FS: unsynced{},
			Read: o, Jobs: 1 + g.IntN(3), chunk: []int{1, 40, 40, 200, 200, 200, 4000, 4000}[g.IntN(8)],
		}
		out, removed, counts, wantErr := readerTwin(c.In, o)
		r, err := ByKey(context.Background(), c)
		what := fmt.Sprintf("seed %d, chunk %d, options %+v, file:\n%q\n", seed, c.chunk, o, clip(data))
		if (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
			t.Fatalf("%serror %v, want %v", what, err, wantErr)
		}
		if err != nil {
			var input *ingest.InputError
			if !errors.As(err, &input) {
				t.Fatalf("%s%v is no InputError", what, err)
			}
			continue
		}
		if diff := cmp.Diff(out, f.read("out.csv")); diff != "" {
			t.Fatalf("%sout (-want +got):\n%s", what, diff)
		}
		if diff := cmp.Diff(removed, f.read("removed.csv")); diff != "" {
			t.Fatalf("%sremoved (-want +got):\n%s", what, diff)
		}
		if diff := cmp.Diff(counts, [4]int64{r.RowsIn, r.Kept, r.Removed, r.Rejected}); diff != "" {
			t.Fatalf("%scounts (-want +got):\n%s", what, diff)
		}
	}
}
