package queue_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"holdfast/engine"
	"holdfast/engine/enginetest"
	"holdfast/engine/queue"
	"holdfast/fetch"
	"holdfast/fetch/retry"
)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m, "holdfast/engine/queue")) }

// A job is one on an engine of its own.
type job struct {
	*testing.T
	engine *enginetest.Engine
	conn   *engine.Conn
	c      queue.Config
	mu     sync.Mutex
	said   []string
}

func newJob(t *testing.T) *job {
	t.Helper()
	j := newJobOf(t, engine.Config{}, "")
	j.conn = enginetest.Connect(t, j.engine.URL())
	return j
}

// newJobOf has an engine with a configuration, and no connection yet.
func newJobOf(t *testing.T, c engine.Config, configuration string) *job {
	t.Helper()
	if configuration != "" {
		c.File = filepath.Join(t.TempDir(), "nats.conf")
		if err := os.WriteFile(c.File, []byte(configuration), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	j := &job{T: t, engine: enginetest.Start(t, c), c: queue.Config{Job: "j", Replicas: 1, Patience: 2 * time.Second}}
	j.c.Warn = func(text string) {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.said = append(j.said, text)
	}
	return j
}

func (j *job) enqueue(text string) queue.Enqueued {
	j.Helper()
	n, err := queue.Enqueue(j.Context(), j.conn, j.c, fetch.NewList(strings.NewReader(text), "list"), func(int64, string, error) {}, func(queue.Enqueued) {})
	if err != nil {
		j.Fatal(err)
	}
	return n
}

func (j *job) open(window int) *queue.Worker {
	j.Helper()
	w, err := queue.Open(j.Context(), j.conn, queue.WorkerConfig{Config: j.c, Window: window, Cap: time.Hour})
	if err != nil {
		j.Fatal(err)
	}
	j.Cleanup(func() { w.Close() })
	return w
}

func (j *job) next(w *queue.Worker) fetch.Unit {
	j.Helper()
	u, err := w.Next()
	if err != nil {
		j.Fatal(err)
	}
	return u
}

func (j *job) end(w *queue.Worker) {
	j.Helper()
	if u, err := w.Next(); err != io.EOF {
		j.Fatalf("%+v, %v", u.Request, err)
	}
	if err := w.Close(); err != nil {
		j.Fatal(err)
	}
}

func (j *job) totals() queue.Totals {
	j.Helper()
	t, err := queue.CountOutcomes(j.Context(), j.conn, j.c)
	if err != nil {
		j.Fatal(err)
	}
	return t
}

func list(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "http://h/%d\n", i)
	}
	return b.String()
}

var success = fetch.Settled{Outcome: retry.OutcomeSuccess, Attempts: 1, Status: 200, Records: []byte(`{"final":true}` + "\n")}

// Two lists of the same lines make one job; a line that is done stays done,
// also after the time for which the engine remembers message ids.
func TestEnqueueTwice(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	if n := j.enqueue(list(300)); n.Enqueued != 300 || n.Lines != 300 {
		t.Errorf("%+v", n)
	}
	if n := j.enqueue(list(310)); n.Enqueued != 10 || n.Waiting != 300 {
		t.Errorf("%+v", n)
	}
	w := j.open(10)
	j.next(w).Settle(success)
	for j.totals().Done == 0 && t.Context().Err() == nil {
	}
	w.Close()
	if n := j.enqueue(list(310)); n.Done != 1 || n.Waiting != 309 {
		t.Errorf("%+v", n)
	}
	if n := j.enqueue("http://other/\n"); n.Enqueued != 1 {
		t.Errorf("another URL on the same line: %+v", n)
	}
	if n := j.enqueue(strings.Repeat("x", 100) + "\n{\"url\":\"http://h/\",\"body\":\"" + strings.Repeat("b", 1<<20) + "\"}\n"); n.Bad != 2 {
		t.Errorf("%+v", n)
	}
}

