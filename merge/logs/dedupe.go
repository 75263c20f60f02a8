package logs

import "slices"

// A filterMode is how duplicates are found.
type filterMode int

const (
	keepAll     filterMode = iota
	byNeighbour            // KEY is the key of the merge: duplicates follow each other
	byGroup                // KEY contains the key of the merge: duplicates are among records with equal keys
	byAll                  // KEY is something else
)

// A filter keeps the first record of each KEY.
type filter struct {
	m       *merge
	out     *sink
	mode    filterMode
	seen    *printSet
	spill   *spill // what cannot be decided yet, nil while there is none
	dropped int64
}

// planDedupe decides how duplicates are found.
func (m *merge) planDedupe() (err error) {
	p := m.plan
	m.dedupeMode = keepAll
	switch {
	case m.Dedupe == "":
		return nil
	case m.Dedupe == "line":
		m.dedupeMode = byGroup
	default:
		m.dedupeMode = byAll
		covered := func(of, in []column) bool {
			return !slices.ContainsFunc(of, func(c column) bool { return !slices.Contains(in, c) })
		}
		if covered(p.by, p.dedupe) {
			m.dedupeMode = byGroup
			if covered(p.dedupe, p.by) && m.Missing == "" {
				m.dedupeMode = byNeighbour
				return nil
			}
		}
	}
	p.prints, err = newPrinter(p.dedupe, len(p.by), m.Missing != "")
	return err
}

func (m *merge) newFilter(out *sink) *filter {
	f := &filter{m: m, out: out, mode: m.dedupeMode}
	if f.mode == byGroup || f.mode == byAll {
		f.seen = newPrintSet(m.Memory / 2)
	}
	return f
}

// rest is how much of the memory the filter leaves: half of it is for the
// fingerprints, a quarter for what becomes of those that do not fit.
func (f *filter) rest(memory int64) int64 {
	if f.seen == nil {
		return memory
	}
	return memory / 4
}

// take takes the next record in the merged order. repeats says that its key
// equals that of the record before.
func (f *filter) take(record []byte, print fingerprint, repeats bool) error {
	fresh := true
	switch {
	case f.mode == byNeighbour:
		fresh = !repeats
	case f.mode == byGroup && !repeats:
		if err := f.settle(); err != nil {
			return err
		}
		f.seen.reset()
		fallthrough
	default:
		if f.spill != nil {
			if print != (fingerprint{}) && f.seen.has(print) {
				f.dropped++
				return nil
			}
			return f.spill.add(record, print)
		}
		if print == (fingerprint{}) {
			break
		}
		var ok bool
		if fresh, ok = f.seen.add(print); !ok {
			spill, err := newSpill(f.m)
			if err != nil {
				return err
			}
			f.spill = spill
			return spill.add(record, print)
		}
	}
	if !fresh {
		f.dropped++
		return nil
	}
	return f.out.add(record)
}

// settle decides what could not be decided before.
func (f *filter) settle() error {
	if f.spill == nil {
		return nil
	}
	dropped, err := f.spill.settle(f.out)
	f.dropped += dropped
	f.close()
	return err
}

func (f *filter) close() {
	if f.spill != nil {
		f.spill.close()
		f.spill = nil
	}
}
