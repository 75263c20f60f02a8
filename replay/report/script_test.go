package report

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// ran is what a run of the script did.
type ran struct {
	Out    string // the output file; "none" if there is none
	Stdout string
	Stderr string
	Status int
}

// python returns the interpreter. Without one the script cannot be shown to
// work, and a test that says nothing would claim that it does.
func python(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("python3")
	if err != nil {
		t.Fatalf("python3 is needed to test %s: install Python 3.8 or later: %v", ScriptName, err)
	}
	return path
}

// runScript runs the script on a file called in.csv of the given content.
func runScript(t *testing.T, in []byte, arguments ...string) ran {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ScriptName), Script, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "in.csv"), in, 0o644); err != nil {
		t.Fatal(err)
	}
	return runIn(t, dir, nil, append([]string{"in.csv", "out.csv"}, arguments...)...)
}

func runIn(t *testing.T, dir string, stdin io.Reader, arguments ...string) ran {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(python(t), append([]string{ScriptName}, arguments...)...)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = dir, stdin, &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	r := ran{Out: "none", Stdout: stdout.String(), Stderr: stderr.String(), Status: cmd.ProcessState.ExitCode()}
	if out, err := os.ReadFile(filepath.Join(dir, "out.csv")); err == nil {
		r.Out = string(out)
	}
	return r
}

const header = "symbol,timestamp,price\n"

// group has four rows of one key and one of another.
const group = header +
	"TCS,2025-07-14T09:15:00Z,100.00\n" +
	"TCS,2025-07-14T09:15:00.000+00:00,100.5\n" +
	"TCS,2025-07-14 14:45:00+0530,99.9\n" +
	"INFY,2025-07-14T09:15:00Z,7\n" +
	"TCS,2025-07-14T09:15:00,100.50\n"

func TestScriptKeepsOneRowOfEachGroup(t *testing.T) {
	t.Parallel()
	infy := "INFY,2025-07-14T09:15:00Z,7\n"
	for keep, want := range map[string]string{
		"first":   header + "TCS,2025-07-14T09:15:00Z,100.00\n" + infy,
		"last":    header + infy + "TCS,2025-07-14T09:15:00,100.50\n",
		"lowest":  header + "TCS,2025-07-14 14:45:00+0530,99.9\n" + infy,
		"highest": header + infy + "TCS,2025-07-14T09:15:00,100.50\n",
		"median":  header + "TCS,2025-07-14T09:15:00Z,100.00\n" + infy,
		"mean":    header + infy + "TCS,2025-07-14T09:15:00,100.225\n",
	} {
		got := runScript(t, []byte(group), "--keep", keep)
		if got.Out != want || got.Stdout != "rows in 5 = kept 2 + removed 3 + rejected 0\n" || got.Status != 0 {
			t.Errorf("--keep %s: %+v, want the output\n%s", keep, got, want)
		}
	}
}

func TestScriptBreaksTies(t *testing.T) {
	t.Parallel()
	rows := []string{"A,2025-07-14T09:15:00Z,1\n", "A,2025-07-14T09:15:00Z,2\n", "A,2025-07-14T09:15:00Z,1.0\n", "A,2025-07-14T09:15:00Z,2.0\n"}
	for keep, want := range map[string]string{"lowest": rows[2], "highest": rows[3], "median": rows[2], "mean": "A,2025-07-14T09:15:00Z,1.5\n"} {
		if got := runScript(t, []byte(header+strings.Join(rows, "")), "--keep", keep); got.Out != header+want {
			t.Errorf("--keep %s: %+v, want %s", keep, got, want)
		}
	}
}

