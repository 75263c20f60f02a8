package queue

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"holdfast/fetch"
	"holdfast/fetch/retry"
)

// A result that is there already because the answer to an earlier try of ours
// was lost counts as ours.
func TestOwnResultFound(t *testing.T) {
	t.Parallel()
	b := newPipeBench(t)
	c := Config{Job: "j", Replicas: 1, Patience: 2 * time.Second, Warn: func(string) {}}
	const urls = "http://h/0\nhttp://h/1\n"
	if _, err := Enqueue(t.Context(), b.conn, c, fetch.NewList(strings.NewReader(urls), "list"), nil, func(Enqueued) {}); err != nil {
		t.Fatal(err)
	}
	w, err := Open(t.Context(), b.conn, WorkerConfig{Config: c, Window: 5, Cap: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	for n, by := range []string{w.by + ".1", w.by + ".2"} {
		u, err := w.Next()
		if err != nil {
			t.Fatal(err)
		}
		m := &nats.Msg{Subject: c.resultsSubject(Key(u.Line, []byte(u.URL))), Header: nats.Header{headerBy: {by}}}
		if _, err := b.conn.JS.PublishMsg(t.Context(), m); err != nil {
			t.Fatal(n, err)
		}
		u.Settle(fetch.Settled{Outcome: retry.OutcomeSuccess, Attempts: 1, Records: []byte("{}\n")})
	}
	if u, err := w.Next(); err == nil {
		t.Errorf("%+v", u.Request)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if got := w.Counters(); got.Recorded != 1 || got.Refused != 1 {
		t.Errorf("%+v", got)
	}
}
