package dedupe

import (
	"encoding/binary"
	"io"

	"holdfast/internal/extsort"
	"holdfast/replay"
	"holdfast/replay/report"
	"holdfast/replay/tick"
)

// analysis is duplication_analysis.csv, key view: one line a group, sorted by
// time and symbol. nil: not wanted. Lines wait for their order as
//
//	key    time of the first row | symbol | number of the first row
//	value  uvarint occurrences | varint least, greatest price | varint time spread
//	       uvarint length, timestamp as spelled | varint rows not listed | uvarint row, ...
type analysis struct {
	table  *report.Table[replay.Analysis]
	sorter *extsort.Sorter

	line          replay.Analysis // of the group at hand
	first, latest tick.Nanos
	key, value    []byte
}

// listedRows bounds the list of a line: one group may be the whole file.
const listedRows = 1024

func newAnalysis(w io.Writer, o report.CSVOptions, s *extsort.Sorter) *analysis {
	return &analysis{table: report.NewAnalysis(w, o), sorter: s}
}

// open begins a group with its first row.
func (a *analysis) open(c candidate) {
	if a == nil {
		return
	}
	a.line = replay.Analysis{
		Symbol: string(c.symbol), Time: c.time, Timestamp: string(c.timeText), Rows: a.line.Rows[:0],
	}
	a.first, a.latest = c.time, c.time
}

// add takes a row of the group, the first one included.
func (a *analysis) add(c candidate) {
	if a == nil {
		return
	}
	a.first, a.latest = min(a.first, c.time), max(a.latest, c.time)
	if len(a.line.Rows) < listedRows {
		a.line.Rows = append(a.line.Rows, c.row)
	} else {
		a.line.RowsMore++
	}
}

// close ends a group of two rows or more.
func (a *analysis) close(t *tally) error {
	if a == nil {
		return nil
	}
	l := &a.line
	a.key = extsort.AppendInt64(a.key[:0], int64(l.Time))
	a.key = extsort.AppendString(a.key, l.Symbol)
	a.key = extsort.AppendInt64(a.key, l.Rows[0])
	b := binary.AppendUvarint(a.value[:0], uint64(t.rows))
	b = binary.AppendVarint(b, int64(t.low))
	b = binary.AppendVarint(b, int64(t.high))
	b = binary.AppendVarint(b, int64(a.latest-a.first))
	b = binary.AppendUvarint(b, uint64(len(l.Timestamp)))
	b = append(b, l.Timestamp...)
	b = binary.AppendVarint(b, l.RowsMore)
	for _, n := range l.Rows {
		b = binary.AppendUvarint(b, uint64(n))
	}
	a.value = b
	return a.sorter.Add(a.key, b)
}

// finish writes the lines.
func (a *analysis) finish() error {
	if a == nil {
		return nil
	}
	sorted, err := a.sorter.Sort()
	if err != nil {
		return err
	}
	defer sorted.Close()
	for key, value := range sorted.All(&err) {
		if err := a.table.Write(decodeAnalysis(key, value)); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	return a.table.Flush()
}

func decodeAnalysis(key, value []byte) (l replay.Analysis) {
	at, key := extsort.ReadInt64(key)
	name, _ := extsort.ReadString(key)
	varint := func() int64 {
		v, n := binary.Varint(value)
		value = value[n:]
		return v
	}
	uvarint := func() int64 {
		v, n := binary.Uvarint(value)
		value = value[n:]
		return int64(v)
	}
	l = replay.Analysis{Time: tick.Nanos(at), Symbol: string(name), View: replay.ViewKey, Verdict: replay.Untested}
	l.Occurrences = uvarint()
	l.PriceMin, l.PriceMax = tick.Price(varint()), tick.Price(varint())
	l.TimeSpread = tick.Nanos(varint())
	l.SamePrice, l.SameTimestamp = l.PriceMin == l.PriceMax, l.TimeSpread == 0
	n := uvarint()
	l.Timestamp, value = string(value[:n]), value[n:]
	l.RowsMore = varint()
	for len(value) > 0 {
		l.Rows = append(l.Rows, uvarint())
	}
	return l
}

func (a *analysis) abort() {
	if a != nil {
		a.sorter.Close()
	}
}
