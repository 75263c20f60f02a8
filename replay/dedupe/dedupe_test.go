package dedupe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"holdfast/replay/ingest"
	"holdfast/replay/tick"
)

const header = "symbol,timestamp,price\n"

// at is a row of the incident's first second.
func at(symbol, millis, price string) string {
	return symbol + ",2025-07-14T09:15:00." + millis + "Z," + price + "\n"
}

// dedupe runs ByKey over text and returns OUT.
func dedupe(t *testing.T, text string, c Config) (string, Result) {
	t.Helper()
	f := newFolder(t)
	c.In, c.Out, c.FS = f.write("in.csv", []byte(text)), f.path("out.csv"), unsynced{}
	r := f.byKey(c)
	return f.read("out.csv"), r
}

// Row 35, key part: the golden collision.
func TestRow35GoldenCollision(t *testing.T) {
	t.Parallel()
	text := header + at("TCS", "000", "100.00") + at("TCS", "010", "100.20") + at("TCS", "010", "250.00")
	for keep, want := range map[string]string{
		keepLast:  header + at("TCS", "000", "100.00") + at("TCS", "010", "250.00"),
		keepFirst: header + at("TCS", "000", "100.00") + at("TCS", "010", "100.20"),
	} {
		got, r := dedupe(t, text, Config{Keep: keep})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("keep %s (-want +got):\n%s", keep, diff)
		}
		if r.Groups != 1 || r.Suspected != 1 || r.Removed != 1 {
			t.Errorf("keep %s: %d groups, %d suspected, %d removed", keep, r.Groups, r.Suspected, r.Removed)
		}
		want := "1 of 1 groups look like different events; keeping one loses the other: use --events, or --key symbol,timestamp,price"
		if diff := cmp.Diff([]string{want}, r.Warnings); diff != "" {
			t.Errorf("warnings (-want +got):\n%s", diff)
		}
	}
	f := newFolder(t)
	f.byKey(Config{In: f.write("in.csv", []byte(text)), Analysis: f.path("a.csv"), FS: unsynced{}})
	want := "symbol,timestamp,occurrences,price_shift,time_spread_ms,price_min,price_max,same_price,same_timestamp,view,verdict,event_id,confidence,cause,grade,rows\n" +
		"TCS,2025-07-14T09:15:00.010Z,2,149.8,0,100.2,250,false,true,key,untested,,,,,2|3\n"
	if diff := cmp.Diff(want, f.read("a.csv")); diff != "" {
		t.Errorf("analysis (-want +got):\n%s", diff)
	}
}

// Row 17: spellings of one value are one key, and each kept line stays as read.
func TestRow17EqualValues(t *testing.T) {
	t.Parallel()
	rows := []string{
		"A,2025-07-14T09:15:00Z,1305.75", "A,2025-07-14T09:15:00.000+00:00,1.30575e3", "A, 2025-07-14t14:45:00.0000+0530,1305.750",
		"B,2025-07-14T09:15:00Z,-1", "B,2025-07-14T09:15:00Z,0", "B,2025-07-14T09:15:00Z,123456789.012345678",
	}
	got, r := dedupe(t, header+strings.Join(rows, "\n")+"\n", Config{Key: []string{"Symbol", " TIMESTAMP", "price"}})
	want := header + strings.Join(rows[2:], "\n") + "\n"
	if diff := cmp.Diff(want, got); diff != "" || r.Removed != 2 || r.Suspected != 0 {
		t.Errorf("removed %d, suspected %d (-want +got):\n%s", r.Removed, r.Suspected, diff)
	}
}

// Row 18: a grouped price is rejected with a hint, and so told.
func TestRow18Rejected(t *testing.T) {
	t.Parallel()
	text := header + at("A", "000", "1") + at("A", "001", `"1,305.75"`) + "A\n"
	got, r := dedupe(t, text, Config{})
	if diff := cmp.Diff(header+at("A", "000", "1"), got); diff != "" {
		t.Errorf("out (-want +got):\n%s", diff)
	}
	var told []string
	for _, reject := range r.Rejects {
		told = append(told, reject.Reason, string(reject.Raw))
		if reject.Hint == "" {
			t.Errorf("%s without a hint", reject.Reason)
		}
	}
	want := []string{ingest.BadPrice, `A,2025-07-14T09:15:00.001Z,"1,305.75"`, ingest.FieldCount, "A"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("rejects (-want +got):\n%s", diff)
	}
}

