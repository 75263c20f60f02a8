package record

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"
)

var usualLines = []struct {
	text  string
	usual bool
}{
	{`{"sequence": 7, "timestamp": 0.007, "payload": "7061", "checksum": 1}` + "\n", true},
	{`{"sequence":0,"timestamp":-1e999,"payload":"","checksum":0}` + "\r\n", true},
	{`{"sequence":9999999999999999999,"timestamp":NaN,"payload":"AbcDef0123456789","checksum":4294967295}`, true},
	{`{"sequence":18446744073709551615,"timestamp":1,"payload":"00","checksum":0}`, false},
	{`{"sequence":1,"timestamp":1,"payload":"00","checksum":4294967296}`, false},
	{`{"sequence":1,"timestamp":1,"payload":"0g","checksum":1}`, false},
	{`{"sequence":1,"timestamp":1,"payload":"00","checksum":1} x`, false},
	{`{"sequence":1,"timestamp":1,"payload":"00","checksum":1`, false},
	{`{"sequence":1,"timestamp":1,"payload":"00`, false},
	{`{"sequence":1,"timestamp":1,"payload":"00","checksum":1,"at":2}`, false},
	{`{"sequence":01,"timestamp":01,"payload":"00","checksum":1}`, false},
	{`{"sequence":1,"timestamp":0.1,"payload":"00","checksum":1}`, true},
	{`{"sequence":1,"timestamp":1700000000.123456,"payload":"00","checksum":1}`, true},
	{`{"sequence":1,"timestamp":9007199254740993,"payload":"00","checksum":1}`, true},
	{`{"sequence":1,"timestamp":0.000000000000001,"payload":"00","checksum":1}`, true},
	{`{"sequence":1,"timestamp":123456789012345678.5,"payload":"00","checksum":1}`, true},
	{`{"sequence":1,"timestamp":1.,"payload":"00","checksum":1}`, false},
	{`{"sequence":1,"timestamp":.5,"payload":"00","checksum":1}`, false},
	{`{"sequence":1,"timestamp":1.2.3,"payload":"00","checksum":1}`, false},
	{`{"sequence":1,"timestamp":00.5,"payload":"00","checksum":1}`, false},
	{`{"sequence":1,"timestamp":,"payload":"00","checksum":1}`, false},
	{`{"sequence":,"timestamp":1,"payload":"00","checksum":1}`, false},
	{`{ "sequence": 1,  "timestamp":1,"payload":"00","checksum":1}`, false},
	{`{"timestamp":1,"sequence":1,"payload":"00","checksum":1}`, false},
}

func TestUsualLines(t *testing.T) {
	t.Parallel()
	for _, l := range usualLines {
		if got := sameAsAny(t, l.text); got != l.usual {
			t.Errorf("%s: usual is %v, want %v", l.text, got, l.usual)
		}
	}
}

// Numbers of few digits are as ParseFloat has them, bit for bit.
func TestUsualNumbers(t *testing.T) {
	t.Parallel()
	draw := rand.New(rand.NewPCG(1, 1))
	for range 20_000 {
		text := strconv.AppendUint(nil, draw.Uint64()>>draw.IntN(64), 10)
		if at := draw.IntN(len(text) + 1); at > 0 && at < len(text) {
			text = slices.Insert(text, at, '.')
		}
		u := usualLine{rest: append(text, ','), ok: true}
		got := u.number()
		want, err := number(text)
		if u.ok != (err == nil) || u.ok && (math.Float64bits(got) != math.Float64bits(want) || string(u.rest) != ",") {
			t.Fatalf("%s: %v, %t, rest %q; want %v, %v", text, got, u.ok, u.rest, want, err)
		}
	}
}

// FuzzUsual compares the quick way with the other.
func FuzzUsual(f *testing.F) {
	for _, l := range usualLines {
		f.Add(l.text)
	}
	f.Fuzz(func(t *testing.T, text string) { sameAsAny(t, text) })
}

func sameAsAny(t *testing.T, text string) bool {
	t.Helper()
	quick, slow := jsonlParser{maxPayload: 16, last: time.Second}, jsonlParser{maxPayload: 16, last: time.Second}
	var got Event
	if !quick.usual([]byte(text), &got) {
		return false
	}
	want, err := slow.any([]byte(text))
	same := math.Float64bits(got.Delivery.Timestamp) == math.Float64bits(want.Delivery.Timestamp) && bytes.Equal(got.Delivery.Payload, want.Delivery.Payload)
	got.Delivery.Timestamp, got.Delivery.Payload = 0, nil
	want.Delivery.Timestamp, want.Delivery.Payload = 0, nil
	if err != nil || !same || !equalEvents(got, want) || quick.last != slow.last {
		t.Fatalf("%q: %+v, want %+v, %v", text, got, want, err)
	}
	return true
}

// equalEvents compares events without payloads.
func equalEvents(a, b Event) bool {
	d, e := a.Delivery, b.Delivery
	return a.Kind == b.Kind && a.Next == b.Next && a.Line == b.Line && a.At == b.At && a.Cursor == b.Cursor &&
		d.Sequence == e.Sequence && d.Checksum == e.Checksum && d.Origin == e.Origin && d.Line == e.Line && d.At == e.At &&
		d.Valid == e.Valid && d.HeaderTrusted == e.HeaderTrusted && d.Cursor == e.Cursor
}
