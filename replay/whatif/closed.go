package whatif

import (
	"holdfast/replay"
	"holdfast/replay/tick"
)

// The closed loop (R73) lets a queue with another lease hand events out at
// other moments: arrivals and the lengths of attempts are as recorded, and an
// attempt that the record does not have takes as long as the event's last one.
// Workers have room for whatever comes. It answers only for the safeguards that
// decide about claims; for the others nothing changes when claims do not.

// Closed reports that a closed loop may answer otherwise than an open one.
func Closed(slug string) bool { return slug == Lease || slug == HeartbeatLease }

// again plays one event under the safeguard of w and counts what it then has.
func (w *weighed) again(c *replay.EventCase, p *replay.Population) {
	k := len(c.Rows)
	if k == 0 || len(c.Attempts) == 0 {
		return
	}
	rows, ok := handOut(c.Attempts, tick.Nanos(w.Safeguard.Window), p)
	if !ok {
		w.PreventedHi += int64(k - 1)
		w.PreventedExpected += float64(k-1) / 2
		return
	}
	n := int64(k - max(rows, 1))
	w.PreventedLo += n
	w.PreventedHi += n
	w.PreventedExpected += float64(n)
}

// mostHandedOut bounds how often a lease may hand out one event.
const mostHandedOut = 64

// handOut plays one event under a lease (0: renewed as long as the attempt
// runs) and returns how many rows it then has. ok is false if the record does
// not say how long the attempts took.
func handOut(as []replay.Attempt, lease tick.Nanos, p *replay.Population) (rows int, ok bool) {
	type run struct{ start, end tick.Nanos }
	var runs []run
	length := func(i int) (tick.Nanos, bool) {
		a := &as[min(i, len(as)-1)]
		return a.Duration()
	}
	// What the queue hands out for another reason than an expired lease stays.
	var starts []tick.Nanos
	for i := range as {
		if i > 0 && p.Lease.Known && nearLease(as[i].Start-as[i-1].Start, p.Lease.L) {
			continue
		}
		starts = append(starts, as[i].Start)
	}
	acked := far
	for len(starts) > 0 && len(runs) < mostHandedOut {
		at := starts[0]
		starts = starts[1:]
		d, known := length(len(runs))
		if !known {
			return 0, false
		}
		busy := false
		for _, r := range runs {
			age := at - r.start
			busy = busy || age >= 1 && at < r.end && (lease == 0 || age < lease)
		}
		if busy || at >= acked && len(runs) >= len(as) {
			continue
		}
		runs = append(runs, run{at, at + d})
		acked = min(acked, at+d)
		if due := at + lease; lease > 0 && due < at+d && due < acked {
			i := 0
			for i < len(starts) && starts[i] <= due {
				i++
			}
			starts = append(starts[:i], append([]tick.Nanos{due}, starts[i:]...)...)
		}
	}
	return len(runs), true
}

// nearLease reports a gap within 5 % of the lease (R50).
func nearLease(gap, lease tick.Nanos) bool { return max(gap-lease, lease-gap) <= lease/20 }
