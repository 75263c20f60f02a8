package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"holdfast/engine"
	"holdfast/fetch/retry"
)

// Results gives the records of every URL of a job that has a result, in the
// order in which the results came. What take is given is valid until it returns.
// It returns how many results are not of holdfast, which are told and left out:
// whoever may publish under a result's subject takes its place.
func Results(ctx context.Context, conn *engine.Conn, c Config, take func(records []byte) error) (foreign int64, err error) {
	err = each(ctx, conn, c, false, func(m jetstream.Msg) error {
		if records := m.Data(); byHoldfast(m) && areRecords(records) {
			return take(records)
		}
		if foreign++; foreign <= 10 {
			c.Warn(fmt.Sprintf("stream %s: the message of subject %q is no result of holdfast, and is left out", c.resultsName(), m.Subject()))
		}
		return nil
	})
	return foreign, err
}

// byHoldfast reports whether a result can be one of a process of holdfast.
func byHoldfast(m jetstream.Msg) bool {
	o, ok := retry.ParseOutcome(m.Headers().Get(headerOutcome))
	return ok && o != 0
}

// areRecords reports whether all lines look like those of a log. There is none
// if all were too long for a message.
func areRecords(text []byte) bool {
	for line := range bytes.Lines(text) {
		if !bytes.HasPrefix(line, []byte("{")) || !bytes.HasSuffix(line, []byte("}\n")) {
			return false
		}
	}
	return true
}

// each reads the results once.
func each(ctx context.Context, conn *engine.Conn, c Config, bare bool, take func(jetstream.Msg) error) error {
	where := "stream " + c.resultsName()
	var s jetstream.Stream
	err := conn.Try(ctx, func(ctx context.Context) (err error) {
		s, err = conn.JS.Stream(ctx, c.resultsName())
		return err
	})
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("job %s: %w", c.Job, ErrNoJob)
	} else if err != nil {
		return engine.Explain(where, err)
	}
	if wrong := wrongResults(s.CachedInfo().Config); wrong != "" {
		return engine.Misshaped(c.resultsName(), wrong)
	}
	left := s.CachedInfo().State.Msgs // those that come later are of the next call
	if left == 0 {
		return nil
	}
	cons, err := s.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{HeadersOnly: bare})
	if err != nil {
		return engine.Explain(where, err)
	}
	it, err := cons.Messages(jetstream.PullMaxMessages(2000))
	if err != nil {
		return engine.Explain(where, err)
	}
	defer it.Stop()
	defer context.AfterFunc(ctx, it.Stop)()
	for ; left > 0; left-- {
		m, err := it.Next(jetstream.NextMaxWait(c.Patience)) // an engine that is away is asked again meanwhile
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return explain(conn, where, err)
		}
		if err := take(m); err != nil {
			return err
		}
	}
	return nil
}
