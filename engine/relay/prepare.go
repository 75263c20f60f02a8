package relay

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"holdfast/engine"
)

const (
	metaPartitions = "holdfast_partitions"
	metaMode       = "holdfast_mode"
	metaPrefix     = "holdfast_prefix"
	metaKey        = "holdfast_key"
)

// prepare finds or makes the streams and the consumer: the sink first, so that
// nothing is fetched that has no place to go.
func prepare(ctx context.Context, conn *engine.Conn, c Config) (*streams, error) {
	s := &streams{}
	// A wrong --from leaves no streams behind, whose mode could not be changed.
	if source, err := conn.StreamOf(ctx, c.From); errors.Is(err, engine.ErrNoStream) && !c.Capture {
		return nil, &engine.Error{Kind: engine.ErrNoStream, Where: "subject " + c.From,
			What: "messages sent while no relay runs would be lost", Do: "make a stream that captures it, or let --capture make one"}
	} else if err == nil && c.writes(source) {
		return nil, &UsageError{fmt.Sprintf("--from %s is what --to %s itself writes", c.From, c.To)}
	}
	if err := c.prepareDead(ctx, conn); err != nil {
		return nil, err
	}
	for p := range c.Partitions {
		sink, err := c.prepareSink(ctx, conn, p)
		if err != nil {
			return nil, err
		}
		s.sinks = append(s.sinks, sink)
	}
	source, err := conn.StreamOf(ctx, c.From)
	switch {
	case errors.Is(err, engine.ErrNoStream) && c.Capture:
		source = c.To + "_SOURCE"
		// A work queue: what every relay is done with takes no space.
		_, err = conn.Stream(ctx, jetstream.StreamConfig{Name: source, Subjects: []string{c.From}, Storage: jetstream.FileStorage,
			Retention: jetstream.WorkQueuePolicy, Replicas: c.Replicas}, func(s jetstream.StreamConfig) string {
			if !covers(s.Subjects, c.From) {
				return fmt.Sprintf("it captures %s, not %s", strings.Join(s.Subjects, ", "), c.From)
			}
			return ""
		})
	}
	if err != nil {
		return nil, err
	}
	if c.writes(source) {
		return nil, &UsageError{fmt.Sprintf("--from %s is what --to %s itself writes", c.From, c.To)}
	}
	s.source = source
	if err := c.checkSource(ctx, conn, source); err != nil {
		return nil, err
	}
	s.consumer, err = conn.Consumer(ctx, source, jetstream.ConsumerConfig{
		Durable: c.durable(), AckPolicy: jetstream.AckExplicitPolicy, AckWait: c.AckWait, FilterSubject: c.From,
		MaxDeliver:    -1, // one that is not delivered again would be lost
		MaxAckPending: 100_000,
	})
	return s, err
}

// writes reports whether a stream is one that this relay writes to.
func (c Config) writes(stream string) bool {
	if stream == c.dead() {
		return true
	}
	for p := range c.Partitions {
		if stream == c.sinkName(p) {
			return true
		}
	}
	return false
}

func (c Config) durable() string { return "holdfast_" + c.To }

// checkSource refuses a consumer that relays another subject: relays that share
// it would take turns in changing its filter, and lose what it passes over.
func (c Config) checkSource(ctx context.Context, conn *engine.Conn, source string) error {
	stream, err := conn.Find(ctx, source)
	if err != nil {
		return err
	}
	if s := stream.CachedInfo().Config; s.Discard == jetstream.DiscardOld && s.Retention == jetstream.LimitsPolicy && (s.MaxAge > 0 || s.MaxMsgs > 0 || s.MaxBytes > 0 || s.MaxMsgsPerSubject > 0) {
		c.Warn(fmt.Sprintf("stream %s drops its oldest messages, relayed or not: never let the relays fall so far behind", source))
	}
	have, err := conn.FindConsumer(ctx, source, c.durable())
	if errors.Is(err, engine.ErrNoStream) {
		return nil
	} else if err != nil {
		return err
	}
	if filter := have.CachedInfo().Config.FilterSubject; filter != c.From {
		return &engine.Error{Kind: engine.ErrShape, Where: "consumer " + c.durable() + " of stream " + source,
			What: fmt.Sprintf("it relays %s, not %s", filter, c.From), Do: "use another --to; or the same --from, with wildcards, for all relays"}
	}
	return nil
}

// prepareSink finds or makes the sink of a partition; in Expect mode it has to
// be there.
func (c Config) prepareSink(ctx context.Context, conn *engine.Conn, p int) (jetstream.Stream, error) {
	if c.Mode != Expect {
		return conn.Stream(ctx, c.sink(p), c.wrongSink(p))
	}
	sink, err := conn.Find(ctx, c.sinkName(p))
	if errors.Is(err, engine.ErrNoStream) {
		return nil, &engine.Error{Kind: engine.ErrNoStream, Where: "stream " + c.sinkName(p), Do: "--mode expect is for a sink that is there; --mode subject makes one"}
	} else if err != nil {
		return nil, err
	}
	if wrong := c.wrongSink(p)(sink.CachedInfo().Config); wrong != "" {
		return nil, engine.Misshaped(c.sinkName(p), wrong)
	}
	return sink, nil
}

func (c Config) sinkName(p int) string {
	if c.Partitions == 1 {
		return c.To
	}
	return c.To + "_" + strconv.Itoa(p)
}