// All URLs of a job come, each once, to whoever asks; then everybody ends.
func TestShared(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	j.enqueue(list(500))
	var mu sync.Mutex
	seen := map[string]int{}
	var all sync.WaitGroup
	for range 4 {
		w := j.open(20)
		all.Go(func() {
			for {
				u, err := w.Next()
				if err != nil {
					break
				}
				mu.Lock()
				seen[u.URL]++
				mu.Unlock()
				u.Settle(success)
			}
			j.end(w)
		})
	}
	all.Wait()
	for url, n := range seen {
		if n != 1 {
			t.Errorf("%s came %d times", url, n)
		}
	}
	if got := j.totals(); len(seen) != 500 || got.Done != 500 || got.Left != 0 || got.Outcomes["success"] != 500 || got.Open {
		t.Errorf("%d URLs, %+v", len(seen), got)
	}
	n := 0
	foreign, err := queue.Results(t.Context(), j.conn, j.c, func(records []byte) error { n++; return nil })
	if n != 500 || foreign != 0 || err != nil {
		t.Errorf("%d results, %v", n, err)
	}
}

// A second result of a URL is refused, and says so; the URL leaves the queue all
// the same.
func TestOneResult(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	j.enqueue(list(1))
	w := j.open(5)
	u := j.next(w)
	key := queue.Key(1, []byte("http://h/0"))
	if _, err := j.conn.JS.Publish(t.Context(), "holdfast.res.j."+key, []byte("mine\n")); err != nil {
		t.Fatal(err)
	}
	u.Settle(success)
	j.end(w)
	if c := w.Counters(); c.Refused != 1 || c.Recorded != 0 {
		t.Errorf("%+v", c)
	}
	if got := j.totals(); got.Done != 1 || got.Left != 0 {
		t.Errorf("%+v", got)
	}
}

