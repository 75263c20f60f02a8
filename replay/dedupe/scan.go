package dedupe

import (
	"bytes"
	"context"
	"io"
	"sync"

	"holdfast/replay/ingest"
)

// A scan reads the whole source once, in parallel, and finds where the records
// are, which of them are rejected, and the hash of every key.
type scan struct {
	source   *source
	format   *format
	store    *store // nil: only where the records are is wanted
	hash     func([]byte) uint64
	size     int // of a chunk
	progress func(done int64)

	mu    sync.Mutex // guards what follows, and so the order of chunks
	next  int64      // where the next chunk begins
	err   error
	index index // sealed when the scan is done
	notes notes
	names nameSet
}

// maxChunk is less than the largest field that is accepted, so that a plain
// line never holds a longer one.
const (
	minChunk = 128 << 10
	maxChunk = 512 << 10
)

// run scans with the given number of goroutines.
func (s *scan) run(ctx context.Context, jobs int) error {
	s.next = s.source.start
	workers := make([]*scanner, jobs)
	for i := range workers {
		var err error
		if workers[i], err = newScanner(s); err != nil {
			return err
		}
	}
	var group sync.WaitGroup
	for _, w := range workers {
		group.Go(func() {
			for ctx.Err() == nil && w.step() {
			}
		})
	}
	group.Wait()
	if s.err != nil {
		return s.err
	}
	for _, w := range workers {
		s.notes.add(&w.lines.notes)
		s.notes.add(&w.careful.notes)
		s.names.add(&w.names)
	}
	s.index.seal(s.source.headerLines)
	return ctx.Err()
}

// scanner is one goroutine of a scan.
type scanner struct {
	*scan
	lines   *lineParser
	careful *careful
	sorter  sorter
	names   nameSet

	buf    []byte
	hashes []uint64 // of the records of the chunk at hand; 0 for a rejected one
	key    []byte
}

func newScanner(s *scan) (*scanner, error) {
	c, err := newCareful(s.format)
	return &scanner{scan: s, lines: newLineParser(s.format), careful: c, buf: make([]byte, s.size+slack)}, err
}

// step does one chunk; false when there is none left or something failed.
func (w *scanner) step() bool {
	c, data, err := w.take()
	if err == nil && c == nil {
		return false
	}
	if err == nil && !c.quoted {
		c, err = w.plain(c, data)
	}
	if err == nil {
		err = w.finish(c)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
	}
	return w.err == nil
}

// take cuts the next chunk off the file. Where a chunk ends depends on its
// quotes, so this is done by one goroutine at a time; a chunk that is not plain
// is scanned right here.
func (w *scanner) take() (*chunk, []byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	left := w.source.size - w.next
	if w.err != nil || left <= 0 {
		return nil, nil, w.err
	}
	data := w.buf[:min(left, int64(w.size))]
	if _, err := w.source.ReadAt(data, w.next); err != nil && err != io.EOF {
		return nil, nil, err
	}
	if int64(len(data)) < left {
		data = data[:bytes.LastIndexByte(data, '\n')+1]
	}
	c := &chunk{offset: w.next, size: len(data)}
	if len(data) == 0 || !isPlain(data) {
		c.quoted = true
		data = nil
		if err := w.quoted(c); err != nil {
			return nil, nil, err
		}
	}
	w.index.chunks = append(w.index.chunks, c)
	w.next += int64(c.size)
	w.progress(w.next)
	return c, data, nil
}

// isPlain reports whether data is plain lines (see lineParser).
func isPlain(data []byte) bool {
	if bytes.IndexByte(data, '"') >= 0 {
		return false
	}
	for i := 0; ; {
		j := bytes.IndexByte(data[i:], '\r')
		if j < 0 {
			return true
		}
		if i += j + 1; i == len(data) || data[i] != '\n' {
			return false
		}
	}
}

