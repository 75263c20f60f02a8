package mailbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"holdfast/engine"
	"holdfast/merge"
	"holdfast/merge/runner"
)

// A Box is the mailbox and the record of one worker: a [runner.Link].
type Box struct {
	*Job
	id       int
	alive    *nats.Subscription
	revision uint64 // of the record as it was loaded or saved last

	consumer jetstream.Consumer // nil: to be made
	name     string             // its
	next     uint64             // its sequence of the next delivery
	given    uint64             // the last message that Receive gave
}

var _ runner.Link = (*Box)(nil)

// Open gives worker id its mailbox. It makes stream and bucket if need be, and
// refuses those of another shape and other options. If a process answers that
// it runs this worker, the error is a *runner.FencedError; one that does not
// answer is fenced off by the first Save.
func Open(ctx context.Context, conn *engine.Conn, c Config, id int) (*Box, error) {
	j, err := open(ctx, conn, c)
	if err != nil {
		return nil, err
	}
	b := &Box{Job: j, id: id}
	subject := fmt.Sprintf("merge_alive.%s.%d", j.Name, id)
	if owner, ok := ask(ctx, conn.NATS, subject); ok {
		return nil, &runner.FencedError{Job: j.Name, Worker: id, Owner: owner}
	}
	b.alive, err = conn.NATS.Subscribe(subject, func(m *nats.Msg) { _ = m.Respond([]byte(c.Owner)) })
	if err != nil {
		return nil, engine.Explain(conn.Where, err)
	}
	return b, nil
}

// ask asks whoever runs the worker. Where nobody does, the server says so at
// once; a process that is stopped does not answer in time.
func ask(ctx context.Context, c *nats.Conn, subject string) (owner string, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	m, err := c.RequestWithContext(ctx, subject, nil)
	if err != nil {
		return "", false
	}
	return fmt.Sprintf("%.100q", m.Data), true
}

// Close lets go of what the server holds for this process.
func (b *Box) Close() {
	_ = b.alive.Unsubscribe()
	b.forget()
}

// forget gives up the consumer; the server would after a while.
func (b *Box) forget() {
	if b.consumer == nil {
		return
	}
	b.consumer = nil
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if b.conn.NATS.IsConnected() {
		_ = b.stream.DeleteConsumer(ctx, b.name)
	}
}

// Load implements [runner.Link].
func (b *Box) Load(ctx context.Context) ([]byte, error) {
	e, err := b.record(ctx, b.id)
	if e == nil || err != nil {
		return nil, err
	}
	b.revision = e.Revision()
	return e.Value(), nil
}

// Save implements [runner.Link]. Whether a save of which nobody knows the fate
// was stored shows when it is tried again: a record names its process, so the
// same bytes are ours.
func (b *Box) Save(ctx context.Context, record []byte) error {
	return b.try(ctx, "bucket "+bucketName(b.Name), func(ctx context.Context) error {
		revision, err := b.records.Update(ctx, key(b.id), record, b.revision)
		if !wrongSequence(err) {
			if err == nil {
				b.revision = revision
			}
			return err
		}
		e, err := b.records.Get(ctx, key(b.id))
		if errors.Is(err, jetstream.ErrKeyNotFound) {
			return runner.ErrFenced // somebody removed it
		}
		if err != nil {
			return err
		}
		if !bytes.Equal(e.Value(), record) {
			return runner.ErrFenced
		}
		b.revision = e.Revision()
		return nil
	})
}

// wrongSequence tells that a message stands where another was expected to be
// the last. Replicated streams have a code of their own for it.
func wrongSequence(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) &&
		(api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}

// Last implements [runner.Link].
func (b *Box) Last(ctx context.Context) (uint64, error) {
	_, last, err := b.Log(ctx)
	return last, err
}

func (b *Box) subject(to int) (subject, receiver string) {
	receiver = "all"
	if to != merge.All {
		receiver = strconv.Itoa(to)
	}
	return fmt.Sprintf("merge.%s.%d.%s", b.Name, b.id, receiver), receiver
}

// Send implements [runner.Link].
func (b *Box) Send(ctx context.Context, to int, index int64, last uint64, body []byte) (seq uint64, err error) {
	subject, receiver := b.subject(to)
	id := fmt.Sprintf("%s/%d/%s/%d", b.Name, b.id, receiver, index)
	err = b.try(ctx, "stream "+streamName(b.Name), func(ctx context.Context) error {
		ack, err := b.conn.JS.Publish(ctx, subject, body, jetstream.WithMsgID(id),
			jetstream.WithExpectLastSequencePerSubject(last), jetstream.WithExpectStream(streamName(b.Name)))
		var there *jetstream.RawStreamMsg
		switch {
		case err == nil && !ack.Duplicate:
			seq = ack.Sequence
			return nil
		case err == nil:
			there, err = b.stream.GetMsg(ctx, ack.Sequence)
		case wrongSequence(err):
			there, err = b.stream.GetMsg(ctx, last+1, jetstream.WithGetMsgSubject(subject))
		}
		if err != nil {
			return err
		}
		if !bytes.Equal(there.Data, body) {
			return b.bad(there.Sequence, there.Subject, errors.New("another message stands where this input gives one: another list, or a foreign message; use another --job"))
		}
		seq = there.Sequence
		return nil
	})
	return seq, err
}

