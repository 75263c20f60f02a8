package audit

import "iter"

// groupBy yields the runs of records with equal keys.
func groupBy[T any, K comparable](seq iter.Seq[T], key func(T) K) iter.Seq[[]T] {
	return func(yield func([]T) bool) {
		var run []T
		for x := range seq {
			if len(run) > 0 && key(run[0]) != key(x) {
				if !yield(run) {
					return
				}
				run = nil
			}
			run = append(run, x)
		}
		if len(run) > 0 {
			yield(run)
		}
	}
}

// merge yields the records of two sorted sequences in their common order, a
// before b where less tells neither first.
func merge[A, B, T any](a iter.Seq[A], b iter.Seq[B], fromA func(A) T, fromB func(B) T, bFirst func(A, B) bool) iter.Seq[T] {
	return func(yield func(T) bool) {
		rest := peek(b)
		defer rest.stop()
		for x := range a {
			for rest.ok && bFirst(x, rest.head) {
				if !yield(fromB(rest.take())) {
					return
				}
			}
			if !yield(fromA(x)) {
				return
			}
		}
		for rest.ok {
			if !yield(fromB(rest.take())) {
				return
			}
		}
	}
}

// peeker reads a sequence one record ahead, for joins of two sorted sequences.
type peeker[T any] struct {
	next func() (T, bool)
	stop func()
	head T
	ok   bool
}

func peek[T any](seq iter.Seq[T]) *peeker[T] {
	p := &peeker[T]{}
	p.next, p.stop = iter.Pull(seq)
	p.head, p.ok = p.next()
	return p
}

// take returns the record ahead and moves on.
func (p *peeker[T]) take() T {
	x := p.head
	p.head, p.ok = p.next()
	return x
}
