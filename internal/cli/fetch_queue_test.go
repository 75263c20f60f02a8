package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"holdfast/engine"
	"holdfast/engine/enginetest"
	"holdfast/internal/soak"
	"holdfast/lab/flakyhttp"
)

// A sharedJob is a job of the lab's URLs that several processes fetch, on an
// engine in this process.
type sharedJob struct {
	*testing.T
	server *flakyhttp.Server
	engine *enginetest.Engine
	conn   *engine.Conn
	dir    string
	urls   []string
}

func newSharedJob(t *testing.T, urls func(base string) []string) *sharedJob {
	t.Helper()
	j := &sharedJob{T: t, dir: t.TempDir()}
	var err error
	if j.server, err = flakyhttp.Start(flakyhttp.Config{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.server.Close() })
	j.engine = enginetest.Start(t, engine.Config{})
	j.conn = enginetest.Connect(t, j.engine.URL())
	j.urls = urls(j.server.URL())
	if err := os.WriteFile(j.path("list"), []byte(strings.Join(j.urls, "\n")+"\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	return j
}

func (j *sharedJob) path(name string) string { return filepath.Join(j.dir, name) }

func (j *sharedJob) enqueue(more ...string) *exec.Cmd {
	return program(j.T, append([]string{"fetch", "enqueue", "-i", j.path("list"), "--queue", j.engine.URL(), "--job", "j", "--quiet"}, more...)...)
}

// worker is a process of the job; its log is its own.
func (j *sharedJob) worker(name string, more ...string) *exec.Cmd {
	return program(j.T, append([]string{"fetch", "--queue", j.engine.URL(), "--job", "j", "--policy", "spec", "--timeout", "1m", "--initial-backoff", "1ms", "--max-backoff", "4ms",
		"--log", j.path(name + ".log"), "--summary", j.path(name + ".summary"), "--bodies", j.path("bodies"), "--attempt-header", "--quiet"}, more...)...)
}

// must runs a command that ends with a status.
func (j *sharedJob) must(want int, c *exec.Cmd) (stdout, stderr string) {
	j.Helper()
	var out, words bytes.Buffer
	c.Stdout, c.Stderr = &out, &words
	_ = c.Run()
	if got := c.ProcessState.ExitCode(); got != want {
		j.Fatalf("%v: exit status %d, want %d: %s", c.Args[1:], got, want, words.String())
	}
	return out.String(), words.String()
}

// A jobResult is what the job has of one URL.
type jobResult struct {
	at      time.Time
	records []string
}

// results are what the engine holds, by line.
func (j *sharedJob) results() map[int]jobResult {
	j.Helper()
	s, err := j.conn.JS.Stream(j.Context(), "HOLDFAST_RESULTS_j")
	if err != nil {
		j.Fatal(err)
	}
	all := map[int]jobResult{}
	for seq := uint64(1); seq <= s.CachedInfo().State.LastSeq; seq++ {
		m, err := s.GetMsg(j.Context(), seq)
		if err != nil {
			j.Fatal(err)
		}
		line, err := strconv.Atoi(strings.Split(m.Subject, ".")[3])
		if err != nil {
			j.Fatal(err)
		}
		if _, twice := all[line]; twice {
			j.Errorf("line %d has two results", line)
		}
		all[line] = jobResult{m.Time, strings.SplitAfter(strings.TrimSuffix(string(m.Data), "\n"), "\n")}
	}
	return all
}

// requests are those that the server saw, by line.
func (j *sharedJob) requests() map[int][]time.Time {
	j.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := j.server.Ledger.Wait(ctx); err != nil {
		j.Fatal(err)
	}
	lines := map[string]int{}
	for i, u := range j.urls {
		lines[u] = i + 1
	}
	seen := map[int][]time.Time{}
	for _, e := range j.server.Ledger.Entries() {
		seen[lines[e.URL]] = append(seen[lines[e.URL]], e.At)
	}
	return seen
}

// onceEach demands one result for each URL, and no request after it.
func (j *sharedJob) onceEach() {
	j.Helper()
	results, requests := j.results(), j.requests()
	if len(results) != len(j.urls) {
		j.Errorf("%d results, want %d", len(results), len(j.urls))
	}
	for line, r := range results {
		finals := 0
		for _, text := range r.records {
			finals += strings.Count(text, `"final":true`)
		}
		if finals != 1 || !strings.Contains(r.records[len(r.records)-1], `"final":true`) {
			j.Errorf("line %d: %d final records: %q", line, finals, r.records)
		}
		for _, at := range requests[line] {
			if at.After(r.at) {
				j.Errorf("line %d was done at %v and asked for at %v", line, r.at, at)
			}
		}
	}
}

// TestFetchQueueKilled kills processes that share a job, and the one that fills
// it, with SIGKILL at random times: each URL has one result, is not asked for
// after it, and the logs of all processes tell the same. HOLDFAST_SOAK=N kills N
// times as often.
func TestFetchQueueKilled(t *testing.T) {
	t.Parallel()
	kills := soak.Rounds(9, 24)
	j := newSharedJob(t, func(base string) (urls []string) {
		for n := range 12 * kills {
			path := mixedPath(n)
			if n%10 == 8 {
				path = fmt.Sprintf("/drip?numbytes=10&duration=0.2&delay=0&n=%d", n)
			}
			urls = append(urls, base+path)
		}
		return urls
	})
	rng := rand.New(rand.NewPCG(uint64(kills), 11))
	for range 3 {
		kill(t, j.enqueue("--ack-wait", "5s"), func() bool { return true }, time.Duration(rng.Int64N(int64(400*time.Millisecond))))
	}
	j.must(ExitOK, j.enqueue("--ack-wait", "5s"))

	var all sync.WaitGroup
	var killed atomic.Int64
	for slot := range 3 {
		rng := rand.New(rand.NewPCG(uint64(kills), uint64(slot)))
		all.Go(func() {
			for n := 0; ; n++ {
				name := fmt.Sprintf("%d.%d", slot, n)
				c := j.worker(name, "--concurrency", "4", "--rate", "80")
				if n < kills/3 {
					works := func() bool {
						info, err := os.Stat(j.path(name + ".log"))
						return err == nil && info.Size() > 0
					}
					if kill(t, c, works, time.Duration(rng.Int64N(int64(150*time.Millisecond)))) {
						killed.Add(1)
					}
					continue
				}
				var words bytes.Buffer
				c.Stderr = &words
				_ = c.Run()
				if got := c.ProcessState.ExitCode(); got != ExitNotHeld { // some URLs must fail
					t.Errorf("exit status %d: %s", got, words.String())
				}
				return
			}
		})
	}
	all.Wait()
	j.onceEach()

	// The logs together: one end for each delivery of a URL, and each result's
	// end in one of them unless its process was killed before it could write.
	ends, logged := map[string]int{}, map[string]bool{}
	logs, err := filepath.Glob(j.path("*.log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range logs {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			var r struct {
				Line, Run int
				Final     bool
			}
			if !strings.HasSuffix(line, "\n") {
				continue // torn by the kill
			}
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				t.Fatalf("%s: %v: %s", name, err, line)
			}
			if r.Final {
				ends[fmt.Sprint(r.Line, " ", r.Run)]++
				logged[line] = true
			}
		}
	}
	for delivery, n := range ends {
		if n > 1 {
			t.Errorf("line and delivery %s ended %d times", delivery, n)
		}
	}
	unlogged := 0
	for _, r := range j.results() {
		if !logged[r.records[len(r.records)-1]+"\n"] {
			unlogged++
		}
	}
	if unlogged > 3*len(logs) {
		t.Errorf("%d results are in no log", unlogged)
	}
	requests, repeated := j.requests(), 0
	for line, r := range j.results() {
		if n := len(requests[line]); n > len(r.records) {
			repeated++
		}
	}
	t.Logf("%d kills, %d logs, %d URLs asked for again, %d results in no log", killed.Load(), len(logs), repeated, unlogged)
	if killed.Load() == 0 {
		t.Error("nobody was killed: the test has lost its aim")
	}
}

