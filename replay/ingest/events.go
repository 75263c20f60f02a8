package ingest

import (
	"context"
	"holdfast/replay"
)

// Events reads a source's raw events (raw_tick_events.log): JSON objects, one a
// line (R7).
//
//	text   = *( object line-end ) | "[" object *( "," object ) "]"
//	object = { "event_id": …, "timestamp": …, "symbol": …, "price": …, "source": … }
//
// Members stand in any order, others are ignored. An object may have several
// lines, up to MaxObject. What is no object is rejected, and reading goes on
// at the next line that begins with {, white space aside; within an array
// also at a { behind a comma, because arrays are often written on one line.
// There, an object at the beginning of a line needs no comma before it. A line
// that does not begin with { is rejected by itself, so that a file of
// another kind is as many rejected records as lines, and not one.
type Events struct {
	*account
	w     window
	line  int64 // physical line of the front of the window
	o     object
	times *TimeColumn

	begun   bool // something other than blank lines has been seen
	array   bool // within the array
	value   bool // an object was the last thing in the array, not a comma
	comma   bool // a comma was
	midLine bool // the front of the window is not the beginning of a line

	clipped []byte // the beginning of a rejected record
}

// OpenEvents opens a file of events. Errors are *InputError and *UsageError.
func OpenEvents(ctx context.Context, path string, o Options) (*Events, error) {
	times, err := NewTimeColumn("timestamp", o)
	if err != nil {
		return nil, err
	}
	s, err := openText(ctx, path, o.Stdin)
	if err != nil {
		return nil, err
	}
	return &Events{account: newAccount(s, o), w: newWindow(s), line: 1, times: times}, nil
}

// Next returns the next usable event; io.EOF at the end. Other errors are as
// those of Rows.Next.
func (r *Events) Next() (replay.Event, error) {
	for r.done == nil {
		e, ok, err := r.step()
		if err != nil {
			return replay.Event{}, err
		}
		if ok {
			return e, nil
		}
	}
	return replay.Event{}, r.done
}

// step deals with the next thing in the file; ok if it is a usable event.
func (r *Events) step() (e replay.Event, ok bool, err error) {
	c, ok := r.skipSpace()
	switch {
	case r.w.err != nil:
		return e, false, r.failed(r.w.err)
	case !ok:
		if r.array {
			r.notes.count(unclosedArray)
		}
		return e, false, r.end()
	case c == '[' && !r.begun:
		r.notes.count(topLevelArray)
		r.begun, r.array = true, true
		r.take(1)
		return e, false, nil
	case r.array && (c == ',' || c == ']'):
		return e, false, r.punctuation(c)
	}
	r.begun = true
	r.records++
	switch {
	case r.array && r.value && (r.midLine || c != '{'):
		return e, false, r.rejectElement(broken, "there is no comma before it")
	case c == '{':
		if r.array && r.value {
			r.notes.count(missingCommas)
		}
		return r.object()
	case r.array:
		return e, false, r.rejectElement(broken, "it is not an object")
	}
	return e, false, r.rejectLines(broken, "a line holds one JSON object", false)
}

// skipSpace consumes white space and returns the byte behind it; false at the
// end of the stream.
func (r *Events) skipSpace() (byte, bool) {
	for {
		c, ok := r.w.byteAt(0)
		if !ok {
			return 0, false
		}
		switch c {
		case ' ', '\t':
			r.w.consume(1)
		case '\n', '\r':
			r.endLine(c)
		default:
			return c, true
		}
	}
}

// take consumes n bytes that are not the end of a line.
func (r *Events) take(n int) {
	r.w.consume(n)
	r.midLine = true
}

// endLine consumes the line end at the front of the window, whose first byte is c.
func (r *Events) endLine(c byte) {
	size := 1
	if next, ok := r.w.byteAt(1); ok && c == '\r' && next == '\n' {
		size = 2
	}
	r.w.consume(size)
	r.line++
	if !r.array && !r.midLine {
		r.notes.count(blankLines)
	}
	r.midLine = false
}

