package ingest_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"holdfast/replay/ingest"
)

// kinds are the three readers on the same footing.
var kinds = []struct {
	name string
	text string // six records
	read func(string, ingest.Options) *result
}{
	{"rows", table("# made by hand", "timestamp;note;SYMBOL;price", "2025-07-14T09:15:00Z;;A;1", `2025-07-14T09:15:01Z;"x;y";B;1e0`,
		"1752484502;\"\r\n\";C;+1", `"2025-07-14 09:15:03,5";;"D""";1.0`, "", "2025-07-14T09:15:04+0000;é;E;1") + "2025-07-14T09:15:05Z;;F;1.00\r",
		readRows},
	{"attempts", table(attemptHeader, "a,worker-1,2025-07-14T09:15:00,2025-07-14T09:15:00.01,success", "b,worker-2,2025-07-14T09:15:00,,timeout",
		"c,worker-3,2025-07-14T09:15:00,null,OK", `"d",worker-1,2025-07-14T09:15:00Z,2025-07-14T09:15:00.5-00:00,`, "e,,2025-07-14T09:15:00,NaT,x", "f,w,2025-07-14T09:15:00,,failed"),
		readAttempts},
	{"events", table(eventLine("a"), strings.ReplaceAll(eventLine("b"), ",", ",\n"), eventLine("c"), "", eventLine("d"), strings.Replace(eventLine("e"), "1305.75", `"1305.75"`, 1), eventLine("f")),
		readEvents},
	{"array", "[" + strings.Join([]string{eventLine("a"), eventLine("b"), eventLine("c"), eventLine("d"), eventLine("e"), eventLine("f")}, ",\n") + "]",
		readEvents},
}

// sane checks what must hold for any bytes: records are used or rejected (which
// readAll checks), an error is one line of the type that sets the exit status,
// and reading in pieces makes no difference.
func sane(t *testing.T, read func(string, ingest.Options) *result, text string) *result {
	t.Helper()
	r := read(text, ingest.Options{})
	if r.err != nil {
		checkError[*ingest.InputError](t, fmt.Sprintf("%q", text), r.err, "standard input")
	}
	for i, raw := range r.raws {
		if raw != "," && !strings.Contains(text, strings.TrimRight(raw, " \t\r\n")) {
			t.Errorf("%q: reject %d is not in the text: %q", text, i, raw)
		}
	}
	return r
}

// Every file that is cut somewhere: records before the cut are as they were,
// and at most one is cut off.
func TestCutEverywhere(t *testing.T) {
	t.Parallel()
	for _, k := range kinds {
		whole := sane(t, k.read, k.text)
		whole.check(t, k.name, whole.used, nil)
		if len(whole.used) != 6 {
			t.Fatalf("%s: %d records used, want 6", k.name, len(whole.used))
		}
		for n := range len(k.text) {
			r := sane(t, k.read, k.text[:n])
			if r.err != nil {
				if len(r.used) > 0 {
					t.Errorf("%s cut at %d: %v after %d records", k.name, n, r.err, len(r.used))
				}
				continue
			}
			intact := r.used
			if len(intact) > 0 && r.stats.Notes["no-final-newline"] > 0 {
				intact = intact[:len(intact)-1] // a number may have lost digits
			}
			if !slices.Equal(intact, whole.used[:len(intact)]) {
				t.Errorf("%s cut at %d: used %q of %q", k.name, n, r.used, whole.used)
			}
			// A record of several lines that is cut within its quotes is two: its
			// first line and the rest, if any. The end of an array is not looked for
			// in what is cut.
			most := map[string]int{"rows": 2}[k.name]
			if len(r.rejects) > max(most, 1) || most == 0 && k.name != "array" && len(r.rejects) == 1 && !strings.HasSuffix(r.rejects[0], " truncated-tail") {
				t.Errorf("%s cut at %d: rejected %q", k.name, n, r.rejects)
			}
		}
	}
}

