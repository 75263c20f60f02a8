package dedupe

import (
	"context"
	"sync"
	"sync/atomic"
)

// repeated returns the records whose hash another record has too: all rows of
// all groups, and now and then a stranger.
func (s *store) repeated(ctx context.Context, x *index, jobs int, memory int64) (bitset, error) {
	found := newBitset(x.records)
	step := s.step(memory / int64(jobs))
	var next atomic.Int64
	var group sync.WaitGroup
	errs := make([]error, jobs)
	for j := range jobs {
		group.Go(func() {
			f := finder{store: s, chunks: x.chunks, found: found}
			for errs[j] == nil && ctx.Err() == nil {
				from := int(next.Add(int64(step))) - step
				if from >= s.partitions() {
					return
				}
				errs[j] = f.find(from, min(from+step, s.partitions()))
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return found, ctx.Err()
}

// step is how many partitions are read at once: when they were spilled, as
// many as memory takes, up to a number that makes the reads long enough.
func (s *store) step(memory int64) int {
	const enough = 64
	if s.spill == nil || s.spill.size == 0 {
		return 1
	}
	return int(min(max(memory*int64(s.partitions())/s.spill.size/2, 1), enough))
}

// finder looks for repeated hashes, one partition after the other.
type finder struct {
	store  *store
	chunks []*chunk
	found  bitset

	table  table
	loader loader
	parts  []part // of each chunk: the partitions that were read
}

// find does the partitions from to to-1.
func (f *finder) find(from, to int) error {
	spilled := 0
	for _, c := range f.chunks {
		if c.entries.hashes == nil {
			spilled += int(c.entries.runs[to] - c.entries.runs[from])
		}
	}
	f.loader.reset(spilled)
	f.parts = f.parts[:0]
	for _, c := range f.chunks {
		p, err := f.store.load(&c.entries, from, to, &f.loader)
		if err != nil {
			return err
		}
		f.parts = append(f.parts, p)
	}
	for p := from; p < to; p++ {
		f.partition(from, p)
	}
	return nil
}

func (f *finder) partition(from, p int) {
	n := 0
	for _, c := range f.chunks {
		n += int(c.entries.runs[p+1] - c.entries.runs[p])
	}
	f.table.reset(n)
	for i, c := range f.chunks {
		start, end := c.entries.within(from, p)
		for _, h := range f.parts[i].hashes[start:end] {
			f.table.add(h)
		}
	}
	if !f.table.again {
		return
	}
	for i, c := range f.chunks {
		start, end := c.entries.within(from, p)
		for j, h := range f.parts[i].hashes[start:end] {
			if f.table.repeated(h) {
				f.found.share(c.before + int64(f.parts[i].records[int(start)+j]) + 1)
			}
		}
	}
}

// within is where partition p lies in what was read from partition from on.
func (e *entries) within(from, p int) (start, end uint32) {
	return e.runs[p] - e.runs[from], e.runs[p+1] - e.runs[from]
}
