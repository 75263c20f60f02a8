package ingest_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the zones of the tests, whatever the machine has

	"github.com/google/go-cmp/cmp"

	"holdfast/replay/ingest"
	"holdfast/replay/tick"
)

// Rows 4 and 5: every spelling of a time in one column.
func TestRow4And5TimeSpellingsMix(t *testing.T) {
	t.Parallel()
	r := readRows(table(rowHeader,
		"TCS,2025-07-14T09:15:00Z,1",
		"TCS,2025-07-14T09:15:00.005000Z,1",
		"TCS,2025-07-14 09:15:00.1,1",
		"TCS,2025-07-14T09:15:00.123+00:00,1",
		"TCS,2025-07-14T14:45:00.123456+0530,1",
		"TCS, 2025-07-14T09:15:00.123456789-00 ,1",
		"TCS,2025-07-14T09:15:00.123456789999Z,1",
		"TCS,1752484500,1",
	), ingest.Options{})
	r.check(t, "times", []string{
		"1:2 TCS 2025-07-14T09:15:00Z 1",
		"2:3 TCS 2025-07-14T09:15:00.005Z 1",
		"3:4 TCS 2025-07-14T09:15:00.1Z 1",
		"4:5 TCS 2025-07-14T09:15:00.123Z 1",
		"5:6 TCS 2025-07-14T09:15:00.123456Z 1",
		"6:7 TCS 2025-07-14T09:15:00.123456789Z 1",
		"7:8 TCS 2025-07-14T09:15:00.123456789Z 1",
		"8:9 TCS 2025-07-14T09:15:00Z 1",
	}, nil)
	r.checkNote(t, "times", "truncated-times", 1)
	r.checkNote(t, "times", "naive-times", 1)
	r.checkNote(t, "times", "epoch-times", 1)
}

// Row 7: a time that DST makes ambiguous, and second 60.
func TestRow7LocalTimes(t *testing.T) {
	t.Parallel()
	london, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	text := table(rowHeader, "TCS,2025-10-26T01:30:00,1", "TCS,2016-12-31T23:59:60Z,1", "TCS,2025-10-26T01:30:00+01,1")
	used := []string{"2:3 TCS 2016-12-31T23:59:59.999999999Z 1", "3:4 TCS 2025-10-26T00:30:00Z 1"}

	r := readRows(text, ingest.Options{Zone: tick.Zone{Loc: london}})
	r.check(t, "fold", used, []string{"2 ambiguous-local-time"})
	r.checkNote(t, "fold", "leap-seconds", 1)

	r = readRows(text, ingest.Options{Zone: tick.Zone{Loc: london, DST: tick.DSTLater}})
	r.check(t, "later", append([]string{"1:2 TCS 2025-10-26T01:30:00Z 1"}, used...), nil)
	r.checkNote(t, "later", "dst-times", 1)
	if want := "standard input: 1 times name no zone and are read as Europe/London: --assume-tz sets another"; !slices.Contains(r.stats.Warnings, want) {
		t.Errorf("warnings %q lack %q", r.stats.Warnings, want)
	}
}

// Row 8: epoch numbers have one unit a column.
func TestRow8Epoch(t *testing.T) {
	t.Parallel()
	for unit, number := range map[string]string{"s": "1752484500.250", "ms": "1752484500250", "us": "1752484500250000", "ns": "1752484500250000000"} {
		for _, epoch := range []string{"", "auto", unit} {
			r := readRows(table(rowHeader, "TCS,"+number+",1"), ingest.Options{Epoch: epoch})
			r.check(t, unit, []string{"1:2 TCS 2025-07-14T09:15:00.25Z 1"}, nil)
		}
	}
	r := readRows(table(rowHeader, "TCS,1752484500,1", "TCS,soon,1", "TCS,2025-07-14T09:15:00Z,1", "TCS,1752484500250,1"), ingest.Options{})
	checkError[*ingest.InputError](t, "mixed", r.err, "standard input:5: column timestamp mixes epoch units: ms here, s on line 2", "--epoch")

	r = readRows(table(rowHeader, "TCS,0,1", "TCS,1752484500,1", "TCS,1752484500250,1"), ingest.Options{Epoch: "ms"})
	r.check(t, "given", []string{"1:2 TCS 1970-01-01T00:00:00Z 1", "2:3 TCS 1970-01-21T06:48:04.5Z 1", "3:4 TCS 2025-07-14T09:15:00.25Z 1"}, nil)

	r = readRows(table(rowHeader, "TCS,12345,1", "TCS,9999999999999999999,1"), ingest.Options{})
	r.check(t, "neither", nil, []string{"2 bad-time", "3 time-range"})
	if hint := r.stats.Rejects[0].Hint; !strings.Contains(hint, "--epoch") {
		t.Errorf("hint %q", hint)
	}
	r = readRows(table(rowHeader), ingest.Options{Epoch: "minutes"})
	checkError[*ingest.UsageError](t, "unknown unit", r.err, `"minutes"`)
}