// Row 39: every row doubled exactly: half removed, none lost.
func TestRow39Doubled(t *testing.T) {
	t.Parallel()
	var doubled, once strings.Builder
	for i := range 5000 {
		row := "A," + (tick.Nanos(i) * 1e6).String() + ",1.5\n"
		doubled.WriteString(row + row)
		once.WriteString(row)
	}
	for _, keep := range keeps {
		got, r := dedupe(t, header+doubled.String(), Config{Keep: keep, Memory: 1 << 10, chunk: 3000})
		if r.Removed != 5000 || r.Kept != 5000 || got != header+once.String() {
			t.Errorf("keep %s: kept %d, removed %d", keep, r.Kept, r.Removed)
		}
	}
}

// Row 40: nothing to remove.
func TestRow40NoDuplicates(t *testing.T) {
	t.Parallel()
	text := header + at("A", "000", "1") + at("B", "000", "1")
	f := newFolder(t)
	r := f.byKey(Config{
		In: f.write("in.csv", []byte(text)), Out: f.path("out.csv"), Removed: f.path("removed.csv"), Analysis: f.path("a.csv"), FS: unsynced{},
	})
	if f.read("out.csv") != text || f.read("removed.csv") != removedHeader || strings.Count(f.read("a.csv"), "\n") != 1 || r.Kept != 2 {
		t.Errorf("kept %d, removed: %q, analysis: %q", r.Kept, f.read("removed.csv"), f.read("a.csv"))
	}
}

// Row 14 and R6: an empty file is an input without rows.
func TestRow14Empty(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": header, "\xef\xbb\xbf": header, "\n\n": header, "price,symbol,timestamp": "price,symbol,timestamp\n", header: header,
	} {
		if got, r := dedupe(t, text, Config{}); got != want || r.RowsIn != 0 {
			t.Errorf("%q gives %q with %d rows", text, got, r.RowsIn)
		}
	}
	got, _ := dedupe(t, at("A", "000", "1"), Config{Read: ingest.Options{NoHeader: true}})
	if got != at("A", "000", "1") {
		t.Errorf("without header: %q", got)
	}
}

// R61 rule by rule, on prices that tie, cancel and need rounding.
func TestKeepRules(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		keep   string
		prices []string
		want   string
	}{
		{keepFirst, []string{"2", "1", "3"}, "2"},
		{keepLast, []string{"2", "1", "3"}, "3"},
		{keepLowest, []string{"1.0", "1.00", "3"}, "1.00"}, // of equals the last
		{keepHighest, []string{"3.0", "3.00", "1"}, "3.00"},
		{keepMedian, []string{"5", "1", "3", "4"}, "3"}, // the lower middle
		{keepMedian, []string{"2.0", "2", "2.00"}, "2"}, // the middle row
		{keepMean, []string{"1", "2", "2"}, "1.67"},
		{keepMean, []string{"0.01", "0.02"}, "0.015"},
		{keepMean, []string{"0.1", "0.2", "0.3"}, "0.2"},
		{keepMean, []string{"1.0", "1.00"}, "1.00"}, // equal: not rewritten
		{keepMean, []string{"-1", "-2", "-2"}, "-1.67"},
		{keepMean, []string{"0", "0", "0", "0", "0", "0", "0", "1"}, "0.12"}, // 0.125 to even
		{keepMean, []string{"0", "0", "0", "0", "0", "1", "1", "1"}, "0.38"}, // 0.375 to even
		{keepMean, []string{"0.000000001", "0"}, "0"},                        // no tenth decimal
		{keepMean, []string{"9223372036.854775807", "9223372036.854775807", "9223372036.854775805"}, "9223372036.854775806"},
	} {
		var text strings.Builder
		for _, p := range test.prices {
			text.WriteString(at("A", "000", p))
		}
		got, r := dedupe(t, header+text.String(), Config{Keep: test.keep})
		if diff := cmp.Diff(header+at("A", "000", test.want), got); diff != "" {
			t.Errorf("%s of %v (-want +got):\n%s", test.keep, test.prices, diff)
		}
		if changed := r.Rewritten == 1; changed != (test.keep == keepMean && test.want != test.prices[len(test.prices)-1]) {
			t.Errorf("%s of %v: rewritten %d", test.keep, test.prices, r.Rewritten)
		}
	}
}

