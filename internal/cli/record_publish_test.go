package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"holdfast/engine"
	"holdfast/engine/enginetest"
	"holdfast/internal/soak"
)

// publishers is two recorders of one session, which are processes of their own,
// and the engine that they publish to.
type publishers struct {
	t    *testing.T
	dir  string
	url  string
	conn *engine.Conn
	rng  *rand.Rand
	all  [2]*publisherProcess
}

type publisherProcess struct {
	name  string
	cmd   *exec.Cmd
	words bytes.Buffer
	gone  chan struct{}
}

const publishLease = 600 * time.Millisecond

func newPublishers(t *testing.T, url string, replicas, packets int, seed uint64) *publishers {
	t.Helper()
	p := &publishers{t: t, dir: t.TempDir(), rng: rand.New(rand.NewPCG(seed, 8))}
	p.url = fmt.Sprintf("%s?replicas=%d&lease=%v&window=8&wait=60s", url, replicas, publishLease)
	p.conn = enginetest.Connect(t, url)
	var in bytes.Buffer
	for i := range packets {
		body := fmt.Appendf(nil, "packet %d", i)
		fmt.Fprintf(&in, "{\"sequence\":%d,\"timestamp\":%d.5,\"payload\":\"%x\",\"checksum\":%d}\n", i, i, body, crc32.ChecksumIEEE(body))
	}
	if err := os.WriteFile(filepath.Join(p.dir, "in.jsonl"), in.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"a", "b"} {
		p.all[i] = &publisherProcess{name: name}
		p.start(p.all[i])
	}
	t.Cleanup(func() {
		for _, r := range p.all {
			p.signal(r, syscall.SIGKILL)
			<-r.gone
		}
	})
	return p
}

func (p *publishers) log(name string) string { return filepath.Join(p.dir, name+".log") }

func (p *publishers) start(r *publisherProcess) {
	p.t.Helper()
	r.words.Reset()
	r.gone = make(chan struct{})
	r.cmd = program(p.t, "record", "--source", "jsonl", "-i", filepath.Join(p.dir, "in.jsonl"), "--state-dir", filepath.Join(p.dir, r.name),
		"--log", p.log(r.name), "--to", p.url, "--node", r.name, "--durability", "none", "--quiet", "--connect-timeout", "1m")
	r.cmd.Stderr = &r.words
	if err := r.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() {
		_ = r.cmd.Wait()
		close(r.gone)
	}()
}

func (p *publishers) signal(r *publisherProcess, s syscall.Signal) { _ = r.cmd.Process.Signal(s) }

// active is the recorder that has the lease; nil if none has.
func (p *publishers) active() *publisherProcess {
	kv, err := p.conn.JS.KeyValue(p.t.Context(), "HF_LEASE")
	if err != nil {
		return nil
	}
	e, err := kv.Get(p.t.Context(), "jsonl-in")
	if err != nil {
		return nil
	}
	var h struct{ Node string }
	if err := json.Unmarshal(e.Value(), &h); err != nil {
		p.t.Fatal(err)
	}
	for _, r := range p.all {
		if r.name == h.Node {
			return r
		}
	}
	return nil
}

// messages is how many the stream has.
func (p *publishers) messages() uint64 {
	s, err := p.conn.JS.Stream(p.t.Context(), "HF_jsonl-in")
	if err != nil {
		return 0
	}
	return s.CachedInfo().State.LastSeq
}

// busy waits until a recorder publishes, and some more messages are there; nil
// if the stream has all.
func (p *publishers) busy(all uint64) *publisherProcess {
	p.t.Helper()
	from := p.messages()
	for p.t.Context().Err() == nil {
		n := p.messages()
		if n >= all {
			return nil
		}
		if r := p.active(); r != nil && n > from {
			time.Sleep(time.Duration(p.rng.Int64N(int64(10 * time.Millisecond))))
			return r
		}
		time.Sleep(time.Millisecond) // for the processes' sake
	}
	p.t.FailNow()
	return nil
}

// kill ends the active one, and starts it again now or when the other has taken over.
func (p *publishers) kill(r *publisherProcess, again bool) {
	p.signal(r, syscall.SIGKILL)
	<-r.gone
	if !again {
		p.takenOver(r)
	}
	p.start(r)
}

