package replay

import (
	"fmt"

	"holdfast/replay/tick"
)

// LaneAssigner gives each attempt a lane of its worker, so that no two bars of
// a lane overlap (R26): greedy interval colouring by start, lowest free lane
// first, so a worker has as many lanes as it ever ran attempts at once. It
// remembers the lanes in use, not the attempts.
type LaneAssigner struct {
	open        tick.Nanos
	workers     map[string]*workerLanes
	Comparisons int64 // made so far: at most four times n·log₂ n
}

// workerLanes are the lanes of one worker.
type workerLanes struct {
	last tick.Nanos
	used int
	busy heap[busyLane] // by end
	free heap[int]
}

type busyLane struct {
	end  tick.Nanos
	lane int
}

// NewLaneAssigner makes an assigner that draws attempts without end as bars of
// length open (Population.ClaimWindow is a good one) and attempts that end
// before they start as instants.
func NewLaneAssigner(open tick.Nanos) *LaneAssigner {
	return &LaneAssigner{open: max(open, 0), workers: map[string]*workerLanes{}}
}

// Push returns the lane, from 1, of an attempt. The attempts of a worker must
// come in the order of their starts; anything else panics.
func (l *LaneAssigner) Push(a Attempt) int {
	w := l.workers[a.Worker]
	if w == nil {
		w = l.newWorker()
		l.workers[a.Worker] = w
	}
	if w.used > 0 && a.Start < w.last {
		panic(fmt.Sprintf("replay: lanes: attempt at %s of %s comes after one at %s", a.Event, a.Start, w.last))
	}
	w.last = a.Start
	for len(w.busy.items) > 0 && w.busy.items[0].end <= a.Start {
		w.free.push(w.busy.pop().lane)
	}
	lane := w.used + 1
	if len(w.free.items) > 0 {
		lane = w.free.pop()
	} else {
		w.used++
	}
	end := a.Start + l.open
	if !a.Open {
		end = max(a.End, a.Start)
	}
	w.busy.push(busyLane{end, lane})
	return lane
}

func (l *LaneAssigner) newWorker() *workerLanes {
	w := &workerLanes{}
	w.busy.less = func(a, b busyLane) bool {
		l.Comparisons++
		return a.end < b.end || a.end == b.end && a.lane < b.lane
	}
	w.free.less = func(a, b int) bool {
		l.Comparisons++
		return a < b
	}
	return w
}

// heap is a binary heap, the least item first. To pop it lets the hole sink to
// the bottom and the last item rise from there, which takes about half the
// comparisons of letting the last item sink from the top.
type heap[T any] struct {
	items []T
	less  func(a, b T) bool
}

func (h *heap[T]) push(x T) {
	h.items = append(h.items, x)
	h.rise(len(h.items) - 1)
}

func (h *heap[T]) rise(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !h.less(h.items[i], h.items[parent]) {
			return
		}
		h.items[i], h.items[parent] = h.items[parent], h.items[i]
		i = parent
	}
}

func (h *heap[T]) pop() T {
	top, n := h.items[0], len(h.items)-1
	last := h.items[n]
	h.items = h.items[:n]
	if n == 0 {
		return top
	}
	hole := 0
	for child := 1; child < n; child = 2*hole + 1 {
		if child+1 < n && h.less(h.items[child+1], h.items[child]) {
			child++
		}
		h.items[hole] = h.items[child]
		hole = child
	}
	h.items[hole] = last
	h.rise(hole)
	return top
}
