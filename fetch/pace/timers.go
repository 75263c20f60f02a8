package pace

import "time"

// timers is an indexed 4-ary heap of the times at which something is due: at
// most one for each key, at equal times in the order in which they were set.
type timers struct {
	heap []timer
	pos  []int32 // of a key in the heap, plus 1; 0 if it has no timer
	set  uint64
}

type timer struct {
	at  time.Duration
	seq uint64
	key int32
}

func (a *timer) before(b *timer) bool { return a.at < b.at || a.at == b.at && a.seq < b.seq }

// Keys of timers.
func unitKey(i int32) int32   { return 2 * i }
func originKey(i int32) int32 { return 2*i + 1 }

// next is the earliest time; Never if there is none.
func (t *timers) next() time.Duration {
	if len(t.heap) == 0 {
		return Never
	}
	return t.heap[0].at
}

// take gives and removes the earliest key that is due.
func (t *timers) take(now time.Duration) (key int32, at time.Duration, ok bool) {
	if len(t.heap) == 0 || t.heap[0].at > now {
		return 0, 0, false
	}
	top := t.heap[0]
	t.clear(top.key)
	return top.key, top.at, true
}

// put sets the time of a key; Never is none.
func (t *timers) put(key int32, at time.Duration) {
	for int(key) >= len(t.pos) {
		t.pos = append(t.pos, make([]int32, max(64, len(t.pos)))...)
	}
	i := int(t.pos[key]) - 1
	if i >= 0 && t.heap[i].at == at {
		return
	}
	if at == Never {
		t.clear(key)
		return
	}
	t.set++
	e := timer{at, t.set, key}
	if i < 0 {
		t.heap = append(t.heap, e)
		i = len(t.heap) - 1
	}
	t.place(i, e)
	t.fix(i)
}

func (t *timers) clear(key int32) {
	if int(key) >= len(t.pos) || t.pos[key] == 0 {
		return
	}
	i, last := int(t.pos[key])-1, len(t.heap)-1
	t.pos[key] = 0
	e := t.heap[last]
	t.heap = t.heap[:last]
	if i < last {
		t.place(i, e)
		t.fix(i)
	}
}

func (t *timers) place(i int, e timer) {
	t.heap[i] = e
	t.pos[e.key] = int32(i) + 1
}

// fix moves the entry at i to where it belongs.
func (t *timers) fix(i int) {
	e := t.heap[i]
	for i > 0 {
		parent := (i - 1) / 4
		if !e.before(&t.heap[parent]) {
			break
		}
		t.place(i, t.heap[parent])
		i = parent
	}
	for {
		first := 4*i + 1
		if first >= len(t.heap) {
			break
		}
		least := first
		for c := first + 1; c < min(first+4, len(t.heap)); c++ {
			if t.heap[c].before(&t.heap[least]) {
				least = c
			}
		}
		if !t.heap[least].before(&e) {
			break
		}
		t.place(i, t.heap[least])
		i = least
	}
	t.place(i, e)
}
