package incident

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"holdfast/engine"
	"holdfast/internal/vfs"
)

// A sink takes rows. Whether it refuses one is its own decision, not the
// worker's.
type sink interface {
	// write stores a row of an event, made by its delivery of that number.
	write(ctx context.Context, id string, delivery uint64, line []byte) (stored bool, err error)
}

// fileSink is the output as it usually is: a file to which everybody appends,
// one write a row, one after another. A kill can cut a write all the same, where
// it goes on to the next page of the file. Whoever writes next takes out what is
// left of such a row: its writer is dead, and its event is delivered again.
type fileSink struct{ f *os.File }

func (s fileSink) write(_ context.Context, _ string, _ uint64, line []byte) (bool, error) {
	lock, err := vfs.LockWithin(vfs.OS{}, s.f.Name(), time.Minute)
	if err != nil {
		return false, err
	}
	defer lock.Close()
	if err := cutTorn(s.f); err != nil {
		return false, err
	}
	_, err = s.f.Write(line)
	return true, err
}

// streamSink is a stream that refuses by its own rules.
type streamSink struct {
	js        jetstream.JetStream
	names     names
	safeguard Safeguard
}

// token is the header with the number of the delivery that made a row.
const token = "Holdfast-Delivery"

func (s streamSink) write(ctx context.Context, id string, delivery uint64, line []byte) (bool, error) {
	for {
		stored, err := s.try(ctx, id, delivery, line)
		if err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, nats.ErrTimeout) {
			return stored, engine.Explain("stream "+s.names.out(), err)
		}
		// No answer: nobody knows whether it is stored. The sink knows.
	}
}

func (s streamSink) try(ctx context.Context, id string, delivery uint64, line []byte) (stored bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	m := &nats.Msg{Subject: s.names.outSubject(id), Data: line, Header: nats.Header{token: {strconv.FormatUint(delivery, 10)}}}
	switch s.safeguard {
	case MessageID:
		ack, err := s.js.PublishMsg(ctx, m, jetstream.WithMsgID(id))
		return err == nil && !ack.Duplicate, err
	case OnePerSubject:
		_, err := s.js.PublishMsg(ctx, m)
		if isCode(err, codeMaxPerSubject) {
			return false, nil
		}
		return err == nil, err
	}
	return s.fenced(ctx, m, delivery)
}

// fenced stores a row unless one of a newer delivery is there. The stream holds
// it against the row that was looked at, so that none comes in between.
func (s streamSink) fenced(ctx context.Context, m *nats.Msg, delivery uint64) (stored bool, err error) {
	stream, err := s.js.Stream(ctx, s.names.out())
	if err != nil {
		return false, err
	}
	for {
		last := uint64(0)
		switch newest, err := stream.GetLastMsgForSubject(ctx, m.Subject); {
		case err == nil:
			last = newest.Sequence
			if n, _ := strconv.ParseUint(newest.Header.Get(token), 10, 64); n > delivery {
				return false, nil
			}
		case !errors.Is(err, jetstream.ErrMsgNotFound):
			return false, err
		}
		_, err := s.js.PublishMsg(ctx, m, jetstream.WithExpectLastSequencePerSubject(last))
		if !isCode(err, jetstream.JSErrCodeStreamWrongLastSequence) {
			return err == nil, err
		}
	}
}

// codeMaxPerSubject: the stream has as many messages of the subject as it takes.
const codeMaxPerSubject jetstream.ErrorCode = 10077

func isCode(err error, code jetstream.ErrorCode) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && api.ErrorCode == code
}

// stored gives what the sink holds, in its order.
func stored(ctx context.Context, conn *engine.Conn, n names) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	stream, err := conn.JS.Stream(ctx, n.out())
	if err != nil {
		return nil, engine.Explain("stream "+n.out(), err)
	}
	want := stream.CachedInfo().State.Msgs
	consumer, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true})
	if err != nil {
		return nil, engine.Explain("stream "+n.out(), err)
	}
	var all []byte
	for got := uint64(0); got < want; {
		batch, err := consumer.Fetch(int(min(want-got, 500)), jetstream.FetchMaxWait(5*time.Second))
		if err != nil {
			return nil, engine.Explain("stream "+n.out(), err)
		}
		for m := range batch.Messages() {
			all = append(all, m.Data()...)
			got++
		}
		if err := errors.Join(batch.Error(), ctx.Err()); err != nil {
			return nil, engine.Explain(fmt.Sprintf("stream %s, message %d of %d", n.out(), got, want), err)
		}
	}
	return all, nil
}
