package sink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"holdfast/engine"
	"holdfast/engine/enginetest"
	"holdfast/internal/soak"
	"holdfast/record"
	"holdfast/record/seq"
)

var _ record.Publisher = (*Publisher)(nil)

// A bench is a server, a connection to it, and logs of one session.
type bench struct {
	t    *testing.T
	dir  string
	url  string
	conn *engine.Conn
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir(), url: enginetest.Start(t, engine.Config{}).URL()}
	b.conn = enginetest.Connect(t, b.url)
	return b
}

// log writes a log of the given sequences, and gives its path and size.
func (b *bench) log(name string, sequences ...uint64) (path string, size uint64) {
	b.t.Helper()
	return writeLog(b.t, filepath.Join(b.dir, name), sequences, func(s uint64) []byte { return fmt.Appendf(nil, "payload of %d", s) })
}

func writeLog(t testing.TB, path string, sequences []uint64, payload func(uint64) []byte) (string, uint64) {
	t.Helper()
	var text []byte
	for _, s := range sequences {
		text = record.AppendLine(text, seq.Packet{Sequence: s, Timestamp: float64(s) / 4, Payload: payload(s)}, seq.OK)
	}
	if err := os.WriteFile(path, text, 0o666); err != nil {
		t.Fatal(err)
	}
	return path, uint64(len(text))
}

func upTo(n uint64) (list []uint64) {
	for s := range n {
		list = append(list, s)
	}
	return list
}

func (b *bench) config(log, url string) Config {
	return Config{
		Access: engine.Access{URL: url, Patience: 2 * time.Second}, Session: "s", Log: log, Node: filepath.Base(log),
		Options: Options{Lease: 500 * time.Millisecond, Window: 16, Wait: 20 * time.Second},
	}
}

// publish publishes a log to its end.
func (b *bench) publish(c Config, size uint64, lines int) (Summary, error) {
	b.t.Helper()
	p, err := New(b.t.Context(), c)
	if err != nil {
		b.t.Fatal(err)
	}
	defer p.Close()
	p.Wrote(size, uint64(lines))
	return p.Finish(b.t.Context())
}

func (b *bench) verify(log string) (Verification, error) {
	b.t.Helper()
	f, err := os.Open(log)
	if err != nil {
		b.t.Fatal(err)
	}
	defer f.Close()
	return Verify(b.t.Context(), b.conn, "s", f, log, filepath.Base(log))
}

func (b *bench) holds(log string, messages uint64) Verification {
	b.t.Helper()
	v, err := b.verify(log)
	if err != nil || !v.Held() || v.Messages != messages || v.Lines != messages {
		b.t.Fatalf("%+v, %v", v, err)
	}
	return v
}

func TestPublish(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	log, size := b.log("a", upTo(300)...)
	s, err := b.publish(b.config(log, b.url), size, 300)
	if err != nil || s.Published != 300 || s.Lines != 300 || s.Resyncs != 0 {
		t.Fatalf("%+v, %v", s, err)
	}
	b.holds(log, 300)
	stream, err := b.conn.JS.Stream(t.Context(), "HF_s")
	if err != nil {
		t.Fatal(err)
	}
	m, err := stream.GetMsg(t.Context(), 8)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Nats-Sequence", "Nats-Stream", "Nats-Subject", "Nats-Time-Stamp"} { // of the read
		delete(m.Header, name)
	}
	got := fmt.Sprint(m.Subject, string(m.Data), m.Header)
	want := fmt.Sprint("holdfast.rec.s", "payload of 7", nats.Header{
		"Nats-Msg-Id": {"s:7"}, "Nats-Expected-Last-Sequence": {"7"}, "Nats-Expected-Stream": {"HF_s"},
		"Holdfast-Timestamp": {"1.75"}, "Holdfast-Status": {"OK"}, "Holdfast-Epoch": {fmt.Sprint(s.Epoch)}, "Holdfast-Node": {"a"},
	})
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}

	// The log grows; a later process publishes the rest alone, at once: its predecessor is dead.
	log, size = b.log("a", upTo(350)...)
	if s, err := b.publish(b.config(log, b.url), size, 350); err != nil || s.Published != 50 || s.Lines != 350 {
		t.Errorf("%+v, %v", s, err)
	}
	// Another recorder has what the first lost.
	other, size := b.log("b", append(upTo(340), 400, 401, 345)...)
	if s, err := b.publish(b.config(other, b.url), size, 343); err != nil || s.Published != 2 {
		t.Errorf("%+v, %v", s, err)
	}
	v, err := b.verify(log)
	if err != nil || v.Extra != 2 || v.Differing != 2 || v.Messages != 352 {
		t.Errorf("%+v, %v", v, err)
	}
	if v, err = b.verify(other); err != nil || v.Extra != 9 || v.Unordered == 0 {
		t.Errorf("%+v, %v", v, err)
	}
	// A log of nothing.
	empty, _ := b.log("none")
	c := b.config(empty, b.url)
	c.Session = "nothing"
	if s, err := b.publish(c, 0, 0); err != nil || s.Published != 0 {
		t.Errorf("%+v, %v", s, err)
	}
}

