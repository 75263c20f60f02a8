package record

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"holdfast/record/journal"
	"holdfast/record/seq"
)

// lineText gives the text of the lines that a journal tells of, in their order.
type lineText struct {
	kept *kept
	text []byte
}

// frame calls f for each line of a frame. ok is false if the journal has lost
// its packet.
func (t *lineText) frame(fr *seq.Frame, f func(l seq.Line, text []byte, ok bool) error) error {
	switch fr.Type {
	case seq.FramePacket:
		if _, known := t.kept.get(fr.Packet.Sequence); !known {
			t.kept.put(fr.Packet.Packet)
		}
	case seq.FrameWrote:
		for _, run := range fr.Wrote.Runs {
			for i := range uint64(run.Count) {
				l := seq.Line{Seq: run.First + i, Status: run.Status}
				p, ok := t.kept.get(l.Seq)
				if t.text = t.text[:0]; ok {
					t.text = AppendLine(t.text, p, l.Status)
				}
				t.kept.drop(l.Seq)
				if err := f(l, t.text, ok); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// ErrLostPacket says that a log cannot be made again because the journal has
// lost a packet or a line of it, or never had any packets (--journal off).
var ErrLostPacket = errors.New("it is not in the journal")

// Rebuild writes the log as the journal tells it, and says how long it is. Its
// memory is that of the packets that wait at one time.
func Rebuild(w io.Writer, r *journal.Reader) (uint64, error) {
	t := lineText{kept: newKept()}
	out := bufio.NewWriterSize(w, 1<<16)
	var n uint64
	for {
		e, err := r.Next()
		if err == io.EOF {
			return n, out.Flush()
		}
		if err != nil {
			return n, err
		}
		err = t.frame(e.Frame, func(l seq.Line, text []byte, ok bool) error {
			if !ok {
				return fmt.Errorf("sequence %d: %w", l.Seq, ErrLostPacket)
			}
			n += uint64(len(text))
			_, err := out.Write(text)
			return err
		})
		if w := e.Frame.Wrote; err == nil && e.Frame.Type == seq.FrameWrote && w.End != n {
			err = fmt.Errorf("the log up to byte %d, of which the journal has %d bytes: %w", w.End, n, ErrLostPacket)
		}
		if err != nil {
			out.Flush()
			return n, err
		}
	}
}
