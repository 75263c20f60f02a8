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