// Another recording by the name of one that is there, shorter than what a
// snapshot spares the reading of: nothing is published, and it is noticed.
func TestAnotherRecording(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	log, size := b.log("a", upTo(4500)...)
	config := func(log string) Config {
		c := b.config(log, b.url)
		c.Options.Window, c.Options.Lease = 256, 10*time.Second // no takeovers
		return c
	}
	if s, err := b.publish(config(log), size, 4500); err != nil || s.Lines != 4500 || s.Conflicts != 0 {
		t.Fatalf("%+v, %v", s, err)
	}
	// Of the same recording, as a second recorder has it: the end is compared, and samples of the rest.
	same, size := b.log("b", upTo(4500)...)
	if s, err := b.publish(config(same), size, 4500); err != nil || s.Published != 0 || s.Compared < samples || s.Conflicts != 0 {
		t.Errorf("%+v, %v", s, err)
	}
	var told atomic.Int32
	other, size := writeLog(t, filepath.Join(b.dir, "c"), upTo(600), func(s uint64) []byte { return fmt.Appendf(nil, "another %d", s) })
	c := config(other)
	c.Warn = func(text string) {
		told.Add(1)
		if !strings.Contains(text, "sequence 0 is there with another payload or timestamp than in line 1 of "+other) {
			t.Error(text)
		}
	}
	if s, err := b.publish(c, size, 600); err != nil || s.Published != 0 || s.Conflicts < 2 || s.Conflicts != s.Compared || told.Load() != 1 {
		t.Errorf("%+v, %v, told %d times", s, err, told.Load())
	}
	b.holds(log, 4500)
}

