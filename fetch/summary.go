package fetch

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"

	"holdfast/fetch/retry"
)

// A Summary is what became of a list: the requirement's keys in its order, then
// ours under extra. It follows from the log alone (6.2).
type Summary struct {
	TotalURLs     int64            `json:"total_urls"`
	Successful    int64            `json:"successful"`
	Failed        int64            `json:"failed"`
	TotalRequests int64            `json:"total_requests"` // URLs attempted and retries
	Retries       int64            `json:"retries"`        // attempts numbered above 1
	AvgLatencyMS  Milliseconds     `json:"avg_latency_ms"` // over attempts that ended with a status
	SlowResponses int64            `json:"slow_responses"`
	ByStatus      map[string]int64 `json:"by_status"` // URLs, by their last status
	ByError       ByError          `json:"by_error"`  // attempts
	Extra         Extra            `json:"extra"`
}

// ByError counts attempts that ended without a status.
type ByError struct {
	Timeout    int64 `json:"timeout"`
	Connection int64 `json:"connection"`
}

// Extra is what the requirement does not ask for.
type Extra struct {
	Policy           string           `json:"policy"`
	Seed             uint64           `json:"seed"`
	Runs             int              `json:"runs"`
	Inputs           Inputs           `json:"inputs"`
	Outcomes         map[string]int64 `json:"outcomes"`
	Postponed        int64            `json:"postponed"`
	AttemptsByStatus map[string]int64 `json:"attempts_by_status"`
	AttemptsByClass  map[string]int64 `json:"attempts_by_class"`
	RetriesByReason  map[string]int64 `json:"retries_by_reason"`
	WireSends        int64            `json:"wire_sends"`
	Bytes            int64            `json:"bytes"`
	WireBytes        int64            `json:"wire_bytes"`
	Latency          LatencyByResult  `json:"latency"`
	Hosts            []HostSummary    `json:"hosts"`
	BudgetDenied     int64            `json:"budget_denied"`
	BreakerOpened    int64            `json:"breaker_opened"`
	HandlerPanics    int64            `json:"handler_panics"`
	ElapsedMS        int64            `json:"elapsed_ms"`
	ListReadToEnd    bool             `json:"list_read_to_end"`
	Validation       any              `json:"validation,omitempty"`
	Job              any              `json:"job,omitempty"` // of which this process was a part
}

// Inputs counts the lines of the list.
type Inputs struct {
	Lines      int64 `json:"lines"`
	Blank      int64 `json:"blank"`
	Comments   int64 `json:"comments"`
	Duplicates int64 `json:"duplicates"`
	Bad        int64 `json:"bad"`
	Skipped    int64 `json:"skipped"` // complete in an earlier run
}

// LatencyByResult separates what succeeded from what did not.
type LatencyByResult struct {
	Success Percentiles `json:"success"`
	Failure Percentiles `json:"failure"`
}

// Percentiles are in milliseconds.
type Percentiles struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// A HostSummary is one origin.
type HostSummary struct {
	Host      string  `json:"host"`
	URLs      int64   `json:"urls"`
	OK        int64   `json:"ok"`
	Failed    int64   `json:"failed"`
	Postponed int64   `json:"postponed"`
	Attempts  int64   `json:"attempts"`
	Retries   int64   `json:"retries"`
	P50       float64 `json:"p50"`
	P95       float64 `json:"p95"`
	P99       float64 `json:"p99"`
	Bytes     int64   `json:"bytes"`
}

// Milliseconds are written with one decimal, also whole ones: 200.0.
type Milliseconds float64

// MarshalJSON implements json.Marshaler.
func (ms Milliseconds) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(ms), 'f', 1, 64), nil
}

func inMS(d time.Duration) float64 { return math.Round(d.Seconds()*1e4) / 10 }

func (h *histogram) percentiles() Percentiles {
	return Percentiles{inMS(h.quantile(.5)), inMS(h.quantile(.9)), inMS(h.quantile(.95)), inMS(h.quantile(.99)), inMS(h.longest)}
}

