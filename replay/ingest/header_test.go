package ingest_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast/replay/ingest"
)

// Row 12: headers and delimiters.
func TestRow12Headers(t *testing.T) {
	t.Parallel()
	used := []string{"1:2 TCS 2025-07-14T09:15:00Z 1"}
	for name, text := range map[string]string{
		"reordered":        "price,symbol,timestamp\n1,TCS,2025-07-14T09:15:00Z\n",
		"case and padding": "Symbol, TIMESTAMP ,\tprice\u00a0\nTCS,2025-07-14T09:15:00Z,1\n",
		"quoted":           "\"symbol\",\"timestamp\",\"price\"\nTCS,2025-07-14T09:15:00Z,1\n",
		"semicolon":        "symbol;timestamp;price\nTCS;2025-07-14T09:15:00Z;1\n",
		"tab":              "symbol\ttimestamp\tprice\nTCS\t2025-07-14T09:15:00Z\t1\n",
		"extra":            "a;b,symbol,c,timestamp,price\n;,TCS,,2025-07-14T09:15:00Z,1\n",
		"extra, repeated":  "x,x,symbol,timestamp,price\n,,TCS,2025-07-14T09:15:00Z,1\n",
		"CR":               "symbol,timestamp,price\rTCS,2025-07-14T09:15:00Z,1\r",
	} {
		readRows(text, ingest.Options{}).check(t, name, used, nil)
	}
	readRows("symbol|timestamp|price\nTCS|2025-07-14T09:15:00Z|1\n", ingest.Options{Delimiter: '|'}).check(t, "given", used, nil)
	readRows("\"a\nb\",symbol,timestamp,price\n\"c\nd\",TCS,2025-07-14T09:15:00Z,1\nx\n", ingest.Options{}).
		check(t, "several lines", []string{"1:3 TCS 2025-07-14T09:15:00Z 1"}, []string{"5 field-count"})

	r := readRows("a;b,symbol,c,timestamp,price\n", ingest.Options{})
	want := ingest.Header{Raw: []byte("a;b,symbol,c,timestamp,price"), Names: []string{"a;b", "symbol", "c", "timestamp", "price"}, Columns: []int{1, 3, 4}, Extra: []string{"a;b", "c"}, Delimiter: ',', Line: 1, Size: 29}
	if d := cmp.Diff(want, r.header); d != "" {
		t.Errorf("header (-want +got)\n%s", d)
	}
	if d := cmp.Diff([]string{`standard input: 2 extra columns: "a;b", "c"`}, r.stats.Warnings); d != "" {
		t.Errorf("warnings (-want +got)\n%s", d)
	}
}

func TestRow12NoHeader(t *testing.T) {
	t.Parallel()
	o := ingest.Options{NoHeader: true}
	used := []string{"1:1 TCS 2025-07-14T09:15:00Z 1"}
	readRows("TCS,2025-07-14T09:15:00Z,1\n", o).check(t, "comma", used, nil)
	readRows("TCS\t2025-07-14T09:15:00Z\t1\n", o).check(t, "tab", used, nil)
	readRows("TCS;2025-07-14T09:15:00,5Z;1\n", o).check(t, "semicolon", []string{"1:1 TCS 2025-07-14T09:15:00.5Z 1"}, nil)
	readRows("A,B,C,D;2025-07-14T09:15:00Z;1\n", o).check(t, "a time decides", []string{"1:1 A,B,C,D 2025-07-14T09:15:00Z 1"}, nil)
	readRows("TCS,2025-07-14T09:15:00Z,1,x\nTCS,2025-07-14T09:15:00Z,1\n", o).check(t, "extra", used, []string{"2 field-count"})
	readRows("#TCS,2025-07-14T09:15:00Z,1\n# a\n", o).check(t, "#", []string{"1:1 #TCS 2025-07-14T09:15:00Z 1"}, nil)
	readRows("# a\n\nTCS\n", o).check(t, "comment", nil, []string{"3 field-count"})
	readRows("", o).check(t, "empty", nil, nil)
	r := readAttempts("a,worker-1,2025-07-14T09:15:00Z,,success\n", o)
	r.check(t, "attempts", []string{"a worker-1 2025-07-14T09:15:00Z open 1"}, nil)
}

func TestRow12BadHeaders(t *testing.T) {
	t.Parallel()
	for text, parts := range map[string][]string{
		"symbol,timestamp\n":                     {"standard input:1: ", `no column "price"`, `found "symbol", "timestamp"`},
		"\n# x\na,b\n":                           {"standard input:3: ", `no column "symbol", "timestamp", "price"`, `found "a", "b"`},
		"symbol|timestamp|price\n":               {`found "symbol|timestamp|price"`, "--delimiter"},
		"symbol,timestamp,price,Symbol\n":        {`"symbol" stands twice`},
		"TCS,2025-07-14T09:15:00Z,1305.75\n":     {"looks like data", "--no-header", "symbol, timestamp, price"},
		"TCS;1752484500;1305.75\n":               {"looks like data"},
		"\"symbol,timestamp,price\n":             {"quotes"},
		"{\"event_id\":1}\n":                     {"no column", "found"},
		"sym\x00\x1b[2Jbol\n":                    {`\x00\x1b[2J`},
		strings.Repeat("c,", 100) + "\n":         {`"c", "c", …`},
		"symbol,timestamp,pric":                  {`no column "price"`},
		strings.Repeat("x", ingest.MaxRecord+99): {"over 4 MiB"},
	} {
		checkError[*ingest.InputError](t, text[:min(len(text), 40)], readRows(text, ingest.Options{}).err, parts...)
	}
	r := readAttempts("a,worker-1,2025-07-14T09:15:00Z,,success\n", ingest.Options{})
	checkError[*ingest.InputError](t, "attempts", r.err, "looks like data", "event_id, worker_id, start_time, end_time, status")
	for _, d := range []byte("\"\n\r#\xff") {
		checkError[*ingest.UsageError](t, "delimiter", readRows("", ingest.Options{Delimiter: d}).err, "delimiter")
	}
}
