// Package sink publishes the log of a recorder to a stream of NATS JetStream,
// each sequence once and in the order of the log: it performs what the machine
// of package publish decides.
//
// It promises that recording never waits for it, that what is published is in
// the log already, and so as durable as the log, and that recorders of one
// session may take over from each other at any moment. [Verify] compares what
// came of it with a log.
//
// What it writes, for a session S:
//
//	stream HF_S       subject holdfast.rec.S, file storage, no deletes, no purges
//	  body            the payload
//	  headers         Nats-Msg-Id S:SEQUENCE, Nats-Expected-Last-Sequence, Nats-Expected-Stream,
//	                  Holdfast-Timestamp and Holdfast-Status as in the log,
//	                  Holdfast-Epoch, Holdfast-Node: whose log it was
//	bucket HF_LEASE   key S: who publishes, as JSON; it expires
//	bucket HF_SNAPSHOT key S: what the stream holds, for who takes over
//
// Call [New], give it to the recorder, and call [Publisher.Finish] when the log
// has ended.
package sink

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"holdfast/engine"
	"holdfast/record/publish"
)

// Config says what is published where.
type Config struct {
	Access  engine.Access
	Options Options
	Session string
	Log     string // the recorder's log
	Node    string // name of this recorder; "" is Node(Log)

	Warn func(text string) // told of what is odd; nil tells nobody
}

// Options are what the query of the URL says: nats://HOST?replicas=3.
type Options struct {
	Replicas int           // of what is made; 0 is 1
	Lease    time.Duration // after which another recorder takes over; 0 is 10 s; an existing bucket's rules
	Window   int           // publishes at once; 0 is 256
	Wait     time.Duration // at the end, without anything getting on; 0 is 30 s
}

// A UsageError is a Config that cannot be.
type UsageError struct{ text string }

func (e *UsageError) Error() string { return e.text }

// ParseURL takes the options off a URL.
func ParseURL(text string) (server string, o Options, err error) {
	server, query, _ := strings.Cut(text, "?")
	if server == "" {
		return "", o, &UsageError{"a URL such as nats://127.0.0.1:4222 is needed"}
	}
	if strings.Contains(query, "@") {
		return "", o, &UsageError{"a ? in a user or password is written %3F"} // and is not shown
	}
	if err := engine.CheckURL(server); err != nil {
		return "", o, err
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return "", o, &UsageError{fmt.Sprintf("%q: %v", query, err)}
	}
	for name, v := range values {
		value, err := v[len(v)-1], error(nil)
		switch name {
		case "replicas":
			o.Replicas, err = atLeastOne(value)
		case "window":
			o.Window, err = atLeastOne(value)
		case "lease":
			o.Lease, err = atLeast(value, minLease)
		case "wait":
			o.Wait, err = atLeast(value, time.Millisecond)
		default:
			err = errors.New("no such option: there are replicas, lease, window and wait")
		}
		if err != nil {
			return "", o, &UsageError{fmt.Sprintf("?%s=%s: %v", name, value, err)}
		}
	}
	return server, o, nil
}

const (
	minLease  = 300 * time.Millisecond // the engine looks for what has expired a few times a second
	maxWindow = 10_000
)

func atLeastOne(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxWindow {
		return 0, fmt.Errorf("a number from 1 to %d is needed", maxWindow)
	}
	return n, nil
}

func atLeast(text string, least time.Duration) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < least {
		return 0, fmt.Errorf("a duration of at least %v is needed, such as 10s", least)
	}
	return d, nil
}

// Node is what a recorder is called that has no name of its own.
func Node(log string) string {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	if abs, err := filepath.Abs(log); err == nil {
		log = abs
	}
	return host + ":" + log
}

func (c Config) validated() (Config, error) {
	if c.Options.Replicas == 0 {
		c.Options.Replicas = 1
	}
	if c.Warn == nil {
		c.Warn = func(string) {}
	}
	if c.Node == "" {
		c.Node = Node(c.Log)
	}
	if !plainName(c.Session) {
		return c, &UsageError{fmt.Sprintf("session %q: the name of a stream has letters, digits, - and _ only", c.Session)}
	}
	if strings.ContainsFunc(c.Node, func(r rune) bool { return r < ' ' }) || len(c.Node) > 1000 {
		return c, &UsageError{fmt.Sprintf("--node %.40q: at most 1000 bytes, none of them a control character", c.Node)}
	}
	return c, nil
}

func plainName(s string) bool {
	return s != "" && len(s) <= 200 && strings.IndexFunc(s, func(r rune) bool {
		return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) < 0
}

// StreamOf is the name of a session's stream.
func StreamOf(session string) string { return "HF_" + session }

func subjectOf(session string) string { return "holdfast.rec." + session }

func (c Config) stream() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: StreamOf(c.Session), Subjects: []string{subjectOf(c.Session)}, Storage: jetstream.FileStorage, Replicas: c.Options.Replicas,
		DenyDelete: true, DenyPurge: true, AllowDirect: true,
	}
}

// wrong says why a stream that is there cannot hold the session.
func (c Config) wrong(s jetstream.StreamConfig) string {
	switch {
	case len(s.Subjects) != 1 || s.Subjects[0] != subjectOf(c.Session):
		return fmt.Sprintf("its subjects are %q, not %s alone", s.Subjects, subjectOf(c.Session))
	case s.Storage != jetstream.FileStorage:
		return "it is kept in memory"
	case s.Retention != jetstream.LimitsPolicy:
		return "messages leave it when they are consumed"
	case s.MaxAge > 0 || s.MaxBytes > 0 || s.MaxMsgs > 0 || s.MaxMsgsPerSubject > 0:
		return "it forgets messages: max age, bytes or messages"
	case !s.DenyDelete || !s.DenyPurge || s.AllowRollup:
		return "deletes, purges or rollups are allowed"
	case s.NoAck:
		return "it acknowledges nothing"
	case s.Mirror != nil || len(s.Sources) > 0 || s.SubjectTransform != nil || s.RePublish != nil || s.Sealed:
		return "it is a mirror, has sources, changes or repeats subjects, or is sealed"
	case !s.AllowDirect:
		return "it allows no direct reads"
	}
	return ""
}

func (c Config) machine(ttl time.Duration) publish.Config {
	return publish.Config{
		Window: c.Options.Window, TTL: ttl, GiveUp: c.Options.Wait, Seed: uint64(time.Now().UnixNano()),
	}
}

// ErrForeign: the stream holds what no recorder of the session has published.
var ErrForeign = errors.New("a message that no recorder of this session published")

// A ForeignError names such a message.
type ForeignError struct {
	Stream  string
	Message uint64
	What    string
}

func (e *ForeignError) Error() string {
	return fmt.Sprintf("stream %s, message %d: %v: %s: publish elsewhere, or record another session", e.Stream, e.Message, ErrForeign, e.What)
}

func (e *ForeignError) Unwrap() error { return ErrForeign }

// An UnfinishedError says that the stream does not have all of the log yet.
type UnfinishedError struct {
	Stream string
	Log    string
	Left   uint64 // lines
	Err    error
}

func (e *UnfinishedError) Error() string {
	return fmt.Sprintf("%v: %s is whole, %d of its lines are not in stream %s: the same command publishes them", e.Err, e.Log, e.Left, e.Stream)
}

func (e *UnfinishedError) Unwrap() error { return e.Err }

// A Summary is what a publisher came to.
type Summary struct {
	Stream string `json:"stream"`
	Node   string `json:"node"`
	publish.Counters
}
