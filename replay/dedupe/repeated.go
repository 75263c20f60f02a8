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

	table table
	runs  [][]uint64 // of each chunk: the partitions that were read
	buf   []uint64
	raw   []byte
}

func (f *finder) find(from, to int) (err error) {
	f.runs, f.buf = f.runs[:0], f.buf[:0]
	total := 0
	for _, c := range f.chunks {
		if c.entries.data == nil {
			total += int(c.entries.runs[to] - c.entries.runs[from])
		}
	}
	if cap(f.buf) < total { // grown once, because runs point into it
		f.buf = make([]uint64, 0, total)
	}
	for _, c := range f.chunks {
		var run []uint64
		run, f.buf, err = f.store.slice(&c.entries, from, to, f.buf, &f.raw)
		if err != nil {
			return err
		}
		f.runs = append(f.runs, run)
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
		for _, e := range f.part(i, c, from, p) {
			f.table.add(e >> entryRecordBits)
		}
	}
	if !f.table.again {
		return
	}
	for i, c := range f.chunks {
		for _, e := range f.part(i, c, from, p) {
			if f.table.repeated(e >> entryRecordBits) {
				f.found.share(c.before + int64(e&entryRecordMask) + 1)
			}
		}
	}
}

// part is partition p of chunk i, of the partitions that were read from "from".
func (f *finder) part(i int, c *chunk, from, p int) []uint64 {
	runs := c.entries.runs
	return f.runs[i][runs[p]-runs[from] : runs[p+1]-runs[from]]
}
