package logs

import (
	"context"
	"io"
	"runtime"
	"sync"
)

// A feed is a source as the merge sees it: the records that have come.
type feed struct {
	b *batch // nil: there are no more
	i int    // the current record

	full    chan *batch
	empty   chan *batch // each is announced to the readers, too
	readers readers

	turn   sync.Mutex // of who reads the source
	source *source    // guarded by turn
	ended  bool       // guarded by turn: the source is closed
}

// Readers are goroutines that fill batches, in the order in which they were
// emptied, of whichever source they belong to. With a goroutine for each source
// one would have to be woken for nearly each batch, and a core stands still
// until it is; readers that many sources share hardly ever sleep.
type readers chan *feed

func startReaders(ctx context.Context, n, feeds int) readers {
	r := make(readers, feeds*inFlight)
	for range n {
		go func() {
			for {
				select {
				case f := <-r:
					f.read()
				case <-ctx.Done():
					return
				}
			}
		}()
	}
	return r
}

// start begins to read sources, some batches ahead. Those that may have to wait
// for somebody have a reader each, so that the others need not wait too.
func (m *merge) start(ctx context.Context, sources []*source) []*feed {
	shared := startReaders(ctx, min(runtime.GOMAXPROCS(0), len(sources)), len(sources))
	feeds := make([]*feed, len(sources))
	for i, s := range sources {
		f := &feed{full: make(chan *batch, inFlight), empty: make(chan *batch, inFlight), readers: shared, source: s}
		if s.waits {
			f.readers = startReaders(ctx, 1, 1)
		}
		context.AfterFunc(ctx, f.stop) // in a goroutine of its own: it may take a while until it is its turn
		feeds[i] = f
	}
	for range inFlight { // the first batches of all before the second ones
		for _, f := range feeds {
			f.refill(newBatch(f.source.shape))
		}
	}
	return feeds
}

// refill hands an empty batch to the readers.
func (f *feed) refill(b *batch) {
	f.empty <- b // there is room for all there are
	f.readers <- f
}

// read fills the next empty batch.
func (f *feed) read() {
	f.turn.Lock()
	defer f.turn.Unlock()
	if f.ended {
		return
	}
	b := <-f.empty
	f.source.fill(b)
	if b.end != nil {
		f.close()
	}
	f.full <- b // there is room for all there are
}

// stop closes what has not been read to its end.
func (f *feed) stop() {
	f.turn.Lock()
	defer f.turn.Unlock()
	f.close()
}

func (f *feed) close() {
	if !f.ended {
		f.ended = true
		f.source.close()
	}
}

// next goes on to the next batch; more is false if there is none.
func (f *feed) next(ctx context.Context) (more bool, err error) {
	if f.b != nil {
		if err := f.b.end; err != nil {
			f.b = nil
			if err == io.EOF {
				return false, nil
			}
			return false, err
		}
		f.refill(f.b)
	}
	select {
	case f.b = <-f.full:
	case <-ctx.Done():
		return false, ctx.Err()
	}
	f.i = 0
	if len(f.b.recs) == 0 {
		return f.next(ctx) // which says why
	}
	return true, nil
}