func TestScriptReadsWhatHoldfastReads(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, want, accounts string }{
		"rows 5, 6: digits, naive times, leap second": {
			header + "A,2025-07-14T09:15:00.123456789123Z,1\nA,2025-07-14t09:15:00,123456789,1\nA,2025-07-14T09:15:00.123456789,2\n" +
				"B,2016-12-31T23:59:60Z,1\nB,2016-12-31T23:59:59.999999999Z,2\n",
			header + "A,2025-07-14T09:15:00.123456789,2\nB,2016-12-31T23:59:59.999999999Z,2\n",
			"rows in 5 = kept 2 + removed 2 + rejected 1",
		},
		"row 8: epoch numbers": {
			header + "A,1752484500,1\nA,1752484500.000,2\nA,2025-07-14T09:15:00Z,3\n",
			header + "A,2025-07-14T09:15:00Z,3\n",
			"rows in 3 = kept 1 + removed 2 + rejected 0",
		},
		"row 9: line ends": {
			"symbol,timestamp,price\r\nA,2025-07-14T09:15:00Z,1\rA,2025-07-14T09:15:01Z,2\r\nA,2025-07-14T09:15:01Z,3\n",
			header + "A,2025-07-14T09:15:00Z,1\nA,2025-07-14T09:15:01Z,3\n",
			"rows in 3 = kept 2 + removed 1 + rejected 0",
		},
		"row 10: NUL, bytes that are no UTF-8": {
			header + "A\x00,2025-07-14T09:15:00Z,1\n\xff,2025-07-14T09:15:00Z,1\n",
			header,
			"rows in 2 = kept 0 + removed 0 + rejected 2",
		},
		"row 11: quotes": {
			header + "\"a,\n\"\"b\",2025-07-14T09:15:00Z,1\n\"a,\n\"\"b\",\"2025-07-14T09:15:00Z\",\"2\"\n",
			header + "\"a,\n\"\"b\",\"2025-07-14T09:15:00Z\",\"2\"\n",
			"rows in 2 = kept 1 + removed 1 + rejected 0",
		},
		"row 12: order, case, padding, delimiter, more columns, BOM": {
			"\xef\xbb\xbf Price ;note;TIMESTAMP;Symbol\n1;x;2025-07-14T09:15:00Z;A\n2;y;2025-07-14T09:15:00Z;A\n",
			" Price ;note;TIMESTAMP;Symbol\n2;y;2025-07-14T09:15:00Z;A\n",
			"rows in 2 = kept 1 + removed 1 + rejected 0",
		},
		"row 13: cut tail": {
			header + "A,2025-07-14T09:15:00Z,1\nA,2025-07-1",
			header + "A,2025-07-14T09:15:00Z,1\n",
			"rows in 2 = kept 1 + removed 0 + rejected 1",
		},
		"row 13: a last line that is whole": {
			header + "A,2025-07-14T09:15:00Z,1",
			header + "A,2025-07-14T09:15:00Z,1\n",
			"rows in 1 = kept 1 + removed 0 + rejected 0",
		},
		"row 14: empty":         {"", header, "rows in 0 = kept 0 + removed 0 + rejected 0"},
		"row 14: header only":   {header, header, "rows in 0 = kept 0 + removed 0 + rejected 0"},
		"row 14: comments only": {"# a\n\n#a,b,c\n", header, "rows in 0 = kept 0 + removed 0 + rejected 0"},
		"row 14: comments before the header": {
			"# a, b and c\n \t\n" + header + "A,2025-07-14T09:15:00Z,1\n",
			header + "A,2025-07-14T09:15:00Z,1\n",
			"rows in 1 = kept 1 + removed 0 + rejected 0",
		},
		"row 12: tabs, with a row of nothing but tabs": {
			"symbol\ttimestamp\tprice\n\t\t\nA\t2025-07-14T09:15:00Z\t1\n",
			"symbol\ttimestamp\tprice\nA\t2025-07-14T09:15:00Z\t1\n",
			"rows in 2 = kept 1 + removed 0 + rejected 1",
		},
		"a stray quote costs its line": {
			header + "\"A,2025-07-14T09:15:00Z,1\nB,2025-07-14T09:15:00Z,1\n\"C\"x,2025-07-14T09:15:00Z,1\nD\"d,2025-07-14T09:15:00Z,1\n",
			header + "B,2025-07-14T09:15:00Z,1\nD\"d,2025-07-14T09:15:00Z,1\n",
			"rows in 4 = kept 2 + removed 0 + rejected 2",
		},
		"row 14: blank and comment lines": {
			header + "\n  \n# a comment\n#A,2025-07-14T09:15:00Z,1\n",
			header + "#A,2025-07-14T09:15:00Z,1\n",
			"rows in 1 = kept 1 + removed 0 + rejected 0",
		},
		"row 16: no numbers": {
			header + "A,2025-07-14T09:15:00Z,NaN\nA,2025-07-14T09:15:00Z,Infinity\nA,2025-07-14T09:15:00Z,\nA,2025-07-14T09:15:00Z,1_0\n",
			header,
			"rows in 4 = kept 0 + removed 0 + rejected 4",
		},
		"missing values": {
			header + "NULL,2025-07-14T09:15:00Z,1\n  ,2025-07-14T09:15:00Z,1\nA,n/a,1\nA,\\N,1\nA,soon,1\n",
			header,
			"rows in 5 = kept 0 + removed 0 + rejected 5",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := runScript(t, []byte(c.in))
			if diff := cmp.Diff(c.want, got.Out); diff != "" || got.Stdout != c.accounts+"\n" || got.Status != 0 {
				t.Errorf("status %d, stdout %q, stderr %q, output (-want +got):\n%s", got.Status, got.Stdout, got.Stderr, diff)
			}
		})
	}
}

