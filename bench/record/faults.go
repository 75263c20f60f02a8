package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
)

const (
	segmentSize  = 64 << 10 // of journals that get damaged
	faultRecords = 6400     // no journal has just sealed or begun a segment
	faultBatch   = 50       // and a sync, for journals that can
)

// A damage is done to one file. It gives the range of records that it destroys
// or cuts off: what is returned below and above it is counted.
type damage struct {
	name  string
	times int
	do    func(m *victim, draw *rand.Rand) (first, last uint64, ok bool)
}

// A victim is a copy of a journal: its data files in the order of their records.
type victim struct {
	dir   string
	files []dataFile
}

type dataFile struct {
	path        string
	data        []byte
	first, last uint64
	at          []spot
	end         int // behind the last byte that is not zero
}

// A spot is where a record begins. Records that lie across two pages of the
// file have none.
type spot struct {
	number uint64
	at     int
}

// cut is the first record that may need bytes from an offset on: what follows a
// record may belong to it.
func (f *dataFile) cut(from int) uint64 {
	first := f.first
	for _, s := range f.at {
		if s.at < from {
			first = s.number
		}
	}
	return first
}

func (v *victim) tail() *dataFile { return &v.files[len(v.files)-1] }

func damages(trials int) []damage {
	var d []damage
	for _, n := range []int{1, 40, 511, 4096} {
		d = append(d, damage{fmt.Sprintf("torn tail: last %d bytes cut off", n), 1, func(v *victim, _ *rand.Rand) (uint64, uint64, bool) {
			f := v.tail()
			first := f.cut(max(0, f.end-n))
			return first, f.last, os.Truncate(f.path, int64(max(0, f.end-n))) == nil
		}})
	}
	for _, n := range []int{40, 512} {
		d = append(d, damage{fmt.Sprintf("zeroed tail: last %d bytes", n), 1, func(v *victim, _ *rand.Rand) (uint64, uint64, bool) {
			f := v.tail()
			first := f.cut(max(0, f.end-n))
			clear(f.data[max(0, f.end-n):f.end])
			return first, f.last, os.WriteFile(f.path, f.data, 0o666) == nil
		}})
	}
	for _, n := range []int{100, 4096} {
		d = append(d, damage{fmt.Sprintf("garbage tail: %d bytes behind the end", n), 1, func(v *victim, draw *rand.Rand) (uint64, uint64, bool) {
			f := v.tail()
			b := slices.Clone(f.data[:f.end])
			for range n {
				b = append(b, byte(draw.Uint32()))
			}
			if len(b) < len(f.data) {
				b = append(b, f.data[len(b):]...)
			}
			return f.last + 1, f.last, os.WriteFile(f.path, b, 0o666) == nil
		}})
	}
	d = append(d, damage{"one bit flipped in a record of the synced middle", trials, func(v *victim, draw *rand.Rand) (uint64, uint64, bool) {
		f := &v.files[len(v.files)/2]
		i := len(f.at)/4 + draw.IntN(max(1, len(f.at)/2))
		f.data[f.at[i].at+draw.IntN(recordSize)] ^= 1 << draw.IntN(8)
		n := f.at[i].number
		return n, n, os.WriteFile(f.path, f.data, 0o666) == nil
	}})
	d = append(d, damage{"one bit flipped between records of the synced middle", trials, func(v *victim, draw *rand.Rand) (uint64, uint64, bool) {
		f := &v.files[len(v.files)/2]
		i := len(f.at)/4 + draw.IntN(max(1, len(f.at)/2))
		gap := f.at[i].at - (f.at[i-1].at + recordSize)
		f.data[f.at[i].at-1-draw.IntN(max(1, gap))] ^= 1 << draw.IntN(8)
		return f.at[i-1].number, f.at[i].number, os.WriteFile(f.path, f.data, 0o666) == nil
	}})
	return append(d, damage{"a segment of the middle deleted", 1, func(v *victim, _ *rand.Rand) (uint64, uint64, bool) {
		if len(v.files) < 3 {
			return 0, 0, false
		}
		f := &v.files[len(v.files)/2]
		return f.first, f.last, os.Remove(f.path) == nil
	}})
}

// outcome sums up the trials of one damage.
type outcome struct {
	trials, opened, reported, wrong int
	before, after                   int // returned
	allBefore, allAfter             int // there were
	said                            string
}

