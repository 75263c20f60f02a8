package fetchcheck

import (
	"slices"

	"holdfast/lab/urls"
)

// trail is what the log has of one URL, in its order.
type trail struct {
	url      string
	behavior urls.Behavior
	records  []record
	tries    []try // the attempts, made by split
	last     *record
	after    *record // the first record after the end; nil if there is none
	stray    []*record
	maximum  []*record // max_retries
}

// try is one attempt.
type try struct {
	end     *record   // the event that says how it ended
	slow    []*record // slow_response
	matches []*record // body_match
	retry   *record   // the wait after it; nil if there is none
}

// split finds the attempts. slow_response and body_match belong to the attempt
// that they follow; before the first one, or after a retry, to the coming one,
// for clients that tell them first.
func (t *trail) split() {
	var early try
	between := true // no attempt is open to which something could be added
	ended := false
	for i := range t.records {
		r := &t.records[i]
		if ended && t.after == nil && (r.event != "slow_response" && r.event != "body_match") {
			t.after = r
		}
		at := &early
		if !between {
			at = &t.tries[len(t.tries)-1]
		}
		switch {
		case endsAttempt(r.event):
			early.end = r
			t.tries = append(t.tries, early)
			early, between = try{}, false
			ended = ended || final(r.event)
		case r.event == "slow_response":
			at.slow = append(at.slow, r)
		case r.event == "body_match":
			at.matches = append(at.matches, r)
		case r.event == "retry" && !between && at.retry == nil:
			at.retry = r
			between = true
		case r.event == "max_retries":
			t.maximum = append(t.maximum, r)
			ended = true
		default:
			t.stray = append(t.stray, r)
		}
	}
	t.stray = append(t.stray, append(early.slow, early.matches...)...)
	if len(t.records) > 0 {
		t.last = &t.records[len(t.records)-1]
	}
}

// final tells that an attempt that ended so is the last one.
func final(event string) bool { return event == "success" || event == "client_error" }

// belonging is V2: only callbacks that the URL can cause, each with its status,
// none twice, nothing after the end.
func (c *checker) belonging(t *trail) {
	b := &t.behavior
	for i := range t.records {
		r := &t.records[i]
		c.rules[v2].Checked++
		name, known := callbackOf[r.event]
		switch {
		case !known:
			c.fail(v2, t.url, r, "%s, which the lab gives no cause for", r.event)
		case name == "on_slow_response": // V7 says whether it was slow
		case name == "on_body_match":
			if !slices.Contains(b.BodyKeywords, r.word) && !slices.Contains(c.o.Keywords, r.word) {
				c.fail(v2, t.url, r, "body_match of %q, which nobody looks for in it", clip(r.word))
			}
		case slices.Contains(b.ExpectedCallbacks, name):
			if endsAttempt(r.event) && r.status != *b.StatusCode {
				c.fail(v2, t.url, r, "%s with status %d: the server answers %d", r.event, r.status, *b.StatusCode)
			}
		case b.ShouldRetry && (name == "on_retry" || name == "on_max_retries"):
		default:
			c.fail(v2, t.url, r, "%s does not belong: expected are %v", r.event, b.ExpectedCallbacks)
		}
	}
	if t.after != nil {
		c.fail(v2, t.url, t.after, "%s after the end of the URL", t.after.event)
	}
	for _, r := range t.stray {
		c.fail(v2, t.url, r, "%s that belongs to no attempt", r.event)
	}
	for i := range t.tries {
		c.once(t, &t.tries[i])
	}
}

// once demands one slow_response at most, and one body_match for each keyword
// that the lab has put there.
func (c *checker) once(t *trail, try *try) {
	for i := 1; i < len(try.slow); i++ {
		c.fail(v2, t.url, try.slow[i], "slow_response twice for one attempt")
	}
	seen := map[string]bool{}
	for _, m := range try.matches {
		if seen[m.word] {
			c.fail(v2, t.url, m, "body_match of %q twice", clip(m.word))
		}
		seen[m.word] = true
	}
	if try.end.event != "success" {
		return
	}
	for _, word := range t.behavior.BodyKeywords {
		if !seen[word] {
			c.fail(v2, t.url, try.end, "no body_match of %q, which stands in the body", word)
		}
	}
}

// attempts is V3: retried when it should be, as often as it should be, and the
// numbers say so.
func (c *checker) attempts(t *trail) {
	c.rules[v3].Checked++
	want := 1
	if t.behavior.ShouldRetry {
		want += c.o.Retries
	}
	if len(t.tries) != want {
		c.fail(v3, t.url, t.last, "%d attempts, must be %d", len(t.tries), want)
	}
	for i := range t.tries {
		try := &t.tries[i]
		if n := try.end.attempt; n != i+1 && n != 0 { // where it is required, V6 tells that it is missing
			c.fail(v3, t.url, try.end, "%s of attempt %d, must be %d", try.end.event, n, i+1)
		}
		last := i == len(t.tries)-1
		switch retry := try.retry; {
		case retry == nil && !last:
			c.fail(v3, t.url, try.end, "attempt %d is followed by another one without a retry record", i+1)
		case retry == nil:
		case last:
			c.fail(v3, t.url, retry, "retry that no attempt follows")
		case retry.attempt != i+2 && retry.attempt != 0:
			c.fail(v3, t.url, retry, "retry announces attempt %d, must be %d", retry.attempt, i+2)
		case hasCallback(try.end.event) && retry.word != try.end.event:
			c.fail(v3, t.url, retry, "retry because of %q, but the attempt ended as %s", clip(retry.word), try.end.event)
		}
	}
	c.exhausted(t)
}

func hasCallback(event string) bool { _, ok := callbackOf[event]; return ok }

// exhausted demands max_retries exactly once where retries were used up.
func (c *checker) exhausted(t *trail) {
	want := 0
	if t.behavior.ShouldRetry && len(t.tries) > 0 {
		want = 1
	}
	switch {
	case len(t.maximum) < want:
		c.fail(v3, t.url, t.last, "max_retries is missing")
	case len(t.maximum) > want && want > 0: // V2 tells of those that do not belong at all
		c.fail(v3, t.url, t.maximum[want], "max_retries twice")
	case want == 1 && t.maximum[0].attempt != len(t.tries) && t.maximum[0].attempt != 0:
		c.fail(v3, t.url, t.maximum[0], "max_retries after %d attempts, but %d were made", t.maximum[0].attempt, len(t.tries))
	}
}
