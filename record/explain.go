package record

import (
	"fmt"
	"io"

	"holdfast/record/journal"
	"holdfast/record/seq"
)

// Explain tells the life of one sequence in words, as the journal has it, a
// line an event.
func Explain(w io.Writer, r *journal.Reader, sequence uint64) error {
	x := explainer{w: w, sequence: sequence}
	for {
		e, err := r.Next()
		if err == io.EOF {
			return x.conclude()
		}
		if err != nil {
			return err
		}
		x.frame(e)
	}
}

type explainer struct {
	w        io.Writer
	sequence uint64
	run      uint64
	line     int64 // of the log
	top      uint64
	any      bool // a packet came
	known    bool
	written  bool
	gap      string
	err      error
}

func (x *explainer) tell(e journal.Entry, format string, args ...any) {
	if x.err == nil {
		_, x.err = fmt.Fprintf(x.w, "start %d, frame %d: %s\n", x.run, e.LSN, fmt.Sprintf(format, args...))
	}
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

func (x *explainer) conclude() error {
	if x.err != nil {
		return x.err
	}
	var end string
	switch {
	case x.written:
		end = "it is in the log"
	case x.known:
		end = "it is in the journal and waits for order"
	case x.any && x.sequence <= x.top:
		end = "it never came"
	default:
		end = "nothing proves that it exists"
	}
	_, err := fmt.Fprintf(x.w, "sequence %d: %s\n", x.sequence, end)
	return err
}
