package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"holdfast/replay/whatif"
)

const whatIfHeader = "safeguard,parameter,loop,prevented_lo,prevented_hi,prevented_expected,duplicates,false_rejections," +
	"events_lost_lo,events_lost_hi,visible_versions,peak_keys,peak_bytes,latency_p50_ms,latency_p99_ms,load_skew,verdict,example_not_prevented"

// NewWhatIf writes whatif.csv: one line for each safeguard, in a fixed order.
//
//	loop                   open: as recorded, the safeguard only refuses; closed: the queue simulated again
//	prevented_*            in every resolution that the records allow, in some, on average
//	visible_versions       most rows of one event that readers see one after the other
//	peak_keys, peak_bytes  held at a time; empty: none, or not known
//	latency_*              by how much events that were given up come back later
//	load_skew              busiest worker over the mean
//	example_not_prevented  up to three, row:event
//
// All figures are empty where they cannot be estimated.
func NewWhatIf(w io.Writer, o CSVOptions) *Table[whatif.Outcome] {
	return newTable(w, o, whatIfHeader, func(c *cells, x whatif.Outcome) {
		c.text(x.Safeguard.Slug)
		c.text(x.Safeguard.Parameter())
		c.text(loopName(&x))
		if x.NotEstimable != "" {
			c.int(0)
			c.int(0)
			for range 12 {
				c.none()
			}
		} else {
			c.outcome(&x)
		}
		c.text(string(x.Verdict()))
		c.text(JoinList(examples(&x)))
	})
}

func (c *cells) outcome(x *whatif.Outcome) {
	c.int(x.PreventedLo)
	c.int(x.PreventedHi)
	c.text(decimals(x.PreventedExpected, 2))
	c.int(x.Duplicates)
	c.int(x.FalseRejections)
	c.int(x.EventsLostLo)
	c.int(x.EventsLost)
	c.rowNumber(x.Versions)
	c.known(x.Keys)
	c.known(x.Bytes())
	if x.Latency == nil {
		c.none()
		c.none()
	} else {
		c.millis(x.Latency.P50)
		c.millis(x.Latency.P99)
	}
	if x.Skew == 0 {
		c.none()
	} else {
		c.text(decimals(x.Skew, 3))
	}
}

// known is an int that is not known when negative.
func (c *cells) known(n int64) {
	if n < 0 {
		c.none()
		return
	}
	c.int(n)
}

