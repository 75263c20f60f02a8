package report

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"holdfast/replay"
	"holdfast/replay/tick"
)

type told struct {
	name string
	c    replay.EventCase
	d    replay.Duplicate
}

// retold is the double claim of R106 with other attempts and another cause.
func retold(name string, cause replay.Cause, grade replay.Grade, change func(c *replay.EventCase, d *replay.Duplicate)) told {
	c, d := doubleClaim()
	d.Cause, d.Grade = cause, grade
	if change != nil {
		change(&c, &d)
	}
	return told{name, c, d}
}

func attempt(worker string, start, duration float64, status replay.Status) replay.Attempt {
	return replay.Attempt{Event: "evt_0000412", Worker: worker, Start: at(start), End: at(start + duration), Status: status, Lines: 1}
}

func openAttempt(worker string, start float64, status replay.Status) replay.Attempt {
	return replay.Attempt{Event: "evt_0000412", Worker: worker, Start: at(start), Open: true, Status: status, Lines: 1}
}

// stories has one of every cause, in the order of R50.
func stories() []told {
	const ok, timeout = replay.StatusSuccess, replay.StatusTimeout
	pair := func(a, b replay.Attempt) func(*replay.EventCase, *replay.Duplicate) {
		return func(c *replay.EventCase, d *replay.Duplicate) { c.Attempts = []replay.Attempt{a, b} }
	}
	return []told{
		retold("the source sent it twice", replay.SourceIDRepeat, replay.Proved, func(c *replay.EventCase, d *replay.Duplicate) {
			c.Repeats = 2
			pair(attempt("worker-1", 2060, 5, ok), attempt("worker-2", 2080, 5, ok))(c, d)
		}),
		retold("two ids", replay.SourceDoubleEmit, replay.Consistent, func(c *replay.EventCase, d *replay.Duplicate) {
			c.Twin, c.TwinRow, d.CanonicalRow, d.Removed = "evt_0000411", 411, 411, false
			c.Attempts, c.Rows, d.Attempts = c.Attempts[:1], c.Rows[1:], []int{1}
		}),
		retold("the sink repeated it", replay.SinkDoubleEmit, replay.Proved, func(c *replay.EventCase, d *replay.Duplicate) {
			c.Attempts, d.Attempts = c.Attempts[:1], []int{1}
			d.TimeShift, d.PriceShift = 0, 0
		}),
		retold("a restart", replay.RestartBurst, replay.Consistent, pair(attempt("worker-1", 2060, 5, ok), attempt("worker-1", 7065, 5, ok))),
		retold("a lease ran out", replay.ShortLease, replay.Consistent, func(c *replay.EventCase, d *replay.Duplicate) {
			c.Attempts = []replay.Attempt{attempt("worker-3", 2060, 95_000, ok), attempt("worker-1", 32_060, 60_000, ok), attempt("worker-2", 62_060, 40_000, ok)}
			d.Attempts, d.Alternatives = []int{2, 3}, []replay.Cause{replay.HedgedAttempt}
			c.Rows = append(c.Rows, c.Rows[1])
		}),
		retold("hedged", replay.HedgedAttempt, replay.Consistent, pair(attempt("worker-3", 2060, 30, ok), attempt("worker-2", 2080, 5, ok))),
		retold("one worker twice", replay.SameWorkerDoubleClaim, replay.Proved, pair(attempt("worker-3", 2060, 9, ok), attempt("worker-3", 2060, 11, ok))),
		retold("two workers", replay.ConcurrentDoubleClaim, replay.Proved, nil),
		retold("a crash", replay.CrashReplay, replay.Consistent, pair(openAttempt("worker-3", 2060, timeout), attempt("worker-1", 7060, 5, ok))),
		retold("a late commit", replay.TimeoutThenLateCommit, replay.Consistent, func(c *replay.EventCase, d *replay.Duplicate) {
			pair(attempt("worker-3", 2060, 40, timeout), attempt("worker-1", 2200, 5, ok))(c, d)
			d.Alternatives = []replay.Cause{replay.CrashReplay}
		}),
		retold("done again", replay.RetryAfterSuccess, replay.Proved, pair(attempt("worker-3", 2060, 9, ok), attempt("worker-3", 2569, 5, ok))),
		retold("no known pattern", replay.UnexplainedCause, replay.Suspected, func(c *replay.EventCase, d *replay.Duplicate) {
			pair(attempt("worker-3", 2060, 9, replay.StatusUnknown), attempt("worker-1", 2050, -3, ok))(c, d)
			d.Attempts = nil
		}),
		retold("no worker log", replay.UnknownCause, replay.Suspected, func(c *replay.EventCase, d *replay.Duplicate) {
			c.Attempts, d.Attempts = nil, nil
		}),
	}
}

