package ingest_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"holdfast/replay/ingest"
)

// line is what a Scanner says of one record.
type line struct {
	Line   int64
	Offset int64
	Fields []string
	Fault  ingest.Reason
	Raw    string
	End    int
}

func scan(t testing.TB, r io.Reader, delimiter byte, want int) []line {
	t.Helper()
	s := ingest.NewScanner(r, delimiter)
	s.Want(want)
	var all []line
	for s.Scan() {
		l := line{s.Line(), s.Offset(), nil, s.Fault(), string(s.Raw()), s.LineEnd()}
		for _, f := range s.Fields() {
			l.Fields = append(l.Fields, string(f))
		}
		all = append(all, l)
	}
	if s.Err() != nil {
		t.Fatal(s.Err())
	}
	return all
}

// Rows 9 and 11: line ends, quotes and physical line numbers.
func TestScanner(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       []line
	}{
		{"empty", "", nil},
		{"line ends mix", "a,b\nc,d\r\ne,f\rg,h", []line{
			{1, 0, []string{"a", "b"}, "", "a,b", 1},
			{2, 4, []string{"c", "d"}, "", "c,d", 2},
			{3, 9, []string{"e", "f"}, "", "e,f", 1},
			{4, 13, []string{"g", "h"}, "", "g,h", 0},
		}},
		{"CR at the very end", "a,b\r", []line{{1, 0, []string{"a", "b"}, "", "a,b", 1}}},
		{"blank lines", "\r\n\r\r\n\n", []line{
			{1, 0, []string{""}, "", "", 2}, {2, 2, []string{""}, "", "", 1}, {3, 3, []string{""}, "", "", 2}, {4, 5, []string{""}, "", "", 1},
		}},
		{"quotes", `"a,1",b` + "\n" + `c,"d ""e"""` + "\n" + `"",""` + "\n", []line{
			{1, 0, []string{"a,1", "b"}, "", `"a,1",b`, 1},
			{2, 8, []string{"c", `d "e"`}, "", `c,"d ""e"""`, 1},
			{3, 20, []string{"", ""}, "", `"",""`, 1},
		}},
		{"lines within quotes count", "\"a\nb\r\nc\rd\",e\nf,g\n", []line{
			{1, 0, []string{"a\nb\r\nc\rd", "e"}, "", "\"a\nb\r\nc\rd\",e", 1},
			{5, 13, []string{"f", "g"}, "", "f,g", 1},
		}},
		{"quotes within a plain field are text", "a\"b,\"c\"\n", []line{{1, 0, []string{`a"b`, "c"}, "", `a"b,"c"`, 1}}},
		{"empty last field", "a,\n\"b\",", []line{
			{1, 0, []string{"a", ""}, "", "a,", 1}, {2, 3, []string{"b", ""}, "", `"b",`, 0},
		}},
		{"text after a closing quote", "\"a\"b,c\nd,e\n", []line{
			{1, 0, nil, ingest.BadText, `"a"b,c`, 1}, {2, 7, []string{"d", "e"}, "", "d,e", 1},
		}},
		{"unclosed quote", "a,\"b\nc,d\ne,f\n", []line{
			{1, 0, nil, ingest.BadText, `a,"b`, 1},
			{2, 5, []string{"c", "d"}, "", "c,d", 1},
			{3, 9, []string{"e", "f"}, "", "e,f", 1},
		}},
		{"two unclosed quotes make no record of many lines", "a,\"b\nc,d\ne,\"\nf,g\n", []line{
			{1, 0, []string{"a", "b\nc,d\ne,"}, "", "a,\"b\nc,d\ne,\"", 1}, {4, 13, []string{"f", "g"}, "", "f,g", 1},
		}},
		{"several lines and too few fields", "\"a\nb,c\nd\"\ne,f\n", []line{
			{1, 0, nil, ingest.FieldCount, `"a`, 1},
			{2, 3, []string{"b", "c"}, "", "b,c", 1},
			{3, 7, []string{`d"`}, "", `d"`, 1},
			{4, 10, []string{"e", "f"}, "", "e,f", 1},
		}},
		{"several lines and too many fields", "\"a\nb\",c,d\ne,f\n", []line{
			{1, 0, nil, ingest.FieldCount, `"a`, 1},
			{2, 3, []string{`b"`, "c", "d"}, "", `b",c,d`, 1},
			{3, 10, []string{"e", "f"}, "", "e,f", 1},
		}},
		{"one line and another number of fields", "a\n\"b\",c,d\n", []line{
			{1, 0, []string{"a"}, "", "a", 1}, {2, 2, []string{"b", "c", "d"}, "", `"b",c,d`, 1},
		}},
	}
	for _, tt := range tests {
		got := scan(t, strings.NewReader(tt.text), ',', 2)
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s: (-want +got)\n%s", tt.name, d)
		}
		got = scan(t, iotest.OneByteReader(strings.NewReader(tt.text)), ',', 2)
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s, byte by byte: (-want +got)\n%s", tt.name, d)
		}
	}
}

