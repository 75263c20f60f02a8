package ingest

import (
	"context"
	"holdfast/replay"
	"holdfast/replay/tick"
)

// rowLayout is the output file: symbol, timestamp, price.
var rowLayout = layout{names: []string{"symbol", "timestamp", "price"}, time: 1}

// Rows reads an output file (final_output.csv).
type Rows struct {
	*table
	decoder *RowDecoder
}

// Record is a row and where it stands.
type Record struct {
	replay.Row
	Line int64 // physical line, from 1

	// The record's bytes, without line end: Length of them from Offset on in
	// the text, that is, in what Open returns. Raw is valid until the next call
	// of Next.
	Offset, Length int64
	Raw            []byte
}

// OpenRows opens an output file and reads its header. Errors are *InputError
// and *UsageError.
func OpenRows(ctx context.Context, path string, o Options) (*Rows, error) {
	t, err := openTable(ctx, path, rowLayout, o)
	if err != nil {
		return nil, err
	}
	d, err := NewRowDecoder(t.header, o)
	if err != nil {
		t.Close()
		return nil, err
	}
	return &Rows{t, d}, nil
}

// Next returns the next usable row; io.EOF at the end. Other errors are those
// of OnReject, and *InputError: wrapping ErrMaxBad if too many records were
// rejected, which is known at the end only.
func (r *Rows) Next() (Record, error) {
	for {
		if err := r.next(); err != nil {
			return Record{}, err
		}
		f, reason, hint, err := r.decoder.Decode(r.s.fields, r.s.line)
		if err != nil {
			return Record{}, r.failed(err)
		}
		if reason == "" {
			return r.record(f), nil
		}
		if err := r.rejectRecord(reason, hint); err != nil {
			return Record{}, err
		}
	}
}

func (r *Rows) record(f RowFields) Record {
	r.used()
	r.notes.time(f.Time)
	r.notes.price(f.Price)
	return Record{
		Row: replay.Row{
			N: r.records, Symbol: r.symbol(f.Symbol), Time: f.Time.Nanos, Price: f.Price, TimeText: string(f.TimeText),
		},
		Line: r.s.line, Offset: r.s.offset, Length: r.s.length, Raw: r.s.raw,
	}
}

// symbol returns the symbol that b names (R11).
func (a *account) symbol(b []byte) string {
	if !a.o.FoldCase {
		return a.symbols.get(b)
	}
	s := a.symbols.folded(b)
	if s != string(b) {
		a.notes.count(foldedSymbols)
	}
	return s
}

// RowFields are the needed fields of an output record. Slices are the caller's.
type RowFields struct {
	Symbol   []byte // as it stands
	Time     Time
	TimeText []byte // trimmed
	Price    tick.Price
}

// RowDecoder reads output records one by one. It keeps the unit of the file's
// epoch numbers, so a file needs a single one.
type RowDecoder struct {
	columns [3]int
	times   *TimeColumn
}

// NewRowDecoder returns a decoder for records under that header. Errors are
// *UsageError.
func NewRowDecoder(h Header, o Options) (*RowDecoder, error) {
	times, err := NewTimeColumn("timestamp", o)
	return &RowDecoder{[3]int(h.Columns), times}, err
}

// Decode reads a record that has the header's number of fields. A reason that
// is not "" rejects it; the error is an *InputError without a file.
func (d *RowDecoder) Decode(fields [][]byte, line int64) (f RowFields, reason Reason, hint string, err error) {
	symbol, at, price := fields[d.columns[0]], fields[d.columns[1]], fields[d.columns[2]]
	f.Symbol, f.TimeText = symbol, Trim(at)
	switch {
	case !isText(symbol) || !isText(at) || !isText(price):
		return f, BadText, badText, nil
	case IsMissing(symbol):
		return f, MissingField, missing("symbol", symbol), nil
	case IsMissing(f.TimeText):
		return f, MissingField, missing("timestamp", at), nil
	}
	if f.Time, err = d.times.Parse(f.TimeText, line); err != nil || f.Time.Reason != "" {
		return f, f.Time.Reason, f.Time.Hint, err
	}
	f.Price, reason, hint = ParsePrice(price)
	return f, reason, hint, nil
}

const badText = "a needed field has a NUL or is not UTF-8"

// missing is the hint for a needed field that is missing.
func missing(name string, text []byte) string {
	if len(Trim(text)) == 0 {
		return "no " + name
	}
	return clip(text) + " counts as no " + name
}
