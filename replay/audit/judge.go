package audit

import (
	"iter"

	"holdfast/replay"
	"holdfast/replay/report"
	"holdfast/replay/whatif"
)

// judged is what the audit found, each part in the order of its file.
type judged struct {
	pop        replay.Population
	tally      *replay.Tally
	symbols    replay.SymbolTally
	duplicates *table[replay.Duplicate]     // by row
	entries    *table[replay.TimelineEntry] // by start, event, number
	analyses   *table[replay.Analysis]      // by instant, symbol, view, event
	decisions  *table[replay.Decision]      // by row
	gallery    report.Gallery               // a worked example for each cause
	stories    report.Stories               // duplicates to be told on the page
	collision  *replay.Analysis             // the first key group of different events
	found      bool                         // the event that the trace is to lie around was attempted

	safeguards []whatif.Safeguard
	whatif     *whatif.Result
	fates      *table[fate] // of the duplicates that some safeguard may prevent or not, by row
}

// collector takes findings while they are made.
type collector struct {
	*judged
	duplicates *builder[replay.Duplicate]
	entries    *builder[replay.TimelineEntry]
	analyses   *builder[replay.Analysis]
	decisions  *builder[replay.Decision]
	keyRows    *builder[replay.KeyRow]
	grouped    bitset
	around     string // Config.Around
}

// judge says of every event what happened to it, under the facts that only the
// whole population shows.
func (a *audit) judge() error {
	a.step("survey", 0, 0)
	retries := a.retries()
	a.out.pop = replay.Survey(replay.Streams{
		ByWorker: a.byWorker.all(), ByStart: retries.all(), Cases: a.case_.all(),
	}, a.surveyOptions())
	retries.close()
	a.byWorker.close()
	if a.w.err != nil {
		return a.w.err
	}

	c := a.newCollector()
	var f replay.Findings
	var n int64
	for x := range a.case_.all() {
		replay.ClassifyInto(&f, &x, &a.out.pop)
		c.add(&x, &f)
		if n++; n%checkEvery == 0 {
			a.step("judge", n, a.events)
		}
	}
	for x := range a.case_.unknown.all() {
		replay.ClassifyInto(&f, &x, &a.out.pop)
		c.add(&x, &f)
	}
	a.judgeOrphans(c)
	c.keyGroups()

	a.out.duplicates, a.out.entries = c.duplicates.done(), c.entries.done()
	a.out.analyses, a.out.decisions = c.analyses.done(), c.decisions.done()
	return a.w.err
}

// retries are the attempts that are not their event's first.
func (a *audit) retries() *table[replay.Retry] {
	b := newTable(a.w, func(e *encoder, r replay.Retry) { e.keyTime(r.Start); e.keyInt(r.Rank); e.keyInt(int64(r.Position)) },
		encodeRetry, decodeRetry)
	for c := range a.case_.all() {
		for i, at := range c.Attempts[min(1, len(c.Attempts)):] {
			b.add(replay.Retry{Attempt: at, Rank: c.Rank, Position: i + 1, First: c.Attempts[0].Start})
		}
	}
	return b.done()
}

func (a *audit) surveyOptions() replay.Options {
	return replay.Options{
		Mode: a.mode(), Closed: a.cfg.Closed, Lease: a.cfg.Lease, ReplayGap: a.cfg.ReplayGap,
		CollapseSource: a.cfg.CollapseSource, CommitOrder: a.link_.totals.CommitOrder,
	}
}

func (a *audit) newCollector() *collector {
	a.out.tally = replay.NewTally(&a.out.pop)
	return &collector{
		judged:  &a.out,
		around:  a.cfg.Around,
		grouped: a.link_.grouped,
		duplicates: newTable(a.w, func(e *encoder, d replay.Duplicate) { e.keyInt(d.Row.N) },
			encodeDuplicate, decodeDuplicate),
		entries: newTable(a.w, func(e *encoder, t replay.TimelineEntry) {
			e.keyTime(t.Start)
			e.keyStr(t.Event)
			e.keyInt(int64(t.Number))
		}, encodeEntry, decodeEntry),
		analyses: newTable(a.w, func(e *encoder, x replay.Analysis) {
			e.keyTime(x.Time)
			e.keyStr(x.Symbol)
			e.keyStr(x.View.String())
			e.keyStr(x.EventID)
		}, encodeAnalysis, decodeAnalysis),
		decisions: newTable(a.w, keyDecision, encodeDecision, decodeDecision),
		keyRows: newTable(a.w, func(e *encoder, r replay.KeyRow) {
			e.keyStr(r.Row.Symbol)
			e.keyTime(r.Row.Time)
			e.keyStr(r.Owner)
			e.keyInt(r.Row.N)
		}, encodeKeyRow, decodeKeyRow),
	}
}

// add takes the findings of one event, known or not.
func (c *collector) add(x *replay.EventCase, f *replay.Findings) {
	c.tally.Add(x, f)
	c.symbols.Event(x, f, &c.pop)
	c.gallery.Add(x, f)
	c.stories.Add(x, f)
	for _, t := range f.Timeline {
		c.found = c.found || t.Event == c.around
		c.entries.add(t)
	}
	if line, ok := replay.AnalyseEvent(x, f, &c.pop); ok {
		c.analyses.add(line)
	}
	for i := range f.Duplicates {
		d := &f.Duplicates[i]
		c.duplicates.add(*d)
		if d.Removed {
			c.decisions.add(removal(d))
		}
	}
	for i, m := range x.Rows {
		if c.grouped.has(m.Row.N) {
			c.keyRows.add(replay.KeyRowOf(x, f, &c.pop, i))
		}
	}
}

func removal(d *replay.Duplicate) replay.Decision {
	return replay.Decision{
		Row: d.Row.N, Removed: true, KeptRow: d.CanonicalRow, Reason: "duplicate-event", EventIDs: d.EventIDs, Label: d.Label,
	}
}

// keyGroups judges the rows that share a (symbol, timestamp).
func (c *collector) keyGroups() {
	rows := c.keyRows.done()
	defer rows.close()
	groups := replay.KeyGroups{Emit: func(line replay.Analysis) {
		c.analyses.add(line)
		c.tally.Key(line)
		c.symbols.Key(line)
		if c.collision == nil && line.Verdict == replay.VerdictCollision {
			c.collision = &line
		}
	}}
	for r := range rows.all() {
		groups.Add(r)
	}
	groups.Close()
}

// groups yields the rows of each event that has more than one, for another
// rule of keeping than the truth.
func (a *audit) groups(by replay.Grouping) iter.Seq[replay.Group] {
	return func(yield func(replay.Group) bool) {
		for c := range a.case_.all() {
			if len(c.Rows) > 1 && !yield(replay.Group{By: by, Rows: c.Rows}) {
				return
			}
		}
	}
}
