package relay

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"holdfast/engine"
	"holdfast/engine/enginetest"
	"holdfast/guard"
)

// R111's fallback: a sink that is there, has subjects of its own and takes any
// number of messages of each. Relays store each key once; strangers are not
// bound.
func TestExpect(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Config{})
	c := b.config("id")
	c.Mode, c.Prefix = Expect, "orders.relayed"
	if _, err := Run(t.Context(), b.conn, c); !errors.Is(err, engine.ErrNoStream) || !strings.Contains(err.Error(), "--mode subject makes one") {
		t.Errorf("no sink: %v", err)
	}
	b.make(jetstream.StreamConfig{Name: "OUT", Subjects: []string{"orders.>"}, Storage: jetstream.FileStorage})
	b.send("in.a", `{"id":"a"}`, `{"id":"b"}`, `{"id":"a"}`, `{"id":"a","v":2}`, `{}`)
	b.expect(b.relay(c), 2, 1, 1, 1)
	out := b.all("OUT")
	if len(out) != 2 || !strings.HasPrefix(out[0].Subject, "orders.relayed.0.") {
		t.Errorf("%d messages, the first under %s", len(out), out[0].Subject)
	}
	// Long after the message ids are forgotten; and a message that a stranger
	// stored is met too, the sink never having seen its id.
	k, err := c.Fields.Key(guard.Message{Body: []byte(`{"id":"z"}`)})
	if err != nil {
		t.Fatal(err)
	}
	b.send("orders.relayed.0."+k.Hex, `{"id":"z"}`)
	b.send("in.a", `{"id":"z"}`, `{"id":"z","v":2}`)
	b.expect(b.relay(c), 0, 1, 1, 0)
	// It binds relays only.
	b.send(out[0].Subject, "stranger")

	// The same keys in the same places: the sink may be given its limits later.
	c.Mode = Subject
	if _, err := Run(t.Context(), b.conn, c); !errors.Is(err, engine.ErrShape) || !strings.Contains(err.Error(), "--mode expect") {
		t.Errorf("a sink that takes a second message: %v", err)
	}
	c.Mode, c.Prefix = Expect, "orders.other"
	var usage *UsageError
	if _, err := Run(t.Context(), b.conn, c); !errors.As(err, &usage) || !strings.Contains(err.Error(), "lie under orders.relayed") {
		t.Errorf("another prefix: %v", err)
	}
	c.Mode = Window
	if _, err := Run(t.Context(), b.conn, c); !errors.As(err, &usage) {
		t.Errorf("another mode: %v", err)
	}
}

// A killed relay's message is known as itself: the answer to its publish never
// came, and its message id is not what finds it.
func TestExpectResumes(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Config{})
	c := b.config("id")
	c.Mode = Expect
	b.make(jetstream.StreamConfig{Name: "OUT", Subjects: []string{"OUT.>"}, Storage: jetstream.FileStorage, Duplicates: 1e8})
	b.send("in.a", `{"id":"a"}`)
	b.expect(b.relay(c), 1, 0, 0, 0)
	for i := range 3 { // until the id is forgotten, and then
		if err := b.conn.JS.DeleteConsumer(b.Context(), "IN", "holdfast_OUT"); err != nil {
			t.Fatal(err)
		}
		if got := b.relay(c); got.Resumed != 1 || got.Received != 1 {
			t.Errorf("%d: %+v", i, got)
		}
	}
}

// On replicas a second publish may meet the first in flight (10164) before it
// is refused: many relays race for each key, and each key is stored once.
func TestExpectOnReplicas(t *testing.T) {
	t.Parallel()
	b := &bench{t, enginetest.Connect(t, enginetest.Cluster(t, 3))}
	b.make(jetstream.StreamConfig{Name: "IN", Subjects: []string{"in.>"}, Storage: jetstream.FileStorage})
	b.make(jetstream.StreamConfig{Name: "OUT", Subjects: []string{"OUT.>"}, Storage: jetstream.FileStorage, Replicas: 3, Duplicates: 1e8})
	const keys, times = 50, 6
	for i := range keys {
		for range times { // neighbours, so that they are in flight together
			b.send("in.a", fmt.Sprintf(`{"id":%d}`, i))
		}
	}
	c := b.config("id")
	c.Mode, c.Replicas = Expect, 3
	sum := b.race(3, c)
	if sum.Accepted+sum.Resumed < keys || sum.Duplicates < keys*(times-1) {
		t.Errorf("%+v", sum)
	}
	seen := map[string]bool{}
	for _, m := range b.all("OUT") {
		if seen[string(m.Data)] {
			t.Errorf("%s is stored twice", m.Data)
		}
		seen[string(m.Data)] = true
	}
	if len(seen) != keys {
		t.Errorf("%d keys", len(seen))
	}
}

