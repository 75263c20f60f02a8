package merge

import (
	"fmt"
	"slices"
	"strings"
)

// Exploration is what [Explore] found.
type Exploration struct {
	Pairs          int    `json:"pairs"`  // of lists, times the ways to lead them through the protocol
	States         int    `json:"states"` // different ones visited
	Counterexample string `json:"counterexample,omitempty"`
	Reason         string `json:"reason,omitempty"` // why it is one
}

// Explore runs every interleaving of two workers, and a crash and restart at
// every point, for all pairs of lists of at most size different values out of
// 0..2*size. Such lists would fit one message; so every pair is also led
// through the protocol for long lists: SKTCH and SHIP, withheld runs and
// tails, complement claims, right and wrong ones.
//
// The first run that does not end in the right output and the right messages
// is the counterexample: lists and a schedule that [Replay] runs again. The
// error is that of a bad configuration.
func Explore(c Config, size int) (Exploration, error) {
	return (&Explorer{Config: c, Size: size}).Run()
}

// An Explorer is [Explore] with more to say.
type Explorer struct {
	Config   Config
	Size     int
	Progress func(done, of int) // called now and then, with pairs, if not nil

	mistake mistake
}

// Run explores.
func (e *Explorer) Run() (x Exploration, err error) {
	lists := smallLists(e.Size)
	bends := []bend{{}}
	if e.Config.Strategy == Default && e.Config.Balance == Coded {
		bends = append(bends, bend{noAll: true}, bend{noAll: true, withhold: true}, bend{noAll: true, claim: true},
			bend{noAll: true, claim: true, withhold: true}, bend{noAll: true, swap: true}, bend{noAll: true, swap: true, withhold: true})
	}
	of := len(lists) * len(lists) * len(bends)
	for _, a := range lists {
		for _, b := range lists {
			for _, bent := range bends {
				c := e.Config
				c.bend = bent
				w, err := newWorld(c, a, b)
				if err != nil {
					return x, err
				}
				w.mistake = e.mistake
				x.Pairs++
				s := search{seen: map[situation]bool{}}
				reason := s.visit(w)
				if x.States += len(s.seen); reason != "" {
					x.Reason = reason
					x.Counterexample = w.heading() + " | " + strings.Join(s.path, " ")
					return x, nil
				}
				if e.Progress != nil && x.Pairs%256 == 0 {
					e.Progress(x.Pairs, of)
				}
			}
		}
	}
	return x, nil
}

// smallLists gives all sets of at most size values out of 0..2*size.
func smallLists(size int) (lists [][]int32) {
	for set := range uint(1) << (2*size + 1) {
		if onesIn(set) > size {
			continue
		}
		var l []int32
		for v := range 2*size + 1 {
			if set>>v&1 != 0 {
				l = append(l, int32(v))
			}
		}
		lists = append(lists, l)
	}
	return lists
}

// A search goes through the situations of one pair, depth first.
type search struct {
	seen map[situation]bool
	path []string // the moves to the counterexample
}

// visit tells why w, or what can come of it, is wrong, or nothing.
func (s *search) visit(w *world) (reason string) {
	at := w.situation()
	if s.seen[at] {
		return ""
	}
	s.seen[at] = true
	if reason := w.wrong(); reason != "" {
		return reason
	}
	for _, m := range w.moves() {
		next := w.clone()
		s.path = append(s.path, m.String())
		reason := next.play(m)
		if reason == "" {
			reason = s.visit(next)
		}
		if reason != "" {
			return reason
		}
		s.path = s.path[:len(s.path)-1]
	}
	return ""
}

// Replay runs a counterexample of [Explore] with the same configuration again
// and tells what it shows, or nothing if it shows nothing any more.
func Replay(c Config, counterexample string) (reason string, err error) {
	heading, path, ok := strings.Cut(counterexample, " | ")
	if !ok {
		return "", fmt.Errorf("%w: a counterexample is lists and moves, with | between", ErrConfig)
	}
	w, err := readHeading(c, heading)
	if err != nil {
		return "", err
	}
	return w.replay(strings.Fields(path))
}

// replay plays moves by their names.
func (w *world) replay(path []string) (reason string, err error) {
	for _, name := range path {
		i := slices.IndexFunc(w.moves(), func(m move) bool { return m.String() == name })
		if i < 0 {
			return "", fmt.Errorf("%w: the move %q is not possible here", ErrConfig, name)
		}
		if reason := w.play(w.moves()[i]); reason != "" {
			return reason, nil
		}
	}
	return w.wrong(), nil
}