// Rows 17 and 18 of the required tests.
func TestScriptComparesPricesAsNumbers(t *testing.T) {
	t.Parallel()
	in, want := header, header
	for i, c := range []struct {
		a, b string
		same bool
	}{
		{"1.30575e3", "1305.75", true}, {"01305.7500000000000", "1305.75", true}, {"+1", "1", true}, {"1e1", "10", true},
		{".5", "0.5", true}, {"5.", "5", true}, {"-0", "0", true}, {"1E-9", "0.000000001", true}, {"-1", "1", false},
		{"9223372036.854775807", "9223372036.854775806", false}, {"0e999999999", "0", true}, {"0." + strings.Repeat("0", 5000) + "1e5000", "0.1", true},
	} {
		first := fmt.Sprintf("S%d,2025-07-14T09:15:00Z,%s\n", i, c.a)
		second := fmt.Sprintf("S%d,2025-07-14T09:15:00Z,%s\n", i, c.b)
		in += first + second
		if !c.same {
			want += first
		}
		want += second
	}
	got := runScript(t, []byte(in), "--key", "symbol,timestamp,price")
	if diff := cmp.Diff(want, got.Out); diff != "" {
		t.Errorf("%s (-want +got):\n%s", got.Stderr, diff)
	}
}

func TestScriptRejectsWhatIsNoPrice(t *testing.T) {
	t.Parallel()
	prices := [][2]string{
		{"1.0000000001", "price-precision"}, {"9223372036.854775808", "price-range"}, {"1e999999999", "price-range"}, {"1e-999999999", "price-precision"},
		{"1e" + strings.Repeat("9", 5000), "price-range"}, {strings.Repeat("9", 5000), "price-range"}, {`"1,305.75"`, "bad-price"}, {"1e", "bad-price"},
		{".", "bad-price"}, {"١", "bad-price"},
	}
	in := header
	for _, p := range prices {
		in += "A,2025-07-14T09:15:00Z," + p[0] + "\n"
	}
	got := runScript(t, []byte(in))
	lines := strings.Split(got.Stderr, "\n")
	for i, p := range prices {
		if want := fmt.Sprintf("in.csv:%d: rejected: %s ", i+2, p[1]); !strings.Contains(lines[i], want) {
			t.Errorf("%.20s: %q, want %q", p[0], lines[i], want)
		}
	}
	if got.Out != header || got.Status != 0 {
		t.Errorf("%+v", got)
	}
}