// Each thing that can be wrong with a stream is named.
func TestVerifyFinds(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	log, _ := b.log("a", upTo(6)...)
	c, err := b.config(log, b.url).validated()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.verify(log); !errors.Is(err, engine.ErrNoStream) {
		t.Errorf("%v", err)
	}
	if _, err := b.conn.Stream(t.Context(), c.stream(), c.wrong); err != nil {
		t.Fatal(err)
	}
	put := func(sequence, body, timestamp, status string) {
		t.Helper()
		m := nats.NewMsg("holdfast.rec.s")
		m.Data = []byte(body)
		for name, value := range map[string]string{
			"Nats-Msg-Id": "s:" + sequence, headerTimestamp: timestamp, headerStatus: status, headerEpoch: "3", headerNode: "a",
		} {
			m.Header.Set(name, value)
		}
		if _, err := b.conn.JS.PublishMsg(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	put("0", "payload of 0", "0.0", "OK")
	put("2", "payload of 2", "0.5", "OK")
	put("1", "payload of 1", "0.25", "OK") // behind its place
	put("3", "payload of X", "0.75", "OK")
	put("4", "payload of 4", "1.5", "OK")
	put("9", "payload of 9", "2.25", "OK")
	v, err := b.verify(log)
	if err != nil || v.Disordered != 1 || v.Changed != 2 || v.Extra != 1 || v.Missing != 1 || v.Differing != 5 || v.Messages != 6 || v.Lines != 6 {
		t.Errorf("%+v, %v", v, err)
	}
	for _, want := range []string{
		"message 3, sequence 1 (line 2): it comes behind line 3, in the log before it",
		"message 4, sequence 3 (line 4): its 12 bytes are not the 12 of the log",
		"message 5, sequence 4 (line 5): its timestamp is 1.5, the log has 1.0",
		"sequence 5 (line 6): it is not in the stream",
		"message 6, sequence 9: it is not in the log",
	} {
		if !slices.ContainsFunc(v.Differences, func(d Difference) bool { return d.String() == want }) {
			t.Errorf("%v, want %s", v.Differences, want)
		}
	}
	// A sequence twice, which no id stands in the way of.
	again, err := b.conn.JS.UpdateStream(t.Context(), func() jetstream.StreamConfig { s := c.stream(); s.Duplicates = 100 * time.Millisecond; return s }())
	if err != nil || again == nil {
		t.Fatal(err)
	}
	for v.Repeated == 0 { // until the id is forgotten
		put("0", "payload of 0", "0.0", "OK")
		if v, err = b.verify(log); err != nil || t.Context().Err() != nil {
			t.Fatal(err)
		}
	}
	put("00", "", "", "")
	if _, err := b.verify(log); !errors.Is(err, ErrForeign) || !strings.Contains(err.Error(), `"s:00", not s:SEQUENCE`) {
		t.Error(err)
	}
}

// What no recorder has published stops the publisher, and nothing is added.
func TestForeign(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	log, size := b.log("a", upTo(10)...)
	c, err := b.config(log, b.url).validated()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.conn.Stream(t.Context(), c.stream(), c.wrong); err != nil {
		t.Fatal(err)
	}
	if _, err := b.conn.JS.Publish(t.Context(), "holdfast.rec.s", []byte("hello")); err != nil {
		t.Fatal(err)
	}
	var foreign *ForeignError
	if _, err := b.publish(c, size, 10); !errors.As(err, &foreign) || foreign.Message != 1 {
		t.Errorf("%v", err)
	}
	if _, err := b.verify(log); !errors.Is(err, ErrForeign) {
		t.Errorf("%v", err)
	}
	s, err := b.conn.JS.Stream(t.Context(), "HF_s")
	if err != nil || s.CachedInfo().State.Msgs != 1 {
		t.Errorf("%+v, %v", s.CachedInfo().State, err)
	}
}

// A stream that cannot hold a session is refused by what is wrong with it.
func TestShape(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for i, c := range []struct {
		change func(*jetstream.StreamConfig)
		want   string
	}{
		{func(s *jetstream.StreamConfig) { s.Subjects = []string{"x.>"} }, "its subjects are"},
		{func(s *jetstream.StreamConfig) { s.Storage = jetstream.MemoryStorage }, "kept in memory"},
		{func(s *jetstream.StreamConfig) { s.Retention = jetstream.WorkQueuePolicy }, "leave it when they are consumed"},
		{func(s *jetstream.StreamConfig) { s.MaxMsgs = 9 }, "forgets messages"},
		{func(s *jetstream.StreamConfig) { s.DenyDelete = false }, "deletes, purges"},
		{func(s *jetstream.StreamConfig) { s.NoAck = true }, "acknowledges nothing"},
		{func(s *jetstream.StreamConfig) { s.AllowDirect = false }, "no direct reads"},
	} {
		log, size := b.log(fmt.Sprint(i), upTo(3)...)
		cfg := b.config(log, b.url)
		cfg.Session = fmt.Sprint("shape", i)
		cfg, err := cfg.validated()
		if err != nil {
			t.Fatal(err)
		}
		s := cfg.stream()
		c.change(&s)
		if _, err := b.conn.JS.CreateStream(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if _, err := b.publish(cfg, size, 3); !errors.Is(err, engine.ErrShape) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), s.Name) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	// What is left counts at the end, not when the publisher gave up.
	log, size := b.log("more", upTo(3)...)
	cfg := b.config(log, b.url)
	cfg.Session = "shape0"
	p, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	p.Wrote(0, 0)
	<-p.gone
	p.Wrote(size, 3)
	var left *UnfinishedError
	if _, err := p.Finish(t.Context()); !errors.As(err, &left) || left.Left != 3 || !errors.Is(err, engine.ErrShape) {
		t.Errorf("%v", err)
	}
}

// Answers are lost and publishes repeated when the connection breaks, again and
// again, for two recorders: each sequence is in the stream once.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	for seed := range uint64(soak.Rounds(1, 1)) {
		b := newBench(t)
		n := uint64(3000)
		forgetful := jetstream.StreamConfig{}
		if c, err := b.config("x", b.url).validated(); err == nil {
			forgetful = c.stream()
			forgetful.Duplicates = 100 * time.Millisecond // ids are of no help
		}
		if _, err := b.conn.JS.CreateStream(t.Context(), forgetful); err != nil {
			t.Fatal(err)
		}
		proxy := newProxy(t, strings.TrimPrefix(b.url, "nats://"), seed)
		var group sync.WaitGroup
		var all [2]Summary
		for i, name := range []string{"a", "b"} {
			log, size := b.log(name, upTo(n)...)
			c := b.config(log, "nats://"+proxy.addr)
			group.Go(func() {
				p, err := New(t.Context(), c)
				if err != nil {
					t.Error(err)
					return
				}
				defer p.Close()
				p.Wrote(size, n)
				if all[i], err = p.Finish(t.Context()); err != nil {
					t.Errorf("seed %d: %v", seed, err)
				}
			})
		}
		group.Wait()
		v := b.holds(filepath.Join(b.dir, "a"), n)
		b.holds(filepath.Join(b.dir, "b"), n)
		t.Logf("seed %d: %d connections broken, %d and %d readings back, %d epochs", seed, proxy.broken, all[0].Resyncs, all[1].Resyncs, v.Epochs)
		if all[0].Resyncs+all[1].Resyncs == 0 {
			t.Errorf("seed %d: nothing was ever in doubt: the test proves nothing", seed)
		}
	}
}