// Row 9: line ends.
func TestRow9LineEnds(t *testing.T) {
	t.Parallel()
	lf := table(rowHeader, "TCS,2025-07-14T09:15:00Z,1", "", "INFY,soon,1", "INFY,2025-07-14T09:15:01Z,2")
	want := readRows(lf, ingest.Options{})
	for name, end := range map[string]string{"CRLF": "\r\n", "CR": "\r"} {
		r := readRows(strings.ReplaceAll(lf, "\n", end), ingest.Options{})
		r.check(t, name, want.used, want.rejects)
		if !r.header.CR || want.header.CR {
			t.Errorf("%s: header.CR = %v, of the LF run %v", name, r.header.CR, want.header.CR)
		}
	}
	mixed := strings.Replace(strings.Replace(lf, "\n", "\r", 1), "Z,1\n", "Z,1\r\n", 1)
	readRows(mixed, ingest.Options{}).check(t, "mixed", want.used, want.rejects)
}

// Row 10: bytes that are no text, in needed fields and in others.
func TestRow10BadText(t *testing.T) {
	t.Parallel()
	r := readRows(table(rowHeader+",note",
		"T\x00S,2025-07-14T09:15:00Z,1,",
		"T\xffS,2025-07-14T09:15:00Z,1,",
		"TCS,2025-07-14T09:15:00\x00Z,1,",
		"TCS,2025-07-14T09:15:00Z,1\xc3,",
		"TCS,2025-07-14T09:15:00Z,1,\x00\xff",
		"\xed\xa0\x80,2025-07-14T09:15:00Z,1,",
	), ingest.Options{})
	r.check(t, "text", []string{"5:6 TCS 2025-07-14T09:15:00Z 1"}, []string{"2 bad-text", "3 bad-text", "4 bad-text", "5 bad-text", "7 bad-text"})
}

// Rows 11 and 20: quoting, and symbols that are hard to print.
func TestRow11And20Quotes(t *testing.T) {
	t.Parallel()
	r := readRows(table(rowHeader,
		`"A,B",2025-07-14T09:15:00Z,"1"`,
		"\"A\nB\",2025-07-14T09:15:00Z,1",
		`"A ""B""",2025-07-14T09:15:00Z,1`,
		"TCS,soon,1",
		"🚀<script>,2025-07-14T09:15:00Z,1",
		"=CMD(),2025-07-14T09:15:00Z,1",
		"\"TCS,2025-07-14T09:15:00Z,1",
		"TCS,2025-07-14T09:15:00Z,2",
		"\"TCS\" ,2025-07-14T09:15:00Z,1",
	), ingest.Options{})
	r.check(t, "quotes", []string{
		"1:2 A,B 2025-07-14T09:15:00Z 1",
		"2:3 A\nB 2025-07-14T09:15:00Z 1",
		`3:5 A "B" 2025-07-14T09:15:00Z 1`,
		"5:7 🚀<script> 2025-07-14T09:15:00Z 1",
		"6:8 =CMD() 2025-07-14T09:15:00Z 1",
		"8:10 TCS 2025-07-14T09:15:00Z 2",
	}, []string{"6 bad-time", "9 bad-text", "11 bad-text"})
	if d := cmp.Diff([]string{"TCS,soon,1", "\"TCS,2025-07-14T09:15:00Z,1", "\"TCS\" ,2025-07-14T09:15:00Z,1"}, r.raws); d != "" {
		t.Errorf("raw (-want +got)\n%s", d)
	}
}

