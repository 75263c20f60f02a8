// Package outage foretells what a policy does to servers that fail, and to the
// URLs that need them: how much load it adds while they are down, how many
// requests meet them when they come back, and how long a URL is kept trying.
//
// It promises to run the very decisions of a real run (fetch/pace and
// fetch/retry) against model servers in virtual time, and equal results for
// equal configurations. The servers are models: they are all down at once,
// answer in a fixed time, and do not get slower under load.
//
// Call [Simulate].
package outage

import (
	"fmt"
	"time"

	"holdfast/fetch/pace"
	"holdfast/fetch/retry"
)

// Mode is what a server that is down looks like.
type Mode uint8

// Modes.
const (
	Refuse Mode = iota // connections are refused at once
	Error              // 503
	Limit              // 429, with Retry-After if Config says how long
	Hang               // nothing comes back
)

var modeNames = [...]string{"refuse", "error", "limit", "hang"}

// String gives the name that --as uses.
func (m Mode) String() string { return modeNames[m] }

// Modes are the names of all modes.
func Modes() []string { return modeNames[:] }

// ParseMode is the inverse of [Mode.String].
func ParseMode(name string) (Mode, bool) {
	for i, n := range modeNames {
		if n == name {
			return Mode(i), true
		}
	}
	return 0, false
}

// Config says what is simulated.
type Config struct {
	Policy     retry.Policy
	Hosts      int           // origins, all down at the same time
	URLs       int           // to each of them
	Arrival    float64       // URLs a second to each host, from Lead before the outage on; 0 is all at its start
	Lead       time.Duration // how long before the outage URLs begin to arrive
	Outage     time.Duration // how long the hosts are down
	As         Mode
	Latency    time.Duration // of an answer
	RetryAfter time.Duration // that answers during the outage carry: 0 is none; whole seconds
	Seed       uint64
}

// Result is what came of it. Hosts are alike, so what is said of one is the
// worst of all.
type Result struct {
	Policy string `json:"policy"`
	URLs   int    `json:"urls"`

	Requests       int     `json:"requests"`        // in all
	OutageFirsts   int     `json:"outage_urls"`     // URLs first tried during the outage
	OutageRequests int     `json:"outage_requests"` // attempts that met it
	LoadFactor     float64 `json:"load_factor"`     // requests for each URL tried during the outage
	PeakPerSecond  int     `json:"peak_per_second"` // most requests to one host in a second of the outage

	Herd        int     `json:"herd"`           // most requests to one host in the first second after the outage
	HerdAtOnce  int     `json:"herd_at_once"`   // and in its first 100 ms
	NoticeMS    float64 `json:"notice_ms"`      // until a host that is back was asked, at the latest; -1 if one never was
	GiveUp50MS  float64 `json:"give_up_ms_p50"` // from a URL's first attempt to its end, of those that failed
	GiveUpMaxMS float64 `json:"give_up_ms_max"`

	Outcomes  map[string]int `json:"outcomes"`
	Successes int            `json:"successful"`
	ElapsedMS float64        `json:"elapsed_ms"`
}

// Limits of what is simulated, so that it ends in seconds.
const (
	mostURLs   = 5_000_000
	longestRun = 30 * 24 * time.Hour
)

func (c *Config) validate() error {
	if err := c.Policy.Validate(); err != nil {
		return err
	}
	switch {
	case c.Hosts < 1 || c.URLs < 1 || c.Hosts > mostURLs || c.URLs > mostURLs/c.Hosts:
		return fmt.Errorf("--hosts %d, --urls %d: at least 1 each, at most %d together", c.Hosts, c.URLs, mostURLs)
	case c.Outage < 0 || c.Outage > longestRun:
		return fmt.Errorf("--outage %v: 0 to %v", c.Outage, longestRun)
	case c.Lead < 0 || c.Lead > longestRun:
		return fmt.Errorf("--lead %v: 0 to %v", c.Lead, longestRun)
	case c.Latency < 0 || c.Latency > time.Hour:
		return fmt.Errorf("--latency %v: 0 to 1h", c.Latency)
	case c.RetryAfter < 0 || c.RetryAfter > longestRun || c.RetryAfter%time.Second != 0:
		return fmt.Errorf("--asks %v: whole seconds up to %v", c.RetryAfter, longestRun)
	case !(c.Arrival >= 0 && c.Arrival <= 1e6):
		return fmt.Errorf("--arrival %v: 0 to 1000000", c.Arrival)
	case c.As > Hang:
		return fmt.Errorf("--as: no mode %d", c.As)
	}
	return nil
}

// Simulate runs the URLs through the outage and measures.
func Simulate(c Config) (Result, error) {
	if err := c.validate(); err != nil {
		return Result{}, err
	}
	s, err := pace.New(pace.Config{Policy: c.Policy, Seed: c.Seed, Window: c.Hosts * c.URLs})
	if err != nil {
		return Result{}, err
	}
	w := newWorld(&c, s)
	w.run()
	return w.result(), nil
}
