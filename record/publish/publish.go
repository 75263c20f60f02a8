// Package publish decides for a recorder that publishes its log to a stream,
// so that the stream holds each sequence once, in the order of the log, while
// recorders of the same session take over from each other and die at any
// moment.
//
// It promises that a message is published only with the expectation that the
// stream ends where this publisher believes it to end, and that after any
// answer but "stored there" it believes nothing: it stops, reads back what the
// stream holds behind the last message that it is sure of, and goes on with the
// lines that are not there. So a lost answer, a repeated publish, a second
// publisher and a stream that has lost its end all come to the same. The lease
// only keeps two publishers from getting in each other's way; what keeps them
// from writing twice is the stream's check of the expectation.
//
// A line that the stream has is passed over; where the machine knows what the
// stream holds, it compares, and tells a [Conflict].
//
// It assumes that the stream makes this check and stores in one step, that
// nobody else writes to it or deletes from it, and, where the logs of two
// recorders differ in order, that a publish under way arrives within the time
// for which the stream remembers message ids, or never.
//
// It does nothing itself: no clock, connection or file. Its caller performs
// each [Effects] in the order of its fields and calls [Machine.Step] with what
// came of it. It is not safe for concurrent use.
//
// Call [New] for the machine, then [Machine.Step] for whatever happens.
package publish

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
	Line    Kind = iota + 1 // the next line of the log: Seq, what it says is Sum; it ends at To
	LogEnd                  // the log will not grow beyond To
	Acked                   // publish ID is stored as message At of the stream
	Refused                 // publish ID is not stored, or nobody knows
	Granted                 // the lease is ours, at revision Rev
	Denied                  // the lease is another's
	Unsure                  // nobody answers for the lease
	Loaded                  // of read ID, the snapshot: Data, nil if there is none
	Stored                  // of read ID: message At of the stream holds Seq, what it says is Sum, published in Epoch
	ReadEnd                 // of read ID: that was all, the stream ends at At
	Unread                  // of read ID, or of the snapshot: nobody answers, now
	Broken                  // the connection broke: no answer to a publish that is under way is waited for
	Tick                    // it is now
	Stop                    // publish no more
)

// A Place is a place between two lines of the log.
type Place struct{ Lines, Bytes uint64 } // before it

// An Input is one thing that happened.
type Input struct {
	Kind  Kind
	ID    uint64
	Seq   uint64
	At    uint64
	Epoch uint64
	Rev   uint64
	Sum   uint32 // a checksum of payload and timestamp
	To    Place
	Data  []byte
}

// Op is something to do about the lease.
type Op uint8

const (
	NoOp    Op = iota
	Acquire    // take it if nobody has it
	Renew      // if it still has revision Rev
	Release    // the same
)

// A Lease is what to do about the lease. It must be answered with one of
// Granted, Denied and Unsure.
type Lease struct {
	Op    Op
	Rev   uint64
	Steal bool // take it too from an earlier process on the same log, which is dead
}

// A Read asks for the snapshot: Loaded answers. Or it asks for the messages of
// the stream from After on, that one included unless it is 0, and for where the
// stream ends: Stored for each, in order, then ReadEnd. Unread may take the
// place of any of them. A later Read makes an earlier one void. Messages before
// After may be told too: lines are compared with them.
type Read struct {
	ID       uint64
	Snapshot bool
	After    uint64
}

// A Message is a publish of the line that was given last. Its answer is Acked or
// Refused, or none.
type Message struct {
	ID     uint64
	Seq    uint64
	Expect uint64 // where the stream must end, or it refuses
	Epoch  uint64
}

// Effects is what the caller does after an input, field by field. Its slices
// are valid until the next input.
type Effects struct {
	Lease    Lease         // ask BEFORE Read
	Read     *Read         // read BEFORE Seek; nil is nothing
	Seek     *Place        // go on with the lines from there BEFORE Publish; nil is where they are
	Publish  []Message     // publish BEFORE Snapshot
	Snapshot []byte        // keep, for who takes over; it may be lost
	Conflict *Conflict     // tell; nil is none
	Room     int           // so many more lines may be given
	Wake     time.Duration // give a Tick then
	Done     bool          // stopped, or all is published
}

// A Conflict is a line whose sequence the stream has with another payload or
// timestamp: it is not published, and two recordings share a name.
type Conflict struct {
	Seq  uint64
	Line uint64 // its number
	At   uint64 // the message
}

// Counters tell how far a publisher is.
type Counters struct {
	Lines     uint64 `json:"lines"`     // of the log, from its beginning, that are all in the stream
	Published uint64 `json:"published"` // acknowledged to this process
	Resyncs   uint64 `json:"resyncs"`   // times that it stopped and read back
	Rollbacks uint64 `json:"rollbacks"` // times that the stream had lost messages
	Repeated  uint64 `json:"repeated"`  // messages found in the stream a second time: it should be none
	Compared  uint64 `json:"compared"`  // lines that the stream had, and that were held against it
	Conflicts uint64 `json:"conflicts"` // of them: other payload or timestamp there
	Epoch     uint64 `json:"epoch"`     // of the lease
	Active    bool   `json:"active"`    // it holds the lease
	Failed    bool   `json:"failed"`    // it gave up: nothing got on for the time of GiveUp
}

// Config is what a machine needs to know. Its zero value is the documented
// default.
type Config struct {
	Window        int           // most publishes at once; 0 is 256
	Patience      time.Duration // an answer later than this is no answer; 0 is 5 s
	Backoff       time.Duration // before reading back again; doubles, with jitter; 0 is 50 ms
	MaxBackoff    time.Duration // 0 is 2 s
	TTL           time.Duration // after which the lease ends unless it is renewed; 0 is 10 s
	SnapshotEvery int           // messages; 0 is 4096, below 0 never
	GiveUp        time.Duration // after the end of the log, without anything getting on; 0 is 30 s
	Seed          uint64        // of the jitter
}

// The parts of the lease's time (N5).
const (
	renewPart = 3 // renewed each third
	stopParts = 2 // nothing is published after two of them without a renewal
)

func (c Config) validated() (Config, error) {
	for _, d := range []struct {
		name  string
		value *time.Duration
		zero  time.Duration
	}{
		{"Patience", &c.Patience, 5 * time.Second}, {"Backoff", &c.Backoff, 50 * time.Millisecond}, {"MaxBackoff", &c.MaxBackoff, 2 * time.Second},
		{"TTL", &c.TTL, 10 * time.Second}, {"GiveUp", &c.GiveUp, 30 * time.Second},
	} {
		if *d.value < 0 {
			return c, fmt.Errorf("publish: %s %v: not below 0", d.name, *d.value)
		}
		if *d.value == 0 {
			*d.value = d.zero
		}
	}
	if c.Window < 0 {
		return c, fmt.Errorf("publish: Window %d: not below 0", c.Window)
	}
	if c.Window == 0 {
		c.Window = 256
	}
	if c.SnapshotEvery == 0 {
		c.SnapshotEvery = 4096
	}
	return c, nil
}

// New gives a machine that knows nothing of the stream and has no lease.
func New(c Config) (*Machine, error) {
	c, err := c.validated()
	if err != nil {
		return nil, err
	}
	return &Machine{
		c: c, rng: rand.New(rand.NewPCG(c.Seed, 0)), steal: true, base: make([]flight, 0, 4*c.Window),
	}, nil
}
