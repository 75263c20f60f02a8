package logs

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// FuzzCSV compares with encoding/csv what that reads, and checks that records
// cover the text.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{"a,b\n1,2\n", "\"a\"\"b\",c\r\n", "\"multi\nline\",x\n", "\n\na\n", "a\"b,c\n", "\"open\n", "\"a\"b\n", "\"a\r\",b\r\n", ",\n", "\"\",\"\"\n", "a,\"\r\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if s == "" || s[len(s)-1] != '\n' {
			s += "\n"
		}
		var got [][]string
		var failed error
		rest := []byte(s)
		c := &csvRecords{delimiter: ','}
		for len(rest) > 0 && failed == nil {
			r, err := c.next(rest)
			if err != nil || r.size == 0 {
				failed = c.unfinished()
				break
			}
			if r.size > len(rest) || r.body >= r.size || strings.Trim(string(rest[r.body:r.size]), "\r\n") != "" {
				t.Fatalf("%q: record %+v", rest, r)
			}
			if int64(bytes.Count(rest[:r.size], []byte{'\n'})) != r.lines {
				t.Fatalf("%q: %d lines", rest[:r.size], r.lines)
			}
			if !r.blank {
				c.split(rest[:r.body])
				n := len(c.spans)
				w := &csvRecords{delimiter: ',', count: n}
				for i := range n {
					w.want = append(w.want, i)
				}
				w.next(rest)
				fields := make([]field, n)
				if err := w.fields(rest[:r.body], fields); err != nil {
					t.Fatal(err)
				}
				record := []string{}
				var order []int
				for i, f := range fields {
					record = append(record, string(f.text))
					if f.at >= 0 && string(rest[f.at:][:len(f.text)]) != string(f.text) {
						t.Fatalf("%q: field %d is not at %d", rest[:r.size], i, f.at)
					}
					order = append(order, i)
				}
				got = append(got, record)
				w.next(rest)
				if same := w.reorder(nil, rest[:r.size], r, order); !bytes.Equal(same, rest[:r.size]) {
					t.Fatalf("%q becomes %q", rest[:r.size], same)
				}
			}
			rest = rest[r.size:]
		}
		theirs := csv.NewReader(strings.NewReader(s))
		theirs.FieldsPerRecord = -1
		want, err := theirs.ReadAll()
		if err != nil || strings.Contains(s, "\r") { // it changes CR LF in fields, and CR at the end
			return
		}
		if failed != nil {
			t.Fatalf("%q: %v", s, failed)
		}
		if !slices.EqualFunc(got, want, slices.Equal[[]string]) {
			t.Fatalf("%q: %q, want %q", s, got, want)
		}
	})
}

// FuzzJSONLines compares with encoding/json: what is an object, and what the
// values at a path are.
func FuzzJSONLines(f *testing.F) {
	for _, s := range []string{`{"a":1}`, `{"a":{"b":"x\u0041\n"}}`, ` { "a" : [ { "a" : 1 } ] , "\u0061":null } `, `{"a":"\ud83d\ude00\ud83d"}`, `{"a":-0.5e+7,"a":true}`, `[1]`, `{"a":01}`, `{"a":{"b":{}}}`, `{"":1}`, `{"a":"\x"}`, `{"a":1}}`, `{"a"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		j := newJSONLines([]column{{name: "a"}, {name: "a.b"}})
		fields := make([]field, 2)
		err := j.fields([]byte(s), fields)
		var object map[string]any
		d := json.NewDecoder(strings.NewReader(s))
		d.UseNumber()
		theirs := d.Decode(&object)
		if theirs == nil {
			if _, more := d.Token(); more != io.EOF {
				theirs = errNotObject
			}
		}
		if object == nil && theirs == nil { // null
			theirs = errNotObject
		}
		if strings.Contains(s, strings.Repeat("[", maxDepth/2)) || strings.Contains(s, strings.Repeat("{", maxDepth/2)) {
			return
		}
		composite := err != nil && strings.Contains(err.Error(), errComposite.Error())
		if (err != nil && !composite) != (theirs != nil) {
			t.Fatalf("%q: %v, encoding/json: %v", s, err, theirs)
		}
		if err != nil || strings.Count(s, `a`)+strings.Count(s, `\u`) > 1 { // which merges objects of one name
			return
		}
		want, there := object["a"]
		text := ""
		switch v := want.(type) {
		case string:
			text = v
		case json.Number:
			text = v.String()
		case bool:
			text = map[bool]string{true: "true", false: "false"}[v]
		case nil:
			there = false
		}
		if fields[0].missing == there || there && strings.ToValidUTF8(string(fields[0].text), "\ufffd") != strings.ToValidUTF8(text, "\ufffd") {
			t.Fatalf("%q: a is %q, missing %v; want %q", s, fields[0].text, fields[0].missing, text)
		}
	})
}

func TestTextFields(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		line      string
		delimiter byte
		n         int
		want      string
	}{
		{"a b", 0, 0, "a b"}, {"a b", 0, 1, "a"}, {"a b", 0, 2, " b"}, {"a b", 0, 3, ""},
		{"  a\t b ", 0, 1, "  a"}, {"  a\t b ", 0, 2, "\t b"}, {"  a\t b ", 0, 3, " "}, {"", 0, 1, ""},
		{"a,b", ',', 1, "a"}, {"a,b", ',', 2, "b"}, {"a,b", ',', 3, ""}, {",,x", ',', 2, ""}, {",,x", ',', 3, "x"}, {"a b", ',', 1, "a b"},
	} {
		s := &textLines{want: []int{c.n}, delimiter: c.delimiter}
		fields := make([]field, 1)
		if err := s.fields([]byte(c.line), fields); err != nil || string(fields[0].text) != c.want {
			t.Errorf("%q, field %d: %q, %v; want %q", c.line, c.n, fields[0].text, err, c.want)
		}
	}
}

func TestBlank(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		// Neighbours of blanks and of the sign bit: a borrow must not pass for a find.
		b := rapid.SliceOfN(rapid.SampledFrom([]byte{' ', '\t', '!', '\n', '\b', 0, 0x80, 0xa0, 0x89, 0xff, 'x', 'x', 'x', 'x', 'x', 'x'}), 0, 40).Draw(t, "b")
		want := bytes.IndexAny(b, " \t")
		if want < 0 {
			want = len(b)
		}
		if got := blank(b); got != want {
			t.Fatalf("%q: %d, not %d", b, got, want)
		}
	})
}
