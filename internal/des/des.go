// Package des is the kernel of a discrete-event simulation: a queue of what is
// still to happen, and the virtual clock that taking from it moves.
//
// It promises one order: by time, and at equal times by the order in which
// things were put in. So a simulation whose decisions depend on nothing else
// runs the same way on every machine. It knows no wall clock, waits for
// nothing, and is not safe for concurrent use.
//
// Call [Queue.At] for what is known, then [Queue.Next] until nothing is left.
package des

import (
	"fmt"
	"time"
)

// Queue holds what is to happen. The zero value is empty and stands at time 0.
type Queue[T any] struct {
	now  time.Duration
	put  uint64
	heap []entry[T] // a binary heap: the parent of i is (i-1)/2
}

type entry[T any] struct {
	at  time.Duration
	seq uint64
	v   T
}

func (a *entry[T]) before(b *entry[T]) bool {
	return a.at < b.at || a.at == b.at && a.seq < b.seq
}

// Now is the virtual time: that of the last thing taken.
func (q *Queue[T]) Now() time.Duration { return q.now }

// Len is how much is still to happen.
func (q *Queue[T]) Len() int { return len(q.heap) }

// At puts v in, to happen at a time that is not past. The past panics: a
// simulation that changes it has lost its causality.
func (q *Queue[T]) At(at time.Duration, v T) {
	if at < q.now {
		panic(fmt.Sprintf("des: at %v, something was put in for %v", q.now, at))
	}
	q.heap = append(q.heap, entry[T]{at, q.put, v})
	q.put++
	q.up(len(q.heap) - 1)
}

// After puts v in, to happen d from now.
func (q *Queue[T]) After(d time.Duration, v T) { q.At(q.now+d, v) }

// Next takes what happens next and sets the clock to its time; false if
// nothing is left.
func (q *Queue[T]) Next() (T, bool) {
	var none entry[T]
	if len(q.heap) == 0 {
		return none.v, false
	}
	top, last := q.heap[0], len(q.heap)-1
	q.heap[0], q.heap[last] = q.heap[last], none // nothing taken is kept alive
	q.heap = q.heap[:last]
	q.down(0)
	q.now = top.at
	return top.v, true
}

func (q *Queue[T]) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !q.heap[i].before(&q.heap[parent]) {
			return
		}
		q.heap[i], q.heap[parent] = q.heap[parent], q.heap[i]
		i = parent
	}
}

func (q *Queue[T]) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(q.heap) {
			return
		}
		if right := child + 1; right < len(q.heap) && q.heap[right].before(&q.heap[child]) {
			child = right
		}
		if !q.heap[child].before(&q.heap[i]) {
			return
		}
		q.heap[i], q.heap[child] = q.heap[child], q.heap[i]
		i = child
	}
}
