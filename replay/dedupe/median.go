package dedupe

import (
	"cmp"
	"encoding/binary"
	"slices"

	"holdfast/internal/extsort"
	"holdfast/replay/tick"
)

// medianOf finds the lower middle row of a group by (price, row). Beyond limit
// rows it sorts outside memory, because one group may be the whole file.
type medianOf struct {
	limit     int
	newSorter func() *extsort.Sorter

	rows   int64
	all    []member
	sorter *extsort.Sorter // nil up to limit rows
}

func (m *medianOf) reset() {
	if m.sorter != nil {
		m.sorter.Close()
	}
	m.rows, m.all, m.sorter = 0, m.all[:0], nil
}

func (m *medianOf) add(row member) error {
	m.rows++
	if m.sorter == nil && len(m.all) < m.limit {
		m.all = append(m.all, row)
		return nil
	}
	if m.sorter == nil {
		m.sorter = m.newSorter()
		for _, r := range m.all {
			if err := m.spill(r); err != nil {
				return err
			}
		}
		m.all = m.all[:0]
	}
	return m.spill(row)
}

// spill relies on the sorter's keeping equal prices in the order of the rows.
func (m *medianOf) spill(row member) error {
	key := extsort.AppendInt64(nil, int64(row.price))
	return m.sorter.Add(key, binary.AppendUvarint(nil, uint64(row.row)))
}

func (m *medianOf) member() (member, error) {
	middle := (m.rows - 1) / 2
	if m.sorter == nil {
		slices.SortFunc(m.all, func(a, b member) int {
			return cmp.Or(cmp.Compare(a.price, b.price), cmp.Compare(a.row, b.row))
		})
		return m.all[middle], nil
	}
	sorted, err := m.sorter.Sort()
	if err != nil {
		return member{}, err
	}
	defer sorted.Close()
	for key, value := range sorted.All(&err) {
		if middle == 0 {
			price, _ := extsort.ReadInt64(key)
			row, _ := binary.Uvarint(value)
			return member{int64(row), tick.Price(price)}, nil
		}
		middle--
	}
	return member{}, err
}
