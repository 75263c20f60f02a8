package audit

import (
	"context"
	"io"
	"iter"
	"os"
	"slices"

	"holdfast/internal/vfs"
	"holdfast/replay"
	"holdfast/replay/report"
	"holdfast/replay/whatif"
)

// WhatIf analyses the files of c, replays every safeguard over them, and writes
// whatif.csv into c.Out. With closedLoop it also lets the queue hand events out
// at other moments.
func WhatIf(ctx context.Context, c Config, closedLoop bool) (*whatif.Result, []string, error) {
	a, err := newAudit(ctx, c)
	defer a.w.close()
	if err != nil {
		return nil, nil, err
	}
	if err := os.MkdirAll(c.Out, 0o777); err != nil {
		return nil, nil, err
	}
	a.closedLoop = closedLoop
	if err := a.analyse(); err != nil {
		return nil, nil, err
	}
	set := vfs.NewSet(a.cfg.FS)
	defer set.Abort()
	if err := a.file(set, "whatif.csv", a.writeWhatIf); err != nil {
		return nil, nil, err
	}
	return a.out.whatif, a.warn(), set.Commit()
}

func (a *audit) writeWhatIf(w io.Writer) error {
	t := report.NewWhatIf(w, report.CSVOptions{Safe: a.cfg.CSVSafe})
	for _, list := range [][]whatif.Outcome{a.out.whatif.Outcomes, a.out.whatif.ClosedLoop} {
		if err := writeTable(t, each(list)); err != nil {
			return err
		}
	}
	return t.Flush()
}

// fate is what the safeguards would have done to a duplicate.
type fate struct {
	row int64
	whatif.Fate
}

// weigh replays the safeguards over what was judged: once over the cases for
// the facts of all of them, once over the rows by their values, and once over
// the cases again.
func (a *audit) weigh() error {
	a.step("what if", 0, 0)
	scout := whatif.NewScout()
	rows := newTable(a.w, keyValueRow, encodeValueRow, decodeValueRow)
	for c := range a.case_.all() {
		scout.Add(&c)
		for _, r := range whatif.RowsOf(&c, &a.out.pop) {
			rows.add(r)
		}
	}
	for m := range a.link_.orphansAll() {
		rows.add(whatif.Orphan(m.Row))
	}
	facts := scout.Facts()
	band := a.link_.totals.Band
	a.out.safeguards = whatif.Standard(facts, max(band.Early, band.Late), band.Price)
	for _, more := range a.cfg.Safeguards {
		if !slices.Contains(a.out.safeguards, more) {
			a.out.safeguards = append(a.out.safeguards, more)
		}
	}

	marks := peek(a.markRows(rows.done()).all())
	defer marks.stop()
	fates := newTable(a.w, func(e *encoder, f fate) { e.keyInt(f.row) },
		func(e *encoder, f fate) { e.int(f.row); e.uint(f.Prevented); e.uint(f.Possibly) },
		func(d *decoder) fate { return fate{d.int(), whatif.Fate{Prevented: d.uint(), Possibly: d.uint()}} })
	study := whatif.NewStudy(whatif.Config{
		Safeguards: a.out.safeguards, Population: &a.out.pop, Facts: facts, ClosedLoop: a.closedLoop,
	})
	var f replay.Findings
	var n int64
	var own []whatif.Mark
	for c := range a.case_.all() {
		own = own[:0]
		for marks.ok && marks.head.EventTime == c.Event.Time && marks.head.Event == c.Event.ID {
			own = append(own, marks.take())
		}
		f.Duplicates = f.Duplicates[:0]
		if len(c.Rows) > 1 || c.Twin != "" {
			replay.ClassifyInto(&f, &c, &a.out.pop)
		}
		for i, x := range study.Add(&c, &f, own) {
			fates.add(fate{f.Duplicates[i].Row.N, x})
		}
		if n++; n%checkEvery == 0 {
			a.step("what if", n, a.events)
		}
	}
	a.out.whatif, a.out.fates = study.Result(), fates.done()
	return a.w.err
}

// markRows finds the rows that safeguards by value would refuse, in the order
// of the cases.
func (a *audit) markRows(rows *table[whatif.Row]) *table[whatif.Mark] {
	defer rows.close()
	marks := newTable(a.w, func(e *encoder, m whatif.Mark) { e.keyTime(m.EventTime); e.keyStr(m.Event); e.keyInt(m.Row) },
		func(e *encoder, m whatif.Mark) {
			e.int(m.Row)
			e.time(m.EventTime)
			e.str(m.Event)
			e.uint(m.Sure)
			e.uint(m.Maybe)
		},
		func(d *decoder) whatif.Mark {
			return whatif.Mark{Row: d.int(), EventTime: d.time(), Event: d.str(), Sure: d.uint(), Maybe: d.uint()}
		})
	values := whatif.NewValues(a.out.safeguards, &a.out.pop, func(m whatif.Mark) {
		if m.Event != "" {
			marks.add(m)
		}
	})
	for r := range rows.all() {
		values.Add(r)
	}
	values.Close()
	return marks.done()
}

// orphansAll are the rows without event, if there were events to look for.
func (l *linked) orphansAll() iter.Seq[replay.Match] {
	if l.orphans == nil {
		return func(func(replay.Match) bool) {}
	}
	return l.orphans.all()
}

func keyValueRow(e *encoder, r whatif.Row) {
	e.keyStr(r.Symbol)
	e.keyTime(r.Time)
	e.keyPrice(r.Price)
	e.keyInt(r.N)
}

func encodeValueRow(e *encoder, r whatif.Row) {
	e.int(r.N)
	e.str(r.Symbol)
	e.time(r.Time)
	e.price(r.Price)
	e.time(r.From)
	e.time(r.To)
	e.time(r.EventTime)
	e.str(r.Event)
}

func decodeValueRow(d *decoder) whatif.Row {
	return whatif.Row{
		N: d.int(), Symbol: d.name(), Time: d.time(), Price: d.price(), From: d.time(), To: d.time(), EventTime: d.time(), Event: d.str(),
	}
}
