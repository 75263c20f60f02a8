package record

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"

	"holdfast/internal/pyrand"
	"holdfast/record/journal"
	"holdfast/record/seq"
)

// A frameView is a frame as a line of JSON. What is not of its type is absent.
type frameView struct {
	LSN       journal.LSN `json:"lsn"`
	Type      string      `json:"type"`
	Segment   uint64      `json:"segment"`
	Offset    int64       `json:"offset"`
	Size      int64       `json:"size"`
	Watermark int64       `json:"watermark"`
	Copy      bool        `json:"copy,omitempty"`

	Session *seq.SessionFrame `json:"session,omitempty"`
	Start   *seq.StartFrame   `json:"start,omitempty"`
	Packet  *packetView       `json:"packet,omitempty"`
	Wrote   *wroteView        `json:"wrote,omitempty"`
	Request *rangeView        `json:"request,omitempty"`
	Gap     *gapView          `json:"gap,omitempty"`
	Tally   *seq.TallyFrame   `json:"tally,omitempty"`
	Policy  *seq.PolicyFrame  `json:"policy,omitempty"`
	Stop    string            `json:"stop,omitempty"`
}

type packetView struct {
	Sequence  uint64          `json:"sequence"`
	Timestamp json.RawMessage `json:"timestamp"`
	Payload   string          `json:"payload"`
	Checksum  uint32          `json:"checksum"`
	At        int64           `json:"at_ns"`
	Answer    bool            `json:"answer"`
	Line      string          `json:"line"`
}

type wroteView struct {
	End    uint64     `json:"end"`
	CRC    uint32     `json:"crc"`
	Synced bool       `json:"synced"`
	Runs   []lineView `json:"runs"`
}

type lineView struct {
	First  uint64 `json:"first"`
	Count  uint32 `json:"count"`
	Status string `json:"status"`
}

type rangeView struct {
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
	Cause string `json:"cause"`
	Try   uint8  `json:"try"`
}

type gapView struct {
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
	State string `json:"state"`
	Cause string `json:"cause"`
	Tries uint16 `json:"tries"`
}

var (
	frameNames = map[seq.FrameType]string{
		seq.FrameSession: "session", seq.FrameStart: "start", seq.FramePacket: "packet",
		seq.FrameWrote: "wrote", seq.FrameRequest: "request", seq.FrameGap: "gap",
		seq.FrameTally: "tally", seq.FramePolicy: "policy", seq.FrameStop: "stop",
	}
	gapNames  = map[seq.GapState]string{seq.GapOpen: "open", seq.GapReleased: "released", seq.GapClosed: "closed"}
	stopNames = map[seq.StopReason]string{
		seq.StopComplete: "complete", seq.StopInterrupted: "interrupted", seq.StopError: "error", seq.StopDiskFull: "disk full"}
)

// Dump writes the frames of a journal as JSON lines.
func Dump(w io.Writer, r *journal.Reader) error {
	out := bufio.NewWriterSize(w, 1<<16)
	enc := json.NewEncoder(out)
	for {
		e, err := r.Next()
		if err == io.EOF {
			return out.Flush()
		}
		if err == nil {
			err = enc.Encode(view(e))
		}
		if err != nil {
			out.Flush()
			return err
		}
	}
}

func view(e journal.Entry) frameView {
	f := e.Frame
	v := frameView{LSN: e.LSN, Type: frameNames[f.Type], Segment: e.Segment, Offset: e.Offset, Size: e.Size, Watermark: e.Watermark, Copy: e.Copy}
	switch f.Type {
	case seq.FrameSession:
		v.Session = f.Session
	case seq.FrameStart:
		v.Start = f.Start
	case seq.FramePacket:
		v.Packet = viewPacket(&f.Packet)
	case seq.FrameWrote:
		v.Wrote = &wroteView{f.Wrote.End, f.Wrote.CRC, f.Wrote.Synced, []lineView{}}
		for _, r := range f.Wrote.Runs {
			v.Wrote.Runs = append(v.Wrote.Runs, lineView{r.First, r.Count, r.Status.String()})
		}
	case seq.FrameRequest:
		r := f.Request
		v.Request = &rangeView{r.First, r.First + uint64(r.Count) - 1, r.Cause.String(), r.Try}
	case seq.FrameGap:
		g := f.Gap
		v.Gap = &gapView{g.First, g.Last, gapNames[g.State], g.Cause.String(), g.Tries}
	case seq.FrameTally:
		v.Tally = &f.Tally
	case seq.FramePolicy:
		v.Policy = f.Policy
	case seq.FrameStop:
		v.Stop = stopNames[f.Stop]
	}
	return v
}

func viewPacket(p *seq.PacketFrame) *packetView {
	text := pyrand.AppendRepr(nil, p.Timestamp)
	if math.IsNaN(p.Timestamp) || math.IsInf(p.Timestamp, 0) {
		text = fmt.Appendf(nil, "%q", text)
	}
	return &packetView{p.Sequence, text, hex.EncodeToString(p.Payload), p.Checksum, int64(p.At), p.Origin == seq.Answer, string(rune('A' + p.Line))}
}
