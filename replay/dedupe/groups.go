package dedupe

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"iter"

	"holdfast/internal/extsort"
	"holdfast/replay/tick"
)

// A candidate is a record whose hash another record has too, with its real
// values. Candidates are sorted by key, equal keys by row:
//
//	key    the key in its normal form (columns.appendKey)
//	value  uvarint row | varint price
//	       and for the analysis  varint time | uvarint length, symbol | time as the file spells it
type candidate struct {
	member
	time     tick.Nanos
	symbol   []byte
	timeText []byte
}

func appendCandidate(b []byte, row int64, f *fields, analysis bool) []byte {
	b = binary.AppendUvarint(b, uint64(row))
	b = binary.AppendVarint(b, int64(f.price))
	if !analysis {
		return b
	}
	b = binary.AppendVarint(b, int64(f.time))
	b = binary.AppendUvarint(b, uint64(len(f.symbol)))
	return append(append(b, f.symbol...), f.timeText...)
}

func decodeCandidate(b []byte, analysis bool) (c candidate) {
	row, n := binary.Uvarint(b)
	price, m := binary.Varint(b[n:])
	c.member = member{int64(row), tick.Price(price)}
	if !analysis {
		return c
	}
	b = b[n+m:]
	time, n := binary.Varint(b)
	size, m := binary.Uvarint(b[n:])
	b = b[n+m:]
	c.time, c.symbol, c.timeText = tick.Nanos(time), b[:size], b[size:]
	return c
}

// candidates reads every record of the set again and sorts them by real key.
func (r *run) candidates(ctx context.Context, set bitset) (*extsort.Sorted, error) {
	sorter := r.sorter(set.count() * bytesPerCandidate)
	defer sorter.Close()
	reader, err := newReader(r.source, r.format)
	if err != nil {
		return nil, err
	}
	var key, value []byte
	for b := range r.index.blocks {
		if !set.any(b.first, b.last) {
			continue
		}
		err := reader.each(&b, func(f *found) error {
			if !set.has(f.n) {
				return nil
			}
			fields, reason, _ := reader.fields(f)
			if reason != "" { // it was usable before
				return errMoved()
			}
			key = r.format.appendKey(key[:0], fields)
			value = appendCandidate(value[:0], f.n, fields, r.Analysis != "")
			return sorter.Add(key, value)
		})
		if err != nil {
			return nil, err
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return sorter.Sort()
}

// bytesPerCandidate is what a candidate of the usual file takes to sort.
const bytesPerCandidate = 128

// groups yields the candidates key by key: the first of each key with true.
func (r *run) groups(sorted *extsort.Sorted, err *error) iter.Seq2[bool, candidate] {
	return func(yield func(bool, candidate) bool) {
		var key []byte
		begun := false
		for k, v := range sorted.All(err) {
			first := !begun || !bytes.Equal(k, key)
			if first {
				key, begun = append(key[:0], k...), true
			}
			if !yield(first, decodeCandidate(v, r.Analysis != "")) {
				return
			}
		}
	}
}

// decide goes through the groups twice in step: ahead, a group is tallied
// until its last row is known; behind, its rows then meet their fate. So no
// group is ever held as a whole.
func (r *run) decide(ctx context.Context, sorted *extsort.Sorted) error {
	var err, errBehind error
	behind, stop := iter.Pull2(r.groups(sorted, &errBehind))
	defer stop()
	t := r.newTally()
	defer t.close()
	for first, c := range r.groups(sorted, &err) {
		if first {
			if err := r.closeGroup(t, behind); err != nil {
				return err
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			t.reset()
			r.analysis.open(c)
		}
		r.analysis.add(c)
		if err := t.add(c.member); err != nil {
			return err
		}
	}
	return cmp.Or(err, r.closeGroup(t, behind), errBehind)
}

// closeGroup settles what becomes of the rows that were tallied, which are the
// next ones behind.
func (r *run) closeGroup(t *tally, behind func() (bool, candidate, bool)) error {
	kept, err := t.decide()
	for i := int64(0); i < t.rows && err == nil; i++ {
		if _, c, ok := behind(); ok && t.rows > 1 {
			err = r.fate(c.member, kept)
		}
	}
	if err != nil || t.rows < 2 {
		return err
	}
	r.result.Groups++
	if t.suspected() {
		r.result.Suspected++
	}
	return r.analysis.close(t)
}

// fate is what becomes of a row whose group keeps the row and price of kept.
func (r *run) fate(m, kept member) error {
	switch {
	case m.row != kept.row:
		r.result.Removed++
		r.drop.set(m.row)
		if r.Removed == "" {
			return nil
		}
		return r.details.add(Decision{Row: m.row, Action: Remove, KeptRow: kept.row})
	case m.price != kept.price:
		r.result.Rewritten++
		return r.details.add(Decision{Row: m.row, Action: Rewrite, Price: kept.price})
	}
	return nil
}
