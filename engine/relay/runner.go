package relay

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"holdfast/engine"
	"holdfast/guard"
)

// A flight is a message in the machine's hands.
type flight struct {
	msg   jetstream.Msg // of the latest delivery
	at    time.Time     // when the source stored it
	key   guard.Key
	noKey string // why it has none
}

// A runner is one call of Run. Only its loop touches its fields, but for
// accepted; other goroutines send to its channels and end with done.
type runner struct {
	conn    *engine.Conn
	c       Config
	s       *streams
	m       *guard.Relay
	begin   time.Time
	flights map[uint64]*flight
	effects guard.Effects // of the last step
	queue   []guard.Input // what came of an act at once

	inbox   string
	arrived chan jetstream.Msg
	answers chan *nats.Msg
	inputs  chan guard.Input
	census  chan census
	doubt   chan struct{} // asks for a census now
	status  <-chan nats.Status
	failed  chan error
	done    chan struct{}

	keys     int64        // in the sink at the last census
	accepted atomic.Int64 // in all
	since    int64        // of accepted: when that census began
	moved    bool         // something arrived since the last census
	stopped  bool
	narrow   bool   // the first conflict was told
	problem  error  // why the latest publish is undecided
	told     string // of problem
	dry      int    // ticks since anything was decided, or there was nothing to do
	missing  int    // censuses in a row that found no stream
	err      error
}

// beat is how often the relay looks at itself.
const beat = time.Second

func newRunner(conn *engine.Conn, c Config, s *streams, m *guard.Relay) *runner {
	return &runner{
		conn: conn, c: c, s: s, m: m, begin: time.Now(), flights: map[uint64]*flight{},
		inbox: conn.NATS.NewInbox(), arrived: make(chan jetstream.Msg), answers: make(chan *nats.Msg, 1024),
		inputs: make(chan guard.Input, 64), census: make(chan census), doubt: make(chan struct{}), failed: make(chan error, 1), done: make(chan struct{}),
	}
}

func (r *runner) run(ctx context.Context) (guard.Counters, error) {
	defer close(r.done)
	for _, s := range r.s.sinks {
		r.keys += int64(s.CachedInfo().State.Msgs)
	}
	if r.full() {
		return guard.Counters{}, ErrMaxKeys
	}
	sub, err := r.conn.NATS.Subscribe(r.inbox+".>", func(m *nats.Msg) {
		select {
		case r.answers <- m:
		case <-r.done:
		}
	})
	if err != nil {
		return guard.Counters{}, engine.Explain(r.conn.Where, err)
	}
	defer sub.Unsubscribe()
	it, err := r.s.consumer.Messages(jetstream.PullMaxMessages(r.c.InFlight), jetstream.WithMessagesErrOnMissingHeartbeat(false))
	if err != nil {
		return guard.Counters{}, engine.Explain("stream "+r.s.source, err)
	}
	defer it.Stop()
	broke := r.conn.NATS.StatusChanged(nats.DISCONNECTED, nats.RECONNECTING, nats.CONNECTED, nats.CLOSED)
	defer r.conn.NATS.RemoveStatusListener(broke)
	r.status = broke
	go r.fetch(it)
	go r.count()
	if r.c.Ready != nil {
		r.c.Ready(r.s.source)
	}
	r.loop(ctx, it)
	if r.err == nil && ctx.Err() != nil {
		r.err = ctx.Err()
	}
	last, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_ = r.conn.NATS.FlushWithContext(last) // acknowledgements that are lost are made again by the next delivery
	return r.m.Counters(), r.err
}

// loop is the whole relay: wait for something, give it to the machine, do what
// it says.
func (r *runner) loop(ctx context.Context, it jetstream.MessagesContext) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	tell := time.NewTicker(beat)
	defer tell.Stop()
	ended := ctx.Done()
	for !r.effects.Done {
		var arrived chan jetstream.Msg
		if r.stopped || r.effects.Room > 0 && !r.full() {
			arrived = r.arrived
		} else if r.full() {
			select {
			case r.doubt <- struct{}{}:
			default:
			}
		}
		if r.effects.Wake != guard.Never {
			timer.Reset(max(0, r.effects.Wake-r.now()))
		}
		select {
		case m := <-arrived:
			r.take(m)
		case m := <-r.answers:
			r.answer(m)
		case in := <-r.inputs:
			r.step(in)
		case <-timer.C:
			r.step(guard.Input{Kind: guard.Tick})
		case s := <-r.status:
			if s != nats.CONNECTED { // by now it may be back
				r.step(guard.Input{Kind: guard.Broken})
			}
			r.feel()
		case c := <-r.census:
			r.judgeCensus(c, it)
		case err := <-r.failed:
			r.stop(it, err)
		case <-tell.C:
			if r.c.Tell != nil {
				r.c.Tell(r.m.Counters())
			}
			r.feel() // a change of status may be lost
			r.watch(it)
		case <-ended:
			ended = nil
			r.stop(it, nil)
		}
	}
}