// kill runs a command and kills it so long after it works, unless it ends before.
func kill(t *testing.T, c *exec.Cmd, works func() bool, after time.Duration) (killed bool) {
	t.Helper()
	if err := c.Start(); err != nil {
		t.Error(err)
		return false
	}
	ended := make(chan struct{})
	go func() {
		for !works() {
			select {
			case <-ended:
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
		time.Sleep(after)
		_ = c.Process.Kill()
	}()
	_ = c.Wait()
	close(ended)
	return c.ProcessState.ExitCode() == -1
}

// TestFetchQueueSlow holds a URL for longer than AckWait, beside a process that
// has nothing to do: it is not handed out again. AckWait is so long that no
// machine is too busy for two thirds of it.
func TestFetchQueueSlow(t *testing.T) {
	t.Parallel()
	j := newSharedJob(t, func(base string) []string { return []string{base + "/delay/8"} })
	j.must(ExitOK, j.enqueue("--ack-wait", "6s"))
	var all sync.WaitGroup
	for _, name := range []string{"a", "b"} {
		all.Go(func() { j.must(ExitOK, j.worker(name)) })
	}
	all.Wait()
	j.onceEach()
	if n := len(j.requests()[1]); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
}

// TestFetchQueueInterrupted: what a process has in hand when it is interrupted
// goes back at once, long before AckWait is over.
func TestFetchQueueInterrupted(t *testing.T) {
	t.Parallel()
	j := newSharedJob(t, func(base string) (urls []string) {
		for n := range 40 {
			urls = append(urls, fmt.Sprintf("%s/delay/0.2?n=%d", base, n))
		}
		return urls
	})
	j.must(ExitOK, j.enqueue("--ack-wait", "1h"))
	c := j.worker("a", "--concurrency", "2", "--queue-window", "20")
	var words bytes.Buffer
	c.Stderr = &words
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	for len(j.server.Ledger.Entries()) < 2 {
		if t.Context().Err() != nil {
			t.FailNow()
		}
		time.Sleep(10 * time.Millisecond)
	}
	_ = c.Process.Signal(os.Interrupt)
	_ = c.Wait()
	if c.ProcessState.ExitCode() != ExitInterrupted || !strings.Contains(words.String(), "what it had in hand went back") {
		t.Errorf("exit status %d: %s", c.ProcessState.ExitCode(), words.String())
	}
	j.must(ExitOK, j.worker("b"))
	j.onceEach()
	for line, all := range j.requests() {
		if len(all) != 1 {
			t.Errorf("line %d: %d requests", line, len(all))
		}
	}
}

// TestFetchQueueEngineLost stops the engine in the middle: what is in hand is
// finished, the process waits and then ends with one line; when the engine is
// there again, the job goes on.
func TestFetchQueueEngineLost(t *testing.T) {
	t.Parallel()
	j := newSharedJob(t, func(base string) (urls []string) {
		for n := range 30 {
			urls = append(urls, fmt.Sprintf("%s/delay/0.1?n=%d", base, n))
		}
		return urls
	})
	j.must(ExitOK, j.enqueue("--ack-wait", "1s"))
	begin := func(patience string) (*exec.Cmd, *bytes.Buffer) {
		c := j.worker("w"+patience, "--concurrency", "2", "--queue-patience", patience)
		words := &bytes.Buffer{}
		c.Stderr = words
		seen := len(j.server.Ledger.Entries())
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		for len(j.server.Ledger.Entries()) < seen+3 {
			if t.Context().Err() != nil {
				t.FailNow()
			}
			time.Sleep(10 * time.Millisecond)
		}
		return c, words
	}
	c, words := begin("3s")
	j.engine.Stop()
	_ = c.Wait()
	last := strings.Split(strings.TrimSpace(words.String()), "\n")
	if c.ProcessState.ExitCode() != ExitEnvironment || !strings.Contains(last[len(last)-1], ": no server answers (") {
		t.Errorf("exit status %d: %s", c.ProcessState.ExitCode(), words.String())
	}
	j.engine.Restart()
	c, words = begin("1m") // this one sees the engine go and come
	j.engine.Restart()
	if err := c.Wait(); err != nil {
		t.Errorf("%v: %s", err, words.String())
	}
	j.conn = enginetest.Connect(t, j.engine.URL())
	j.onceEach()
}