// decimals writes x with at most n decimals, without trailing zeros.
func decimals(x float64, n int) string {
	s := strconv.FormatFloat(x, 'f', n, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

func loopName(x *whatif.Outcome) string {
	if x.Closed {
		return "closed"
	}
	return "open"
}

func examples(x *whatif.Outcome) (list []string) {
	for _, m := range x.Missed {
		list = append(list, strconv.FormatInt(m.Row, 10)+":"+m.Event)
	}
	return list
}

// safeguardJSON is a line of whatif.csv as an object.
type safeguardJSON struct {
	Safeguard         string   `json:"safeguard"`
	Parameter         string   `json:"parameter"`
	Loop              string   `json:"loop"`
	PreventedLo       int64    `json:"prevented_lo"`
	PreventedHi       int64    `json:"prevented_hi"`
	PreventedExpected float64  `json:"prevented_expected"`
	Duplicates        int64    `json:"duplicates"`
	FalseRejections   int64    `json:"false_rejections"`
	EventsLostLo      int64    `json:"events_lost_lo"`
	EventsLostHi      int64    `json:"events_lost_hi"`
	VisibleVersions   *int64   `json:"visible_versions"`
	PeakKeys          *int64   `json:"peak_keys"`
	PeakBytes         *int64   `json:"peak_bytes"`
	LatencyP50MS      *float64 `json:"latency_p50_ms"`
	LatencyP99MS      *float64 `json:"latency_p99_ms"`
	LoadSkew          *float64 `json:"load_skew"`
	Verdict           string   `json:"verdict"`
	Why               string   `json:"why,omitempty"`
	Examples          []string `json:"example_not_prevented"`
}

// WhatIfJSON is the value that `whatif --json` prints.
type WhatIfJSON struct {
	Duplicates int64                              `json:"duplicates"`
	Safeguards []safeguardJSON                    `json:"safeguards"`
	MinimalSet []string                           `json:"minimal_set"`
	Left       int64                              `json:"not_prevented_by_all"`
	Pairs      []pairJSON                         `json:"pairs"`
	Shapley    map[string]float64                 `json:"shapley"`
	Matrix     map[string]map[string]whatif.Range `json:"matrix"`
}

type pairJSON struct {
	Safeguards [2]string `json:"safeguards"`
	Prevented  int64     `json:"prevented"`
}

// NewWhatIfJSON turns a result into what is printed.
func NewWhatIfJSON(r *whatif.Result) *WhatIfJSON {
	j := &WhatIfJSON{Duplicates: r.Duplicates, Left: r.Left, MinimalSet: []string{}, Pairs: []pairJSON{},
		Shapley: map[string]float64{}, Matrix: map[string]map[string]whatif.Range{}}
	name := func(i int) string { return r.Outcomes[i].Safeguard.String() }
	for _, x := range slices.Concat(r.Outcomes, r.ClosedLoop) {
		j.Safeguards = append(j.Safeguards, newSafeguardJSON(&x))
	}
	for _, i := range r.Minimal {
		j.MinimalSet = append(j.MinimalSet, name(i))
	}
	for _, p := range r.Pairs {
		j.Pairs = append(j.Pairs, pairJSON{[2]string{name(p.A), name(p.B)}, p.Prevented})
	}
	for i, share := range r.Shares {
		if share > 0 {
			j.Shapley[name(i)] = round(share, 4)
		}
	}
	for _, row := range r.Matrix {
		by := map[string]whatif.Range{}
		for i, x := range row.By {
			if x.Hi > 0 {
				by[name(i)] = x
			}
		}
		j.Matrix[row.Cause.String()] = by
	}
	return j
}

func newSafeguardJSON(x *whatif.Outcome) safeguardJSON {
	s := safeguardJSON{
		Safeguard: x.Safeguard.Slug, Parameter: x.Safeguard.Parameter(), Loop: loopName(x),
		PreventedLo: x.PreventedLo, PreventedHi: x.PreventedHi, PreventedExpected: round(x.PreventedExpected, 2), Duplicates: x.Duplicates,
		FalseRejections: x.FalseRejections, EventsLostLo: x.EventsLostLo, EventsLostHi: x.EventsLost,
		Verdict: string(x.Verdict()), Why: x.NotEstimable, Examples: append([]string{}, examples(x)...),
	}
	if x.Versions > 0 {
		s.VisibleVersions = &x.Versions
	}
	if x.Keys >= 0 {
		bytes := x.Bytes()
		s.PeakKeys, s.PeakBytes = &x.Keys, &bytes
	}
	if x.Latency != nil {
		a, b := float64(x.Latency.P50)/1e6, float64(x.Latency.P99)/1e6
		s.LatencyP50MS, s.LatencyP99MS = &a, &b
	}
	if x.Skew > 0 {
		v := round(x.Skew, 3)
		s.LoadSkew = &v
	}
	return s
}

func round(x float64, n int) float64 {
	v, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'f', n, 64), 64)
	return v
}

// WriteWhatIf writes what `whatif` says on standard output: a table of the
// safeguards, the harmful ones apart, the smallest set that suffices, and which
// safeguard helps against which cause.
func WriteWhatIf(w io.Writer, r *whatif.Result) error {
	p := &printer{w: w}
	if r.Duplicates == 0 {
		p.printf("There are no duplicates to prevent.\n")
	} else {
		p.printf("What would have become of the %s, had one safeguard been on:\n\n", few(r.Duplicates, "duplicate"))
	}
	t := tabwriter.NewWriter(p, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "  safeguard\tprevented\tof\tkeys held\tverdict\n")
	for _, x := range sortedOutcomes(r.Outcomes) {
		if v := x.Verdict(); v != whatif.Harmful && v != whatif.NotEstimable {
			fmt.Fprintf(t, "  %s\t%s\t%d\t%s\t%s\n", x.Safeguard, interval(x.PreventedLo, x.PreventedHi), x.Duplicates, keysText(&x), remark(&x))
		}
	}
	_ = t.Flush()
	p.harmful(r)
	p.notEstimable(r)
	p.sets(r)
	p.matrix(r)
	p.closed(r)
	return p.err
}

