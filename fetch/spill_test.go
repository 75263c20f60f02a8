package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"holdfast/fetch/pace"
	"holdfast/fetch/retry"
	"holdfast/internal/vfs"
)

// TestSpoolQueues: a spool is a queue for each origin, whatever is put and taken.
func TestSpoolQueues(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		disk := vfs.NewCrash(1, 0)
		s := newSpool(disk, "/log.spool")
		twin := map[string][]spooled{}
		id, long := pace.ID(0), rapid.SampledFrom([]int{10, 3000, 40_000}).Draw(t, "text")
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				id++
				u := spooled{id: id, line: int64(id) * 3, text: strings.Repeat("x", rapid.IntRange(1, long).Draw(t, "long"))}
				if rapid.Bool().Draw(t, "tried") {
					u.notBefore, u.since, u.sends, u.status = time.Hour, time.Second, 7, 503
					u.state = retry.State{Attempts: 2, Exponent: 1, Once: 1 << 63, Paid: 5, Deadline: time.Hour, HTTP1: true}
					u.state.Retries[1] = 1
				}
				origin := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "origin")
				if err := s.put(origin, &u); err != nil {
					t.Fatal(err)
				}
				twin[origin] = append(twin[origin], u)
			},
			"take": func(t *rapid.T) {
				if len(twin) == 0 {
					t.Skip("it is empty")
				}
				origin := rapid.SampledFrom(slices.Sorted(maps.Keys(twin))).Draw(t, "origin")
				for range rapid.IntRange(1, len(twin[origin])).Draw(t, "n") {
					got, err := s.take(origin)
					if want := twin[origin][0]; err != nil || got != want {
						t.Fatalf("took %+v (%v), want %+v", got, err, want)
					}
					if twin[origin] = twin[origin][1:]; len(twin[origin]) == 0 {
						delete(twin, origin)
					}
				}
			},
			"": func(t *rapid.T) {
				n, tried := 0, 0
				for _, q := range twin {
					n += len(q)
					for _, u := range q {
						if u.state.Attempts > 0 {
							tried++
						}
					}
				}
				if s.n != n || s.tried != tried || n == 0 && s.size+int64(len(s.tail)) > 0 {
					t.Fatalf("%d URLs, %d tried, in %d bytes; want %d and %d", s.n, s.tried, s.size, n, tried)
				}
			},
		})
		if err := s.close(); err != nil {
			t.Fatal(err)
		}
		if _, err := disk.Stat("/log.spool"); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("the file is still there: %v", err)
		}
	})
}

// FuzzSpoolRecord: bytes that somebody has changed are an error, and what is
// accepted is written as it was.
func FuzzSpoolRecord(f *testing.F) {
	u := spooled{id: 1, line: 2, text: "http://a.test/", state: retry.State{Attempts: 1}}
	f.Add(u.append(nil)[spoolHead:])
	f.Fuzz(func(t *testing.T, b []byte) {
		var u, again spooled
		if u.parse(b) != nil {
			return
		}
		if err := again.parse(u.append(nil)[spoolHead:]); err != nil || again != u {
			t.Fatalf("%+v, then %+v (%v)", u, again, err)
		}
	})
}

// A gated is a transport on which origins ask for pauses: the n-th request of a
// host that begins with p is answered 503 with Retry-After if n%7 is 1, and all
// paths that have "later" in them fail once.
type gated struct {
	mu    sync.Mutex
	seen  map[string]int
	order []string
}

func (g *gated) RoundTrip(req *http.Request) (*http.Response, error) {
	g.mu.Lock()
	g.order = append(g.order, req.URL.String())
	host, url := req.URL.Host, req.Method+req.URL.String()
	if req.Body != nil {
		b, _ := io.ReadAll(req.Body)
		url += string(b) + req.Header.Get("X-A")
	}
	if g.seen == nil {
		g.seen = map[string]int{}
	}
	g.seen[host]++
	g.seen[url]++
	n, nth := g.seen[host], g.seen[url]
	g.mu.Unlock()
	select {
	case <-time.After(10 * time.Millisecond):
	case <-req.Context().Done():
		return nil, context.Cause(req.Context())
	}
	status, header := 200, http.Header{}
	switch {
	case host[0] == 'p' && n%7 == 1 && nth < 3:
		status = 503
		header.Set("Retry-After", "20")
	case strings.Contains(req.URL.Path, "later") && nth == 1:
		status = 500
	case strings.Contains(req.URL.Path, "gone"):
		status = 404
	}
	return &http.Response{StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Header: header, Body: http.NoBody, Request: req}, nil
}

