package fetch

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"holdfast/fetch/retry"
)

// How many origins have figures of their own, and how many a summary shows. The
// rest are counted together: a list of a million hosts must not cost a million
// histograms.
const (
	hostsKept  = 1000
	hostsShown = 100
	otherHosts = "other"
)

// A tally is the sums of which a summary is made. It is fed by a run, and from
// a log by the records of earlier runs, in the same way.
type tally struct {
	urls, attempted   int64
	outcomes          map[retry.Outcome]int64
	byStatus          map[int]int64 // URLs, by the status of their last attempt
	attempts          int64
	retries           int64
	slow              int64
	attemptsByStatus  map[int]int64
	attemptsByClass   map[retry.Class]int64
	retriesByReason   map[string]int64
	timeouts          int64
	connections       int64
	wireSends         int64
	bytes, wireBytes  int64
	latencySum        time.Duration
	latencyCount      int64
	succeeded, failed histogram
	hosts             map[string]*hostTally
	duplicates        int64
}

type hostTally struct {
	urls, ok, failed, postponed int64
	attempts, retries           int64
	bytes                       int64
	latency                     histogram
}

func newTally() *tally {
	return &tally{
		outcomes: map[retry.Outcome]int64{}, byStatus: map[int]int64{}, attemptsByStatus: map[int]int64{},
		attemptsByClass: map[retry.Class]int64{}, retriesByReason: map[string]int64{}, hosts: map[string]*hostTally{},
	}
}

func (t *tally) host(origin string) *hostTally {
	h := t.hosts[origin]
	if h == nil {
		if len(t.hosts) >= hostsKept {
			origin = otherHosts
			if h = t.hosts[origin]; h != nil {
				return h
			}
		}
		h = &hostTally{}
		t.hosts[origin] = h
	}
	return h
}

// An attemptFacts is what counts of an attempt.
type attemptFacts struct {
	origin           string
	number           int
	class            retry.Class
	status           int // 0: it ended without one
	latency          time.Duration
	slow             bool
	wireSends        int
	bytes, wireBytes int64
}

func (t *tally) attempt(a attemptFacts) {
	h := t.host(a.origin)
	t.attempts++
	h.attempts++
	if a.number > 1 {
		t.retries++
		h.retries++
	}
	t.attemptsByClass[a.class]++
	switch a.class {
	case retry.ClassTimeout:
		t.timeouts++
	case retry.ClassConnection:
		t.connections++
	}
	if a.status != 0 {
		t.attemptsByStatus[a.status]++
		t.latencySum += a.latency
		t.latencyCount++
	}
	if a.slow {
		t.slow++
	}
	if a.class == retry.ClassSuccess {
		t.succeeded.add(a.latency)
	} else {
		t.failed.add(a.latency)
	}
	h.latency.add(a.latency)
	t.wireSends += int64(a.wireSends)
	t.bytes += a.bytes
	t.wireBytes += a.wireBytes
	h.bytes += a.bytes
}

func (t *tally) retry(reason string) { t.retriesByReason[reason]++ }

// end counts a URL that has ended or is put off; with n = -1 it takes that back,
// because the URL is to be fetched again.
func (t *tally) end(origin string, o retry.Outcome, status int, attempted bool, n int64) {
	t.urls += n
	t.outcomes[o] += n
	if origin != "" { // a line that is no URL has none
		t.host(origin).end(o, n)
	}
	if attempted {
		t.attempted += n
	}
	if status != 0 {
		t.byStatus[status] += n
	}
}

func (h *hostTally) end(o retry.Outcome, n int64) {
	h.urls += n
	switch {
	case o == retry.OutcomeSuccess:
		h.ok += n
	case o.Postponed():
		h.postponed += n
	default:
		h.failed += n
	}
}

// shownHosts are the origins with most URLs, and the rest together.
func (t *tally) shownHosts() []string {
	names := slices.SortedFunc(maps.Keys(t.hosts), func(a, b string) int {
		if (a == otherHosts) != (b == otherHosts) {
			return cmp.Compare(btoi(a == otherHosts), btoi(b == otherHosts))
		}
		return cmp.Or(cmp.Compare(t.hosts[b].urls, t.hosts[a].urls), cmp.Compare(a, b))
	})
	return names[:min(len(names), hostsShown)]
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
