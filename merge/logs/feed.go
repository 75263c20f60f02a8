package logs

import (
	"context"
	"io"
)

// A feed is a source as the merge sees it: the records that have come.
type feed struct {
	b    *batch // nil: there are no more
	i    int    // the current record
	full chan *batch
	free chan *batch
}

// start reads a source in a goroutine of its own, some batches ahead.
func (m *merge) start(ctx context.Context, s *source) *feed {
	f := &feed{full: make(chan *batch, inFlight), free: make(chan *batch, inFlight)}
	for range inFlight {
		f.free <- newBatch(s.shape)
	}
	go func() {
		defer s.close()
		for {
			var b *batch
			select {
			case b = <-f.free:
			case <-ctx.Done():
				return
			}
			s.fill(b)
			ended := b.end != nil
			f.full <- b // there is room for all there are
			if ended {
				return
			}
		}
	}()
	return f
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
		f.free <- f.b
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
