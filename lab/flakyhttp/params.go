package flakyhttp

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// params are the parameters of a fault. What a fault asks for is checked
// against its bounds; the first mistake is kept.
type params struct {
	given url.Values
	asked map[string]bool
	err   error
}

func newParams(given url.Values) *params { return &params{given: given, asked: map[string]bool{}} }

// text is the parameter's only value, or def.
func (p *params) text(name, def string) string {
	p.asked[name] = true
	values := p.given[name]
	switch {
	case len(values) == 0:
		return def
	case len(values) > 1:
		p.fail("%s is given %d times: once is enough", name, len(values))
	}
	return values[0]
}

// number is a whole number from least to most.
func (p *params) number(name string, def, least, most int64) int64 {
	text := p.text(name, "")
	if text == "" && !p.given.Has(name) {
		return def
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < least || n > most {
		p.fail("%s=%s: must be a whole number from %d to %d", name, clip(text), least, most)
	}
	return n
}

// span is a duration from 0 to most.
func (p *params) span(name string, def, most time.Duration) time.Duration {
	text := p.text(name, "")
	if text == "" && !p.given.Has(name) {
		return def
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > most {
		p.fail("%s=%s: must be a duration from 0s to %s, such as 500ms", name, clip(text), most)
	}
	return d
}

// word is one of those allowed, the first if it is not given.
func (p *params) word(name string, allowed ...string) string {
	text := p.text(name, allowed[0])
	if !slices.Contains(allowed, text) {
		p.fail("%s=%s: must be one of %s", name, clip(text), strings.Join(allowed, ", "))
	}
	return text
}

func (p *params) flag(name string) bool { return p.word(name, "0", "1") == "1" }

// id names what is counted across requests.
func (p *params) id(name string) string {
	text := p.text(name, "")
	if p.given.Has(name) {
		p.check(checkID(text))
	}
	return text
}

// maxID is the most letters of an id.
const maxID = 64

func checkID(id string) error {
	bad := func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.'
	}
	if id == "" || len(id) > maxID || strings.ContainsFunc(id, bad) {
		return fmt.Errorf("id %s: use 1 to %d letters, digits, dots, dashes and underscores", clip(id), maxID)
	}
	return nil
}

func (p *params) fail(format string, args ...any) { p.check(fmt.Errorf(format, args...)) }

func (p *params) check(err error) {
	if p.err == nil {
		p.err = err
	}
}

// finish is the first mistake, or a parameter that nobody asked for. Names that
// begin with _ only make URLs differ.
func (p *params) finish() error {
	if p.err != nil {
		return p.err
	}
	switch rest := p.rest(); {
	case len(rest) == 0:
		return nil
	case len(p.asked) == 0:
		return fmt.Errorf("unknown parameter %s: this fault has none", clip(rest[0]))
	default:
		return fmt.Errorf("unknown parameter %s: known are %s", clip(rest[0]), strings.Join(slices.Sorted(maps.Keys(p.asked)), ", "))
	}
}

// headers are the parameters that begin with a capital letter: a mistyped one is
// still unknown.
func (p *params) headers() []header {
	var all []header
	for _, name := range p.rest() {
		if name == "" || name[0] < 'A' || name[0] > 'Z' {
			continue
		}
		p.asked[name] = true
		for _, v := range p.given[name] {
			p.check(checkHeader(name, v))
			all = append(all, header{name, v})
		}
	}
	if len(all) > maxHeaders {
		p.fail("%d headers: at most %d", len(all), maxHeaders)
	}
	return all
}

// rest are the names that nobody asked for, sorted.
func (p *params) rest() []string {
	var names []string
	for name := range p.given {
		if !p.asked[name] && !strings.HasPrefix(name, "_") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// clip quotes what a client sent, and not too much of it.
func clip(s string) string {
	if len(s) > 80 {
		s = s[:80] + "..."
	}
	return strconv.Quote(s)
}
