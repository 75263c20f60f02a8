package cli

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"holdfast/internal/soak"
	"holdfast/lab/flakyhttp"
)

// TestFetchKilled kills the real program with SIGKILL at random times and
// resumes, again and again: every line ends exactly once, what was complete is
// never asked for again (the server's ledger knows), and bodies are whole.
// HOLDFAST_SOAK=N does N times as much.
func TestFetchKilled(t *testing.T) {
	t.Parallel()
	lists, kills := soak.Rounds(1, 1), 200
	if testing.Short() {
		kills = 20
	}
	for seed := range lists {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			k := newKilled(t, uint64(seed), kills)
			k.run(kills)
			t.Logf("%d kills, %d of them while URLs were in flight; %d ended before", k.kills, k.busy, k.ended)
		})
	}
}

// killed is one list that is fetched by processes that are killed.
type killed struct {
	*testing.T
	server *flakyhttp.Server
	dir    string
	urls   []string
	rng    *rand.Rand

	kills, busy int
	ended       int           // processes that ended before they could be killed
	stop, over  chan struct{} // of killLater
}

// mixedPath is the nth path of a list of which most are fetched at once, some
// never, and some the second time.
func mixedPath(n int) string {
	switch n % 10 {
	case 3:
		return fmt.Sprintf("/status/503?n=%d", n)
	case 6:
		return fmt.Sprintf("/status/404?n=%d", n)
	case 9:
		return fmt.Sprintf("/fault/seq/%d/500,200", n)
	}
	return fmt.Sprintf("/bytes/2000?seed=%d&n=%d", n+1, n)
}

