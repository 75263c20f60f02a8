package ingest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"holdfast/replay/ingest"
)

func eventLine(id string) string {
	return `{"event_id":"` + id + `","timestamp":"2025-07-14T09:15:00Z","symbol":"TCS","price":1305.75,"source":"stream-1"}`
}

func usedEvents(ids ...string) (lines []string) {
	for _, id := range ids {
		lines = append(lines, id+" 2025-07-14T09:15:00Z TCS 1305.75")
	}
	return lines
}

func TestEvents(t *testing.T) {
	t.Parallel()
	a, b, c := eventLine("a"), eventLine("b"), eventLine("c")
	pretty := strings.NewReplacer(`{`, "{\n  ", `,"`, ",\n  \"", `}`, "\n}").Replace
	tests := []struct {
		name, text string
		used       []string
		rejects    []string
		notes      map[string]int64
	}{
		{"lines", table(a, b), usedEvents("a", "b"), nil, nil},
		{"CRLF", a + "\r\n" + b + "\r\n", usedEvents("a", "b"), nil, nil},
		{"CR", a + "\r" + b + "\r", usedEvents("a", "b"), nil, nil},
		{"spaces", "\n  " + a + " \t\n\t\n" + b + "  ", usedEvents("a", "b"), nil, map[string]int64{"blank-lines": 2, "no-final-newline": 1}},
		{"no line end", a + "\n" + b, usedEvents("a", "b"), nil, map[string]int64{"no-final-newline": 1}},
		{"cut", a + "\n" + b[:50], usedEvents("a"), []string{"2 truncated-tail"}, nil},
		{"cut behind a line end", a + "\n" + `{"event_id":"b",` + "\n", usedEvents("a"), []string{"2 truncated-tail"}, nil},
		{"cut between objects, then more", b[:50] + "\n" + a + "\n", usedEvents("a"), []string{"1 bad-json"}, nil},
		{"cut at a member, then more", `{"event_id":"b","x":` + "\n" + a + "\n" + c + "\n", usedEvents("a", "c"), []string{"1 bad-json"}, nil},
		{"cut at a member, last but one", `{"event_id":"b","x":` + "\n" + a + "\n", usedEvents("a"), []string{"1 bad-json"}, nil},
		{"several lines", pretty(a) + "\r\n" + pretty(b) + "\n", usedEvents("a", "b"), nil, map[string]int64{"objects-over-lines": 2}},
		{"several lines, one broken", pretty(a) + "\n" + strings.Replace(pretty(b), ",", "", 1) + "\n" + pretty(c) + "\n", usedEvents("a", "c"), []string{"8 bad-json"}, map[string]int64{"objects-over-lines": 2}},
		{"two on a line", a + b + "\n" + c + "\n", usedEvents("c"), []string{"1 bad-json"}, nil},
		{"comma behind", a + ",\n" + b + "\n", usedEvents("b"), []string{"1 bad-json"}, nil},
		{"trailing comma", strings.Replace(a, "}", ",}", 1) + "\n" + b + "\n", usedEvents("b"), []string{"1 bad-json"}, nil},
		{"other lines", "x\n1\n\"a\"\n[]\nnull\n" + a + "\n", usedEvents("a"), []string{"1 bad-json", "2 bad-json", "3 bad-json", "4 bad-json", "5 bad-json"}, nil},
		{"what follows a broken object up to the next is part of it", "{\nx\n\ny\n" + a + "\n", usedEvents("a"), []string{"1 bad-json"}, nil},
		{"unknown members", strings.Replace(a, "{", `{"n":{"a":[1,{"b":null}],"c":"}"},"t":true,"f":false,"e":[],"o":{},`, 1) + "\n", usedEvents("a"), nil, nil},
		{"repeated member", strings.Replace(a, "{", `{"event_id":"z","price":7,`, 1) + "\n", usedEvents("a"), nil, map[string]int64{"repeated-members": 1}},
		{"repeated member, last one bad", strings.Replace(a, "}", `,"price":"x"}`, 1) + "\n", nil, []string{"1 bad-price"}, nil},
		{"escaped names and values", `{"event\u005fid":"\u0061","timestamp":"2025-07-14T09:15:00\u005a","symbol":"T\u0043S","price":"1305.7\u0035","source":"stream-\u0031"}` + "\n", usedEvents("a"), nil, map[string]int64{"string-prices": 1}},
		{"other sources", strings.Replace(table(a, b), "stream-1", "stream-2", 1) + strings.Replace(c, `,"source":"stream-1"`, "", 1) + "\n", usedEvents("a", "b", "c"), nil, map[string]int64{"other-sources": 1, "missing-sources": 1}},
		{"empty", "", nil, nil, nil},
		{"blank", " \n\n ", nil, nil, map[string]int64{"blank-lines": 2}},

		// Top-level arrays.
		{"array on one line", "[" + a + "," + b + "]", usedEvents("a", "b"), nil, map[string]int64{"top-level-array": 1}},
		{"array over lines", "[\n  " + a + ",\n  " + b + "\n]\n\n", usedEvents("a", "b"), nil, map[string]int64{"top-level-array": 1, "blank-lines": 1}},
		{"array of objects over lines", "[\r" + pretty(a) + "\r,\r" + pretty(b) + "]\r", usedEvents("a", "b"), nil, map[string]int64{"top-level-array": 1, "objects-over-lines": 2}},
		{"empty array", " [ ] \n", nil, nil, map[string]int64{"top-level-array": 1}},
		{"array, trailing comma", "[" + a + ",]", usedEvents("a"), []string{"1 bad-json"}, map[string]int64{"top-level-array": 1}},
		{"array, two commas", "[" + a + ",\n,\n" + b + "]", usedEvents("a", "b"), []string{"2 bad-json"}, map[string]int64{"top-level-array": 1}},
		{"array, no comma", "[" + a + " " + b + ",\n" + c + "]", usedEvents("a", "c"), []string{"1 bad-json"}, map[string]int64{"top-level-array": 1}},
		{"array, no comma but lines", "[" + a + "\n" + b + "\r" + c + "]\n", usedEvents("a", "b", "c"), nil, map[string]int64{"top-level-array": 1, "missing-commas": 2}},
		{"lines with a stray bracket", table("["+a, b, c), usedEvents("a", "b", "c"), nil, map[string]int64{"top-level-array": 1, "missing-commas": 2, "unclosed-array": 1}},
		{"array, one broken", `[{"event_id":},` + a + ", 7, " + b + "]", usedEvents("a", "b"), []string{"1 bad-json", "1 bad-json"}, map[string]int64{"top-level-array": 1}},
		{"array, unclosed", "[" + a + ",\n" + b + "\n", usedEvents("a", "b"), nil, map[string]int64{"top-level-array": 1, "unclosed-array": 1}},
		{"array, cut", "[" + a + ",\n" + b[:50], usedEvents("a"), []string{"2 truncated-tail"}, map[string]int64{"top-level-array": 1}},
		{"behind the array", "[" + a + "] x\n" + b + "\n", usedEvents("a", "b"), []string{"1 bad-json"}, map[string]int64{"top-level-array": 1}},
		{"only a bracket", "[", nil, nil, map[string]int64{"top-level-array": 1, "unclosed-array": 1}},
	}
	for _, tt := range tests {
		r := readEvents(tt.text, ingest.Options{})
		r.check(t, tt.name, tt.used, tt.rejects)
		if tt.notes == nil {
			tt.notes = map[string]int64{}
		}
		if d := cmp.Diff(tt.notes, r.stats.Notes); d != "" {
			t.Errorf("%s: notes (-want +got)\n%s", tt.name, d)
		}
		slow := readEventsFrom(iotest.OneByteReader(strings.NewReader(tt.text)), ingest.Options{})
		slow.check(t, tt.name+", byte by byte", tt.used, tt.rejects)
		if d := cmp.Diff(r.raws, slow.raws); d != "" {
			t.Errorf("%s: raw, byte by byte (-want +got)\n%s", tt.name, d)
		}
	}
}

