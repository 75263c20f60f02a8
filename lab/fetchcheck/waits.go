package fetchcheck

import (
	"math"
	"time"
)

// What the format rounds away, in milliseconds.
const (
	rounding = 0.05 // of a number with one decimal
	early    = 2.0  // between two times of whole milliseconds, cut off, and a latency
	late     = 250.0
)

// waits is V4 and V5: what was to be waited, and whether it was.
func (c *checker) waits(t *trail) {
	previous := millis(c.o.Initial)
	for i := range t.tries {
		retry := t.tries[i].retry
		if retry == nil {
			continue
		}
		c.rules[v4].Checked++
		low, high := c.bounds(i, previous)
		if !within(retry.wait, low, high) && !c.misnumbered(i, retry, previous) {
			c.fail(v4, t.url, retry, "wait of %.1f ms before attempt %d, must be from %.1f to %.1f", retry.wait, i+2, low, high)
		}
		previous = retry.wait
		if i+1 < len(t.tries) {
			c.waited(t, retry, t.tries[i+1].end)
		}
	}
}

func within(wait, low, high float64) bool { return wait >= low-rounding && wait <= high+rounding }

// misnumbered tells that a retry bears another number than its place, and has the
// wait of that number: V3 has told, and the wait is as it should be.
func (c *checker) misnumbered(i int, retry *record, previous float64) bool {
	n := retry.attempt - 2
	if n < 0 || n == i {
		return false
	}
	low, high := c.bounds(n, previous)
	return within(retry.wait, low, high)
}

// bounds are those of the wait after attempt i, counted from 0, in milliseconds.
func (c *checker) bounds(i int, previous float64) (low, high float64) {
	most := millis(c.o.Max)
	nominal := millis(c.o.Initial) * math.Pow(c.o.Multiplier, float64(i)) // +Inf is as good as any
	jitter := c.o.Jitter
	if jitter == "" {
		jitter = map[string]string{"spec": "additive", "smart": "full"}[c.o.Policy]
	}
	capped := min(nominal, most)
	switch jitter {
	case "none":
		return capped, capped
	case "full":
		return 0, capped
	case "equal":
		return capped / 2, capped
	case "decorrelated":
		return min(millis(c.o.Initial), most), min(3*previous, most)
	default: // additive: the requirement adds before it caps
		return capped, min(nominal*1.1, most)
	}
}

// waited judges when the attempt after a wait began.
func (c *checker) waited(t *trail, retry, next *record) {
	if retry.at.IsZero() || next.at.IsZero() {
		return // V6 has told
	}
	c.rules[v5].Checked++
	passed := millis(next.at.Sub(retry.at)) // until the next attempt ended, and began if nothing better is known
	began := passed - next.took()
	switch {
	case began < retry.wait-early:
		c.fail(v5, t.url, next, "the attempt began %.1f ms after the retry record (line %d), which wants a wait of %.1f", began, retry.line, retry.wait)
	case next.queue >= 0 && next.latency >= 0 && began > retry.wait+next.queue+late:
		c.fail(v5, t.url, next, "the attempt began %.1f ms after the retry record (line %d), for a wait of %.1f and %.1f in the queue", began, retry.line, retry.wait, next.queue)
	}
}

// took is how long the attempt took that the record ends, 0 if that is unknown.
func (r *record) took() float64 {
	switch {
	case r.latency >= 0:
		return r.latency
	case r.event == "timeout":
		return r.timeout * 1000
	}
	return 0
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// latencies is V7.
func (c *checker) latencies(t *trail) {
	least, slow := float64(t.behavior.MinLatencyMS), millis(c.o.Slow)
	if slow == 0 {
		slow = math.Inf(1) // as for the client
	}
	for i := range t.tries {
		try := &t.tries[i]
		for _, s := range try.slow {
			c.rules[v7].Checked++
			if s.latency >= 0 && s.latency < slow-rounding {
				c.fail(v7, t.url, s, "slow_response with %.1f ms: slow is above %.1f", s.latency, slow)
			}
		}
		latency := try.end.latency
		if latency < 0 || !hasStatus(try.end.event) {
			continue
		}
		c.rules[v7].Checked++
		if latency < least-rounding {
			c.fail(v7, t.url, try.end, "latency of %.1f ms: the server takes at least %.0f", latency, least)
		}
		unsure := rounding // within it, a rounded latency says nothing
		if try.end.exact {
			unsure = 0.0005
		}
		switch {
		case latency > slow+unsure && len(try.slow) == 0:
			c.fail(v7, t.url, try.end, "no slow_response for %.1f ms: slow is above %.1f", latency, slow)
		case latency < slow-unsure && len(try.slow) > 0:
			c.fail(v7, t.url, try.slow[0], "slow_response for an attempt of %.1f ms: slow is above %.1f", latency, slow)
		}
	}
}
