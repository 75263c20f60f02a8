package match

import (
	"cmp"
	"iter"
	"slices"

	"holdfast/replay"
	"holdfast/replay/tick"
)

// Link finds the event of each leftover row. Items come in (symbol, time,
// events before rows, price, id or N) order. Every row is given to emit exactly
// once, as an orphan if nothing is in reach. Without a tolerance to be had all
// rows are orphans and Totals says why; the only error is ErrOrder, after which
// the remaining rows are not given out.
func Link(items iter.Seq[Item], c Config, emit func(replay.Match)) (Totals, error) {
	c.Limits.setDefaults()
	l := linker{items: items, config: c}
	if err := l.count(); err != nil {
		return Totals{}, err
	}
	if l.rows.seen == 0 {
		return nothing(c.Tolerance), nil
	}
	l.chooseBand()
	if l.totals.Null == nullNone {
		return l.orphans(emit), nil
	}
	m := newMatcher(l.learn(), c.Limits)
	m.totals = l.totals
	m.multis = l.survey.byClass() && l.totals.Null != nullShift
	return m.run(items, emit)
}

// nothing is what there is to say when no row is left over.
func nothing(t Tolerance) Totals {
	if t.Mode == Given {
		return Totals{Band: t.Band, Null: nullGiven, AccidentalKnown: true}
	}
	return Totals{Null: nullNone}
}

// Where a band comes from (R33).
const (
	nullAttempts = "attempts"
	nullShift    = "time-shift"
	nullGiven    = "given"
	nullDefault  = "default"
	nullNone     = "none"
)

// run pushes all items.
func (m *Matcher) run(items iter.Seq[Item], emit func(replay.Match)) (Totals, error) {
	var err error
	for it := range items {
		var done []replay.Match
		if done, err = m.Push(it); err != nil {
			return m.totals, err
		}
		for _, x := range done {
			emit(x)
		}
	}
	done, totals := m.Close()
	for _, x := range done {
		emit(x)
	}
	return totals, nil
}

// linker holds what the passes before the matching learn of the file.
type linker struct {
	items  iter.Seq[Item]
	config Config
	totals Totals

	rows    *sampler[Row]
	prices  *sampler[tick.Price] // of events
	multis  *sampler[dot]        // events of several attempts
	survey  survey
	free    [slotKinds]int64 // slots that the events have left
	density float64          // rows times events per nanosecond, summed over symbols
}

// count is the first pass: how much there is of everything, and samples.
func (l *linker) count() error {
	l.rows = newSampler[Row](l.config.Limits.SampleRows)
	l.prices = newSampler[tick.Price](priceSample)
	l.multis = newSampler[dot](l.config.Limits.SampleRows)
	var t tract
	var last value
	var nth, paired int64 // paired: events of several attempts right after another one
	var previous class
	first := true
	for it := range l.items {
		v := valueOf(it)
		if !first && (v.symbol < last.symbol || v.symbol == last.symbol && v.time < last.time) {
			return orderError(v.symbol, v.time, last.symbol, last.time)
		}
		if first || v.symbol != last.symbol {
			l.density += t.density()
			t, previous = tract{}, untried
		}
		if nth++; v != last || first {
			nth = 0
		}
		first, last = false, v
		l.survey.span.add(v.time)
		t.span.add(v.time)
		if it.Row != nil {
			t.rows++
			l.rows.add(valueHash(v.symbol, int64(v.time), int64(v.price), nth), *it.Row)
			continue
		}
		t.events++
		l.prices.add(valueHash(v.symbol, int64(v.time), int64(v.price), 0), v.price)
		k := l.countEvent(it.Event)
		if k == multi {
			l.multis.add(valueHash(v.symbol, int64(v.time), int64(v.price), 0), dot{symbol: v.symbol, time: v.time, price: v.price, class: k})
			if previous == multi {
				paired++
			}
		}
		previous = k
	}
	l.density += t.density()
	l.survey.clustered = clustered(paired, l.survey.multi, l.survey.single)
	return nil
}

func (l *linker) countEvent(e *Event) class {
	s := supplyOf(e, l.config.HaveWorkers)
	l.free[canonicalSlot] += int64(s.canonical)
	l.free[extraSlot] += int64(s.extra)
	k := classOf(e)
	switch k {
	case single:
		l.survey.single++
	case multi:
		l.survey.multi++
	}
	return k
}

// clustered reports whether events of several attempts stand next to each other
// far more often than if they were strewn at random, as after a replayed burst.
// Then one-attempt events are not where they are, and no control for them.
func clustered(paired, multis, singles int64) bool {
	if multis == 0 {
		return false
	}
	expected := float64(multis) * float64(float64(multis)/float64(multis+singles))
	d := float64(paired) - expected
	return d > 10 && float64(d*d) > float64(25*expected)
}

