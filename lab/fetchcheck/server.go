package fetchcheck

import (
	"fmt"
	"strconv"
	"strings"

	"holdfast/lab/flakyhttp/ledger"
	"holdfast/lab/urls"
)

// server is V9: the ledger against the log.
func (c *checker) server() {
	for _, bad := range c.in.LedgerBad {
		c.note(v9, Finding{File: c.in.LedgerName, Line: bad.Line, What: bad.What})
	}
	seen := make([][]ledger.Entry, len(c.trails))
	for _, e := range c.in.Ledger {
		if e.URL == "" {
			continue // a connection without a request
		}
		c.rules[v9].Checked++
		base, rest := urls.SplitBase(e.URL)
		i, known := c.place[rest]
		if !known || base != c.o.Base {
			c.unlogged(e)
			continue
		}
		seen[i] = append(seen[i], e)
	}
	for i := range c.trails {
		c.compareSends(&c.trails[i], seen[i])
	}
}

func (c *checker) unlogged(e ledger.Entry) {
	c.note(v9, Finding{File: c.in.LedgerName, URL: clip(e.URL), What: fmt.Sprintf("entry %d: the server saw a %s that is in no attempt of the log", e.Seq, clip(e.Method))})
}

// compareSends compares what the log says was sent for a URL with what came.
func (c *checker) compareSends(t *trail, came []ledger.Entry) {
	of, left := byAttempt(t, came)
	for _, e := range left {
		c.unlogged(e)
	}
	for i := range t.tries {
		c.rules[v9].Checked++
		end := t.tries[i].end
		most := max(1, end.sends)
		least := 0
		if hasStatus(end.event) {
			least = 1
			if most == 1 {
				least = most
			}
		}
		switch n := len(of[i]); {
		case n < least:
			c.fail(v9, t.url, end, "attempt %d has status %d, but the server saw no request", i+1, end.status)
		case n > most:
			c.fail(v9, t.url, end, "attempt %d was sent %d times by the log, but the server saw %d requests", i+1, most, n)
		case least > 0 && !answered(of[i], end.status):
			c.fail(v9, t.url, end, "attempt %d has status %d, which the server did not send", i+1, end.status)
		}
		if retry := t.tries[i].retry; retry != nil && i+1 < len(of) && len(of[i]) > 0 && len(of[i+1]) > 0 {
			last, next := of[i][len(of[i])-1], of[i+1][0]
			if gap := millis(next.At.Sub(last.At)); gap < retry.wait-early {
				c.fail(v9, t.url, retry, "wait of %.1f ms, but the server saw attempt %d after %.1f (entries %d and %d)", retry.wait, i+2, gap, last.Seq, next.Seq)
			}
		}
	}
}

func answered(entries []ledger.Entry, status int) bool {
	for _, e := range entries {
		if e.Status == status {
			return true
		}
	}
	return false
}

// byAttempt assigns the entries of a URL to its attempts, by the attempt header
// if the client sent one. Otherwise they are dealt out in order, to each attempt
// as many as its record says it sent. Left are those for which there is none.
func byAttempt(t *trail, came []ledger.Entry) (of [][]ledger.Entry, left []ledger.Entry) {
	of = make([][]ledger.Entry, len(t.tries))
	dealt := 0 // the attempt to which entries without a header go
	for _, e := range came {
		n, ok := attemptNumber(e.Attempt)
		if !ok {
			for dealt < len(of)-1 && len(of[dealt]) >= max(1, t.tries[dealt].end.sends) {
				dealt++
			}
			n = dealt + 1
		}
		if n > len(of) {
			left = append(left, e)
			continue
		}
		of[n-1] = append(of[n-1], e)
	}
	return of, left
}

// attemptNumber reads the middle of line.attempt.hop.
func attemptNumber(header string) (int, bool) {
	parts := strings.Split(header, ".")
	if len(parts) != 3 {
		return 0, false
	}
	n, err := strconv.Atoi(parts[1])
	return n, err == nil && n >= 1
}