// Rows 10, 15, 16, 17 and 18: the values of events.
func TestEventValues(t *testing.T) {
	t.Parallel()
	replace := func(old, text string) string { return strings.Replace(eventLine("a"), old, text, 1) }
	tests := []struct {
		line, want string // a used event, or a reason
		note       string
	}{
		{replace(`"a"`, `12`), "12 2025-07-14T09:15:00Z TCS 1305.75", "numeric-text"},
		{replace(`"TCS"`, `600519`), "a 2025-07-14T09:15:00Z 600519 1305.75", "numeric-text"},
		{replace(`"a"`, `null`), "missing-field", ""},
		{replace(`"a"`, `" "`), "missing-field", ""},
		{replace(`"a"`, `"N/A"`), "missing-field", ""},
		{replace(`"a"`, `["a"]`), "bad-json", ""},
		{replace(`"event_id":"a",`, ``), "missing-field", ""},
		{replace(`"a"`, `"\u0000"`), "bad-text", ""},
		{replace(`"a"`, `"\ud800"`), "bad-text", ""},
		{replace(`"a"`, `"\udc00\ud800"`), "bad-text", ""},
		{replace(`"a"`, `"\ud83d\ude80"`), "🚀 2025-07-14T09:15:00Z TCS 1305.75", ""},
		{replace(`"a"`, `"\"\\\/\b\f\n\r\t\u00e9"`), "\"\\/\b\f\n\r\té 2025-07-14T09:15:00Z TCS 1305.75", ""},
		{replace(`"TCS"`, "\"\xff\""), "bad-text", ""},
		{replace(`"TCS"`, `true`), "bad-json", ""},
		{replace(`"TCS"`, `""`), "missing-field", ""},
		{replace(`"stream-1"`, "\"\xff\""), "a 2025-07-14T09:15:00Z TCS 1305.75", "other-sources"},
		{replace(`"2025-07-14T09:15:00Z"`, `1752484500`), "a 2025-07-14T09:15:00Z TCS 1305.75", "epoch-times"},
		{replace(`"2025-07-14T09:15:00Z"`, `"1752484500"`), "a 2025-07-14T09:15:00Z TCS 1305.75", "string-times"},
		{replace(`"2025-07-14T09:15:00Z"`, `1752484500.123456789`), "a 2025-07-14T09:15:00.123456789Z TCS 1305.75", "epoch-times"},
		{replace(`"2025-07-14T09:15:00Z"`, `1.7524845e9`), "bad-time", ""},
		{replace(`"2025-07-14T09:15:00Z"`, `null`), "missing-field", ""},
		{replace(`"2025-07-14T09:15:00Z"`, `NaN`), "missing-field", ""},
		{replace(`"2025-07-14T09:15:00Z"`, `{}`), "bad-time", ""},
		{replace(`"2025-07-14T09:15:00Z"`, `"soon"`), "bad-time", ""},
		{replace(`"2025-07-14T09:15:00Z"`, `"2400-01-01T00:00:00Z"`), "time-range", ""},
		{replace(`"2025-07-14T09:15:00Z"`, `"2025-07-14 09:15:00"`), "a 2025-07-14T09:15:00Z TCS 1305.75", "naive-times"},
		{replace(`1305.75`, `1.30575e3`), "a 2025-07-14T09:15:00Z TCS 1305.75", ""},
		{replace(`1305.75`, `" 1305.750 "`), "a 2025-07-14T09:15:00Z TCS 1305.75", "string-prices"},
		{replace(`1305.75`, `123456789.123456789`), "a 2025-07-14T09:15:00Z TCS 123456789.123456789", ""},
		{replace(`1305.75`, `0`), "a 2025-07-14T09:15:00Z TCS 0", "zero-prices"},
		{replace(`1305.75`, `-1E-9`), "a 2025-07-14T09:15:00Z TCS -0.000000001", "negative-prices"},
		{replace(`1305.75`, `0.30000000000000004`), "price-precision", ""},
		{replace(`1305.75`, `1e10`), "price-range", ""},
		{replace(`1305.75`, `NaN`), "bad-price", ""},
		{replace(`1305.75`, `-Infinity`), "bad-price", ""},
		{replace(`1305.75`, `Infinity`), "bad-price", ""},
		{replace(`1305.75`, `"NaN"`), "bad-price", ""},
		{replace(`1305.75`, `null`), "bad-price", ""},
		{replace(`1305.75`, `""`), "bad-price", ""},
		{replace(`1305.75`, `[1]`), "bad-price", ""},
		{replace(`1305.75`, `"1,305.75"`), "bad-price", ""},
		{replace(`,"price":1305.75`, ``), "bad-price", ""},
		{replace(`1305.75`, `01`), "bad-json", ""},
		{replace(`1305.75`, `+1`), "bad-json", ""},
		{replace(`1305.75`, `.5`), "bad-json", ""},
		{replace(`1305.75`, `5.`), "bad-json", ""},
		{replace(`1305.75`, `-NaN`), "bad-json", ""},
		{replace(`1305.75`, `0x1F`), "bad-json", ""},
		{replace(`1305.75`, `nul`), "bad-json", ""},
		{replace(`"TCS"`, `"T\xS"`), "bad-json", ""},
		{replace(`"TCS"`, `"T\u00gS"`), "bad-json", ""},
		{replace(`"TCS"`, "\"T\tS\""), "bad-json", ""},
		{replace(`"TCS"`, "\"T\x1fS\""), "bad-json", ""},
		{replace(`"symbol"`, `symbol`), "bad-json", ""},
		{replace(`"symbol":`, `"symbol"`), "bad-json", ""},
		{replace(`{`, `{"x":`+strings.Repeat("[", 64)+strings.Repeat("]", 64)+","), "a 2025-07-14T09:15:00Z TCS 1305.75", ""},
		{replace(`{`, `{"x":`+strings.Repeat("[", 65)+strings.Repeat("]", 65)+","), "bad-json", ""},
	}
	for _, tt := range tests {
		r := readEvents(tt.line+"\n", ingest.Options{})
		if strings.Contains(tt.want, " ") {
			r.check(t, tt.line, []string{tt.want}, nil)
		} else {
			r.check(t, tt.line, nil, []string{"1 " + tt.want})
		}
		if tt.note != "" {
			r.checkNote(t, tt.line, tt.note, 1)
		}
	}
	r := readEvents(table(replace(`"2025-07-14T09:15:00Z"`, `1752484500`), replace(`"2025-07-14T09:15:00Z"`, `"1752484500123"`)), ingest.Options{})
	checkError[*ingest.InputError](t, "mixed units", r.err, "standard input:2: column timestamp mixes epoch units: ms here, s on line 1")
}

