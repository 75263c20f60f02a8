package dedupe

import (
	"encoding/binary"
	"fmt"
	"iter"

	"holdfast/internal/extsort"
	"holdfast/replay/tick"
)

// details puts the decisions that ByKey makes, key by key, into file order.
//
//	key    row
//	value  action byte | uvarint kept row | varint price
type details struct {
	sorter *extsort.Sorter
	value  []byte
}

func (d *details) add(of Decision) error {
	d.value = append(d.value[:0], byte(of.Action))
	d.value = binary.AppendUvarint(d.value, uint64(of.KeptRow))
	d.value = binary.AppendVarint(d.value, int64(of.Price))
	return d.sorter.Add(extsort.AppendInt64(nil, of.Row), d.value)
}

// sorted yields the decisions in file order.
func (d *details) sorted(s *extsort.Sorted, err *error) iter.Seq[Decision] {
	return func(yield func(Decision) bool) {
		for key, value := range s.All(err) {
			row, _ := extsort.ReadInt64(key)
			kept, n := binary.Uvarint(value[1:])
			price, _ := binary.Varint(value[1+n:])
			of := Decision{Row: row, Action: Action(value[0]), KeptRow: int64(kept), Price: tick.Price(price)}
			if of.Action == Remove {
				of.Reason = reasonSameKey
			}
			if !yield(of) {
				return
			}
		}
	}
}

// reasonSameKey is why ByKey removes a row.
const reasonSameKey = "duplicate-key"

// cursor walks through decisions in step with the file.
type cursor struct {
	next func() (Decision, bool)
	stop func()
	head Decision
	more bool
}

func newCursor(decisions iter.Seq[Decision]) *cursor {
	c := &cursor{}
	c.next, c.stop = iter.Pull(decisions)
	c.head, c.more = c.next()
	return c
}

// upTo reports whether a decision about row n or an earlier one is left.
func (c *cursor) upTo(n int64) bool { return c != nil && c.more && c.head.Row <= n }

// take returns the decision about row n, if there is one.
func (c *cursor) take(n int64) (d Decision, ok bool, err error) {
	if !c.upTo(n) {
		return Decision{}, false, nil
	}
	d = c.head
	c.head, c.more = c.next()
	if d.Row != n {
		return d, false, fmt.Errorf("dedupe: decision about row %d comes after row %d was done", d.Row, n-1)
	}
	return d, true, nil
}

// end fails if decisions are left.
func (c *cursor) end() error {
	if c != nil && c.more {
		return fmt.Errorf("dedupe: decision about row %d, which is out of order or not in the file", c.head.Row)
	}
	return nil
}
