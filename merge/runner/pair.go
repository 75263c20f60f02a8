package runner

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"

	"holdfast/merge"
)

// Files names the files of a worker in the folder of a pair: A_to_B.msg,
// B_to_A.msg, state_A.json, state_B.json and output.
func Files(dir, id string, o Options) Options {
	other := "B"
	if id == "B" {
		other = "A"
	}
	o.ID = id
	o.Inbox = filepath.Join(dir, other+"_to_"+id+".msg")
	o.Outbox = filepath.Join(dir, id+"_to_"+other+".msg")
	o.Output = filepath.Join(dir, "output")
	o.State = filepath.Join(dir, "state_"+id+".json")
	return o
}

// A Pair is two workers in one folder and one process.
type Pair struct {
	Workers [2]*Worker
}

// NewPair opens both workers with the options o in dir, which must exist. What
// was begun there goes on.
func NewPair(dir string, a, b []int32, o Options) (*Pair, error) {
	var p Pair
	for i, data := range [][]int32{a, b} {
		wo := Files(dir, string(rune('A'+i)), o)
		wo.Data = data
		w, err := NewWorker(wo)
		if err != nil {
			p.Close()
			return nil, err
		}
		p.Workers[i] = w
	}
	return &p, nil
}

// Close closes both workers.
func (p *Pair) Close() error {
	var errs []error
	for _, w := range p.Workers {
		if w != nil {
			errs = append(errs, w.Close())
		}
	}
	return errors.Join(errs...)
}

// Run steps the workers by a schedule (nil: alternating) until both have
// finished, or maxSteps were made, or the context ends. tell is called after
// each step; it may be nil. A run that fails is told to the other worker too
// before the error comes back.
func (p *Pair) Run(ctx context.Context, s merge.Schedule, maxSteps int, tell func()) (merge.Result, error) {
	c := merge.Coordinator{Schedule: s}
	for i, w := range p.Workers {
		c.Workers[i] = &observed{ctx, w, tell}
	}
	r, err := c.Run(maxSteps)
	var failed *RunError
	if errors.As(err, &failed) {
		p.spread(maxSteps - r.TotalSteps)
	}
	return r, err
}

// spread steps both until they know of the failure, or nothing changes.
func (p *Pair) spread(most int) {
	for _, w := range p.Workers {
		for range most {
			before := w.state.Steps
			if more, err := w.Step(); !more || err != nil || w.state.Steps == before {
				break
			}
		}
	}
}

type observed struct {
	ctx  context.Context
	w    *Worker
	tell func()
}

func (o *observed) Step() (bool, error) {
	if err := o.ctx.Err(); err != nil {
		return true, err
	}
	more, err := o.w.Step()
	if o.tell != nil {
		o.tell()
	}
	return more, err
}

func (o *observed) Stats() merge.Stats { return o.w.Stats() }

// Finished tells whether both workers in dir have finished, without opening
// them. The states must be those of these lists and options.
func Finished(dir string, a, b []int32, o Options) (bool, error) {
	done := 0
	for i, data := range [][]int32{a, b} {
		wo := Files(dir, string(rune('A'+i)), o)
		wo.Data = data
		if err := wo.validate(); err != nil {
			return false, err
		}
		s, err := ReadState(wo.Disk, wo.State)
		var damaged *InputError
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.As(err, &damaged):
			continue
		case err != nil:
			return false, err
		}
		m, err := wo.machine(wo.config(s.Base))
		if err != nil {
			return false, err
		}
		if err := s.belongs(&wo, m.Fingerprint()); err != nil {
			return false, err
		}
		if s.Done {
			done++
		}
	}
	return done == 2, nil
}
