package relay

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"holdfast/engine"
)

const (
	metaPartitions = "holdfast_partitions"
	metaMode       = "holdfast_mode"
)

// prepare finds or makes the streams and the consumer: the sink first, so that
// nothing is fetched that has no place to go.
func prepare(ctx context.Context, conn *engine.Conn, c Config) (*streams, error) {
	s := &streams{}
	if err := c.prepareDead(ctx, conn); err != nil {
		return nil, err
	}
	for p := range c.Partitions {
		sink, err := conn.Stream(ctx, c.sink(p), c.wrongSink)
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
			Retention: jetstream.WorkQueuePolicy, Replicas: c.Replicas}, func(jetstream.StreamConfig) string { return "" })
	case errors.Is(err, engine.ErrNoStream):
		return nil, &engine.Error{Kind: engine.ErrNoStream, Where: "subject " + c.From,
			What: "messages sent while no relay runs would be lost", Do: "make a stream that captures it, or let --capture make one"}
	}
	if err != nil {
		return nil, err
	}
	if source == c.To || source == c.dead() {
		return nil, &UsageError{fmt.Sprintf("--from %s is what --to %s itself writes", c.From, c.To)}
	}
	s.source = source
	s.consumer, err = conn.Consumer(ctx, source, jetstream.ConsumerConfig{
		Durable: "holdfast_" + c.To, AckPolicy: jetstream.AckExplicitPolicy, AckWait: c.AckWait, FilterSubject: c.From,
		MaxDeliver:    -1, // one that is not delivered again would be lost
		MaxAckPending: 100_000,
	})
	return s, err
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
	if c.Mode == Window {
		s.Subjects, s.Duplicates = []string{fmt.Sprintf("%s.%d", c.To, p)}, c.Window
		return s
	}
	s.Subjects = []string{fmt.Sprintf("%s.%d.*", c.To, p)}
	s.MaxMsgsPerSubject, s.Discard, s.DiscardNewPerSubject = 1, jetstream.DiscardNew, true
	return s
}

// wrongSink says why a stream that is there cannot be the sink.
func (c Config) wrongSink(s jetstream.StreamConfig) string {
	forgets := ""
	switch {
	case s.MaxAge > 0:
		forgets = fmt.Sprintf("max age %v", s.MaxAge)
	case s.MaxBytes > 0:
		forgets = fmt.Sprintf("max bytes %d", s.MaxBytes)
	case s.MaxMsgs > 0:
		forgets = fmt.Sprintf("max messages %d", s.MaxMsgs)
	case !s.DenyDelete || !s.DenyPurge || s.AllowRollup:
		forgets = "deletes, purges or rollups are allowed"
	}
	switch {
	case s.NoAck:
		return "it acknowledges nothing"
	case s.Mirror != nil || s.SubjectTransform != nil:
		return "it is a mirror, or changes subjects"
	case s.Retention != jetstream.LimitsPolicy:
		return "messages leave it when they are consumed, and their keys with them"
	case c.Mode == Window && s.Duplicates < c.Window:
		return fmt.Sprintf("it remembers message ids for %v, --window is %v", s.Duplicates, c.Window)
	case c.Mode == Subject && (s.MaxMsgsPerSubject != 1 || s.Discard != jetstream.DiscardNew || !s.DiscardNewPerSubject):
		return "it takes a second message of a subject: max_msgs_per_subject 1, discard new, discard_new_per_subject are needed"
	case c.Mode == Subject && forgets != "" && !c.Forget:
		return "it forgets keys: " + forgets + "; --forget allows that"
	}
	return ""
}

func (c Config) dead() string { return c.To + "_DEAD" }

// prepareDead makes the dead-letter stream. It also remembers the mode and the
// number of partitions: with others, keys that are stored would not be met.
func (c Config) prepareDead(ctx context.Context, conn *engine.Conn) error {
	var usage error
	partitions := strconv.Itoa(c.Partitions)
	_, err := conn.Stream(ctx, jetstream.StreamConfig{
		Name: c.dead(), Subjects: []string{c.dead() + ".>"}, Storage: jetstream.FileStorage, Replicas: c.Replicas, AllowDirect: true,
		MaxMsgsPerSubject: 1, Discard: jetstream.DiscardNew, DiscardNewPerSubject: true, Duplicates: 2 * time.Minute,
		Metadata: map[string]string{metaPartitions: partitions, metaMode: string(c.Mode)},
	}, func(s jetstream.StreamConfig) string {
		switch p, m := s.Metadata[metaPartitions], s.Metadata[metaMode]; {
		case p == "" || m == "":
			return "it is not the dead-letter stream of a guard"
		case p != partitions:
			usage = &UsageError{fmt.Sprintf("--partitions %s: the keys of %s lie in %s, and would not be found again", partitions, c.To, p)}
		case m != string(c.Mode):
			usage = &UsageError{fmt.Sprintf("--mode %s: %s was made with --mode %s", c.Mode, c.To, m)}
		}
		return ""
	})
	if err == nil {
		err = usage
	}
	return err
}