func (b *Box) bad(seq uint64, subject string, err error) error {
	return &runner.InputError{Path: b.at(seq, subject), Err: err}
}

func (b *Box) at(seq uint64, subject string) string {
	return fmt.Sprintf("stream %s, message %d (%.100s)", streamName(b.Name), seq, subject)
}

const (
	batch = 256         // messages at once
	pause = time.Second // how long Receive waits for one
)

// Receive implements [runner.Link].
func (b *Box) Receive(ctx context.Context, after uint64) (letters []runner.Letter, err error) {
	err = b.try(ctx, "stream "+streamName(b.Name), func(once context.Context) error {
		var err error
		letters, err = b.fetch(once, after)
		if err == nil {
			return nil
		}
		b.forget()
		if len(letters) > 0 {
			return nil // what comes behind them is met again
		}
		return err
	})
	return letters, err
}

// fetch gives what there is behind a sequence. With an error, what it gives is
// good, and the consumer is not.
func (b *Box) fetch(ctx context.Context, after uint64) ([]runner.Letter, error) {
	if b.consumer != nil && b.given != after {
		b.forget()
	}
	if b.consumer == nil {
		if err := b.consume(ctx, after); err != nil {
			return nil, err
		}
	}
	got, err := b.consumer.FetchNoWait(batch)
	if err != nil {
		return nil, err
	}
	letters, n, err := b.collect(got)
	if n > 0 || err != nil {
		return letters, err
	}
	short, cancel := context.WithTimeout(ctx, pause)
	defer cancel()
	if got, err = b.consumer.Fetch(1, jetstream.FetchContext(short)); err != nil {
		return nil, err
	}
	letters, _, err = b.collect(got)
	if errors.Is(err, context.DeadlineExceeded) {
		err = nil
	}
	if err == nil && len(letters) == 0 && !b.conn.NATS.IsConnected() {
		err = nats.ErrDisconnected
	}
	return letters, err
}

// consume makes a consumer that begins behind a sequence. It acknowledges
// nothing: what was read is in the record.
func (b *Box) consume(ctx context.Context, after uint64) error {
	c, err := b.stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		FilterSubjects:    []string{"merge." + b.Name + ".*.all", fmt.Sprintf("merge.%s.*.%d", b.Name, b.id)},
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       after + 1,
		AckPolicy:         jetstream.AckNonePolicy,
		InactiveThreshold: 5 * time.Minute,
		MemoryStorage:     true,
		Replicas:          1,
	})
	if err != nil {
		return err
	}
	b.consumer, b.name, b.next, b.given = c, c.CachedInfo().Name, 1, after
	return nil
}

// collect takes the messages of a fetch, n of them, and leaves out the worker's
// own. The consumer numbers its deliveries: a gap is one that was lost.
func (b *Box) collect(got jetstream.MessageBatch) (letters []runner.Letter, n int, err error) {
	for m := range got.Messages() {
		n++
		if err != nil {
			continue
		}
		meta, bad := m.Metadata()
		if bad != nil || meta.Sequence.Consumer != b.next {
			err = errGap
			continue
		}
		b.next++
		l := runner.Letter{Seq: meta.Sequence.Stream, Name: b.at(meta.Sequence.Stream, m.Subject()), Body: m.Data()}
		var to int
		if l.From, to, bad = Parties(m.Subject(), b.Of); bad != nil {
			err = b.bad(l.Seq, m.Subject(), bad)
			continue
		}
		if l.From == b.id && to == merge.All {
			continue
		}
		letters = append(letters, l)
		b.given = l.Seq
	}
	if err == nil {
		err = got.Error()
	}
	return letters, n, err
}

// Parties reads sender and receiver of a message, a worker or merge.All, from
// its subject. Anyone can publish anything, so there may be an error.
func Parties(subject string, workers int) (from, to int, err error) {
	parts := strings.Split(subject, ".")
	if len(parts) == 4 {
		from, to = number(parts[2], workers), merge.All
		if parts[3] != "all" {
			to = number(parts[3], workers)
		}
		if from >= 0 && from != to && (to >= 0 || parts[3] == "all") {
			return from, to, nil
		}
	}
	return 0, 0, fmt.Errorf("no worker of %d sends there: a foreign message; use another --job", workers)
}

// number reads the number of a worker, in its one spelling; -1 if it is none.
func number(text string, workers int) int {
	if n, err := strconv.Atoi(text); err == nil && n >= 0 && n < workers && strconv.Itoa(n) == text {
		return n
	}
	return -1
}
