package report

import (
	"fmt"
	"maps"
	"slices"

	"holdfast/replay"
	"holdfast/replay/tick"
)

// why tells of the causes, most duplicates first.
func (in *Incident) why() string {
	list := byCount(in.Summary.Causes)
	if len(list) == 0 {
		return ""
	}
	g := newGrid("cause", ">duplicates", ">share", ">proved", ">consistent", ">suspected")
	var total int64
	for _, c := range list {
		total += c.Count
	}
	for _, c := range list {
		g.add("`"+c.slug+"`", number(c.Count), percent(c.Count, total), number(c.Proved), number(c.Consistent), number(c.Suspected))
	}
	grades := "*Proved*: it follows from the records, under the assumptions below. *Consistent*: the records fit, and another cause or an unfinished " +
		"attempt leaves room. *Suspected*: weak evidence. Each duplicate with its cause and evidence is a line of `duplicates.csv`."
	blocks := []string{g.String(), grades}
	for _, c := range list {
		blocks = append(blocks, in.cause(c))
	}
	return section("## Why: the causes", append(blocks, in.modifiers())...)
}

// cause tells of one cause and works an example.
func (in *Incident) cause(c countedCause) string {
	known, ok := replay.ParseCause(c.slug)
	if !ok {
		return ""
	}
	p := proseOf(known)
	if known == replay.UnknownCause && !hasEvents(in.Summary) {
		p.title = "No events, so no cause"
		p.means = "Without the events no row can be tied to what was done when; the copies can be counted and removed, not explained."
		p.shows = "There is no events file."
	}
	return section("### "+p.title, p.means+" How it shows: "+lowered(p.shows)+in.particulars(known), in.bursts(known), in.example(known))
}

// lowered makes the first letter small, but for a word that is all capitals.
func lowered(s string) string {
	if len(s) > 1 && 'A' <= s[0] && s[0] <= 'Z' && !('A' <= s[1] && s[1] <= 'Z') {
		return string(s[0]-'A'+'a') + s[1:]
	}
	return s
}

// particulars are this incident's own figures of a cause.
func (in *Incident) particulars(c replay.Cause) string {
	f := in.Facts
	if f == nil {
		return ""
	}
	switch c {
	case replay.ShortLease, replay.HedgedAttempt:
		if l := f.Lease; l.Known {
			text := fmt.Sprintf(" Here %s of %s between the starts of overlapping attempts %s within 5 %% of %s.",
				number(l.Near), counted(l.Gaps, "gap", "gaps"), oneOf(l.Near, "lies", "lie"), span(l.L))
			if l.Configured {
				text += fmt.Sprintf(" The lease was configured as %s, which agrees.", span(f.Options.Lease))
			}
			return text
		}
	case replay.ConcurrentDoubleClaim:
		return fmt.Sprintf(" Two starts within %s of each other count as one moment here.", span(f.ClaimWindow))
	}
	return ""
}

// bursts lists the restarts.
func (in *Incident) bursts(c replay.Cause) string {
	all := in.Summary.Bursts
	if c != replay.RestartBurst || len(all) == 0 {
		return ""
	}
	g := newGrid("from", "to", "first event", "last event", ">attempts", ">silence before", ">pace")
	for _, b := range all[:min(len(all), shownWindows)] {
		silence, pace := "-", "-"
		if b.SilenceMS != nil {
			silence = span(tick.Nanos(*b.SilenceMS))
		}
		if b.Speed != nil {
			pace = figure(*b.Speed) + " times"
		}
		g.add(clock(tick.Nanos(b.From)), clock(tick.Nanos(b.To)), markdownName(b.FirstEvent), markdownName(b.LastEvent), number(b.Attempts), silence, pace)
	}
	if len(all) > shownWindows {
		return stack(g.String(), fmt.Sprintf("These are the first %d of %s.", shownWindows, counted(int64(len(all)), "burst", "bursts")))
	}
	return g.String()
}

func (in *Incident) example(c replay.Cause) string {
	for i := range in.Examples {
		if e := &in.Examples[i]; e.Duplicate.Cause == c {
			return "> **Example.** " + markdownVoice.story(&e.Case, &e.Duplicate)
		}
	}
	return ""
}

// modifiers tells what more is known of the copies, whatever their cause.
func (in *Incident) modifiers() string {
	f := in.Facts
	if f == nil {
		return ""
	}
	var items []string
	if r := f.Restamp; r.Significant {
		end := "end"
		if r.FollowsStart {
			end = "start"
		}
		items = append(items, fmt.Sprintf("`restamped-emission`: %s. Over %s the correlation with the attempt's %s is %s.",
			restampProse, counted(r.N, "copy", "copies"), end, figure(max(abs(r.Start), abs(r.End)))))
	}
	if r := f.Reread; r.Significant {
		items = append(items, fmt.Sprintf("`mutable-state-reread`: %s. So it is for %s of the %s that could be tested; chance would give %s.",
			rereadProse, number(r.Hits), counted(r.Tested, "copy", "copies"), figure(r.Expected)))
	}
	for _, b := range f.Batches[:min(len(f.Batches), shownWindows)] {
		items = append(items, fmt.Sprintf("`batch-replay`: rows %d to %d of the output are copies, one after the other.", b.First, b.Last))
	}
	return section("### What else the copies show", bullets(items))
}

func abs(x float64) float64 { return max(x, -x) }

// whatElse lists the findings that are not duplicates.
func (in *Incident) whatElse() string {
	s := in.Summary
	g := newGrid("finding", ">count", "what it is")
	for _, slug := range otherSlugs(s.Other) {
		g.add("`"+slug+"`", number(s.Other[slug]), meaningOf(slug))
	}
	if len(g.rows) == 0 {
		return ""
	}
	return section("## What else was found", g.String(), in.doubleClaims())
}

// doubleClaims says how often a second attempt led to a second row.
func (in *Incident) doubleClaims() string {
	s := in.Summary
	if s.DoubleClaims == 0 || s.Other[replay.HarmlessRace] == 0 {
		return ""
	}
	return fmt.Sprintf("Of %s attempted more than once, %s came out more than once (%s); the others were ordinary retries or races that happened to do no harm.",
		counted(s.DoubleClaims, "event", "events"), number(s.DoubleDuplicated), percent(s.DoubleDuplicated, s.DoubleClaims))
}

// meaningOf explains a finding.
func meaningOf(slug string) string {
	for _, p := range otherProse {
		if p.slug == slug {
			return p.means
		}
	}
	return flagProse[slug]
}

// clocks lists the workers whose clocks are off, by name.
func (in *Incident) clocks() []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(in.Summary.Clock)) {
		list = append(list, fmt.Sprintf("%s %s ms", markdownName(name), millis(tick.Nanos(in.Summary.Clock[name]))))
	}
	return list
}