// A source that was deleted and made again counts from 1 again: its messages
// are not taken for those of the first.
func TestSourceMadeAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Config{})
	b.send("in.a", `{"id":"a"}`, `{"no":1}`)
	b.expect(b.relay(b.config("id")), 1, 0, 0, 1)
	if err := b.conn.JS.DeleteStream(b.Context(), "IN"); err != nil {
		t.Fatal(err)
	}
	b.make(jetstream.StreamConfig{Name: "IN", Subjects: []string{"in.>"}, Storage: jetstream.FileStorage})
	b.send("in.a", `{"id":"a","v":2}`, `{"no":2}`)
	b.expect(b.relay(b.config("id")), 0, 0, 1, 1)
	if n := len(b.all("OUT_DEAD")); n != 3 {
		t.Errorf("%d dead letters, want 3", n)
	}
}

// Sources that cannot serve, each named before anything is fetched.
func TestSourceRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Config{})
	refused := func(c Config, says string) {
		t.Helper()
		if _, err := Run(b.Context(), b.conn, c); !errors.Is(err, engine.ErrShape) || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
	c := b.config("id")
	c.From = "in.a"
	b.relay(c)
	c.From = "in.b" // would take the other relays' filter away
	refused(c, "it relays in.a, not in.b")

	b.make(jetstream.StreamConfig{Name: "QUEUE", Subjects: []string{"q.>"}, Retention: jetstream.WorkQueuePolicy})
	if _, err := b.conn.Consumer(b.Context(), "QUEUE", jetstream.ConsumerConfig{Durable: "other", AckPolicy: jetstream.AckExplicitPolicy}); err != nil {
		t.Fatal(err)
	}
	c = b.config("id")
	c.From, c.To = "q.>", "Q"
	refused(c, "delete the consumer that is in the way")

	c.From, c.To, c.Capture = "elsewhere", "X", true
	b.make(jetstream.StreamConfig{Name: "X_SOURCE", Subjects: []string{"x"}})
	refused(c, "it captures x, not elsewhere")

	b.make(jetstream.StreamConfig{Name: "SHORT", Subjects: []string{"short"}, MaxMsgs: 10})
	var told []string
	c = b.config("id")
	c.From, c.To, c.Warn = "short", "S", func(text string) { told = append(told, text) }
	b.relay(c)
	if len(told) != 1 || !strings.Contains(told[0], "drops its oldest messages") {
		t.Errorf("%q", told)
	}
}

func TestCovers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		have, want string
		ok         bool
	}{
		{"a.b", "a.b", true}, {"a.*", "a.b", true}, {"a.>", "a.b.c", true}, {">", "a.*", true}, {"a.*", "a.*", true}, {"a.>", "a.>", true},
		{"a.b", "a.*", false}, {"a.>", "a", false}, {"a.*", "a.>", false}, {"a", "a.b", false}, {"a.b", "a", false}, {"b.>", "a.b", false}, {"a.b.*", "a.>", false},
	} {
		if got := covers([]string{"x", c.have}, c.want); got != c.ok {
			t.Errorf("%s takes in %s: %v", c.have, c.want, got)
		}
	}
}

// Somebody deletes the streams of a relay at work: it says so and ends.
func TestStreamDeleted(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"IN", "OUT"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, engine.Config{})
			c := b.config("id")
			c.Drain = false
			c.Ready = func(string) {
				if err := b.conn.JS.DeleteStream(context.Background(), name); err != nil {
					t.Error(err)
				}
			}
			if _, err := Run(t.Context(), b.conn, c); !errors.Is(err, engine.ErrNoStream) {
				t.Errorf("%v", err)
			}
		})
	}
}
