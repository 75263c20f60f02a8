package runner

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast/merge"
)

func TestParseLine(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]merge.Message{
		`{"msg_type":"ALL","values":[]}` + "\n":                       {Type: "ALL", Values: []int32{}},
		`{"msg_type":"DATA","values":[1,-2147483648,2147483647]}`:     {Type: "DATA", Values: []int32{1, -1 << 31, 1<<31 - 1}},
		` { "values" : [ 0 , -5 ] , "msg_type" : "abcde" } ` + "\r\n": {Type: "abcde", Values: []int32{0, -5}},
		`{"msg_type":"~!","values":[1,2,3,4,5,6,7,8,9,10]}`:           {Type: "~!", Values: []int32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}},
	} {
		got, err := ParseLine([]byte(line))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%q: %v\n%s", line, err, diff)
		}
	}
	for line, want := range map[string]string{
		"":                                                    "it ends where",
		"\x00\x00\x00":                                        `'\x00' where '{' belongs`,
		`{"msg_type":"ALL"}`:                                  "missing",
		`{"values":[]}`:                                       "missing",
		`{"msg_type":"","values":[]}`:                         "1 to 5",
		`{"msg_type":"ABCDEF","values":[]}`:                   "1 to 5",
		`{"msg_type":"Ä","values":[]}`:                        "ASCII",
		`{"msg_type":"A\n","values":[]}`:                      "no quotes or escapes",
		`{"msg_type":"ALL","values":[1.5]}`:                   "no integer",
		`{"msg_type":"ALL","values":[1e3]}`:                   "no integer",
		`{"msg_type":"ALL","values":[01]}`:                    "no integer",
		`{"msg_type":"ALL","values":["1"]}`:                   "no integer",
		`{"msg_type":"ALL","values":[1,]}`:                    "no integer",
		`{"msg_type":"ALL","values":[null]}`:                  "no integer",
		`{"msg_type":"ALL","values":null}`:                    "'n' where '['",
		`{"msg_type":7,"values":[]}`:                          `'7' where '"'`,
		`{"msg_type":"A","values":[2147483648]}`:              "outside",
		`{"msg_type":"A","values":[-2147483649]}`:             "outside",
		`{"msg_type":"A","values":[1,2,3,4,5,6,7,8,9,10,11]}`: "more than 10",
		`{"msg_type":"A","values":[],"x":1}`:                  "foreign key",
		`{"msg_type":"A","values":[],"values":[]}`:            "twice",
		`{"msg_type":"A","values":[]}{}`:                      "more than one object",
		`{"msg_type":"A","values":[]`:                         "it ends",
		`[]`:                                                  "where '{'",
	} {
		if m, err := ParseLine([]byte(line)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v; want %s", line, m, err, want)
		}
	}
}

// What is read is within the format and is written and read again the same.
func FuzzParseLine(f *testing.F) {
	f.Add([]byte(`{"msg_type":"ALL","values":[281225216,0,100547,201044394,939771904]}`))
	f.Add([]byte(`{"values":[-1], "msg_type":"X"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ParseLine(b)
		if err != nil {
			return
		}
		line := AppendLine(nil, m)
		again, err := ParseLine(line)
		if err != nil || !cmp.Equal(m, again) || !bytes.Equal(line, AppendLine(nil, again)) {
			t.Fatalf("%q: %v, then %v, %v", b, m, again, err)
		}
	})
}

func TestAppendLinePanicsOutsideTheFormat(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("eleven values were written")
		}
	}()
	AppendLine(nil, merge.Message{Type: "A", Values: make([]int32, 11)})
}
