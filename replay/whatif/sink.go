package whatif

import (
	"holdfast/replay"
	"holdfast/replay/tick"
)

// These safeguards look at the rows of one event as they come to the sink.

// uniqueID refuses every row after the first of the event.
func uniqueID(rows int) (a answer) {
	for p := 1; p < rows; p++ {
		a.sure |= 1 << p
	}
	return a
}

// window refuses a row that comes less than w after one that was accepted
// (fixed) or seen (sliding); at an age of exactly w it is admitted (R71).
func window(s scenario, w tick.Nanos, sliding bool) (a answer) {
	last := s[0].at
	for p := 1; p < len(s); p++ {
		refused := s[p].at-last < w
		if refused {
			a.sure |= 1 << p
		}
		if !refused || sliding {
			last = s[p].at
		}
	}
	return a
}

// lru refuses a row whose event is among the last room ids that the sink saw.
// How many ids came between two commits is read off the crowd, to within its
// resolution.
func lru(s scenario, room int64, crowd *crowd) (a answer) {
	for p := 1; p < len(s); p++ {
		lo, hi := crowd.between(s[p-1].at, s[p].at)
		switch {
		case hi < room:
			a.sure |= 1 << p
		case lo < room:
			a.maybe |= 1 << p
		}
	}
	return a
}

// fence refuses a row whose claim is older than that of a row before it. Of
// claims, or commits, of the same instant either may have been first.
func fence(s scenario, as []replay.Attempt) (a answer) {
	for p := 1; p < len(s); p++ {
		bit := uint64(1) << p
		for q := range p {
			x, y := s[q].attempt, s[p].attempt
			if x == y {
				continue
			}
			newer := as[x].Start > as[y].Start
			switch {
			case newer && s[q].at < s[p].at:
				a.sure |= bit
			case newer || as[x].Start == as[y].Start || s[q].at == s[p].at:
				a.maybe |= bit
			}
		}
		if a.sure&bit != 0 {
			a.maybe &^= bit
		}
	}
	return a
}

// transaction stores row and acknowledgement together: an attempt that was
// given up takes its row back, and after a success nobody is handed the event
// again. An event that then has no row is redelivered until one succeeds.
func transaction(s scenario, as []replay.Attempt, p99 tick.Nanos) (a answer) {
	a.comesAgain = true
	for p := range s {
		bit := uint64(1) << p
		at := &as[s[p].attempt]
		switch {
		case at.Status == replay.StatusUnknown:
			a.maybe |= bit
		case at.Status != replay.StatusSuccess:
			a.sure |= bit
		default:
			sure, maybe := afterSuccess(at, as, p99)
			if sure {
				a.sure |= bit
			} else if maybe {
				a.maybe |= bit
			}
		}
	}
	return a
}

// afterSuccess says whether another attempt had succeeded when at began, so that
// at was made only because nobody had heard of it. A queue that waits for an
// acknowledgement waits longer than the work takes; what comes sooner after a
// claim than twice the usual length may have been handed out twice, heard or not.
func afterSuccess(at *replay.Attempt, as []replay.Attempt, p99 tick.Nanos) (sure, maybe bool) {
	for i := range as {
		b := &as[i]
		if b.Status != replay.StatusSuccess || b == at || b.Start >= at.Start {
			continue
		}
		end, known := committed(b)
		switch {
		case !known || end <= at.Start && at.Start-b.Start <= 2*p99:
			maybe = true
		case end <= at.Start:
			sure = true
		}
	}
	return sure, maybe && !sure
}
