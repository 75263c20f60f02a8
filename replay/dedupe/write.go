package dedupe

import (
	"bytes"
	"context"
	"io"
)

// copySize is how much is copied at once.
const copySize = 256 << 10

// A writer carries decisions out: it goes through the file block by block and
// copies what stays, whole stretches at a time.
type writer struct {
	*reader
	*outputs
	index    *index
	drop     bitset  // records that ByKey removed or rejected
	details  *cursor // decisions that say more; nil: none
	progress func(done, total int64)

	from, to int64 // the stretch of the source that is to be copied as it is
	copyBuf  []byte
	rewrite  []byte

	kept, dropped, rejected, rewritten int64
}

// run writes the whole output.
func (w *writer) run(ctx context.Context) error {
	w.copyBuf = make([]byte, copySize)
	if err := w.header(); err != nil {
		return err
	}
	for b := range w.index.blocks {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.block(&b); err != nil {
			return err
		}
	}
	if err := w.copy(); err != nil {
		return err
	}
	return w.details.end()
}

// header writes the first line as it was read, or the documented one into the
// output of an empty file (R6).
func (w *writer) header() error {
	switch {
	case w.out == nil:
		return nil
	case w.source.header.Raw != nil:
		return w.line(w.source.header.Raw)
	case w.format.read.NoHeader:
		return nil
	}
	return w.line([]byte("symbol,timestamp,price"))
}

// block copies a block, or looks at each of its records.
func (w *writer) block(b *block) error {
	asItIs := !b.rough && !w.drop.any(b.first, b.last) && !w.details.upTo(b.last)
	if asItIs && w.to == b.offset {
		w.to += int64(b.size)
		w.kept += b.last - b.first + 1
		return nil
	}
	if err := w.copy(); err != nil {
		return err
	}
	w.progress(w.source.size+b.offset, 2*w.source.size)
	if asItIs {
		w.from, w.to = b.offset, b.offset+int64(b.size)
		w.kept += b.last - b.first + 1
		return nil
	}
	return w.each(b, w.record)
}

// copy writes the stretch.
func (w *writer) copy() error {
	for w.out != nil && w.from < w.to {
		part := w.copyBuf[:min(w.to-w.from, copySize)]
		if _, err := w.source.ReadAt(part, w.from); err != nil && err != io.EOF {
			return err
		}
		if _, err := w.out.Write(part); err != nil {
			return err
		}
		w.from += int64(len(part))
	}
	w.from, w.to = 0, 0
	return nil
}

// record does one record of a block that is not copied as it is.
func (w *writer) record(f *found) error {
	d, told, err := w.details.take(f.n)
	if err != nil {
		return err
	}
	if !told && !w.drop.has(f.n) {
		w.kept++
		return w.line(f.raw)
	}
	if !told {
		d = w.untold(f)
	}
	switch d.Action {
	case Rewrite:
		w.kept++
		w.rewritten++
		return w.line(w.withPrice(f, d))
	case Reject:
		w.rejected++
	default:
		w.dropped++
	}
	if w.removed == nil {
		return nil
	}
	return w.removed.add(f, d)
}

// untold is the decision about a record that ByKey dropped and told no more
// of: rejected ones never, removed ones if there is no list to tell it in.
func (w *writer) untold(f *found) Decision {
	if _, reason, _ := w.fields(f); reason != "" {
		return Decision{Row: f.n, Action: Reject, Reason: reason}
	}
	return Decision{Row: f.n, Action: Remove, Reason: reasonSameKey}
}

func (w *writer) line(raw []byte) error {
	if w.out == nil {
		return nil
	}
	w.out.Write(raw) // an error stays
	return w.out.WriteByte('\n')
}

// withPrice replaces the price of a record and leaves all else as it is.
func (w *writer) withPrice(f *found, d Decision) []byte {
	from, to := w.format.span(f.raw, w.format.price)
	w.rewrite = append(w.rewrite[:0], f.raw[:from]...)
	w.rewrite = d.Price.Append(w.rewrite)
	w.rewrite = append(w.rewrite, f.raw[to:]...)
	return w.rewrite
}

// span returns where a field of a usable record begins and ends, its quotes
// included.
func (f *format) span(raw []byte, column int) (from, to int) {
	for ; ; column-- {
		from = min(from, len(raw)) // it has fewer fields only if the file changed
		to = from + f.fieldEnd(raw[from:])
		if column == 0 {
			return from, to
		}
		from = to + 1
	}
}

// fieldEnd returns where the first field of b ends.
func (f *format) fieldEnd(b []byte) int {
	from := 0
	if len(b) > 0 && b[0] == '"' {
		for from = 1; ; from++ { // past doubled quotes, behind the closing one
			i := bytes.IndexByte(b[from:], '"')
			if from += i + 1; i < 0 || from == len(b) || b[from] != '"' {
				break
			}
		}
	}
	if i := bytes.IndexByte(b[from:], f.delimiter); i >= 0 {
		return from + i
	}
	return len(b)
}
