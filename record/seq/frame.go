package seq

import "time"

// A FrameType says which part of a [Frame] counts. The values are those of the
// journal's format.
type FrameType uint8

const (
	FrameSession FrameType = 1 // whose journal this is; the first frame
	FrameStart   FrameType = 2 // a process began
	FramePacket  FrameType = 3 // a packet is known from here on
	FrameWrote   FrameType = 4 // lines are in the log
	FrameRequest FrameType = 5 // a request is about to be sent
	FrameGap     FrameType = 6 // a gap that no packet proves, or whose order was given up
	FrameTally   FrameType = 7 // counters that no other frame implies
	FramePolicy  FrameType = 8 // what was learned, in absolute values
	FrameStop    FrameType = 9 // a process ended in order
)

// A Frame is one entry of the journal as a value; package journal gives it
// bytes. Type tells which of the other fields counts. The rare ones are
// pointers, so that a slice of frames is cheap to refill.
type Frame struct {
	Type    FrameType
	Session *SessionFrame
	Start   *StartFrame
	Packet  PacketFrame
	Wrote   WroteFrame
	Request Range
	Gap     GapFrame
	Tally   TallyFrame
	Policy  *PolicyFrame
	Stop    StopReason
}

// FirstOfStream is the first sequence of a session that begins with whatever
// its source sends first.
const FirstOfStream = 1<<64 - 1

// A SessionFrame is made by the shell.
type SessionFrame struct {
	First  uint64 // lowest sequence, or FirstOfStream
	Source uint8  // which kind of source
	Name   string // of the session
	Log    string // path of the log
}

// A StartFrame opens the frames of one process.
type StartFrame struct {
	Run    uint64 // 1 for the first process
	Wall   int64  // nanoseconds since 1970; 0, or the line's time, for sources without a clock
	Cursor uint64 // where the source stood
	Depth  uint32 // probe rounds that this start makes
}

// A PacketFrame is the first valid copy of a packet. The payload aliases that
// of the delivery.
type PacketFrame struct {
	Packet
	At     time.Duration // arrival; nanoseconds in the frame
	Origin Origin
	Line   byte
}

// A WroteFrame is made by the shell once lines are in the log: [AppendRuns]
// makes its runs.
type WroteFrame struct {
	End    uint64 // length of the log
	CRC    uint32 // CRC-32C of the log from 0 to End
	Synced bool   // the log was synced
	Runs   []LineRun
}

// A LineRun is Count lines of ascending consecutive sequences and one status.
type LineRun struct {
	First  uint64
	Count  uint32
	Status Status
}

// A GapState says what became of a gap.
type GapState uint8

const (
	GapOpen     GapState = 0 // waited for
	GapReleased GapState = 1 // packets behind it may be written; it is still wanted
	GapClosed   GapState = 2 // nothing of it is missing any more
)

// A GapFrame is about the sequences First to Last, both included.
type GapFrame struct {
	First, Last uint64
	State       GapState
	Cause       Cause
	Tries       uint16
}

// A TallyFrame adds to counters. The deltas alias a buffer of the machine.
type TallyFrame struct {
	Cursor uint64 // where the source stands
	Held   uint32 // packets that wait in memory
	Deltas []Delta
}

// A Delta is added to its counter modulo 2^64, so that a counter can also fall.
type Delta struct {
	Counter Counter
	By      uint64
}

// A PolicyFrame is all that was learned about the source, so that a reader
// need not learn it again.
type PolicyFrame struct {
	Extent      uint64        // largest reorder extent: D is one more, within its bounds
	Delay       time.Duration // largest reorder delay: T is 1.25 of it, within its bounds
	SRTT        time.Duration // smoothed round trip; 0 before the first sample
	RTTVar      time.Duration
	Backoff     uint8    // doublings of the retransmission timer since the last sample
	Tokens      uint32   // thousandths of a request that may be sent at once
	Misses      uint32   // requests for gaps in a row that a definitive source did not answer
	Skipped     uint32   // ripe gaps since the last that was asked for nevertheless
	Quarantined uint64   // the sequence in quarantine, and 1 more; 0 is none
	Windows     []Window // kill windows, ascending and disjoint
}

// A Window is the sequences First to Last, both included, among which one
// delivery was lost when the process was killed.
type Window struct{ First, Last uint64 }

// A StopReason says why a process ended.
type StopReason uint8

const (
	StopComplete    StopReason = 0 // the session is over
	StopInterrupted StopReason = 1 // it was told to
	StopError       StopReason = 2 // something failed
	StopDiskFull    StopReason = 3 // the journal had no room
)

// AppendRuns appends to dst the lines as runs, in their order.
func AppendRuns(dst []LineRun, lines []Line) []LineRun {
	from := len(dst)
	for _, l := range lines {
		if n := len(dst); n > from {
			last := &dst[n-1]
			if last.Status == l.Status && last.First+uint64(last.Count) == l.Seq && last.Count < 1<<32-1 {
				last.Count++
				continue
			}
		}
		dst = append(dst, LineRun{First: l.Seq, Count: 1, Status: l.Status})
	}
	return dst
}
