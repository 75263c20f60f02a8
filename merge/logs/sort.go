package logs

import (
	"bytes"
	"context"

	"holdfast/internal/extsort"
)

// sort sorts the files, one behind the other, in bounded memory.
func (m *merge) sort(out *sink) error {
	memory := m.filter.rest(m.Memory)
	reading := perSource * int64(largeBatch)
	s := extsort.New(extsort.Config{Memory: max(memory-reading, memory/2), Dir: m.Temp, FS: m.FS})
	defer s.Close()
	for _, f := range m.files {
		if err := m.addFile(s, f, m.shapeFor(min(reading, memory/2), 1)); err != nil {
			return err
		}
	}
	sorted, err := s.Sort()
	if err != nil {
		return err
	}
	defer sorted.Close()
	m.report.Records = sorted.Len()
	return m.drain(sorted, out)
}

// wholeLines reports whether a record is its key and a line feed.
func (m *merge) wholeLines() bool {
	return m.plan.format == "text" && m.plan.keyer.inPlace() && m.plan.by[0].number() == 0
}

// addFile adds the records of a file: the fingerprint, if there is one, and
// the text as the value.
func (m *merge) addFile(sorter *extsort.Sorter, f *file, shape shape) error {
	src, err := m.open(f)
	if err != nil {
		return err
	}
	src.shape, src.prints = shape, m.plan.prints
	ctx, stop := context.WithCancel(m.ctx)
	defer stop()
	feed := m.start(ctx, []*source{src})[0]
	whole := m.wholeLines()
	var value []byte
	for {
		more, err := feed.next(ctx)
		if err != nil || !more {
			return err
		}
		m.progress.tell()
		b := feed.b
		for i := range b.recs {
			p := &b.recs[i]
			value = value[:0]
			if len(b.prints) > 0 {
				value = b.prints[i].append(value)
			}
			if !whole {
				value = append(value, b.text[p.from:p.to]...)
			}
			if err := sorter.Add(b.key(i), value); err != nil {
				return err
			}
		}
	}
}

// drain writes what has been sorted.
func (m *merge) drain(sorted *extsort.Sorted, out *sink) (err error) {
	whole, prints := m.wholeLines(), m.plan.prints != nil
	var last, line []byte
	n := 0
	for key, value := range sorted.All(&err) {
		if n++; n%4096 == 0 && m.ctx.Err() != nil {
			return m.ctx.Err()
		}
		var print fingerprint
		if prints {
			print, value = readFingerprint(value)
		}
		if whole {
			line = append(append(line[:0], key...), '\n')
			value = line
		}
		if m.filter.mode == keepAll {
			if err := out.add(value); err != nil {
				return err
			}
			continue
		}
		repeats := n > 1 && bytes.Equal(last, key)
		last = append(last[:0], key...)
		if err := m.filter.take(value, print, repeats); err != nil {
			return err
		}
	}
	return err
}
