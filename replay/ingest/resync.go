package ingest

import "bytes"

// rejectObject rejects what begins with { and is no object.
func (r *Events) rejectObject(how outcome) error {
	hint := "it is not a JSON object by itself"
	if how == unfinished {
		hint = "the file ends within the object"
	}
	if r.array {
		return r.rejectElement(how, hint)
	}
	return r.rejectLines(how, hint, true)
}

// rejectLines rejects the line at the front of the window, and with resync all
// up to the next one that begins with {.
func (r *Events) rejectLines(how outcome, hint string, resync bool) error {
	reject := Reject{Line: r.line, Reason: BadJSON, Hint: hint}
	r.clipped = r.clipped[:0]
	ended := r.clipLine(&reject)
	first := ended
	for ended && resync {
		c, ok := r.firstOfLine()
		if !ok || c == '{' {
			ended = ok
			break
		}
		ended = r.clipLine(&reject)
	}
	if reject.Reason == BadJSON && (!first || !ended && how == unfinished) {
		reject.Reason = TruncatedTail
	}
	return r.rejectClipped(reject)
}

// rejectClipped rejects what is in r.clipped, unless reading failed within it.
func (r *Events) rejectClipped(reject Reject) error {
	if r.w.err != nil {
		return r.failed(r.w.err)
	}
	reject.Raw = bytes.TrimRight(r.clipped, " \t\r\n")
	return r.reject(reject)
}

// clipLine moves a line from the window to r.clipped, as far as it has room;
// false if the line has no end. A line over MaxRecord makes the reject one of
// size.
func (r *Events) clipLine(reject *Reject) (ended bool) {
	n, size, ok := r.w.line()
	if ok {
		r.clip(n + size)
	} else {
		reject.Reason, reject.Hint = FieldSize, "the line has over 4 MiB"
		r.clip(clipSize)
		_, size = r.w.skipLine()
	}
	r.line++
	r.midLine = false
	return size > 0
}

// clip consumes n bytes, and keeps those for which r.clipped has room.
func (r *Events) clip(n int) {
	r.clipped = append(r.clipped, r.w.rest()[:min(n, max(0, clipSize-len(r.clipped)))]...)
	r.w.consume(n)
}

// firstOfLine returns the first byte of the line at the front of the window
// that is no white space; false at the end of the stream.
func (r *Events) firstOfLine() (byte, bool) {
	for n := 0; n < MaxField; n++ {
		if c, ok := r.w.byteAt(n); !ok || c != ' ' && c != '\t' {
			return c, ok
		}
	}
	return ' ', true
}

// rejectElement rejects the element of the array at the front of the window,
// and all up to the next { that begins a line or follows a comma.
func (r *Events) rejectElement(how outcome, hint string) error {
	reject := Reject{Line: r.line, Reason: BadJSON, Hint: hint}
	r.clipped = r.clipped[:0]
	r.value, r.comma = false, false
	last := byte(0) // that was no space or tab
	for {
		c, ok := r.w.byteAt(0)
		if !ok {
			r.array = false
			if how == unfinished {
				reject.Reason = TruncatedTail
			}
			break
		}
		if c == '{' && (last == ',' || last == '\n' || last == '\r') {
			break
		}
		r.midLine = true
		if next, _ := r.w.byteAt(1); c == '\n' || c == '\r' && next != '\n' {
			r.line++
			r.midLine = false
		}
		if c != ' ' && c != '\t' {
			last = c
		}
		r.clip(1)
	}
	return r.rejectClipped(reject)
}
