package engine

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go/jetstream"
)

// Stream gives a stream of the given configuration: the one that is there, if
// check finds nothing wrong with it, or a new one. check names what is wrong,
// "" for nothing; of two processes that make it at once, both get it.
func (c *Conn) Stream(ctx context.Context, want jetstream.StreamConfig, check func(have jetstream.StreamConfig) (wrong string)) (jetstream.Stream, error) {
	var s jetstream.Stream
	err := c.retry(ctx, func(ctx context.Context) (err error) {
		s, err = c.JS.Stream(ctx, want.Name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			s, err = c.JS.CreateStream(ctx, want)
		}
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			s, err = c.JS.Stream(ctx, want.Name)
		}
		return err
	})
	if err != nil {
		return nil, Explain("stream "+want.Name, err)
	}
	if wrong := check(s.CachedInfo().Config); wrong != "" {
		return nil, Misshaped(want.Name, wrong)
	}
	return s, nil
}

// Misshaped is the error of a stream that cannot serve.
func Misshaped(stream, wrong string) error {
	return &Error{Kind: ErrShape, Where: "stream " + stream, What: wrong, Do: "use another name, or change the stream; nothing was acknowledged"}
}

// Find gives a stream that is there; ErrNoStream if it is not.
func (c *Conn) Find(ctx context.Context, name string) (jetstream.Stream, error) {
	var s jetstream.Stream
	err := c.retry(ctx, func(ctx context.Context) (err error) {
		s, err = c.JS.Stream(ctx, name)
		return err
	})
	return s, Explain("stream "+name, err)
}

// FindConsumer gives a durable consumer that is there; ErrNoStream if it is not.
func (c *Conn) FindConsumer(ctx context.Context, stream, durable string) (jetstream.Consumer, error) {
	var cons jetstream.Consumer
	err := c.retry(ctx, func(ctx context.Context) (err error) {
		cons, err = c.JS.Consumer(ctx, stream, durable)
		return err
	})
	return cons, Explain("consumer "+durable+" of stream "+stream, err)
}

// StreamOf gives the name of the stream that captures a subject; ErrNoStream
// if none does.
func (c *Conn) StreamOf(ctx context.Context, subject string) (string, error) {
	var name string
	err := c.retry(ctx, func(ctx context.Context) (err error) {
		name, err = c.JS.StreamNameBySubject(ctx, subject)
		return err
	})
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return "", ErrNoStream
	}
	return name, Explain("subject "+subject, err)
}

// Consumer gives the durable consumer of a stream, and makes it if need be.
func (c *Conn) Consumer(ctx context.Context, stream string, want jetstream.ConsumerConfig) (jetstream.Consumer, error) {
	var cons jetstream.Consumer
	err := c.retry(ctx, func(ctx context.Context) (err error) {
		cons, err = c.JS.CreateOrUpdateConsumer(ctx, stream, want)
		return err
	})
	return cons, Explain("consumer "+want.Durable+" of stream "+stream, err)
}
