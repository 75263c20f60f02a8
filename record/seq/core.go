package seq

import (
	"fmt"
	"time"
)

// A core is the part of the machine that outlives the process. A frame changes
// it in the same way when it is made and when it is read again: that is why a
// replay of the journal gives the state of the live run. What no frame says as
// it happens (counters, what was learned) is said by frames 7 and 8 in time.
type core struct {
	c Config // validated

	begun bool      // the first sequence is known
	first uint64    // lowest of the session
	top   uint64    // one above the highest proven to exist
	tops  [2]uint64 // one above the highest of which each line brought the first copy
	gaps  gapList
	held  heldRing     // with the journal
	buf   sortedBuffer // without

	wrote   bool   // anything
	highest uint64 // written

	counts  [counters]uint64
	policy  PolicyFrame
	recent  recentSet
	inputs  uint32 // of this process; only differences count
	halving uint64 // packets at which the extent is halved next

	run       uint64
	depth     uint32
	stalls    uint32 // starts in a row that got nowhere
	cursor    uint64
	started   uint64 // cursor at the start
	moved     bool   // a packet was journaled since
	clean     bool   // the last process stopped in order
	completed bool
}

func newCore(c Config) core {
	k := core{c: c, halving: halvingPeriod}
	k.policy.Tokens = burst * 1000
	if c.First != FirstOfStream {
		k.begin(c.First)
	}
	return k
}

func (k *core) begin(seq uint64) {
	k.begun, k.first, k.top, k.held.next = true, seq, seq, seq
}

// next is the lowest sequence neither written nor released.
func (k *core) next() uint64 { return k.held.next }

// known reports whether a packet with this sequence was taken before.
func (k *core) known(seq uint64) bool {
	return seq < k.top && (k.gaps.runs == 0 || k.gaps.covering(seq) == nil)
}

// raise proves that all below top exist; what is new of it is a gap.
func (k *core) raise(top uint64, now time.Duration) {
	if top > k.top {
		k.gaps.append(run{first: k.top, end: top, seen: now})
		k.top = top
	}
}

// An acceptance says what a new packet met.
type acceptance struct {
	asked  bool          // it was asked for
	cause  Cause         // why it was missed
	late   bool          // packets behind it came before it
	extent uint64        // by how many sequences
	delay  time.Duration // and for how long it was missed
}

// accept takes a packet that is not known.
func (k *core) accept(p *PacketFrame) acceptance {
	seq := p.Sequence
	a := acceptance{asked: k.counts[Outstanding] == seq+1, cause: Loss}
	if seq >= k.top {
		k.raise(seq, p.At)
		k.top = seq + 1
	} else {
		was, _ := k.gaps.cut(seq)
		a.asked = a.asked || was.tries > 0
		a.late, a.cause, a.extent, a.delay = true, was.cause, k.top-1-seq, p.At-was.seen
	}
	answer := a.asked && p.Origin == Answer
	if a.late && a.cause == Loss && !answer && !k.other(p) {
		k.learn(a)
	}
	if p.Origin == Original && !k.c.JournalOff { // without it nothing would say so again
		k.tops[p.Line&1] = max(k.tops[p.Line&1], seq+1)
	}
	k.moved = true
	k.counts[Packets]++
	if k.counts[Packets] >= k.halving {
		k.halving += halvingPeriod
		k.policy.Extent /= 2
	}
	k.recent.put(&p.Packet, answer, k.counts[Packets])
	k.hold(seq, heldPacket{size: uint32(len(p.Payload)), input: k.inputs, answer: answer})
	return a
}

// other reports whether a packet is late only beside the other line: its own
// brings it in its turn.
func (k *core) other(p *PacketFrame) bool {
	return p.Origin == Original && k.tops[1-p.Line&1] > 0 && p.Sequence >= k.tops[p.Line&1]
}

func (k *core) hold(seq uint64, p heldPacket) {
	p.there = true
	if k.c.JournalOff {
		k.buf.add(seq, p)
		return
	}
	k.held.add(seq, p)
}

func (k *core) take(seq uint64) (heldPacket, bool) {
	if k.c.JournalOff {
		return k.buf.take(seq)
	}
	return k.held.take(seq)
}

// waiting counts the packets that are known and not written.
func (k *core) waiting() int {
	if k.c.JournalOff {
		return len(k.buf.waiting())
	}
	return k.held.n
}

// line notes that a packet is in the log; waited says whether it was held.
func (k *core) line(l Line, waited bool) {
	if !waited && !k.known(l.Seq) { // the log has what the journal lost, or never had
		if l.Seq >= k.top {
			k.raise(l.Seq, 0)
			k.top = l.Seq + 1
		} else {
			k.gaps.cut(l.Seq)
		}
	}
	k.counts[Written]++
	switch l.Status {
	case Late:
		k.counts[LateLines]++
	case Retransmit:
		k.counts[Retransmits]++
	}
	if k.below(l.Seq) {
		k.counts[Inversions]++
		k.counts[InvertedPairs] += k.writtenAbove(l.Seq)
	} else {
		k.wrote, k.highest = true, l.Seq
	}
	if l.Seq >= k.next() {
		k.held.advance(l.Seq + 1)
		k.skip()
	}
}

