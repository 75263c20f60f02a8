package relay

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"holdfast/engine"
	"holdfast/engine/enginetest"
	"holdfast/guard"
)

// A bench is an engine with a source stream.
type bench struct {
	*testing.T
	conn *engine.Conn
}

func newBench(t *testing.T, c engine.Config) *bench {
	t.Helper()
	b := &bench{t, enginetest.Connect(t, enginetest.Start(t, c).URL())}
	b.make(jetstream.StreamConfig{Name: "IN", Subjects: []string{"in.>"}, Storage: jetstream.FileStorage})
	return b
}

func (b *bench) make(c jetstream.StreamConfig) {
	b.Helper()
	if _, err := b.conn.JS.CreateStream(b.Context(), c); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) send(subject string, bodies ...string) {
	b.Helper()
	for _, body := range bodies {
		if _, err := b.conn.JS.Publish(b.Context(), subject, []byte(body)); err != nil {
			b.Fatal(err)
		}
	}
}

func (b *bench) config(key string) Config {
	b.Helper()
	fields, err := guard.ParseFields(key)
	if err != nil {
		b.Fatal(err)
	}
	return Config{From: "in.>", To: "OUT", Fields: fields, Drain: true, Warn: func(text string) { b.Log(text) }}
}

func (b *bench) relay(c Config) guard.Counters {
	b.Helper()
	counts, err := Run(b.Context(), b.conn, c)
	if err != nil {
		b.Fatal(err)
	}
	if counts.Received != counts.Accepted+counts.Resumed+counts.Duplicates+counts.Conflicts+counts.Dead+counts.Returned || counts.InFlight != 0 {
		b.Errorf("the counters do not add up: %+v", counts)
	}
	return counts
}

func (b *bench) expect(got guard.Counters, accepted, duplicates, conflicts, dead uint64) {
	b.Helper()
	if got.Accepted != accepted || got.Duplicates != duplicates || got.Conflicts != conflicts || got.Dead != dead {
		b.Errorf("%+v, want accepted %d, duplicates %d, conflicts %d, dead %d", got, accepted, duplicates, conflicts, dead)
	}
}

// all reads a stream.
func (b *bench) all(name string) (messages []*jetstream.RawStreamMsg) {
	b.Helper()
	s, err := b.conn.JS.Stream(b.Context(), name)
	if err != nil {
		b.Fatal(err)
	}
	for seq := uint64(1); seq <= s.CachedInfo().State.LastSeq; seq++ {
		m, err := s.GetMsg(b.Context(), seq)
		if err != nil {
			b.Fatal(err)
		}
		messages = append(messages, m)
	}
	return messages
}

// Row 61: repeats, the same key with another body, no key; both modes.
func TestRelay(t *testing.T) {
	t.Parallel()
	for _, mode := range []Mode{Subject, Window} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, engine.Config{})
			c := b.config("id,n")
			c.Mode = mode
			var told []string
			c.Warn = func(text string) { told = append(told, text) }
			terminated, err := b.conn.NATS.SubscribeSync("$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.IN.holdfast_OUT")
			if err != nil {
				t.Fatal(err)
			}
			b.send("in.a", `{"id":"a","n":1}`, `{"id":"b","n":1}`, `{"id":"a","n":1}`, `{"id":"a","n":1.0}`, `{"id":"a"}`, `no JSON`, `{"id":"c","n":1}`)
			b.expect(b.relay(c), 3, 1, 1, 2)
			b.send("in.b", `{"id":"b","n":1}`, `{"id":"b","n":1,"v":2}`)
			b.expect(b.relay(c), 0, 1, 1, 0)
			if len(told) != 2 || !strings.Contains(told[0], "key id=a n=1 have different bodies: the key may be too narrow; the second is in OUT_DEAD") {
				t.Errorf("one word about the first conflict of each run, not %q", told)
			}
			for range 2 { // those without a key, and no other
				if _, err := terminated.NextMsg(10 * time.Second); err != nil {
					t.Errorf("terminated: %v", err)
				}
			}
			if n, _, err := terminated.Pending(); n != 0 || err != nil {
				t.Errorf("%d more are terminated: %v", n, err)
			}

			out := b.all("OUT")
			if len(out) != 3 || string(out[0].Data) != `{"id":"a","n":1}` {
				t.Errorf("%d messages in the sink", len(out))
			}
			for name, want := range map[string]string{headerKey: "id=a n=1", headerSubject: "in.a", headerSource: "IN:1"} {
				if got := out[0].Header.Get(name); got != want {
					t.Errorf("%s: %s, want %s", name, got, want)
				}
			}
			var reasons []string
			for _, m := range b.all("OUT_DEAD") {
				reasons = append(reasons, m.Subject[:strings.LastIndex(m.Subject, ".")]+" "+m.Header.Get(headerReason))
			}
			for _, want := range []string{"OUT_DEAD.conflict.IN.4 another body is stored under this key", "OUT_DEAD.nokey.IN.5 field n: missing", "OUT_DEAD.nokey.IN.6 the body is not JSON"} {
				if !strings.Contains(strings.Join(reasons, "\n"), want) {
					t.Errorf("%s is not in %q", want, reasons)
				}
			}
		})
	}
}