func (c Config) sink(p int) jetstream.StreamConfig {
	s := jetstream.StreamConfig{
		Name: c.sinkName(p), Storage: jetstream.FileStorage, Replicas: c.Replicas,
		DenyDelete: true, DenyPurge: true, AllowDirect: true,
	}
	s.Subjects = []string{c.sinkSubject(p)}
	if c.Mode == Window {
		s.Duplicates = c.Window
		return s
	}
	s.MaxMsgsPerSubject, s.Discard, s.DiscardNewPerSubject = 1, jetstream.DiscardNew, true
	return s
}

// sinkSubject is what the sink has to capture.
func (c Config) sinkSubject(p int) string {
	s := fmt.Sprintf("%s.%d", c.Prefix, p)
	if c.Mode.perKey() {
		s += ".*"
	}
	return s
}

// wrongSink says why a stream that is there cannot be the sink.
func (c Config) wrongSink(p int) func(jetstream.StreamConfig) string {
	return func(s jetstream.StreamConfig) string {
		switch forgets := c.forgets(s); {
		case !covers(s.Subjects, c.sinkSubject(p)):
			return fmt.Sprintf("it captures %s, not %s: --prefix says how its subjects begin", strings.Join(s.Subjects, ", "), c.sinkSubject(p))
		case s.NoAck:
			return "it acknowledges nothing"
		case s.Sealed:
			return "it is sealed"
		case s.Mirror != nil || s.SubjectTransform != nil:
			return "it is a mirror, or changes subjects"
		case s.Retention != jetstream.LimitsPolicy:
			return "messages leave it when they are consumed, and their keys with them"
		case c.Mode == Window && s.Duplicates < c.Window:
			return fmt.Sprintf("it remembers message ids for %v, --window is %v", s.Duplicates, c.Window)
		case c.Mode == Subject && (s.MaxMsgsPerSubject != 1 || s.Discard != jetstream.DiscardNew || !s.DiscardNewPerSubject):
			return "it takes a second message of a subject: max_msgs_per_subject 1, discard new, discard_new_per_subject are needed; or --mode expect, which binds relays only"
		case forgets != "" && !c.Forget:
			return "it forgets keys: " + forgets + "; --forget allows that"
		}
		return ""
	}
}

// forgets says how a sink loses keys. In Expect mode anybody may change it
// anyway, so deletes are no matter; with a window it must only keep a message
// for as long as its id.
func (c Config) forgets(s jetstream.StreamConfig) string {
	switch {
	case s.MaxAge > 0 && (c.Mode != Window || s.MaxAge < c.Window):
		return fmt.Sprintf("max age %v", s.MaxAge)
	case c.Mode == Window:
		return ""
	case s.MaxBytes > 0:
		return fmt.Sprintf("max bytes %d", s.MaxBytes)
	case s.MaxMsgs > 0:
		return fmt.Sprintf("max messages %d", s.MaxMsgs)
	case c.Mode == Subject && (!s.DenyDelete || !s.DenyPurge || s.AllowRollup):
		return "deletes, purges or rollups are allowed"
	}
	return ""
}

// covers reports whether one of the subjects, which may have wildcards, takes
// in all that want stands for.
func covers(subjects []string, want string) bool {
	for _, s := range subjects {
		if takesIn(strings.Split(s, "."), strings.Split(want, ".")) {
			return true
		}
	}
	return false
}

func takesIn(have, want []string) bool {
	for i, h := range have {
		switch {
		case h == ">":
			return i < len(want)
		case i == len(want) || want[i] == ">":
			return false
		case h != "*" && h != want[i]:
			return false
		}
	}
	return len(have) == len(want)
}

func (c Config) dead() string { return c.To + "_DEAD" }

// prepareDead makes the dead-letter stream. It also remembers what keys
// are and where: the fields, the number of partitions, the mode and the prefix.
// With others, keys that are stored would not be met.
func (c Config) prepareDead(ctx context.Context, conn *engine.Conn) error {
	var usage error
	partitions, place := strconv.Itoa(c.Partitions), string(c.Mode)
	if c.Mode == Expect {
		place = string(Subject)
	}
	_, err := conn.Stream(ctx, jetstream.StreamConfig{
		Name: c.dead(), Subjects: []string{c.dead() + ".>"}, Storage: jetstream.FileStorage, Replicas: c.Replicas, AllowDirect: true,
		MaxMsgsPerSubject: 1, Discard: jetstream.DiscardNew, DiscardNewPerSubject: true, Duplicates: 2 * time.Minute,
		Metadata: map[string]string{metaPartitions: partitions, metaMode: place, metaPrefix: c.Prefix, metaKey: c.Fields.String()},
	}, func(s jetstream.StreamConfig) string {
		switch p, m, k := s.Metadata[metaPartitions], s.Metadata[metaMode], s.Metadata[metaKey]; {
		case p == "" || m == "":
			return "it is not the dead-letter stream of a guard"
		case p != partitions:
			usage = &UsageError{fmt.Sprintf("--partitions %s: the keys of %s lie in %s, and would not be found again", partitions, c.To, p)}
		case m != place:
			usage = &UsageError{fmt.Sprintf("--mode %s: %s was made with --mode %s", c.Mode, c.To, m)}
		case s.Metadata[metaPrefix] != c.Prefix:
			usage = &UsageError{fmt.Sprintf("--prefix %s: the keys of %s lie under %s, and would not be found again", c.Prefix, c.To, s.Metadata[metaPrefix])}
		case k != "" && k != c.Fields.String(): // older ones do not say
			usage = &UsageError{fmt.Sprintf("--key %s: the keys of %s are made of %s, and would not be met: use another --to", c.Fields, c.To, k)}
		}
		return ""
	})
	if err == nil {
		err = usage
	}
	return err
}
