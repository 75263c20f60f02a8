package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"holdfast/engine"
	"holdfast/engine/enginetest"
	"holdfast/engine/mailbox"
	"holdfast/internal/soak"
	"holdfast/merge"
	"holdfast/merge/runner"
)

// A natsJob is one job, run in one of two ways.
type natsJob struct {
	url   string
	dir   string
	o     runner.JobOptions
	lists [][]int32
}

func (j *natsJob) output(i int) string {
	if j.o.Balance == merge.Coded {
		return filepath.Join(j.dir, "output")
	}
	return filepath.Join(j.dir, fmt.Sprintf("part.%d", i))
}

// calm runs all workers in this process, undisturbed.
func (j *natsJob) calm(t *testing.T) {
	t.Helper()
	failed := make(chan error, len(j.lists))
	for i := range j.lists {
		o := j.o
		o.ID, o.Data, o.Output, o.Owner = i, j.lists[i], j.output(i), fmt.Sprint("worker ", i)
		go func() { failed <- runMember(t.Context(), j.url, o) }()
	}
	for range j.lists {
		if err := <-failed; err != nil {
			t.Fatal(err)
		}
	}
}

func runMember(ctx context.Context, url string, o runner.JobOptions) error {
	conn, err := engine.Connect(ctx, engine.Access{URL: url})
	if err != nil {
		return err
	}
	defer conn.Close()
	box, err := mailbox.Open(ctx, conn, mailbox.Config{Job: o.Job, Of: o.Of, Words: o.Words, Options: o.Spell(), Owner: o.Owner}, o.ID)
	if err != nil {
		return err
	}
	defer box.Close()
	m, err := runner.NewMember(ctx, o, box)
	if err != nil {
		return err
	}
	defer m.Close()
	return m.Run(ctx, runner.Patience{})
}