// below reports whether a line for seq would stand below an earlier one.
func (k *core) below(seq uint64) bool { return k.wrote && seq < k.highest }

func (k *core) writtenAbove(seq uint64) uint64 {
	waits := 0
	if k.c.JournalOff {
		waits = k.buf.countAbove(seq)
	} else {
		waits = k.held.countAbove(seq)
	}
	return k.top - 1 - seq - k.gaps.above(seq) - uint64(waits)
}

// skip moves next over what is released.
func (k *core) skip() {
	for k.gaps.runs > 0 {
		r := k.gaps.covering(k.next())
		if r == nil || !r.released {
			return
		}
		k.held.advance(r.end)
	}
}

// gap notes a gap's fate.
func (k *core) gap(g GapFrame, now time.Duration) {
	end := g.Last + 1
	switch g.State {
	case GapOpen:
		k.raise(end, now)
		if g.Cause == Corrupt {
			k.gaps.mark(g.First, end, func(r *run) { r.cause = Corrupt })
		}
	case GapReleased:
		k.raise(end, now)
		k.gaps.mark(g.First, end, func(r *run) { r.released = true })
		k.skip()
	}
}

// request notes that sequences are asked for.
func (k *core) request(r Range) {
	k.counts[Requests]++
	k.counts[RequestedSequences] += uint64(r.Count)
	switch r.Cause {
	case Loss:
		k.counts[GapRequests]++
	case Probe:
		k.counts[StallProbes]++
	case Background:
		k.counts[BackgroundRequests]++
	}
	k.gaps.mark(r.First, r.First+uint64(r.Count), func(g *run) { g.tries = max(g.tries, r.Try) })
}

// start notes that a process begins.
func (k *core) start(s StartFrame) {
	k.stalls = k.stallsBefore(s.Cursor)
	k.counts[Starts]++
	if k.run > 0 && !k.clean {
		k.counts[UncleanStarts]++
	}
	if k.run > 0 {
		k.policy.Backoff = max(k.policy.Backoff, 1) // the way may have changed (G9)
	}
	k.run, k.depth = s.Run, s.Depth
	k.cursor, k.started = s.Cursor, s.Cursor
	k.moved, k.clean, k.completed = false, false, false
}

// stallsBefore counts the starts in a row that got nowhere, the source now
// standing at a cursor: neither did it move nor was a packet journaled (L8).
func (k *core) stallsBefore(cursor uint64) uint32 {
	if k.run == 0 || k.clean || k.moved || cursor != k.started {
		return 0
	}
	return k.stalls + 1
}

func (k *core) stop(reason StopReason) {
	k.clean = true
	k.completed = reason == StopComplete
}

// apply takes over one frame that was read.
func (k *core) apply(f *Frame) error {
	if f.Type == FrameSession && f.Session == nil || f.Type == FrameStart && f.Start == nil || f.Type == FramePolicy && f.Policy == nil {
		return fmt.Errorf("frame of type %d without its body", f.Type)
	}
	switch f.Type {
	case FrameSession:
		if !k.begun && f.Session.First != FirstOfStream {
			k.begin(f.Session.First)
		}
	case FrameStart:
		k.start(*f.Start)
	case FramePacket:
		if f.Packet.Sequence == FirstOfStream {
			return fmt.Errorf("packet with sequence %d: a journal never has it", f.Packet.Sequence)
		}
		k.proven(f.Packet.Sequence)
		if f.Packet.Sequence >= k.first && !k.known(f.Packet.Sequence) {
			k.accept(&f.Packet)
		}
	case FrameWrote:
		for _, r := range f.Wrote.Runs {
			if r.First+uint64(r.Count) < r.First {
				return fmt.Errorf("lines of %d sequences from %d: there are not so many", r.Count, r.First)
			}
			k.proven(r.First)
			for i := range uint64(r.Count) {
				_, waited := k.take(r.First + i)
				k.line(Line{r.First + i, r.Status}, waited)
			}
		}
	case FrameRequest:
		k.request(f.Request)
	case FrameGap:
		if f.Gap.Last < f.Gap.First || f.Gap.Last == FirstOfStream {
			return fmt.Errorf("gap from %d to %d: there is none", f.Gap.First, f.Gap.Last)
		}
		k.gap(f.Gap, 0)
	case FrameTally:
		k.cursor = f.Tally.Cursor
		for _, d := range f.Tally.Deltas {
			if d.Counter < counters {
				k.counts[d.Counter] += d.By
				k.moved = k.moved || d.Counter == Packets
			}
		}
		if k.counts[BeganAt] > 0 {
			k.proven(k.counts[BeganAt] - 1)
		}
	case FramePolicy:
		k.policy = *f.Policy
	case FrameStop:
		k.stop(f.Stop)
	default:
		return fmt.Errorf("frame of type %d: a newer program wrote it", f.Type)
	}
	return nil
}

// proven begins a session that begins with whatever comes first.
func (k *core) proven(seq uint64) {
	if !k.begun {
		k.begin(seq)
		k.counts[BeganAt] = seq + 1
	}
}