// What a user is told of a file of events.
func TestEventWarnings(t *testing.T) {
	t.Parallel()
	text := "[" + table(strings.Replace(eventLine("a"), "{", `{"price":7,`, 1)+",", strings.Replace(eventLine("b"), "TCS", "tcs", 1))
	r := readEvents(text, ingest.Options{})
	if d := cmp.Diff([]string{
		"standard input: 1 times a member stands twice in an object: the last one counts",
		"standard input: the file ends within its array: the copy may be incomplete",
		`standard input: near-symbols: "TCS", "tcs" differ only in case or outer spaces: --fold-case makes them one`,
	}, r.stats.Warnings); d != "" {
		t.Errorf("warnings (-want +got)\n%s", d)
	}
	r = readEvents("a\nb\n", ingest.Options{})
	if d := cmp.Diff([]string{
		"standard input: 2 rejected as bad-json: lines 1, 2 (line 1: a line holds one JSON object)",
		"standard input: no record of it can be used",
	}, r.stats.Warnings); d != "" {
		t.Errorf("warnings (-want +got)\n%s", d)
	}
}

func TestEventsReadError(t *testing.T) {
	t.Parallel()
	for _, text := range []string{eventLine("b")[:40], "x", "[{,", "", "[", strings.Repeat("x", ingest.MaxRecord+1)} {
		r := readEventsFrom(io.MultiReader(strings.NewReader(text), iotest.ErrReader(errors.New("cable cut"))), ingest.Options{})
		checkError[*ingest.InputError](t, text[:min(len(text), 20)], r.err, "cable cut")
		if len(r.rejects) > 0 {
			t.Errorf("%.20q: %q", text, r.rejects)
		}
	}
}

