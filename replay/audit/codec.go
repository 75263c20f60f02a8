package audit

import (
	"encoding/binary"
	"math"

	"holdfast/replay"
	"holdfast/replay/match"
	"holdfast/replay/tick"
)

// Records travel through the external sorts as bytes: numbers as varints,
// texts with their length in front, lists with their count in front. The
// format lives no longer than one run, so it has no version.

type encoder []byte

func (e *encoder) uint(n uint64)      { *e = binary.AppendUvarint(*e, n) }
func (e *encoder) int(n int64)        { *e = binary.AppendVarint(*e, n) }
func (e *encoder) time(t tick.Nanos)  { e.int(int64(t)) }
func (e *encoder) price(p tick.Price) { e.int(int64(p)) }
func (e *encoder) float(f float64)    { *e = binary.BigEndian.AppendUint64(*e, math.Float64bits(f)) }

func (e *encoder) str(s string) {
	e.uint(uint64(len(s)))
	*e = append(*e, s...)
}

func (e *encoder) bool(b bool) {
	if b {
		*e = append(*e, 1)
	} else {
		*e = append(*e, 0)
	}
}

// decoder reads what encoder wrote, in the same order. Texts that repeat
// (symbols, workers) are shared through names.
type decoder struct {
	b     []byte
	names names
}

func (d *decoder) uint() uint64 {
	n, size := binary.Uvarint(d.b)
	d.b = d.b[size:]
	return n
}

func (d *decoder) int() int64 {
	n, size := binary.Varint(d.b)
	d.b = d.b[size:]
	return n
}

func (d *decoder) time() tick.Nanos  { return tick.Nanos(d.int()) }
func (d *decoder) price() tick.Price { return tick.Price(d.int()) }

func (d *decoder) float() float64 {
	f := math.Float64frombits(binary.BigEndian.Uint64(d.b))
	d.b = d.b[8:]
	return f
}

func (d *decoder) raw() []byte {
	n := d.uint()
	b := d.b[:n]
	d.b = d.b[n:]
	return b
}

func (d *decoder) str() string  { return string(d.raw()) }
func (d *decoder) name() string { return d.names.get(d.raw()) }

func (d *decoder) bool() bool {
	b := d.b[0] != 0
	d.b = d.b[1:]
	return b
}

// maxNames bounds the shared texts: beyond it a text is simply copied.
const maxNames = 1 << 14

type names map[string]string

