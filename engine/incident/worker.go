package incident

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"holdfast/engine"
	"holdfast/engine/incident/plan"
)

// A Worker is what a worker process is told when it starts.
type Worker struct {
	URL       string        `json:"url"` // of the engine
	Run       string        `json:"run"` // its streams begin with this
	Dir       string        `json:"dir"` // for logs and rows
	Number    int           `json:"number"`
	Safeguard Safeguard     `json:"safeguard"`
	Plan      plan.Plan     `json:"plan"`
	Shift     time.Duration `json:"shift"` // the machine's clock minus the market's
}

// slots is how many events a worker works on at once.
const slots = 8

// What a worker is told on its standard input, and says on its standard output,
// a line each. The end of its input ends it at once: nobody is left behind.
const (
	sayHoldClaim = "hold claim" // stop in the work of the next claim, and wait to be killed
	sayHoldRow   = "hold row"   // stop between the next row and its acknowledgement
	sayEnd       = "end"        // take no more, finish what runs
	tellReady    = "ready"
	tellHeld     = "held" // and the event
)

// A worker is a process of a race.
type worker struct {
	Worker
	names    names
	consumer jetstream.Consumer
	busy     jetstream.KeyValue // of the in-flight set, or nil
	sink     sink
	log      workerLog
	hold     atomic.Pointer[string] // one of the hold orders, until somebody takes it
	ending   chan struct{}
	tell     func(line string)
}

// Work runs a worker process until it is told to end, or killed. in and out are
// its standard input and output.
func Work(ctx context.Context, c Worker, in io.Reader, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w := &worker{Worker: c, names: names{c.Run}, ending: make(chan struct{})}
	var mu sync.Mutex
	w.tell = func(line string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(out, line)
	}
	go func() {
		w.listen(in)
		cancel()
	}()
	conn, err := engine.Connect(ctx, engine.Access{URL: c.URL, Name: workerName(c.Number)})
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := w.open(ctx, conn); err != nil {
		return err
	}
	w.tell(tellReady)
	var group sync.WaitGroup
	failed := make(chan error, slots)
	for range slots {
		group.Go(func() {
			if err := w.slot(ctx); err != nil {
				failed <- err
				cancel()
			}
		})
	}
	group.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return errors.Join(ctx.Err(), w.log.failure())
	}
}

// listen does what it is told until its input ends.
func (w *worker) listen(in io.Reader) {
	for lines := bufio.NewScanner(in); lines.Scan(); {
		switch line := lines.Text(); line {
		case sayEnd:
			close(w.ending)
		case sayHoldClaim, sayHoldRow:
			w.hold.Store(&line)
		}
	}
}

// open finds what the run has prepared.
func (w *worker) open(ctx context.Context, conn *engine.Conn) error {
	part := 0
	if w.Safeguard == Partitions {
		part = w.Number
	}
	var err error
	if w.consumer, err = conn.JS.Consumer(ctx, w.names.in(), w.names.consumer(part)); err != nil {
		return engine.Explain("consumer "+w.names.consumer(part), err)
	}
	if w.log.f, err = openLog(w.Dir, workerName(w.Number)+".log"); err != nil {
		return err
	}
	if err := cutTorn(w.log.f); err != nil { // by the kill of the process before
		return err
	}
	w.log.clock = clock{w.Shift}
	switch w.Safeguard {
	case MessageID, OnePerSubject, Fencing:
		w.sink = streamSink{conn.JS, w.names, w.Safeguard}
		return nil
	case InFlight:
		if w.busy, err = conn.JS.KeyValue(ctx, w.names.busy()); err != nil {
			return engine.Explain("bucket "+w.names.busy(), err)
		}
		if err := w.release(ctx); err != nil {
			return err
		}
	}
	f, err := openLog(w.Dir, rowsLog)
	w.sink = fileSink{f}
	return err
}

