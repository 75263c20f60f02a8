package fetch

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

// FuzzNormalizeURL: normalising twice changes nothing more.
func FuzzNormalizeURL(f *testing.F) {
	for _, s := range []string{"HTTP://A.Test:80/%7eb/./c/../d?x=%7E#f", "https://a.test.:443", "http://a/..//./", "http://a/%2e%2e/b", "http://a/?%"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		once := NormalizeURL(raw)
		if twice := NormalizeURL(once); twice != once {
			t.Fatalf("%q becomes %q, that becomes %q", raw, once, twice)
		}
	})
}

func TestNormalizeURL(t *testing.T) {
	t.Parallel()
	for _, same := range [][]string{
		{"http://a.test/", "HTTP://A.TEST:80", "http://a.test./", "http://a.test/#frag", "http://a.test/.", "http://a.test/b/.."},
		{"https://a.test/~x", "https://a.test:443/%7Ex", "https://a.test/%7ex"},
		{"http://xn--bcher-kva.test/", "http://bücher.test"},
		{"http://a.test/%2F", "http://a.test/%2f"},
	} {
		for _, s := range same {
			if got := NormalizeURL(s); got != same[0] {
				t.Errorf("%s becomes %s, want %s", s, got, same[0])
			}
		}
	}
	if NormalizeURL("http://a.test/b") == NormalizeURL("http://a.test/b/") {
		t.Error("a slash at the end makes no difference")
	}
}

// FuzzList: every line is accounted for, and nothing that is given out as a URL
// cannot be sent.
func FuzzList(f *testing.F) {
	f.Add([]byte("\ufeffhttp://a/\r\n\n# c\n{\"url\":\"http://b/\"}\nx y\n"))
	f.Add([]byte(`{"url":"http://b/","headers":{"A\nB":"c"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		l := NewList(bytes.NewReader(text), "list")
		units := int64(0)
		for {
			u, err := l.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			units++
			if _, err := ParseURL(u.URL); err != nil && u.Bad == nil {
				t.Fatalf("%q is given out: %v", u.URL, err)
			}
		}
		n := l.Inputs()
		lines := int64(bytes.Count(text, []byte("\n")))
		if len(text) > 0 && text[len(text)-1] != '\n' {
			lines++
		}
		if n.Lines != lines || n.Lines != n.Blank+n.Comments+units {
			t.Fatalf("%d lines: %+v and %d units", lines, n, units)
		}
	})
}

// TestDamagedList: what can be read before the damage is given out, and the
// error names the line.
func TestDamagedList(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	l := NewList(io.MultiReader(strings.NewReader("http://a/\nhttp://b/\n"), iotestErr{broken}), "list.gz")
	var got []string
	for {
		u, err := l.Next()
		if err != nil {
			if !errors.Is(err, broken) || !strings.Contains(err.Error(), "list.gz:3:") {
				t.Error(err)
			}
			break
		}
		got = append(got, u.URL)
	}
	if !slices.Equal(got, []string{"http://a/", "http://b/"}) {
		t.Error(got)
	}
}

type iotestErr struct{ err error }

func (e iotestErr) Read([]byte) (int, error) { return 0, e.err }

// TestLongLine is neither kept in memory nor the end of the list.
func TestLongLine(t *testing.T) {
	t.Parallel()
	l := NewList(io.MultiReader(io.LimitReader(endless{}, 20<<20), strings.NewReader("\nhttp://b/\n")), "list")
	u, err := l.Next()
	if err != nil || u.Bad == nil || len(u.URL) > 300 {
		t.Fatalf("%v, %v, %d bytes", err, u.Bad, len(u.URL))
	}
	if cap(l.long) > 4<<20 {
		t.Errorf("%d bytes are held", cap(l.long))
	}
	if u, err = l.Next(); err != nil || u.URL != "http://b/" || u.Line != 2 {
		t.Errorf("%v, %+v", err, u)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// FuzzScanLog: no bytes make the scan of a log fail or panic, and what it keeps
// is a prefix.
func FuzzScanLog(f *testing.F) {
	f.Add([]byte(`{"timestamp":"2026-01-15T10:30:00.123Z","event":"success","url":"http://a/","status":200,"class":"success","attempt":1,"line":1,"final":true,"outcome":"success","attempts":1,"url_fp":"00000001"}` + "\n"))
	f.Add([]byte(`{"event":"x","line":99999999999,"final":true}` + "\n{\n"))
	f.Add([]byte(`{"event": "retry", "a":{"b":[1]}, "line": 1e0}` + "\n\x00\x00\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := scanLog(bytes.NewReader(text), "log", func(string) {})
		var input *InputError
		if err != nil && !errors.As(err, &input) {
			t.Fatal(err)
		}
		if err == nil && (r.whole < 0 || r.whole > int64(len(text))) {
			t.Fatalf("%d of %d bytes are whole", r.whole, len(text))
		}
		if _, err := Explain(bytes.NewReader(text), "log", "http://a/"); err != nil && !errors.As(err, &input) {
			t.Fatal(err)
		}
	})
}
