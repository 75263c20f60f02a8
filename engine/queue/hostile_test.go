package queue_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"holdfast/engine"
	"holdfast/engine/enginetest"
	"holdfast/engine/queue"
	"holdfast/fetch"
	"holdfast/fetch/retry"
)

// Another list under one job adds to it, and hears that it is not alone.
func TestOtherList(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	if n := j.enqueue(list(30)); n.Others != 0 {
		t.Errorf("%+v", n)
	}
	if n := j.enqueue(list(40)); n.Others != 0 || n.Enqueued != 10 {
		t.Errorf("the same list, longer: %+v", n)
	}
	if n := j.enqueue("http://top/\n" + list(40)); n.Others != 40 || n.Enqueued != 41 {
		t.Errorf("a line more at its top: %+v", n)
	}
	w := j.open(200)
	for range 81 {
		j.next(w).Settle(success)
	}
	j.end(w)
	if n := j.enqueue(list(40)); n.Others != 41 || n.Done != 40 {
		t.Errorf("when all are done: %+v", n)
	}
}

// Two jobs on one engine do not see each other.
func TestTwoJobs(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	j.enqueue(list(20))
	k := &job{T: t, conn: j.conn, c: j.c}
	k.c.Job = "j-2"
	if n := k.enqueue(list(30)); n.Enqueued != 30 || n.Others != 0 {
		t.Errorf("%+v", n)
	}
	a, b := j.open(50), k.open(50)
	for range 20 {
		j.next(a).Settle(success)
	}
	j.end(a)
	for range 30 {
		k.next(b).Settle(success)
	}
	k.end(b)
	if x, y := j.totals(), k.totals(); x.Done != 20 || y.Done != 30 || x.Left+y.Left != 0 {
		t.Errorf("%+v, %+v", x, y)
	}
}

