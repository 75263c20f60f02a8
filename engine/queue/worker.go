package queue

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"holdfast/engine"
	"holdfast/fetch"
)

// WorkerConfig says how one process takes part in a job.
type WorkerConfig struct {
	Config
	Window int           // URLs in this process's hands
	Cap    time.Duration // a URL that was put off for longer is left for another day
	Follow bool          // stay when the queue is empty, and make the job if there is none
	Each   fetch.Request // what every request has
}

// Counters are what this process did in the job.
type Counters struct {
	Recorded int64 `json:"recorded"`  // results that are of this process
	Refused  int64 `json:"refused"`   // another process had recorded one
	Skipped  int64 `json:"skipped"`   // deliveries of URLs that had a result
	PutOff   int64 `json:"put_off"`   // URLs that went back with a time
	GaveBack int64 `json:"gave_back"` // URLs that went back at once
}

// A flight is a URL in this process's hands.
type flight struct {
	id        uint64        // of its message in the queue
	msg       jetstream.Msg // of the latest delivery
	key       string        // LINE.FINGERPRINT
	line      int64
	delivered uint64
	tried     int  // attempts of others
	wasPut    bool // the bucket knows it
	settling  bool
}

// A Worker is one process of a job: a [fetch.Source] whose URLs others may have
// when this process dies. [Open] makes it. After the fetch call Close.
type Worker struct {
	c    WorkerConfig
	conn *engine.Conn
	p    parts
	pipe *pipe
	by   string // this process, in results

	expected []string // the stream of results, for their headers

	ctx    context.Context // ends what waits for the engine
	cancel context.CancelFunc
	all    sync.WaitGroup
	list   *fetch.List // reads lines; Next alone uses it

	mu       sync.Mutex // guards what follows; never held while anything waits
	some     sync.Cond  // ready or over changed
	changed  sync.Cond  // held, settling, over or closing changed
	held     map[uint64]*flight
	settling int // of held
	ready    []*flight
	over     error // what Next returns when nothing is ready; nil: wait
	closing  bool
	failed   error
	n        Counters
	totals   Totals // as last seen
	moved    time.Time
	lostAt   time.Time            // since when the engine does not answer; zero: it does
	gates    map[string]time.Time // told to others
}

// Open takes part in a job.
func Open(ctx context.Context, conn *engine.Conn, c WorkerConfig) (*Worker, error) {
	p, err := c.find(ctx, conn, c.Follow)
	if err != nil {
		return nil, err
	}
	pipe, err := newPipe(conn)
	if err != nil {
		return nil, err
	}
	w := &Worker{
		c: c, conn: conn, p: p, pipe: pipe, expected: []string{c.resultsName()}, by: rand.Text()[:12], list: fetch.NewList(strings.NewReader(""), "the queue"),
		held: map[uint64]*flight{}, moved: time.Now(), gates: map[string]time.Time{},
	}
	w.list.Each = c.Each
	w.some.L, w.changed.L = &w.mu, &w.mu
	w.ctx, w.cancel = context.WithCancel(context.WithoutCancel(ctx))
	w.see(w.census())
	w.all.Go(func() { w.pipe.run(w.ctx) })
	w.all.Go(w.pull)
	w.all.Go(w.beat)
	w.all.Go(w.watch)
	return w, nil
}

// Next implements [fetch.Source]. It waits for a URL; io.EOF says that nothing
// is left that this run could do.
func (w *Worker) Next() (fetch.Unit, error) {
	w.mu.Lock()
	for len(w.ready) == 0 && w.over == nil {
		w.some.Wait()
	}
	if w.over != nil {
		defer w.mu.Unlock()
		return fetch.Unit{}, w.over
	}
	f := w.ready[0]
	w.ready = w.ready[1:]
	text := f.msg.Data()
	w.mu.Unlock()

	u := w.list.Line(f.line, text)
	u.Tried, u.Run = f.tried, int(min(f.delivered, 1<<30))
	u.Settle = func(s fetch.Settled) { w.settle(f, s) }
	return u, nil
}

