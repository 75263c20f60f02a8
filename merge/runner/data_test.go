package runner

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func TestReadData(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want []int32
		err  string
	}{
		{"", nil, ""},
		{"\n \n\t\n", nil, ""},
		{"1\n2\n3", []int32{1, 2, 3}, ""},
		{"\ufeff+1\r\n-2\r\n\r\n  003  \n", []int32{1, -2, 3}, ""},
		{"-2147483648\n2147483647\n-0\n000\n", []int32{-2147483648, 2147483647, 0, 0}, ""},
		{strings.Repeat("0", 500) + "7\n-" + strings.Repeat("0", 500) + "7", []int32{7, -7}, ""},
		{"[]", nil, ""},
		{" [ ] \n", nil, ""},
		{"[1,\n 2 ,\n-3]\n", []int32{1, 2, -3}, ""},
		{"2147483648", nil, "x:1: 2147483648 is outside"},
		{"1\n\n-2147483649", nil, "x:3: -2147483649 is outside"},
		{"1" + strings.Repeat("0", 500), nil, "x:1: 1000000000000000000000000000000000000000 is outside"},
		{"1\nabc\n", nil, `x:2: "abc" is not an integer`},
		{"1.0", nil, `x:1: "1.0" is not an integer`},
		{"1e3", nil, `x:1: "1e3" is not an integer`},
		{"--1", nil, `x:1: "--1" is not an integer`},
		{"-", nil, `x:1: "-" is not an integer`},
		{"0x10", nil, `x:1: "x10" is not an integer`},
		{"1 2\n", nil, "x:1: more than one integer"},
		{"1\n2,3\n", nil, "x:2: more than one integer"},
		{"1\x00\n", nil, `x:1: "1\x00" is not an integer`},
		{"[1,2", nil, "x:1: the end of the file where a comma"},
		{"[1,\n2,\n]", nil, `x:3: ']' where an integer belongs`},
		{"[1,,2]", nil, `x:1: ',' where an integer belongs`},
		{"[1 2]", nil, `x:1: '2' where a comma`},
		{"[1]\n2", nil, `x:2: '2' behind the end`},
		{`["1"]`, nil, `x:1: "\"1\"" is not an integer`},
		{"[[1]]", nil, `x:1: "[1" is not an integer`},
		{"{}", nil, `x:1: "{}" is not an integer`},
	} {
		got, err := ReadData(iotest.HalfReader(strings.NewReader(c.text)), "x", 0)
		if c.err != "" {
			var in *InputError
			if !errors.As(err, &in) || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%.40q: error %v, want %s", c.text, err, c.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%.40q: %v", c.text, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%.40q (-want +got):\n%s", c.text, diff)
		}
	}
	if _, err := ReadData(strings.NewReader("1\n2\n3\n"), "x", 2); err == nil || !strings.Contains(err.Error(), "x:3: more than 2 values") {
		t.Errorf("limit: %v", err)
	}
	broken := io.MultiReader(strings.NewReader("1\n2\n"), iotest.ErrReader(io.ErrUnexpectedEOF))
	if _, err := ReadData(broken, "x", 0); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a reader that fails: %v", err)
	}
}

func TestFindValue(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"1\n\n7\n7\n": "line 3",
		"[1,\n7]":     "element 2 (line 2)",
		"1\n":         "",
	} {
		if got, err := FindValue(strings.NewReader(text), 7); got != want || err != nil {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
}

// What is accepted reads the same when it is written plainly.
func FuzzReadData(f *testing.F) {
	f.Add([]byte("1\n-2\r\n+003\n"))
	f.Add([]byte("[1, 2,\n3]"))
	f.Fuzz(func(t *testing.T, b []byte) {
		values, err := ReadData(strings.NewReader(string(b)), "x", 1000)
		if err != nil {
			var in *InputError
			if !errors.As(err, &in) || in.Line < 1 {
				t.Fatalf("%q: %v", b, err)
			}
			return
		}
		var plain []byte
		for _, v := range values {
			plain = strconv.AppendInt(plain, int64(v), 10)
			plain = append(plain, '\n')
		}
		again, err := ReadData(strings.NewReader(string(plain)), "x", 1000)
		if err != nil || !cmp.Equal(values, again) {
			t.Fatalf("%q: %v, then %v, %v", b, values, again, err)
		}
	})
}
