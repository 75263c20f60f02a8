package fetch

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"
)

// A List reads URLs from text: one URL a line, or one JSON object a line with
// url, method, headers, body and id. Blank lines and lines that start with #
// are skipped; a byte order mark, carriage returns and blanks around a line are
// dropped. A line that cannot be used becomes a unit that is bad: it is counted
// and told, and the rest goes on.
type List struct {
	in     *bufio.Reader
	name   string
	inputs Inputs
	// Each is what every request of the list has; JSON lines add to it.
	Each   Request
	dedupe *Deduper // nil: duplicates are URLs like others
	err    error    // of its temporary files
	long   []byte
	text   []byte // of the last line
}

// NewList reads from in, which errors call name.
func NewList(in io.Reader, name string) *List {
	return &List{in: bufio.NewReaderSize(in, 64<<10), name: name}
}

// Dedupe makes l tell which of its lines are duplicates, as d finds them; d is
// then l's.
func (l *List) Dedupe(d *Deduper) { l.dedupe = d }

// Inputs counts the lines so far.
func (l *List) Inputs() Inputs { return l.inputs }

// Next implements [Source]. An error names the line at which reading failed.
func (l *List) Next() (Unit, error) {
	for {
		if l.err == nil && l.dedupe != nil && l.dedupe.full() {
			l.err = l.lookAhead()
		}
		if l.err != nil {
			return Unit{}, fmt.Errorf("looking for duplicates: %w", l.err)
		}
		raw, err := l.readLine()
		if err == io.EOF && l.dedupe != nil && l.dedupe.ahead != nil {
			if l.err = l.dedupe.ahead.close(); l.err != nil {
				continue
			}
			err = l.dedupe.ahead.readErr
		}
		if err == io.EOF {
			return Unit{}, err
		}
		if err != nil {
			return Unit{}, &InputError{l.name, l.inputs.Lines + 1, fmt.Errorf("cannot be read on: %w", err)}
		}
		l.inputs.Lines++
		if l.inputs.Lines == 1 {
			raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
		}
		text := bytes.Trim(raw, " \t\r\n")
		switch {
		case len(text) == 0:
			l.inputs.Blank++
		case text[0] == '#':
			l.inputs.Comments++
		default:
			l.text = text
			return l.unit(l.inputs.Lines, text), nil
		}
	}
}

// readLine gives a line without its end; of one that is longer than a URL can
// be, it gives as much as shows that.
func (l *List) readLine() ([]byte, error) {
	const most = maxURL + 1<<20 // a JSON line may carry a body
	line, err := l.in.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		l.long = append(l.long[:0], line...)
		for err == bufio.ErrBufferFull {
			line, err = l.in.ReadSlice('\n')
			if len(l.long) < most {
				l.long = append(l.long, line...)
			}
		}
		line = l.long
	}
	if err == io.EOF && len(line) > 0 {
		err = nil
	}
	return line, err
}

func (l *List) unit(line int64, text []byte) Unit {
	u := l.Reread(line, text)
	switch {
	case u.Bad != nil:
		l.inputs.Bad++
	case l.dedupe != nil:
		u.OfLine = l.dedupe.seen(u.Line, u.URL)
	}
	return u
}

// Reread implements [Rereader].
func (l *List) Reread(line int64, text []byte) Unit {
	u := Unit{Request: l.Each}
	u.Line = line
	if text[0] == '{' {
		u.Bad = fromJSON(&u, text)
	} else {
		u.URL = string(text)
		u.parsed, u.Bad = ParseURL(u.URL)
	}
	if u.Bad != nil {
		u.URL, u.parsed = shownLine(text), nil
	}
	return u
}

// shownLine is a bad line as the log has it.
func shownLine(text []byte) string {
	const most = 200
	s := strings.ToValidUTF8(string(text[:min(len(text), most)]), string(utf8.RuneError))
	if len(text) > most {
		s += "…"
	}
	return s
}

// A listed is a JSON line of a list.
type listed struct {
	URL     *string           `json:"url"`
	Method  string            `json:"method"`
	Headers map[string]string `json:"headers"`
	Body    *string           `json:"body"`
	ID      any               `json:"id"`
}

func fromJSON(u *Unit, text []byte) error {
	var o listed
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&o); err != nil {
		return errors.New(`not a JSON object with "url", "method", "headers", "body", "id"`)
	}
	if d.More() {
		return errors.New("more than one JSON object on the line")
	}
	if o.URL == nil {
		return errors.New(`the object has no "url"`)
	}
	u.URL, u.Method = *o.URL, strings.ToUpper(o.Method)
	if len(o.Headers) > 0 {
		h := u.Header.Clone()
		if h == nil {
			h = http.Header{}
		}
		for name, value := range o.Headers {
			h.Set(name, value)
		}
		u.Header = h
	}
	if o.Body != nil {
		u.Body = BytesBody([]byte(*o.Body))
	}
	var err error
	if u.parsed, err = ParseURL(u.URL); err != nil {
		return err
	}
	method := u.Method
	if method == "" {
		method = http.MethodGet
	}
	return checkHeader(method, u.Header)
}

// BytesBody is a body that is in memory.
func BytesBody(b []byte) BodySource {
	return func() (io.ReadCloser, int64, error) { return io.NopCloser(bytes.NewReader(b)), int64(len(b)), nil }
}

// URLs is a Source of URLs in memory.
func URLs(urls ...string) Source { return &urlSource{urls: urls} }

type urlSource struct {
	urls []string
	n    int
}

func (s *urlSource) Inputs() Inputs { return Inputs{Lines: int64(s.n)} }

func (s *urlSource) Next() (Unit, error) {
	if s.n >= len(s.urls) {
		return Unit{}, io.EOF
	}
	s.n++
	return s.unit(int64(s.n), s.urls[s.n-1]), nil
}

func (s *urlSource) unit(line int64, url string) Unit {
	u := Unit{Request: Request{URL: url, Line: line}}
	u.parsed, u.Bad = ParseURL(url)
	return u
}

// Text and Reread implement [Rereader].
func (s *urlSource) Text() []byte { return []byte(s.urls[s.n-1]) }

func (s *urlSource) Reread(line int64, text []byte) Unit { return s.unit(line, string(text)) }