// summary makes the sums into the file.
func (t *tally) summary() Summary {
	s := Summary{
		TotalURLs: t.urls, Successful: t.outcomes[retry.OutcomeSuccess],
		TotalRequests: t.attempted + t.retries, Retries: t.retries, SlowResponses: t.slow,
		ByStatus: byStatus(t.byStatus), ByError: ByError{t.timeouts, t.connections},
		Extra: Extra{
			Outcomes: map[string]int64{}, AttemptsByStatus: byStatus(t.attemptsByStatus), AttemptsByClass: map[string]int64{},
			RetriesByReason: maps.Clone(t.retriesByReason), WireSends: t.wireSends, Bytes: t.bytes, WireBytes: t.wireBytes,
			Latency: LatencyByResult{t.succeeded.percentiles(), t.failed.percentiles()}, Hosts: []HostSummary{},
		},
	}
	s.Failed = s.TotalURLs - s.Successful
	if t.latencyCount > 0 {
		s.AvgLatencyMS = Milliseconds(inMS(t.latencySum / time.Duration(t.latencyCount)))
	}
	for o, n := range t.outcomes {
		if n == 0 {
			continue
		}
		s.Extra.Outcomes[o.String()] = n
		if o.Postponed() {
			s.Extra.Postponed += n
		}
	}
	for c, n := range t.attemptsByClass {
		s.Extra.AttemptsByClass[c.String()] = n
	}
	for _, name := range t.shownHosts() {
		h := t.hosts[name]
		s.Extra.Hosts = append(s.Extra.Hosts, HostSummary{name, h.urls, h.ok, h.failed, h.postponed, h.attempts, h.retries,
			inMS(h.latency.quantile(.5)), inMS(h.latency.quantile(.95)), inMS(h.latency.quantile(.99)), h.bytes})
	}
	return s
}

func byStatus(counts map[int]int64) map[string]int64 {
	out := map[string]int64{} // encoding/json sorts the keys; all have three digits
	for status, n := range counts {
		if n != 0 {
			out[strconv.Itoa(status)] = n
		}
	}
	return out
}

// WriteText is the summary for people. Its first line is that of the
// requirement's own test.
func (s *Summary) WriteText(w io.Writer) error {
	x := &s.Extra
	fmt.Fprintf(w, "Success rate: %d/%d\n\n", s.Successful, s.TotalURLs)
	fmt.Fprintf(w, "policy %s: %d requests, %d of them retries, %d requests on the wire; %d slow, %.1f ms on average, %s in %.1f s\n",
		x.Policy, s.TotalRequests, s.Retries, x.WireSends, s.SlowResponses, s.AvgLatencyMS, size(x.Bytes), float64(x.ElapsedMS)/1000)
	if s.Failed > 0 {
		fmt.Fprintf(w, "not fetched:")
		separator := " "
		for _, name := range slices.Sorted(maps.Keys(x.Outcomes)) {
			if name != retry.OutcomeSuccess.String() {
				fmt.Fprintf(w, "%s%d %s", separator, x.Outcomes[name], name)
				separator = ", "
			}
		}
		fmt.Fprintln(w)
	}
	if len(x.Hosts) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "ok\tfailed\tlater\tattempts\tretries\tp50 ms\tp95 ms\tp99 ms\tbytes\t  host")
	for _, h := range x.Hosts {
		fmt.Fprintf(t, "%d\t%d\t%d\t%d\t%d\t%.1f\t%.1f\t%.1f\t%s\t  %s\n",
			h.OK, h.Failed, h.Postponed, h.Attempts, h.Retries, h.P50, h.P95, h.P99, size(h.Bytes), h.Host)
	}
	return t.Flush()
}

// size is a number of bytes for people.
func size(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	v, u := float64(n), 0
	for v >= 1024 && u < len(units)-1 {
		v, u = v/1024, u+1
	}
	if u == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", v, units[u])
}