type printer struct {
	w   io.Writer
	err error
}

func (p *printer) Write(b []byte) (int, error) {
	if p.err == nil {
		_, p.err = p.w.Write(b)
	}
	return len(b), p.err
}

func (p *printer) printf(format string, args ...any) { fmt.Fprintf(p, format, args...) }

func sortedOutcomes(list []whatif.Outcome) []whatif.Outcome {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b whatif.Outcome) int { return rank(effectOf(&a), effectOf(&b)) })
	return list
}

func interval(lo, hi int64) string {
	if lo == hi {
		return strconv.FormatInt(lo, 10)
	}
	return fmt.Sprintf("%d to %d", lo, hi)
}

func keysText(x *whatif.Outcome) string {
	if x.Keys < 0 {
		return "-"
	}
	return strconv.FormatInt(x.Keys, 10)
}

func remark(x *whatif.Outcome) string {
	text := string(x.Verdict())
	switch {
	case x.Versions > 1:
		text += fmt.Sprintf("; readers see up to %s of an event", few(x.Versions, "version"))
	case x.Skew > 0:
		text += fmt.Sprintf("; busiest worker %s times the mean", decimals(x.Skew, 3))
	case x.Latency != nil && x.PreventedHi > 0:
		text += fmt.Sprintf("; what was given up comes back %s ms later (median)", x.Latency.P50.AppendMillis(nil))
	}
	return text
}

func (p *printer) harmful(r *whatif.Result) {
	first := true
	for _, x := range sortedOutcomes(r.Outcomes) {
		if x.Verdict() != whatif.Harmful {
			continue
		}
		if first {
			p.printf("\nHarmful here, because real events would have been lost:\n")
		}
		first = false
		p.printf("  %s loses %s; prevents %s\n", x.Safeguard, manyEvents(&x), interval(x.PreventedLo, x.PreventedHi))
	}
}

func (p *printer) notEstimable(r *whatif.Result) {
	for _, x := range r.Outcomes {
		if x.NotEstimable != "" {
			p.printf("\n%s: not estimable, %s\n", x.Safeguard, x.NotEstimable)
		}
	}
}

func (p *printer) sets(r *whatif.Result) {
	if len(r.Minimal) == 0 {
		return
	}
	var names []string
	for _, i := range r.Minimal {
		names = append(names, r.Outcomes[i].Safeguard.String())
	}
	p.printf("\nThe smallest set that prevents all that can be prevented for sure: %s", strings.Join(names, " + "))
	if r.Left > 0 {
		p.printf(" (%s are left)", few(r.Left, "duplicate"))
	}
	p.printf("\n")
}

func (p *printer) matrix(r *whatif.Result) {
	if len(r.Matrix) == 0 {
		return
	}
	p.printf("\nBy cause, surely prevented (or as many as):\n")
	t := tabwriter.NewWriter(p, 0, 0, 2, ' ', 0)
	for _, row := range r.Matrix {
		fmt.Fprintf(t, "  %s\t%d\t%s\n", row.Cause, row.Duplicates, strings.Join(bestAgainst(r, &row), ", "))
	}
	_ = t.Flush()
}

// mostNamed is how many safeguards a line names.
const mostNamed = 4