// feel tells the machine how the connection is.
func (r *runner) feel() {
	kind := guard.Whole
	if !r.conn.NATS.IsConnected() {
		kind = guard.Broken
	}
	r.step(guard.Input{Kind: kind})
}

// watch ends the relay when the engine has not done anything for it for as long
// as an outage may take: whoever started it decides what next, and nothing that
// it had is acknowledged. Beats are counted, not time: a process that was halted
// has missed no answer.
func (r *runner) watch(it jetstream.MessagesContext) {
	if err := r.conn.Forbidden(); err != nil {
		r.stop(it, err)
		return
	}
	if r.conn.NATS.IsClosed() { // for ever: the server has refused the credentials twice
		r.stop(it, r.conn.Diagnose(context.Background()))
		return
	}
	if r.dry++; r.c.Outage < 0 || time.Duration(r.dry)*beat < r.c.Outage || r.stopped {
		return
	}
	r.dry = 0
	problem := r.problem
	go func() {
		err := r.conn.Diagnose(context.Background())
		switch {
		case err != nil:
		case problem != nil:
			err = engine.Explain("stream "+r.c.To, problem)
		default:
			err = engine.Explain("stream "+r.c.To, nats.ErrTimeout)
		}
		select {
		case r.failed <- fmt.Errorf("nothing was stored for %v: %w", r.c.Outage, err):
		default: // it ends already
		}
	}()
}

func (r *runner) now() time.Duration { return time.Since(r.begin) }

func (r *runner) stop(it jetstream.MessagesContext, err error) {
	if r.err == nil {
		r.err = err
	}
	if !r.stopped {
		r.stopped = true
		it.Drain()
		r.step(guard.Input{Kind: guard.Stop})
	}
}

// take gives a delivery to the machine, with its key.
func (r *runner) take(m jetstream.Msg) {
	meta, err := m.Metadata()
	if err != nil {
		r.c.Warn(fmt.Sprintf("a message of %s without metadata is left alone: %v", r.s.source, err))
		return
	}
	r.moved = true
	in := guard.Input{Kind: guard.Fetched, ID: meta.Sequence.Stream}
	if f := r.flights[in.ID]; f != nil {
		f.msg = m
		r.step(in)
		return
	}
	f := &flight{msg: m, at: meta.Timestamp}
	header := func(name string) (string, bool) {
		v := m.Headers().Values(name)
		if len(v) == 0 {
			return "", false
		}
		return v[0], true
	}
	if f.key, err = r.c.Fields.Key(guard.Message{Subject: m.Subject(), Header: header, Body: m.Data()}); err != nil {
		in.Why, f.noKey = guard.NoKey, err.Error()
	} else if r.c.Mode == Window && meta.NumDelivered > 1 && time.Since(meta.Timestamp) > r.c.Window/2 {
		in.Why = guard.Undecided
	}
	r.flights[in.ID] = f
	r.step(in)
}

// answer takes what a stream says to a publish.
func (r *runner) answer(m *nats.Msg) {
	in, ok := readTicket(m.Subject)
	f := r.flights[in.ID]
	if !ok || f == nil {
		return
	}
	if in.Why == acknowledged {
		var err error
		if m.Header.Get("Status") != "" { // nobody took it
			err = nats.ErrNoResponders
		}
		r.step(acked(in.ID, err))
		return
	}
	v, seq, problem := judge(m.Header, m.Data)
	if problem != nil {
		r.trouble(problem)
	}
	if v != unknown {
		r.dry = 0
	}
	switch {
	case v == unknown || v == tooLarge && in.Why != guard.Sound:
		in.Kind = guard.SinkUnknown
	case v == tooLarge:
		in.Kind = guard.SinkRefused
	case v == stored || in.Why != guard.Sound: // a dead letter's subject is its own
		in.Kind = guard.SinkAccepted
	default:
		at := *f
		r.aside(func() guard.Input { return r.lookUp(&at, in, v, seq) })
		return
	}
	r.step(in)
}

// trouble takes why a publish is undecided, and tells it unless it was the last.
func (r *runner) trouble(problem error) {
	r.problem = problem
	if text := problem.Error(); text != r.told {
		r.told = text
		r.c.Warn(fmt.Sprintf("%s: %s; what is not stored is published again", r.c.To, strings.TrimPrefix(text, "nats: ")))
	}
}

// aside does what may wait, away from the loop. The machine's limit on
// messages in flight bounds how many there are.
func (r *runner) aside(f func() guard.Input) {
	go func() {
		in := f()
		select {
		case r.inputs <- in:
		case <-r.done:
		}
	}()
}

