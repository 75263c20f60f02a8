package fetchcheck

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
)

// maxSummary is the most bytes of a summary.
const maxSummary = 16 << 20

// totals are the requirement's summary.
type totals struct {
	TotalURLs     *int           `json:"total_urls"`
	Successful    *int           `json:"successful"`
	Failed        *int           `json:"failed"`
	TotalRequests *int           `json:"total_requests"`
	Retries       *int           `json:"retries"`
	AvgLatencyMS  *float64       `json:"avg_latency_ms"`
	SlowResponses *int           `json:"slow_responses"`
	ByStatus      map[string]int `json:"by_status"`
	ByError       map[string]int `json:"by_error"`
}

// summary is V8.
func (c *checker) summary() error {
	text, err := io.ReadAll(io.LimitReader(c.in.Summary, maxSummary+1))
	if err != nil {
		return err
	}
	wrong := func(format string, args ...any) {
		c.note(v8, Finding{File: c.in.SummaryName, What: fmt.Sprintf(format, args...)})
	}
	var said totals
	var keys map[string]json.RawMessage
	c.rules[v8].Checked++
	if err := json.Unmarshal(text, &said); err != nil || len(text) > maxSummary || json.Unmarshal(text, &keys) != nil {
		wrong("not a summary: %v", err)
		return nil
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if !slices.Contains(summaryKeys, key) {
			wrong("unknown key %q: more than the requirement's keys belongs into extra", clip(key))
		}
	}
	for _, key := range summaryKeys[:len(summaryKeys)-1] {
		if _, there := keys[key]; !there {
			wrong("%s is missing", key)
		}
	}
	c.compare(said, wrong)
	return nil
}

var summaryKeys = []string{
	"total_urls", "successful", "failed", "total_requests", "retries", "avg_latency_ms", "slow_responses", "by_status", "by_error", "extra",
}

func (c *checker) compare(said totals, wrong func(string, ...any)) {
	is, sum := c.add()
	number := func(name string, said *int, is int) {
		c.rules[v8].Checked++
		if said != nil && *said != is {
			wrong("%s is %d, the log has %d", name, *said, is)
		}
	}
	number("total_urls", said.TotalURLs, *is.TotalURLs)
	number("successful", said.Successful, *is.Successful)
	number("failed", said.Failed, *is.Failed)
	number("total_requests", said.TotalRequests, *is.TotalRequests)
	number("retries", said.Retries, *is.Retries)
	number("slow_responses", said.SlowResponses, *is.SlowResponses)
	counts := func(name string, said, is map[string]int) {
		if said == nil {
			return // told as missing
		}
		for _, key := range slices.Sorted(maps.Keys(merged(said, is))) {
			c.rules[v8].Checked++
			n, there := said[key]
			switch {
			case !there:
				wrong("%s has no %q, the log has %d", name, key, is[key])
			case n != is[key]:
				wrong("%s[%q] is %d, the log has %d", name, clip(key), n, is[key])
			}
		}
	}
	counts("by_status", said.ByStatus, is.ByStatus)
	counts("by_error", said.ByError, is.ByError)
	if average, known := sum.mean(); known && said.AvgLatencyMS != nil {
		c.rules[v8].Checked++
		if !(math.Abs(*said.AvgLatencyMS-average) <= 2*rounding+1e-6) { // it is rounded, and so is what it is made of
			wrong("avg_latency_ms is %.1f, the log has %.1f", *said.AvgLatencyMS, average)
		}
	}
}

func merged(a, b map[string]int) map[string]int {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// latencySum adds the latencies of all attempts that ended with a status.
type latencySum struct {
	total   float64
	n       int
	unknown bool // one of them is not in the log
}

func (s *latencySum) mean() (float64, bool) {
	if s.n == 0 {
		return 0, !s.unknown
	}
	return s.total / float64(s.n), !s.unknown
}

// add makes the summary from the log.
func (c *checker) add() (totals, latencySum) {
	urls, ok, requests, retries, slow := len(c.trails), 0, 0, 0, 0
	t := totals{ByStatus: map[string]int{}, ByError: map[string]int{"timeout": 0, "connection": 0}}
	var sum latencySum
	for i := range c.trails {
		tries := c.trails[i].tries
		requests += len(tries)
		for j := range tries {
			if j > 0 {
				retries++
			}
			slow += len(tries[j].slow)
			switch end := tries[j].end; {
			case end.event == "timeout":
				t.ByError["timeout"]++
			case end.event == "connection_error":
				t.ByError["connection"]++
			case end.latency < 0:
				sum.unknown = true
			default:
				sum.total += end.latency
				sum.n++
			}
		}
		if len(tries) == 0 {
			continue
		}
		last := tries[len(tries)-1].end
		if last.event == "success" {
			ok++
		}
		if hasStatus(last.event) {
			t.ByStatus[strconv.Itoa(last.status)]++
		}
	}
	failed := urls - ok
	t.TotalURLs, t.Successful, t.Failed, t.TotalRequests, t.Retries, t.SlowResponses = &urls, &ok, &failed, &requests, &retries, &slow
	return t, sum
}