// bestAgainst names the safeguards that help most against a cause, one for each slug.
func bestAgainst(r *whatif.Result, row *whatif.CauseRow) (names []string) {
	var order []int
	for i, x := range row.By {
		if v := r.Outcomes[i].Verdict(); x.Hi > 0 && v != whatif.Harmful {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := row.By[a], row.By[b]
		return cmp.Or(cmp.Compare(y.Lo, x.Lo), cmp.Compare(y.Hi, x.Hi))
	})
	seen := map[string]bool{}
	for _, i := range order {
		slug := r.Outcomes[i].Safeguard.Slug
		if slug == whatif.WindowSliding {
			slug = whatif.WindowFixed // which is there, too, and holds no more
		}
		if seen[slug] || len(names) == mostNamed {
			continue
		}
		seen[slug] = true
		names = append(names, fmt.Sprintf("%s %s", r.Outcomes[i].Safeguard, interval(row.By[i].Lo, row.By[i].Hi)))
	}
	return names
}

func (p *printer) closed(r *whatif.Result) {
	if len(r.ClosedLoop) == 0 {
		return
	}
	p.printf("\nThe same with the queue simulated again (a log that is played back is not a rerun):\n")
	for _, x := range r.ClosedLoop {
		if x.PreventedHi < 0 {
			p.printf("  %s makes %s more than there were\n", x.Safeguard, few(-x.PreventedHi, "duplicate"))
			continue
		}
		p.printf("  %s prevents %s of %d\n", x.Safeguard, interval(x.PreventedLo, x.PreventedHi), x.Duplicates)
	}
}

// preventionLine says in one line what would have prevented all duplicates, and
// what must not be done.
func preventionLine(r *whatif.Result) string {
	if r == nil || r.Duplicates == 0 {
		return ""
	}
	var complete, harmful []string
	for _, slug := range recommended {
		i := slices.IndexFunc(r.Outcomes, func(x whatif.Outcome) bool {
			return x.Safeguard.Slug == slug && x.Verdict() == whatif.Complete && (slug != whatif.WindowFixed || x.Safeguard.Window >= time.Second)
		})
		if i >= 0 && len(complete) < mostNamed {
			complete = append(complete, completeName(&r.Outcomes[i]))
		}
	}
	for i := range r.Outcomes {
		if x := &r.Outcomes[i]; x.Verdict() == whatif.Harmful {
			harmful = append(harmful, fmt.Sprintf("%s loses %s", x.Safeguard, manyEvents(x)))
		}
	}
	line := ""
	switch {
	case len(complete) > 0:
		line = fmt.Sprintf("would have prevented all %d: %s", r.Duplicates, strings.Join(complete, "; "))
	case len(r.Minimal) > 0:
		var names []string
		for _, i := range r.Minimal {
			names = append(names, r.Outcomes[i].Safeguard.String())
		}
		line = fmt.Sprintf("would have prevented %d of %d: %s", r.Duplicates-r.Left, r.Duplicates, strings.Join(names, " + "))
	default:
		line = "no safeguard would surely have prevented any"
	}
	if len(harmful) > 0 {
		line += ". Harmful: " + strings.Join(harmful, "; ")
	}
	return line
}

// recommended are the safeguards that the line names, the most robust first.
// Windows shorter than a second fit the incident, not the next one.
var recommended = []string{
	whatif.UniqueEventID, whatif.WindowFixed, whatif.InFlightSet, whatif.TransactionalSink, whatif.HeartbeatLease,
	whatif.PartitionEvent, whatif.FencingToken, whatif.UniqueKeyPrice, whatif.SourceDedupe, whatif.ToleranceDedupe,
}

// manyEvents is how many events a safeguard loses: 5 events, or 3 to 5 events.
func manyEvents(x *whatif.Outcome) string {
	if x.EventsLostLo == x.EventsLost {
		return few(x.EventsLost, "event")
	}
	return interval(x.EventsLostLo, x.EventsLost) + " events"
}

func completeName(x *whatif.Outcome) string {
	name := x.Safeguard.Slug
	if p := x.Safeguard.Parameter(); p != "" {
		name += " " + p
	}
	switch x.Safeguard.Slug {
	case whatif.WindowFixed, whatif.WindowSliding:
		name += fmt.Sprintf(" (%s)", few(x.Keys, "key"))
	}
	return name
}