// The price is replaced within quotes and among them, and nothing else is.
func TestMeanReplacesTheFieldOnly(t *testing.T) {
	t.Parallel()
	text := `note,"price",symbol,timestamp` + "\r\n" +
		`"a ""b"", c", 1 ,A,2025-07-14T09:15:00Z` + "\r\n" +
		`"d, ""e""","2 ","A","2025-07-14T09:15:00.0Z"` + "\r\n"
	got, _ := dedupe(t, text, Config{Keep: keepMean})
	want := `note,"price",symbol,timestamp` + "\n" + `"d, ""e""",1.5,"A","2025-07-14T09:15:00.0Z"` + "\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// R64: more than 1 % of the lowest price, by magnitude.
func TestSuspectedCollision(t *testing.T) {
	t.Parallel()
	for prices, want := range map[[2]string]int64{
		{"100", "101"}: 0, {"100", "101.000000001"}: 1, {"0", "0"}: 0, {"0", "0.000000001"}: 1,
		{"-100", "-99"}: 0, {"-100", "-98.999999999"}: 1, {"-9000000000", "9000000000"}: 1,
	} {
		if _, r := dedupe(t, header+at("A", "000", prices[0])+at("A", "000", prices[1]), Config{}); r.Suspected != want {
			t.Errorf("%v: suspected %d, want %d", prices, r.Suspected, want)
		}
	}
}

// The lines of the analysis are in the order of time, whatever the key.
func TestAnalysisOrder(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	text := header + at("B", "001", "1") + at("A", "002", "2") + at("C", "002", "1") +
		strings.Repeat(at("A", "005", "3"), 1500) + at("B", "003", "1.5") + at("C", "002", "1")
	f.byKey(Config{
		In: f.write("in.csv", []byte(text)), Analysis: f.path("a.csv"), Key: []string{"symbol"}, Required: true, FS: unsynced{},
	})
	want := "symbol,timestamp,occurrences,price_shift\n" +
		"B,2025-07-14T09:15:00.001Z,2,0.5\nA,2025-07-14T09:15:00.002Z,1501,1\nC,2025-07-14T09:15:00.002Z,2,0\n"
	if diff := cmp.Diff(want, f.read("a.csv")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	f.byKey(Config{In: f.path("in.csv"), Analysis: f.path("a.csv"), Key: []string{"symbol"}, CSVSafe: true, FS: unsynced{}})
	lines := strings.Split(f.read("a.csv"), "\n")
	if !strings.HasPrefix(lines[2], "A,2025-07-14T09:15:00.002Z,1501,1,3,2,3,false,false,key,untested,") || !strings.HasSuffix(lines[2], "|1026|+477") {
		t.Errorf("%.100s...%s", lines[2], lines[2][len(lines[2])-30:])
	}
	if want := "B,2025-07-14T09:15:00.001Z,2,0.5,2,1,1.5,false,false,key,untested,,,,,1|1504"; lines[1] != want {
		t.Errorf("%s, want %s", lines[1], want)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	_, r := dedupe(t, header+at("A", "000", "1")+at("A", "000", "1"), Config{})
	got, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"rows_in":2,"kept":1,"removed":1,"rejected":0,"rewritten":0,"groups":1,"suspected_collisions":0,` +
		`"grouping":"key","key":["symbol","timestamp"],"keep":"last","tolerance":null,"accidental_expected":null}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// R66: what OUT is called.
func TestOutputs(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	text := header + at("A", "000", "1")
	c := Config{In: f.write("in.csv", []byte(text+at("A", "000", "2"))), Keep: keepFirst, FS: unsynced{}}
	var stdout bytes.Buffer
	c.Out, c.Stdout = "-", &stdout
	f.byKey(c)
	if stdout.String() != text {
		t.Errorf("standard output: %q", stdout.String())
	}
	c.Out = f.path("out.csv.gz")
	f.byKey(c)
	z, err := gzip.NewReader(strings.NewReader(f.read("out.csv.gz")))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(z); err != nil || string(b) != text {
		t.Errorf("gzip: %q, %v", b, err)
	}
	c.Out = f.path("out.csv.zst")
	f.byKey(c)
	d, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if b, err := d.DecodeAll([]byte(f.read("out.csv.zst")), nil); err != nil || string(b) != text {
		t.Errorf("zstd: %q, %v", b, err)
	}
}

// Requests that cannot be meant (exit 2), R66 first.
func TestUsageErrors(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	in := f.write("in.csv", []byte(header))
	if err := os.Symlink(in, f.path("symlink")); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(in, f.path("hardlink")); err != nil {
		t.Fatal(err)
	}
	appended, err := os.OpenFile(in, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer appended.Close()
	for name, c := range map[string]Config{
		"same path":     {In: in, Out: in},
		"other name":    {In: in, Out: f.dir + "/./in.csv"},
		"symlink":       {In: in, Out: f.path("symlink")},
		"from symlink":  {In: f.path("symlink"), Out: in},
		"hard link":     {In: in, Out: f.path("hardlink")},
		"stdout":        {In: in, Out: "-", Stdout: appended},
		"removed is in": {In: in, Out: f.path("out.csv"), Removed: in},
		"twice":         {In: in, Out: f.path("new.csv"), Analysis: f.path("new.csv")},
		"keep":          {In: in, Out: f.path("out.csv"), Keep: "newest"},
		"truth":         {In: in, Out: f.path("out.csv"), Keep: "truth"},
		"column":        {In: in, Out: f.path("out.csv"), Key: []string{"symbol", "seller"}},
		"column twice":  {In: in, Out: f.path("out.csv"), Key: []string{"symbol", "Symbol"}},
		"epoch":         {In: in, Out: f.path("out.csv"), Read: ingest.Options{Epoch: "days"}},
	} {
		_, err := ByKey(context.Background(), c)
		var usage *ingest.UsageError
		if !errors.As(err, &usage) {
			t.Errorf("%s: %v is no UsageError", name, err)
		}
	}
	if f.read("in.csv") != header || len(f.names()) != 3 {
		t.Errorf("files: %v", f.names())
	}
}

// Input that cannot be used (exit 3) leaves what is there.
func TestInputErrors(t *testing.T) {
	t.Parallel()
	bad := strings.Repeat("A,never,1\n", 101)
	for name, test := range map[string]struct{ text, want string }{
		"missing column": {"symbol,price\nA,1\n", "timestamp"},
		"no header":      {at("A", "000", "1"), "--no-header"},
		"UTF-16":         {"\xff\xfes\x00y\x00", "UTF-16"},
		"max bad":        {header + bad, ":2: 101 of 101 records are bad, from this line on: --max-bad allows more"},
		"mixed epochs": {
			header + "A,2025-07-14T09:15:00Z,1\nA,1752484500,1\n\nA,1752484500000,1\nA,1752484500,1\n",
			":5: column timestamp mixes epoch units: ms here, s on line 3",
		},
		"three epochs": {
			header + "A,1752484500,1\nA,1752484500000000,1\nA,1752484500000,1\n",
			":3: column timestamp mixes epoch units: us here, s on line 2",
		},
	} {
		f := newFolder(t)
		f.write("out.csv", []byte("old"))
		_, err := ByKey(context.Background(), Config{In: f.write("in.csv", []byte(test.text)), Out: f.path("out.csv"), Tmp: f.dir, chunk: 20})
		var input *ingest.InputError
		if !errors.As(err, &input) || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), f.path("in.csv")) {
			t.Errorf("%s: %v", name, err)
		}
		if f.read("out.csv") != "old" || len(f.names()) != 2 {
			t.Errorf("%s: out is %q among %v", name, f.read("out.csv"), f.names())
		}
	}
	_, err := ByKey(context.Background(), Config{In: "-", Read: ingest.Options{Stdin: strings.NewReader("a,b\n")}})
	if err == nil || !strings.HasPrefix(err.Error(), "standard input") {
		t.Errorf("standard input: %v", err)
	}
}

// R12: input that changes during the run, at any of its moments and in any way,
// is not used.
func TestChangedInput(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	text := header + strings.Repeat(at("A", "000", "1")+at("B", "000", "2"), 400)
	changes := map[string]string{
		"longer":      text + text,
		"shorter":     text[:len(text)/2],
		"empty":       "",
		"more lines":  strings.ReplaceAll(text, ",", "\n"),
		"fewer lines": strings.ReplaceAll(text, "\n", ","),
		"other keys":  strings.ReplaceAll(text, "A", "C"),
		"quotes":      strings.ReplaceAll(text, "B", `"`),
		"rubbish":     strings.Repeat("\x00", len(text)),
	}
	for name, changed := range changes {
		for moment := 1; ; moment++ {
			in := f.write("in.csv", []byte(text))
			old := time.Now().Add(-time.Hour)
			if err := os.Chtimes(in, old, old); err != nil {
				t.Fatal(err)
			}
			calls := 0
			c := Config{In: in, Out: f.path("out.csv"), Removed: f.path("removed.csv"), Keep: keepMean, Jobs: 1, chunk: 2000, FS: unsynced{}}
			c.Progress = func(int64, int64) {
				if calls++; calls == moment {
					f.write("in.csv", []byte(changed))
				}
			}
			_, err := ByKey(context.Background(), c)
			if calls < moment {
				break
			}
			if err == nil || !strings.Contains(err.Error(), "changed while it was read") {
				t.Fatalf("%s at moment %d: error %v", name, moment, err)
			}
			if names := f.names(); len(names) != 1 {
				t.Fatalf("%s at moment %d: files %v", name, moment, names)
			}
		}
		os.Remove(f.path("out.csv"))
		os.Remove(f.path("removed.csv"))
	}
}

// A pipe that nobody writes to does not keep an interrupted run.
func TestInterruptWhileWaiting(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	ctx, cancel := context.WithCancel(context.Background())
	in, _ := io.Pipe()
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := ByKey(ctx, Config{In: "-", Out: f.path("out.csv"), Tmp: f.dir, Read: ingest.Options{Stdin: in}}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if names := f.names(); len(names) != 0 {
		t.Errorf("files: %v", names)
	}
}

func TestInterrupt(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	ctx, cancel := context.WithCancel(context.Background())
	c := Config{In: f.write("in.csv", []byte(header+at("A", "000", "1"))), Out: f.path("out.csv"), Tmp: f.dir}
	c.Progress = func(int64, int64) { cancel() }
	if _, err := ByKey(ctx, c); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if names := f.names(); len(names) != 1 {
		t.Errorf("files: %v", names)
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	for field, want := range map[string]string{
		"": "", "a b": "a b", " a": `" a"`, "a,b": `"a,b"`, `say "it"`: `"say ""it"""`, "two\nlines": "\"two\nlines\"",
		"=1+1": "'=1+1", "-1": "'-1", "@x,y": `"'@x,y"`, "a=b": "a=b",
		"\x00\xff\u00e4": `\x00\xffä`, "\tx": "\"\tx\"",
	} {
		if got := string(appendField([]byte("x,"), field, true)); got != "x,"+want {
			t.Errorf("%q: %q, want %q", field, got, want)
		}
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	text := "symbol,timestamp,price,venue\nINFY,2025-07-14T09:15:00,1,x\ninfy,2025-07-14T09:15:00,1,x\n"
	_, r := dedupe(t, text, Config{})
	want := []string{
		`1 extra column is carried through: ["venue"]`,
		"2 times name no zone and are read as UTC: --assume-tz sets another",
		`near-symbols: "INFY", "infy" differ only in case or outer spaces: --fold-case makes them one`,
	}
	if diff := cmp.Diff(want, r.Warnings); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got, r := dedupe(t, text, Config{Read: ingest.Options{FoldCase: true}}); r.Removed != 1 || !strings.Contains(got, "infy") {
		t.Errorf("folded: removed %d: %q", r.Removed, got)
	}
}
