package queue

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"holdfast/engine"
)

const (
	// gather is how long a message waits for others to go with. Each write to the
	// connection costs a system call here and wakes the server there, which
	// together cost more than all the rest of a message.
	gather = time.Millisecond
	// oneTry is how long an answer is waited for before the message is sent again.
	oneTry = 5 * time.Second
	// look is how often that is looked at.
	look = 100 * time.Millisecond
)

// A request is a message that the engine answers.
type request struct {
	msg      *nats.Msg
	build    func() *nats.Msg // makes msg when it is sent: who asks may hold locks; nil: it is made
	patience time.Duration
	read     func(*nats.Msg) (there bool, err error) // what an answer says
	done     func(there bool, err error)             // called once, by a goroutine that must not wait

	number      uint64
	until, next time.Time // given up; sent again
	wait        time.Duration
	err         error // of the last try
}

// A pipe sends requests and takes their answers, many at once: nobody waits for
// one, and those that come together go together. What is not answered, or with
// what may pass, such as no leader, is sent again for as long as its patience
// lasts.
type pipe struct {
	conn  *engine.Conn
	inbox string // an answer comes to inbox.<number>
	sub   *nats.Subscription
	wake  chan struct{} // there is something to send

	connection uint64 // how often there was another; run alone uses it

	mu      sync.Mutex // never held while anything waits
	last    uint64
	waiting []*request
	spare   []*request          // its memory and that of waiting are used in turn
	open    map[uint64]*request // sent and not answered, or to be sent again
	ended   error
}

func newPipe(conn *engine.Conn) (*pipe, error) {
	p := &pipe{conn: conn, inbox: conn.NATS.NewInbox(), wake: make(chan struct{}, 1), open: map[uint64]*request{}}
	var err error
	p.sub, err = conn.NATS.Subscribe(p.inbox+".*", p.answer)
	return p, engine.Explain(conn.Where, err)
}

// send takes a request. It does not wait.
func (p *pipe) send(r *request) {
	p.mu.Lock()
	if err := p.ended; err != nil {
		p.mu.Unlock()
		r.done(false, err)
		return
	}
	p.last++
	r.number = p.last
	r.until = time.Now().Add(r.patience)
	p.waiting = append(p.waiting, r)
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// run sends until ctx ends, and then gives up what is not answered.
func (p *pipe) run(ctx context.Context) {
	defer p.sub.Unsubscribe()
	every := time.NewTicker(look)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			p.end(ctx.Err())
			return
		case <-p.wake:
			time.Sleep(gather)
			p.flush()
		case <-every.C:
			p.again()
		}
	}
}

// flush sends what waits.
func (p *pipe) flush() {
	p.mu.Lock()
	all := p.waiting
	p.waiting, p.spare = p.spare[:0], nil
	now := time.Now()
	for _, r := range all {
		r.next = now.Add(min(oneTry, r.patience))
		p.open[r.number] = r // BEFORE: its answer may come at once
	}
	p.mu.Unlock()
	for _, r := range all {
		p.publish(r)
	}
	clear(all)
	p.mu.Lock()
	p.spare = all
	p.mu.Unlock()
}

func (p *pipe) publish(r *request) {
	if r.msg == nil {
		r.msg = r.build()
	}
	r.msg.Reply = p.inbox + "." + strconv.FormatUint(r.number, 10)
	if err := p.conn.NATS.PublishMsg(r.msg); err != nil && p.take(r.number) != nil {
		p.heard(r, false, err)
	}
}

// again sends what was not answered in time, and all that is not answered when
// the connection is a new one: answers to the old one are lost.
func (p *pipe) again() {
	now := time.Now()
	var late, over []*request
	connection := p.conn.NATS.Stats().Reconnects
	fresh := connection != p.connection
	p.connection = connection
	p.mu.Lock()
	for _, r := range p.open {
		switch {
		case !now.Before(r.until):
			over = append(over, r)
		case fresh, !now.Before(r.next):
			late = append(late, r)
			r.next = now.Add(min(oneTry, r.until.Sub(now)))
		}
	}
	p.mu.Unlock()
	for _, r := range late {
		if err := p.forbidden(r); err != nil {
			over = append(over, r)
			continue
		}
		p.publish(r)
	}
	for _, r := range over {
		if p.take(r.number) != nil {
			r.done(false, cmp.Or(p.forbidden(r), r.err, nats.ErrTimeout))
		}
	}
}

// forbidden tells whether the server does not let us publish a message. It
// says so on the side, and never answers.
func (p *pipe) forbidden(r *request) error {
	tokens := strings.SplitN(r.msg.Subject, ".", 4)
	if err := p.conn.Forbidden(); err != nil && strings.Contains(err.Error(), strings.Join(tokens[:len(tokens)-1], ".")) {
		return err
	}
	return nil
}

// take takes a request out that is open; nil if it was answered.
func (p *pipe) take(number uint64) *request {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.open[number]
	delete(p.open, number)
	return r
}

// answer takes what the engine says. An answer to an earlier try of a request
// serves as well: it tells what is stored.
func (p *pipe) answer(m *nats.Msg) {
	number, err := strconv.ParseUint(m.Subject[len(p.inbox)+1:], 10, 64)
	if err != nil {
		return
	}
	if r := p.take(number); r != nil {
		there, err := r.read(m)
		p.heard(r, there, err)
	}
}

// heard ends a request, or lets it be sent again after a while.
func (p *pipe) heard(r *request, there bool, err error) {
	if err != nil && !lasting(err) {
		r.err = err
		r.wait = min(max(2*r.wait, 50*time.Millisecond), time.Second)
		if next := time.Now().Add(r.wait); next.Before(r.until) {
			p.mu.Lock()
			r.next = next
			p.open[r.number] = r
			ended := p.ended
			p.mu.Unlock()
			if ended == nil || p.take(r.number) == nil {
				return
			}
			err = ended
		}
	}
	r.done(there, err)
}

// end gives up everything.
func (p *pipe) end(err error) {
	p.mu.Lock()
	p.ended = err
	rest := p.waiting
	p.waiting = nil
	for _, r := range p.open {
		rest = append(rest, r)
	}
	clear(p.open)
	p.mu.Unlock()
	for _, r := range rest {
		r.done(false, err)
	}
}

// stored reads the answer to a publish. there says that its subject or its id
// was taken: by somebody else's message, or by an earlier try of ours.
func stored(m *nats.Msg) (there bool, err error) {
	a, err := engine.ReadAnswer(m.Header, m.Data)
	if err == nil {
		return a.Duplicate, nil
	}
	if a.Error != nil && isSecond(a.Error) {
		return true, nil
	}
	return false, err
}

// acknowledged reads the answer to an acknowledgement.
func acknowledged(m *nats.Msg) (there bool, err error) {
	if m.Header.Get("Status") != "" {
		return false, nats.ErrNoResponders
	}
	return false, nil
}

// Every failure to store a message has this code, a full disk too. Only the
// description tells that it was a second message of its subject.
const (
	codeStoreFailed jetstream.ErrorCode = 10077
	secondMessage                       = "maximum messages per subject exceeded"
)

func isSecond(api *jetstream.APIError) bool {
	return api.ErrorCode == codeStoreFailed && api.Description == secondMessage
}

// lasting reports whether trying again is of no use.
func lasting(err error) bool {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return api.Code >= 400 && api.Code < 500
	}
	return errors.Is(err, nats.ErrMaxPayload) || errors.Is(err, nats.ErrConnectionClosed) || errors.Is(err, nats.ErrPermissionViolation)
}
