package pace

import "time"

// A Gate says how many attempts one origin gets, and from when on (R6.6). It is
// closed until an instant that the origin named, and reopens as TCP starts
// after a loss (RFC 5681): with one attempt, so that no herd comes; then one
// more for each success up to half of what it was before; then one more for
// each round of successes.
type Gate struct {
	until     time.Duration // closed until then
	limit     int           // attempts in flight
	threshold int           // slow start ends there
	most      int
	credit    int // successes since the limit last grew
}

// NewGate gives an open gate with a limit that grows from start to most.
func NewGate(start, most int) Gate {
	if start <= 0 || start > most {
		start = most
	}
	return Gate{limit: start, threshold: most, most: most}
}

// Closed reports whether nothing may pass now.
func (g *Gate) Closed(now time.Duration) bool { return now < g.until }

// Until is when the gate opens, or opened last.
func (g *Gate) Until() time.Duration { return g.until }

// Limit is how many attempts may be in flight while it is open.
func (g *Gate) Limit() int { return g.limit }

// Close closes the gate until a time. What is still in flight when it closes
// may say the same once more; that extends the time but does not count as
// another reason to slow down, as one loss a round trip does in TCP.
func (g *Gate) Close(now, until time.Duration) {
	if until <= now {
		return
	}
	if !g.Closed(now) {
		g.Restart()
	}
	g.until = max(g.until, until)
}

// Restart goes back to one attempt at a time.
func (g *Gate) Restart() {
	g.threshold = max(1, g.limit/2)
	g.limit, g.credit = 1, 0
}

// Success takes an answer that asks for no pause.
func (g *Gate) Success(now time.Duration) {
	if g.limit >= g.most || g.Closed(now) {
		return
	}
	g.credit++
	if g.limit < g.threshold || g.credit >= g.limit {
		g.limit++
		g.credit = 0
	}
}