func gatedList(n int) string {
	var b strings.Builder
	long := strings.Repeat("x", 600) // so that the spool does not fit its buffer
	for i := range n {
		switch i % 4 {
		case 0:
			fmt.Fprintf(&b, "http://p%d.test/later/%d?%s\n", i%3, i, long)
		case 1:
			fmt.Fprintf(&b, "http://p9.test/%d?%s\n", i, long)
		case 2:
			fmt.Fprintf(&b, `{"url":"http://p%d.test/gone/%d","method":"PUT","headers":{"X-A":"b%d"},"body":"body %d"}`+"\n", i%2, i, i, i)
		default:
			fmt.Fprintf(&b, "http://p%d.test/%d?%s\n", i%40, i, long)
		}
	}
	for i := range 50 {
		fmt.Fprintf(&b, "http://open%d.test/later/%d\n", i%5, i)
	}
	return b.String()
}

// spilled runs a list of which most waits, in virtual time.
func spilled(t *testing.T, disk vfs.Disk, resume bool, ctx context.Context, web http.RoundTripper, src func(*List) Source, change func(*Config)) (Summary, *engine, error) {
	t.Helper()
	log, err := OpenLog(disk, "/w/log", LogOptions{Resume: resume})
	if err != nil {
		return Summary{}, nil, err
	}
	defer log.Close()
	c := SmartDefaults()
	c.Concurrency, c.PerHost, c.Window, c.Seed, c.Retries, c.Budget, c.Breaker = 8, 4, 32, 7, 5, false, false
	change(&c)
	client, err := New(nil, WithConfig(c), WithLog(log), WithTransport(web))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	s, err := client.FetchAll(ctx, src(NewList(strings.NewReader(gatedList(400)), "list")))
	return s, client.current.Load(), err
}

func rereads(l *List) Source { return l }

// plainly hides that a list can be read again, so that nothing is spilled.
type plainly struct{ l *List }

func (p plainly) Next() (Unit, error) { return p.l.Next() }

func spillDisk(t *testing.T, seed uint64) *vfs.Crash {
	disk := vfs.NewCrash(seed, 0.5)
	if err := errors.Join(disk.MkdirAll("/w", 0o777), disk.SyncDir("/")); err != nil {
		t.Fatal(err)
	}
	return disk
}

func noSpool(t *testing.T, disk *vfs.Crash) {
	t.Helper()
	if _, err := disk.Stat("/w/log.spool"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the spool is still there: %v", err)
	}
}

// ends are what became of each line: outcome, attempts, status.
func ends(t *testing.T, disk *vfs.Crash) map[int64]string {
	t.Helper()
	all := map[int64]string{}
	for text := range strings.Lines(string((&bench{disk: disk}).read(t, "/w/log"))) {
		var l logLine
		if l.parse([]byte(text)) != nil || !l.final && !l.postponed {
			continue // a power cut leaves holes
		}
		if l.final && all[l.line] != "" && !strings.HasPrefix(all[l.line], "cancelled") {
			t.Errorf("line %d ends twice", l.line)
		}
		all[l.line] = fmt.Sprintf("%s %d %d %s", l.outcome, l.attempts, l.finalStatus, l.fp)
	}
	return all
}

