package fetch

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"time"

	"holdfast/fetch/retry"
)

// A Resume is what the log says about earlier runs: which lines are complete,
// which were put off, and the sums of it all. It takes five bytes a line.
type Resume struct {
	RetryFailed bool // fetch again what failed

	path     string
	pages    map[int64]*page
	codes    []lastResult         // what page.state counts into, from 1
	overflow map[int64]lastResult // of lines whose state is codeOverflow
	put      map[int64]time.Time  // not before, of lines that were put off
	tally    *tally
	origins  map[string]string // by what stands before the path of a URL
	last     time.Time
	lastRun  int
	whole    int64 // bytes up to the last complete record of a decision
	ours     bool  // some record has a line number
	records  int64
}

// pageLines is small because a damaged log may name any line.
const pageLines = 256

type page struct {
	state [pageLines]uint8 // 0: not complete; otherwise the code of its last result
	check [pageLines]uint32
}

const codeOverflow = 255

// A lastResult is what was counted for a line when it ended.
type lastResult struct {
	outcome   retry.Outcome
	status    int
	attempted bool
	duplicate bool
}

// maxRecord is the longest line that can be a record: a URL is at most 64 KiB,
// escaped six times as long, and stands in a record with its error.
const maxRecord = 1 << 20

// scanLog reads a log once, from its first byte to its last.
func scanLog(in io.Reader, path string, warn func(string)) (*Resume, error) {
	r := &Resume{path: path, pages: map[int64]*page{}, overflow: map[int64]lastResult{}, put: map[int64]time.Time{}, tally: newTally(), origins: map[string]string{}}
	s := recordScanner{in: bufio.NewReaderSize(in, 256<<10)}
	var l logLine
	open := false // a decision whose records are not complete
	var openLine int64
	skipped, foreign := 0, false
	for s.next() {
		err := l.parse(s.line)
		if err == nil && len(l.event) == 0 {
			err = errNotRecord
		}
		if err != nil {
			foreign = foreign || !mayBeOurs(s.line)
			if s.torn {
				break
			}
			if skipped++; skipped <= mostWarned {
				warn(fmt.Sprintf("%s:%d: skipped: %v", path, s.n, err))
			}
			open, r.whole = false, s.end
			continue
		}
		if s.torn {
			break // it may lack more than its line end
		}
		r.records++
		r.ours = r.ours || l.line > 0
		closes := l.final || l.postponed || string(l.event) == "retry"
		if closes || open && (l.line != openLine) || l.line == 0 {
			r.whole, open = s.end, false
		} else {
			open, openLine = true, l.line
		}
		r.take(&l)
	}
	if s.err != nil {
		return nil, s.err
	}
	if r.records == 0 && foreign { // nothing of it may be cut off, and nothing appended
		return nil, &InputError{path, 0, errors.New("no line of it is a record: this is not a log of holdfast fetch, it cannot be resumed")}
	}
	if skipped > mostWarned {
		warn(fmt.Sprintf("%s: skipped %d lines in all", path, skipped))
	}
	if r.records > 0 && !r.ours {
		return nil, &InputError{path, 0, errors.New("no record has a line number: this log is not one of holdfast fetch, it cannot be resumed")}
	}
	return r, nil
}

// mostWarned is how many broken lines of a log are told one by one.
const mostWarned = 10

// mayBeOurs reports whether a broken line may be what a crash has left of a
// record: its beginning, or zeros for what the disk does not have.
func mayBeOurs(text []byte) bool {
	const start = `{"timestamp":"`
	n := min(len(text), len(start))
	return n > 0 && text[0] == 0 || string(text[:n]) == start[:n]
}

// A recordScanner splits a log into lines.
type recordScanner struct {
	in   *bufio.Reader
	line []byte
	n    int64 // of the line, from 1
	end  int64 // of the line, in bytes
	torn bool  // the line has no end
	long []byte
	err  error
}

func (s *recordScanner) next() bool {
	if s.err != nil || s.torn {
		return false
	}
	line, err := s.in.ReadSlice('\n')
	s.end += int64(len(line))
	if err == bufio.ErrBufferFull {
		line, err = s.rest(line)
	}
	switch {
	case err == io.EOF:
		s.torn = true
		if len(line) == 0 {
			return false
		}
	case err != nil:
		s.err = err
		return false
	}
	s.n++
	s.line = line
	return true
}

// rest collects a line that is longer than the buffer, up to maxRecord.
func (s *recordScanner) rest(line []byte) ([]byte, error) {
	s.long = append(s.long[:0], line...)
	for {
		more, err := s.in.ReadSlice('\n')
		s.end += int64(len(more))
		if len(s.long) <= maxRecord {
			s.long = append(s.long, more...)
		}
		if err != bufio.ErrBufferFull {
			return s.long, err
		}
	}
}

// take counts a record.
func (r *Resume) take(l *logLine) {
	if at, ok := parseTimestamp(l.timestamp); ok && at.After(r.last) {
		r.last = at
	}
	r.lastRun = max(r.lastRun, int(min(l.run, 1<<30)))
	origin := ""
	if len(l.class) > 0 && l.attempt > 0 {
		class, _ := retry.ParseClass(string(l.class))
		origin = r.origin(l.url)
		f := attemptFacts{origin: origin, number: int(l.attempt), class: class, latency: l.latency(), wireSends: int(l.wireSends), bytes: l.bytes, wireBytes: l.wire}
		if class != retry.ClassTimeout && class != retry.ClassConnection && class != retry.ClassCancelled {
			f.status = int(l.status)
		}
		r.tally.attempt(f)
	}
	switch string(l.event) {
	case "slow_response":
		r.tally.slow++
	case "retry":
		r.tally.retry(string(l.reason))
	}
	if (l.final || l.postponed) && l.line > 0 {
		if origin == "" {
			origin = r.origin(l.url)
		}
		r.end(l, origin)
	}
}