// punctuation deals with a comma or the end of the array.
func (r *Events) punctuation(c byte) error {
	stray := r.comma
	if c == ',' {
		stray = !r.value
	}
	r.take(1)
	r.value, r.comma, r.array = false, c == ',', c == ','
	if !stray {
		return nil
	}
	r.records++
	return r.reject(Reject{Line: r.line, Reason: BadJSON, Hint: "a comma needs an object before and behind it", Raw: []byte{','}})
}

// object deals with what begins with {.
func (r *Events) object() (e replay.Event, ok bool, err error) {
	f := r.parse()
	if r.w.err != nil {
		return e, false, r.failed(r.w.err)
	}
	if f.how != complete {
		return e, false, r.rejectObject(f.how)
	}
	var used notes
	e, reason, hint, err := r.event(&used)
	if err != nil {
		return e, false, r.failed(err)
	}
	raw, line := r.w.rest()[:f.size], r.line
	r.take(f.size + f.tail)
	r.line += r.o.lines
	if f.ended {
		r.line++
		r.midLine = false
	}
	r.value, r.comma = true, false
	last := !r.array && !f.ended
	if reason == "" {
		r.use(&used, last)
		return e, true, nil
	}
	if last && reason != FieldSize {
		reason, hint = TruncatedTail, truncatedHint(reason)
	}
	return e, false, r.reject(Reject{Line: line, Reason: reason, Hint: hint, Raw: raw})
}

func truncatedHint(reason Reason) string {
	return "the file ends without a line end, and its last record is unusable (" + reason + ")"
}

// use counts what there is to say of a used event.
func (r *Events) use(used *notes, last bool) {
	for i, n := range used {
		r.notes[i] += n
	}
	if r.o.repeated {
		r.notes.count(repeatedMembers)
	}
	if r.o.lines > 0 {
		r.notes.count(severalLines)
	}
	if last {
		r.notes.count(noFinalNewline)
	}
}

// found is an object at the front of the window.
type found struct {
	how   outcome
	size  int  // of the object
	tail  int  // of the white space behind it and the line end; 0 in an array
	ended bool // there is a line end
}

// parse parses the object at the front of the window. As long as it is not
// finished, more is read and all of it parsed again, twice as much each time,
// so that the work stays linear.
func (r *Events) parse() (f found) {
	for {
		b := r.w.rest()
		b = b[:min(len(b), MaxRecord)]
		f.size, f.how = r.o.parse(b)
		several := r.o.lines > 0
		inTail := f.how == complete && !r.array
		if inTail {
			f.tail, f.ended, f.how = tail(b[f.size:])
		}
		switch {
		case several && min(f.size, len(b)) > MaxObject:
			f.how = broken
		case f.how == unfinished && len(b) == MaxRecord:
			f.how = broken
		case f.how == unfinished && r.grow(2*len(b)):
			continue
		case f.how == unfinished && inTail:
			f.how = complete // the end of the stream ends the line, too
		}
		return f
	}
}

// tail measures the white space and the line end behind an object: unfinished
// if the line end is not there, broken if something else is.
func tail(b []byte) (size int, ended bool, how outcome) {
	for i, c := range b {
		switch c {
		case ' ', '\t':
			continue
		case '\n':
			return i + 1, true, complete
		case '\r':
			if i+1 == len(b) {
				return i + 1, true, unfinished
			}
			return i + lineEnd(b[i:]), true, complete
		}
		return 0, false, broken
	}
	return len(b), false, unfinished
}

// grow reads until n bytes are in the window, or all there are; false if there
// were no more.
func (r *Events) grow(n int) bool {
	had := len(r.w.rest())
	for len(r.w.rest()) < n && r.w.fill() {
	}
	return len(r.w.rest()) > had
}
