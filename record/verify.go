package record

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"

	"holdfast/record/journal"
	"holdfast/record/seq"
)

// A Difference is one place where a log is not what its journal says.
type Difference struct {
	Line   int64  `json:"line"` // of the log, from 1; the place where one is missing
	Reason string `json:"reason"`
}

// A Verification is what comparing a log with its journal has shown.
type Verification struct {
	Differences []Difference `json:"differences"` // the first maxDifferences
	Differing   int64        `json:"differing"`   // how many there are
	Lines       int64        `json:"lines"`       // of the log
	Unchecked   int64        `json:"unchecked"`   // lines whose packets the journal does not have
	Damages     []string     `json:"damages"`     // of the journal
	Unhealed    int          `json:"unhealed"`    // of them, those that no recorder has seen yet
	Complete    bool         `json:"complete"`    // the session is over
}

// Held reports whether the log is what the journal says, and the journal whole
// or healed.
func (v *Verification) Held() bool { return v.Differing == 0 && v.Unhealed == 0 }

// maxDifferences bounds the list: one missing line makes all that follow differ.
const maxDifferences = 20

// Verify compares a log with its journal, line by line. Both are read once;
// memory is that of the packets that waited at one time.
func Verify(log io.Reader, r *journal.Reader) (Verification, error) {
	v := verifier{Verification: Verification{Differences: []Difference{}, Damages: []string{}}, next: lineReader(log), text: lineText{kept: newKept()}, early: map[uint64]string{}}
	for {
		e, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return v.Verification, err
		}
		switch e.Frame.Type {
		case seq.FrameStart:
			v.Complete = false
		case seq.FrameStop:
			v.Complete = e.Frame.Stop == seq.StopComplete
		}
		v.holed = v.holed || r.Report().Damaged > 0
		if err := v.text.frame(e.Frame, v.compare); err != nil {
			return v.Verification, err
		}
	}
	err := v.rest()
	report := r.Report()
	for _, d := range report.Damages {
		v.Damages = append(v.Damages, d.String())
		if !d.Known {
			v.Unhealed++
		}
	}
	return v.Verification, err
}

type verifier struct {
	Verification
	next func() (text []byte, whole bool, err error)
	text lineText
	over bool // the log has no more lines

	holed bool              // the journal has lost frames: lines may be unknown to it up to where it adopted them
	early map[uint64]string // lines that came before the journal spoke of them
}

func (v *verifier) differs(line int64, format string, args ...any) {
	v.Differing++
	if len(v.Differences) < maxDifferences {
		v.Differences = append(v.Differences, Difference{line, fmt.Sprintf(format, args...)})
	}
}

// compare compares the next line of the log with what the journal says of it.
func (v *verifier) compare(l seq.Line, want []byte, ok bool) error {
	if got, there := v.early[l.Seq]; there {
		delete(v.early, l.Seq)
		v.check(l, []byte(got), true, want, ok)
		return nil
	}
	if v.over {
		v.differs(v.Lines+1, "missing: the line of sequence %d", l.Seq)
		return nil
	}
	got, whole, err := v.next()
	if err == io.EOF {
		v.over = true
		return v.compare(l, want, ok)
	}
	if err != nil {
		return err
	}
	v.Lines++
	if v.holed && whole {
		if line, err := ParseLine(got); err == nil && line.Sequence != l.Seq {
			v.early[line.Sequence] = string(got)
			return v.compare(l, want, ok)
		}
	}
	v.check(l, got, whole, want, ok)
	return nil
}

// check compares a line of the log, the one that was read last or an early one,
// with what the journal says of it.
func (v *verifier) check(l seq.Line, got []byte, whole bool, want []byte, ok bool) {
	if !ok {
		v.Unchecked++
		if line, err := ParseLine(got); err != nil || line.Sequence != l.Seq || line.Status != l.Status {
			v.differs(v.Lines, "not the line of sequence %d, %v", l.Seq, l.Status)
		}
		return
	}
	if !whole || !bytes.Equal(got, want[:len(want)-1]) {
		v.differs(v.Lines, "not as written: the line of sequence %d, %v", l.Seq, l.Status)
	}
}

// rest looks at the lines behind the last that the journal knows: a recorder
// that was killed has written some before it could say so.
func (v *verifier) rest() error {
	for _, s := range slices.Sorted(maps.Keys(v.early)) {
		v.differs(v.Lines, "the journal knows of no line of sequence %d", s)
	}
	for !v.over {
		got, whole, err := v.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		v.Lines++
		line, err := ParseLine(got)
		if err != nil || !whole {
			v.differs(v.Lines, "not a line of a log, and the journal knows of none here")
			continue
		}
		p, waits := v.text.kept.get(line.Sequence)
		ours := AppendLine(nil, p, line.Status)
		if !waits || !bytes.Equal(ours[:len(ours)-1], got) {
			v.differs(v.Lines, "the journal knows of no line of sequence %d here", line.Sequence)
		}
		v.text.kept.drop(line.Sequence)
	}
	return nil
}
