package merge

import "slices"

// A script is what a worker has decided to do and has not done yet: output and
// messages in a fixed order. Messages delivered extend it; Next takes from its
// head as much as one step may do. So all that a worker ever does is one
// sequence that depends on values and messages alone, and a position in it.
type script struct {
	acts  []act
	order []int32 // the values that this worker writes are pieces of it
	spans []Span  // of the last step

	values int64 // of all output up to the end of the script
	bytes  int64

	next  int   // words of the stream at the head that are out
	pos   int64 // bytes written
	wrote int64 // values written
	sent  int64 // messages
	ended int64 // pieces of output that are written in full
}

// An act is a piece of output, a message, or a stream of DATA.
type act struct {
	stage  Stage // in which it is done
	to     int   // the receiver
	send   *Message
	kind   string  // of the messages of stream
	stream []int32 // several messages
	off    int64   // of the piece
	piece  run     // of order; empty when something is sent
}

// write appends a piece of output. It gives the byte after it.
func (s *script) write(stage Stage, piece run, off int64) int64 {
	if piece.to > piece.from {
		s.acts = append(s.acts, act{stage: stage, piece: piece, off: off})
	}
	size := textBytes(s.order[piece.from:piece.to])
	s.values += int64(piece.to - piece.from)
	s.bytes += size
	return off + size
}

func (s *script) send(stage Stage, to int, m Message) {
	s.acts = append(s.acts, act{stage: stage, to: to, send: &m})
}

func (s *script) ship(stage Stage, to int, kind string, stream []int32) {
	s.acts = append(s.acts, act{stage: stage, to: to, kind: kind, stream: stream})
}

// step takes one step's effects from the head: output of at most maxBytes and
// at most one message, none if mute.
func (s *script) step(maxBytes, words int, mute bool) (e Effects) {
	s.spans = s.spans[:0]
	for len(s.acts) > 0 && e.Send == nil {
		switch a := &s.acts[0]; {
		case a.piece.to > a.piece.from:
			n, size := fit(s.order[a.piece.from:a.piece.to], maxBytes)
			if n == 0 && len(s.spans) == 0 {
				n, size = 1, lineBytes(s.order[a.piece.from])
			}
			if n == 0 {
				e.Output = s.spans
				return e
			}
			s.spans = append(s.spans, Span{a.off, a.piece.from, a.piece.from + n})
			maxBytes -= size
			s.pos += int64(size)
			s.wrote += int64(n)
			a.piece.from += n
			if a.off += int64(size); a.piece.from == a.piece.to {
				s.ended++
				s.drop()
			}
		case mute:
			e.Output = s.spans
			return e
		default:
			e.To = a.to
			e.Send = s.message(a, words)
			s.sent++
		}
	}
	e.Output = s.spans
	return e
}

// message takes a message from the act at the head.
func (s *script) message(a *act, words int) *Message {
	if m := a.send; m != nil {
		s.drop()
		return m
	}
	n := min(words, len(a.stream)-s.next)
	m := &Message{a.kind, a.stream[s.next : s.next+n : s.next+n]}
	if s.next += n; s.next == len(a.stream) {
		s.drop()
		s.next = 0
	}
	return m
}

func (s *script) drop() {
	s.acts[0] = act{}
	s.acts = s.acts[1:]
	if len(s.acts) == 0 {
		s.acts = nil
	}
}

// rewind makes a script that has given nothing yet stand where pos bytes and
// sent messages are done, or as near to it as it gets.
func (s *script) rewind(pos, sent int64, words int) {
	for s.pos < pos || s.sent < sent {
		before := s.pos + s.sent
		if room := pos - s.pos; room > 0 && (len(s.acts) == 0 || s.acts[0].send == nil && s.acts[0].stream == nil) {
			s.step(int(min(room, 1<<30)), words, true)
		} else if len(s.acts) > 0 && s.sent < sent && (s.acts[0].send != nil || s.acts[0].stream != nil) {
			s.step(0, words, false)
		}
		if s.pos+s.sent == before {
			return
		}
	}
}

// resumeFailed does what rewind does for a run that failed. What was done
// before the failure cannot be told from the messages: it is taken from snap.
func (s *script) resumeFailed(snap Snapshot) {
	s.next, s.pos, s.wrote = int(snap.NextWord), snap.Pos, snap.OutputCount
	s.sent, s.ended = snap.Stats.MessagesSent, snap.Segment
	if snap.Stage == StageDone {
		s.acts = nil
	}
}

// shipping tells whether a stream is still to be sent.
func (s *script) shipping() bool {
	for _, a := range s.acts {
		if a.stream != nil {
			return true
		}
	}
	return false
}

// doneMessage tells what was written by the end of the script.
func (s *script) doneMessage() Message {
	return Message{TypeDone, append(pair(s.values), pair(s.bytes)...)}
}

// clone is a script that goes its own way.
func (s *script) clone() script {
	c := *s
	c.acts = slices.Clone(s.acts)
	c.spans = nil
	return c
}
