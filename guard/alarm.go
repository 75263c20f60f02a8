package guard

import (
	"container/heap"
	"time"
)

// An alarm is when the machine acts on a message without an input. It is void
// once the message has another due time or is gone; void ones are dropped when
// they come up, which is cheaper than to look for them.
type alarm struct {
	due time.Duration
	id  uint64
}

// alarms is a heap by time, and by ID at equal times.
type alarms []alarm

func (a alarms) Len() int { return len(a) }
func (a alarms) Less(i, j int) bool {
	return a[i].due < a[j].due || a[i].due == a[j].due && a[i].id < a[j].id
}
func (a alarms) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *alarms) Push(x any)   { *a = append(*a, x.(alarm)) }
func (a *alarms) Pop() any {
	last := len(*a) - 1
	x := (*a)[last]
	*a = (*a)[:last]
	return x
}

// next is the time of the earliest alarm that stands.
func (a *alarms) next(flights map[uint64]*flight) time.Duration {
	for len(*a) > 0 {
		if f := flights[(*a)[0].id]; f != nil && f.due == (*a)[0].due {
			return (*a)[0].due
		}
		heap.Pop(a)
	}
	return Never
}

// ids gives the messages of all alarms that stand, each once, by time.
func (a *alarms) ids(flights map[uint64]*flight) []uint64 {
	var ids []uint64
	var kept alarms
	for a.next(flights) != Never {
		top := heap.Pop(a).(alarm)
		if len(kept) == 0 || kept[len(kept)-1] != top {
			kept = append(kept, top)
			ids = append(ids, top.id)
		}
	}
	*a = kept // sorted, so a heap
	return ids
}