// Row 13: the last line, cut.
func TestRow13Tail(t *testing.T) {
	t.Parallel()
	good := table(rowHeader, "TCS,2025-07-14T09:15:00Z,1")
	used := []string{"1:2 TCS 2025-07-14T09:15:00Z 1"}
	for _, tail := range []string{"I", "INFY,", "INFY,2025-07-14T09:1", "INFY,2025-07-14T09:15:00Z", "INFY,2025-07-14T09:15:00Z,", "INFY,2025-07-14T09:15:00Z,-", `"INFY`, "INF\xc3"} {
		readRows(good+tail, ingest.Options{}).check(t, tail, used, []string{"3 truncated-tail"})
	}
	r := readRows(good+"INFY,2025-07-14T09:15:00Z,13", ingest.Options{})
	r.check(t, "parses", append(slices.Clone(used), "2:3 INFY 2025-07-14T09:15:00Z 13"), nil)
	r.checkNote(t, "parses", "no-final-newline", 1)
	readRows(good+strings.Repeat("x", ingest.MaxField+1)+",2025-07-14T09:15:00Z,13", ingest.Options{}).check(t, "too long", used, []string{"3 field-size"})
	readRows(good+"INFY,soon,13\n", ingest.Options{}).check(t, "not cut", used, []string{"3 bad-time"})
}

// Row 14: empty files, blank and comment lines.
func TestRow14EmptyAndComments(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"empty": "", "BOM": "\ufeff", "blank": "\n \t\n", "comment": "# nothing", "header": rowHeader, "header and line end": rowHeader + "\n"} {
		r := readRows(text, ingest.Options{})
		r.check(t, name, nil, nil)
		if d := cmp.Diff([]string{"symbol", "timestamp", "price"}, r.header.Names); d != "" {
			t.Errorf("%s: names (-want +got)\n%s", name, d)
		}
		readAttempts(strings.ReplaceAll(text, rowHeader, attemptHeader), ingest.Options{}).check(t, name, nil, nil)
		if !strings.Contains(text, "o") {
			readEvents(text, ingest.Options{}).check(t, name, nil, nil)
		}
	}
	r := readRows(table("# made by hand", "", rowHeader, "", "  \t", "# TCS, again", "#1,2025-07-14T09:15:00Z,1", "TCS,2025-07-14T09:15:00Z,1", "#", "#\"", "x"), ingest.Options{})
	r.check(t, "comments", []string{"1:7 #1 2025-07-14T09:15:00Z 1", "2:8 TCS 2025-07-14T09:15:00Z 1"}, []string{"11 field-count"})
	r.checkNote(t, "comments", "blank-lines", 3)
	r.checkNote(t, "comments", "comment-lines", 4)
	if r.header.Line != 3 {
		t.Errorf("the header is on line %d, want 3", r.header.Line)
	}
	readRows(table("#,symbol,timestamp,price", "7,TCS,2025-07-14T09:15:00Z,1"), ingest.Options{}).
		check(t, "a column named #", []string{"1:2 TCS 2025-07-14T09:15:00Z 1"}, nil)
}