func faults(c *config, all []*contestant, r *report) error {
	kinds := damages(c.trials)
	for _, p := range all {
		pristine, err := os.MkdirTemp(c.dir, "pristine")
		if err != nil {
			return err
		}
		if err := crashed(p, pristine); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		for _, k := range kinds {
			o, err := suffer(c, p, pristine, k)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", p.name, k.name, err)
			}
			r.suffered(p, k, o)
		}
	}
	return nil
}

// crashed makes the files that a kill leaves behind: they are copied while the
// journal is open, after its last sync.
func crashed(p *contestant, dir string) error {
	live, err := os.MkdirTemp(filepath.Dir(dir), "live")
	if err != nil {
		return err
	}
	defer os.RemoveAll(live)
	w, err := p.open(live, p.best(), segmentSize)
	if err != nil {
		return err
	}
	for n := uint64(1); n <= faultRecords; n += faultBatch {
		if err := w.append(n, batchOf(n, faultBatch)); err != nil {
			return err
		}
	}
	if err := os.CopyFS(dir, os.DirFS(live)); err != nil {
		return err
	}
	return w.close()
}

// locate finds each record in the files of a folder.
func locate(dir string) (*victim, error) {
	v := &victim{dir: dir}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		v.files = append(v.files, dataFile{path: path, data: b, end: len(bytes.TrimRight(b, "\x00"))})
		return err
	})
	if err != nil {
		return nil, err
	}
	from := make([]int, len(v.files))
	k := 0
	for n := uint64(1); n <= faultRecords; n++ {
		b := record(nil, n)
		for range v.files {
			f := &v.files[k]
			at := bytes.Index(f.data[from[k]:], b)
			if at < 0 {
				k = (k + 1) % len(v.files)
				continue
			}
			if f.first == 0 {
				f.first = n
			}
			f.last = n
			f.at = append(f.at, spot{n, from[k] + at})
			from[k] += at + recordSize
			break
		}
	}
	v.files = slices.DeleteFunc(v.files, func(f dataFile) bool { return f.first == 0 })
	slices.SortFunc(v.files, func(a, b dataFile) int { return int(a.first) - int(b.first) })
	if len(v.files) == 0 {
		return nil, fmt.Errorf("no records in the files of %s", dir)
	}
	return v, nil
}

func suffer(c *config, p *contestant, pristine string, k damage) (o outcome, err error) {
	draw := rand.New(rand.NewPCG(7, 7))
	for range k.times {
		err := fresh(c, func(dir string) error {
			copied := filepath.Join(dir, "c")
			if err := os.CopyFS(copied, os.DirFS(pristine)); err != nil {
				return err
			}
			v, err := locate(copied)
			if err != nil {
				return err
			}
			first, last, ok := k.do(v, draw)
			if !ok {
				return nil
			}
			o.trial(p, copied, first, last, v.tail().last)
			return nil
		})
		if err != nil {
			return o, err
		}
	}
	return o, nil
}

func (o *outcome) trial(p *contestant, dir string, first, last, end uint64) {
	seen := map[uint64]bool{}
	var buf []byte
	visit := func(n uint64, b []byte) {
		buf = record(buf[:0], n)
		switch {
		case n == 0 || n > end || !bytes.Equal(buf, b):
			o.wrong++
		case seen[n]:
			return
		case n < first:
			o.before++
		case n > last:
			o.after++
		}
		seen[n] = true
	}
	opened, said := o.restart(p, dir, visit)
	o.trials++
	o.allBefore += int(first) - 1
	o.allAfter += int(end - last)
	if opened {
		o.opened++
	}
	if said != "" {
		o.reported++
		o.said = said
	}
}

// restart is what a program that uses the journal does; a panic is no opening.
func (o *outcome) restart(p *contestant, dir string, visit func(uint64, []byte)) (opened bool, said string) {
	defer func() {
		if e := recover(); e != nil {
			opened, said = false, fmt.Sprint("panic: ", e)
		}
	}()
	if p.recover != nil {
		return p.recover(dir, visit)
	}
	returned := false
	err := p.scan(dir, func(n uint64, b []byte) { returned = true; visit(n, b) })
	return err == nil || returned, text(err)
}
