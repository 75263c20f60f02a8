package journal

import "fmt"

// A Report is what reading a journal has found.
type Report struct {
	Segments int    // files with the name of one
	Frames   uint64 // given to the reader
	Bytes    int64  // of these frames
	Last     LSN    // highest of them; 0 if there are none
	Clean    bool   // the last frame is a STOP
	Torn     *Tail  // nil if the end is not torn

	Damages []Damage // the first maxDamages of them, in the order of the journal
	Damaged int      // how many there are
}

// maxDamages bounds the list: a journal that was overwritten by something else
// has one in each segment, one of garbage and frames in turns has millions.
const maxDamages = 1000

// A Kind says what is wrong.
type Kind uint8

const (
	DamagedFrames  Kind = iota + 1 // bytes that were synced are no frames (D8: corruption)
	DamagedHeader                  // the header of a segment is none; its frames are read all the same
	DamagedPadding                 // bytes that should be zeros are not; nothing is lost
	MissingFrames                  // frames are not there and nothing is in their place: a segment is missing, or its end turned into zeros
	Misnamed                       // the file is another segment than its name says; it is not read
)

func (k Kind) String() string {
	switch k {
	case DamagedFrames:
		return "damaged frames"
	case DamagedHeader:
		return "damaged header"
	case DamagedPadding:
		return "damaged padding"
	case MissingFrames:
		return "missing frames"
	case Misnamed:
		return "misnamed segment"
	}
	return "damage?"
}

// A Damage is one place of a journal that is not as it was written.
type Damage struct {
	Kind    Kind
	Segment uint64
	Offset  int64 // of the first byte
	Length  int64
	First   LSN // the frames First to Last are lost; First > Last: none
	Last    LSN
	Known   bool // an earlier Open has found it, and saved its bytes
}

// note is the name of the file that an Open leaves when it has found the damage.
func (d *Damage) note() string {
	switch d.Kind {
	case MissingFrames:
		return fmt.Sprintf("missing-%d", d.First)
	case Misnamed:
		return segmentName(d.Segment) + ".misnamed"
	}
	return fmt.Sprintf("%s.corrupt-%d", segmentName(d.Segment), d.Offset)
}

// saved says whether that file holds the damaged bytes.
func (d *Damage) saved() bool { return d.Kind != MissingFrames && d.Kind != Misnamed }

// Lost is how many frames the damage has destroyed.
func (d Damage) Lost() uint64 { return uint64(d.Last + 1 - d.First) }

func (d Damage) String() string {
	s := fmt.Sprintf("%s at byte %d: %s, %d bytes", segmentName(d.Segment), d.Offset, d.Kind, d.Length)
	if d.Lost() > 0 {
		s += fmt.Sprintf(", frames %d to %d lost", d.First, d.Last)
	}
	return s
}

// A Tail is the end of the last segment that never came to the disk as it
// should (D8: torn). Nothing of it was acknowledged by a level that survives
// what happened.
type Tail struct {
	Segment uint64
	Offset  int64 // behind the last frame
	Length  int64 // up to the last byte that is not zero
}

// A Recovery is what Open has found and done.
type Recovery struct {
	Report
	Copied   int // frames behind the last watermark, written again (D3)
	Salvaged int // packets behind a torn place, given new numbers (D8)
}

func (r *Report) add(d Damage) {
	r.Damaged++
	if len(r.Damages) < maxDamages {
		r.Damages = append(r.Damages, d)
	}
}
