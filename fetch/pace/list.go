package pace

// A list is a first-in, first-out list of indices, linked through a table of
// links, so that any element leaves it at once. Lists whose elements are in one
// of them at a time can share a table.
type list struct{ head, tail, len int32 } // heads are indices plus 1; 0 is none

type link struct{ prev, next int32 }

func (l *list) push(links []link, i int32) {
	links[i] = link{prev: l.tail}
	if l.tail == 0 {
		l.head = i + 1
	} else {
		links[l.tail-1].next = i + 1
	}
	l.tail = i + 1
	l.len++
}

func (l *list) remove(links []link, i int32) {
	k := links[i]
	if k.prev == 0 {
		l.head = k.next
	} else {
		links[k.prev-1].next = k.next
	}
	if k.next == 0 {
		l.tail = k.prev
	} else {
		links[k.next-1].prev = k.prev
	}
	links[i] = link{}
	l.len--
}

// first is the oldest element; false if there is none.
func (l *list) first() (int32, bool) { return l.head - 1, l.head != 0 }
