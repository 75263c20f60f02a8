package ingest_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf16"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"holdfast/replay/ingest"
)

func gzipped(t testing.TB, parts ...string) string {
	t.Helper()
	var buf bytes.Buffer
	for _, p := range parts {
		w := gzip.NewWriter(&buf)
		if _, err := io.WriteString(w, p); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return buf.String()
}

func zstandard(t testing.TB, parts ...string) string {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	for _, p := range parts {
		all = w.EncodeAll([]byte(p), all)
	}
	return string(all)
}

func write(t testing.TB, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// R2: the same bytes inside give the same result, whatever the name.
func TestCompression(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, b := table(rowHeader, "TCS,2025-07-14T09:15:00Z,1"), table("INFY,soon,1", "INFY,2025-07-14T09:15:01Z,2")
	want := readRows(a+b, ingest.Options{})
	for name, text := range map[string]string{
		"plain":                        a + b,
		"gzip":                         gzipped(t, a+b),
		"gzip, two members":            gzipped(t, a, b),
		"gzip, cut within a line":      gzipped(t, a[:30], a[30:]+b),
		"gzip, BOM within":             gzipped(t, "\ufeff"+a+b),
		"zstd":                         zstandard(t, a+b),
		"zstd, two frames":             zstandard(t, a, b),
		"zstd behind a skippable one":  "\x50\x2a\x4d\x18\x03\x00\x00\x00abc" + zstandard(t, a+b),
		"zstd, skippable ones between": zstandard(t, a) + "\x5f\x2a\x4d\x18\x00\x00\x00\x00" + zstandard(t, b),
	} {
		r := readRowsFrom(write(t, filepath.Join(dir, "file"), text), nil, ingest.Options{})
		r.check(t, name, want.used, want.rejects)
		readRowsFrom("-", iotest.OneByteReader(strings.NewReader(text)), ingest.Options{}).check(t, name+", standard input", want.used, want.rejects)
	}
	for name, text := range map[string]string{"gzip": gzipped(t, ""), "zstd": zstandard(t, "")} {
		readRowsFrom("-", strings.NewReader(text), ingest.Options{}).check(t, "empty "+name, nil, nil)
	}
}

func TestDamagedCompression(t *testing.T) {
	t.Parallel()
	text := rowHeader + strings.Repeat("\nTCS,2025-07-14T09:15:00Z,1", 1000)
	for name, z := range map[string]string{"gzip": gzipped(t, text), "zstd": zstandard(t, text)} {
		r := readRowsFrom("-", strings.NewReader(z[:len(z)-5]), ingest.Options{})
		checkError[*ingest.InputError](t, name, r.err, "standard input", name, "fetch it again")
		broken := []byte(z)
		broken[len(z)/2] ^= 0xff
		r = readRowsFrom("-", bytes.NewReader(broken), ingest.Options{})
		checkError[*ingest.InputError](t, name, r.err, name, "fetch it again")
	}
	r := readRowsFrom("-", strings.NewReader(gzipped(t, text)+"something else behind it"), ingest.Options{})
	checkError[*ingest.InputError](t, "garbage behind", r.err, "gzip data is damaged")
}

// Row 10 and R3: other encodings are named and refused.
func TestRow10Encodings(t *testing.T) {
	t.Parallel()
	utf16Text := func(order binary.AppendByteOrder, s string) (b []byte) {
		for _, u := range utf16.Encode([]rune(s)) {
			b = order.AppendUint16(b, u)
		}
		return b
	}
	utf32Text := func(order binary.AppendByteOrder, s string) (b []byte) {
		for _, r := range s {
			b = order.AppendUint32(b, uint32(r))
		}
		return b
	}
	for _, bom := range []string{"", "\ufeff"} {
		for name, b := range map[string][]byte{
			"UTF-16LE": utf16Text(binary.LittleEndian, bom+rowHeader),
			"UTF-16BE": utf16Text(binary.BigEndian, bom+rowHeader),
			"UTF-32LE": utf32Text(binary.LittleEndian, bom+rowHeader),
			"UTF-32BE": utf32Text(binary.BigEndian, bom+rowHeader),
		} {
			_, err := ingest.OpenRows(t.Context(), "-", ingest.Options{Stdin: bytes.NewReader(b)})
			checkError[*ingest.InputError](t, name, err, "is "+name+":", "iconv")
			_, err = ingest.OpenEvents(t.Context(), "-", ingest.Options{Stdin: strings.NewReader(gzipped(t, string(b)))})
			checkError[*ingest.InputError](t, name, err, "is "+name+":", "iconv")
		}
	}
	for start, part := range map[string]string{"BZh91AY&SY": "bzip2", "\xfd7zXZ\x00": "xz", "PK\x03\x04\x14\x00": "ZIP", "\x04\x22\x4d\x18\x64\x40": "lz4", "PAR1\x15\x04": "Parquet"} {
		checkError[*ingest.InputError](t, part, readRows(start, ingest.Options{}).err, part)
	}
	for _, z := range []string{gzipped(t, gzipped(t, rowHeader)), gzipped(t, zstandard(t, rowHeader)), zstandard(t, gzipped(t, rowHeader))} {
		checkError[*ingest.InputError](t, "twice", readRows(z, ingest.Options{}).err, "is compressed twice")
	}
	readRows("\ufeff"+table(rowHeader, "PAR1,2025-07-14T09:15:00Z,1"), ingest.Options{}).
		check(t, "BOM", []string{"1:2 PAR1 2025-07-14T09:15:00Z 1"}, nil)
	readRows("PAR1,2025-07-14T09:15:00Z,1\n", ingest.Options{NoHeader: true}).
		check(t, "a symbol", []string{"1:1 PAR1 2025-07-14T09:15:00Z 1"}, nil)
}

func TestOpen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in, err := ingest.Open(t.Context(), write(t, filepath.Join(dir, "a"), gzipped(t, "\ufeffabc\n")))
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(in)
	if string(got) != "abc\n" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	_, err = ingest.Open(t.Context(), filepath.Join(dir, "missing\n.csv"))
	checkError[*ingest.InputError](t, "missing", err, "no such file")
	_, err = ingest.Open(t.Context(), dir)
	checkError[*ingest.InputError](t, "folder", err, "is a folder")
	r := readRowsFrom("-", io.MultiReader(strings.NewReader(rowHeader+"\nTCS,"), iotest.ErrReader(errors.New("cable cut"))), ingest.Options{})
	checkError[*ingest.InputError](t, "read error", r.err, "standard input", "cable cut")
}

// Row 7 of section 7 and R12: an input that changes while it is read.
func TestChanged(t *testing.T) {
	t.Parallel()
	text := table(rowHeader, "TCS,2025-07-14T09:15:00Z,1")
	changes := map[string]func(path string) error{
		"grows, with its old time": func(path string) error {
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			if err := os.WriteFile(path, []byte(text+"x"), 0o666); err != nil {
				return err
			}
			return os.Chtimes(path, time.Time{}, info.ModTime())
		},
		"grows": func(path string) error {
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = f.WriteString("x")
			return err
		},
		"touched": func(path string) error { return os.Chtimes(path, time.Time{}, time.Unix(1, 0)) },
		"removed": os.Remove,
		"replaced": func(path string) error {
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			if err := os.WriteFile(path+".new", []byte(text), 0o666); err != nil {
				return err
			}
			if err := os.Chtimes(path+".new", time.Time{}, info.ModTime()); err != nil {
				return err
			}
			return os.Rename(path+".new", path)
		},
	}
	if runtime.GOOS == "windows" { // an open file cannot be removed there
		delete(changes, "removed")
		delete(changes, "replaced")
	}
	for name, change := range changes {
		path := write(t, filepath.Join(t.TempDir(), "final_output.csv"), text)
		in, err := ingest.OpenRows(t.Context(), path, ingest.Options{})
		if err != nil {
			t.Fatal(err)
		}
		id, err := ingest.Identify(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(in.Changed(), id.Changed()); err != nil {
			t.Errorf("before: %v", err)
		}
		if err := change(path); err != nil {
			t.Fatal(err)
		}
		checkError[*ingest.InputError](t, name, in.Changed(), path, "changed while it was read")
		if err := in.Close(); err != nil {
			t.Error(err)
		}
		checkError[*ingest.InputError](t, name, id.Changed(), "changed while it was read")
	}
	if id, err := ingest.Identify("-"); err != nil || id.Changed() != nil {
		t.Errorf("standard input: %v, %v", err, id.Changed())
	}
	_, err := ingest.Identify(filepath.Join(t.TempDir(), "none"))
	checkError[*ingest.InputError](t, "missing", err, "no such file")
}
