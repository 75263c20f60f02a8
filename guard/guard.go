// Package guard decides for a relay that copies a stream so that each key is
// stored once: what to publish, when to publish it again, and when, at last,
// to acknowledge the source.
//
// It promises that no message is acknowledged before its fate is known: the
// sink has stored it, has named the stored message of the same key, or the
// dead-letter stream has it. An answer that does not come, or says nothing, is
// no answer: the message is published again, and the sink decides. So it needs
// a sink that refuses a second message of a key; alone it removes nothing.
// What it has not finished when its process dies is delivered again by the
// source, and loses nothing.
//
// It does nothing itself: no clock, connection or message body. Its caller
// performs each [Effects] in the order of its fields, and calls
// [Relay.Step] again with what came of it. It is not safe for concurrent use.
//
// Call [ParseFields] and [Fields.Key] for the key of a message, [New] for the
// machine, then [Relay.Step] for whatever happens.
package guard

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// Never is the Wake of a machine that waits for nothing but input.
const Never = time.Duration(math.MaxInt64)

// Kind is what an input tells.
type Kind uint8

const (
	Fetched       Kind = iota + 1 // the source delivered message ID
	SinkAccepted                  // the sink, or the dead-letter stream, has stored it
	SinkResumed                   // an earlier publish of this very message had been stored
	SinkDuplicate                 // another message of this key is stored, with the same body
	SinkConflict                  // another message of this key is stored, with another body
	SinkRefused                   // the sink will never take it: it is too large
	SinkUnknown                   // try Try ended without an answer
	SourceAcked                   // the acknowledgement is done
	SourceUnknown                 // the acknowledgement may be lost
	Broken                        // the connection: no answer that is due comes, nothing can be sent
	Whole                         // it is back
	Tick                          // it is now
	Stop                          // fetch no more, finish what has begun
)

// Why is the reason for which a message goes to the dead-letter stream.
type Why uint8

const (
	Sound     Why = iota // it does not
	NoKey                // a field of the key is missing or unusable
	Conflict             // its key is taken by another body
	TooLarge             // the sink takes no message of its size
	Undecided            // it was published before, so long ago that the sink may have forgotten it
)

// String is the word used in subjects and headers.
func (w Why) String() string {
	return [...]string{"sound", "nokey", "conflict", "toolarge", "undecided"}[w]
}

// An Input is one thing that happened. ID names the message: its sequence in
// the source, the same at each delivery.
type Input struct {
	Kind Kind
	ID   uint64
	Try  int // of an answer: that of the publish it answers
	Why  Why // of Fetched: what is wrong with the message, if anything
}

// Effects is what the caller does after an input, field by field. Its slices
// are valid until the next input.
type Effects struct {
	DeadLetter []Letter      // store in the dead-letter stream BEFORE Publish
	Publish    []Attempt     // publish to the sink BEFORE AckSource
	AckSource  []Ack         // acknowledge BEFORE NakSource
	NakSource  []Nak         // give back, to be delivered again after Delay
	Report     []Report      // count, tell
	Room       int           // so many more messages may be fetched
	Wake       time.Duration // give a Tick then
	Done       bool          // stopped, and nothing is in flight
}

// An Attempt is the Try-th publish of a message, from 1.
type Attempt struct {
	ID  uint64
	Try int
}

// A Letter is the Try-th publish of a message to the dead-letter stream.
type Letter struct {
	ID  uint64
	Try int
	Why Why
}

// An Ack ends a message at the source; Term says that it was not relayed.
type Ack struct {
	ID   uint64
	Term bool
}

// A Nak gives a message back to the source.
type Nak struct {
	ID    uint64
	Delay time.Duration
}

// Outcome is how a delivery ended.
type Outcome uint8

const (
	Accepted   Outcome = iota // the sink stored it
	Resumed                   // the sink had stored it at an earlier try
	Duplicate                 // the sink had another message of its key, with the same body
	Conflicted                // the same with another body; it is in the dead-letter stream
	Dead                      // it is in the dead-letter stream
	Returned                  // undecided: the source will deliver it again
)

// A Report tells how a delivery ended.
type Report struct {
	ID      uint64
	Outcome Outcome
}

// Counters are the deliveries of a process by outcome. Received is the sum of
// the others.
type Counters struct {
	Received   uint64 `json:"received"`
	Accepted   uint64 `json:"accepted"`
	Resumed    uint64 `json:"resumed"`
	Duplicates uint64 `json:"duplicates"`
	Conflicts  uint64 `json:"conflicts"`
	Dead       uint64 `json:"dead"`
	Returned   uint64 `json:"returned"`
	InFlight   uint64 `json:"in_flight"`
	Republish  uint64 `json:"republished"` // publishes beyond the first of a delivery; not in the sum
}

// Config is what a machine needs to know. Its zero value is the documented
// default.
type Config struct {
	InFlight   int           // most messages at once; 0 is 512; 1 keeps the source's order
	Patience   time.Duration // an answer later than this is no answer; 0 is 5 s
	Backoff    time.Duration // before the second publish; doubles, with jitter; 0 is 50 ms
	MaxBackoff time.Duration // 0 is 2 s
	Tries      int           // publishes before a message is given back; 0 is 3, below 0 any number
	Horizon    time.Duration // no publish later than this after a delivery's first, which the sink may have forgotten; 0 is none
	Seed       uint64        // of the jitter
}

func (c Config) validated() (Config, error) {
	for _, d := range []struct {
		name  string
		value *time.Duration
		zero  time.Duration
	}{{"Patience", &c.Patience, 5 * time.Second}, {"Backoff", &c.Backoff, 50 * time.Millisecond}, {"MaxBackoff", &c.MaxBackoff, 2 * time.Second}, {"Horizon", &c.Horizon, 0}} {
		if *d.value < 0 {
			return c, fmt.Errorf("guard: %s %v: not below 0", d.name, *d.value)
		}
		if *d.value == 0 {
			*d.value = d.zero
		}
	}
	if c.InFlight < 0 {
		return c, fmt.Errorf("guard: InFlight %d: not below 0", c.InFlight)
	}
	if c.InFlight == 0 {
		c.InFlight = 512
	}
	if c.Tries == 0 {
		c.Tries = 3
	}
	return c, nil
}

// New gives a machine with nothing in flight.
func New(c Config) (*Relay, error) {
	c, err := c.validated()
	if err != nil {
		return nil, err
	}
	return &Relay{c: c, rng: rand.New(rand.NewPCG(c.Seed, 0)), flights: map[uint64]*flight{}}, nil
}