// mostOrigins bounds what is remembered of origins beyond the sums.
const mostOrigins = 1 << 12

// origin is originOf. Parsing each URL would be a third of all the work, so it
// remembers what it found for the same scheme and authority; what follows those
// changes nothing unless it makes the URL a bad one.
func (r *Resume) origin(raw []byte) string {
	n := bytes.Index(raw, []byte("://"))
	if n < 0 {
		return originOf(raw)
	}
	n += 3
	for n < len(raw) && raw[n] != '/' && raw[n] != '?' && raw[n] != '#' {
		n++
	}
	for _, c := range raw[n:] {
		if c == '%' || c < ' ' || c == 0x7f {
			return originOf(raw)
		}
	}
	if o, ok := r.origins[string(raw[:n])]; ok {
		return o
	}
	o := originOf(raw)
	if len(r.origins) < mostOrigins {
		r.origins[string(raw[:n])] = o
	}
	return o
}

func originOf(raw []byte) string {
	if u, err := url.Parse(string(raw)); err == nil && u.Host != "" {
		return origin(u)
	}
	return ""
}

func (r *Resume) end(l *logLine, origin string) {
	outcome, _ := retry.ParseOutcome(string(l.outcome))
	x := lastResult{outcome: outcome, status: int(l.finalStatus), attempted: l.attempts > 0, duplicate: string(l.event) == "duplicate"}
	if old, ok := r.result(l.line); ok {
		r.uncount(old, origin) // it had been put off, or fetched again
	}
	if x.duplicate {
		r.tally.duplicates++
	} else {
		r.tally.end(origin, outcome, x.status, x.attempted, 1)
	}
	p := r.page(l.line)
	fp, _ := strconv.ParseUint(string(l.fp), 16, 32)
	p.check[l.line%pageLines] = uint32(fp)
	p.state[l.line%pageLines] = r.code(l.line, x)
	delete(r.put, l.line)
	if l.postponed {
		at, _ := parseTimestamp(l.notBefore)
		r.put[l.line] = at
	}
}

func (r *Resume) uncount(x lastResult, origin string) {
	if x.duplicate {
		r.tally.duplicates--
		return
	}
	r.tally.end(origin, x.outcome, x.status, x.attempted, -1)
}

func (r *Resume) page(line int64) *page {
	p := r.pages[line/pageLines]
	if p == nil {
		p = &page{}
		r.pages[line/pageLines] = p
	}
	return p
}

func (r *Resume) code(line int64, x lastResult) uint8 {
	delete(r.overflow, line)
	for n, c := range r.codes {
		if c == x {
			return uint8(n + 1)
		}
	}
	if len(r.codes)+1 < codeOverflow {
		r.codes = append(r.codes, x)
		return uint8(len(r.codes))
	}
	r.overflow[line] = x
	return codeOverflow
}

func (r *Resume) result(line int64) (lastResult, bool) {
	p := r.pages[line/pageLines]
	if p == nil || p.state[line%pageLines] == 0 {
		return lastResult{}, false
	}
	if code := p.state[line%pageLines]; code != codeOverflow {
		return r.codes[code-1], true
	}
	return r.overflow[line], true
}

// keeper gives the function that says of each line of the list whether it is to
// be fetched. Without a log to resume that is every line.
func (r *Resume) keeper(e *engine) func(*Unit) (bool, error) {
	if r == nil {
		return func(*Unit) (bool, error) { return true, nil }
	}
	return func(u *Unit) (bool, error) {
		e.mu.Lock()
		defer e.mu.Unlock()
		return r.keep(u)
	}
}

// keep reports whether a line is to be fetched, or that the log belongs to
// another list.
func (r *Resume) keep(u *Unit) (bool, error) {
	x, ok := r.result(u.Line)
	if !ok {
		return true, nil
	}
	method, identity := u.Method, u.Identity
	if method == "" {
		method = "GET"
		if u.Body != nil {
			method = "POST"
		}
	}
	if identity == "" {
		identity = u.URL
	}
	p := r.pages[u.Line/pageLines]
	if got := fingerprintOf(method, identity, nil).check(); got != p.check[u.Line%pageLines] {
		return false, &InputError{r.path, 0, fmt.Errorf("its line %d is another URL than line %d of this list (%s): %w", u.Line, u.Line, RedactURL(u.URL), ErrOtherList)}
	}
	postponed := x.outcome.Postponed() && !x.duplicate
	if !postponed && !(r.RetryFailed && x.outcome != retry.OutcomeSuccess && !x.duplicate) {
		return false, nil
	}
	u.NotBefore = r.put[u.Line]
	host := ""
	if parsed, err := ParseURL(u.URL); err == nil {
		host = origin(parsed)
	}
	r.uncount(x, host)
	p.state[u.Line%pageLines] = 0
	delete(r.put, u.Line)
	return true, nil
}