// Every single byte replaced by each of some nasty ones, and dropped, and added.
func TestMutateEverywhere(t *testing.T) {
	t.Parallel()
	for _, k := range kinds {
		for i := range len(k.text) {
			for _, c := range []string{"", "\"", "\n", "\r", ",", "{", "}", "[", "\x00", "\xff", "9"} {
				sane(t, k.read, k.text[:i]+c+k.text[i+1:])
				sane(t, k.read, k.text[:i]+c+k.text[i:])
			}
		}
	}
}

// What is wrong with one line costs that line and no other, whatever quotes and
// brackets are put in it.
func TestOneBadLine(t *testing.T) {
	t.Parallel()
	const count = 12
	var rows, events []string
	for i := range count {
		rows = append(rows, fmt.Sprintf("S%d,2025-07-14T09:15:%02dZ,%d", i, i, i+1))
		events = append(events, eventLine(fmt.Sprintf("e%d", i)))
	}
	for _, k := range []struct {
		name, header string
		lines        []string
		read         func(string, ingest.Options) *result
		key          func(used string) string // tells records apart, whatever their number
	}{
		{"rows", rowHeader + "\n", rows, readRows, func(s string) string { return s[strings.IndexByte(s, ':'):] }},
		{"events", "", events, readEvents, func(s string) string { return s }},
	} {
		text := k.header + table(k.lines...)
		var want []string
		for _, u := range k.read(text, ingest.Options{}).used {
			want = append(want, k.key(u))
		}
		r := rand.New(rand.NewPCG(4, 4))
		for range 5000 {
			bad := r.IntN(count)
			lines := slices.Clone(k.lines)
			lines[bad] = mutateLine(r, lines[bad])
			text := k.header + table(lines...)
			got := sane(t, k.read, text)
			var keys []string
			for _, u := range got.used {
				keys = append(keys, k.key(u))
			}
			for i, w := range want {
				if i != bad && !slices.Contains(keys, w) {
					t.Fatalf("%s: line %d is bad, and %q is lost: used %q, rejected %q of\n%s", k.name, bad, w, got.used, got.rejects, text)
				}
			}
		}
	}
}

// mutateLine changes a line in some places, and leaves it one line.
func mutateLine(r *rand.Rand, line string) string {
	b := []byte(line)
	for range 1 + r.IntN(3) {
		i := r.IntN(len(b) + 1)
		c := "\"\"\"{}[],:;\\ x\x00\xff#"[r.IntN(16)]
		switch {
		case r.IntN(2) == 0:
			b = slices.Insert(b, i, c)
		case i < len(b) && r.IntN(3) > 0:
			b[i] = c
		case i < len(b):
			b = b[:i]
		}
	}
	return string(b)
}

// Any bytes at all.
func TestGarbage(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(6, 6))
	for range 1000 {
		for _, k := range kinds {
			b := make([]byte, r.IntN(80))
			for i := range b {
				b[i] = byte(r.Uint32())
			}
			sane(t, k.read, string(b))
			i, j := r.IntN(len(k.text)), r.IntN(len(k.text))
			sane(t, k.read, k.text[:i]+string(b)+k.text[j:])
		}
	}
}

func FuzzRows(f *testing.F) {
	f.Add(kinds[0].text)
	f.Add(table(rowHeader, "\"TCS,2025-07-14T09:15:00Z,1", "#", "TCS,1752484500,1e3", ",,"))
	f.Fuzz(func(t *testing.T, text string) {
		r := sane(t, readRows, text)
		slow := readRowsFrom("-", iotest.HalfReader(strings.NewReader(text)), ingest.Options{})
		if fmt.Sprint(r.used, r.rejects, r.err) != fmt.Sprint(slow.used, slow.rejects, slow.err) {
			t.Fatalf("%q: %q %q %v, read in pieces %q %q %v", text, r.used, r.rejects, r.err, slow.used, slow.rejects, slow.err)
		}
	})
}
