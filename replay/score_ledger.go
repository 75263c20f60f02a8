package replay

import "sort"

// noIndex stands for no row, event or set.
const noIndex = int32(-1)

// ledger is incident and truth laid out by row index (the position in
// Incident.Rows), with events, classes and clusters as small numbers.
//
// Classes hold the rows that nothing in the output tells apart: same true
// event, same values. Whoever removes the first of two such rows instead of
// the second has done the same thing, so every count of duplicates is made per
// class.
//
// Clusters hold the rows that report one tick: a row, its copies, and the rows
// of the same tick under another id that the source gave it.
type ledger struct {
	in       Incident
	truth    []TruthRow // by row index
	event    []int32    // true event of the row, or noIndex
	class    []int32
	classes  int
	clusters rowClusters

	ids   idIndex
	sets  eventSets
	total int64 // true duplicates
	twins int64 // of these, rows of an event under its second id
}

// newLedger checks that incident and truth are about the same output.
func newLedger(in Incident, t Truth) (*ledger, error) {
	l := &ledger{in: in, ids: newIDIndex(in.Events)}
	if err := l.placeTruth(t); err != nil {
		return nil, err
	}
	if err := l.cluster(); err != nil {
		return nil, err
	}
	l.count()
	l.classify()
	l.sets = newEventSets(in.Events, l.ids)
	return l, nil
}

// rowIndex finds the row with number n, or noIndex.
func (l *ledger) rowIndex(n int64) int32 {
	rows := l.in.Rows
	// With no rejected record before it, row n stands at n-1.
	if n >= 1 && n <= int64(len(rows)) && rows[n-1].N == n {
		return int32(n - 1)
	}
	i := sort.Search(len(rows), func(i int) bool { return rows[i].N >= n })
	if i < len(rows) && rows[i].N == n {
		return int32(i)
	}
	return noIndex
}

const (
	truthRowsFile = "truth/rows.csv"
	otherTruth    = ": is this the truth of another incident?"
)

// placeTruth gives each row its line of the truth, one to one.
func (l *ledger) placeTruth(t Truth) error {
	l.truth = make([]TruthRow, len(l.in.Rows))
	l.event = make([]int32, len(l.in.Rows))
	for _, r := range t.Rows {
		i := l.rowIndex(r.Row)
		switch {
		case i == noIndex:
			return &MismatchError{truthRowsFile, r.Row, "the output has no such row that can be read" + otherTruth}
		case l.truth[i].Row != 0:
			return &MismatchError{truthRowsFile, r.Row, "listed twice"}
		}
		l.truth[i], l.event[i] = r, noIndex
		if r.Event == "" {
			continue
		}
		if l.event[i] = l.ids.find(r.Event); l.event[i] == noIndex {
			return &MismatchError{truthRowsFile, r.Row, "the source has no event " + r.Event + otherTruth}
		}
	}
	for i := range l.truth {
		if l.truth[i].Row == 0 {
			return &MismatchError{truthRowsFile, l.in.Rows[i].N, "is in the output but not listed" + otherTruth}
		}
	}
	return nil
}

// cluster joins each duplicate to its canonical row.
func (l *ledger) cluster() error {
	l.clusters = newRowClusters(len(l.in.Rows))
	for i := range l.truth {
		r := &l.truth[i]
		if !r.Duplicate {
			continue
		}
		c := l.rowIndex(r.Canonical)
		if c == noIndex || c == int32(i) {
			return &MismatchError{truthRowsFile, r.Row, "is a duplicate, but its canonical row is itself or not in the output"}
		}
		l.clusters.join(int32(i), c)
	}
	return nil
}

// count counts the true duplicates, and those among them whose canonical row
// bears another id of the same tick.
func (l *ledger) count() {
	for i := range l.truth {
		if !l.truth[i].Duplicate {
			continue
		}
		l.total++
		if l.event[l.rowIndex(l.truth[i].Canonical)] != l.event[i] {
			l.twins++
		}
	}
}

// classify numbers the classes. A row without an event is a class of its own.
func (l *ledger) classify() {
	type member struct {
		event  int32
		values Values
	}
	rows := make([]int32, l.ids.len()) // of each event
	for _, e := range l.event {
		if e != noIndex {
			rows[e]++
		}
	}
	l.class = make([]int32, len(l.event))
	known := map[member]int32{}
	for i, e := range l.event {
		c := int32(l.classes)
		if e != noIndex && rows[e] > 1 {
			m := member{e, l.in.Rows[i].values()}
			if first, ok := known[m]; ok {
				c = first
			} else {
				known[m] = c
			}
		}
		if l.class[i] = c; c == int32(l.classes) {
			l.classes++
		}
	}
}

// canonical is the row that the truth keeps instead of row i, at the end of
// the chain that a copy of a source's second emission makes.
func (l *ledger) canonical(i int32) int32 {
	return follow(i, func(i int32) int32 {
		if !l.truth[i].Duplicate {
			return i
		}
		return l.rowIndex(l.truth[i].Canonical)
	})
}

// maxHops bounds chains of copies of copies: a copy of the row of a source's
// second emission needs two, and a circle would never end.
const maxHops = 8

// follow goes from row to row until next stays, or noIndex if it never does.
func follow(i int32, next func(int32) int32) int32 {
	for range maxHops {
		j := next(i)
		if j == i || j == noIndex {
			return j
		}
		i = j
	}
	return noIndex
}
