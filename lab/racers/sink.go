package racers

import (
	"time"

	"holdfast/replay/tick"
)

// values are what a row says of its event, the symbol apart.
type values struct {
	at    time.Duration
	price tick.Price
}

// write asks the sink to take a's row. The first row that is made of an event
// says what the event says; who makes another has looked at clock and market
// again.
func (r *run) write(a *attempt) {
	e := a.event
	a.wrote = values{e.at, e.price}
	if e.offers > 0 {
		a.wrote = r.copied(a)
	}
	a.asked, a.commit = true, r.todo.Now()
	a.fate = FateRefused
	if !r.admit(a) {
		return
	}
	a.fate = FateEmitted
	r.append(a, e.dueTo(a))
}

// writeAgain repeats the write of an attempt that has ended, and ends its story.
func (r *run) writeAgain(a *attempt) {
	if r.admit(a) {
		if a.fate == FateEmitted {
			a.fate = FateTwice
		} else {
			a.fate = FateEmitted
		}
		r.append(a, causeDoubleWrite)
	}
	r.log(a, a.commit)
}

// admit asks the safeguard, and counts its refusals.
func (r *run) admit(a *attempt) bool {
	e := a.event
	e.offers++
	if r.policy.sink == nil || r.policy.sink(r.todo.Now(), a) {
		return true
	}
	r.out.totals.Refused++
	if e.rows == 0 {
		r.out.totals.FalseRefusals++
	}
	return false
}

// dueTo names what a further row by a is due to: the claim that made a, or if
// a is the first attempt, come late, the claim whose row came before.
func (e *event) dueTo(a *attempt) string {
	if e.again == "" {
		e.again = a.cause
	}
	if a.cause == "" {
		return e.again
	}
	return a.cause
}

// copied is the row of an event that has one: later by the shift, and off in
// price. It never repeats another tick exactly, which would make it that
// tick's copy for everybody who knows only the files.
func (r *run) copied(a *attempt) values {
	e := a.event
	for try := uint64(0); ; try++ {
		cents := int64(Below(r.draw("off", e.key, a.delivery, try), uint64(2*r.p.CopyCents+1))) - r.p.CopyCents
		v := values{
			at:    e.at + r.p.CopyShift.pick(r.draw("shift", e.key, a.delivery, try)),
			price: e.price + tick.Price(cents)*cent,
		}
		if !r.source.occupied(v.at, e.symbol, v.price) {
			return v
		}
	}
}

// append puts the row that a wrote into the output.
func (r *run) append(a *attempt, cause string) {
	e := a.event
	e.rows++
	row := Row{
		Symbol: r.p.Symbols[e.symbol], Time: r.time(a.wrote.at), Price: a.wrote.price,
		Event: e.number, Attempt: a.number, Cause: cause,
	}
	if r.policy.upsert && e.rows > 1 {
		r.out.replace(e, row)
		return
	}
	r.out.row(e, row, r.policy.upsert)
}
