package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"holdfast/internal/vfs"
	"holdfast/merge"
	"holdfast/merge/runner"
)

// A workerProcess runs one worker as a process of its own, again and again if
// it is killed.
type workerProcess struct {
	id     string
	args   []string
	kills  int // that are to be made
	rng    *rand.Rand
	killed int
	starts int
	status int
	words  string // what it said of its failure
}

// runProcesses runs both workers as processes until both have finished.
func (r *pairRun) runProcesses(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var workers [2]*workerProcess
	var group sync.WaitGroup
	var failures [2]error
	for i, id := range []string{"A", "B"} {
		w := &workerProcess{id: id, args: r.workerArgs(id, r.files[i])}
		if r.faults != nil {
			w.kills = (r.faults.n + 1 - i) / 2
			w.rng = rand.New(rand.NewPCG(r.faults.seed, uint64(i)))
		}
		workers[i] = w
		group.Go(func() {
			if failures[i] = w.run(ctx); failures[i] != nil || w.status != ExitOK {
				// The other one has heard of it by FAIL, or never will.
				time.AfterFunc(otherEnds, cancel)
			}
		})
	}
	group.Wait()
	if err := errors.Join(failures[0], failures[1]); err != nil {
		return err
	}
	if err := r.collect(workers); err != nil {
		return err
	}
	for _, w := range workers {
		if w.status != ExitOK && w.status != ExitInterrupted {
			return &statusError{w.status, errors.New(w.words)}
		}
	}
	return ctx.Err()
}

// otherEnds is how long a worker gets to end by itself when the other failed.
const otherEnds = 2 * time.Second

func (r *pairRun) workerArgs(id, data string) []string {
	o := runner.Files(r.dir, id, r.o)
	args := []string{"merge", "worker", "--quiet", "--json", "--id", id, "--data", data, "--inbox", o.Inbox, "--outbox", o.Outbox,
		"--output", o.Output, "--state", o.State, "--mailbox", r.mailbox.value, "--durability", r.durability.value,
		"--duplicates", r.duplicates.value, "--balance", r.balance.value, "--strategy", r.strategy.value,
		fmt.Sprintf("--max-values=%d", r.maxValues), fmt.Sprintf("--confirm=%v", r.confirm), fmt.Sprintf("--append=%v", r.append),
		"--idle-timeout=0", "--stall-timeout=30s", "--once=false", "--nats="}
	return args
}

// run starts the process until it has ended by itself and was killed as often
// as it should be.
func (w *workerProcess) run(ctx context.Context) error {
	tries := 3 * w.kills
	for w.killed < w.kills && tries > 0 {
		tries--
		// Longer and longer, so that a busy machine gets to the end too.
		longest := 20*time.Millisecond + time.Duration(w.starts)*time.Millisecond
		killed, err := w.start(ctx, time.Duration(w.rng.Int64N(int64(longest))))
		if err != nil {
			return err
		}
		if killed {
			w.killed++
		} else if w.status != ExitOK {
			return nil
		}
	}
	_, err := w.start(ctx, 0)
	return err
}

// start runs the process once; after a delay that is not 0 it is killed.
func (w *workerProcess) start(ctx context.Context, delay time.Duration) (killed bool, err error) {
	c, err := tiedProcess(ctx, w.args...)
	if err != nil {
		return false, err
	}
	var stderr bytes.Buffer
	c.Stderr = &stderr
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = 30 * time.Second
	if err := c.Start(); err != nil {
		return false, err
	}
	w.starts++
	if delay > 0 {
		timer := time.AfterFunc(delay, func() { c.Process.Kill() })
		defer timer.Stop()
	}
	err = c.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && ctx.Err() == nil {
		return false, err
	}
	w.status, w.words = c.ProcessState.ExitCode(), lastWords(stderr.String())
	return w.status == -1, nil
}

// lastWords is the error of a process without its name, which is ours.
func lastWords(stderr string) string {
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	return strings.TrimPrefix(lines[len(lines)-1], "holdfast: ")
}

// collect makes the report out of the states.
func (r *pairRun) collect(workers [2]*workerProcess) error {
	got := &runner.Outcome{}
	got.Success = true
	for i, id := range []string{"A", "B"} {
		s, err := runner.ReadState(vfs.OS{}, runner.Files(r.dir, id, runner.Options{}).State)
		if err != nil {
			return nil // the worker has said itself why there is none
		}
		got.TotalSteps += int(s.Steps)
		got.Success = got.Success && s.Done
		if s.Failure == merge.FailDuplicate {
			return &runner.RunError{Worker: id, Err: &merge.DuplicateError{Value: s.Value}}
		}
		if s.Failure != 0 && s.Done {
			return &runner.RunError{Worker: id, Err: errors.New(workers[i].words)}
		}
	}
	if err := got.Collect(vfs.OS{}, func(id string, o runner.Options) runner.Options { return runner.Files(r.dir, id, o) }); err != nil {
		return err
	}
	r.report.Result, r.report.WorkA, r.report.WorkB = got.Result, got.Works[0], got.Works[1]
	if r.faults != nil && r.report.Success {
		if err := r.compareWithCalm(got); err != nil {
			return err
		}
		r.report.Faults = &faultReport{Seed: r.faults.seed, Kills: workers[0].killed + workers[1].killed, Starts: workers[0].starts + workers[1].starts}
	}
	return nil
}

// compareWithCalm holds messages and counts against those of a run without
// faults, in memory. The output is compared with the lists anyway.
func (r *pairRun) compareWithCalm(got *runner.Outcome) error {
	o := r.o
	o.Append, o.Warn = false, nil
	calm, err := runner.Simulate(context.Background(), runner.Simulation{A: r.lists[0], B: r.lists[1], Options: o, MaxSteps: r.maxSteps})
	if err != nil {
		return err
	}
	got.Output = calm.Output
	if r.append { // A's first message says where the output begins
		got.Logs = calm.Logs
	}
	if diff := got.Differs(calm); diff != "" {
		return notHeld(fmt.Errorf("under kills the run differs from one without: %s", diff))
	}
	return nil
}
