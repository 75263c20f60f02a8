package sink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"holdfast/engine"
	"holdfast/record/publish"
)

// A Publisher publishes a log while it grows. [New] makes it. Its methods may
// be called from any goroutine.
type Publisher struct {
	c       Config
	ctx     context.Context // ends it
	start   sync.Once
	stream  string
	subject string
	self    holder
	me      []byte // self, as the lease says it

	grown    chan struct{} // there may be more of the log; one call is as good as many
	ended    chan struct{} // closed by Finish
	finish   sync.Once
	cancel   context.CancelFunc
	gone     chan struct{} // closed when err and counts are final
	err      error
	counts   publish.Counters
	end      atomic.Uint64 // bytes of the log
	lines    atomic.Uint64
	done     atomic.Uint64 // lines, of those, that the stream has
	active   atomic.Bool
	holder   atomic.Pointer[string] // the node that has the lease, if not this one
	problems problems

	// Of the loop's goroutine, from here on; others send to its channels.
	conn      *engine.Conn
	leases    jetstream.KeyValue
	snapshots jetstream.KeyValue
	inbox     string
	answers   chan *nats.Msg
	inputs    chan []publish.Input
	m         *publish.Machine
	begin     time.Time
	ttl       time.Duration // of the lease
	log       *logReader
	effects   publish.Effects
	queue     []publish.Input // what came of an act at once
	stopRead  context.CancelFunc
	link      link
	told      bool // that the log has ended
	sampled   atomic.Bool
}

// New gives a publisher that begins when [Publisher.Wrote] is called for the
// first time: then the log is locked, and whoever published it before is dead.
// From then on, until ctx ends or Finish returns, it tries again whatever goes
// wrong, but for what cannot get better.
func New(ctx context.Context, c Config) (*Publisher, error) {
	c, err := c.validated()
	if err != nil {
		return nil, err
	}
	p := &Publisher{
		c: c, stream: StreamOf(c.Session), subject: subjectOf(c.Session), self: self(c), begin: time.Now(),
		grown: make(chan struct{}, 1), ended: make(chan struct{}), gone: make(chan struct{}),
		answers: make(chan *nats.Msg, 1024), inputs: make(chan []publish.Input),
	}
	p.problems = problems{warn: c.Warn, fatal: make(chan error, 1)}
	if p.me, err = json.Marshal(p.self); err != nil {
		return nil, err
	}
	p.ctx, p.cancel = context.WithCancel(ctx)
	return p, nil
}

func (p *Publisher) goOn() {
	p.start.Do(func() {
		go func() {
			defer close(p.gone)
			p.err = p.run(p.ctx)
		}()
	})
}

// Wrote implements record.Publisher: the log has so many bytes of whole lines.
func (p *Publisher) Wrote(end, lines uint64) {
	p.lines.Store(lines)
	p.end.Store(end)
	p.goOn()
	select {
	case p.grown <- struct{}{}:
	default:
	}
}

// Lag implements record.Publisher: how many lines the stream is not known to
// have, and whether this recorder is the one that publishes.
func (p *Publisher) Lag() (lines uint64, active bool) {
	all, done := p.lines.Load(), p.done.Load()
	return all - min(all, done), p.active.Load()
}

// Holder is the node of another recorder that publishes, "" if none is known.
func (p *Publisher) Holder() string {
	if h := p.holder.Load(); h != nil && !p.active.Load() {
		return *h
	}
	return ""
}

// Finish returns when the stream has every line of the log, whoever published
// it, or nothing gets on any more. The log must not grow once it is called.
func (p *Publisher) Finish(ctx context.Context) (Summary, error) {
	p.finish.Do(func() { close(p.ended) })
	p.goOn()
	select {
	case <-p.gone:
	case <-ctx.Done():
		p.Close()
	}
	err := p.err
	var unfinished *UnfinishedError
	if errors.As(err, &unfinished) { // maybe long ago, when the log was shorter
		now := *unfinished
		now.Left, _ = p.Lag()
		err = &now
	}
	return Summary{Stream: p.stream, Node: p.c.Node, Counters: p.counts}, err
}

// Close ends the publisher where it is. The lease is given back, if there is
// somebody to take it.
func (p *Publisher) Close() {
	p.cancel()
	p.start.Do(func() { close(p.gone) })
	<-p.gone
}

func (p *Publisher) run(ctx context.Context) error {
	var err error
	p.ttl, err = p.connect(ctx)
	if p.conn != nil {
		defer p.conn.Close()
	}
	if err != nil {
		return p.unfinished(ctx, err)
	}
	if p.m, err = publish.New(p.c.machine(p.ttl)); err != nil {
		return err
	}
	p.inbox = p.conn.NATS.NewInbox()
	work, stop := context.WithCancel(context.Background()) // giving the lease back outlives ctx
	defer stop()
	sub, err := p.conn.NATS.Subscribe(p.inbox+".*", func(m *nats.Msg) {
		select {
		case p.answers <- m:
		case <-work.Done():
		}
	})
	if err != nil {
		return engine.Explain(p.conn.Where, err)
	}
	defer sub.Unsubscribe()
	broke := p.conn.NATS.StatusChanged(nats.DISCONNECTED, nats.RECONNECTING, nats.CLOSED)
	defer p.conn.NATS.RemoveStatusListener(broke)
	p.begin = time.Now()
	err = p.loop(ctx, work, broke)
	if p.log != nil {
		p.log.close()
	}
	p.counts = p.m.Counters()
	switch {
	case err != nil:
		return err
	case p.counts.Failed:
		return p.unfinished(ctx, p.problems.last())
	}
	return ctx.Err()
}