// R3: a field of more than 1 MiB is a fault of its record alone.
func TestScannerSizes(t *testing.T) {
	t.Parallel()
	most, over := strings.Repeat("x", ingest.MaxField), strings.Repeat("x", ingest.MaxField+1)
	huge := strings.Repeat("x,y,", ingest.MaxRecord/4+10_000)
	tests := []struct {
		name, text string
		faults     []ingest.Reason
	}{
		{"largest field", most + ",b\nc,d\n", []ingest.Reason{"", ""}},
		{"largest quoted field", `"` + most + "\",b\nc,d\n", []ingest.Reason{"", ""}},
		{"field over", over + ",b\nc,d\n", []ingest.Reason{ingest.FieldSize, ""}},
		{"quoted field over", `"` + over + "\",b\nc,d\n", []ingest.Reason{ingest.FieldSize, ""}},
		{"plain field over behind a quoted one", `"a",` + over + "\nc,d\n", []ingest.Reason{ingest.FieldSize, ""}},
		{"record over", huge + "\nc,d\n", []ingest.Reason{ingest.FieldSize, ""}},
		{"quoted records behind a record over", huge + "\n\"c\",d\n" + strings.Repeat("c,\"d\"\n", 2), []ingest.Reason{ingest.FieldSize, "", "", ""}},
		{"record over, CRLF, last", "c,d\r\n" + huge + "\r\n", []ingest.Reason{"", ingest.FieldSize}},
		{"record over, no line end", "c,d\n" + huge, []ingest.Reason{"", ingest.FieldSize}},
		{"quoted record over", `"` + strings.ReplaceAll(huge, ",", `","`) + "\"\nc,d\n", []ingest.Reason{ingest.FieldSize, ""}},
		{"unclosed quote far from the end", "\"a,b\n" + strings.Repeat("c,d\n", 4) + "\"" + over + "\n", []ingest.Reason{ingest.BadText, "", "", "", "", ingest.FieldSize}},
	}
	for _, tt := range tests {
		var faults []ingest.Reason
		var size int64
		s := ingest.NewScanner(strings.NewReader(tt.text), ',')
		s.Want(2)
		for s.Scan() {
			faults = append(faults, s.Fault())
			if s.Offset() != size {
				t.Errorf("%s: record %d at %d, want %d", tt.name, len(faults), s.Offset(), size)
			}
			if s.Line() != int64(len(faults)) {
				t.Errorf("%s: record %d on line %d", tt.name, len(faults), s.Line())
			}
			size += s.Length() + int64(s.LineEnd())
			if !strings.HasPrefix(tt.text[s.Offset():], string(s.Raw())) {
				t.Errorf("%s: record %d is not what stands there", tt.name, len(faults))
			}
		}
		if d := cmp.Diff(tt.faults, faults); d != "" || size != int64(len(tt.text)) {
			t.Errorf("%s: %d of %d bytes (-want +got)\n%s", tt.name, size, len(tt.text), d)
		}
	}
}

