package whatif

import (
	"holdfast/replay"
	"holdfast/replay/tick"
)

// These safeguards refuse claims: what was not claimed writes nothing.

// grant is whether an attempt would have been allowed to begin.
type grant uint8

const (
	granted grant = iota
	perhaps
	refused
)

// grants asks for each attempt, in order, whether ask refuses it, given those
// before it that it was or may have been granted to.
func grants(as []replay.Attempt, ask func(before, now *replay.Attempt) grant) (list []grant, delayed int) {
	list = make([]grant, len(as))
	for j := range as {
		for i := range j {
			if list[i] == refused {
				continue
			}
			g := ask(&as[i], &as[j])
			if g == refused && list[i] == perhaps {
				g = perhaps
			}
			list[j] = max(list[j], g)
		}
		if list[j] == refused {
			delayed++
		}
	}
	return list, delayed
}

// claims turns grants into an answer about rows.
func claims(s scenario, list []grant) (a answer) {
	for p := range s {
		switch list[s[p].attempt] {
		case refused:
			a.sure |= 1 << p
		case perhaps:
			a.maybe |= 1 << p
		}
	}
	return a
}

// running says whether an attempt still ran at a later moment: one without end
// certainly within the claim window, and perhaps for ever.
func running(a *replay.Attempt, at tick.Nanos, p *replay.Population) grant {
	switch {
	case a.BadInterval() || !a.Open && a.End <= at && at > a.Start:
		return granted
	case !a.Open && a.End > at, at == a.Start, a.Open && at-a.Start <= p.ClaimWindow:
		return refused
	}
	return perhaps
}

// contested refuses a claim while another of the event runs that is at least
// atLeast and less than lessThan old.
func contested(p *replay.Population, atLeast, lessThan tick.Nanos) func(before, now *replay.Attempt) grant {
	return func(before, now *replay.Attempt) grant {
		age := now.Start - before.Start
		if age < atLeast || age >= lessThan {
			return granted
		}
		return running(before, now.Start, p)
	}
}

// owned lets only the owner of a partition claim. It ends the race of two
// workers at one claim; an event that is handed out again comes to the owner
// again, who may or may not be the worker that has it.
func owned(p *replay.Population) func(before, now *replay.Attempt) grant {
	return func(before, now *replay.Attempt) grant {
		switch {
		case before.Worker == now.Worker:
			return granted
		case now.Start-before.Start <= p.ClaimWindow && running(before, now.Start, p) == refused:
			return refused
		}
		return perhaps
	}
}

// marked lets an event be claimed once in a window, whatever becomes of it.
func marked(as []replay.Attempt, w tick.Nanos) []grant {
	list := make([]grant, len(as))
	last := tick.Nanos(0)
	for i := range as {
		if i > 0 && as[i].Start-last < w {
			list[i] = refused
			continue
		}
		last = as[i].Start
	}
	return list
}

// outlived says whether an attempt ran longer than a lease, so that even with
// that lease its event would have been handed out again, later.
func outlived(a *replay.Attempt, lease tick.Nanos) bool {
	return a.Open || a.End-a.Start > lease
}