// step gives one input to the machine and performs the effects, in order, and
// so on with what comes of them at once.
func (r *runner) step(in guard.Input) {
	r.queue = append(r.queue[:0], in)
	for i := 0; i < len(r.queue); i++ {
		in := r.queue[i]
		if in.Kind == guard.SinkConflict && !r.narrow {
			if f := r.flights[in.ID]; f != nil {
				r.narrow = true
				r.c.Warn(fmt.Sprintf("two messages of key %s have different bodies: the key may be too narrow; the second is in %s", f.key.Text, r.c.dead()))
			}
		}
		r.effects = r.m.Step(r.now(), in)
		r.perform(&r.effects)
	}
}

func (r *runner) perform(e *guard.Effects) {
	for _, l := range e.DeadLetter {
		r.publish(r.letter(l.ID, r.flights[l.ID], l.Why), guard.Input{ID: l.ID, Try: l.Try, Why: l.Why})
	}
	for _, p := range e.Publish {
		r.publish(r.relayed(p.ID, r.flights[p.ID]), guard.Input{ID: p.ID, Try: p.Try})
	}
	for _, a := range e.AckSource {
		r.ack(a)
	}
	for _, n := range e.NakSource {
		_ = r.flights[n.ID].msg.NakWithDelay(max(n.Delay, time.Nanosecond)) // lost, it is delivered again after AckWait
	}
	for _, p := range e.Report {
		if p.Outcome == guard.Accepted {
			r.accepted.Add(1)
		}
		delete(r.flights, p.ID)
	}
}

// full reports whether the sink may hold as many keys as it may. What was
// accepted since the last census began may be in that too, so this only holds
// back the relay until the next one, which comes soon and decides.
func (r *runner) full() bool {
	return r.c.Mode.perKey() && r.keys+r.accepted.Load()-r.since >= r.c.MaxKeys
}

func (r *runner) publish(m *nats.Msg, in guard.Input) {
	m.Reply = r.inbox + "." + ticket(in.ID, in.Try, in.Why)
	err := r.conn.NATS.PublishMsg(m)
	if errors.Is(err, nats.ErrMaxPayload) && in.Why != guard.Sound {
		bare(m)
		err = r.conn.NATS.PublishMsg(m)
	}
	if err == nil {
		return
	}
	in.Kind = guard.SinkUnknown
	if !r.conn.NATS.IsConnected() {
		r.queue = append(r.queue, guard.Input{Kind: guard.Broken})
	}
	if errors.Is(err, nats.ErrMaxPayload) {
		if in.Why == guard.Sound {
			in.Kind = guard.SinkRefused // the source took it, but not with our headers
		} else {
			r.trouble(fmt.Errorf("message %d of stream %s is larger than the server takes now: raise its max_payload", in.ID, r.s.source))
		}
	}
	r.queue = append(r.queue, in)
}

// ack ends a message at the source. With a window the acknowledgement itself is
// acknowledged: a message that came back after the window would be stored again.
// That answer comes like the sinks' do; if it does not, the machine's patience
// ends it.
func (r *runner) ack(a guard.Ack) {
	msg := r.flights[a.ID].msg
	switch {
	case a.Term:
		r.queue = append(r.queue, acked(a.ID, msg.Term()))
	case r.c.Mode.perKey():
		r.queue = append(r.queue, acked(a.ID, msg.Ack()))
	default:
		if err := r.conn.NATS.PublishRequest(msg.Reply(), r.inbox+"."+ticket(a.ID, 0, acknowledged), []byte("+ACK")); err != nil {
			r.queue = append(r.queue, acked(a.ID, err))
		}
	}
}

func acked(id uint64, err error) guard.Input {
	if err != nil {
		return guard.Input{Kind: guard.SourceUnknown, ID: id}
	}
	return guard.Input{Kind: guard.SourceAcked, ID: id}
}

// fetch passes on deliveries until the iterator is closed.
func (r *runner) fetch(it jetstream.MessagesContext) {
	for {
		m, err := it.Next()
		switch {
		case errors.Is(err, jetstream.ErrMsgIteratorClosed):
			return
		case errors.Is(err, jetstream.ErrConsumerDeleted), errors.Is(err, jetstream.ErrConsumerNotFound),
			errors.Is(err, jetstream.ErrConnectionClosed), errors.Is(err, nats.ErrConnectionClosed):
			if err2 := r.conn.Diagnose(context.Background()); err2 != nil {
				err = err2 // credentials that are no longer good close the connection
			}
			select {
			case r.failed <- engine.Explain("stream "+r.s.source, err):
			default:
			}
			return
		case err != nil:
			continue // a leader changed, a heartbeat is late: the iterator asks again
		}
		select {
		case r.arrived <- m:
		case <-r.done:
			return
		}
	}
}
