package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"holdfast/replay"
	"holdfast/replay/tick"
	"holdfast/replay/whatif"
)

// WriteSummary writes what `audit` says on standard output (R105): one line
// each for what was read, the view by key, the view by event, the causes, the
// other findings, what would have prevented the duplicates (unless r is nil) and
// the balance of rows. A line that would say nothing is left out; the first, the
// view by key and the balance are always there.
func WriteSummary(w io.Writer, s *replay.Summary, r *whatif.Result) error {
	lines := []string{
		readLine(s),
		keyLine(&s.ByKey),
		eventLine(s),
		causeLine(s),
		otherLine(s),
		preventionLine(r),
		balance(&s.Rows),
	}
	lines = slices.DeleteFunc(lines, func(l string) bool { return l == "" })
	_, err := io.WriteString(w, strings.Join(lines, "\n")+"\n")
	return err
}

// balance is the line that accounts for every row.
func balance(r *replay.SummaryRows) string {
	return fmt.Sprintf("rows in %d = kept %d + removed %d + rejected %d", r.In, r.Kept, r.Removed, r.Rejected)
}

func readLine(s *replay.Summary) string {
	var read []string
	if hasEvents(s) {
		read = append(read, input(&s.Inputs.Events, "event", false))
	}
	if hasWorkers(s) {
		read = append(read, input(&s.Inputs.Workers, "attempt", false))
	}
	read = append(read, input(&s.Inputs.Output, "row", true))
	line := s.Mode + ": " + strings.Join(read, ", ")
	if banner := banner(s); banner != "" {
		line += "; " + banner
	}
	return line
}

func input(in *replay.SummaryInput, what string, always bool) string {
	text := few(in.Rows, what)
	if in.Rejected > 0 || always {
		text += fmt.Sprintf(" (%d rejected)", in.Rejected)
	}
	return text
}

// few counts without commas between the thousands, as the terminal does.
func few(n int64, what string) string {
	return fmt.Sprintf("%d %s", n, oneOf(n, what, what+"s"))
}

func hasEvents(s *replay.Summary) bool {
	return s.Mode != replay.ModeNoTruth && s.Mode != replay.ModeOutputOnly
}

func hasWorkers(s *replay.Summary) bool {
	return s.Mode != replay.ModeNoWorkers && s.Mode != replay.ModeOutputOnly
}

// banner says what an incomplete set of files means for the results; nothing
// if all three were there.
func banner(s *replay.Summary) string {
	const (
		noEvents  = "no events file: rows are only compared with each other, so nothing is known to be lost or to be a real duplicate"
		noWorkers = "no worker log: duplicates are found and removed, their causes stay unknown"
	)
	switch s.Mode {
	case replay.ModeNoTruth:
		return noEvents
	case replay.ModeNoWorkers:
		return noWorkers
	case replay.ModeOutputOnly:
		return noEvents + "; no worker log: no causes"
	}
	return ""
}

func keyLine(k *replay.SummaryByKey) string {
	line := fmt.Sprintf("by key (symbol,timestamp), as the requirement asks: %s, %s", few(k.Groups, "group"), few(k.ExtraRows, "extra row"))
	if k.Groups == 0 {
		return line
	}
	if k.Untested == k.Groups {
		return line + "; not tested for being different events"
	}
	line += fmt.Sprintf("; %s, %s", few(k.SameEvent, "duplicate"), few(k.Collisions, "collision"))
	if k.Collisions > 0 {
		line += " (two real events on one key)"
	}
	if k.Mixed > 0 {
		line += fmt.Sprintf(", %d mixed", k.Mixed)
	}
	if k.Untested > 0 {
		line += fmt.Sprintf(", %d untested", k.Untested)
	}
	return line
}

func eventLine(s *replay.Summary) string {
	if !hasEvents(s) {
		return nearLine(s)
	}
	e := &s.ByEvent
	line := "by event: " + few(e.Duplicates, "duplicate")
	if e.Duplicates > 0 {
		line += fmt.Sprintf(" of %s (%s)%s", few(e.DuplicatedEvents, "event"), labels(e), shifts(&s.Shift))
	}
	line += fmt.Sprintf("; %s lost, %s", few(s.Lost, "event"), few(e.Orphans, "orphan"))
	own, needed := stayingRows(s)
	if own > 0 {
		line += fmt.Sprintf("; %s not removed, having %s in the source", few(own, "duplicate"), oneOf(own, "an id of its own", "ids of their own"))
	}
	if needed > 0 {
		line += fmt.Sprintf("; %s not removed, because another event may need %s", few(needed, "duplicate"), oneOf(needed, "it", "them"))
	}
	return line
}

// stayingRows counts the duplicates that the clean output keeps: those that
// are events of their own to the source (D10), and those that some other event
// may need.
func stayingRows(s *replay.Summary) (own, needed int64) {
	kept := s.ByEvent.Duplicates - s.Removable
	own = min(kept, s.Causes[replay.SourceDoubleEmit.String()].Count)
	return own, kept - own
}

// labels says how sure the duplicates are: 250 certain, 3 likely.
func labels(e *replay.SummaryByEvent) string {
	var parts []string
	for _, l := range []struct {
		n    int64
		name replay.Label
	}{{e.Certain, replay.Certain}, {e.Likely, replay.Likely}, {e.Ambiguous, replay.Ambiguous}} {
		if l.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", l.n, l.name))
		}
	}
	return strings.Join(parts, ", ")
}