// What others publish under a result's subject is no result: it is told and
// left out, and keeps nothing else out.
func TestForeignResults(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	j.enqueue(list(6))
	w := j.open(10)
	for range 2 {
		j.next(w).Settle(success)
	}
	for subject, m := range map[string]*nats.Msg{
		"holdfast.res.j.x":                        {Data: []byte("hello\n")},
		"holdfast.res.j.\x1b.y":                   {Data: []byte("{}\n")},
		"holdfast.res.j.90.0123456789abcdef":      {Data: []byte("no log\n"), Header: nats.Header{"Holdfast-Outcome": {"success"}}},
		"holdfast.res.j.91.0123456789abcdef":      {Data: []byte("{}"), Header: nats.Header{"Holdfast-Outcome": {"success"}}},
		"holdfast.res.j.92.0123456789abcdef.more": {Data: []byte("{}\n"), Header: nats.Header{"Holdfast-Outcome": {"\x1b[2J"}}},
	} {
		m.Subject = subject
		if _, err := j.conn.JS.PublishMsg(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	for range 4 {
		j.next(w).Settle(success)
	}
	j.end(w)
	n := 0
	foreign, err := queue.Results(t.Context(), j.conn, j.c, func(records []byte) error {
		n++
		if !bytes.Equal(records, success.Records) {
			t.Errorf("%q", records)
		}
		return nil
	})
	if n != 6 || foreign != 5 || err != nil || len(j.said) != 5 {
		t.Errorf("%d results, %d foreign, %v, %q", n, foreign, err, j.said)
	}
	for _, text := range j.said {
		if strings.ContainsAny(text, "\x1b\n") {
			t.Errorf("%q", text)
		}
	}
	if got := j.totals(); got.Outcomes["success"] != 6+2 || got.Outcomes["not_of_holdfast"] != 3 || len(got.Outcomes) != 2 {
		t.Errorf("%+v", got)
	}
}

// Records that are longer than a message may be are cut to the last one, which
// says how the URL ended.
func TestLongRecords(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	j.enqueue(list(2))
	w := j.open(5)
	for n := range 2 {
		s := success
		last := []byte(`{"final":true}` + "\n")
		if n == 1 {
			last = []byte(`{"final":true,"url":"` + strings.Repeat("u", 2<<20) + `"}` + "\n")
		}
		s.Records = append(bytes.Repeat([]byte(`{"event":"retry"}`+"\n"), 100_000), last...)
		j.next(w).Settle(s)
	}
	j.end(w)
	var got []string
	_, err := queue.Results(t.Context(), j.conn, j.c, func(records []byte) error { got = append(got, string(records)); return nil })
	if err != nil || strings.Join(got, "|") != `{"final":true}`+"\n|" && strings.Join(got, "|") != `|{"final":true}`+"\n" {
		t.Errorf("%.100q, %v", got, err)
	}
	if got := j.totals(); got.Outcomes["success"] != 2 {
		t.Errorf("%+v", got)
	}
}

// A stream may take smaller messages than its server.
func TestSmallMessages(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	j.enqueue("")
	for _, name := range []string{"HOLDFAST_URLS_j", "HOLDFAST_RESULTS_j"} {
		s, err := j.conn.JS.Stream(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		c := s.CachedInfo().Config
		c.MaxMsgSize = 4096
		if _, err := j.conn.JS.UpdateStream(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if n := j.enqueue("http://h/\nhttp://h/" + strings.Repeat("x", 4096) + "\n"); n.Bad != 1 || n.Enqueued != 1 {
		t.Errorf("%+v", n)
	}
	w := j.open(5)
	s := success
	s.Records = bytes.Repeat(s.Records, 1000)
	j.next(w).Settle(s)
	j.end(w)
	if got := j.totals(); got.Done != 1 {
		t.Errorf("%+v", got)
	}
}

// The engine goes and comes back while a list is enqueued, and while URLs of it
// are settled: each is in the queue once, and has one result.
func TestEngineRestarted(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	j.c.AckWait, j.c.Patience = time.Second, 20*time.Second
	const urls = 3000
	text := list(urls)
	half := strings.Index(text, "http://h/2000\n")
	both := fetch.NewList(io.MultiReader(strings.NewReader(text[:half]), meanwhile{j.engine.Restart}, strings.NewReader(text[half:])), "list")
	n, err := queue.Enqueue(t.Context(), j.conn, j.c, both, func(int64, string, error) {}, func(queue.Enqueued) {})
	if err != nil || n.Enqueued+n.Waiting != urls || n.Others != 0 {
		t.Fatalf("%+v, %v", n, err)
	}
	w := j.open(500)
	for n := range urls {
		u, err := w.Next()
		if err != nil {
			t.Fatalf("after %d: %v", n, err)
		}
		u.Settle(success)
		if n == urls/2 {
			j.engine.Restart()
		}
	}
	j.end(w)
	if got := j.totals(); got.Done != urls || got.Left != 0 || got.Outcomes["success"] != urls {
		t.Errorf("%+v", got)
	}
	if c := w.Counters(); c.Recorded != urls || c.Refused != 0 {
		t.Errorf("%+v", c)
	}
}

// Results of an engine that goes away are not waited for for ever.
func TestResultsEngineGone(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	const urls = 3000 // more than one pull brings
	j.enqueue(list(urls))
	w := j.open(1000)
	for range urls {
		j.next(w).Settle(success)
	}
	j.end(w)
	j.c.Patience = time.Second
	gone := false
	_, err := queue.Results(t.Context(), j.conn, j.c, func([]byte) error {
		if !gone {
			gone = true
			j.engine.Stop()
		}
		return nil
	})
	if err == nil || strings.Contains(err.Error(), "\n") {
		t.Error(err)
	}
	t.Log(err)
}

// What a stranger puts into the queue in the right shape is a URL like others,
// or a bad one; what has another line number than ours would spell is not.
func TestStrangeURLs(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	j.enqueue("")
	const fp = ".0123456789abcdef"
	bodies := map[string]string{
		"1" + fp: "\xff\xfe\x00binary", "2" + fp: "{\"url\":1}", "3" + fp: strings.Repeat("\n", 100), "4" + fp: "http://h/" + strings.Repeat("x", 100_000),
		"+5" + fp: "http://h/", "06" + fp: "http://h/", "7.0123456789ABCDEF": "http://h/", "8.0123456789abcdeg": "http://h/", "99999999999999999999" + fp: "http://h/",
	}
	for key, body := range bodies {
		if _, err := j.conn.JS.Publish(t.Context(), "holdfast.urls.j."+key, []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	w := j.open(50)
	for range 4 {
		u := j.next(w)
		if u.Bad == nil || u.Line > 4 {
			t.Errorf("line %d: %v, %.20q", u.Line, u.Bad, u.URL)
		}
		u.Settle(fetch.Settled{Outcome: retry.OutcomeBadInput, Records: []byte("{}\n")})
	}
	j.end(w)
	if got := j.totals(); got.Done != 4 || got.Left != 0 || len(j.said) != 5 {
		t.Errorf("%+v, %q", got, j.said)
	}
}

// A process that may take URLs and not record them hears it after one try, not
// after patience, and its URL stays for others.
func TestMayNotRecord(t *testing.T) {
	t.Parallel()
	j := newJobOf(t, engine.Config{}, `authorization { users: [{user: all, password: x}, {user: some, password: x, permissions: {publish: {deny: ["holdfast.res.>"]}}}] }`)
	j.c.Patience = time.Hour
	all := enginetest.Connect(t, j.engine.As("all:x"))
	j.conn = all
	j.enqueue(list(1))
	j.conn = enginetest.Connect(t, j.engine.As("some:x"))
	w := j.open(5)
	j.next(w).Settle(success)
	if _, err := w.Next(); !errors.Is(err, engine.ErrForbidden) || strings.Contains(err.Error(), "\n") {
		t.Error(err)
	}
	if err := w.Close(); !errors.Is(err, engine.ErrForbidden) {
		t.Error(err)
	}
	j.conn = all
	if got := j.totals(); got.Left != 1 || got.Done != 0 {
		t.Errorf("%+v", got)
	}
}