// release takes out of the in-flight set what this worker had in its hands when
// it was killed: it is dead, so nobody works on that.
func (w *worker) release(ctx context.Context) error {
	all, err := w.busy.ListKeys(ctx)
	if err != nil {
		return err
	}
	for id := range all.Keys() {
		switch e, err := w.busy.Get(ctx, id); {
		case errors.Is(err, jetstream.ErrKeyNotFound): // its owner has just finished
		case err != nil:
			return err
		case string(e.Value()) == workerName(w.Number):
			if err := w.busy.Purge(ctx, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// idle is how long a slot waits for work before it asks whether it should end.
const idle = 500 * time.Millisecond

// slot takes one event after the other. It asks for one at a time: an event that
// waits in a worker's memory would use up its lease there.
func (w *worker) slot(ctx context.Context) error {
	queue, err := w.consumer.Messages(jetstream.PullMaxMessages(1))
	if err != nil {
		return engine.Explain("consumer of "+w.names.in(), err)
	}
	defer queue.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.ending:
			return nil
		default:
		}
		m, err := queue.Next(jetstream.NextMaxWait(idle))
		switch {
		case errors.Is(err, nats.ErrTimeout), ctx.Err() != nil:
			continue
		case err == nil:
			err = w.attempt(ctx, m)
		}
		if err != nil {
			return engine.Explain("consumer of "+w.names.in(), err)
		}
	}
}

// attempt works on one delivery: claim, work, row, record, acknowledgement.
func (w *worker) attempt(ctx context.Context, m jetstream.Msg) error {
	meta, err := m.Metadata()
	if err != nil {
		return err
	}
	t, err := plan.ParseTick(m.Data())
	if err != nil {
		return err
	}
	id, delivery := t.ID(), meta.NumDelivered
	if w.busy != nil {
		mine, err := w.claim(ctx, id)
		if err != nil || !mine {
			return errors.Join(err, m.NakWithDelay(Lease/4))
		}
	}
	w.log.add("claim", id, delivery)
	if w.held(sayHoldClaim, id) {
		return w.wait(ctx)
	}
	if err := w.work(ctx, m, w.Plan.Work(t.Number)); err != nil {
		return err
	}
	if delivery > 1 { // what it reads now is not what it read then
		late, moved := w.Plan.Again(t.Number, int(delivery))
		t.Time, t.Price = t.Time+late, t.Price+moved
	}
	if _, err := w.sink.write(ctx, id, delivery, appendRow(nil, t, delivery, workerName(w.Number), w.log.clock.now())); err != nil {
		return err
	}
	if w.held(sayHoldRow, id) {
		return w.wait(ctx)
	}
	w.log.add("finish", id, delivery)
	w.acknowledge(ctx, m, id, delivery)
	if w.busy != nil {
		return w.busy.Purge(ctx, id)
	}
	return nil
}

// claim enters an event into the in-flight set, unless it is there.
func (w *worker) claim(ctx context.Context, id string) (bool, error) {
	_, err := w.busy.Create(ctx, id, []byte(workerName(w.Number)))
	if errors.Is(err, jetstream.ErrKeyExists) {
		return false, nil
	}
	return err == nil, err
}

// work takes its time; with heartbeats it says three times a lease that it is
// still there.
func (w *worker) work(ctx context.Context, m jetstream.Msg, d time.Duration) error {
	for end := time.Now().Add(d); ; {
		left := time.Until(end)
		if left <= 0 {
			return nil
		}
		if w.Safeguard == Heartbeat {
			left = min(left, Lease/3)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(left):
		}
		if w.Safeguard == Heartbeat && time.Now().Before(end) {
			if err := m.InProgress(); err != nil {
				return err
			}
		}
	}
}

// acknowledge tells the queue, and waits until it knows. One that does not
// answer delivers again, which is what this is all about.
func (w *worker) acknowledge(ctx context.Context, m jetstream.Msg, id string, delivery uint64) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if m.DoubleAck(ctx) == nil {
		w.log.add("acked", id, delivery)
	}
}

// held takes an order to stop here, if there is one, and says so.
func (w *worker) held(order, id string) bool {
	given := w.hold.Load()
	if given == nil || *given != order || !w.hold.CompareAndSwap(given, nil) {
		return false
	}
	w.tell(tellHeld + " " + id)
	return true
}

// wait is for the kill.
func (w *worker) wait(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}
