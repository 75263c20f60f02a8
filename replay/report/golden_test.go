package report

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// checkGolden compares what write writes with testdata/name.
func checkGolden(t *testing.T, name string, write func(io.Writer) error) {
	t.Helper()
	var got bytes.Buffer
	if err := write(&got); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s (-want +got); go test -update rewrites it:\n%s", name, diff)
	}
}

// writeAll writes records with a new table.
func writeAll[T any](w io.Writer, table func(io.Writer, CSVOptions) *Table[T], o CSVOptions, records ...T) error {
	t := table(w, o)
	for _, r := range records {
		if err := t.Write(r); err != nil {
			return err
		}
	}
	return t.Flush()
}
