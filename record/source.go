package record

import (
	"context"
	"time"

	"holdfast/record/seq"
)

// A Source delivers packets, and takes requests for packets that are missing.
// Both are called from one goroutine.
type Source interface {
	// Receive waits for the next packet. The payload is valid until the next
	// call. io.EOF is the end of the session; any other error is the end of Run,
	// which does nothing more when [seq.Caps] said MayExit.
	Receive(ctx context.Context) (seq.Delivery, error)
	// RequestRetransmit asks for count packets from first.
	RequestRetransmit(first uint64, count int) error
}

// Capable is a Source that tells what it can do; of any other the zero
// [seq.Caps] is true.
type Capable interface{ Caps() seq.Caps }

// An Opener is a Source that wants to know, before anything else, where its
// session stopped. A session that is complete never opens its source.
type Opener interface {
	Open(cursor uint64, known bool) error
}

// An Asker is a Source that wants to know why it is asked.
type Asker interface {
	Ask(r seq.Range, now time.Duration) error
}

// A Teller is a Source that tells more than packets. Next takes the place of
// Receive.
type Teller interface {
	Next(ctx context.Context) (Event, error)
}

// A Buffered is a Source that takes in more at a time than it delivers. Ready
// reports whether its next delivery is in memory already: then the call neither
// waits nor takes in more, so that nothing is at risk that was not before, and
// the recorder may collect several deliveries before it writes.
type Buffered interface {
	Ready() bool
}

// EventKind is what a [Teller] has to tell.
type EventKind uint8

const (
	Arrived      EventKind = iota // a packet: Delivery
	Heartbeat                     // all below Next were sent
	EndOfSession                  // and that was all; Next may be 0 if it is not known
	Passed                        // only time has
	Rejected                      // something that is no packet
)

// An Event is one thing that a [Teller] tells.
type Event struct {
	Kind     EventKind
	Delivery seq.Delivery
	Next     uint64
	Line     byte          // 0 for line A or the only one
	At       time.Duration // since the start, by the source's clock
	Cursor   uint64        // where the source stands after it
}