// chooseBand settles the tolerance (R32, R33).
func (l *linker) chooseBand() {
	l.prepareSurvey()
	switch l.config.Tolerance.Mode {
	case Given:
		l.totals.Band, l.totals.Null = l.config.Tolerance.Band, nullGiven
		l.totals.Accidental, l.totals.AccidentalKnown = l.survey.accidental(l.totals.Band)
	case None:
		l.totals.Null = nullNone
	default:
		l.readBand()
	}
	l.totals.Accidental = l.survey.scaleUp(l.totals.Accidental)
}

// readBand reads the tolerance off the data, or falls back as R33c and R33d say.
func (l *linker) readBand() {
	b, c, kind, err := l.survey.calibrate()
	switch err {
	case nil:
		l.totals.Band, l.totals.Null = b, kind
		l.totals.Accidental, l.totals.AccidentalKnown = c.Accidental, true
	case ErrTooFew:
		l.totals.Band, l.totals.Null, l.totals.Reason = defaultBand(l.survey.median), nullDefault, err
		l.totals.Accidental, l.totals.AccidentalKnown = l.survey.accidental(l.totals.Band)
	default:
		l.totals.Null, l.totals.Reason = nullNone, err
	}
}

// defaultBand is the tolerance of R33c: a second on either side, and 0.1 % of
// the median price.
func defaultBand(median tick.Price) Band {
	return Band{Early: 1e9, Late: 1e9, Price: median / 1000}
}

// prepareSurvey makes the sample into what a survey compares the events with.
func (l *linker) prepareSurvey() {
	s := &l.survey
	for _, r := range l.rows.kept {
		s.sample = append(s.sample, dot{symbol: r.Symbol, time: r.Time, price: r.Price, self: r.N})
	}
	slices.SortFunc(s.sample, compareDots)
	s.multis = l.multis.kept
	slices.SortFunc(s.multis, compareDots)
	slices.SortFunc(l.rows.kept, func(a, b Row) int {
		return cmp.Or(cmp.Compare(a.Symbol, b.Symbol), cmp.Compare(a.Time, b.Time),
			cmp.Compare(a.Price, b.Price), cmp.Compare(a.N, b.N))
	})
	s.rows, s.fixedPrice, s.median = l.rows.seen, -1, medianPrice(l.prices.kept)
	s.density = float64(2*l.density) * float64(float64(len(s.sample))/float64(s.rows))
	s.dots = func(yield func(dot) bool) {
		for it := range l.items {
			if it.Event == nil {
				continue
			}
			e := it.Event
			if !yield(dot{symbol: e.Symbol, time: e.Time, price: e.Price, class: classOf(e)}) {
				return
			}
		}
	}
}

// orphans gives out every row as it came.
func (l *linker) orphans(emit func(replay.Match)) Totals {
	for it := range l.items {
		if it.Row != nil {
			l.totals.Rows++
			l.totals.Orphans++
			emit(replay.Match{Row: it.Row.Row})
		}
	}
	return l.totals
}

// learn is the pass that learns what the residuals in the band look like (R35).
func (l *linker) learn() model {
	b := l.totals.Band
	k := learner{of: l.rows.seen, free: l.free, learnPrior: l.config.HaveWorkers}
	k.m.workers, k.m.traits[beside].on = l.config.HaveWorkers, l.config.Adjacency
	if l.config.Clock != nil {
		var note string
		if k.m.dial, note = l.config.Clock.dial(b.Early + b.Late); note != "" {
			l.totals.Notes = append(l.totals.Notes, note)
		}
	}
	k.m.traits[follows].on = k.m.dial != nil
	l.totals.CommitOrder = k.m.dial != nil
	k.rows = l.observe(b, &k.m)
	k.prepare(b)
	l.totals.Rounds = k.learn()
	return k.m
}

// observe joins the events with the sampled rows.
func (l *linker) observe(b Band, m *model) [][]observation {
	seen := make([][]observation, len(l.rows.kept))
	j := joiner{sample: l.survey.sample}
	for it := range l.items {
		if it.Event == nil {
			continue
		}
		e := it.Event
		d := dot{symbol: e.Symbol, time: e.Time, price: e.Price}
		j.pairs(d, b.Early, b.Late, func(i int) {
			r := &l.rows.kept[i]
			dt, dp := minus(r.Time, e.Time), minus(r.Price, e.Price)
			if !b.Holds(dt, dp) || len(seen[i]) > maxObservations {
				return
			}
			seen[i] = append(seen[i], observation{
				dt: int64(dt), dp: int64(dp), slot: supplyOf(e, m.workers).first(),
				place: m.dial.place(r.Bracket, e.Attempts), answers: ask(e, r.Row),
			})
		})
	}
	return slices.DeleteFunc(seen, func(o []observation) bool { return len(o) > maxObservations })
}