// furtherStories have turns that the causes alone do not bring about.
func furtherStories() []told {
	const ok, timeout = replay.StatusSuccess, replay.StatusTimeout
	return []told{
		retold("a little later on the same worker", replay.SameWorkerDoubleClaim, replay.Proved, func(c *replay.EventCase, d *replay.Duplicate) {
			c.Attempts = []replay.Attempt{attempt("worker-3", 2060, 9, ok), attempt("worker-3", 2061, 5, ok)}
		}),
		retold("fewer rows than attempts, no end", replay.ConcurrentDoubleClaim, replay.Consistent, func(c *replay.EventCase, d *replay.Duplicate) {
			c.Attempts = []replay.Attempt{attempt("worker-3", 2060, 9, ok), attempt("worker-1", 2061, 5, ok), openAttempt("worker-2", 2062, timeout)}
			d.Attempts, d.Also = []int{1, 2}, []replay.Cause{replay.MutableStateReread, replay.RestampedEmission}
		}),
		retold("ambiguous, and the canonical row is shifted too", replay.ConcurrentDoubleClaim, replay.Suspected, func(c *replay.EventCase, d *replay.Duplicate) {
			c.Rows[0].Exact, d.Removed, d.Label = false, false, replay.Ambiguous
			d.EventAlternatives = []replay.Alt{{IDs: []string{"evt_0000413", "evt_0000414"}, Posterior: 0.41}}
			d.Also = []replay.Cause{replay.ClockSuspect}
			d.PriceShift = 12 * cent
		}),
		retold("a copy earlier at the same price", replay.ConcurrentDoubleClaim, replay.Proved, func(c *replay.EventCase, d *replay.Duplicate) {
			d.TimeShift, d.PriceShift = -1500*tick.Nanos(1000), 0
		}),
		retold("a copy of the same time", replay.ConcurrentDoubleClaim, replay.Proved, func(c *replay.EventCase, d *replay.Duplicate) {
			d.TimeShift = 0
		}),
		retold("hostile names", replay.ConcurrentDoubleClaim, replay.Proved, func(c *replay.EventCase, d *replay.Duplicate) {
			c.Event.ID, c.Event.Symbol = "</script><img src=x>\n# owned", "a|b`c`\u202e"
			c.Attempts[0].Worker = "[x](javascript:alert(1))"
		}),
		retold("both at once and equally long", replay.ConcurrentDoubleClaim, replay.Proved, func(c *replay.EventCase, d *replay.Duplicate) {
			c.Attempts = []replay.Attempt{attempt("worker-2", 2060, 5, ok), attempt("worker-3", 2060, 5, ok)}
		}),
		retold("a near cluster", replay.UnknownCause, replay.Suspected, func(c *replay.EventCase, d *replay.Duplicate) {
			c.Event.ID, c.Attempts, d.Attempts = "", nil, nil
		}),
		retold("the first attempt is open", replay.TimeoutThenLateCommit, replay.Consistent, func(c *replay.EventCase, d *replay.Duplicate) {
			c.Attempts = []replay.Attempt{openAttempt("worker-2", 2060, timeout), attempt("worker-2", 32_060, 5, ok)}
		}),
		retold("never claimed", replay.UnexplainedCause, replay.Suspected, func(c *replay.EventCase, d *replay.Duplicate) {
			c.Attempts, d.Attempts = nil, nil
		}),
	}
}

// Golden: stories in words (section 8).
func TestStories(t *testing.T) {
	t.Parallel()
	checkGolden(t, "stories.txt", func(w io.Writer) error {
		for _, s := range append(stories(), furtherStories()...) {
			fmt.Fprintf(w, "# %s: %s\n%s\n\n", s.d.Cause, s.name, Story(&s.c, &s.d))
		}
		return nil
	})
}

func TestStoryHasTheShapeOfR106(t *testing.T) {
	c, d := doubleClaim()
	want := "evt_0000412 (INFY, 1502.15) was claimed by worker-3 and worker-1 at the same instant, 09:15:02.060; " +
		"worker-1 finished after 4 ms, worker-3 after 9 ms, and both wrote. " +
		"Row 413 is the event's own row; row 414 is a copy 7 ms later and 0.12 cheaper. " +
		"Proved, if the worker log is complete. " +
		"A sink that refuses a second evt_0000412 would have stopped it; a lease would not."
	if got := Story(&c, &d); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestEveryCauseHasAStory(t *testing.T) {
	seen := map[replay.Cause]bool{}
	for _, s := range stories() {
		seen[s.d.Cause] = true
	}
	for _, p := range causes {
		if !seen[p.cause] {
			t.Errorf("no story of %s", p.cause)
		}
		if n := strings.Count(p.cure, "%s"); n != 1 || strings.Count(p.cure, "%") != 1 {
			t.Errorf("the cure of %s has %d places for the event", p.cause, n)
		}
	}
	for c := replay.SourceIDRepeat; c <= replay.UnknownCause; c++ {
		if !c.Modifier() && c != replay.KeyCollision && !seen[c] {
			t.Errorf("no story of %s", c)
		}
	}
}