func newKilled(t *testing.T, seed uint64, kills int) *killed {
	server, err := flakyhttp.Start(flakyhttp.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	k := &killed{T: t, server: server, dir: t.TempDir(), rng: rand.New(rand.NewPCG(seed, 5)),
		stop: make(chan struct{}), over: make(chan struct{})}
	var list strings.Builder
	for n := range linesPerKill * kills {
		k.urls = append(k.urls, server.URL()+mixedPath(n))
		fmt.Fprintln(&list, k.urls[n])
	}
	if err := os.WriteFile(k.path("list"), []byte(list.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	return k
}

func (k *killed) path(name string) string { return filepath.Join(k.dir, name) }

// linesPerKill is how many lines of the list a process has more than the one
// before it, on average.
const linesPerKill = 3

// run starts processes that are killed, as many times, and then one that ends.
// Each has some lines more than the one before it. Nearly all read them from a
// pipe that stays open, so that none of these can end before it is killed,
// however fast it is or slow the machine; the others may.
func (k *killed) run(kills int) {
	lines := 0
	for n := 0; k.kills < kills; n++ {
		more := 1 + k.rng.IntN(2*linesPerKill-1)
		lines = min(lines+more, len(k.urls))
		in := io.Reader(strings.NewReader(strings.Join(k.urls[:lines], "\n") + "\n"))
		requests, pause := 1+k.rng.IntN(more), time.Millisecond
		if lines == len(k.urls) {
			requests = 0 // all may be done
		}
		held := n%8 != 0
		if !held {
			requests, pause = 0, 150*time.Millisecond
		}
		k.live(in, held, requests, time.Duration(k.rng.Int64N(int64(pause))))
	}
	list, err := os.Open(k.path("list"))
	if err != nil {
		k.Fatal(err)
	}
	defer list.Close()
	k.check(k.live(list, false, 0, -1))
}

// live runs a process with a list, of which there may be more if it is held. It
// is killed a while after it has made some requests, if the while is not
// negative. Of a process that ends by itself it gives the output.
func (k *killed) live(list io.Reader, held bool, requests int, pause time.Duration) (out []byte) {
	complete, _ := k.finals()
	seen := len(k.entries())
	c := program(k.T, "fetch", "-i", "-", "--log", k.path("log"), "--summary", k.path("summary"),
		"--bodies", k.path("bodies"), "--resume", "--policy", "spec", "--timeout", "1m", "--slow", "1ms", "--initial-backoff", "1ms", "--max-backoff", "4ms",
		"--concurrency", "8", "--attempt-header", "--json")
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	in, err := c.StdinPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		k.Fatal(err)
	}
	if _, err := io.Copy(in, list); err != nil {
		k.Fatal(err) // a pipe holds more than any list here
	}
	if !held {
		in.Close()
	}
	if pause >= 0 {
		go k.killLater(c, seen+requests, pause)
	} else {
		close(k.over)
	}
	_ = c.Wait()
	k.wait()
	entries := k.entries()
	for _, e := range entries[seen:] {
		if line := k.lineOf(e); complete[line] {
			k.Fatalf("after %d kills: line %d was complete and was asked for again", k.kills, line)
		}
	}
	switch status := c.ProcessState.ExitCode(); {
	case status == -1 && pause >= 0:
		k.kills++
		if len(entries) > seen {
			k.busy++
		}
	case held, status != ExitOK && status != ExitNotHeld: // some URLs must fail
		k.Fatalf("after %d kills: status %d: %s", k.kills, status, stderr.String())
	default:
		k.ended++
	}
	return stdout.Bytes()
}

// killLater kills a while after so many requests.
func (k *killed) killLater(c *exec.Cmd, requests int, pause time.Duration) {
	defer close(k.over)
	for len(k.server.Ledger.Entries()) < requests {
		select {
		case <-k.stop:
			return
		case <-time.After(200 * time.Microsecond):
		}
	}
	select {
	case <-k.stop:
	case <-time.After(pause):
		_ = c.Process.Kill()
	}
}

// wait ends killLater.
func (k *killed) wait() {
	close(k.stop)
	<-k.over
	k.stop, k.over = make(chan struct{}), make(chan struct{})
}

// entries is the server's ledger, complete up to now.
func (k *killed) entries() (urls []string) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := k.server.Ledger.Wait(ctx); err != nil {
		k.Fatal(err)
	}
	for _, e := range k.server.Ledger.Entries() {
		urls = append(urls, e.URL)
	}
	return urls
}

func (k *killed) lineOf(url string) int64 {
	for n, u := range k.urls {
		if u == url {
			return int64(n + 1)
		}
	}
	return 0
}

// finals are the lines that whole final records are of, and their bodies.
func (k *killed) finals() (map[int64]bool, map[int64]string) {
	done, bodies := map[int64]bool{}, map[int64]string{}
	text, err := os.ReadFile(k.path("log"))
	if err != nil {
		return done, bodies
	}
	text = text[:bytes.LastIndexByte(text, '\n')+1]
	s := bufio.NewScanner(bytes.NewReader(text))
	s.Buffer(nil, 1<<20)
	type record struct {
		Line     int64
		Final    bool
		BodyFile string `json:"body_file"`
		SHA256   string
	}
	files := map[int64]record{}
	for s.Scan() {
		var r record
		if err := json.Unmarshal(s.Bytes(), &r); err != nil {
			k.Fatalf("after %d kills: %v: %s", k.kills, err, s.Text())
		}
		if r.BodyFile != "" {
			files[r.Line] = r // of a slow answer, as about half are here, another record is the final one
		}
		if !r.Final {
			continue
		}
		if done[r.Line] {
			k.Fatalf("after %d kills: line %d has two final records", k.kills, r.Line)
		}
		done[r.Line] = true
		if r = files[r.Line]; r.BodyFile != "" {
			bodies[r.Line] = r.BodyFile
			body, err := os.ReadFile(r.BodyFile)
			if sum := sha256.Sum256(body); err != nil || hex.EncodeToString(sum[:]) != r.SHA256 {
				k.Fatalf("after %d kills: the body of line %d is not what the log says: %v", k.kills, r.Line, err)
			}
		}
	}
	return done, bodies
}

func (k *killed) check(summary []byte) {
	done, bodies := k.finals()
	if len(done) != len(k.urls) {
		k.Errorf("%d lines have a final record, want %d", len(done), len(k.urls))
	}
	var s struct {
		Total      int `json:"total_urls"`
		Successful int
		ByStatus   map[string]int `json:"by_status"`
	}
	if err := json.Unmarshal(summary, &s); err != nil {
		k.Fatal(err)
	}
	if want := len(k.urls) * 8 / 10; s.Total != len(k.urls) || s.Successful != want || len(bodies) != want || s.ByStatus["503"] != len(k.urls)/10 {
		k.Errorf("%+v, %d bodies; want %d of %d", s, len(bodies), want, len(k.urls))
	}
	names, err := os.ReadDir(k.path("bodies"))
	if err != nil {
		k.Fatal(err)
	}
	if len(names) != len(bodies) {
		k.Errorf("%d files of bodies, want %d", len(names), len(bodies))
	}
}
