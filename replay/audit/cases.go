package audit

import (
	"iter"

	"holdfast/replay"
	"holdfast/replay/match"
	"holdfast/replay/tick"
)

// twin says that an event seems to repeat an earlier one under another id.
type twin struct {
	time    tick.Nanos // of the later event
	id      string
	earlier string
	row     int64 // the earlier event's row
}

// quote is the price in force when an attempt of an event ended.
type quote struct {
	time    tick.Nanos // of the event
	id      string
	attempt int
	quote   replay.Quote
}

func newTwins(w *workspace) *builder[twin] {
	return newTable(w, func(e *encoder, t twin) { e.keyTime(t.time); e.keyStr(t.id) },
		func(e *encoder, t twin) { e.time(t.time); e.str(t.id); e.str(t.earlier); e.int(t.row) },
		func(d *decoder) twin { return twin{d.time(), d.str(), d.str(), d.int()} })
}

func newQuotes(w *workspace) *builder[quote] {
	return newTable(w, func(e *encoder, q quote) { e.keyTime(q.time); e.keyStr(q.id); e.keyInt(int64(q.attempt)) },
		func(e *encoder, q quote) {
			e.time(q.time)
			e.str(q.id)
			e.int(int64(q.attempt))
			e.str(q.quote.Event)
			e.price(q.quote.Price)
		},
		func(d *decoder) quote {
			return quote{d.time(), d.str(), int(d.int()), replay.Quote{Event: d.str(), Price: d.price()}}
		})
}

// caseTables hold all that is known of each event, in pieces that are ordered
// alike: by the event's time, then id.
type caseTables struct {
	cases   *table[replay.EventCase]
	twins   *table[twin]
	quotes  *table[quote]
	unknown *table[replay.EventCase] // ids that only the worker log knows, by id
}

// gather joins events, attempts and rows into cases. On the way it collects
// what needs other events to be judged: possible twins, and the moments at
// which a price in force is asked for.
func (a *audit) gather() error {
	a.step("join", 0, 0)
	cases := newTable(a.w, keyCase, encodeCase, decodeCase)
	unknown := newTable(a.w, keyCase, encodeCase, decodeCase)
	singles := newTable(a.w, keySlot, encodeSlot, decodeSlot)
	asked := newTable(a.w, keyQuestion, encodeQuestion, decodeQuestion)
	matches := peek(a.link_.byOwner.all())
	defer matches.stop()
	for c := range a.joined.all() {
		for matches.ok && matches.head.Owner == c.Event.ID {
			c.Rows = append(c.Rows, matches.take())
		}
		if c.Unknown {
			unknown.add(c)
			continue
		}
		cases.add(c)
		if len(c.Attempts) == 1 && len(c.Rows) == 1 && !a.cfg.NoTwins {
			singles.add(single(c))
		}
		if shiftedPrice(c) {
			ask(asked, c)
		}
	}
	a.joined.close()
	a.link_.byOwner.close()
	a.case_.cases, a.case_.unknown = cases.done(), unknown.done()
	a.findTwins(singles.done())
	a.findQuotes(asked.done())
	return a.w.err
}

// single is an event with one attempt and one row, as Twins looks at it.
func single(c replay.EventCase) match.Event {
	return match.Event{
		IDs: []string{c.Event.ID}, Symbol: c.Event.Symbol, Time: c.Event.Time, Price: c.Event.Price, FirstRow: c.Rows[0].Row.N,
	}
}

// findTwins looks for sources that emitted an event under two ids (D10).
func (a *audit) findTwins(singles *table[match.Event]) {
	defer singles.close()
	twins := newTwins(a.w)
	if singles.len() > 0 {
		a.step("source twins", 0, 0)
		_, err := match.Twins(singles.all(), match.TwinConfig{Window: a.cfg.SourceWindow}, func(earlier, later match.Event) {
			twins.add(twin{later.Time, later.IDs[0], earlier.IDs[0], earlier.FirstRow})
		})
		a.w.fail(err)
	}
	a.case_.twins = twins.done()
}

// A question asks for the price of a symbol in force at some time.
type question struct {
	symbol  string
	at      tick.Nanos
	time    tick.Nanos // the asking event's time
	id      string
	attempt int
}

func keyQuestion(e *encoder, q question) {
	e.keyStr(q.symbol)
	e.keyTime(q.at)
	e.keyStr(q.id)
	e.keyInt(int64(q.attempt))
}

func encodeQuestion(e *encoder, q question) {
	e.str(q.symbol)
	e.time(q.at)
	e.time(q.time)
	e.str(q.id)
	e.int(int64(q.attempt))
}

func decodeQuestion(d *decoder) question {
	return question{d.name(), d.time(), d.time(), d.str(), int(d.int())}
}

// ask asks for the prices in force at the ends of an event's attempts.
func ask(asked *builder[question], c replay.EventCase) {
	for i, at := range c.Attempts {
		if !at.Open && at.End >= at.Start {
			asked.add(question{c.Event.Symbol, at.End, c.Event.Time, c.Event.ID, i})
		}
	}
}

// findQuotes looks up the prices in force at the ends of attempts, for the
// events that have a row with another price than theirs (D12).
func (a *audit) findQuotes(questions *table[question]) {
	defer questions.close()
	quotes := newQuotes(a.w)
	if questions.len() > 0 {
		a.step("prices in force", 0, 0)
		a.answer(questions.all(), quotes)
	}
	a.case_.quotes = quotes.done()
}

func shiftedPrice(c replay.EventCase) bool {
	for _, m := range c.Rows {
		if m.Row.Price != c.Event.Price {
			return true
		}
	}
	return false
}

// answer walks questions and events by (symbol, time) and gives each question
// the last event of its symbol that is not after it and not the asking event.
func (a *audit) answer(questions iter.Seq[question], quotes *builder[quote]) {
	bySymbol := newTable(a.w, keyEvent, encodeEvent, decodeEvent)
	for c := range a.case_.cases.all() {
		bySymbol.add(c.Event)
	}
	sorted := bySymbol.done()
	defer sorted.close()
	events := peek(sorted.all())
	defer events.stop()
	var last, before replay.Event // the two latest, so that the asking event can be passed over
	for q := range questions {
		for events.ok && (events.head.Symbol < q.symbol || events.head.Symbol == q.symbol && events.head.Time <= q.at) {
			last, before = events.take(), last
		}
		v := last
		if v.ID == q.id {
			v = before
		}
		if v.Symbol == q.symbol && v.ID != "" {
			quotes.add(quote{q.time, q.id, q.attempt, replay.Quote{Event: v.ID, Price: v.Price}})
		}
	}
}

// all yields every event's case, complete, in (time, id) order.
func (t *caseTables) all() iter.Seq[replay.EventCase] {
	return func(yield func(replay.EventCase) bool) {
		twins, quotes := peek(t.twins.all()), peek(t.quotes.all())
		defer twins.stop()
		defer quotes.stop()
		var rank int64
		for c := range t.cases.all() {
			c.Rank = rank
			rank++
			for twins.ok && twins.head.id == c.Event.ID && twins.head.time == c.Event.Time {
				tw := twins.take()
				c.Twin, c.TwinRow = tw.earlier, tw.row
			}
			for quotes.ok && quotes.head.id == c.Event.ID && quotes.head.time == c.Event.Time {
				q := quotes.take()
				if c.Quotes == nil {
					c.Quotes = make([]replay.Quote, len(c.Attempts))
				}
				c.Quotes[q.attempt] = q.quote
			}
			if !yield(c) {
				return
			}
		}
	}
}
