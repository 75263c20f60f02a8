package sink

import (
	"context"
	"errors"
	"sync"

	"holdfast/engine"
)

// problems keeps what went wrong last, for the end, and tells each once.
type problems struct {
	warn  func(string)
	fatal chan error // the first that cannot get better

	mu     sync.Mutex // guards all below
	latest error
	seen   map[string]bool
}

// maxProblems bounds how many are told.
const maxProblems = 20

func (s *problems) add(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := err.Error()
	known := s.seen[text]
	if s.latest = err; known || len(s.seen) >= maxProblems {
		return
	}
	if s.seen == nil {
		s.seen = map[string]bool{}
	}
	s.seen[text] = true
	s.warn(text + "; recording goes on, and what is not published waits in the log")
}

func (s *problems) last() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.latest == nil {
		return errors.New("the stream does not take them")
	}
	return s.latest
}

// end ends the publisher.
func (s *problems) end(err error) {
	select {
	case s.fatal <- err:
	default:
	}
}

// hopeless are errors that trying again does not mend.
func hopeless(err error) bool {
	return errors.Is(err, ErrForeign) || errors.Is(err, engine.ErrShape) || errors.Is(err, engine.ErrOld)
}

// trouble takes what went wrong.
func (p *Publisher) trouble(err error) {
	switch {
	case err == nil, errors.Is(err, context.Canceled):
	case hopeless(err):
		p.problems.end(err)
	default:
		p.problems.add(err)
	}
}
