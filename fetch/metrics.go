package fetch

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"holdfast/fetch/retry"
)

// attemptBuckets are the bounds of the histogram of attempts, in seconds.
var attemptBuckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}

// WriteMetrics writes the state of the last FetchAll in the text format of
// Prometheus, version 0.0.4. Labels are origins (at most a hundred, the rest is
// "other"), classes and outcomes; a URL is never one.
func (c *Client) WriteMetrics(w io.Writer) error {
	e := c.current.Load()
	if e == nil {
		return nil
	}
	m := &metricsWriter{w: bufio.NewWriter(w)}
	e.mu.Lock()
	e.writeMetrics(m)
	e.mu.Unlock()
	return m.w.Flush()
}

type metricsWriter struct{ w *bufio.Writer }

func (m *metricsWriter) family(name, kind, help string) {
	fmt.Fprintf(m.w, "# HELP holdfast_fetch_%s %s\n# TYPE holdfast_fetch_%s %s\n", name, help, name, kind)
}

func (m *metricsWriter) sample(name string, v float64, labels ...string) {
	m.w.WriteString("holdfast_fetch_" + name)
	for i := 0; i < len(labels); i += 2 {
		separator := ","
		if i == 0 {
			separator = "{"
		}
		fmt.Fprintf(m.w, `%s%s="%s"`, separator, labels[i], escapeLabel(labels[i+1]))
	}
	if len(labels) > 0 {
		m.w.WriteByte('}')
	}
	m.w.WriteString(" " + strconv.FormatFloat(v, 'g', -1, 64) + "\n")
}

var escapeLabel = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`).Replace

// writeMetrics is called with mu held.
func (e *engine) writeMetrics(m *metricsWriter) {
	t := e.tally
	m.family("urls_total", "counter", "URLs that ended or were put off, by outcome.")
	for _, o := range slices.Sorted(maps.Keys(t.outcomes)) {
		m.sample("urls_total", float64(t.outcomes[o]), "outcome", o.String())
	}
	m.family("attempts_total", "counter", "Attempts that ended, by class.")
	for _, c := range slices.Sorted(maps.Keys(t.attemptsByClass)) {
		m.sample("attempts_total", float64(t.attemptsByClass[c]), "class", c.String())
	}
	m.family("retries_total", "counter", "Attempts numbered above 1.")
	m.sample("retries_total", float64(t.retries))
	m.family("wire_sends_total", "counter", "Request header blocks that were written, hidden resends included.")
	m.sample("wire_sends_total", float64(t.wireSends))
	m.family("bytes_total", "counter", "Body bytes, decoded.")
	m.sample("bytes_total", float64(t.bytes))
	n := e.sched.Counts()
	m.family("inflight", "gauge", "Attempts in flight.")
	m.sample("inflight", float64(n.InFlight))
	m.family("waiting", "gauge", "URLs that wait for a time.")
	m.sample("waiting", float64(n.Waiting))
	e.originMetrics(m)
	e.attemptSeconds(m)
}

// originMetrics shows the origins that are most in use, and the rest together.
func (e *engine) originMetrics(m *metricsWriter) {
	now := e.now()
	all := e.sched.Origins(now)
	shown := map[string]bool{}
	for _, name := range e.tally.shownHosts() {
		shown[name] = true
	}
	var gates, breakers, tokens, others []float64
	var names []string
	others = make([]float64, 3)
	for _, o := range all {
		v := []float64{flag(o.GateUntil > now), flag(o.Breaker != retry.BreakerClosed), float64(o.Budget) / float64(retry.Token)}
		if o.Budget == retry.Unlimited {
			v[2] = -1
		}
		if !shown[o.Origin] {
			others[0] += v[0]
			others[1] += v[1]
			continue
		}
		names = append(names, o.Origin)
		gates, breakers, tokens = append(gates, v[0]), append(breakers, v[1]), append(tokens, v[2])
	}
	for k, f := range []struct {
		name, help string
		values     []float64
	}{
		{"gate_closed", "Origins that asked for a pause.", gates},
		{"breaker_open", "Origins whose breaker is not closed.", breakers},
		{"budget_tokens", "Retries left to an origin; -1 without a budget.", tokens},
	} {
		m.family(f.name, "gauge", f.help)
		for i, name := range names {
			m.sample(f.name, f.values[i], "origin", name)
		}
		if k < 2 && len(all) > len(names) {
			m.sample(f.name, others[k], "origin", otherHosts)
		}
	}
}

func flag(b bool) float64 { return float64(btoi(b)) }

func (e *engine) attemptSeconds(m *metricsWriter) {
	m.family("attempt_seconds", "histogram", "Duration of attempts, by whether they succeeded.")
	for _, h := range []struct {
		result string
		of     *histogram
	}{{"success", &e.tally.succeeded}, {"failure", &e.tally.failed}} {
		for _, le := range attemptBuckets {
			m.sample("attempt_seconds_bucket", float64(h.of.atMost(time.Duration(le*float64(time.Second)))), "result", h.result, "le", strconv.FormatFloat(le, 'g', -1, 64))
		}
		m.sample("attempt_seconds_bucket", float64(h.of.total), "result", h.result, "le", "+Inf")
		m.sample("attempt_seconds_sum", h.of.sum.Seconds(), "result", h.result)
		m.sample("attempt_seconds_count", float64(h.of.total), "result", h.result)
	}
}
