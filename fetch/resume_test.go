package fetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"holdfast/internal/vfs"
)

// A pretend is a transport that answers by the path: /ok/N, /status/CODE/N,
// /later/CODE/N (CODE once, then 200). It keeps a ledger.
type pretend struct {
	mu   sync.Mutex
	seen map[string]int
}

func (p *pretend) RoundTrip(req *http.Request) (*http.Response, error) {
	trace := httptrace.ContextClientTrace(req.Context())
	trace.GotConn(httptrace.GotConnInfo{Reused: true})
	trace.WroteHeaders()
	p.mu.Lock()
	if p.seen == nil {
		p.seen = map[string]int{}
	}
	path := req.URL.Path
	p.seen[path]++
	n := p.seen[path]
	p.mu.Unlock()
	status := 200
	if _, err := fmt.Sscanf(path, "/status/%d", &status); err != nil {
		if _, err := fmt.Sscanf(path, "/later/%d", &status); err == nil && n > 1 {
			status = 200
		}
	}
	body := pretendBody(path)
	return &http.Response{StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{},
		ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)), Request: req}, nil
}

func pretendBody(path string) []byte { return bytes.Repeat([]byte(path+"\n"), 40) }

func (p *pretend) take() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	seen := p.seen
	p.seen = nil
	return seen
}

var pretendList = func() (list []string) {
	for n := range 24 {
		switch n % 6 {
		case 0:
			list = append(list, fmt.Sprintf("http://a.test/status/503/%d", n))
		case 1:
			list = append(list, fmt.Sprintf("http://b.test/status/404/%d", n))
		case 2:
			list = append(list, fmt.Sprintf("http://c.test/later/500/%d", n))
		case 3:
			list = append(list, "not a URL", "# a comment", "")
		default:
			list = append(list, fmt.Sprintf("http://a.test/ok/%d", n))
		}
	}
	return list
}()

// A bench is one fetch on a file system that can crash.
type bench struct {
	disk  *vfs.Crash
	net   *pretend
	point func(string)
	plan  vfs.Plan // when the process dies; nil: never
}

func (b *bench) run(resume bool) (s Summary, warned []string, err error) {
	warn := func(text string) { warned = append(warned, text) }
	disk := vfs.NewFaulty(b.disk, b.plan)
	log, err := OpenLog(disk, "/w/log", LogOptions{Resume: resume, Warn: warn})
	if err != nil {
		return s, warned, err
	}
	defer log.Close()
	config := SpecDefaults()
	config.Concurrency, config.PerHost, config.Bodies, config.Seed, config.Retries = 4, 4, "/w/bodies", 1, 1
	opts := []Option{WithConfig(config), WithLog(log), WithDisk(disk), WithTransport(b.net), WithWarnings(warn)}
	if b.point != nil {
		log.point = b.point
		opts = append(opts, func(o *options) { o.point = b.point })
	}
	c, err := New(nil, opts...)
	if err != nil {
		return s, warned, err
	}
	defer c.Close()
	s, err = c.FetchAll(context.Background(), NewList(strings.NewReader(strings.Join(pretendList, "\n")), "list"))
	return s, warned, err
}