// TestSpill: with a spool the same becomes of each URL as without one, methods,
// headers and bodies included, and origins that are open need not wait for those
// that ask for pauses.
func TestSpill(t *testing.T) {
	t.Parallel()
	run := func(src func(*List) Source) (result map[int64]string, web *gated, spilledOnes int) {
		synctest.Test(t, func(t *testing.T) {
			disk := spillDisk(t, 1)
			web = &gated{}
			s, e, err := spilled(t, disk, false, t.Context(), web, src, func(*Config) {})
			if err != nil || s.TotalURLs != 450 || s.Successful != 350 || !s.Extra.ListReadToEnd {
				t.Errorf("%d of %d, %v: %v", s.Successful, s.TotalURLs, s.Extra.Outcomes, err)
			}
			noSpool(t, disk)
			result, spilledOnes = ends(t, disk), e.sched.Counts().SpilledInAll
		})
		return
	}
	want, _, none := run(func(l *List) Source { return plainly{l} })
	got, web, n := run(rereads)
	if none != 0 || n < 250 {
		t.Fatalf("%d were spilled with a spool, %d without", n, none)
	}
	for line := range want {
		// How often an origin asks for a pause depends on when it is asked.
		if w, g := strings.Fields(want[line]), strings.Fields(got[line]); w[0] != g[0] || w[2] != g[2] || w[3] != g[3] {
			t.Errorf("line %d: %s with a spool, %s without", line, got[line], want[line])
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d lines end, want %d", len(got), len(want))
	}
	last := 0
	for i, url := range web.order {
		if strings.HasPrefix(url, "http://open") {
			last = i
		}
	}
	if last > len(web.order)/2 {
		t.Errorf("the last URL of an open origin was request %d of %d", last, len(web.order))
	}
}

// TestSpillKilled: whatever a dead process leaves of its spool, resuming ends as
// if nothing had happened.
func TestSpillKilled(t *testing.T) {
	t.Parallel()
	calls := 0
	synctest.Test(t, func(t *testing.T) {
		count := func(op vfs.Op) error { calls = max(calls, op.N); return nil }
		if _, _, err := spilled(t, vfs.NewFaulty(spillDisk(t, 1), count), false, t.Context(), &gated{}, rereads, func(*Config) {}); err != nil {
			t.Fatal(err)
		}
	})
	times := 12
	if testing.Short() {
		times = 4
	}
	left := 0
	for n := range times {
		synctest.Test(t, func(t *testing.T) {
			draw := rand.New(rand.NewPCG(uint64(n), 9))
			disk := spillDisk(t, uint64(n))
			spilled(t, vfs.NewFaulty(disk, vfs.KillAt(1+draw.IntN(calls))), false, t.Context(), &gated{}, rereads, func(*Config) {})
			synctest.Wait()
			(&bench{disk: disk}).end(n%2 == 0)
			if _, err := disk.Stat("/w/log.spool"); err == nil {
				left++
			}
			s, _, err := spilled(t, disk, true, t.Context(), &gated{}, rereads, func(*Config) {})
			if err != nil || s.TotalURLs != 450 || s.Successful != 350 {
				t.Errorf("after kill %d: %d of %d, %v: %v", n, s.Successful, s.TotalURLs, s.Extra.Outcomes, err)
			}
			noSpool(t, disk)
			if got := len(ends(t, disk)); got != 450 {
				t.Errorf("after kill %d: %d lines end", n, got)
			}
		})
	}
	if left == 0 {
		t.Error("no kill left a spool behind")
	}
}

// TestSpillFull: no room for the spool ends the run with one error that names
// the file; with room it goes on.
func TestSpillFull(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		disk := spillDisk(t, 1)
		full := func(op vfs.Op) error {
			if op.Call == "write" && strings.HasSuffix(op.Name, ".spool") {
				return &fs.PathError{Op: op.Call, Path: op.Name, Err: syscall.ENOSPC}
			}
			return nil
		}
		_, _, err := spilled(t, vfs.NewFaulty(disk, full), false, t.Context(), &gated{}, rereads, func(*Config) {})
		if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "/w/log.spool") {
			t.Fatalf("the error is %v", err)
		}
		noSpool(t, disk)
		s, _, err := spilled(t, disk, true, t.Context(), &gated{}, rereads, func(*Config) {})
		if err != nil || s.TotalURLs != 450 || s.Successful != 350 {
			t.Errorf("%d of %d, %v: %v", s.Successful, s.TotalURLs, s.Extra.Outcomes, err)
		}
	})
}

// TestSpillStopped: what was tried and waits in the spool when a run is stopped
// is put off with a record, and counted; then resuming ends it.
func TestSpillStopped(t *testing.T) {
	t.Parallel()
	waited := 0
	for after := 50 * time.Millisecond; after < 60*time.Second; after = after * 3 / 2 {
		synctest.Test(t, func(t *testing.T) {
			disk := spillDisk(t, 1)
			ctx, cancel := context.WithTimeout(t.Context(), after)
			defer cancel()
			s, e, err := spilled(t, disk, false, ctx, &gated{}, rereads, func(*Config) {})
			if err == nil {
				return
			}
			noSpool(t, disk)
			waited += e.spill.spool.n
			ended := ends(t, disk)
			records := int64(len(ended))
			if records != s.TotalURLs-s.Extra.Outcomes["not_started"] {
				t.Errorf("stopped after %v: %d lines have a record, the summary says %d of %d", after, records, s.TotalURLs-s.Extra.Outcomes["not_started"], s.TotalURLs)
			}
			for text := range strings.Lines(string((&bench{disk: disk}).read(t, "/w/log"))) {
				var l logLine
				if l.parse([]byte(text)) == nil && string(l.event) == "retry" && ended[l.line] == "" {
					t.Fatalf("stopped after %v: line %d was tried and has no end", after, l.line)
				}
			}
			if s, _, err = spilled(t, disk, true, t.Context(), &gated{}, rereads, func(*Config) {}); err != nil || s.TotalURLs != 450 {
				t.Errorf("%d of %d, %v: %v", s.Successful, s.TotalURLs, s.Extra.Outcomes, err)
			}
		})
	}
	if waited == 0 {
		t.Error("nothing was in the spool")
	}
}