// plain scans a chunk of plain lines. If it has more records than a chunk may
// have, further chunks get the rest; the last one is returned.
func (w *scanner) plain(c *chunk, data []byte) (*chunk, error) {
	c.begin(bytes.IndexByte(data, '\r') >= 0)
	ended := data[len(data)-1] == '\n'
	if !ended {
		data = append(data, '\n') // there is slack
	}
	padded, end := data[:len(data)+slack-1], c.size
	base := 0 // where in data the chunk begins
	for i := 0; i < len(data); c.lines++ {
		if c.records == maxRecords {
			next, err := w.split(c, i-base)
			if err != nil {
				return nil, err
			}
			c, base = next, i
		}
		start := i
		if w.store != nil && ended {
			if next, ok := w.lines.parse(padded, i); ok {
				c.record(start - base)
				w.addKey(&w.lines.fields)
				i = next
				continue
			}
		}
		i += bytes.IndexByte(data[i:], '\n') + 1
		w.line(c, start-base, trimCR(data[start:i-1]), ended || i < len(data))
	}
	if !ended {
		c.roughen()
	}
	c.size = end - base
	return c, nil
}

// split ends a chunk at size and begins the next one there.
func (w *scanner) split(c *chunk, size int) (*chunk, error) {
	c.size = size
	next := &chunk{offset: c.offset + int64(size)}
	next.begin(c.rough)
	w.mu.Lock()
	w.index.chunks = append(w.index.chunks, next)
	w.mu.Unlock()
	return next, w.finish(c)
}

// line scans one plain line the careful way.
func (w *scanner) line(c *chunk, start int, raw []byte, ended bool) {
	if !w.careful.isRecord(raw) {
		w.careful.skipped(raw)
		c.roughen()
		return
	}
	c.record(start)
	if w.store != nil {
		f, reason, _ := w.careful.line(raw, ended, c.line())
		w.use(c, f, reason)
	}
}

// use takes the values of the last record of c, or why it has none.
func (w *scanner) use(c *chunk, f *fields, reason ingest.Reason) {
	if reason != "" {
		c.reject()
		w.hashes = append(w.hashes, 0)
		return
	}
	w.addKey(f)
}

// addKey notes the hash of a usable record.
func (w *scanner) addKey(f *fields) {
	w.names.see(f.symbol)
	w.key = w.format.appendKey(w.key[:0], f)
	w.hashes = append(w.hashes, max(w.hash(w.key), 1))
}

// quoted scans the records from the start of c on, until there is a chunk of
// them.
func (w *scanner) quoted(c *chunk) error {
	s := w.format.scanner(w.source, c.offset)
	c.begin(true)
	c.size = 0
	for c.size < w.size && c.records < maxRecords && s.Scan() {
		c.lines = int(s.Line()) - 1
		if w.careful.isQuotedRecord(s) {
			c.record(c.size)
			if w.store != nil {
				f, reason, _ := w.careful.record(s.Fields(), s.Fault(), s.LineEnd() > 0, c.line())
				w.use(c, f, reason)
			}
		} else {
			w.careful.skipped(s.Raw())
		}
		c.lines += lineEnds(s)
		c.size = int(s.Offset()+s.Length()) + s.LineEnd()
	}
	return s.Err()
}

// lineEnds counts the line ends of a record, its own included.
func lineEnds(s *ingest.Scanner) int {
	n := 0
	if s.LineEnd() > 0 {
		n = 1
	}
	if s.Fault() != "" {
		return n // it is a single line
	}
	return n + int(countLineEnds(s.Raw()))
}

// scanner returns a scanner of the records from an offset on. It sees all the
// rest of the file, since what a quote means may depend on it.
func (f *format) scanner(s *source, from int64) *ingest.Scanner {
	scanner := ingest.NewScanner(io.NewSectionReader(s, from, s.size-from), f.delimiter)
	scanner.Want(len(f.roles))
	return scanner
}

// finish hands over what the scan of a chunk has found.
func (w *scanner) finish(c *chunk) (err error) {
	c.epochs = w.careful.epochs
	w.careful.epochs = epochs{}
	if w.store != nil {
		c.entries, err = w.store.put(&w.sorter, w.hashes)
		w.hashes = w.hashes[:0]
	}
	return err
}