func newBench(t *testing.T, seed uint64, p float64) *bench {
	b := &bench{disk: vfs.NewCrash(seed, p), net: &pretend{}}
	if err := errors.Join(b.disk.MkdirAll("/w", 0o777), b.disk.SyncDir("/")); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) read(t *testing.T, name string) []byte {
	t.Helper()
	f, err := b.disk.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// finals gives the lines that have a final record, with their paths; it fails
// on a line that has two, and on a body that is not whole.
func (b *bench) finals(t *testing.T, log []byte) map[int64]string {
	t.Helper()
	done := map[int64]string{}
	for text := range bytes.Lines(log) {
		var l logLine
		if err := l.parse(text); err != nil || !l.final {
			continue
		}
		path := strings.TrimPrefix(string(l.url), "http://")
		if i := strings.IndexByte(path, '/'); i >= 0 {
			path = path[i:]
		}
		if old, ok := done[l.line]; ok {
			t.Errorf("line %d has two final records: %s, %s", l.line, old, text)
		}
		done[l.line] = path
		if len(l.bodyFile) > 0 {
			if got := b.read(t, string(l.bodyFile)); sha256.Sum256(got) != sha256.Sum256(pretendBody(path)) {
				t.Errorf("line %d: the body %s is not whole", l.line, l.bodyFile)
			}
		}
	}
	return done
}

const pretendURLs = 24

// check resumes what is on the disk and expects R12.2 to hold.
func (b *bench) check(t *testing.T, what string, want Summary) {
	t.Helper()
	b.point, b.plan = nil, nil
	before := map[int64]string{}
	if _, err := b.disk.Stat("/w/log"); err == nil {
		log := b.read(t, "/w/log")
		before = b.finals(t, log[:bytes.LastIndexByte(log, '\n')+1])
	}
	b.net.take()
	s, _, err := b.run(true)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	fetched := b.net.take()
	for line, path := range before {
		if fetched[path] > 0 {
			t.Errorf("%s: line %d (%s) was complete and was fetched again", what, line, path)
		}
	}
	log := b.read(t, "/w/log")
	after := b.finals(t, log)
	if len(after) != pretendURLs {
		t.Errorf("%s: %d lines have a final record, want %d", what, len(after), pretendURLs)
	}
	if s.TotalURLs != want.TotalURLs || s.Successful != want.Successful || !maps.Equal(s.ByStatus, want.ByStatus) {
		t.Errorf("%s: the summary says %d of %d, %v; want %d of %d, %v", what, s.Successful, s.TotalURLs, s.ByStatus, want.Successful, want.TotalURLs, want.ByStatus)
	}
	names, err := b.disk.ReadDir("/w/bodies")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasPrefix(name, ".") {
			t.Errorf("%s: a temporary file is left: %s", what, name)
		}
	}
}

// TestAnyPrefix cuts a valid log after any byte: resuming ends as the run that
// was never interrupted.
func TestAnyPrefix(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, 1, 1)
		want, _, err := b.run(false)
		if err != nil {
			t.Fatal(err)
		}
		if want.TotalURLs != pretendURLs || want.Successful != 12 {
			t.Fatalf("%+v", want)
		}
		log := b.read(t, "/w/log")
		step := 1 + len(log)/400
		if testing.Short() {
			step *= 8
		}
		for n := 0; n <= len(log); n += step {
			c := newBench(t, 1, 1)
			c.disk.MkdirAll("/w/bodies", 0o777)
			for path := range c.bodiesOf(log[:n]) {
				c.write(t, path, b.read(t, path))
			}
			c.write(t, "/w/log", log[:n])
			c.check(t, fmt.Sprintf("after %d of %d bytes", n, len(log)), want)
			if t.Failed() {
				return
			}
		}
	})
}

// bodiesOf are the body files that records name.
func (b *bench) bodiesOf(log []byte) map[string]bool {
	files := map[string]bool{}
	for text := range bytes.Lines(log) {
		var l logLine
		if l.parse(text) == nil && len(l.bodyFile) > 0 {
			files[string(l.bodyFile)] = true
		}
	}
	return files
}

