package guard

import (
	"bytes"
	"encoding/json"
	"math/big"
	"strings"
	"testing"
)

func keyOf(t *testing.T, fields, body string) (Key, error) {
	t.Helper()
	fs, err := ParseFields(fields)
	if err != nil {
		t.Fatal(err)
	}
	header := func(name string) (string, bool) { return "o-1", name == "Order" }
	return fs.Key(Message{Subject: "ticks.a", Header: header, Body: []byte(body)})
}

// The hexadecimal form is a format: streams hold it.
func TestKeyGolden(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ fields, body, hex, text string }{
		{"symbol,price", `{"symbol":"AB","price":1.50}`, "bd1987f2e0f16700c84e5e5c288f7bf4", "symbol=AB price=15e-1"},
		{"@subject,@header:Order", ``, "32f98bc75d59f3bc462ad3f4c572cddf", "@subject=ticks.a @header:Order=o-1"},
	} {
		k, err := keyOf(t, c.fields, c.body)
		if err != nil || k.Hex != c.hex || k.Text != c.text {
			t.Errorf("%s of %s: %+v, %v", c.fields, c.body, k, err)
		}
	}
}

func TestKeyEqual(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fields, a, b string
		equal        bool
	}{
		{"n", `{"n":1}`, `{ "n" : 1.0 }`, true},
		{"n", `{"n":1}`, `{"n":10E-1}`, true},
		{"n", `{"n":0}`, `{"n":-0.0}`, true},
		{"n", `{"n":1}`, `{"n":"1"}`, false},
		{"n", `{"n":1}`, `{"n":-1}`, false},
		{"n", `{"n":0.1}`, `{"n":0.10000000000000001}`, false},
		{"n", `{"n":9007199254740993}`, `{"n":9007199254740992}`, false},
		{"n", `{"n":true}`, `{"n":"true"}`, false},
		{"n", `{"n":"\u0041"}`, `{"n":"A"}`, true},
		{"a,b", `{"a":"x","b":"yz"}`, `{"a":"xy","b":"z"}`, false},
		{"a.b", `{"a":{"b":1}}`, `{"x":0,"a":{"c":2,"b":1}}`, true},
		{"a.1", `{"a":[7,8]}`, `{"a":[9,8]}`, true},
		{`a\.b`, `{"a.b":3}`, `{"a.b":3,"a":{"b":4}}`, true},
		{`a\,b`, `{"a,b":3}`, `{"a,b":4}`, false},
	} {
		a, errA := keyOf(t, c.fields, c.a)
		b, errB := keyOf(t, c.fields, c.b)
		if errA != nil || errB != nil || (a.Hex == b.Hex) != c.equal {
			t.Errorf("%s: %s (%v) and %s (%v): equal %v", c.fields, c.a, errA, c.b, errB, a.Hex == b.Hex)
		}
	}
}

func TestNoKey(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ fields, body, want string }{
		{"a", `{"b":1}`, "field a: missing"},
		{"a", `{"a":null}`, "field a: null"},
		{"a", `{"a":{}}`, "field a: an object, not a value"},
		{"a", `{"a":[1]}`, "field a: a list, not a value"},
		{"a.5", `{"a":[1]}`, "field a.5: missing"},
		{"a.x", `{"a":[1]}`, `field a.x: "x" is no index of a list`},
		{"a.b", `{"a":"b"}`, "field a.b: missing"},
		{"a", `{"a":1`, "the body is not JSON"},
		{"a", `{"a":1} {"a":2}`, "the body is not JSON"},
		{"a", "{\"a\":\"\xff\"}", "the body is not UTF-8"},
		{"a", `{"a":"\ud800"}`, "field a: text with half of a surrogate pair"},
		{"a", `{"a":1e99999999999999999999}`, "field a: its exponent is out of range"},
		{"@header:None", ``, "field @header:None: the message has no such header"},
	} {
		_, err := keyOf(t, c.fields, c.body)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s of %s: %v, want %s", c.fields, c.body, err, c.want)
		}
	}
}

func TestParseFieldsRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "a,,b", "a..b", "@nothing", "@header:", strings.Repeat("a,", 64) + "a"} {
		if f, err := ParseFields(text); err == nil {
			t.Errorf("%q: %+v", text, f)
		}
	}
}

// FuzzKey: never a panic, and white space is no part of a key.
func FuzzKey(f *testing.F) {
	f.Add("a,b.0.c,@subject", []byte(`{"a":1e5,"b":[{"c":"x"}]}`))
	f.Add(`a\.b`, []byte(`{"a.b":"\u00e9"}`))
	f.Add("a", []byte(`{"a":"`+"\xff"+`"}`))
	f.Fuzz(func(t *testing.T, fields string, body []byte) {
		fs, err := ParseFields(fields)
		if err != nil {
			return
		}
		k, err := fs.Key(Message{Subject: "s", Body: body})
		if err != nil {
			return
		}
		if len(k.Hex) != 32 || len(k.Text) > maxKeyText || strings.ContainsAny(k.Text, "\r\n") {
			t.Errorf("%+v", k)
		}
		var spread bytes.Buffer
		if json.Indent(&spread, body, " ", "\t") != nil {
			return // the fields do not need it
		}
		if again, err := fs.Key(Message{Subject: "s", Body: spread.Bytes()}); err != nil || again != k {
			t.Errorf("%q: %+v, with white space %+v, %v", body, k, again, err)
		}
	})
}

// FuzzDecimal: two numbers have one spelling if and only if they are equal.
func FuzzDecimal(f *testing.F) {
	f.Add("1.0", "10e-1")
	f.Add("-0", "0e9")
	f.Add("1230.0450", "12300450e-4")
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, n := range []string{a, b} {
			if !json.Valid([]byte(n)) || n[0] != '-' && (n[0] < '0' || n[0] > '9') || len(n) > 40 || strings.ContainsAny(n, " \t\r\n") {
				return
			}
			if i := strings.IndexAny(n, "eE"); i >= 0 && len(n)-i > 5 {
				return // big.Rat would take for ever
			}
		}
		x, errX := decimal(a)
		y, errY := decimal(b)
		if errX != nil || errY != nil {
			t.Fatal(a, errX, b, errY)
		}
		p, _ := new(big.Rat).SetString(a)
		q, _ := new(big.Rat).SetString(b)
		if (x == y) != (p.Cmp(q) == 0) {
			t.Errorf("%s is %s, %s is %s", a, x, b, y)
		}
		if p2, ok := new(big.Rat).SetString(x); !ok || p2.Cmp(p) != 0 {
			t.Errorf("%s became %s", a, x)
		}
	})
}