// A proxy breaks each connection after some bytes of answers.
type proxy struct {
	addr string
	to   string

	mu     sync.Mutex // guards the rest
	rng    *rand.Rand
	broken int
}

// mostBroken is after how many breaks the proxy leaves connections in peace.
const mostBroken = 12

func newProxy(t *testing.T, to string, seed uint64) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	p := &proxy{addr: l.Addr().String(), to: to, rng: rand.New(rand.NewPCG(seed, 3))}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.carry(c)
		}
	}()
	return p
}

func (p *proxy) carry(c net.Conn) {
	defer c.Close()
	s, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer s.Close()
	go func() {
		_, _ = io.Copy(s, c)
		s.Close()
	}()
	p.mu.Lock()
	most := int64(2_000 + p.rng.IntN(30_000))
	if p.broken >= mostBroken {
		most = 1 << 40
	}
	p.mu.Unlock()
	if n, _ := io.CopyN(c, s, most); n == most {
		p.mu.Lock()
		p.broken++
		p.mu.Unlock()
	}
}

// A server comes back without the end of what it had acknowledged: it is filled
// again from the log (N7).
func TestRollback(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store, older := filepath.Join(dir, "store"), filepath.Join(dir, "older")
	s := enginetest.Start(t, engine.Config{Dir: store})
	b := &bench{t: t, dir: dir, url: s.URL()}
	log, size := b.log("a", upTo(400)...)
	_, halfSize := b.log("half", upTo(200)...)
	c := b.config(log, b.url)
	p, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	p.Wrote(halfSize, 200)
	until(t, func() bool { lag, _ := p.Lag(); return lag == 0 })
	s.Stop()
	if err := os.CopyFS(older, os.DirFS(store)); err != nil {
		t.Fatal(err)
	}
	s.Restart()
	p.Wrote(size, 400)
	until(t, func() bool { lag, _ := p.Lag(); return lag < 50 })
	s.Stop()
	if err := errors.Join(os.RemoveAll(store), os.Rename(older, store)); err != nil {
		t.Fatal(err)
	}
	s.Restart()
	sum, err := p.Finish(t.Context())
	if err != nil || sum.Lines != 400 || sum.Rollbacks == 0 {
		t.Fatalf("%+v, %v", sum, err)
	}
	b.conn = enginetest.Connect(t, b.url)
	b.holds(log, 400)
}

func until(t *testing.T, holds func() bool) {
	t.Helper()
	for !holds() {
		select {
		case <-t.Context().Done():
			t.FailNow()
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// Nobody there: the log is whole, and the error says how much is left.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	b := &bench{t: t, dir: t.TempDir()}
	log, size := b.log("a", upTo(7)...)
	var left *UnfinishedError
	if _, err := b.publish(b.config(log, "nats://127.0.0.1:1"), size, 7); !errors.Is(err, engine.ErrUnreachable) || !errors.As(err, &left) || left.Left != 7 {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	p, err := New(ctx, b.config(log, "nats://127.0.0.1:1"))
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	p.Close() // never begun
	if _, err := p.Finish(t.Context()); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestParseURL(t *testing.T) {
	t.Parallel()
	server, o, err := ParseURL("nats://a:1,nats://b:2?replicas=3&lease=2s&window=7&wait=1m")
	if err != nil || server != "nats://a:1,nats://b:2" || o != (Options{3, 2 * time.Second, 7, time.Minute}) {
		t.Errorf("%s %+v %v", server, o, err)
	}
	for _, bad := range []string{"", "?replicas=1", "nats://a?replica=1", "nats://a?replicas=0", "nats://a?lease=1ms", "nats://a?window=x", "nats://a?wait=-1s", "nats://a?%zz"} {
		var usage *UsageError
		if _, _, err := ParseURL(bad); !errors.As(err, &usage) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	for _, bad := range []string{"nats://u:secret word@a", "nats://u:p?secret@a", "nats://u:p?replicas=secret@a"} {
		if _, _, err := ParseURL(bad); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	for _, c := range []Config{{Session: "a.b"}, {Session: ""}, {Session: "a", Node: "a\nb"}} {
		if _, err := New(t.Context(), c); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}