func (b *bench) write(t *testing.T, name string, text []byte) {
	t.Helper()
	f, err := b.disk.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	f.Write(text)
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// points are the instants at which a crash is most dangerous.
var points = []string{"before send", "in the body", "after fsync", "after rename", "in the append", "after the append"}

// TestCrashPoints kills the process, or cuts the power, at each named instant,
// the first time, the second and so on, then resumes.
func TestCrashPoints(t *testing.T) {
	t.Parallel()
	var want Summary
	synctest.Test(t, func(t *testing.T) {
		var err error
		if want, _, err = newBench(t, 1, 1).run(false); err != nil {
			t.Fatal(err)
		}
	})
	times := 8
	if testing.Short() {
		times = 2
	}
	for _, at := range points {
		for nth := 1; nth <= times; nth++ {
			for _, power := range []bool{false, true} {
				what := fmt.Sprintf("%s, time %d, power cut %v", at, nth, power)
				synctest.Test(t, func(t *testing.T) {
					b := newBench(t, uint64(nth), []float64{0, 0.5, 1}[nth%3])
					crashed := b.crashAt(at, nth, power)
					if !crashed {
						t.Fatalf("%s: it never came there", what)
					}
					b.check(t, what, want)
				})
			}
		}
	}
}

// crashAt runs until the nth time that a point is reached. From then on the
// process is dead.
func (b *bench) crashAt(at string, nth int, power bool) (crashed bool) {
	var mu sync.Mutex
	left := nth
	b.point = func(point string) {
		mu.Lock()
		defer mu.Unlock()
		if point == at && left > 0 {
			left--
		}
	}
	b.plan = func(vfs.Op) error {
		mu.Lock()
		defer mu.Unlock()
		if left == 0 {
			return vfs.ErrKilled
		}
		return nil
	}
	b.run(false)
	synctest.Wait()
	b.end(power)
	return left == 0
}

// end is what the disk has after a process died, or the power did.
func (b *bench) end(power bool) {
	if power {
		b.disk.Cut()
	} else {
		b.disk.Kill()
	}
}

// TestCrashAnywhere crashes at each call of the file system, and then, in the
// run that resumes, again and again.
func TestCrashAnywhere(t *testing.T) {
	t.Parallel()
	step := 1
	if testing.Short() {
		step = 7
	}
	var want Summary
	calls := 0
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, 1, 1)
		b.plan = func(op vfs.Op) error { calls = max(calls, op.N); return nil }
		var err error
		if want, _, err = b.run(false); err != nil {
			t.Fatal(err)
		}
	})
	if calls < 100 {
		t.Fatalf("a run makes %d calls", calls)
	}
	for n := 1; n <= calls; n += step {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(uint64(n), 3))
			b := newBench(t, uint64(n), rng.Float64())
			at := n
			for again := range 3 {
				b.plan = vfs.KillAt(at)
				b.run(again > 0)
				synctest.Wait()
				b.end(rng.IntN(2) == 0)
				at = 1 + rng.IntN(calls)
			}
			b.check(t, fmt.Sprintf("call %d", n), want)
		})
	}
}

// TestPostponedAndFailed: --retry-failed fetches again what failed, and the sums
// follow.
func TestRetryFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, 1, 1)
		if _, _, err := b.run(false); err != nil {
			t.Fatal(err)
		}
		b.net.take()
		log, err := OpenLog(b.disk, "/w/log", LogOptions{Resume: true})
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		log.Resume.RetryFailed = true
		c, err := New(nil, WithLog(log), WithDisk(b.disk), WithTransport(b.net))
		if err != nil {
			t.Fatal(err)
		}
		s, err := c.FetchAll(t.Context(), NewList(strings.NewReader(strings.Join(pretendList, "\n")), "list"))
		if err != nil {
			t.Fatal(err)
		}
		for path := range b.net.take() {
			if !strings.HasPrefix(path, "/status/") {
				t.Errorf("%s had succeeded and was fetched again", path)
			}
		}
		if s.TotalURLs != pretendURLs || s.Successful != 12 || s.Extra.Runs != 2 {
			t.Errorf("%+v", s)
		}
	})
}

// TestOtherList refuses to resume a log with another list.
func TestOtherList(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1, 1)
	log, err := OpenLog(b.disk, "/w/log", LogOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c, _ := New(nil, WithLog(log), WithTransport(b.net))
	if _, err := c.FetchAll(t.Context(), URLs("http://a.test/ok/1", "http://a.test/ok/2")); err != nil {
		t.Fatal(err)
	}
	log.Close()
	if log, err = OpenLog(b.disk, "/w/log", LogOptions{Resume: true}); err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	c, _ = New(nil, WithLog(log), WithTransport(b.net))
	_, err = c.FetchAll(t.Context(), URLs("http://a.test/ok/1", "http://a.test/ok/3"))
	var input *InputError
	if !errors.As(err, &input) || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("the error is %v", err)
	}
}

// TestRotate never overwrites a log.
func TestRotate(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1, 1)
	var names []string
	for range 3 {
		log, err := OpenLog(b.disk, "/w/log", LogOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := OpenLog(b.disk, "/w/log", LogOptions{}); err == nil {
			t.Fatal("a second process has the log")
		}
		log.Close()
	}
	names, _ = b.disk.ReadDir("/w")
	if want := []string{"log", "log.1", "log.2", "log.lock"}; !slices.Equal(names, want) {
		t.Errorf("files %q, want %q", names, want)
	}
}