// R3 and R7: sizes.
func TestEventSizes(t *testing.T) {
	t.Parallel()
	filler := func(n int) string { return `{"x":"` + strings.Repeat("x", n) + `",` }
	grow := func(n int) string { return strings.Replace(eventLine("a"), "{", filler(n), 1) }
	spread := func(n int) string {
		return strings.Replace(eventLine("a"), "{", "{"+strings.Repeat("\n", n-len(eventLine("a"))), 1)
	}
	tests := []struct {
		name, text string
		used       []string
		rejects    []string
	}{
		{"member of 1 MiB", grow(ingest.MaxField - 2), usedEvents("a"), nil},
		{"member over", grow(ingest.MaxField - 1), nil, []string{"1 field-size"}},
		{"line of 2 MiB", strings.Replace(grow(ingest.MaxField-2), "{", filler(ingest.MaxField-2), 1), usedEvents("a"), nil},
		{"line over 4 MiB", grow(ingest.MaxRecord), nil, []string{"1 field-size"}},
		{"line over 4 MiB that is no object", strings.Repeat("x", ingest.MaxRecord+1), nil, []string{"1 field-size"}},
		{"several lines of 1 MiB", spread(ingest.MaxObject), usedEvents("a"), nil},
		{"several lines over", spread(ingest.MaxObject + 1), nil, []string{"1 bad-json"}},
		{"several lines over by far", spread(ingest.MaxRecord * 2), nil, []string{"1 bad-json"}},
		{"spaces behind", eventLine("a") + strings.Repeat(" ", ingest.MaxRecord/2), usedEvents("a"), nil},
		{"spaces behind over 4 MiB", eventLine("a") + strings.Repeat(" ", ingest.MaxRecord), nil, []string{"1 field-size"}},
	}
	for _, tt := range tests {
		last := 2 + strings.Count(tt.text, "\n")
		r := readEvents(tt.text+"\n"+eventLine("b")+"\nx\n", ingest.Options{})
		r.check(t, tt.name, append(slices.Clone(tt.used), usedEvents("b")...), append(slices.Clone(tt.rejects), fmt.Sprintf("%d bad-json", last+1)))
		if tt.rejects != nil && tt.rejects[0] == "1 field-size" {
			readEvents(tt.text, ingest.Options{}).check(t, tt.name+", no line end", nil, tt.rejects)
		}
		r = readEvents("[\n"+tt.text+"\n,\n"+eventLine("b")+"]", ingest.Options{})
		if r.err != nil || len(r.used)+len(r.rejects) != 2 {
			t.Errorf("%s, in an array: %v, %v, %v", tt.name, r.used, r.rejects, r.err)
		}
	}
}

