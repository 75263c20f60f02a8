package replay

import (
	"iter"
	"slices"
	"strings"

	"holdfast/replay/tick"
)

// The modes of an audit (R1): which of the three files were there.
const (
	ModeFull       = "full"
	ModeNoWorkers  = "no-workers"
	ModeNoTruth    = "no-truth" // no events; cases are near clusters (R39)
	ModeOutputOnly = "output-only"
)

// Timed is an attempt with the time of its event, if the events know it.
type Timed struct {
	Attempt
	EventTime tick.Nanos
	HasEvent  bool
}

// Retry is an attempt that is not the first of its event.
type Retry struct {
	Attempt
	Rank     int64      // EventCase.Rank of its event
	Position int        // 1-based among the retries: the second attempt is at 1
	First    tick.Nanos // start of the event's first attempt
}

// Streams are the inputs of Survey. Each is ranged over at most twice and must
// give the same records each time.
type Streams struct {
	ByWorker iter.Seq[Timed]     // every attempt, by (worker, start, event, end)
	ByStart  iter.Seq[Retry]     // every retry of a known event, by (start, rank, position)
	Cases    iter.Seq[EventCase] // every known event, by (time, id)
}

// Options are what the user says about the incident. The zero value is the
// documented default.
type Options struct {
	Mode           string     // "": full
	Closed         bool       // touching attempts overlap (R22)
	Lease          tick.Nanos // the lease as configured; 0: not given
	ReplayGap      tick.Nanos // replay windows closer than this merge; 0: 1 s
	CollapseSource bool       // remove the rows of events that the source emitted twice (D10)
	CommitOrder    bool       // rows stand in the order in which they were committed (R34a found it so)
}

// Population is what the events have in common: the facts that one event
// cannot tell by itself. It is a plain value of bounded size.
type Population struct {
	Options

	Attempts    int64      // all of the log
	ClaimWindow tick.Nanos // w: the larger of 1 ms and a tenth of the median duration
	Durations   Durations
	Lease       Lease
	Workers     []WorkerFacts // by name; those beyond 4,096 are left out, with a warning
	Bursts      []Burst       // by start; at most 1,024
	Batches     []RowRun      // runs of at least 20 contiguous extras in the output, by first row (D15)
	Restamp     Correlation   // D11
	Reread      Coincidence   // D12
	Chance      []Chance      // R53
	Warnings    []string

	// Skewed reports that some worker has a skew; UsualWorkers that the log has
	// one of worker-1, worker-2 and worker-3, so that any other name is a surprise.
	Skewed, UsualWorkers bool
}

// Durations are the nearest-rank quantiles of the lengths of successful
// attempts (of all closed ones if none succeeded): exact up to 4,096 distinct
// values, then within 0.1 %.
type Durations struct {
	N                int64
	Median, P95, P99 tick.Nanos
}

// Lease is the time after which an unfinished claim was handed out again, read
// off the gaps between the starts of overlapping attempts (D3).
type Lease struct {
	Known  bool
	L      tick.Nanos
	Gaps   int64 // overlapping gaps longer than the claim window
	Near   int64 // those within 5 % of L
	Longer int64 // closed attempts that ran longer than L by more than 5 %
	// Configured reports that Options.Lease was given and L is within 5 % of it.
	Configured bool
}

// WorkerFacts are what the log shows of one worker.
type WorkerFacts struct {
	Name     string
	Attempts int64
	GapP99   tick.Nanos // of its start-to-start gaps
	Judged   bool       // it has enough gaps to tell a silence (R24)
	Silences []Silence  // by From; the longest 256
	Deaths   []Death    // by From; at most 65,536 of all workers

	Skew      tick.Nanos // its clock against the others' (R25)
	SkewError tick.Nanos // bootstrap standard error, or the spacing of the fastest starts if that is more
	HasSkew   bool       // beyond the larger of 1 ms and three errors
}

// Silence is a time during which a worker started nothing for longer than ten
// times the 99th percentile of its other gaps (R24).
type Silence struct {
	From, To tick.Nanos // start of the last attempt before, and of the first after
	Trailing bool       // it lasts to the end of the log; To is the last start of any worker
}

// Death is a run of two or more attempts that were in flight on one worker and
// have no end (R24).
type Death struct {
	From, To tick.Nanos // first and last start
	Attempts int
}

// Burst is a run of re-attempts in event order, after a silence or faster than
// the first time (D7).
type Burst struct {
	FirstRank, LastRank   int64
	FirstEvent, LastEvent string
	Start, End            tick.Nanos // first and last start
	Attempts              int64
	Silence               tick.Nanos // before it; 0: none
	Speed                 float64    // times the first pace, two decimals; 0: not known
}

// RowRun is a run of contiguous rows, bounds inclusive.
type RowRun struct{ First, Last int64 }

// Correlation is how strongly the time shifts of the copies follow the clock
// of the attempts that may have written them (D11).
type Correlation struct {
	N            int64
	Start, End   float64 // r of the shift with start, and with end, minus event time
	Significant  bool    // one of them at 0.001
	FollowsStart bool    // the stronger one
}

// Coincidence is how often the price of a copy is that of another event in
// force when an attempt ended, against how often chance does that (D12).
type Coincidence struct {
	Tested, Hits int64
	Expected     float64
	Significant  bool
}

// Chance compares how many events have two properties with how many would by
// accident (R53).
type Chance struct {
	A        string  `json:"a"` // a property of events, such as timeout
	B        string  `json:"b"` // duplicated or lost
	CountA   int64   `json:"count_a"`
	CountB   int64   `json:"count_b"`
	Events   int64   `json:"events"`
	Observed int64   `json:"observed"`
	Expected float64 `json:"expected"` // CountA·CountB/Events, four significant digits
	P        float64 `json:"p"`        // hypergeometric upper tail, three significant digits
	Verdict  string  `json:"verdict"`  // "more than chance" or "no more than chance"
}

// HaveWorkers reports that there is a worker log.
func (o *Options) HaveWorkers() bool { return o.Mode != ModeNoWorkers && o.Mode != ModeOutputOnly }

// HaveEvents reports that there is a raw event log.
func (o *Options) HaveEvents() bool { return o.Mode != ModeNoTruth && o.Mode != ModeOutputOnly }

// Worker returns what is known of a worker, or nil.
func (p *Population) Worker(name string) *WorkerFacts {
	i, ok := slices.BinarySearchFunc(p.Workers, name, func(w WorkerFacts, n string) int { return strings.Compare(w.Name, n) })
	if !ok {
		return nil
	}
	return &p.Workers[i]
}
