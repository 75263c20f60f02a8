package seq

import (
	"fmt"
	"iter"
	"slices"
	"time"
)

// StateVersion is the version of State. It grows when a field changes its
// meaning, not when one is added.
const StateVersion = 1

// A State is all of a machine that outlives its process: what [Replay] makes
// of its frames, and what Config.State goes on from. Times of day and of
// timers are not in it, since the next process has another clock; it asks for
// all that is missing when it starts.
type State struct {
	Version   int
	Begun     bool      // First is known
	First     uint64    // lowest sequence of the session
	Next      uint64    // lowest sequence neither written nor released
	Top       uint64    // one above the highest sequence proven to exist
	Lines     [2]uint64 // one above the highest of which line A, line B brought the first copy
	Wrote     bool      // Highest is known
	Highest   uint64    // highest sequence written
	Known     []Interval
	Written   []Interval
	Held      []Held // ascending
	Gaps      []Gap  // ascending; what Known lacks below Top
	Policy    PolicyFrame
	D         uint64        // follows from Policy and Config
	T         time.Duration // the same
	Run       uint64        // of the last process
	Depth     uint32        // probe rounds that its start made
	Stalls    uint32        // starts in a row, before it, that got nowhere
	Cursor    uint64        // where the source stands
	Started   uint64        // where it stood when the process started
	Moved     bool          // a packet was journaled since
	Clean     bool          // the last process stopped in order
	Completed bool          // the session is over
	Counts    [counters]uint64
}

// An Interval is the sequences First to Last, both included.
type Interval struct{ First, Last uint64 }

// A Held is a packet that is known and not written.
type Held struct {
	Sequence uint64
	Size     uint32 // of its payload
	Answer   bool   // it answers a request
}

// A Gap is the sequences First to Last, both included, that are missing and
// share their fate.
type Gap struct {
	First, Last uint64
	Cause       Cause
	Tries       uint8
	Released    bool
}

// State gives the state as a value of its own. It takes time and memory for
// each gap and packet that waits: it is for tests and for people.
func (m *Machine) State() State { return m.state() }

// Replay gives the state of the session from its frames, in their order.
// Frames of lines that are in the log may follow when the journal has lost
// them. An error names the frame that no machine has made.
func Replay(c Config, frames iter.Seq[Frame]) (State, error) {
	c, err := c.validated()
	if err != nil {
		return State{}, err
	}
	k := newCore(c)
	if c.State != nil {
		if err := k.restore(c.State); err != nil {
			return State{}, err
		}
	}
	n := 0
	for f := range frames {
		n++
		if err := k.apply(&f); err != nil {
			return State{}, fmt.Errorf("seq: frame %d: %w", n, err)
		}
	}
	return k.state(), nil
}

func (k *core) state() State {
	s := State{
		Version: StateVersion,
		Begun:   k.begun, First: k.first, Next: k.next(), Top: k.top, Lines: k.tops, Wrote: k.wrote, Highest: k.highest,
		Policy: k.policy, D: k.countLimb(), T: k.timeLimb(),
		Run: k.run, Depth: k.depth, Stalls: k.stalls, Cursor: k.cursor, Started: k.started,
		Moved: k.moved, Clean: k.clean, Completed: k.completed, Counts: k.counts,
	}
	s.Policy.Windows = slices.Clone(k.policy.Windows)
	waiting := k.buf.waiting()
	if !k.c.JournalOff {
		waiting = k.held.all()
	}
	for _, p := range waiting {
		s.Held = append(s.Held, Held{p.seq, p.size, p.answer})
	}
	s.Gaps = k.gaps.list()
	s.Known, s.Written = k.intervals(s.Gaps, s.Held)
	return s
}

// list gives the gaps, those joined that touch and are alike.
func (g *gapList) list() []Gap {
	var list []Gap
	for _, k := range g.chunks {
		for _, r := range k.runs {
			one := Gap{r.first, r.end - 1, r.cause, r.tries, r.released}
			if n := len(list); n > 0 {
				last := &list[n-1]
				joined := one
				joined.First, joined.Last = last.First, last.Last
				if last.Last+1 == one.First && *last == joined {
					last.Last = one.Last
					continue
				}
			}
			list = append(list, one)
		}
	}
	return list
}

// intervals gives what is known, which is what is no gap, and what is written,
// which is what of it does not wait.
func (k *core) intervals(gaps []Gap, held []Held) (known, written []Interval) {
	at := k.first
	between := func(end uint64) {
		if at >= end {
			return
		}
		known = append(known, Interval{at, end - 1})
		for len(held) > 0 && held[0].Sequence < end {
			if h := held[0].Sequence; h > at {
				written = append(written, Interval{at, h - 1})
			}
			at, held = held[0].Sequence+1, held[1:]
		}
		if at < end {
			written = append(written, Interval{at, end - 1})
		}
	}
	for _, g := range gaps {
		between(g.First)
		at = g.Last + 1
	}
	between(k.top)
	return known, written
}

// restore takes over a state.
func (k *core) restore(s *State) error {
	if s.Version != StateVersion {
		return fmt.Errorf("seq: state of version %d: this program reads version %d", s.Version, StateVersion)
	}
	k.begun, k.first, k.top, k.wrote, k.highest = s.Begun, s.First, s.Top, s.Wrote, s.Highest
	k.held.next, k.tops = s.Next, s.Lines
	end := s.First
	for _, g := range s.Gaps {
		if g.First < end || g.Last < g.First || g.Last >= s.Top {
			return fmt.Errorf("seq: state with a gap from %d to %d, between %d and %d: gaps ascend and lie in the session", g.First, g.Last, end, s.Top)
		}
		end = g.Last + 1
		k.gaps.append(run{first: g.First, end: end, cause: g.Cause, tries: g.Tries, released: g.Released})
	}
	for _, h := range s.Held {
		if h.Sequence < s.First || !k.known(h.Sequence) {
			return fmt.Errorf("seq: state in which sequence %d waits and is missing", h.Sequence)
		}
		k.hold(h.Sequence, heldPacket{size: h.Size, answer: h.Answer})
	}
	k.policy = s.Policy
	k.policy.Windows = slices.Clone(s.Policy.Windows)
	k.run, k.depth, k.stalls = s.Run, s.Depth, s.Stalls
	k.cursor, k.started, k.moved, k.clean, k.completed = s.Cursor, s.Started, s.Moved, s.Clean, s.Completed
	k.counts = s.Counts
	k.halving = (k.counts[Packets]/halvingPeriod + 1) * halvingPeriod
	return nil
}
