package seq

import (
	"hash/crc32"
	"time"
)

// A Packet is one numbered message as its sender made it.
type Packet struct {
	Sequence  uint64  // its place in the order of the sender
	Timestamp float64 // seconds, the sender's; carried bit for bit, NaN included
	Payload   []byte  // may be empty
	Checksum  uint32  // CRC-32 (IEEE) of the payload; the other fields are not covered
}

// Valid reports whether the checksum fits the payload.
func (p Packet) Valid() bool { return crc32.ChecksumIEEE(p.Payload) == p.Checksum }

// Origin says why the source sent a delivery.
type Origin uint8

const (
	Original Origin = 0 // of its own accord
	Answer   Origin = 1 // because of a request
)

// A Delivery is one arrival of a packet, also of a damaged or repeated one.
type Delivery struct {
	Packet
	Origin        Origin
	Line          byte          // 0 for line A or the only one, 1 for line B
	At            time.Duration // arrival since the start of the process; 0 without a clock
	Valid         bool          // the packet passed its checksum
	HeaderTrusted bool          // the sequence can be believed even if the packet is damaged
	Cursor        uint64        // where the source stands after it: position in the lab's queue, byte offset of a file; 0 if it has none
}

// Caps is what a source can do, and where it stands when the process starts.
type Caps struct {
	Requests      bool     // packets can be asked for
	Definitive    bool     // an answer comes with the next receive or never
	HeaderTrusted bool     // damage never reaches the sequence
	MayExit       bool     // receiving may end the process: nothing may wait in its memory
	Position      uint64   // Cursor of the last delivery it made, over all processes
	Total         uint64   // Position at its end; 0 if unknown
	End           uint64   // one above the last sequence that it was made with; 0 if unknown. It proves nothing: what it tells is where to ask last
	Pending       []uint64 // requests it has taken and not yet answered, in its order
}

// A Cause says why a sequence is asked for. The values are those of frame 5.
type Cause uint8

const (
	Loss       Cause = 0 // it is overdue
	Corrupt    Cause = 1 // a damaged copy came
	Probe      Cause = 2 // only to get a stalled source moving
	Sweep      Cause = 3 // it was open when the process started
	Background Cause = 4 // its order was given up long ago
)

// A Range is one request: Count sequences from First.
type Range struct {
	First uint64
	Count uint32 // 1 to 65,534
	Cause Cause
	Try   uint8 // 1 for the first
}

// A Status is the last field of a log line. The values are those of frame 4.
type Status uint8

const (
	OK         Status = 1 // above all lines before it
	Late       Status = 2 // below a line before it
	Retransmit Status = 3 // the written copy answers a request, whatever its order
)

// A Line tells which packet the log gets next.
type Line struct {
	Seq    uint64
	Status Status
}

func (s Status) String() string {
	switch s {
	case OK:
		return "OK"
	case Late:
		return "LATE"
	case Retransmit:
		return "RETRANSMIT"
	}
	return "Status?"
}

func (c Cause) String() string {
	switch c {
	case Loss:
		return "loss"
	case Corrupt:
		return "corrupt"
	case Probe:
		return "probe"
	case Sweep:
		return "sweep"
	case Background:
		return "background"
	}
	return "cause?"
}
