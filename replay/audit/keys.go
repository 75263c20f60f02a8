package audit

import (
	"holdfast/internal/extsort"
	"holdfast/replay"
	"holdfast/replay/match"
	"holdfast/replay/tick"
)

// Keys order records by bytes. Each sort of the run is named here, so that the
// ties that make the output independent of the input's order stand together.

func (e *encoder) keyStr(s string)       { *e = extsort.AppendString(*e, s) }
func (e *encoder) keyInt(n int64)        { *e = extsort.AppendInt64(*e, n) }
func (e *encoder) keyTime(t tick.Nanos)  { e.keyInt(int64(t)) }
func (e *encoder) keyPrice(p tick.Price) { e.keyInt(int64(p)) }

// keyAttempt is the order of R20: start, end with open last, worker, status.
func keyAttempt(e *encoder, a replay.Attempt) {
	e.keyTime(a.Start)
	e.bool(a.Open)
	if !a.Open {
		e.keyTime(a.End)
	}
	e.keyStr(a.Worker)
	e.uint(uint64(a.Status))
}

func keyAttemptOfEvent(e *encoder, a replay.Attempt) {
	e.keyStr(a.Event)
	keyAttempt(e, a)
}

func keyTimed(e *encoder, t replay.Timed) {
	e.keyStr(t.Worker)
	e.keyTime(t.Start)
	e.keyStr(t.Event)
	keyAttempt(e, t.Attempt)
}

// keyEventID puts the records of one id together, the equal ones side by side.
func keyEventID(e *encoder, v replay.Event) {
	e.keyStr(v.ID)
	e.keyTime(v.Time)
	e.keyStr(v.Symbol)
	e.keyPrice(v.Price)
}

// keyEvent is the order of the exact pass: symbol, time, price, id.
func keyEvent(e *encoder, v replay.Event) {
	e.keyStr(v.Symbol)
	e.keyTime(v.Time)
	e.keyPrice(v.Price)
	e.keyStr(v.ID)
}

func keyCaseEvent(e *encoder, c replay.EventCase) { keyEvent(e, c.Event) }

func keyCaseID(e *encoder, c replay.EventCase) { e.keyStr(c.Event.ID) }

// keyCase is the order in which cases are judged and listed: time, id.
func keyCase(e *encoder, c replay.EventCase) {
	e.keyTime(c.Event.Time)
	e.keyStr(c.Event.ID)
}

// keyRow is the order of the exact pass: symbol, time, price, position.
func keyRow(e *encoder, r replay.Row) {
	e.keyStr(r.Symbol)
	e.keyTime(r.Time)
	e.keyPrice(r.Price)
	e.keyInt(r.N)
}

func keyLeftover(e *encoder, r match.Row)  { keyRow(e, r.Row) }
func keyLeftoverN(e *encoder, r match.Row) { e.keyInt(r.N) }
func keySlot(e *encoder, v match.Event) {
	e.keyStr(v.Symbol)
	e.keyTime(v.Time)
	e.keyPrice(v.Price)
	e.keyStr(v.IDs[0])
}
func keyMatchOwner(e *encoder, m replay.Match) { e.keyStr(m.Owner); e.keyInt(m.Row.N) }
func keyMatchN(e *encoder, m replay.Match)     { e.keyInt(m.Row.N) }
