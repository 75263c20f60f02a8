package report

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// pair is a table of two text columns.
func pair(w io.Writer, o CSVOptions) *Table[[2]string] {
	return newTable(w, o, "a,b", func(c *cells, v [2]string) {
		c.text(v[0])
		c.text(v[1])
	})
}

func written(t *testing.T, o CSVOptions, records ...[2]string) string {
	t.Helper()
	var b bytes.Buffer
	table := pair(&b, o)
	for _, r := range records {
		if err := table.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := table.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTextIsQuotedOnlyWhereNeeded(t *testing.T) {
	for in, want := range map[string]string{
		"TCS":                  "TCS",
		"":                     "",
		"a b":                  "a b",
		" a":                   `" a"`,
		"a,b":                  `"a,b"`,
		`say "x"`:              `"say ""x"""`,
		"two\nlines":           "\"two\nlines\"",
		"a|b;c":                "a|b;c",
		"=CMD()":               "=CMD()",
		"</script>🚀\u202e":     "</script>🚀\u202e",
		"nul\x00 and \xff\xfe": `nul\x00 and \xff\xfe`,
	} {
		if got := written(t, CSVOptions{}, [2]string{"x", in}); got != "a,b\nx,"+want+"\n" {
			t.Errorf("%q is written as %q, want %q", in, got, want)
		}
	}
}

// Row 20 of the required tests: formulas under --csv-safe.
func TestCSVSafeDisarmsFormulasAndLeavesFiguresAlone(t *testing.T) {
	for in, want := range map[string]string{
		"=CMD()": "'=CMD()", "+1": "'+1", "-1": "'-1", "@x": "'@x", "x=1": "x=1", "": "",
		`=A("b,c")`: `"'=A(""b,c"")"`,
	} {
		if got := written(t, CSVOptions{Safe: true}, [2]string{"x", in}); got != "a,b\nx,"+want+"\n" {
			t.Errorf("%q is written as %q, want %q", in, got, want)
		}
	}
	var b bytes.Buffer
	table := newTable(&b, CSVOptions{Safe: true}, "dt,dp", func(c *cells, _ int) {
		c.millis(-500_000)
		c.price(-120_000_000)
	})
	table.Write(0)
	table.Flush()
	if want := "dt,dp\n-0.5,-0.12\n"; b.String() != want {
		t.Errorf("figures are written as %q, want %q", b.String(), want)
	}
}

func TestFieldsByKind(t *testing.T) {
	var b bytes.Buffer
	table := newTable(&b, CSVOptions{}, "h", func(c *cells, _ int) {
		c.int(-7)
		c.rowNumber(0)
		c.rowNumber(3)
		c.bool(true)
		c.none()
		c.time(1752484500_005_000_000)
		c.probability(0.99950)
		c.probability(1)
		c.list([]string{"evt_a", `b|\c`})
		c.rowList([]int64{1, 20})
		c.rowList(nil)
	})
	table.Write(0)
	table.Flush()
	want := "h\n-7,,3,true,,2025-07-14T09:15:00.005Z,0.9995,1,evt_a|b\\|\\\\c,1|20,\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestAWriteErrorIsReturned(t *testing.T) {
	full := errors.New("no space left on device")
	table := pair(failing{full}, CSVOptions{})
	if err := table.Write([2]string{strings.Repeat("x", flushAt), ""}); !errors.Is(err, full) {
		t.Errorf("Write returned %v", err)
	}
	if err := table.Flush(); !errors.Is(err, full) {
		t.Errorf("Flush returned %v", err)
	}
}

func FuzzCSVReadsBack(f *testing.F) {
	for _, s := range []string{"", "TCS", "a,b", `"`, "a\nb", "a\r\nb", " x", "=CMD()", "\x00", "\xff", `\.`, "é🚀"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		text := written(t, CSVOptions{}, [2]string{"key", a}, [2]string{b, "end"})
		if !utf8.ValidString(text) || strings.Contains(text, "\x00") {
			t.Fatalf("%q is not clean text", text)
		}
		got, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		if err != nil {
			t.Fatalf("%q cannot be read: %v", text, err)
		}
		// encoding/csv turns CRLF within a field into LF.
		crlf := strings.NewReplacer("\r\n", "\n")
		want := [][]string{{"a", "b"}, {"key", crlf.Replace(ValidText(a))}, {crlf.Replace(ValidText(b)), "end"}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q reads back as (-want +got):\n%s", text, diff)
		}
	})
}

func FuzzListsReadBack(f *testing.F) {
	f.Add("evt_1", "evt_2")
	f.Add(`a|b`, `\`)
	f.Fuzz(func(t *testing.T, a, b string) {
		want := []string{a, b}
		if diff := cmp.Diff(want, SplitList(JoinList(want))); diff != "" {
			t.Fatal(diff)
		}
	})
}