// Starts of objects within objects: none of them is finished, and each could
// make a reader look at all that follows. This ends at once, or not within the
// patience of anybody.
func TestEventsAreLinear(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nested":        strings.Repeat("{\"x\":[\n", 1<<17),
		"nested values": strings.Repeat("{\"x\":\n", 1<<17),
		"commas":        "{\"x\":[\n" + strings.Repeat("{},\n", 1<<17),
		"array":         "[" + strings.Repeat(",{\"x\":[", 1<<17),
		"CR":            strings.Repeat("{}\r", 1<<17),
		"blanks":        strings.Repeat("\n", 1<<21) + strings.Repeat(" ", 1<<22),
	} {
		r := readEvents(text, ingest.Options{MaxBad: ingest.MaxBad{Set: true, Percent: 100}})
		if r.err != nil || len(r.used) > 0 {
			t.Errorf("%s: %d used, %v", name, len(r.used), r.err)
		}
	}
}

// twinAccepts tells whether encoding/json takes the text for one object.
func twinAccepts(text []byte) bool {
	var o map[string]json.RawMessage
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return json.Valid(text) && d.Decode(&o) == nil && o != nil
}

// checkJSON compares the reader with encoding/json on one line that begins like
// an object: whether it is one, but for NaN and the like and for deep nesting.
func checkJSON(t *testing.T, text []byte) {
	t.Helper()
	if len(text) == 0 || text[0] != '{' || bytes.ContainsAny(text, "\n\r\x00NI") || bytes.Count(text, []byte("[")) > 30 || bytes.Count(text, []byte("{")) > 30 {
		return
	}
	r := readEvents(string(text)+"\n", ingest.Options{})
	if r.err != nil || len(r.used)+len(r.rejects) != 1 {
		t.Fatalf("%q: %q, %q, %v", text, r.used, r.rejects, r.err)
	}
	rejected := len(r.rejects) > 0 && slices.Contains([]string{"it is not a JSON object by itself", "the file ends within the object"}, r.stats.Rejects[0].Hint)
	if rejected == twinAccepts(text) {
		t.Fatalf("%q: %q, %q; encoding/json accepts it: %v", text, r.used, r.rejects, rejected)
	}
}

