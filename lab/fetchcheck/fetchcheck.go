// Package fetchcheck judges a client by its log: did it do with every URL of the
// lab what had to be done, and is what it says true. It reads the log of any
// client that writes the requirement's format, one JSON object a line.
//
//	V1  the callbacks came that the requirement's validator demands
//	V2  no callback came that does not belong, or twice
//	V3  as many attempts as there had to be, numbered without a gap
//	V4  every wait within the bounds of its formula
//	V5  no attempt began before its wait was over, or long after
//	V6  lines, fields, types and times as the format has them
//	V7  no latency below what the server takes; slow_response when it was slow
//	V8  the summary follows from the log
//	V9  the server's ledger agrees: no send unlogged, none invented, none early
//
// It promises to read on after a bad line, to name every failure by file and
// line where there is one, and to say of a rule that was not asked for that it
// is unknown, never that it holds. It does not know whether the client's clock
// runs right: times are compared with each other only.
//
// Call [Check].
package fetchcheck

import (
	"fmt"
	"io"
	"time"

	"holdfast/lab/flakyhttp/ledger"
	"holdfast/lab/urls"
)

// Input is what is judged. Names are for messages.
type Input struct {
	Log     io.Reader
	LogName string

	Summary     io.Reader // nil: V8 is not asked for
	SummaryName string

	Ledger     []ledger.Entry // what the server saw
	LedgerBad  []ledger.BadLine
	LedgerName string
	HasLedger  bool // otherwise V9 is not asked for
}

// Options are how the client was set up. Begin with [Defaults].
type Options struct {
	Base     string        // scheme and authority of the URLs; "" is that of the first record of the set
	Policy   string        // "" is what the records say, or else spec
	Retries  int           // retries that a URL gets at most
	Slow     time.Duration // above it a response is slow
	Keywords []string      // monitored besides the lab's own

	Initial, Max time.Duration // of the wait before a retry
	Multiplier   float64
	Jitter       string // none, additive, full, equal, decorrelated; "" is that of the policy
}

// Defaults are the requirement's values.
func Defaults() Options {
	return Options{Retries: 3, Slow: 500 * time.Millisecond, Initial: 100 * time.Millisecond, Max: 5 * time.Second, Multiplier: 2}
}

// A Report is the result of the requirement's validator, and that of the strict
// rules in extra.
type Report struct {
	urls.Result
	Extra Extra `json:"extra"`
}

// Extra is what the requirement does not know.
type Extra struct {
	Holds   bool   `json:"holds"` // nothing failed
	Base    string `json:"base"`
	Policy  string `json:"policy"`
	Records int    `json:"records"` // lines that are records
	Lines   int    `json:"lines"`   // all, without blank ones
	Strict  []Rule `json:"strict"`
}

// A Rule is one of V1 to V9.
type Rule struct {
	ID       string    `json:"id"`
	About    string    `json:"about"`
	Holds    *bool     `json:"holds"` // null: not asked for
	Checked  int       `json:"checked"`
	Failed   int       `json:"failed"`
	Failures []Finding `json:"failures"` // the first [MaxFindings]
}

// MaxFindings is how many failures of a rule are told one by one.
const MaxFindings = 100

// A Finding is one failure.
type Finding struct {
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"` // 0: no single line
	URL  string `json:"url,omitempty"`
	What string `json:"what"`
}

// String is the finding in one line, without the rule.
func (f Finding) String() string {
	s := f.What
	if f.URL != "" {
		s = f.URL + ": " + s
	}
	if f.Line > 0 {
		return fmt.Sprintf("%s:%d: %s", f.File, f.Line, s)
	}
	if f.File != "" {
		return f.File + ": " + s
	}
	return s
}

// An InputError is a log that cannot be judged: no line of it is a record.
type InputError struct {
	Name, What string
	Line       int
}

func (e *InputError) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("%s:%d: %s", e.Name, e.Line, e.What)
	}
	return e.Name + ": " + e.What
}

// Check judges a log of a client that fetched the URLs of p. Errors of reading
// are returned as they are; a log without a single record that has lines is an
// *InputError. An empty log is a log.
func Check(p *urls.Provider, in Input, o Options) (Report, error) {
	c := newChecker(p, in, o)
	if err := c.readLog(); err != nil {
		return Report{}, err
	}
	c.demanded()
	for i := range c.trails {
		t := &c.trails[i]
		t.split()
		c.belonging(t)
		c.attempts(t)
		c.waits(t)
		c.latencies(t)
	}
	if in.Summary != nil {
		if err := c.summary(); err != nil {
			return Report{}, err
		}
	}
	if in.HasLedger {
		c.server()
	}
	return c.report(), nil
}
