package logs

import "holdfast/internal/stream"

// A progress tells how many bytes of the inputs have been read.
type progress struct {
	step  func(phase string, done, total int64)
	phase string
	total int64 // 0: not known
	open  []*stream.Stream
}

func (p *progress) add(s *stream.Stream) { p.open = append(p.open, s) }

func (p *progress) tell() {
	if p.step == nil {
		return
	}
	var done int64
	for _, s := range p.open {
		done += s.Consumed()
	}
	p.step(p.phase, done, p.total)
}