// stop stops the active one beyond its lease, and lets it go on.
func (p *publishers) stop(r *publisherProcess) {
	p.signal(r, syscall.SIGSTOP)
	p.takenOver(r)
	p.signal(r, syscall.SIGCONT)
}

func (p *publishers) takenOver(r *publisherProcess) {
	p.t.Helper()
	for now := p.active(); now == nil || now == r; now = p.active() {
		if p.t.Context().Err() != nil {
			p.t.FailNow()
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// finish waits for both, and lets verify --to judge both logs.
func (p *publishers) finish(packets int) {
	p.t.Helper()
	for _, r := range p.all {
		<-r.gone
		if got := r.cmd.ProcessState.ExitCode(); got != ExitOK {
			p.t.Errorf("recorder %s: exit status %d: %s", r.name, got, r.words.String())
		}
		c := program(p.t, "record", "verify", "--state-dir", filepath.Join(p.dir, r.name), "--log", p.log(r.name), "--to", p.url, "--node", r.name, "--json")
		out, err := c.Output()
		if want := fmt.Sprintf(`"messages":%d,"lines":%d,`, packets, packets); err != nil || !strings.Contains(string(out), want) {
			p.t.Errorf("recorder %s: %v: %s", r.name, err, out)
		}
	}
}

// TestRecordPublishKilled: two recorders of one session, of which the active one
// is killed again and again, or stopped until the other has taken over: the
// stream has each line once, in order.
func TestRecordPublishKilled(t *testing.T) {
	t.Parallel()
	s := enginetest.Start(t, engine.Config{})
	rounds := soak.Rounds(3, 3)
	packets := 1500 * rounds
	p := newPublishers(t, s.URL(), 1, packets, 1)
	acts := [3]int{}
	for i := range rounds {
		r := p.busy(uint64(packets))
		if r == nil {
			break
		}
		switch acts[i%3]++; i % 3 {
		case 0:
			p.kill(r, true)
		case 1:
			p.stop(r)
		default:
			p.kill(r, false)
		}
	}
	p.finish(packets)
	t.Logf("killed and started again %d times, stopped %d times, killed for good %d times", acts[0], acts[1], acts[2])
	if acts[2] == 0 {
		t.Error("it was over too soon: the test proves nothing")
	}
}

// TestRecordPublishForeign: a stream with a message of nobody's is left alone.
func TestRecordPublishForeign(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := enginetest.Start(t, engine.Config{})
	conn := enginetest.Connect(t, s.URL())
	run := func(want int, args ...string) string {
		t.Helper()
		c := program(t, append(args, "--state-dir", dir, "--log", filepath.Join(dir, "log"), "--to", s.URL())...)
		var words bytes.Buffer
		c.Stderr = &words
		_ = c.Run()
		if got := c.ProcessState.ExitCode(); got != want {
			t.Fatalf("exit status %d, want %d: %s", got, want, words.String())
		}
		return words.String()
	}
	record := []string{"record", "--source", "lab", "--packets", "20", "--termination-prob", "0"}
	run(ExitOK, record...)
	if _, err := conn.JS.Publish(t.Context(), "holdfast.rec.lab-42", []byte("hello")); err != nil {
		t.Fatal(err)
	}
	const want = `a message that no recorder of this session published: its id is "", not lab-42:SEQUENCE`
	for _, args := range [][]string{record, {"record", "verify"}} {
		if words := run(ExitInput, args...); !strings.Contains(words, want) || strings.Count(words, "\n") != 1 {
			t.Errorf("%v: %s", args, words)
		}
	}
}

// TestRecordPublishKilledNodes is the same on three servers with three replicas, of
// which one is killed. It takes half a minute, most of it waiting for leaders.
func TestRecordPublishKilledNodes(t *testing.T) {
	t.Parallel()
	if soak.Rounds(1, 1) == 1 {
		t.Skip("elections of three servers take their time: go run ./internal/check -soak 2")
	}
	nodes, url := newEngineNodes(t, 3)
	const packets = 20_000
	p := newPublishers(t, url, 3, packets, 2)
	for i := range 6 {
		r := p.busy(packets)
		switch {
		case r == nil:
			t.Fatal("it was over too soon: the test proves nothing")
		case i == 2:
			nodes[p.rng.IntN(3)].kill()
		case i%3 == 1:
			p.stop(r)
		default:
			p.kill(r, i%2 == 0)
		}
	}
	p.finish(packets)
}