// Rows 16, 17 and 18: prices.
func TestRow16To18Prices(t *testing.T) {
	t.Parallel()
	r := readRows(table(rowHeader,
		"TCS,2025-07-14T09:15:00Z,NaN",
		"TCS,2025-07-14T09:15:00Z,Infinity",
		"TCS,2025-07-14T09:15:00Z,",
		"TCS,2025-07-14T09:15:00Z,1.30575e3",
		"TCS,2025-07-14T09:15:00Z, 1305.750 ",
		"TCS,2025-07-14T09:15:00Z,-37.63",
		"TCS,2025-07-14T09:15:00Z,0.00",
		"TCS,2025-07-14T09:15:00Z,123456789.123456789",
		`TCS,2025-07-14T09:15:00Z,"1,305.75"`,
		"TCS,2025-07-14T09:15:00Z,1305.7500000001",
		"TCS,2025-07-14T09:15:00Z,99999999999",
		"TCS,2025-07-14T09:15:00Z,12 dollars",
	), ingest.Options{})
	r.check(t, "prices", []string{
		"4:5 TCS 2025-07-14T09:15:00Z 1305.75",
		"5:6 TCS 2025-07-14T09:15:00Z 1305.75",
		"6:7 TCS 2025-07-14T09:15:00Z -37.63",
		"7:8 TCS 2025-07-14T09:15:00Z 0",
		"8:9 TCS 2025-07-14T09:15:00Z 123456789.123456789",
	}, []string{"2 bad-price", "3 bad-price", "4 bad-price", "10 bad-price", "11 price-precision", "12 price-range", "13 bad-price"})
	r.checkNote(t, "prices", "zero-prices", 1)
	r.checkNote(t, "prices", "negative-prices", 1)
	if hint := r.stats.Rejects[3].Hint; !strings.Contains(hint, "comma") {
		t.Errorf("hint %q does not name the comma", hint)
	}
	if d := cmp.Diff(map[string]int64{"bad-price": 5, "price-precision": 1, "price-range": 1}, r.stats.Reasons); d != "" {
		t.Errorf("reasons (-want +got)\n%s", d)
	}
	if want := "standard input: 5 rejected as bad-price: lines 2, 3, 4, 10, 13 (line 2: the price is missing)"; !slices.Contains(r.stats.Warnings, want) {
		t.Errorf("warnings %q lack %q", r.stats.Warnings, want)
	}
}