// A delivery whose result exists is acknowledged without fetching: its process
// was killed between the two.
func TestKilledBeforeAck(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	j.enqueue(list(2))
	key := queue.Key(1, []byte("http://h/0"))
	if _, err := j.conn.JS.Publish(t.Context(), "holdfast.res.j."+key, nil); err != nil {
		t.Fatal(err)
	}
	cons, err := j.conn.JS.Consumer(t.Context(), "HOLDFAST_URLS_j", "fetch")
	if err != nil {
		t.Fatal(err)
	}
	batch, err := cons.Fetch(1, jetstream.FetchMaxWait(5*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	for m := range batch.Messages() { // of the process that was killed
		if err := m.Nak(); err != nil {
			t.Fatal(err)
		}
	}
	w := j.open(5)
	u := j.next(w)
	if u.URL != "http://h/1" || u.Line != 2 {
		t.Errorf("%+v", u.Request)
	}
	u.Settle(success)
	j.end(w)
	if c := w.Counters(); c.Skipped != 1 || c.Recorded != 1 {
		t.Errorf("%+v", c)
	}
}

// A URL that was put off comes again at its time with the attempts that were
// made; one that is put off for long ends the run, and stays.
func TestPutOff(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	j.enqueue(list(2))
	w := j.open(5)
	a, b := j.next(w), j.next(w)
	soon := time.Now().Add(300 * time.Millisecond)
	a.Settle(fetch.Settled{Outcome: retry.OutcomeParked, Postponed: true, NotBefore: soon, Attempts: 2})
	b.Settle(fetch.Settled{Outcome: retry.OutcomeParked, Postponed: true, NotBefore: time.Now().Add(3 * time.Hour), Attempts: 1})
	again := j.next(w)
	if again.URL != a.URL || again.Tried != 2 || again.Run != 2 || time.Now().Before(soon) {
		t.Errorf("%+v", again)
	}
	again.Settle(success)
	j.end(w)
	if got := w.Totals(); got.PutOff != 1 || got.Left != 1 || got.Done != 1 {
		t.Errorf("%+v", got)
	}
	if c := w.Counters(); c.PutOff != 2 || c.Recorded != 1 {
		t.Errorf("%+v", c)
	}
}

// A list that was not enqueued to its end is waited for, and then told.
func TestOpenList(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := queue.Enqueue(ctx, j.conn, j.c, fetch.NewList(io.MultiReader(strings.NewReader(list(3)), meanwhile{cancel}), "list"), func(int64, string, error) {}, func(queue.Enqueued) {})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if !j.totals().Open {
		t.Error("the list seems complete")
	}
	j.enqueue(list(3))
	if j.totals().Open {
		t.Error("the list seems incomplete")
	}
}

// meanwhile does something when it is read, and holds nothing.
type meanwhile struct{ do func() }

func (m meanwhile) Read([]byte) (int, error) { m.do(); return 0, io.EOF }

// What one process hears of an origin, the others hear.
func TestGates(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	j.enqueue(list(1))
	a, b := j.open(5), j.open(5)
	heard := make(chan string, 10)
	b.OnGate(func(origin string, until time.Time) { heard <- fmt.Sprint(origin, " ", until.Unix()) })
	a.OnGate(func(origin string, until time.Time) { t.Errorf("its own: %s", origin) })
	until := time.Now().Add(time.Hour)
	for range 3 {
		a.ShareGate("http://h:80", until)
	}
	a.ShareGate("http://over:80", time.Now())
	want, got := []string{fmt.Sprint("http://h:80 ", until.Unix())}, ""
	for got == "" {
		select {
		case got = <-heard:
		case <-time.After(10 * time.Second): // it may be lost: a longer pause is told again
			until = until.Add(time.Second)
			want = append(want, fmt.Sprint("http://h:80 ", until.Unix()))
			a.ShareGate("http://h:80", until)
		}
	}
	if !slices.Contains(want, got) {
		t.Errorf("%s, want %s", got, want)
	}
	if len(want) > 1 {
		return // both may come
	}
	select {
	case got := <-heard:
		t.Errorf("and then %s", got)
	default:
	}
}

// What is no URL of a list is removed and told; what cannot be sent comes as a
// bad unit.
func TestStrangeMessages(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	j.enqueue("")
	for _, subject := range []string{"holdfast.urls.j.x", "holdfast.urls.j.0.0123456789abcdef", "holdfast.urls.j.1.short", "holdfast.urls.j.7.0123456789abcdef"} {
		if _, err := j.conn.JS.Publish(t.Context(), subject, []byte("# no URL")); err != nil {
			t.Fatal(err)
		}
	}
	w := j.open(5)
	u := j.next(w)
	if u.Bad == nil || u.Line != 7 {
		t.Errorf("%+v", u)
	}
	u.Settle(fetch.Settled{Outcome: retry.OutcomeBadInput, Records: []byte("{}\n")})
	j.end(w)
	if got := j.totals(); got.Done != 1 || got.Left != 0 || len(j.said) != 3 {
		t.Errorf("%+v, %q", got, j.said)
	}
}

// Parts of another shape are refused in one line, before anything is fetched.
func TestShapes(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func(js jetstream.JetStream) error{
		"stream HOLDFAST_URLS_j: the stream has another shape (it is not a work queue)": func(js jetstream.JetStream) error {
			_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "HOLDFAST_URLS_j", Subjects: []string{"holdfast.urls.j.>"}})
			return err
		},
		"stream HOLDFAST_URLS_j: the stream has another shape (its subjects are [other]": func(js jetstream.JetStream) error {
			_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "HOLDFAST_URLS_j", Subjects: []string{"other"}, Retention: jetstream.WorkQueuePolicy})
			return err
		},
		"stream HOLDFAST_RESULTS_j: the stream has another shape (it takes a second result": func(js jetstream.JetStream) error {
			_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "HOLDFAST_RESULTS_j", Subjects: []string{"holdfast.res.j.>"}})
			return err
		},
		"consumer of stream HOLDFAST_URLS_j: the stream has another shape": func(js jetstream.JetStream) error {
			_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "HOLDFAST_URLS_j", Subjects: []string{"holdfast.urls.j.>"},
				Retention: jetstream.WorkQueuePolicy, MaxMsgsPerSubject: 1, Discard: jetstream.DiscardNew, DiscardNewPerSubject: true})
			if err == nil {
				_, err = js.CreateConsumer(t.Context(), "HOLDFAST_URLS_j", jetstream.ConsumerConfig{Durable: "fetch", AckPolicy: jetstream.AckExplicitPolicy, MaxDeliver: 3})
			}
			return err
		},
	} {
		j := newJob(t)
		if err := make(j.conn.JS); err != nil {
			t.Fatal(err)
		}
		_, err := queue.Enqueue(t.Context(), j.conn, j.c, fetch.NewList(strings.NewReader(list(1)), "list"), nil, func(queue.Enqueued) {})
		if !errors.Is(err, engine.ErrShape) || !strings.HasPrefix(err.Error(), name) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want %s", err, name)
		}
	}
}