// The sink stream refuses a second message from anyone, long after the message
// ids are forgotten.
func TestSubjectModeRefusesStrangers(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Config{})
	b.send("in.a", `{"id":"a"}`)
	b.expect(b.relay(b.config("id")), 1, 0, 0, 0)
	m := b.all("OUT")[0]
	_, err := b.conn.JS.Publish(b.Context(), m.Subject, []byte("stranger"))
	var api *jetstream.APIError
	if !errors.As(err, &api) || api.ErrorCode != codeStoreFailed || api.Description != onePerSubject {
		t.Errorf("%v", err)
	}
	s, err := b.conn.JS.Stream(b.Context(), "OUT")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteMsg(b.Context(), 1); err == nil {
		t.Error("a delete is allowed")
	}
	if err := s.Purge(b.Context()); err == nil {
		t.Error("a purge is allowed")
	}
	// A message that a stranger stored first is met by subject, without a message id.
	c := b.config("id")
	k, err := c.Fields.Key(guard.Message{Body: []byte(`{"id":"z"}`)})
	if err != nil {
		t.Fatal(err)
	}
	b.send("OUT.0."+k.Hex, `{"id":"z"}`)
	b.send("in.a", `{"id":"z"}`, `{"id":"z","v":2}`)
	b.expect(b.relay(c), 0, 1, 1, 0)
}

// A message whose acknowledgement was lost comes again and is known as itself.
func TestResumed(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Config{})
	b.send("in.a", `{"id":"a"}`)
	b.expect(b.relay(b.config("id")), 1, 0, 0, 0)
	if err := b.conn.JS.DeleteConsumer(b.Context(), "IN", "holdfast_OUT"); err != nil {
		t.Fatal(err)
	}
	if got := b.relay(b.config("id")); got.Resumed != 1 || got.Received != 1 {
		t.Errorf("%+v", got)
	}
}

// The window is fixed and counts from the message that was stored: repeats all
// through it do not extend it (R112). By the sink's own clock.
func TestWindowForgets(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Config{})
	c := b.config("id")
	c.Mode, c.Window, c.AcceptWindow, c.Drain = Window, time.Second, true, false
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan guard.Counters, 1)
	c.Ready = func(string) {
		go func() { // until it is new for the third time
			defer cancel()
			for stored := uint64(0); stored < 3 && t.Context().Err() == nil; {
				b.send("in.a", `{"id":"a"}`)
				time.Sleep(c.Window / 20) // many repeats in each window, however slow this machine
				if s, err := b.conn.JS.Stream(t.Context(), "OUT"); err == nil {
					stored = s.CachedInfo().State.Msgs
				}
			}
		}()
	}
	go func() {
		got, _ := Run(ctx, b.conn, c)
		ended <- got
	}()
	got := <-ended
	out := b.all("OUT")
	for i := 1; i < len(out); i++ {
		if gap := out[i].Time.Sub(out[i-1].Time); gap < c.Window {
			t.Errorf("stored again after %v", gap)
		}
	}
	if len(out) < 3 || got.Duplicates < 4 || got.Conflicts != 0 {
		t.Errorf("%d stored, %+v", len(out), got)
	}
	c.AcceptWindow = false
	var usage *UsageError
	if _, err := Run(t.Context(), b.conn, c); !errors.As(err, &usage) {
		t.Errorf("a short window: %v", err)
	}
}

// race runs relays side by side and adds up what they did.
func (b *bench) race(relays int, c Config) (sum guard.Counters) {
	var mu sync.Mutex
	var group sync.WaitGroup
	for range relays {
		group.Go(func() {
			got, err := Run(b.Context(), b.conn, c)
			if err != nil {
				b.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			sum.Accepted += got.Accepted
			sum.Resumed += got.Resumed
			sum.Duplicates += got.Duplicates
		})
	}
	group.Wait()
	return sum
}

// Many relays at once, in partitions: each key once.
func TestManyRelays(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Config{})
	const keys, relays = 200, 3
	for i := range 3 * keys {
		b.send("in.a", fmt.Sprintf(`{"id":%d}`, i%keys))
	}
	c := b.config("id")
	c.Partitions = 4
	sum := b.race(relays, c)
	b.expect(sum, keys, 2*keys, 0, 0)
	seen := map[string]bool{}
	for p := range 4 {
		out := b.all(fmt.Sprintf("OUT_%d", p))
		if len(out) < keys/10 {
			t.Errorf("partition %d has %d keys", p, len(out))
		}
		for _, m := range out {
			seen[string(m.Data)] = true
		}
	}
	if len(seen) != keys {
		t.Errorf("%d keys", len(seen))
	}
	c.Partitions = 2
	var usage *UsageError
	if _, err := Run(t.Context(), b.conn, c); !errors.As(err, &usage) || !strings.Contains(err.Error(), "lie in 4") {
		t.Errorf("another number of partitions: %v", err)
	}
}

