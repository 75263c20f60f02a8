package cli

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"holdfast/lab/flakyhttp"
)

// TestFetchKilled kills the real program with SIGKILL at random times and
// resumes, again and again, until the list is done: every line ends exactly
// once, what was complete is never asked for again (the server's ledger knows),
// and bodies are whole. HOLDFAST_SOAK=N does N times as much.
func TestFetchKilled(t *testing.T) {
	t.Parallel()
	factor, err := strconv.Atoi(os.Getenv("HOLDFAST_SOAK"))
	if err != nil || factor < 1 {
		factor = 1
	}
	lists := factor
	for seed := range lists {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			k := newKilled(t, uint64(seed))
			k.run()
			t.Logf("%d kills, %d of them while URLs were in flight", k.kills, k.busy)
			if k.kills < 20 && !testing.Short() {
				t.Errorf("only %d kills", k.kills)
			}
		})
	}
}

// killed is one list that is fetched by processes that are killed.
type killed struct {
	*testing.T
	server      *flakyhttp.Server
	dir         string
	urls        []string
	rng         *rand.Rand
	kills, busy int
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

func newKilled(t *testing.T, seed uint64) *killed {
	server, err := flakyhttp.Start(flakyhttp.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	k := &killed{T: t, server: server, dir: t.TempDir(), rng: rand.New(rand.NewPCG(seed, 5)),
		stop: make(chan struct{}), over: make(chan struct{})}
	var list strings.Builder
	for n := range k.size() {
		k.urls = append(k.urls, server.URL()+mixedPath(n))
		fmt.Fprintln(&list, k.urls[n])
	}
	if err := os.WriteFile(k.path("list"), []byte(list.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	return k
}

func (k *killed) size() int {
	if testing.Short() {
		return 60
	}
	return 800
}

func (k *killed) path(name string) string { return filepath.Join(k.dir, name) }

func (k *killed) run() {
	program, err := os.Executable()
	if err != nil {
		k.Fatal(err)
	}
	for {
		complete, _ := k.finals()
		seen := len(k.entries())
		ctx, cancel := context.WithCancel(context.Background())
		go k.killLater(cancel, seen)
		c := exec.CommandContext(ctx, program, "fetch", "-i", k.path("list"), "--log", k.path("log"), "--summary", k.path("summary"),
			"--bodies", k.path("bodies"), "--resume", "--policy", "spec", "--initial-backoff", "1ms", "--max-backoff", "4ms",
			"--concurrency", "8", "--attempt-header", "--json")
		c.Args[0] = "holdfast"
		var out, stderr bytes.Buffer
		c.Stdout, c.Stderr = &out, &stderr
		err := c.Run()
		died := ctx.Err() != nil
		cancel()
		k.wait()
		entries := k.entries()
		for _, e := range entries[seen:] {
			if line := k.lineOf(e); complete[line] {
				k.Fatalf("after %d kills: line %d was complete and was asked for again", k.kills, line)
			}
		}
		var exit *exec.ExitError
		switch {
		case died:
			k.kills++
			if len(entries) > seen {
				k.busy++
			}
			continue
		case !errors.As(err, &exit) || exit.ExitCode() != ExitNotHeld: // some URLs must fail
			k.Fatalf("after %d kills: %v: %s", k.kills, err, stderr.String())
		}
		k.check(out.Bytes())
		return
	}
}

// killLater kills after a few more requests, or now and then at any time. It
// waits longer and longer, so that the list gets done.
func (k *killed) killLater(kill func(), seen int) {
	defer close(k.over)
	requests, any := 1+k.rng.IntN(6+k.kills/20), k.rng.IntN(8) == 0
	pause := time.Duration(k.rng.Int64N(int64(time.Millisecond)))
	if any {
		pause = time.Duration(k.rng.Int64N(int64(150 * time.Millisecond)))
	}
	for !any && len(k.server.Ledger.Entries()) < seen+requests {
		select {
		case <-k.stop:
			return
		case <-time.After(200 * time.Microsecond):
		}
	}
	select {
	case <-k.stop:
	case <-time.After(pause):
		kill()
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
	for s.Scan() {
		var r struct {
			Line     int64
			Final    bool
			BodyFile string `json:"body_file"`
			SHA256   string
		}
		if err := json.Unmarshal(s.Bytes(), &r); err != nil {
			k.Fatalf("after %d kills: %v: %s", k.kills, err, s.Text())
		}
		if !r.Final {
			continue
		}
		if done[r.Line] {
			k.Fatalf("after %d kills: line %d has two final records", k.kills, r.Line)
		}
		done[r.Line] = true
		if r.BodyFile != "" {
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