// The queue goes away: what is in hand stays in hand for as long as patience
// lasts, and the error says what is wrong.
func TestConsumerGone(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	j.enqueue(list(1))
	w := j.open(5)
	j.next(w).Settle(fetch.Settled{Outcome: retry.OutcomeParked, Postponed: true, NotBefore: time.Now().Add(time.Minute)})
	if err := j.conn.JS.DeleteStream(t.Context(), "HOLDFAST_URLS_j"); err != nil {
		t.Fatal(err)
	}
	_, err := w.Next()
	if err == nil || err == io.EOF || strings.Contains(err.Error(), "\n") {
		t.Error(err)
	}
	if closed := w.Close(); closed == nil {
		t.Error("it closes as if nothing had happened")
	}
}

// Results that have no place to go any more are not blamed on the server: the
// job is gone, as when a server comes back without its store.
func TestResultsGone(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	j.enqueue(list(1))
	j.c.Patience = 100 * time.Millisecond // of nothing that is to succeed
	w := j.open(5)
	u := j.next(w)
	if err := j.conn.JS.DeleteStream(t.Context(), "HOLDFAST_RESULTS_j"); err != nil {
		t.Fatal(err)
	}
	u.Settle(success)
	_, err := w.Next()
	if !errors.Is(err, engine.ErrNoStream) || !strings.Contains(err.Error(), "HOLDFAST_RESULTS_j") {
		t.Error(err)
	}
	if err := w.Close(); err == nil {
		t.Error("it closes as if nothing had happened")
	}
	q, err := j.conn.JS.Stream(t.Context(), "HOLDFAST_URLS_j")
	if err != nil {
		t.Fatal(err)
	}
	if n := q.CachedInfo().State.Msgs; n != 1 {
		t.Errorf("%d URLs in the queue: one was acknowledged without a result", n)
	}
}

// A user who may not write the results hears it at once, not after patience.
func TestForbidden(t *testing.T) {
	t.Parallel()
	j := newJobOf(t, engine.Config{}, `authorization { users: [{user: u, password: secret, permissions: {publish: {deny: ["$JS.API.STREAM.CREATE.>"]}}}] }`)
	j.c.Patience = time.Second
	j.conn = enginetest.Connect(t, j.engine.As("u:secret"))
	_, err := queue.Enqueue(t.Context(), j.conn, j.c, fetch.NewList(strings.NewReader(list(1)), "list"), nil, func(queue.Enqueued) {})
	if err == nil || strings.ContainsAny(err.Error(), "\n") || strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
	t.Log(err)
}

func TestConfigRefused(t *testing.T) {
	t.Parallel()
	good := queue.Config{Job: "a-b_9", Replicas: 3, Patience: time.Second}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for _, change := range []func(*queue.Config){
		func(c *queue.Config) { c.Job = "" }, func(c *queue.Config) { c.Job = "a.b" }, func(c *queue.Config) { c.Job = "a b" },
		func(c *queue.Config) { c.AckWait = time.Millisecond }, func(c *queue.Config) { c.AckWait = -1 },
		func(c *queue.Config) { c.Replicas = 0 }, func(c *queue.Config) { c.Patience = 0 },
	} {
		c := good
		change(&c)
		if c.Check() == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}
