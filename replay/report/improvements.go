package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
)

// WriteImprovements writes future_improvements.md (R107): what would prevent
// such an incident, ranked by effects. Ideas without an effect come
// last in their chapter; safeguards that may lose an event stand in a chapter
// of their own. Text out of the input files is inert in it.
func WriteImprovements(w io.Writer, in *Incident, effects []Effect) error {
	p := planOf(in, effects)
	parts := []string{p.opening(), p.table()}
	for _, c := range p.chapters {
		parts = append(parts, p.chapter("## "+c.title, c.ideas))
	}
	harmful := p.chapter("## Harmful here", p.harmful)
	if harmful != "" {
		harmful = section("## Harmful here", "These could have refused or dropped real events of this incident.", p.ideas(p.harmful))
	}
	return writeDocument(w, append(parts, harmful))
}

// plan is the ideas with their effects, in the order of the document.
type plan struct {
	in       *Incident
	chapters []rankedChapter
	harmful  []rankedIdea
	ranked   []Effect // the harmless ones that have a place in the table, best first
}

type rankedChapter struct {
	title string
	ideas []rankedIdea
}

type rankedIdea struct {
	idea
	effect    Effect
	hasEffect bool
}

func planOf(in *Incident, effects []Effect) *plan {
	p := &plan{in: in}
	best := bestOf(effects)
	for _, c := range chapters {
		r := rankedChapter{title: c.title}
		for _, i := range c.ideas {
			e, ok := best[i.safeguard]
			if ok && e.EventsLost > 0 {
				p.harmful = append(p.harmful, rankedIdea{i, e, true})
			} else {
				r.ideas = append(r.ideas, rankedIdea{i, e, ok})
			}
		}
		slices.SortStableFunc(r.ideas, compareIdeas)
		if len(r.ideas) > 0 {
			p.chapters = append(p.chapters, r)
		}
	}
	slices.SortStableFunc(p.chapters, func(a, b rankedChapter) int { return compareIdeas(a.ideas[0], b.ideas[0]) })
	slices.SortStableFunc(p.harmful, compareIdeas)
	for _, e := range effects {
		if b := best[e.Safeguard]; b == e && e.EventsLost == 0 {
			p.ranked = append(p.ranked, e)
		}
	}
	slices.SortStableFunc(p.ranked, rank)
	return p
}

// bestOf chooses the parameter of each safeguard that does most.
func bestOf(effects []Effect) map[string]Effect {
	best := map[string]Effect{}
	for _, e := range effects {
		b, ok := best[e.Safeguard]
		if !ok || cmp.Or(cmp.Compare(e.EventsLost, b.EventsLost), rank(e, b)) < 0 {
			best[e.Safeguard] = e
		}
	}
	return best
}

func compareIdeas(a, b rankedIdea) int {
	if a.hasEffect != b.hasEffect {
		if a.hasEffect {
			return -1
		}
		return 1
	}
	return rank(a.effect, b.effect)
}

// duplicates is how many there are to prevent.
func (p *plan) duplicates() int64 { return p.in.duplicates() }

func (p *plan) opening() string {
	n := p.duplicates()
	if n == 0 {
		text := "This output has no duplicates, so there is nothing to rank by. "
		if d := p.in.Summary.DoubleClaims; d > 0 {
			text += fmt.Sprintf("Yet %s attempted more than once; that each came out once was luck or the work of a sink that refuses copies. ", counted(d, "event was", "events were"))
		}
		return stack("# What would prevent such duplicates", p.in.bannerText(), text+"The ideas stand in order of general use.")
	}
	const basis = "measured by replaying each safeguard over the recorded attempts: prevented under every reading that the records allow (*for sure*), and under at least one (*at best*)."
	best := ""
	if len(p.ranked) > 0 && p.ranked[0].PreventedHi > 0 {
		best = fmt.Sprintf("**If you do one thing:** `%s`. %s", named(p.ranked[0]), p.prevents(p.ranked[0]))
	}
	return stack("# What would have prevented this", p.in.bannerText(),
		fmt.Sprintf("Ideas against the %s of this incident (see `incident.md`), best first. The figures are %s", counted(n, "duplicate", "duplicates"), basis), best)
}

// named is a safeguard with its parameter.
func named(e Effect) string {
	if e.Parameter == "" {
		return e.Safeguard
	}
	return e.Safeguard + " " + e.Parameter
}

func (p *plan) table() string {
	n := p.duplicates()
	if n == 0 {
		return ""
	}
	g := newGrid("safeguard", ">for sure", ">at best", ">of duplicates", ">keys held")
	left := 0
	for _, e := range p.ranked {
		if e.PreventedHi == 0 {
			left++
			continue
		}
		keys := "-"
		if e.Keys >= 0 {
			keys = number(e.Keys)
		}
		g.add("`"+named(e)+"`", number(e.PreventedLo), number(e.PreventedHi), number(n), keys)
	}
	if len(g.rows) == 0 {
		return ""
	}
	rest := ""
	if left > 0 {
		rest = fmt.Sprintf("%s against none of these duplicates; the chapters below say why.", counted(int64(left), "safeguard helps", "safeguards help"))
	}
	return stack(g.String(), rest)
}

func (p *plan) chapter(heading string, list []rankedIdea) string {
	return section(heading, p.ideas(list))
}

func (p *plan) ideas(list []rankedIdea) string {
	var blocks []string
	for _, i := range list {
		blocks = append(blocks, p.idea(i))
	}
	return stack(blocks...)
}

func (p *plan) idea(i rankedIdea) string {
	heading := "### " + i.title
	if i.safeguard != "" {
		heading += " (`" + i.safeguard + "`)"
	}
	here := ""
	if i.hasEffect && p.duplicates() > 0 {
		here = p.prevents(i.effect) + p.loses(i.effect)
	}
	if i.here != nil {
		if text := i.here(p.in); text != "" && here != "" {
			here += " " + text
		} else {
			here += text
		}
	}
	if here != "" {
		here = "**Here:** " + here
	}
	return section(heading, i.build, bullets([]string{here, "**Cost:** " + i.cost(p.in), "**Blind spot:** " + i.blind}))
}

// prevents says what an effect does to the duplicates.
func (p *plan) prevents(e Effect) string {
	n := p.duplicates()
	if e.PreventedLo == e.PreventedHi {
		return fmt.Sprintf("Would have prevented %s.", shareOf(e.PreventedLo, n, "duplicate", "duplicates"))
	}
	return fmt.Sprintf("Depending on what the records leave open it would have prevented %s to %s of the %s.", number(e.PreventedLo), number(e.PreventedHi), counted(n, "duplicate", "duplicates"))
}

func (p *plan) loses(e Effect) string {
	if e.EventsLost == 0 {
		return ""
	}
	return fmt.Sprintf(" **May lose up to %s.**", counted(e.EventsLost, "real event", "real events"))
}
