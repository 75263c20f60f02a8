package audit

import (
	"context"
	"iter"

	"holdfast/internal/extsort"
)

// checkEvery is how many records pass between two looks at the context.
const checkEvery = 4096

// A builder takes records in any order and turns into a table.
type builder[T any] struct {
	w      *workspace
	sorter *extsort.Sorter
	key    func(*encoder, T)
	value  func(*encoder, T)
	decode func(*decoder) T
	k, v   encoder
	added  int
}

// A table is a sorted sequence of records that can be read any number of
// times. It lives in memory when small and in temporary files when not.
// Records with equal keys stay in the order in which they were added.
type table[T any] struct {
	w      *workspace
	sorted *extsort.Sorted
	decode func(*decoder) T
}

// workspace owns the tables of one run, its first I/O error, and its right to go on.
type workspace struct {
	ctx    context.Context
	sort   extsort.Config
	err    error
	closes []func() error
}

// newTable begins a table of records ordered by key.
func newTable[T any](w *workspace, key, value func(*encoder, T), decode func(*decoder) T) *builder[T] {
	s := extsort.New(w.sort)
	w.closes = append(w.closes, s.Close)
	return &builder[T]{w: w, sorter: s, key: key, value: value, decode: decode}
}

// add puts one record in. After the workspace has failed it does nothing.
func (b *builder[T]) add(x T) {
	if b.w.err != nil {
		return
	}
	b.k, b.v = b.k[:0], b.v[:0]
	b.key(&b.k, x)
	b.value(&b.v, x)
	b.w.fail(b.sorter.Add(b.k, b.v))
	if b.added++; b.added%checkEvery == 0 {
		b.w.fail(b.w.ctx.Err())
	}
}

// done ends the adding.
func (b *builder[T]) done() *table[T] {
	t := &table[T]{w: b.w, decode: b.decode}
	if b.w.err != nil {
		return t
	}
	sorted, err := b.sorter.Sort()
	if b.w.fail(err); err == nil {
		t.sorted = sorted
		b.w.closes = append(b.w.closes, sorted.Close)
	}
	return t
}

// all yields the records in order. When the workspace has failed, or fails
// underway, the sequence ends; the caller looks at workspace.err once per phase.
func (t *table[T]) all() iter.Seq[T] {
	return func(yield func(T) bool) {
		if t.w.err != nil || t.sorted == nil {
			return
		}
		d := decoder{names: names{}}
		var err error
		n := 0
		for _, v := range t.sorted.All(&err) {
			d.b = v
			if !yield(t.decode(&d)) {
				break
			}
			if n++; n%checkEvery == 0 && t.w.ctx.Err() != nil {
				t.w.fail(t.w.ctx.Err())
				return
			}
		}
		t.w.fail(err)
	}
}

func (t *table[T]) len() int64 {
	if t.sorted == nil {
		return 0
	}
	return t.sorted.Len()
}

// close gives back what the table holds. Reading it afterwards yields nothing.
func (t *table[T]) close() {
	if t.sorted != nil {
		t.w.fail(t.sorted.Close())
		t.sorted = nil
	}
}

// fail keeps the first error of the run.
func (w *workspace) fail(err error) {
	if w.err == nil && err != nil {
		w.err = err
	}
}

// close removes every temporary file.
func (w *workspace) close() {
	for _, c := range w.closes {
		_ = c() // a temporary file that is already gone is no loss
	}
}