// killed runs each worker as a process of its own, kills it with SIGKILL kills
// times at random moments, and lets it end then. It gives the kills that hit.
func (j *natsJob) killed(t *testing.T, kills int, seed uint64) int {
	t.Helper()
	var hit atomic.Int64
	var group sync.WaitGroup
	for i, list := range j.lists {
		data := filepath.Join(j.dir, fmt.Sprintf("data.%d", i))
		var text bytes.Buffer
		for _, v := range list {
			fmt.Fprintln(&text, v)
		}
		if err := os.WriteFile(data, text.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		args := []string{"merge", "worker", "--quiet", "--nats", j.url, "--job", j.o.Job, "--id", fmt.Sprint(i), "--of", fmt.Sprint(len(j.lists)),
			"--data", data, "--output", j.output(i), "--words", fmt.Sprint(j.o.Words), "--balance", j.o.Balance.String(), "--duplicates", j.o.Duplicates.String(),
			"--durability", "none"}
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		group.Go(func() {
			// Later and later, so that it gets to the end on a busy machine.
			longest := 150 * time.Millisecond
			for n := 0; ; n++ {
				c := program(t, args...)
				var words bytes.Buffer
				c.Stderr = &words
				if err := c.Start(); err != nil {
					t.Error(err)
					return
				}
				if n < kills {
					timer := time.AfterFunc(20*time.Millisecond+time.Duration(rng.Int64N(int64(longest))), func() { c.Process.Kill() })
					defer timer.Stop()
					longest += 10 * time.Millisecond
				}
				err := c.Wait()
				var exit *exec.ExitError
				switch {
				case n < kills && errors.As(err, &exit) && exit.ExitCode() == -1:
					hit.Add(1)
				case err != nil:
					t.Errorf("worker %d: %v: %s", i, err, words.String())
					return
				case n >= kills:
					return
				}
			}
		})
	}
	group.Wait()
	return int(hit.Load())
}

// outcome is what must not depend on kills: outputs, messages by subject,
// statistics.
func (j *natsJob) outcome(t *testing.T, conn *engine.Conn) string {
	t.Helper()
	var b strings.Builder
	for i := range j.lists {
		text, err := os.ReadFile(j.output(i))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "part %d\n%s", i, text)
	}
	if stray, _ := filepath.Glob(filepath.Join(j.dir, "*.tmp")); len(stray) > 0 {
		fmt.Fprintf(&b, "%v are left\n", stray)
	}
	job, err := mailbox.Find(t.Context(), conn, j.o.Job, 0)
	if err != nil {
		t.Fatal(err)
	}
	all, err := job.Messages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	slices.SortStableFunc(all, func(a, b mailbox.Stored) int { return strings.Compare(a.Subject, b.Subject) })
	for _, m := range all {
		fmt.Fprintf(&b, "%s %s\n", strings.TrimPrefix(m.Subject, "merge."+j.o.Job), m.Body)
	}
	records, err := job.Records(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range records {
		stats := r[bytes.Index(r, []byte(`"stats"`)):bytes.Index(r, []byte(`"in"`))]
		fmt.Fprintf(&b, "%d: %s\n", i, stats)
	}
	return b.String()
}

// TestMergeNATSKilled kills the workers of jobs on an engine with SIGKILL at
// random moments, again and again: parts, messages and statistics are those of
// an undisturbed run.
func TestMergeNATSKilled(t *testing.T) {
	t.Parallel()
	server := enginetest.Start(t, engine.Config{})
	conn := enginetest.Connect(t, server.URL())
	total := 0
	rounds := soak.Rounds(1, 1)
	for round := range rounds {
		for n, c := range []struct {
			k, size, words int
			balance        merge.Mode
			kills          int
		}{
			{4, 5000, 10, merge.Touch, 5}, {2, 5000, 10, merge.Coded, 4}, {3, 3000, 64, merge.Touch, 2}, {8, 1500, 9, merge.Touch, 4},
		} {
			if rounds == 1 && n > 1 {
				break // processes of 8 workers take more than a busy machine has
			}
			seed := uint64(100*round + n)
			rng := rand.New(rand.NewPCG(seed, 9))
			all := make([][]int32, c.k)
			seen := map[int32]bool{}
			for i := range all {
				for range c.size {
					if v := int32(rng.Uint32()); !seen[v] {
						seen[v] = true
						all[i] = append(all[i], v)
					}
				}
			}
			run := func(name string) *natsJob {
				j := &natsJob{url: server.URL(), dir: t.TempDir(), lists: all,
					o: runner.JobOptions{Job: fmt.Sprintf("%s%d", name, seed), Of: c.k, Words: c.words, Balance: c.balance, Durability: runner.None}}
				return j
			}
			calm, wild := run("calm"), run("wild")
			calm.calm(t)
			hit := wild.killed(t, c.kills, seed)
			total += hit
			if t.Failed() {
				return
			}
			if got, want := wild.outcome(t, conn), calm.outcome(t, conn); got != want {
				t.Fatalf("seed %d, %d workers, %d kills: %d bytes of outcome, not the %d of a calm run:\n%s", seed, c.k, hit, len(got), len(want), firstDifference(got, want))
			}
		}
	}
	if total < 7*rounds { // on a fast machine some end before they are killed
		t.Errorf("only %d kills hit", total)
	}
	t.Logf("%d kills", total)
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range x {
		if i >= len(y) || x[i] != y[i] {
			return fmt.Sprintf("line %d: %.300s\nnot %.300s", i+1, x[i], strings.Join(y[min(i, len(y)):min(i+1, len(y))], ""))
		}
	}
	return "the end"
}

// TestMergeNATSStopped: a worker that is stopped is taken over by another
// process; when it goes on it loses its first update and ends with one line. A
// second process beside one that answers does not even begin.
func TestMergeNATSStopped(t *testing.T) {
	t.Parallel()
	url := newEngineProcess(t).url
	dir := t.TempDir()
	for name, list := range map[string]string{"a": "1\n3\n5\n", "b": "2\n4\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(list), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	worker := func(id int, data string) *exec.Cmd {
		return program(t, "merge", "worker", "--nats", url, "--job", "j", "--id", fmt.Sprint(id), "--data", filepath.Join(dir, data), "--output", filepath.Join(dir, fmt.Sprint("part", id)))
	}
	var words bytes.Buffer
	first := worker(0, "a")
	first.Stderr = &words
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	defer first.Process.Kill()
	conn := enginetest.Connect(t, url)
	for { // until it waits for the other one
		if job, err := mailbox.Find(t.Context(), conn, "j", 0); err == nil {
			if records, err := job.Records(t.Context()); err == nil && bytes.Contains(records[0], []byte(`"stage":"WAIT"`)) {
				break
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
	out, err := worker(0, "a").CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != ExitEnvironment || strings.Count(string(out), "\n") != 1 ||
		!strings.Contains(string(out), "holdfast: job j: another process (") || !strings.Contains(string(out), fmt.Sprintf("process %d", first.Process.Pid)) {
		t.Errorf("a second process: %v: %s", err, out)
	}
	if err := first.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	second := worker(0, "a")
	if err := second.Start(); err != nil {
		t.Fatal(err)
	}
	if out, err := worker(1, "b").CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	if err := second.Wait(); err != nil {
		t.Error(err)
	}
	if err := first.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	_ = first.Wait()
	lines := strings.Split(strings.TrimSpace(words.String()), "\n")
	last := lines[len(lines)-1]
	if first.ProcessState.ExitCode() != ExitEnvironment || !strings.HasPrefix(last, "holdfast: job j: another process (") || !strings.Contains(last, "runs worker 0: this one stops") {
		t.Errorf("status %d: %s", first.ProcessState.ExitCode(), words.String())
	}
	if text, err := os.ReadFile(filepath.Join(dir, "part0")); err != nil || !strings.HasPrefix(string(text), "1\n2\n") {
		t.Errorf("%q, %v", text, err)
	}
}

// TestMergeNATSGone: the engine goes away in the middle of a run, for longer
// than a worker waits: it ends with one line, and goes on when the engine is
// back.
func TestMergeNATSGone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := enginetest.Start(t, engine.Config{})
	url := server.URL()
	for i := range 2 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint("data", i)), fmt.Appendf(nil, "%d\n%d\n", i, 10+i), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	worker := func(id int, more ...string) *exec.Cmd {
		return program(t, append([]string{"merge", "worker", "--nats", url, "--job", "j", "--id", fmt.Sprint(id), "--data", filepath.Join(dir, fmt.Sprint("data", id)),
			"--output", filepath.Join(dir, fmt.Sprint("part", id))}, more...)...)
	}
	first := worker(0, "--engine-timeout", "2s") // which a busy machine must not take for its answers
	var words bytes.Buffer
	first.Stderr = &words
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() {
		_ = first.Wait()
		close(gone)
	}()
	conn := enginetest.Connect(t, url)
	for sent := uint64(0); sent == 0; time.Sleep(5 * time.Millisecond) {
		if job, err := mailbox.Find(t.Context(), conn, "j", 0); err == nil {
			sent, _, _ = job.Log(t.Context())
		}
		select {
		case <-gone:
			t.Fatalf("it ended before it had sent anything: %s", words.String())
		default:
		}
	}
	conn.Close()
	server.Stop()
	<-gone
	lines := strings.Split(strings.TrimSpace(words.String()), "\n")
	if last := lines[len(lines)-1]; first.ProcessState.ExitCode() != ExitEnvironment || !strings.HasPrefix(last, "holdfast: "+url+": no server answers (for 2s: ") ||
		!strings.Contains(last, "run the same command again: it goes on where it was") {
		t.Errorf("status %d: %s", first.ProcessState.ExitCode(), words.String())
	}
	server.Restart()
	second := worker(1)
	if err := second.Start(); err != nil {
		t.Fatal(err)
	}
	if out, err := worker(0).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	if err := second.Wait(); err != nil {
		t.Error(err)
	}
	out, err := program(t, "merge", "join", "--nats", url, "--job", "j", "-o", "-").Output()
	if string(out) != "0\n1\n10\n11\n" || err != nil {
		t.Errorf("%q, %v", out, err)
	}
}

// TestMergeNATSForeign: what somebody else publishes into a job, and a stream
// that is none of a job, are named.
func TestMergeNATSForeign(t *testing.T) {
	t.Parallel()
	url := newEngineProcess(t).url
	conn := enginetest.Connect(t, url)
	data := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(data, []byte("1\n2\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	for job, body := range map[string]string{"garbage": "{", "long": `{"msg_type":"QUANT","values":[1,2,3,4,5,6,7,8,9,10,11]}`, "meant": `{"msg_type":"TURN","values":[0,0]}`} {
		o := runner.JobOptions{Job: job, ID: 1, Of: 2, Words: 10, Balance: merge.Touch}
		box, err := mailbox.Open(t.Context(), conn, mailbox.Config{Job: job, Of: 2, Words: 10, Options: o.Spell()}, 1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := box.Send(t.Context(), 0, 0, 0, []byte(body)); err != nil {
			t.Fatal(err)
		}
		box.Close()
		want := "holdfast: stream MERGE_" + job + ", message 1 (merge." + job + ".1.0): "
		if job == "meant" {
			want = "holdfast: worker 0: unexpected message: TURN while in WAIT"
		}
		c := program(t, "merge", "worker", "--nats", url, "--job", job, "--id", "0", "--data", data, "--output", data+".part")
		out, _ := c.CombinedOutput()
		if c.ProcessState.ExitCode() != ExitInput || !strings.HasPrefix(string(out), want) || strings.Count(string(out), "\n") != 1 {
			t.Errorf("status %d: %s, want %s", c.ProcessState.ExitCode(), out, want)
		}
	}
	if _, err := conn.JS.Publish(t.Context(), "$JS.API.STREAM.CREATE.MERGE_other", []byte(`{"name":"MERGE_other","subjects":["other"]}`)); err == nil {
		t.Error("the request's answer is no acknowledgement")
	}
	c := program(t, "merge", "worker", "--nats", url, "--job", "other", "--id", "0", "--data", data, "--output", data+".part")
	out, _ := c.CombinedOutput()
	if want := `holdfast: stream MERGE_other: the stream has another shape (its subjects are ["other"], not ["merge.other.*.*"]): use another name`; c.ProcessState.ExitCode() != ExitEnvironment || !strings.HasPrefix(string(out), want) {
		t.Errorf("status %d: %s, want %s", c.ProcessState.ExitCode(), out, want)
	}
}
