package mailbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"holdfast/engine"
	"holdfast/engine/enginetest"
	"holdfast/merge"
	"holdfast/merge/runner"
)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m, "holdfast/engine/mailbox")) }

// one is a connection to a server of its own.
func one(t *testing.T) *engine.Conn {
	t.Helper()
	return enginetest.Connect(t, enginetest.Start(t, engine.Config{}).URL())
}

func config(job string) Config {
	return Config{Job: job, Of: 2, Words: 10, Options: "as usual", Owner: "me", Patience: 10 * time.Second}
}

func box(t *testing.T, conn *engine.Conn, c Config, id int) *Box {
	t.Helper()
	b, err := Open(t.Context(), conn, c, id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// crew runs all workers of a job in this process, each with a connection of its
// own.
func crew(t *testing.T, url, dir string, o runner.JobOptions, lists [][]int32) {
	t.Helper()
	failed := make(chan error, len(lists))
	for i, list := range lists {
		o := o
		o.ID, o.Of, o.Data, o.Output, o.Owner = i, len(lists), list, filepath.Join(dir, fmt.Sprintf("part.%d", i)), fmt.Sprint("worker ", i)
		go func() { failed <- work(t.Context(), url, o) }()
	}
	for range lists {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
}

func work(ctx context.Context, url string, o runner.JobOptions) error {
	conn, err := engine.Connect(ctx, engine.Access{URL: url})
	if err != nil {
		return err
	}
	defer conn.Close()
	b, err := Open(ctx, conn, Config{Job: o.Job, Of: o.Of, Words: o.Words, Options: o.Spell(), Owner: o.Owner}, o.ID)
	if err != nil {
		return err
	}
	defer b.Close()
	m, err := runner.NewMember(ctx, o, b)
	if err != nil {
		return err
	}
	defer m.Close()
	return m.Run(ctx, runner.Patience{})
}

// messages are those of a job, by subject behind the job, checked against the
// format.
func messages(t *testing.T, conn *engine.Conn, job string, words int) map[string][]string {
	t.Helper()
	s, err := conn.JS.Stream(t.Context(), streamName(job))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for seq := uint64(1); seq <= s.CachedInfo().State.LastSeq; seq++ {
		m, err := s.GetMsg(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		subject := strings.TrimPrefix(m.Subject, "merge."+job+".")
		message, err := runner.ParseMessage(m.Data, words)
		if err != nil || !bytes.Equal(runner.AppendMessage(nil, message, words), m.Data) {
			t.Errorf("message %d is not in the form in which messages are written: %v: %s", seq, err, m.Data)
		}
		types := []string{merge.TypeQuant, merge.TypeDone}
		if !strings.HasSuffix(subject, ".all") {
			types = []string{merge.TypeData}
		}
		if !slices.Contains(types, message.Type) {
			t.Errorf("message %d: %s on %s", seq, message.Type, m.Subject)
		}
		for _, v := range message.Values {
			if v < 0 {
				t.Errorf("message %d has a negative word", seq)
			}
		}
		if id := m.Header.Get("Nats-Msg-Id"); id != strings.ReplaceAll(job+"."+subject, ".", "/")+fmt.Sprint("/", len(all[subject])) {
			t.Errorf("message %d of %s has id %q", seq, subject, id)
		}
		all[subject] = append(all[subject], string(m.Data))
	}
	return all
}

func lists(k, n int) (all [][]int32, sorted string) {
	all = make([][]int32, k)
	for i := range k * n {
		v := int32(i*2654435761 + 17)
		all[i*i%k] = append(all[i*i%k], v)
	}
	union := slices.Concat(all...)
	slices.Sort(union)
	var b strings.Builder
	for _, v := range union {
		fmt.Fprintln(&b, v)
	}
	return all, b.String()
}

// Parts joined are the sorted union; messages have their form, and are the same
// in a second run in which the server goes away and comes back.
func TestJob(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ k, words int }{{2, 10}, {4, 9}, {8, 4096}} {
		t.Run(fmt.Sprint(c.k, " workers"), func(t *testing.T) {
			t.Parallel()
			all, want := lists(c.k, 600)
			s := enginetest.Start(t, engine.Config{})
			conn := enginetest.Connect(t, s.URL())
			o := runner.JobOptions{Job: "calm", Words: c.words, Balance: merge.Touch}
			dir := t.TempDir()
			crew(t, s.URL(), dir, o, all)
			check := func() {
				t.Helper()
				var joined []byte
				for i := range all {
					b, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("part.%d", i)))
					if err != nil {
						t.Fatal(err)
					}
					joined = append(joined, b...)
				}
				if string(joined) != want {
					t.Fatalf("wrong output of %d bytes", len(joined))
				}
			}
			check()
			calm := messages(t, conn, "calm", c.words)

			ended := make(chan struct{})
			restarted := make(chan struct{})
			go func() {
				defer close(restarted)
				for { // in the middle: when something was sent
					job, err := Find(t.Context(), conn, "wild", time.Minute)
					if err == nil {
						if n, _, err := job.Log(t.Context()); err == nil && n > 0 {
							break
						}
					}
					select {
					case <-ended:
						return
					case <-time.After(time.Millisecond):
					}
				}
				s.Restart()
			}()
			dir = t.TempDir()
			o.Job = "wild"
			crew(t, s.URL(), dir, o, all)
			close(ended)
			<-restarted
			check()
			wild := messages(t, enginetest.Connect(t, s.URL()), "wild", c.words)
			if fmt.Sprint(calm) != fmt.Sprint(wild) {
				t.Errorf("messages differ:\n%v\nand\n%v", calm, wild)
			}
		})
	}
}

// A message goes to its place once, within the window of ids and after it, with
// an answer or without.
func TestSendOnce(t *testing.T) {
	t.Parallel()
	conn := one(t)
	for _, window := range []time.Duration{2 * time.Minute, 100 * time.Millisecond} {
		c := config(fmt.Sprint("w", window.Milliseconds()))
		shape := c.stream()
		shape.Duplicates = window
		if _, err := conn.JS.CreateStream(t.Context(), shape); err != nil {
			t.Fatal(err)
		}
		b := box(t, conn, c, 0)
		send := func(index int64, last uint64, body string) (uint64, error) {
			return b.Send(t.Context(), merge.All, index, last, []byte(body))
		}
		expect := func(want uint64, index int64, last uint64, body string) {
			t.Helper()
			if seq, err := send(index, last, body); seq != want || err != nil {
				t.Errorf("window %v: message %d is stored as %d, %v; want %d", window, index, seq, err, want)
			}
		}
		expect(1, 0, 0, "first")
		expect(1, 0, 0, "first")
		if window < time.Second { // the ids are forgotten when there is a message without one
			for stored := uint64(0); stored == 0; {
				ack, err := conn.JS.Publish(t.Context(), "merge."+c.Job+".1.all", []byte("x"), jetstream.WithMsgID(c.Job+"/0/all/0"))
				if err != nil {
					t.Fatal(err)
				}
				if !ack.Duplicate {
					stored = ack.Sequence
				}
			}
			expect(1, 0, 0, "first")
			expect(3, 1, 1, "second")
			expect(3, 1, 1, "second")
			expect(1, 0, 0, "first") // a process that was replaced begins anew
		} else {
			expect(2, 1, 1, "second")
			expect(2, 1, 1, "second")
			expect(1, 0, 0, "first")
		}
		_, err := send(0, 0, "another")
		var input *runner.InputError
		if !errors.As(err, &input) || !strings.Contains(err.Error(), "message 1 (merge."+c.Job+".0.all): another message stands where") {
			t.Errorf("another message in its place: %v", err)
		}
	}
}

// Of two processes that run one worker, the one that was replaced stops.
func TestFence(t *testing.T) {
	t.Parallel()
	conn := one(t)
	a := box(t, conn, config("j"), 1)
	var fenced *runner.FencedError
	if _, err := Open(t.Context(), conn, config("j"), 1); !errors.As(err, &fenced) || fenced.Owner != `"me"` {
		t.Fatalf("a second process: %v", err)
	}
	if b, err := a.Load(t.Context()); b != nil || err != nil {
		t.Fatal(b, err)
	}
	save := func(b *Box, text string, want error) {
		t.Helper()
		if err := b.Save(t.Context(), []byte(text)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
	}
	save(a, "a1", nil)
	a.alive.Unsubscribe() // as if it did not answer
	b := box(t, conn, config("j"), 1)
	if got, err := b.Load(t.Context()); string(got) != "a1" || err != nil {
		t.Fatalf("%s, %v", got, err)
	}
	save(a, "a2", nil)
	save(b, "b1", runner.ErrFenced) // it loses its first update
	if _, err := b.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	save(b, "b2", nil)
	save(a, "a3", runner.ErrFenced)
	b.revision-- // a save whose answer was lost
	save(b, "b2", nil)
	save(b, "b3", nil)
}

// What others publish there is named with its sequence, and what came before it
// is given.
func TestForeign(t *testing.T) {
	t.Parallel()
	conn := one(t)
	for i, subject := range []string{"2.all", "x.all", "01.all", "1.1", "-1.1"} {
		c := config(fmt.Sprint("j", i))
		b := box(t, conn, c, 1)
		for _, s := range []string{"0.all", "1.all", "0.1", subject} {
			if _, err := conn.JS.Publish(t.Context(), "merge."+c.Job+"."+s, []byte("{}")); err != nil {
				t.Fatal(err)
			}
		}
		got, err := b.Receive(t.Context(), 0)
		if len(got) != 2 || err != nil || got[0].Seq != 1 || got[1].Seq != 3 || got[1].From != 0 {
			t.Errorf("%+v, %v", got, err)
		}
		_, err = b.Receive(t.Context(), 3)
		var input *runner.InputError
		if want := fmt.Sprintf("stream MERGE_%s, message 4 (merge.%s.%s): no worker of 2 sends there", c.Job, c.Job, subject); !errors.As(err, &input) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// A stream of another shape is refused by name, and what is wrong with it.
func TestShape(t *testing.T) {
	t.Parallel()
	conn := one(t)
	for i, c := range []struct {
		change func(*jetstream.StreamConfig)
		want   string
	}{
		{func(s *jetstream.StreamConfig) { s.Subjects = append(s.Subjects, "more") }, "its subjects are"},
		{func(s *jetstream.StreamConfig) { s.MaxAge = time.Hour }, "forgets messages"},
		{func(s *jetstream.StreamConfig) { s.MaxMsgsPerSubject = 1 }, "forgets messages"},
		{func(s *jetstream.StreamConfig) { s.MaxBytes, s.Discard = 1<<20, jetstream.DiscardOld }, "forgets messages"},
		{func(s *jetstream.StreamConfig) { s.DenyPurge = false }, "deletes, purges"},
		{func(s *jetstream.StreamConfig) { s.Retention = jetstream.WorkQueuePolicy }, "when they are consumed"},
		{func(s *jetstream.StreamConfig) { s.Storage = jetstream.MemoryStorage }, "in memory only"},
		{func(s *jetstream.StreamConfig) { s.NoAck = true }, "acknowledges nothing"},
		{func(s *jetstream.StreamConfig) { s.MaxMsgSize = 100 }, "100 bytes at most"},
		{func(s *jetstream.StreamConfig) { s.Metadata = nil }, "not the stream of a merge"},
	} {
		name := fmt.Sprint("j", i)
		s := config(name).stream()
		c.change(&s)
		if _, err := conn.JS.CreateStream(t.Context(), s); err != nil {
			t.Fatal(i, err)
		}
		_, err := Open(t.Context(), conn, config(name), 0)
		if !errors.Is(err, engine.ErrShape) || !strings.Contains(err.Error(), "stream MERGE_"+name+": the stream has another shape (") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	if _, err := conn.JS.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "merge_k", TTL: time.Hour}); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), conn, config("k"), 0); !errors.Is(err, engine.ErrShape) || !strings.Contains(err.Error(), "bucket merge_k") {
		t.Error(err)
	}
	box(t, conn, config("l"), 0)
	other := config("l")
	other.Options = "otherwise"
	var options *OptionsError
	if _, err := Open(t.Context(), conn, other, 1); !errors.As(err, &options) || options.Was != "as usual" {
		t.Error(err)
	}
}

// An engine that is gone for too long is told in one line; one that is gone for
// good too.
func TestGone(t *testing.T) {
	t.Parallel()
	s := enginetest.Start(t, engine.Config{})
	conn := enginetest.Connect(t, s.URL())
	b := box(t, conn, config("j"), 0)
	gone := box(t, conn, config("removed"), 0)
	if err := gone.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := gone.Receive(t.Context(), 0); !errors.Is(err, engine.ErrNoStream) {
		t.Errorf("the stream was removed: %v", err)
	}
	s.Stop()
	b.patience = 200 * time.Millisecond // from now on nothing is to succeed
	for name, do := range map[string]func() error{
		"receive": func() error { _, err := b.Receive(t.Context(), 0); return err },
		"send":    func() error { _, err := b.Send(t.Context(), 1, 0, 0, []byte("x")); return err },
		"save":    func() error { return b.Save(t.Context(), []byte("x")) },
		"load":    func() error { _, err := b.Load(t.Context()); return err },
	} {
		err := do()
		if !errors.Is(err, engine.ErrUnreachable) || strings.ContainsAny(err.Error(), "\n") || strings.Contains(err.Error(), "buffer") || !strings.Contains(err.Error(), "run the same command again: it goes on") {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Receive(ctx, 0); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// An engine without room, and a stream that may not grow, say so; what they took
// stays.
func TestFull(t *testing.T) {
	t.Parallel()
	full := func(t *testing.T, limit engine.Config, bytes int64) {
		t.Parallel()
		conn := enginetest.Connect(t, enginetest.Start(t, limit).URL())
		c := config("j")
		c.Words, c.Patience = 4096, time.Second
		s := c.stream()
		s.MaxBytes, s.Discard = bytes, jetstream.DiscardNew
		if _, err := conn.JS.CreateStream(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		fill(t, box(t, conn, c, 0))
	}
	t.Run("engine", func(t *testing.T) { full(t, engine.Config{MaxStore: 1 << 20}, -1) })
	t.Run("stream", func(t *testing.T) { full(t, engine.Config{}, 1<<20) })
}

func fill(t *testing.T, b *Box) {
	t.Helper()
	last, stored := uint64(0), 0
	for stored < 100 {
		seq, err := b.Send(t.Context(), 1, int64(stored), last, make([]byte, 40_000))
		if err != nil {
			if !errors.Is(err, engine.ErrFull) || strings.Contains(err.Error(), "\n") {
				t.Error(err)
			}
			break
		}
		last, stored = seq, stored+1
	}
	if n, _, err := b.Log(t.Context()); n != uint64(stored) || n == 0 || n == 100 || err != nil {
		t.Errorf("%d of %d messages, %v", n, stored, err)
	}
}
