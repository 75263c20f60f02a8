package audit

import (
	"fmt"
	"sort"

	"holdfast/replay"
	"holdfast/replay/tick"
)

// join brings each event and its attempts together. Ids that only the worker
// log knows become cases without an event.
func (a *audit) join() error {
	cases := newTable(a.w, keyCaseID, encodeCase, decodeCase)
	byWorker := newTable(a.w, keyTimed, encodeTimed, decodeTimed)
	emit := func(c replay.EventCase) {
		c.Attempts = replay.CleanAttempts(c.Attempts)
		cases.add(c)
		for _, at := range c.Attempts {
			byWorker.add(replay.Timed{Attempt: at, EventTime: c.Event.Time, HasEvent: !c.Unknown})
		}
	}

	attempts := peek(a.in.attempts.all())
	defer attempts.stop()
	unknownBelow := func(id string, all bool) {
		for attempts.ok && (all || attempts.head.Event < id) {
			at := attempts.head.Event
			emit(replay.EventCase{Event: replay.Event{ID: at}, Unknown: true, Attempts: takeAttempts(attempts, at)})
		}
	}
	for group := range groupBy(a.in.events.all(), func(v replay.Event) string { return v.ID }) {
		id := group[0].ID
		unknownBelow(id, false)
		for _, c := range sameID(group, takeAttempts(attempts, id)) {
			emit(c)
			a.events++
		}
	}
	unknownBelow("", true)

	a.in.events.close()
	a.in.attempts.close()
	a.joined, a.byWorker = cases.done(), byWorker.done()
	return a.w.err
}

func takeAttempts(p *peeker[replay.Attempt], id string) (list []replay.Attempt) {
	for p.ok && p.head.Event == id {
		list = append(list, p.take())
	}
	return list
}

// sameID turns the records of one id into events (R40): equal records are one
// event that the source repeats; different ones are different events, told
// apart as id#1, id#2 by time, each with the attempts that began from its time
// on and before the next one's.
func sameID(records []replay.Event, attempts []replay.Attempt) []replay.EventCase {
	var cases []replay.EventCase
	for i, v := range records {
		if i > 0 && v == records[i-1] {
			cases[len(cases)-1].Repeats++
			continue
		}
		cases = append(cases, replay.EventCase{Event: v, Repeats: 1})
	}
	if len(cases) == 1 {
		cases[0].Attempts = attempts
		return cases
	}
	times := make([]tick.Nanos, len(cases))
	for i := range cases {
		times[i] = cases[i].Event.Time
		cases[i].IDReused = true
		cases[i].Event.ID = fmt.Sprintf("%s#%d", cases[i].Event.ID, i+1)
	}
	for _, at := range attempts {
		after := sort.Search(len(times), func(i int) bool { return times[i] > at.Start })
		owner := &cases[max(after-1, 0)]
		at.Event = owner.Event.ID
		owner.Attempts = append(owner.Attempts, at)
	}
	return cases
}