func TestOrdered(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Config{})
	for i := range 100 {
		b.send("in.a", fmt.Sprintf(`{"id":%d}`, i*7%50))
	}
	c := b.config("id")
	c.Ordered = true
	b.expect(b.relay(c), 50, 50, 0, 0)
	for i, m := range b.all("OUT") {
		if want := fmt.Sprintf("IN:%d", i+1); m.Header.Get(headerSource) != want {
			t.Errorf("%s, want %s", m.Header.Get(headerSource), want)
		}
	}
}

func TestSinkOfAnotherShape(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*jetstream.StreamConfig){
		"max_msgs_per_subject 1": func(s *jetstream.StreamConfig) { s.MaxMsgsPerSubject, s.DiscardNewPerSubject = 0, false },
		"max age":                func(s *jetstream.StreamConfig) { s.MaxAge = time.Hour },
		"max messages":           func(s *jetstream.StreamConfig) { s.MaxMsgs = 10 },
		"deletes":                func(s *jetstream.StreamConfig) { s.DenyDelete = false },
		"consumed":               func(s *jetstream.StreamConfig) { s.Retention = jetstream.WorkQueuePolicy },
		"acknowledges nothing":   func(s *jetstream.StreamConfig) { s.NoAck = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, engine.Config{})
			c, err := b.config("id").validated()
			if err != nil {
				t.Fatal(err)
			}
			s := c.sink(0)
			change(&s)
			b.make(s)
			b.send("in.a", `{"id":1}`)
			_, err = Run(t.Context(), b.conn, c)
			if !errors.Is(err, engine.ErrShape) || !strings.Contains(err.Error(), name) {
				t.Errorf("%v", err)
			}
			if strings.HasPrefix(name, "max age") || name == "deletes" {
				c.Forget = true
				b.expect(b.relay(c), 1, 0, 0, 0)
			}
		})
	}
}

func TestMaxKeys(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Config{})
	for i := range 50 {
		b.send("in.a", fmt.Sprintf(`{"id":%d}`, i))
	}
	c := b.config("id")
	c.MaxKeys, c.InFlight = 20, 5
	_, err := Run(t.Context(), b.conn, c)
	if n := len(b.all("OUT")); !errors.Is(err, ErrMaxKeys) || n < 20 || n > 20+c.InFlight {
		t.Errorf("%d keys, %v", n, err)
	}
}

// Row 63, for real: a store that is full says 503 like a duplicate does. What
// it refuses is not acknowledged, and relayed when there is room.
func TestFullSinkIsNoDuplicate(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Config{MaxStore: 1 << 20})
	b.make(jetstream.StreamConfig{Name: "BALLAST", Subjects: []string{"ballast"}, Storage: jetstream.FileStorage})
	const messages = 20
	for i := range messages {
		b.send("in.a", fmt.Sprintf(`{"id":%d,"pad":"%s"}`, i, strings.Repeat("x", 8<<10)))
	}
	for {
		if _, err := b.conn.JS.Publish(b.Context(), "ballast", make([]byte, 16<<10)); err != nil {
			break
		}
	}
	refused := make(chan struct{})
	var once sync.Once
	c := b.config("id")
	c.Drain = true
	c.Warn = func(string) { once.Do(func() { close(refused) }) }
	type result struct {
		counts guard.Counters
		err    error
	}
	ended := make(chan result, 1)
	go func() {
		counts, err := Run(t.Context(), b.conn, c)
		ended <- result{counts, err}
	}()
	select {
	case <-refused:
	case r := <-ended:
		t.Fatalf("it ended on a full store: %+v, %v", r.counts, r.err)
	}
	if err := b.conn.JS.DeleteStream(b.Context(), "BALLAST"); err != nil {
		t.Fatal(err)
	}
	r := <-ended
	if r.err != nil || r.counts.Duplicates != 0 || len(b.all("OUT")) != messages {
		t.Errorf("%+v, %v", r.counts, r.err)
	}
}

