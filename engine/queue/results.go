package queue

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"holdfast/engine"
)

// Results gives the records of every URL of a job that has a result, in the
// order in which the results came. What take is given is valid until it returns.
func Results(ctx context.Context, conn *engine.Conn, c Config, take func(records []byte) error) error {
	return each(ctx, conn, c, false, func(m jetstream.Msg) error { return take(m.Data()) })
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
	left := s.CachedInfo().State.Msgs
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
	for ; left > 0; left-- {
		m, err := it.Next(jetstream.NextContext(ctx))
		if err != nil {
			return engine.Explain(where, err)
		}
		if err := take(m); err != nil {
			return err
		}
	}
	return nil
}
