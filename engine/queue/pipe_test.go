package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"holdfast/engine"
	"holdfast/engine/enginetest"
)

// A pipeBench is a pipe on an engine of its own. What answers a subject is up to
// the test.
type pipeBench struct {
	*testing.T
	conn *engine.Conn
	p    *pipe
	end  context.CancelFunc
	ran  sync.WaitGroup
}

func newPipeBench(t *testing.T) *pipeBench {
	t.Helper()
	b := &pipeBench{T: t, conn: enginetest.Connect(t, enginetest.Start(t, engine.Config{}).URL())}
	var err error
	if b.p, err = newPipe(b.conn); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	b.end = cancel
	b.ran.Go(func() { b.p.run(ctx) })
	t.Cleanup(func() { cancel(); b.ran.Wait() })
	return b
}

// said is what a request came to.
type said struct {
	there bool
	err   error
}

func (b *pipeBench) send(subject string, patience time.Duration) <-chan said {
	c := make(chan said, 2) // a second one would be seen
	b.p.send(&request{msg: &nats.Msg{Subject: subject, Data: []byte("x")}, patience: patience, read: stored, done: func(there bool, err error) { c <- said{there, err} }})
	return c
}

// answers lets a subject be answered with these texts, the last one for ever; ""
// is no answer.
func (b *pipeBench) answers(subject string, texts ...string) (seen func() int) {
	b.Helper()
	var mu sync.Mutex
	n := 0
	_, err := b.conn.NATS.Subscribe(subject, func(m *nats.Msg) {
		mu.Lock()
		text := texts[min(n, len(texts)-1)]
		n++
		mu.Unlock()
		if text != "" {
			_ = m.Respond([]byte(text))
		}
	})
	if err != nil {
		b.Fatal(err)
	}
	return func() int { mu.Lock(); defer mu.Unlock(); return n }
}

const (
	isStored  = `{"stream":"S","seq":7}`
	isTaken   = `{"error":{"code":503,"err_code":10077,"description":"maximum messages per subject exceeded"},"stream":"S","seq":0}`
	isFull    = `{"error":{"code":503,"err_code":10077,"description":"no space left on device"},"stream":"S","seq":0}`
	isTooLong = `{"error":{"code":400,"err_code":10054,"description":"message size exceeds maximum allowed"}}`
)

// What may pass is asked again; what lasts, and what is said, is told at once.
func TestPipeAnswers(t *testing.T) {
	t.Parallel()
	b := newPipeBench(t)
	for subject, c := range map[string]struct {
		answers []string
		want    said
		seen    int
	}{
		"t.stored":    {[]string{isStored}, said{false, nil}, 1},
		"t.duplicate": {[]string{`{"stream":"S","seq":7,"duplicate":true}`}, said{true, nil}, 1},
		"t.taken":     {[]string{isTaken}, said{true, nil}, 1},
		"t.full":      {[]string{isFull, isFull, isStored}, said{false, nil}, 3},
		"t.garbage":   {[]string{"[", "{}", isTaken}, said{true, nil}, 3},
	} {
		seen := b.answers(subject, c.answers...)
		if got := <-b.send(subject, time.Minute); got != c.want || seen() != c.seen {
			t.Errorf("%s: %+v after %d", subject, got, seen())
		}
	}
	seen := b.answers("t.long", isTooLong)
	var api *jetstream.APIError
	if got := <-b.send("t.long", time.Minute); !errors.As(got.err, &api) || seen() != 1 {
		t.Errorf("%+v after %d", got, seen())
	}
	// Those that are given up wait together, long enough for a busy machine to try again.
	const patience = 2 * time.Second
	seen = b.answers("t.never", isFull)
	b.answers("t.silent", "")
	never, silent, nobody := b.send("t.never", patience), b.send("t.silent", patience), b.send("t.nobody", patience)
	if got := <-never; !errors.As(got.err, &api) || seen() < 2 {
		t.Errorf("%+v after %d", got, seen())
	}
	if got := <-silent; !errors.Is(got.err, nats.ErrTimeout) {
		t.Errorf("%+v", got)
	}
	if got := <-nobody; !errors.Is(got.err, nats.ErrNoResponders) {
		t.Errorf("%+v", got)
	}
	if got := <-b.send("a blank", time.Millisecond); got.err == nil {
		t.Error("a subject with a blank is sent")
	}
	b.p.mu.Lock()
	defer b.p.mu.Unlock()
	if len(b.p.open)+len(b.p.waiting) != 0 {
		t.Errorf("%d are left", len(b.p.open)+len(b.p.waiting))
	}
}

// Thousands at once, each answered once and with its own answer.
func TestPipeMany(t *testing.T) {
	t.Parallel()
	b := newPipeBench(t)
	_, err := b.conn.NATS.Subscribe("n.*", func(m *nats.Msg) {
		text := isStored
		if m.Subject[len(m.Subject)-1]%2 == 0 {
			text = isTaken
		}
		_ = m.Respond([]byte(text))
		_ = m.Respond([]byte(isFull)) // a second answer is nobody's
	})
	if err != nil {
		t.Fatal(err)
	}
	var all []<-chan said
	for n := range 3000 {
		all = append(all, b.send(fmt.Sprint("n.", n), time.Minute))
	}
	for n, c := range all {
		if got := <-c; got.err != nil || got.there != (n%2 == 0) {
			t.Errorf("%d: %+v", n, got)
		}
		select {
		case again := <-c:
			t.Errorf("%d: and then %+v", n, again)
		default:
		}
	}
}

// Whoever ends a pipe hears of all that was not answered, and of all that comes
// later.
func TestPipeEnd(t *testing.T) {
	t.Parallel()
	b := newPipeBench(t)
	seen := b.answers("t.silent", "")
	sent := b.send("t.silent", time.Minute)
	for seen() == 0 && t.Context().Err() == nil {
		time.Sleep(time.Millisecond)
	}
	b.end()
	b.ran.Wait()
	if got := <-sent; !errors.Is(got.err, context.Canceled) {
		t.Errorf("%+v", got)
	}
	if got := <-b.send("t.late", time.Minute); !errors.Is(got.err, context.Canceled) {
		t.Errorf("%+v", got)
	}
}