// Inputs implements [fetch.Lister].
func (w *Worker) Inputs() fetch.Inputs {
	in := w.list.Inputs()
	w.mu.Lock()
	defer w.mu.Unlock()
	in.Skipped = w.n.Skipped
	return in
}

// pull fetches as many URLs as there is room for.
func (w *Worker) pull() {
	for {
		room, ok := w.room()
		if !ok {
			return
		}
		err := w.fetch(room)
		w.heard(err)
		if err != nil && !w.pause(200*time.Millisecond) {
			return
		}
	}
}

// room waits until there is some, and a moment longer for more of it: a pull
// costs about as much as a few messages.
func (w *Worker) room() (int, bool) {
	w.mu.Lock()
	for w.free() <= 0 && !w.stopped() {
		w.changed.Wait()
	}
	room, ok := w.free(), !w.stopped()
	w.mu.Unlock()
	if ok && room < w.c.Window/4 {
		ok = w.pause(3 * time.Millisecond)
		w.mu.Lock()
		room = w.free()
		w.mu.Unlock()
	}
	return room, ok
}

// unsettled is how many windows of URLs may be on their way to be recorded: an
// engine that is slower than the web for a moment holds nobody up, and one that
// always is does.
const unsettled = 3

// free is how many URLs this process has room for. It is called with mu held.
func (w *Worker) free() int {
	return min(w.c.Window-(len(w.held)-w.settling), (1+unsettled)*w.c.Window-len(w.held))
}

// end says that no more URLs are taken: what Next returns from now on. It is
// called with mu held.
func (w *Worker) end(err error) {
	w.over = err
	w.some.Broadcast()
	w.changed.Broadcast()
}

// stopped is called with mu held.
func (w *Worker) stopped() bool { return w.closing || w.over != nil }

// pause reports whether the worker still takes URLs after it.
func (w *Worker) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-w.ctx.Done():
		return false
	case <-t.C:
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.stopped()
}

// pullFor is how long the engine keeps a request for URLs. It bounds how long
// a process that was told to stop waits for what may be on its way to it.
const pullFor = 300 * time.Millisecond

func (w *Worker) fetch(room int) error {
	batch, err := w.p.consumer.Fetch(room, jetstream.FetchMaxWait(pullFor))
	if err != nil {
		return err
	}
	for m := range batch.Messages() {
		w.take(m)
	}
	return batch.Error()
}

// heard takes note of whether the engine answers. When it has not for too long,
// no more URLs are taken.
func (w *Worker) heard(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case err == nil:
		w.lostAt = time.Time{}
		return
	case w.lostAt.IsZero():
		w.lostAt = time.Now()
	}
	gone := errors.Is(err, jetstream.ErrConsumerDeleted) || errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) ||
		errors.Is(err, nats.ErrConnectionClosed) || errors.Is(err, jetstream.ErrConnectionClosed)
	if gone || time.Since(w.lostAt) > w.c.Patience {
		w.mu.Unlock()
		err = explain(w.conn, "stream "+w.c.queueName(), w.diagnose(err))
		w.mu.Lock()
		w.fail(err)
	}
}

// diagnose finds what a lasting failure to get URLs is, where its error does
// not tell: nobody answers for a consumer that is gone.
func (w *Worker) diagnose(err error) error {
	ctx, cancel := context.WithTimeout(w.ctx, 2*time.Second)
	defer cancel()
	if _, told := w.p.consumer.Info(ctx); errors.Is(told, jetstream.ErrConsumerNotFound) || errors.Is(told, jetstream.ErrStreamNotFound) {
		return told
	}
	return err
}

// fail ends the taking of URLs. It is called with mu held.
func (w *Worker) fail(err error) {
	if w.failed == nil {
		w.failed = err
	}
	if w.over == nil || errors.Is(w.over, io.EOF) {
		w.end(err)
	}
}

