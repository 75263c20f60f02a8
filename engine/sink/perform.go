package sink

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"holdfast/engine"
	"holdfast/record/publish"
)

// perform does all but publishing, which is for the line that is at hand.
func (p *Publisher) perform(work context.Context) error {
	e := &p.effects
	if e.Lease.Op != publish.NoOp {
		go p.keepLease(work, e.Lease)
	}
	if e.Read != nil {
		p.startRead(work, *e.Read)
	}
	if e.Seek != nil && p.log != nil {
		if err := p.log.seek(*e.Seek); err != nil {
			return fmt.Errorf("%s: %w", p.c.Log, err)
		}
	}
	if e.Snapshot != nil {
		data := slices.Clone(e.Snapshot)
		go func() {
			ctx, cancel := context.WithTimeout(work, oneAct)
			defer cancel()
			p.save(ctx, data)
		}()
	}
	c := p.m.Counters()
	if e.Conflict != nil && c.Conflicts == 1 {
		p.c.Warn(fmt.Sprintf("stream %s, message %d: sequence %d is there with another payload or timestamp than in line %d of %s; what is there is left as it is",
			p.stream, e.Conflict.At, e.Conflict.Seq, e.Conflict.Line, p.c.Log))
	}
	p.done.Store(c.Lines)
	p.active.Store(c.Active)
	return nil
}

// oneAct is how long one question may take.
const oneAct = 4 * time.Second

func (p *Publisher) keepLease(work context.Context, l publish.Lease) {
	ctx, cancel := p.link.context(work, min(oneAct, p.ttl/2)) // a later answer is worth little
	defer cancel()
	p.tell(work, p.ask(ctx, l))
}

// startRead ends a read that goes on: its answers are void.
func (p *Publisher) startRead(work context.Context, r publish.Read) {
	if p.stopRead != nil {
		p.stopRead()
	}
	ctx, cancel := context.WithCancel(work)
	p.stopRead = cancel
	go func() {
		defer cancel()
		asking, stop := p.link.context(ctx, 0)
		defer stop()
		p.read(ctx, asking, r)
	}()
}

// tell gives inputs to the loop, from another goroutine.
func (p *Publisher) tell(ctx context.Context, in ...publish.Input) {
	select {
	case p.inputs <- in:
	case <-ctx.Done():
	}
}

// answer takes what the stream says to a publish.
func (p *Publisher) answer(work context.Context, m *nats.Msg) {
	id, ok := p.answerTo(m.Subject)
	if !ok {
		return
	}
	a, problem := engine.ReadAnswer(m.Header, m.Data)
	switch {
	case problem == nil:
		p.step(work, publish.Input{Kind: publish.Acked, ID: id, At: a.Sequence})
		return
	case a.Error == nil || a.Error.ErrorCode != jetstream.JSErrCodeStreamWrongLastSequence: // that one is what takeovers look like
		p.trouble(&engine.Error{Kind: engine.ErrUnreachable, Where: "stream " + p.stream, What: what(problem), Do: "check the servers", Err: problem})
	}
	if a.Error != nil && a.Error.ErrorCode == jetstream.JSErrCodeStreamMessageExceedsMaximum {
		p.problems.end(&engine.Error{Kind: engine.ErrShape, Where: "stream " + p.stream, What: "a message is larger than it takes",
			Do: "raise its max_msg_size; the same command goes on"})
	}
	p.step(work, publish.Input{Kind: publish.Refused, ID: id})
}

// what tells the problem of an answer in a few words.
func what(problem error) string {
	var api *jetstream.APIError
	switch {
	case errors.As(problem, &api):
		return fmt.Sprintf("%s (%d)", api.Description, api.ErrorCode)
	case errors.Is(problem, nats.ErrNoResponders):
		return "no leader of the stream answers"
	}
	return problem.Error()
}
