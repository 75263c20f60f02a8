package retry

import "time"

// Any is the entry of RetriesFor that limits nothing.
const Any = -1

// A Policy is a column of the decision table and the numbers that go with it.
// It is a plain value: copy it and change what you like, then call Validate.
type Policy struct {
	Name string // spec or smart: the column

	Retries    int            // most retries of a URL
	RetriesFor [NumGroups]int // most retries of a kind of failure; Any

	Timeout  time.Duration // one attempt, dial to last byte
	Connect  time.Duration // phases of an attempt; 0 is off
	TLS      time.Duration
	Headers  time.Duration
	Idle     time.Duration
	MinSpeed int64         // bytes a second over 10 s; 0 is off
	Deadline time.Duration // one URL, waits included; 0 is off

	InitialBackoff time.Duration
	MaxBackoff     time.Duration
	Multiplier     float64 // at least 1
	Jitter         JitterMode

	RetryAfter    bool          // respect what servers ask for
	RetryAfterCap time.Duration // the longest wait that is waited for in one run
	ServerHint    bool          // heed x-should-retry

	Budget          bool
	BudgetRatio     float64 // tokens for each first attempt
	BudgetReserve   float64 // tokens an origin starts with
	Breaker         bool
	BreakerPatience time.Duration // how long URLs wait for an origin whose breaker is open

	Concurrency int     // attempts in flight
	PerHost     int     // of them to one origin
	Rate        float64 // attempts a second; 0 is any number
	PerHostRate float64 // of them to one origin
	SlowStart   int     // the limit an origin starts at; 0 is PerHost at once, and no gate

	Slow        time.Duration // above it a response is slow
	RangeResume bool
}

// Spec is the requirement to the letter.
func Spec() Policy { return Policy{} }

// Smart is what an operator wants.
func Smart() Policy { return Policy{} }

// Named gives the policy of a name.
func Named(name string) (Policy, bool) { return Policy{}, false }

// Validate names the first field that makes no sense, by its flag.
func (p *Policy) Validate() error { return nil }
