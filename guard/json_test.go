package guard

import (
	"bytes"
	"encoding/json"
	"strconv"
	"testing"
	"unicode/utf8"
)

// decoded is member by way of encoding/json, which is slower and sure.
func decoded(doc []byte, name string) (value []byte, ok bool) {
	switch doc = bytes.TrimLeft(doc, " \t\r\n"); doc[0] {
	case '{':
		var object map[string]json.RawMessage
		if json.Unmarshal(doc, &object) != nil {
			return nil, false
		}
		value, ok = object[name]
		return value, ok
	case '[':
		var list []json.RawMessage
		i, err := strconv.Atoi(name)
		if err != nil || json.Unmarshal(doc, &list) != nil || i < 0 || i >= len(list) {
			return nil, false
		}
		return list[i], true
	}
	return nil, false
}

func FuzzMember(f *testing.F) {
	for _, doc := range []string{
		`{"a":1,"b":{"a":[1,{"c":"}]"}]},"a":2}`, ` { "a" : "x\\\"y" , "b" : [ ] } `, `[1 , "2,]" , {"a":{}} ,[[]],null]`, `{}`, `[]`, `"a"`, `12e3`, `{"\u0061":1,"":true}`, `{"a":{"b":[[1],[2]]},"c":-0.5}`,
	} {
		for _, name := range []string{"a", "b", "c", "0", "2", "", "-1"} {
			f.Add([]byte(doc), name)
		}
	}
	f.Fuzz(func(t *testing.T, doc []byte, name string) {
		if !utf8.Valid(doc) || !json.Valid(doc) {
			return
		}
		want, ok := decoded(doc, name)
		got, err := member(doc, name)
		if ok != (err == nil) || !bytes.Equal(got, want) {
			t.Errorf("%s of %s: %q, %v, want %q, %v", name, doc, got, err, want, ok)
		}
		if err == nil {
			var text string
			kind, value, err := scalar(got)
			if err == nil && kind == 's' && (json.Unmarshal(got, &text) != nil || text != value) {
				t.Errorf("%s: %q, want %q", got, value, text)
			}
		}
	})
}

func BenchmarkKey(b *testing.B) {
	fields, err := ParseFields("symbol,meta.id")
	if err != nil {
		b.Fatal(err)
	}
	m := Message{Body: []byte(`{"event_id":"evt_0000000001","symbol":"INFY","timestamp":"2026-11-27T09:15:02.060000Z","price":1502.15,"source":"stream-1","meta":{"id":17,"tags":["a","b"]}}`)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := fields.Key(m); err != nil {
			b.Fatal(err)
		}
	}
}
