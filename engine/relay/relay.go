// Package relay copies a live stream of NATS JetStream into a sink stream that
// holds each key once: it performs what the machine of package guard decides.
//
// It promises that a source message is acknowledged only when the sink has
// stored it, holds another message of its key, or the dead-letter stream has
// it. Any number of relays share the work and may be killed at any moment. That
// a key is stored once is the sink's doing, in one of three modes:
//
//	Subject  one subject a key, one message a subject, new ones refused, for as
//	         long as the first is stored; costs memory per key
//	Expect   the same in a stream that is there and may not be changed: each
//	         publish expects its subject to be empty. That binds relays only:
//	         anybody else may store a second message of a key
//	Window   message ids, forgotten after a fixed time; costs memory per rate
//
// What it writes (P is the partition, from 0):
//
//	stream TO (TO_P if there are several)   subject PREFIX.P.KEY, or PREFIX.P with a window
//	stream TO_DEAD                          subject TO_DEAD.REASON.SOURCE.SEQUENCE.TIME (in the source, ns)
//	consumer holdfast_TO of the source stream; stream TO_SOURCE with Capture
//	headers Holdfast-Key (readable), Holdfast-Subject, Holdfast-Source (STREAM:SEQUENCE),
//	        Holdfast-Reason (dead letters); the original's others but Nats-*
//
// Call [Run].
package relay

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"holdfast/engine"
	"holdfast/guard"
)

// Mode is how the sink knows a key again.
type Mode string

// The modes of the package comment.
const (
	Subject Mode = "subject"
	Expect  Mode = "expect"
	Window  Mode = "window"
)

// perKey reports whether each key has a subject of its own.
func (m Mode) perKey() bool { return m != Window }

// Config says what to relay. Its zero value needs From, To and Fields.
type Config struct {
	From   string       // subject, may have wildcards
	To     string       // name of the sink stream
	Fields guard.Fields // the key
	Mode   Mode         // "" is Subject
	Prefix string       // of the sink's subjects; "" is To

	Window       time.Duration // of Window mode; 0 is 10 AckWaits
	AcceptWindow bool          // even if it is shorter than that
	Capture      bool          // make a source stream if there is none
	Drain        bool          // end when the source is empty
	MaxKeys      int64         // end with ErrMaxKeys at so many; 0 is 5 million
	Forget       bool          // take a sink that forgets keys
	Ordered      bool          // one message in flight
	Partitions   int           // sink streams; 0 is 1
	Replicas     int           // of streams it makes; 0 is 1
	AckWait      time.Duration // until the source delivers again; 0 is 30 s
	InFlight     int           // 0 is 512
	Outage       time.Duration // end when nothing was stored for so long, though it was tried; 0 is 2 min, below 0 never

	Warn  func(text string)         // nil tells nobody
	Tell  func(c guard.Counters)    // about once a second
	Ready func(sourceStream string) // it begins to fetch
}

// A UsageError is a Config that cannot be.
type UsageError struct{ text string }

func (e *UsageError) Error() string { return e.text }

// ErrMaxKeys: the sink holds as many keys as it may.
var ErrMaxKeys = errors.New("the sink holds as many keys as --max-keys allows: raise it if the engine has the memory, or use --mode window")

const (
	maxPartitions  = 256
	safeDeliveries = 5 // that the window must outlast, twice
)

// Check says what is wrong with a configuration, a [UsageError] or nil.
func (c Config) Check() error {
	_, err := c.validated()
	return err
}

func (c Config) validated() (Config, error) {
	if c.AckWait == 0 {
		c.AckWait = 30 * time.Second
	}
	if c.Window == 0 {
		c.Window = 2 * safeDeliveries * c.AckWait
	}
	if c.Mode == "" {
		c.Mode = Subject
	}
	if c.Prefix == "" {
		c.Prefix = c.To
	}
	if c.Outage == 0 {
		c.Outage = 2 * time.Minute
	}
	if c.MaxKeys == 0 {
		c.MaxKeys = 5_000_000
	}
	c.Partitions, c.Replicas = max(c.Partitions, 1), max(c.Replicas, 1)
	if c.InFlight == 0 {
		c.InFlight = 512
	}
	if c.Ordered {
		c.InFlight = 1
	}
	if c.Warn == nil {
		c.Warn = func(string) {}
	}
	wrong := ""
	switch {
	case c.From == "" || strings.ContainsAny(c.From, " \t\r\n") || strings.HasPrefix(c.From, "$"):
		wrong = fmt.Sprintf("--from %q is no subject to relay", c.From)
	case !plainName(c.To):
		wrong = fmt.Sprintf("--to %q: the name of a stream has letters, digits, - and _ only, 200 at most", c.To)
	case !plainSubject(c.Prefix):
		wrong = fmt.Sprintf("--prefix %q: a subject without wildcards", c.Prefix)
	case len(c.Fields) == 0:
		wrong = "--key is missing: which fields make a message what it is?"
	case c.Partitions > maxPartitions:
		wrong = fmt.Sprintf("--partitions %d: at most %d", c.Partitions, maxPartitions)
	case c.AckWait < time.Second:
		wrong = fmt.Sprintf("--ack-wait %v: at least 1s", c.AckWait)
	case c.Window < 0:
		wrong = fmt.Sprintf("--window %v: above 0", c.Window)
	case c.Mode == Window && c.Window < 2*safeDeliveries*c.AckWait && !c.AcceptWindow:
		wrong = fmt.Sprintf("--window %v is shorter than %d times --ack-wait %v: a message delivered late could be stored again; lengthen it, or add --accept-window",
			c.Window, 2*safeDeliveries, c.AckWait)
	}
	if wrong != "" {
		return c, &UsageError{wrong}
	}
	return c, nil
}

func plainName(s string) bool {
	return s != "" && len(s) <= 200 && strings.IndexFunc(s, func(r rune) bool {
		return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) < 0
}

func plainSubject(s string) bool {
	for part := range strings.SplitSeq(s, ".") {
		if part == "" || strings.ContainsAny(part, " \t\r\n*>") {
			return false
		}
	}
	return s[0] != '$' && s[0] != '_' && len(s) <= 200
}

// machine is the configuration of the machine. With a window the message stays
// in flight until the sink answers, and nothing is published again when the
// sink may have forgotten the first.
func (c Config) machine() guard.Config {
	g := guard.Config{InFlight: c.InFlight, Seed: uint64(time.Now().UnixNano())}
	if c.Mode == Window {
		g.Tries, g.Horizon = -1, c.Window/4
	}
	if c.Ordered {
		g.Tries = -1
	}
	return g
}

// Run relays until ctx ends, the source is empty (with Drain) or something is
// wrong. At the end of ctx it finishes what has begun, gives back the rest, and
// returns ctx's error. The counters are those of this call.
func Run(ctx context.Context, conn *engine.Conn, c Config) (guard.Counters, error) {
	c, err := c.validated()
	if err != nil {
		return guard.Counters{}, err
	}
	s, err := prepare(ctx, conn, c)
	if err != nil {
		return guard.Counters{}, err
	}
	m, err := guard.New(c.machine())
	if err != nil {
		return guard.Counters{}, err
	}
	r := newRunner(conn, c, s, m)
	return r.run(ctx)
}

// streams are what prepare found or made.
type streams struct {
	sinks    []jetstream.Stream
	source   string
	consumer jetstream.Consumer
}
