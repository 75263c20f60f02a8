package retry

import (
	"strconv"
	"strings"
	"time"
)

// A Setting is a number of a policy, for printing.
type Setting struct {
	Name  string // --flag, or words for what has no flag
	Value string // as the flag takes it
}

// Settings gives the numbers of a policy, in the order of their flags' table.
func (p *Policy) Settings() []Setting {
	off := func(on bool, value string) string {
		if on {
			return value
		}
		return "off"
	}
	duration := func(d time.Duration) string { return off(d > 0, shortDuration(d)) }
	number := func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
	return []Setting{
		{"--retries", strconv.Itoa(p.Retries)},
		{"--retries-for", p.retriesFor()},
		{"--timeout", duration(p.Timeout)},
		{"--connect-timeout", duration(p.Connect)},
		{"--tls-timeout", duration(p.TLS)},
		{"--header-timeout", duration(p.Headers)},
		{"--idle-timeout", duration(p.Idle)},
		{"--min-speed", off(p.MinSpeed > 0, strconv.FormatInt(p.MinSpeed, 10)+" B/s")},
		{"--deadline", duration(p.Deadline)},
		{"--initial-backoff", shortDuration(p.InitialBackoff)},
		{"--max-backoff", shortDuration(p.MaxBackoff)},
		{"--multiplier", number(p.Multiplier)},
		{"--jitter", p.Jitter.String()},
		{"--retry-after", map[bool]string{true: "respect", false: "ignore"}[p.RetryAfter]},
		{"--retry-after-cap", off(p.RetryAfter, shortDuration(p.RetryAfterCap))},
		{"--server-hint", off(p.ServerHint, "on")},
		{"--budget", off(p.Budget, number(p.BudgetRatio))},
		{"--budget-reserve", off(p.Budget, number(p.BudgetReserve))},
		{"--breaker", off(p.Breaker, "on")},
		{"--breaker-patience", off(p.Breaker, shortDuration(p.BreakerPatience))},
		{"--concurrency", strconv.Itoa(p.Concurrency)},
		{"--per-host", strconv.Itoa(p.PerHost)},
		{"slow start", off(p.SlowStart > 0, strconv.Itoa(p.SlowStart))},
		{"--rate", off(p.Rate > 0, number(p.Rate))},
		{"--per-host-rate", off(p.PerHostRate > 0, number(p.PerHostRate))},
		{"--slow", shortDuration(p.Slow)},
		{"--range-resume", off(p.RangeResume, "on")},
	}
}

// retriesFor gives the allowances as --retries-for takes them.
func (p *Policy) retriesFor() string {
	var words []string
	for g, n := range p.RetriesFor {
		if n != Any {
			words = append(words, Group(g).String()+"="+strconv.Itoa(n))
		}
	}
	if len(words) == 0 {
		return "any"
	}
	return strings.Join(words, ",")
}

// shortDuration is 1h rather than 1h0m0s.
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