func (n names) get(b []byte) string {
	if s, ok := n[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(n) < maxNames {
		n[s] = s
	}
	return s
}

func encodeList[T any](e *encoder, list []T, one func(*encoder, T)) {
	e.uint(uint64(len(list)))
	for _, x := range list {
		one(e, x)
	}
}

func decodeList[T any](d *decoder, one func(*decoder) T) []T {
	n := d.uint()
	if n == 0 {
		return nil
	}
	list := make([]T, n)
	for i := range list {
		list[i] = one(d)
	}
	return list
}

func encodeEvent(e *encoder, v replay.Event) {
	e.str(v.ID)
	e.time(v.Time)
	e.str(v.Symbol)
	e.price(v.Price)
}

func decodeEvent(d *decoder) replay.Event {
	return replay.Event{ID: d.str(), Time: d.time(), Symbol: d.name(), Price: d.price()}
}

// An attempt's event is not written: the record around it knows it.
func encodeAttempt(e *encoder, a replay.Attempt) {
	e.str(a.Worker)
	e.time(a.Start)
	e.bool(a.Open)
	e.int(int64(a.End - a.Start))
	e.uint(uint64(a.Status))
	e.uint(uint64(a.Lines))
}

func decodeAttempt(d *decoder) replay.Attempt {
	a := replay.Attempt{Worker: d.name(), Start: d.time(), Open: d.bool()}
	a.End = a.Start + d.time()
	a.Status = replay.Status(d.uint())
	a.Lines = int(d.uint())
	return a
}

func decodeAttemptsOf(d *decoder, event string) []replay.Attempt {
	list := decodeList(d, decodeAttempt)
	for i := range list {
		list[i].Event = event
	}
	return list
}

// The usual spellings of a time are told by a code instead of their text.
const (
	spelledShort  = iota // as tick.Nanos.String
	spelledMicros        // with six digits of fraction
	spelledOther
)

func encodeRow(e *encoder, r replay.Row) {
	e.uint(uint64(r.N))
	e.str(r.Symbol)
	e.time(r.Time)
	e.price(r.Price)
	e.spelling(r.Time, r.TimeText)
}

// spelling writes how a file spells a time.
func (e *encoder) spelling(t tick.Nanos, text string) {
	var buf [40]byte
	short := t.Append(buf[:0])
	switch {
	case string(short) == text:
		e.uint(spelledShort)
	case string(withMicros(short)) == text:
		e.uint(spelledMicros)
	default:
		e.uint(spelledOther)
		e.str(text)
	}
}

func (d *decoder) spelling(t tick.Nanos) string {
	switch d.uint() {
	case spelledShort:
		return t.String()
	case spelledMicros:
		var buf [40]byte
		return string(withMicros(t.Append(buf[:0])))
	default:
		return d.str()
	}
}

func decodeRow(d *decoder) replay.Row {
	r := replay.Row{N: int64(d.uint()), Symbol: d.name(), Time: d.time(), Price: d.price()}
	r.TimeText = d.spelling(r.Time)
	return r
}

// withMicros pads the fraction of an RFC 3339 time in UTC to six digits, as
// Python's isoformat spells it.
func withMicros(short []byte) []byte {
	const whole, padded = len("2006-01-02T15:04:05Z"), len("2006-01-02T15:04:05.000000Z")
	if len(short) <= whole || len(short) >= padded {
		return short
	}
	short = short[:len(short)-1]
	for len(short) < padded-1 {
		short = append(short, '0')
	}
	return append(short, 'Z')
}

func encodeAlt(e *encoder, a replay.Alt) {
	encodeList(e, a.IDs, (*encoder).str)
	e.float(a.Posterior)
}

func decodeAlt(d *decoder) replay.Alt {
	return replay.Alt{IDs: decodeList(d, (*decoder).str), Posterior: d.float()}
}

func encodeMatch(e *encoder, m replay.Match) {
	encodeRow(e, m.Row)
	encodeList(e, m.IDs, (*encoder).str)
	e.str(m.Owner)
	e.uint(uint64(m.Label))
	e.bool(m.Exact)
	e.bool(m.Canonical)
	e.bool(m.Rescued)
	e.bool(m.Covered)
	e.float(m.Posterior)
	e.int(m.Margin)
	encodeList(e, m.Alts, encodeAlt)
}

func decodeMatch(d *decoder) replay.Match {
	return replay.Match{
		Row: decodeRow(d), IDs: decodeList(d, (*decoder).str), Owner: d.str(), Label: replay.Label(d.uint()),
		Exact: d.bool(), Canonical: d.bool(), Rescued: d.bool(), Covered: d.bool(),
		Posterior: d.float(), Margin: d.int(), Alts: decodeList(d, decodeAlt),
	}
}

func encodeCase(e *encoder, c replay.EventCase) {
	encodeEvent(e, c.Event)
	e.uint(uint64(c.Repeats))
	e.bool(c.IDReused)
	e.bool(c.Unknown)
	encodeList(e, c.Attempts, encodeAttempt)
	encodeList(e, c.Rows, func(e *encoder, m replay.Match) { encodeRowOf(e, &c.Event, m) })
}

func decodeCase(d *decoder) replay.EventCase {
	c := replay.EventCase{Event: decodeEvent(d), Repeats: int(d.uint()), IDReused: d.bool(), Unknown: d.bool()}
	c.Attempts = decodeAttemptsOf(d, c.Event.ID)
	c.Rows = decodeList(d, func(d *decoder) replay.Match { return decodeRowOf(d, &c.Event) })
	return c
}

// encodeRowOf writes an event's row. Nearly all rows equal their event, which
// then tells everything but the row's number.
func encodeRowOf(e *encoder, v *replay.Event, m replay.Match) {
	plain := isOwn(v, &m)
	e.bool(plain)
	if plain {
		e.int(m.Row.N)
		e.spelling(m.Row.Time, m.Row.TimeText)
		return
	}
	encodeMatch(e, m)
}

func decodeRowOf(d *decoder, v *replay.Event) replay.Match {
	if !d.bool() {
		return decodeMatch(d)
	}
	r := replay.Row{N: d.int(), Symbol: v.Symbol, Time: v.Time, Price: v.Price}
	r.TimeText = d.spelling(r.Time)
	return replay.Match{
		Row: r, IDs: []string{v.ID}, Owner: v.ID, Label: replay.Certain, Exact: true, Canonical: true, Posterior: 1,
	}
}

// isOwn reports that m is what the exact pass says of the only row of v.
func isOwn(v *replay.Event, m *replay.Match) bool {
	return m.Exact && m.Canonical && m.Label == replay.Certain && m.Owner == v.ID && len(m.IDs) == 1 &&
		!m.Rescued && !m.Covered && m.Posterior == 1 && m.Margin == 0 && len(m.Alts) == 0
}

func encodeSlot(e *encoder, v match.Event) {
	encodeList(e, v.IDs, (*encoder).str)
	e.str(v.Symbol)
	e.time(v.Time)
	e.price(v.Price)
	encodeList(e, v.Attempts, func(e *encoder, a replay.Attempt) {
		e.str(a.Event)
		encodeAttempt(e, a)
	})
	encodeList(e, v.Counts, func(e *encoder, n int) { e.uint(uint64(n)) })
	e.uint(uint64(v.Exact))
	e.uint(uint64(v.FirstRow))
}

func decodeSlot(d *decoder) match.Event {
	return match.Event{
		IDs: decodeList(d, (*decoder).str), Symbol: d.name(), Time: d.time(), Price: d.price(),
		Attempts: decodeList(d, func(d *decoder) replay.Attempt {
			event := d.str()
			a := decodeAttempt(d)
			a.Event = event
			return a
		}),
		Counts: decodeList(d, func(d *decoder) int { return int(d.uint()) }),
		Exact:  int(d.uint()), FirstRow: int64(d.uint()),
	}
}

func encodeBracket(e *encoder, b match.Bracket) {
	e.bool(b.HasBefore)
	e.bool(b.HasAfter)
	e.time(b.Before)
	e.time(b.After)
}

func decodeBracket(d *decoder) match.Bracket {
	return match.Bracket{HasBefore: d.bool(), HasAfter: d.bool(), Before: d.time(), After: d.time()}
}

func encodeLeftover(e *encoder, r match.Row) {
	encodeRow(e, r.Row)
	encodeBracket(e, r.Bracket)
}

func decodeLeftover(d *decoder) match.Row {
	return match.Row{Row: decodeRow(d), Bracket: decodeBracket(d)}
}
