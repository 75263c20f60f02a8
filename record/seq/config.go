package seq

import (
	"fmt"
	"time"
)

// Ask says what is asked for (Q3, G10).
type Ask uint8

const (
	AskDefault Ask = iota // AskAuto with the journal, AskCorrupt without
	AskAuto               // what is likely to be had
	AskCorrupt            // only what came damaged
	AskAll                // everything that is missing
	AskNever              // nothing
)

// Flush says what a full buffer writes without a journal (J2).
type Flush uint8

const (
	FlushHalf Flush = iota // its lower half, rounded up
	FlushAll               // everything
)

// AtOnce is the CorruptGrace of no grace at all.
const AtOnce = -1

// NoDrain is the Drain of a session that is over when its source is.
const NoDrain = time.Duration(-1)

// Limits that no flag changes: more than these helps nobody and would let a
// lossy line use up memory.
const (
	maxRange       = 65534 // sequences in a request: the count 65,535 ends a session
	maxOutstanding = 4096  // requests without an answer
	burst          = 64    // requests at once
	backgroundRTOs = 64    // between requests for what was given up
	maxWindow      = 1 << 32
)

// Config is what a machine needs to know of its session. Its zero value, with
// a Source, is the documented default.
type Config struct {
	First        uint64        // lowest sequence, or FirstOfStream
	Window       uint64        // known reorder window; 0 if unknown
	Ask          Ask           //
	JournalOff   bool          // the classic logger (J1-J3)
	Flush        Flush         // without the journal only
	BufferSize   int           // packets that may wait; 0 is 65,536, or 30 without the journal
	BufferBytes  int64         // bytes that may wait; 0 is 64 MiB
	CorruptGrace int           // packets to wait for an undamaged copy; 0 is D/2, AtOnce none
	MaxJump      uint64        // farthest step ahead that is believed; 0 is 1,000,000
	MaxStalls    int           // starts in a row that may get nowhere; 0 is 16
	Tries        int           // requests for a sequence before its order is given up; 0 is 6
	MaxHold      time.Duration // longest that the log waits for a sequence; 0 is 5 s
	Drain        time.Duration // longest wait for what is missing at the end; 0 is 2 s; NoDrain
	RequestRate  int           // requests a second; 0 is 1000, below 0 any number
	PolicySeed   uint64        // of the timers' jitter; 0 is 1
	Source       Caps          //
	State        *State        // to go on from; nil for a new session
}

func (c Config) validated() (Config, error) {
	if c.Ask > AskNever || c.Flush > FlushAll {
		return c, fmt.Errorf("seq: ask mode %d, flush mode %d: no such mode", c.Ask, c.Flush)
	}
	if c.BufferSize < 0 || c.BufferBytes < 0 || c.MaxStalls < 0 || c.Tries < 0 || c.Tries > 255 || c.MaxHold < 0 {
		return c, fmt.Errorf("seq: buffer of %d packets and %d bytes, %d stalls, %d tries, hold of %v: not below 0, nor more than 255 tries",
			c.BufferSize, c.BufferBytes, c.MaxStalls, c.Tries, c.MaxHold)
	}
	if c.Window > maxWindow {
		return c, fmt.Errorf("seq: reorder window %d: not more than %d", c.Window, uint64(maxWindow))
	}
	if c.Ask == AskDefault {
		c.Ask = AskAuto
		if c.JournalOff {
			c.Ask = AskCorrupt
		}
	}
	if c.BufferSize == 0 {
		c.BufferSize = 1 << 16
		if c.JournalOff {
			c.BufferSize = 30
		}
	}
	orDefault(&c.BufferBytes, 64<<20)
	orDefault(&c.MaxJump, 1_000_000)
	orDefault(&c.MaxStalls, 16)
	orDefault(&c.Tries, 6)
	orDefault(&c.MaxHold, 5*time.Second)
	orDefault(&c.Drain, 2*time.Second)
	orDefault(&c.RequestRate, 1000)
	orDefault(&c.PolicySeed, 1)
	c.Drain = max(c.Drain, 0)
	c.Source.Requests = c.Source.Requests || c.Source.Definitive
	return c, nil
}

func orDefault[T comparable](v *T, value T) {
	var zero T
	if *v == zero {
		*v = value
	}
}

// mayAsk reports whether a sequence that is missed for a cause is asked for.
func (m *Machine) mayAsk(cause Cause) bool {
	if !m.c.Source.Requests {
		return false
	}
	switch m.c.Ask {
	case AskNever:
		return false
	case AskCorrupt:
		return cause == Corrupt
	}
	return true
}