// unfinished says what is left to publish, if it is not the caller who ended it.
func (p *Publisher) unfinished(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &UnfinishedError{Stream: p.stream, Log: p.c.Log, Err: err}
}

// linesAtOnce is how many lines are looked at before answers and timers get
// their turn: a log of which the stream has all is passed over without room
// ever ending.
const linesAtOnce = 1024

// loop is the whole publisher: wait for something, give it to the machine, do
// what it says.
func (p *Publisher) loop(ctx, work context.Context, broke <-chan nats.Status) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	stopped := ctx.Done()
	for !p.effects.Done {
		more, err := p.feed(work)
		if err != nil {
			return err
		}
		if p.effects.Done {
			break
		}
		if p.effects.Wake != publish.Never {
			timer.Reset(max(0, p.effects.Wake-p.now()))
		}
		if more {
			select {
			case m := <-p.answers:
				p.answer(work, m)
			case in := <-p.inputs:
				p.step(work, in...)
			default:
				p.step(work, publish.Input{Kind: publish.Tick})
			}
			continue
		}
		select {
		case m := <-p.answers:
			p.answer(work, m)
			for range len(p.answers) {
				p.answer(work, <-p.answers)
			}
		case in := <-p.inputs:
			p.step(work, in...)
		case <-timer.C:
			p.step(work, publish.Input{Kind: publish.Tick})
		case <-p.grown:
		case <-broke:
			p.link.cut()
			p.step(work, publish.Input{Kind: publish.Broken})
		case <-p.over():
		case err := <-p.problems.fatal:
			return err
		case <-stopped:
			stopped = nil
			p.step(work, publish.Input{Kind: publish.Stop})
		}
	}
	return nil
}

// over is closed when the log has ended and the machine does not know it yet.
func (p *Publisher) over() chan struct{} {
	if p.told {
		return nil
	}
	return p.ended
}

// feed gives lines to the machine while it has room; true if there are more.
func (p *Publisher) feed(work context.Context) (more bool, err error) {
	over := p.isOver() // before the end is read: then that is the last
	if end := p.end.Load(); p.log == nil && end > 0 {
		if p.log, err = openReader(p.c.Log); err != nil {
			return false, err
		}
	} else if p.log != nil {
		p.log.end = end
	}
	if over && !p.told {
		p.told = true
		p.step(work, publish.Input{Kind: publish.LogEnd, To: publish.Place{Bytes: p.end.Load()}})
	}
	if p.log == nil {
		return false, nil
	}
	p.log.end = p.end.Load()
	for range linesAtOnce {
		if p.effects.Room == 0 || !p.log.more() {
			return false, nil
		}
		l, err := p.log.next()
		if err != nil {
			return false, err
		}
		if err := p.give(work, l); err != nil {
			return false, err
		}
	}
	return true, nil
}

// give gives a line to the machine, which publishes it, or passes it over.
func (p *Publisher) give(work context.Context, l *line) error {
	p.effects = p.m.Step(p.now(), publish.Input{Kind: publish.Line, Seq: l.seq, Sum: sumOf(l.timestamp, l.payload), To: l.to})
	for _, m := range p.effects.Publish {
		err := p.conn.NATS.PublishMsg(p.message(m, l))
		if errors.Is(err, nats.ErrMaxPayload) {
			return &engine.Error{Kind: engine.ErrShape, Where: "stream " + p.stream, Err: err,
				What: fmt.Sprintf("sequence %d has %d bytes, more than the server takes", l.seq, len(l.payload)),
				Do:   "raise the server's max_payload; the same command goes on"}
		}
		if err != nil {
			p.trouble(engine.Explain(p.conn.Where, err))
			p.queue = append(p.queue, publish.Input{Kind: publish.Refused, ID: m.ID})
		}
	}
	if err := p.perform(work); err != nil {
		return err
	}
	return p.drain(work)
}

func (p *Publisher) now() time.Duration { return time.Since(p.begin) }

// step gives inputs to the machine and does what it says.
func (p *Publisher) step(work context.Context, in ...publish.Input) {
	p.queue = append(p.queue, in...)
	if err := p.drain(work); err != nil {
		p.problems.end(err)
	}
}

func (p *Publisher) drain(work context.Context) error {
	for i := 0; i < len(p.queue); i++ {
		p.effects = p.m.Step(p.now(), p.queue[i])
		if err := p.perform(work); err != nil {
			return err
		}
	}
	p.queue = p.queue[:0]
	return nil
}