// An end in order gives back what was fetched: the next relay has it at once,
// and need not wait for AckWait.
func TestStop(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Config{})
	for i := range 2000 {
		if err := b.conn.NATS.Publish("in.a", fmt.Appendf(nil, `{"id":%d}`, i)); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	c := b.config("id")
	c.Drain, c.AckWait = false, time.Hour
	c.Ready = func(string) { cancel() }
	if _, err := Run(ctx, b.conn, c); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	c.Drain, c.Ready = true, nil
	b.relay(c)
	if n := len(b.all("OUT")); n != 2000 {
		t.Errorf("%d keys", n)
	}
}

// Headers that are orders to a server are not passed on.
func TestHeaders(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Config{})
	m := &nats.Msg{Subject: "in.a", Header: nats.Header{"Nats-Msg-Id": {"x"}, "nats-rollup": {"all"}, "Order": {"o-1"}, "Other": {"1", "2"}}}
	if _, err := b.conn.JS.PublishMsg(b.Context(), m); err != nil {
		t.Fatal(err)
	}
	b.expect(b.relay(b.config("@header:Order,@subject")), 1, 0, 0, 0)
	h := b.all("OUT")[0].Header
	if h.Get("nats-rollup") != "" || h.Get("Nats-Msg-Id") == "x" || len(h["Other"]) != 2 {
		t.Errorf("%v", h)
	}
}

// What is too large for the sink goes to the dead-letter stream as it came, and
// does not stop the rest.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Config{})
	c, err := b.config("@subject").validated()
	if err != nil {
		t.Fatal(err)
	}
	s := c.sink(0)
	s.MaxMsgSize = 1000
	b.make(s)
	largest := strings.Repeat("x", int(b.conn.NATS.MaxPayload())) // no room for a header
	b.send("in.a", largest)
	b.send("in.b", strings.Repeat("y", 1001))
	b.send("in.c", "z")
	b.expect(b.relay(c), 1, 0, 0, 2)
	dead := b.all("OUT_DEAD")
	if len(dead) != 2 || len(dead[0].Data)+len(dead[1].Data) != len(largest)+1001 || !strings.HasPrefix(dead[0].Subject, "OUT_DEAD.toolarge.IN.") {
		t.Errorf("%d dead letters", len(dead))
	}
}

// A dead letter whose message leaves no room for headers goes without them; its
// subject says why it is there.
func TestDeadLetterWithoutRoom(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Config{})
	fill := func(start, end string, spare int) string {
		return start + strings.Repeat("x", int(b.conn.NATS.MaxPayload())-len(start)-len(end)-spare) + end
	}
	bodies := []string{
		fill(`{"no":"key `, `"}`, 0),
		`{"id":1}`,
		fill(`{"id":1,"v":"`, `"}`, 330), // fits into the sink, not with a reason besides
	}
	for _, body := range bodies {
		b.send("in.a", body)
	}
	b.expect(b.relay(b.config("id")), 1, 0, 1, 1)
	var got []string
	for _, m := range b.all("OUT_DEAD") {
		reason := strings.Split(m.Subject, ".")[1]
		got = append(got, reason)
		if want := bodies[map[string]int{"nokey": 0, "conflict": 2}[reason]]; string(m.Data) != want {
			t.Errorf("%s: %d bytes, sent %d", m.Subject, len(m.Data), len(want))
		}
	}
	if len(got) != 2 {
		t.Errorf("dead letters %q", got)
	}
}

func TestNoSource(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Config{})
	c := b.config("id")
	c.From = "elsewhere"
	if _, err := Run(t.Context(), b.conn, c); !errors.Is(err, engine.ErrNoStream) || !strings.Contains(err.Error(), "--capture") {
		t.Error(err)
	}
	if _, err := b.conn.Find(t.Context(), "OUT"); !errors.Is(err, engine.ErrNoStream) {
		t.Errorf("a wrong subject leaves a sink behind: %v", err)
	}
	c.Capture = true
	b.relay(c)
	b.send("elsewhere", `{"id":1}`)
	b.expect(b.relay(c), 1, 0, 0, 0)
	c.From = "OUT.0.*"
	var usage *UsageError
	if _, err := Run(t.Context(), b.conn, c); !errors.As(err, &usage) {
		t.Errorf("a relay that feeds itself: %v", err)
	}
	c.To, c.From, c.Prefix, c.Partitions = "P", "in.>", "", 2
	b.relay(c)
	c.From = "P.1.*"
	if _, err := Run(t.Context(), b.conn, c); !errors.As(err, &usage) {
		t.Errorf("a relay that feeds itself: %v", err)
	}
	c.Mode, c.Window, c.AcceptWindow = Window, -time.Second, true
	if err := c.Check(); !errors.As(err, &usage) {
		t.Errorf("a window below 0: %v", err)
	}
}
