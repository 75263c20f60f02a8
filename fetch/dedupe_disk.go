package fetch

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"iter"

	"holdfast/internal/extsort"
	"holdfast/internal/vfs"
)

// A lookahead finds the duplicates in what is left of a list when its deduper can
// remember no more (R12.9). The rest is read to its end, into a file; the hashes
// of its URLs are sorted with their lines, which shows the duplicates, and those
// are sorted by line. Then the file is read in place of the list. So memory stays
// bounded also for a list that can be read only once; the price is that nothing
// of the rest is fetched before its end has been seen.
type lookahead struct {
	rest     vfs.File
	readErr  error // how the list ended
	sorted   *extsort.Sorted
	next     func() (line, of []byte, ok bool)
	stop     func()
	line, of int64 // the next duplicate; 0: there is none
	err      error // of the sorted ones
}

// sortMemory is what each of the two sorts may take.
const sortMemory = 16 << 20

// lookAhead reads the rest of the list and makes l read it again from a file.
func (l *List) lookAhead() (err error) {
	d := l.dedupe
	a := &lookahead{}
	d.ahead = a
	if a.rest, err = vfs.Scratch(d.fs, d.dir); err != nil {
		return err
	}
	config := extsort.Config{Memory: sortMemory, Dir: d.dir, FS: d.fs, Jobs: 1}
	hashes := extsort.New(config)
	defer hashes.Close()
	size, err := a.save(l, hashes)
	if err != nil {
		return err
	}
	duplicates := extsort.New(config)
	defer duplicates.Close()
	if err := pair(hashes, duplicates); err != nil {
		return err
	}
	if a.sorted, err = duplicates.Sort(); err != nil {
		return err
	}
	a.next, a.stop = iter.Pull2(a.sorted.All(&a.err))
	a.step()
	l.in = bufio.NewReaderSize(io.NewSectionReader(a.rest, 0, size), 64<<10)
	return nil
}

// save copies what is left of l, and adds the hashes of URLs that are new.
func (a *lookahead) save(l *List, hashes *extsort.Sorter) (size int64, err error) {
	w := bufio.NewWriterSize(a.rest, 256<<10)
	var key [16]byte
	for line := l.inputs.Lines + 1; ; line++ {
		raw, err := l.readLine()
		if err != nil {
			a.readErr = err
			return size, w.Flush()
		}
		text := bytes.TrimRight(raw, "\n")
		size += int64(len(text)) + 1
		w.Write(text)
		if err := w.WriteByte('\n'); err != nil {
			return 0, err
		}
		if text = bytes.Trim(text, " \t\r\n"); len(text) == 0 || text[0] == '#' {
			continue
		}
		u := l.Reread(line, text)
		if u.Bad != nil {
			continue
		}
		h := l.dedupe.hash(u.URL)
		if l.dedupe.first[h] != 0 {
			continue
		}
		binary.BigEndian.PutUint64(key[:], h)
		binary.BigEndian.PutUint64(key[8:], uint64(line))
		if err := hashes.Add(key[:], nil); err != nil {
			return 0, err
		}
	}
}

// pair gives each line whose hash an earlier one has, with the first of those.
func pair(hashes, duplicates *extsort.Sorter) (err error) {
	sorted, err := hashes.Sort()
	if err != nil {
		return err
	}
	defer sorted.Close()
	var first [16]byte
	some := false
	for key := range sorted.All(&err) {
		if !some || !bytes.Equal(key[:8], first[:8]) {
			copy(first[:], key)
			some = true
		} else if err := duplicates.Add(key[8:], first[8:]); err != nil {
			return err
		}
	}
	return err
}

// step goes to the next duplicate.
func (a *lookahead) step() {
	a.line, a.of = 0, 0
	if line, of, ok := a.next(); ok {
		a.line, a.of = int64(binary.BigEndian.Uint64(line)), int64(binary.BigEndian.Uint64(of))
	}
}

// seen says of which earlier line a line is a duplicate; lines come in order.
func (a *lookahead) seen(line int64) (of int64) {
	if line != a.line {
		return 0
	}
	of = a.of
	a.step()
	return of
}

// close ends it when the rest has been read again.
func (a *lookahead) close() error {
	if a.stop == nil {
		return nil
	}
	a.stop()
	a.stop = nil
	return errors.Join(a.err, a.sorted.Close(), a.rest.Close())
}
