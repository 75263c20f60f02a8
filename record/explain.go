package record

import (
	"fmt"
	"io"

	"holdfast/record/journal"
	"holdfast/record/seq"
)

// A Life is what the journal tells of one sequence.
type Life struct {
	Sequence uint64   `json:"sequence"`
	Moments  []Moment `json:"moments"`
	End      string   `json:"end"`     // what came of it, in words
	Written  bool     `json:"written"` // it is in the log
}

// A Moment of a sequence's life is one frame of the journal.
type Moment struct {
	Start uint64 `json:"start"` // of the recorder, from 1
	Frame uint64 `json:"frame"` // its LSN
	What  string `json:"what"`  // in words
}

// WriteText writes a life, a line a moment.
func (l Life) WriteText(w io.Writer) error {
	for _, m := range l.Moments {
		if _, err := fmt.Fprintf(w, "start %d, frame %d: %s\n", m.Start, m.Frame, m.What); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "sequence %d: %s\n", l.Sequence, l.End)
	return err
}

// Explain tells the life of one sequence, as the journal has it.
func Explain(r *journal.Reader, sequence uint64) (Life, error) {
	x := explainer{sequence: sequence, moments: []Moment{}}
	for {
		e, err := r.Next()
		if err == io.EOF {
			return Life{sequence, x.moments, x.end(), x.written}, nil
		}
		if err != nil {
			return Life{}, err
		}
		x.frame(e)
	}
}

type explainer struct {
	sequence uint64
	moments  []Moment
	run      uint64
	line     int64 // of the log
	top      uint64
	any      bool // a packet came
	known    bool
	written  bool
	gap      string
}

func (x *explainer) tell(e journal.Entry, format string, args ...any) {
	x.moments = append(x.moments, Moment{x.run, uint64(e.LSN), fmt.Sprintf(format, args...)})
}

func (x *explainer) frame(e journal.Entry) {
	f := e.Frame
	switch f.Type {
	case seq.FrameStart:
		x.run = f.Start.Run
	case seq.FramePacket:
		x.packet(e)
	case seq.FrameWrote:
		x.lines(e)
	case seq.FrameRequest:
		if r := f.Request; x.within(r.First, r.First+uint64(r.Count)-1) {
			x.tell(e, "asked for %s: %s, try %d", rangeText(r.First, r.First+uint64(r.Count)-1), causeText[r.Cause], r.Try)
		}
	case seq.FrameGap:
		if g := f.Gap; x.within(g.First, g.Last) {
			x.gapFrame(e)
		}
	}
}

var causeText = map[seq.Cause]string{
	seq.Loss: "overdue, taken for lost", seq.Corrupt: "a damaged copy came", seq.Probe: "only to get a stalled source moving",
	seq.Sweep: "open when the process started", seq.Background: "its order was given up long ago",
}

func (x *explainer) within(first, last uint64) bool { return first <= x.sequence && x.sequence <= last }

func (x *explainer) packet(e journal.Entry) {
	p := &e.Frame.Packet
	missed := !x.any || x.top < x.sequence
	x.any, x.top = true, max(x.top, p.Sequence)
	if p.Sequence != x.sequence {
		if missed && x.top > x.sequence && !x.known {
			x.tell(e, "missed for the first time: sequence %d came before it", p.Sequence)
		}
		return
	}
	x.known = true
	how := "of its own accord"
	if p.Origin == seq.Answer {
		how = "as the answer to a request"
	}
	x.tell(e, "came %s, %d bytes, checksum %08x, while the highest was %d (segment %d, byte %d)", how, len(p.Payload), p.Checksum, x.top, e.Segment, e.Offset)
}

func (x *explainer) lines(e journal.Entry) {
	for _, r := range e.Frame.Wrote.Runs {
		if x.within(r.First, r.First+uint64(r.Count)-1) {
			x.written = true
			x.tell(e, "line %d of the log, %v", x.line+int64(x.sequence-r.First)+1, r.Status)
		}
		x.line += int64(r.Count)
	}
}

func (x *explainer) gapFrame(e journal.Entry) {
	g := &e.Frame.Gap
	x.gap = gapNames[g.State]
	switch g.State {
	case seq.GapOpen:
		if g.Cause == seq.Corrupt {
			x.tell(e, "a copy came that failed its checksum")
			return
		}
		x.tell(e, "known to exist by the word of the source, and not there")
	case seq.GapReleased:
		x.tell(e, "its order was given up after %d requests: the log goes on without %s", g.Tries, rangeText(g.First, g.Last))
	}
}

func rangeText(first, last uint64) string {
	if first == last {
		return fmt.Sprintf("sequence %d", first)
	}
	return fmt.Sprintf("sequences %d to %d", first, last)
}

func (x *explainer) end() string {
	switch {
	case x.written:
		return "it is in the log"
	case x.known:
		return "it is in the journal and waits for order"
	case x.any && x.sequence <= x.top:
		return "it never came"
	}
	return "nothing proves that it exists"
}