// take receives a delivery.
func (w *Worker) take(m jetstream.Msg) {
	meta, err := m.Metadata()
	if err != nil {
		w.c.Warn(fmt.Sprintf("a message of %s without metadata is left alone: %v", w.c.queueName(), err))
		return
	}
	f := &flight{id: meta.Sequence.Stream, msg: m, delivered: meta.NumDelivered}
	ok := false
	if f.key, f.line, ok = w.c.keyOf(m.Subject()); !ok {
		w.c.Warn(fmt.Sprintf("a message of %s with the subject %s is no URL of a list, and was removed", w.c.queueName(), m.Subject()))
		_ = m.TermWithReason("its subject does not end with the line and the fingerprint of a URL") // otherwise it comes again
		return
	}
	w.mu.Lock()
	w.moved = time.Now()
	if old := w.held[f.id]; old != nil {
		old.msg = m // it was taken for dead; we still have it
		w.mu.Unlock()
		return
	}
	if w.closing {
		w.mu.Unlock()
		_ = m.Nak() // otherwise it comes again after AckWait
		return
	}
	w.held[f.id] = f
	w.mu.Unlock()
	if meta.NumDelivered > 1 || m.Headers().Get(headerCheck) != "" {
		w.all.Go(func() { w.admit(f) })
		return
	}
	w.hand(f)
}

func (c Config) keyOf(subject string) (key string, line int64, ok bool) {
	key, ok = strings.CutPrefix(subject, c.queueSubject(""))
	text, fp, _ := strings.Cut(key, ".")
	line, err := strconv.ParseInt(text, 10, 64)
	return key, line, ok && err == nil && line > 0 && text == strconv.FormatInt(line, 10) && isFingerprint(fp)
}

func isFingerprint(text string) bool {
	return len(text) == 16 && strings.Trim(text, "0123456789abcdef") == ""
}

// admit looks up what is known of a URL that was delivered or enqueued before:
// one with a result is not fetched.
func (w *Worker) admit(f *flight) {
	done, err := hasResult(w.ctx, w.conn, w.p.results, w.c.resultsSubject(f.key))
	if err == nil && !done && f.delivered > 1 { // else nobody can have put it off
		f.tried, f.wasPut, err = w.readPut(f.key)
	}
	switch {
	case err != nil:
		w.release(f) // it comes again, to us or to another
	case done:
		w.mu.Lock()
		w.n.Skipped++
		w.settles(f)
		w.mu.Unlock()
		w.ack(f)
	default:
		w.hand(f)
	}
}

func (w *Worker) hand(f *flight) {
	w.mu.Lock()
	w.ready = append(w.ready, f)
	w.some.Signal()
	w.mu.Unlock()
}

func (w *Worker) release(f *flight) {
	w.mu.Lock()
	if f.settling {
		w.settling--
	}
	delete(w.held, f.id)
	w.moved = time.Now()
	w.changed.Broadcast()
	w.mu.Unlock()
}

// beat tells the engine three times in an AckWait that we have what we have.
func (w *Worker) beat() {
	every := time.NewTicker(w.p.ackWait / 3)
	defer every.Stop()
	for {
		select {
		case <-w.ctx.Done():
			return
		case <-every.C:
		}
		w.mu.Lock()
		all := make([]jetstream.Msg, 0, len(w.held))
		for _, f := range w.held {
			all = append(all, f.msg)
		}
		w.mu.Unlock()
		for _, m := range all {
			_ = m.InProgress() // lost, the next one counts; too many lost, the URL comes to another
		}
	}
}

// Close gives back what was not begun, waits until all that was fetched is
// recorded, and stops. Its error says what could not be: those URLs come to
// another process. A second call does nothing.
func (w *Worker) Close() error {
	w.mu.Lock()
	w.closing = true
	if w.over == nil {
		w.end(io.EOF)
	}
	rest := w.ready
	w.ready = nil
	w.mu.Unlock()
	for _, f := range rest {
		w.giveBack(f)
	}
	w.mu.Lock()
	for w.settling > 0 {
		w.changed.Wait()
	}
	rest = nil
	for _, f := range w.held { // read, but the run was over
		rest = append(rest, f)
	}
	w.mu.Unlock()
	for _, f := range rest {
		w.giveBack(f)
	}
	w.cancel()
	w.all.Wait()
	last, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_ = w.conn.NATS.FlushWithContext(last) // acknowledgements that are lost are made again
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failed
}

// Counters tells what this process did.
func (w *Worker) Counters() Counters {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.n
}