func FuzzEvents(f *testing.F) {
	f.Add([]byte(eventLine("a")))
	f.Add([]byte("[" + eventLine("a") + ",\n" + eventLine("b") + "]"))
	f.Add([]byte(`{"event_id":"\u0061\ud83d\ude80","timestamp":1752484500,"symbol":"T","price":"1e-3","x":[{"y":null}]}`))
	f.Add([]byte("{\"event_id\":\n{\"x\":[1,2,{}]},}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		checkJSON(t, text)
		r := readEvents(string(text), ingest.Options{})
		slow := readEventsFrom(iotest.HalfReader(bytes.NewReader(text)), ingest.Options{})
		if (r.err == nil) != (slow.err == nil) || !slices.Equal(r.used, slow.used) || !slices.Equal(r.rejects, slow.rejects) {
			t.Fatalf("%q: %q %q %v, read in pieces %q %q %v", text, r.used, r.rejects, r.err, slow.used, slow.rejects, slow.err)
		}
	})
}

func TestEventsTwin(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(9, 9))
	seeds := []string{eventLine("a"), `{"event_id":"\u0061","timestamp":1752484500.5,"symbol":"T","price":"-1.5e-3","x":[{"y":null},true,false,-0,1E+2,"\n"]}`}
	for range 10_000 {
		text := []byte(seeds[r.IntN(len(seeds))])
		for range 1 + r.IntN(3) {
			i := r.IntN(len(text))
			switch r.IntN(3) {
			case 0:
				text[i] = "{}[]\",:0-+.eEu\\ ntf"[r.IntN(19)]
			case 1:
				text = slices.Delete(text, i, min(len(text), i+1+r.IntN(3)))
			case 2:
				text = slices.Insert(text, i, "{}[]\",:0-+.eEu\\ "[r.IntN(16)])
			}
			if len(text) == 0 {
				break
			}
		}
		checkJSON(t, text)
	}
}