func TestScriptMeanIsExact(t *testing.T) {
	t.Parallel()
	in, want := header, header
	for i, c := range [][2]string{
		{"0.1 0.2", "0.15"},
		{"100.00 100.01 100.01", "100.0067"},
		{"0.01 0.02 0.02 0.01 0.01", "0.014"},
		{"1 2", "1.5"},
		{"-1 -2 -2", "-1.67"},
		{"0.000000001 0.000000002", "0.000000002"},
		{"0.000000002 0.000000003", "0.000000002"},
		{"9223372036.8 9223372036.8", "9223372036.8"},
		{"1e3 1000.0", "1000.0"},
		{"3 3.5 3", "3.167"},
		{"0.125 0.126 0.125 0.126 0.1255", "0.1255"},
		{"0.00 0.01 0.00 0.00 0.00 0.0 0 0", "0.0012"},
	} {
		for p := range strings.FieldsSeq(c[0]) {
			in += fmt.Sprintf("S%d,2025-07-14T09:15:00Z,%s\n", i, p)
		}
		want += fmt.Sprintf("S%d,2025-07-14T09:15:00Z,%s\n", i, c[1])
	}
	got := runScript(t, []byte(in), "--keep", "mean")
	if diff := cmp.Diff(want, got.Out); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestScriptRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in        string
		arguments []string
		status    int
		says      string
	}{
		"column missing":   {"symbol,price\n", nil, 3, "no column named timestamp; the header has 'symbol', 'price'"},
		"column twice":     {"symbol,timestamp,price,Price\n", nil, 3, "more than one column named price"},
		"no header":        {"A,2025-07-14T09:15:00Z,1\n", nil, 3, "no column named symbol"},
		"UTF-16":           {"\xff\xfes\x00", nil, 3, "UTF-16"},
		"zstd":             {"\x28\xb5\x2f\xfd", nil, 3, "zstd -d"},
		"broken gzip":      {"\x1f\x8b\x08", nil, 3, "cannot be read"},
		"mixed epoch":      {header + "A,1752484500,1\nA,1752484500000,1\n", nil, 3, "more than one unit"},
		"too many bad":     {header + strings.Repeat("A,x,1\n", 101), nil, 3, "101 of 101 rows rejected"},
		"unknown key":      {header, []string{"--key", "symbol,venue"}, 3, "no column named venue"},
		"key twice":        {header, []string{"--key", "symbol,symbol"}, 2, "each once"},
		"unknown rule":     {header, []string{"--keep", "best"}, 2, "invalid choice"},
		"truth is no rule": {header, []string{"--keep", "truth"}, 2, "invalid choice"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := runScript(t, []byte(c.in), c.arguments...)
			if got.Status != c.status || got.Out != "none" || got.Stdout != "" || !strings.Contains(got.Stderr, c.says) || strings.Contains(got.Stderr, "Traceback") {
				t.Errorf("%+v, want status %d and %q", got, c.status, c.says)
			}
		})
	}
}

func TestScriptWarnsOfCollisions(t *testing.T) {
	t.Parallel()
	got := runScript(t, []byte(header+"A,2025-07-14T09:15:00Z,100\nA,2025-07-14T09:15:00Z,250\n"))
	if got.Status != 0 || !strings.Contains(got.Stderr, "look like different events, with prices more than 1 % apart: 1 of 1;") {
		t.Errorf("%+v", got)
	}
}

func TestScriptPaths(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ScriptName), Script, 0o644); err != nil {
		t.Fatal(err)
	}
	want := runScript(t, []byte(group)).Out

	piped := runIn(t, dir, strings.NewReader(group), "-", "-")
	if piped.Stdout != want || piped.Stderr != "rows in 5 = kept 2 + removed 3 + rejected 0\n" {
		t.Errorf("through pipes: %+v", piped)
	}

	var packed bytes.Buffer
	for _, part := range []string{group[:40], group[40:]} { // two gzip members
		z := gzip.NewWriter(&packed)
		z.Write([]byte(part))
		z.Close()
	}
	if err := os.WriteFile(filepath.Join(dir, "in.gz"), packed.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := runIn(t, dir, nil, "in.gz", "out.csv.gz"); got.Status != 0 {
		t.Fatalf("%+v", got)
	}
	out, err := os.Open(filepath.Join(dir, "out.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	z, err := gzip.NewReader(out)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(z); err != nil || string(got) != want {
		t.Errorf("unpacked: %q, %v", got, err)
	}

	if got := runIn(t, dir, nil, "in.gz", "./in.gz"); got.Status != 2 || !strings.Contains(got.Stderr, "same file") {
		t.Errorf("onto itself: %+v", got)
	}
	if got := runIn(t, dir, nil, "absent.csv", "out.csv"); got.Status != 3 {
		t.Errorf("no input: %+v", got)
	}
	if got := runIn(t, dir, nil, "in.gz", "absent/out.csv"); got.Status != 4 || strings.Contains(got.Stderr, "Traceback") {
		t.Errorf("no folder: %+v", got)
	}
	if _, err := os.Stat("/dev/stdout"); err == nil {
		got := runIn(t, dir, nil, "in.gz", "/dev/stdout")
		if got.Stdout != want+"rows in 5 = kept 2 + removed 3 + rejected 0\n" {
			t.Errorf("into a device: %+v", got)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".deduplicate-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