// R8: the spellings of a missing value.
func TestMissing(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", " ", "\t ", "null", "NULL", "None", "nan", "NaN", "NaT", "N/A", "n/a", "NA", `\N`, `\n`, "-", " - "} {
		if !ingest.IsMissing([]byte(s)) {
			t.Errorf("%q is not missing", s)
		}
		if s == "" {
			continue
		}
		readRows(table(rowHeader, "\""+s+"\",2025-07-14T09:15:00Z,1"), ingest.Options{}).check(t, s, nil, []string{"2 missing-field"})
		readRows(table(rowHeader, "TCS,\""+s+"\",1"), ingest.Options{}).check(t, s, nil, []string{"2 missing-field"})
	}
	for _, s := range []string{"0", "nul", "nulls", "nil", "N", `\`, "--", "n-a", "nab", "soon", "\u00a0"} {
		if ingest.IsMissing([]byte(s)) {
			t.Errorf("%q is missing", s)
		}
		readRows(table(rowHeader, "TCS,"+s+",1"), ingest.Options{}).check(t, s, nil, []string{"2 bad-time"})
	}
}

// R11: symbols compare byte by byte, and near ones are told.
func TestNearSymbols(t *testing.T) {
	t.Parallel()
	text := table(rowHeader, "TCS,2025-07-14T09:15:00Z,1", "tcs,2025-07-14T09:15:00Z,1", "TCS ,2025-07-14T09:15:00Z,1", "ΣΑΣ,2025-07-14T09:15:00Z,1", "σας,2025-07-14T09:15:00Z,1", "INFY,2025-07-14T09:15:00Z,1")
	r := readRows(text, ingest.Options{})
	if d := cmp.Diff([]string{"INFY", "TCS", "TCS ", "tcs", "ΣΑΣ", "σας"}, r.stats.Symbols); d != "" {
		t.Errorf("symbols (-want +got)\n%s", d)
	}
	if d := cmp.Diff([]string{
		`standard input: near-symbols: "TCS", "TCS ", "tcs" differ only in case or outer spaces: --fold-case makes them one`,
		`standard input: near-symbols: "ΣΑΣ", "σας" differ only in case or outer spaces: --fold-case makes them one`,
	}, r.stats.Warnings); d != "" {
		t.Errorf("warnings (-want +got)\n%s", d)
	}

	r = readRows(text, ingest.Options{FoldCase: true})
	if d := cmp.Diff([]string{"INFY", "TCS", "ΣΑΣ"}, r.stats.Symbols); d != "" || len(r.stats.Warnings) > 0 {
		t.Errorf("folded: %q, symbols (-want +got)\n%s", r.stats.Warnings, d)
	}
	r.checkNote(t, "folded", "case-folded-symbols", 3)

	a := ingest.Stats{Symbols: []string{"INFY", "TCS", "X", "x"}}
	b := ingest.Stats{Symbols: []string{"INFY", "tcs"}}
	if d := cmp.Diff([]string{`near-symbols: "TCS", "tcs" differ only in case or outer spaces: --fold-case makes them one`}, ingest.NearSymbols(a, b)); d != "" {
		t.Errorf("across files (-want +got)\n%s", d)
	}
}

// R12: how much may be bad.
func TestMaxBad(t *testing.T) {
	t.Parallel()
	text := func(good, bad int) string {
		return rowHeader + "\n" + strings.Repeat("TCS,2025-07-14T09:15:00Z,1\n", good) + strings.Repeat("TCS,soon,1\n", bad)
	}
	tests := []struct {
		good, bad int
		max       ingest.MaxBad
		ok        bool
	}{
		{0, 100, ingest.MaxBad{}, true},
		{0, 101, ingest.MaxBad{}, false},
		{19_800, 200, ingest.MaxBad{}, true},
		{19_799, 201, ingest.MaxBad{}, false},
		{1000, 1, ingest.MaxBad{Set: true}, false},
		{1000, 0, ingest.MaxBad{Set: true}, true},
		{0, 5, ingest.MaxBad{Set: true, Count: 5}, true},
		{1000, 6, ingest.MaxBad{Set: true, Count: 5}, false},
		{199, 1, ingest.MaxBad{Set: true, Percent: 0.5}, true},
		{198, 1, ingest.MaxBad{Set: true, Percent: 0.5}, false},
	}
	for _, tt := range tests {
		r := readRows(text(tt.good, tt.bad), ingest.Options{MaxBad: tt.max})
		if len(r.rejects) != tt.bad || len(r.used) != tt.good {
			t.Errorf("%+v: %d used, %d rejected", tt, len(r.used), len(r.rejects))
		}
		if tt.ok != (r.err == nil) || !tt.ok && !errors.Is(r.err, ingest.ErrMaxBad) {
			t.Errorf("%+v: %v", tt, r.err)
		}
		if r.err != nil {
			checkError[*ingest.InputError](t, "max-bad", r.err, "bad-time", "--max-bad")
		}
	}
}

func TestRejectErrorEndsReading(t *testing.T) {
	t.Parallel()
	full := errors.New("disk full")
	o := ingest.Options{Stdin: strings.NewReader(table(rowHeader, "x", "TCS,2025-07-14T09:15:00Z,1")), OnReject: func(ingest.Reject) error { return full }}
	in, err := ingest.OpenRows(t.Context(), "-", o)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	for range 2 {
		if _, err := in.Next(); !errors.Is(err, full) {
			t.Errorf("%v, want disk full", err)
		}
	}
}

// A record says where its bytes are.
func TestRecordPosition(t *testing.T) {
	t.Parallel()
	text := "\ufeff# one\r\n" + rowHeader + "\r\nTCS, 2025-07-14T09:15:00Z ,1\r\nbad\r\"INFY\",\"2025-07-14T09:15:00.000Z\",2"
	in, err := ingest.OpenRows(t.Context(), "-", ingest.Options{Stdin: strings.NewReader(text)})
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	body := strings.TrimPrefix(text, "\ufeff")
	if h := in.Header(); body[h.Size:][:3] != "TCS" || string(h.Raw) != rowHeader {
		t.Errorf("header %+v", h)
	}
	for _, want := range []struct{ raw, time string }{
		{"TCS, 2025-07-14T09:15:00Z ,1", "2025-07-14T09:15:00Z"},
		{"\"INFY\",\"2025-07-14T09:15:00.000Z\",2", "2025-07-14T09:15:00.000Z"},
	} {
		rec, err := in.Next()
		if err != nil {
			t.Fatal(err)
		}
		if got := body[rec.Offset:][:rec.Length]; got != want.raw || string(rec.Raw) != want.raw || rec.TimeText != want.time {
			t.Errorf("record %d: %q, raw %q, time %q; want %q, %q", rec.N, got, rec.Raw, rec.TimeText, want.raw, want.time)
		}
	}
}