// Lines that open a quote which the next line closes and opens again: the
// search for the end of each record must not run to the end of the file. This
// ends at once, or not within the patience of anybody.
func TestScannerIsLinear(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("x\",\"abc\n", 1<<20)
	s := ingest.NewScanner(strings.NewReader(text), ',')
	s.Want(3)
	n := 0
	for s.Scan() {
		n++
	}
	if n == 0 || s.Err() != nil {
		t.Errorf("%d records, %v", n, s.Err())
	}
	s = ingest.NewScanner(strings.NewReader(strings.Repeat("a,b\r", 1<<20)), ',')
	for n = 0; s.Scan(); {
		n++
	}
	if n != 1<<20 {
		t.Errorf("%d records that end in CR, want %d", n, 1<<20)
	}
}

func TestScannerReadError(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for _, text := range []string{"a,b\nc", "a,\"b\nc"} {
		s := ingest.NewScanner(io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)), ',')
		for s.Scan() {
		}
		if !errors.Is(s.Err(), broken) {
			t.Errorf("%q: %v, want broken", text, s.Err())
		}
	}
}

// twinRecords is what encoding/csv makes of a text; ok is false if it refuses it.
func twinRecords(text []byte, delimiter byte) (all [][]string, ok bool) {
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord, r.Comma = -1, rune(delimiter)
	all, err := r.ReadAll()
	return all, err == nil
}

// checkAgainstTwin compares Scanner with encoding/csv, which skips blank lines
// and keeps a lone CR as text.
func checkAgainstTwin(t *testing.T, text []byte) {
	t.Helper()
	var total int64
	s := ingest.NewScanner(iotest.HalfReader(bytes.NewReader(text)), ',')
	var got [][]string
	for s.Scan() {
		if s.Offset() != total {
			t.Fatalf("record at %d, want %d: %q", s.Offset(), total, text)
		}
		if !bytes.Equal(s.Raw(), text[total:total+s.Length()]) {
			t.Fatalf("raw %q at %d of %q", s.Raw(), total, text)
		}
		total += s.Length() + int64(s.LineEnd())
		var fields []string
		for _, f := range s.Fields() {
			fields = append(fields, string(f))
		}
		if len(s.Raw()) > 0 {
			got = append(got, fields)
		}
	}
	if total != int64(len(text)) || s.Err() != nil {
		t.Fatalf("%d of %d bytes, %v: %q", total, len(text), s.Err(), text)
	}
	if bytes.IndexByte(text, '\r') >= 0 {
		return
	}
	want, ok := twinRecords(text, ',')
	if ok && !(len(want) == 0 && len(got) == 0) {
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("%q: (-encoding/csv +Scanner)\n%s", text, d)
		}
	}
}

func FuzzScanner(f *testing.F) {
	for _, s := range []string{"symbol,timestamp,price\nTCS,2025-07-14T09:15:00Z,1305.75\n", "\"a,\"\"1\",b\n\nc", "a\"b,\"c\nd\"\n", "\"a\"b\r\nc\rd", "\"", "a,\"b\nc,\"d\""} {
		f.Add([]byte(s))
	}
	f.Fuzz(checkAgainstTwin)
}

func TestScannerTwin(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	const letters = "ab,,\"\"\n\r "
	for range 5_000 {
		text := make([]byte, r.IntN(24))
		for i := range text {
			text[i] = letters[r.IntN(len(letters))]
		}
		checkAgainstTwin(t, text)

		// What encoding/csv writes.
		var buf bytes.Buffer
		w := csv.NewWriter(&buf)
		for range 1 + r.IntN(4) {
			record := make([]string, 1+r.IntN(4))
			for i := range record {
				for range r.IntN(6) {
					record[i] += string("ab,\" \n#é"[r.IntN(7)])
				}
			}
			if err := w.Write(record); err != nil {
				t.Fatal(err)
			}
		}
		w.Flush()
		checkAgainstTwin(t, buf.Bytes())
	}
}