// shifts says how far the duplicates lie from their events.
func shifts(s *replay.SummaryShift) string {
	var parts []string
	if s.PriceMin != nil && s.PriceMax != nil {
		parts = append(parts, "price shift "+extent(tick.Price(*s.PriceMin).String(), tick.Price(*s.PriceMax).String()))
	}
	if s.TimeMinMS != nil && s.TimeMaxMS != nil {
		parts = append(parts, extent(millis(tick.Nanos(*s.TimeMinMS)), millis(tick.Nanos(*s.TimeMaxMS)))+" ms")
	}
	if len(parts) == 0 {
		return ""
	}
	return "; " + strings.Join(parts, ", ")
}

func extent(low, high string) string {
	if low == high {
		return low
	}
	return low + " to " + high
}

func nearLine(s *replay.Summary) string {
	t := &s.Tolerance
	if t.LateMS == nil || t.Price == nil {
		return "near: no tolerance can be read off this file; give one with --tolerance to find shifted copies"
	}
	return fmt.Sprintf("near: %s of rows within %s; %s%s", few(s.Near.Clusters, "cluster"), band(t), few(s.Near.ExtraRows, "extra row"), shifts(&s.Shift))
}

// band writes a tolerance: -0/+10 ms and 0.5.
func band(t *replay.SummaryTolerance) string {
	early := "0"
	if t.EarlyMS != nil {
		early = string(tick.Nanos(*t.EarlyMS).AppendMillis(nil))
	}
	return fmt.Sprintf("-%s/+%s ms and %s", early, tick.Nanos(*t.LateMS).AppendMillis(nil), tick.Price(*t.Price))
}

func causeLine(s *replay.Summary) string {
	var parts []string
	for _, c := range byCount(s.Causes) {
		parts = append(parts, fmt.Sprintf("%s %s", c.slug, graded(c.CauseCount)))
	}
	if len(parts) == 0 {
		return ""
	}
	return "causes: " + strings.Join(parts, ", ")
}

// graded is a count with its grades: 167 proved, or 40 (30 proved, 10 consistent).
func graded(c replay.CauseCount) string {
	var parts []string
	for _, g := range []struct {
		n     int64
		grade replay.Grade
	}{{c.Proved, replay.Proved}, {c.Consistent, replay.Consistent}, {c.Suspected, replay.Suspected}} {
		if g.n == c.Count {
			return fmt.Sprintf("%d %s", c.Count, g.grade)
		}
		if g.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", g.n, g.grade))
		}
	}
	return fmt.Sprintf("%d (%s)", c.Count, strings.Join(parts, ", "))
}

// countedCause is a cause with its count.
type countedCause struct {
	slug string
	replay.CauseCount
}

// byCount lists the causes that have duplicates, most of them first.
func byCount(m map[string]replay.CauseCount) []countedCause {
	var list []countedCause
	for _, slug := range slices.Sorted(maps.Keys(m)) {
		if m[slug].Count > 0 {
			list = append(list, countedCause{slug, m[slug]})
		}
	}
	slices.SortStableFunc(list, func(a, b countedCause) int { return cmp.Compare(b.Count, a.Count) })
	return list
}

func otherLine(s *replay.Summary) string {
	var parts []string
	for _, slug := range otherSlugs(s.Other) {
		text := fmt.Sprintf("%s %d", slug, s.Other[slug])
		if gloss := gloss(s, slug); gloss != "" {
			text += " (" + gloss + ")"
		}
		parts = append(parts, text)
	}
	if len(parts) == 0 {
		return ""
	}
	return "also: " + strings.Join(parts, ", ")
}

// otherSlugs lists the findings that were made: those of the table of R51 in
// its order, then the rest by name.
func otherSlugs(m map[string]int64) []string {
	rank := func(slug string) int {
		for i, p := range otherProse {
			if p.slug == slug {
				return i
			}
		}
		return len(otherProse)
	}
	list := slices.DeleteFunc(slices.Sorted(maps.Keys(m)), func(slug string) bool { return m[slug] == 0 })
	slices.SortStableFunc(list, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	return list
}

// gloss says in a few words what a finding means, for the ones whose names do
// not.
func gloss(s *replay.Summary, slug string) string {
	switch slug {
	case replay.GhostCommit:
		text := "timeouts that wrote"
		if c := chanceOf(s, replay.GhostCommit, "duplicated"); c != nil {
			text += fmt.Sprintf("; with duplicates %d, by chance %s", c.Observed, figure(c.Expected))
		}
		return text
	case replay.HarmlessRace:
		if s.DoubleClaims > 0 {
			return fmt.Sprintf("attempted again, written once; of %s %d written twice", few(s.DoubleClaims, "such event"), s.DoubleDuplicated)
		}
	}
	return ""
}

func chanceOf(s *replay.Summary, a, b string) *replay.Chance {
	i := slices.IndexFunc(s.Chance, func(c replay.Chance) bool { return c.A == a && c.B == b })
	if i < 0 {
		return nil
	}
	return &s.Chance[i]
}
