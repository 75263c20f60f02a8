package incident

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"holdfast/engine"
	"holdfast/engine/enginetest"
	"holdfast/engine/incident/plan"
	"holdfast/replay/tick"
	"holdfast/replay/whatif"
)

// asWorker makes the test binary a worker.
const asWorker = "HOLDFAST_TEST_WORKER"

func TestMain(m *testing.M) {
	text := os.Getenv(asWorker)
	if text == "" {
		os.Exit(enginetest.Main(m, "holdfast/engine/incident"))
	}
	var w Worker
	err := json.Unmarshal([]byte(text), &w)
	if err == nil {
		err = Work(context.Background(), w, os.Stdin, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func spawn(w Worker) (*exec.Cmd, error) {
	text, err := json.Marshal(w)
	if err != nil {
		return nil, err
	}
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), asWorker+"="+string(text))
	return c, nil
}

// race is a small race on an engine of its own, configured by change.
func race(t *testing.T, ctx context.Context, events int, s Safeguard, change func(*Config)) (*Result, Config, error) {
	t.Helper()
	server := enginetest.Start(t, engine.Config{})
	conn := enginetest.Connect(t, server.URL())
	p := plan.Plan{Seed: 1, Events: events}
	c := Config{Conn: conn, URL: server.URL(), Run: "race", Dir: t.TempDir(), Plan: p, Safeguard: s, Spawn: spawn}
	for i := range p.Events {
		c.Ticks = append(c.Ticks, p.Tick(i))
	}
	if change != nil {
		change(&c)
	}
	r, err := Run(ctx, c)
	return r, c, err
}

// What must hold of every race with a safeguard, however the machine stalls.
func TestSafeguards(t *testing.T) {
	t.Parallel()
	list := append(Safeguards(), None)
	if testing.Short() { // the demo's script runs them all
		list = []Safeguard{None, OnePerSubject, Heartbeat}
	}
	for _, s := range list {
		t.Run(s.About(), func(t *testing.T) {
			t.Parallel()
			r, _, err := race(t, t.Context(), 200, s, nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d rows, %d too many, %d of them held up, %d open, %d kills", len(r.Rows), r.Duplicates(), r.HeldUp(), r.Open(), r.Kills)
			if r.Lost() != 0 {
				t.Errorf("%d ticks without a row", r.Lost())
			}
			if r.Kills < 1 || r.Open() < int64(r.Kills) {
				t.Errorf("%d kills, and %d attempts without an end", r.Kills, r.Open())
			}
			hold[s](t, r)
		})
	}
}

// hold is what each safeguard guarantees.
var hold = map[Safeguard]func(*testing.T, *Result){
	None: func(t *testing.T, r *Result) {
		if r.Duplicates() == 0 || len(r.Gaps()) == 0 {
			t.Errorf("nobody raced: %d rows too many, gaps %v", r.Duplicates(), r.Gaps())
		}
	},
	MessageID:     noneTwice,
	OnePerSubject: noneTwice,
	LongLease:     onlyKills,
	Heartbeat:     onlyKills,
	InFlight: func(t *testing.T, r *Result) { // it frees an event whose next delivery may be on its way
		if gaps := r.Gaps(); len(gaps) > 0 {
			t.Errorf("two work on one event at once: %v", gaps)
		}
	},
	Partitions: func(t *testing.T, r *Result) {
		for _, a := range r.Attempts {
			if a.Worker != workerName(a.Event%Workers) {
				t.Errorf("event %d goes to %s", a.Event, a.Worker)
			}
		}
		if r.Duplicates() == 0 {
			t.Error("partitions prevent what they cannot")
		}
	},
	Fencing: func(t *testing.T, r *Result) {
		newest := map[int]int{}
		for _, row := range r.Rows {
			if row.Delivery < newest[row.Event] {
				t.Errorf("event %d: delivery %d is stored after %d", row.Event, row.Delivery, newest[row.Event])
			}
			newest[row.Event] = row.Delivery
		}
	},
}

func noneTwice(t *testing.T, r *Result) {
	if n := r.Duplicates(); n != 0 {
		t.Errorf("%d rows too many in a sink that refuses them", n)
	}
}

// onlyKills: nobody takes an event on which another works, unless that one was
// killed or the machine held it up.
func onlyKills(t *testing.T, r *Result) {
	for event, list := range r.byEvent() {
		if r.stalled(list) {
			continue
		}
		for i := 1; i < len(list); i++ {
			if before := list[i-1]; !before.Open() {
				t.Errorf("event %d: delivery %d came %v after the start of delivery %d, which took %v", event, list[i].Delivery,
					time.Duration(list[i].Start-before.Start), before.Delivery, time.Duration(before.End-before.Start))
			}
		}
	}
}

// A worker that cannot work ends the race with its own words, and a race that is
// interrupted leaves nobody behind.
func TestEnds(t *testing.T) {
	t.Parallel()
	_, _, err := race(t, t.Context(), 100, None, func(c *Config) {
		c.Spawn = func(w Worker) (*exec.Cmd, error) {
			w.Dir = filepath.Join(c.Dir, "nowhere", "at", "all")
			return spawn(w)
		}
	})
	if err == nil || !strings.Contains(err.Error(), "worker-") || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a worker without a folder: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var all []*exec.Cmd
	started := make(chan *exec.Cmd, 100)
	_, _, err = race(t, ctx, 2000, None, func(c *Config) {
		c.Spawn = func(w Worker) (*exec.Cmd, error) {
			cmd, err := spawn(w)
			started <- cmd
			return cmd, err
		}
		c.Tell = func(queued, _ int) {
			if queued > 0 {
				cancel()
			}
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("an interrupted race: %v", err)
	}
	for close(started); ; {
		cmd, more := <-started
		if !more {
			break
		}
		all = append(all, cmd)
		if cmd.ProcessState == nil {
			t.Errorf("worker %d is left", cmd.Process.Pid)
		}
	}
	if len(all) < Workers {
		t.Errorf("%d workers were started", len(all))
	}
}

// The verdict takes what it should for good, and nothing else.
func TestJudge(t *testing.T) {
	t.Parallel()
	p := plan.Plan{Seed: 1, Events: 100}
	long := 0
	for p.Work(long) < Lease {
		long++
	}
	made := func(s Safeguard, rows int, gap time.Duration) *Result {
		r := &Result{Safeguard: s, Ticks: 1, work: p.Work}
		for i := range rows {
			r.Rows = append(r.Rows, Row{Event: long, Delivery: i + 1})
			start := tick.Nanos(time.Duration(i) * gap)
			end := start + tick.Nanos(p.Work(long))
			r.Attempts = append(r.Attempts, Attempt{Event: long, Delivery: i + 1, Worker: "worker-1", Start: start + 1, End: end + 1, Acked: end + 2})
		}
		return r
	}
	foretold := func(duplicates, lo, hi int64) whatif.Outcome {
		return whatif.Outcome{Duplicates: duplicates, PreventedLo: lo, PreventedHi: hi}
	}
	without := made(None, 41, Lease)
	for _, c := range []struct {
		what     string
		foretold whatif.Outcome
		with     *Result
		held     bool
	}{
		{"as foretold", foretold(40, 0, 0), made(Fencing, 41, Lease), true},
		{"less than chance allows", foretold(40, 0, 0), made(Fencing, 11, Lease), false},
		{"more than chance allows", foretold(40, 40, 40), made(Heartbeat, 41, Lease), false},
		{"more, as the machine stalled", foretold(40, 40, 40), made(Heartbeat, 41, Lease/2), true},
		{"one by key", foretold(40, 40, 40), made(MessageID, 2, Lease/2), false},
		{"none by key", foretold(40, 40, 40), made(MessageID, 1, Lease), true},
		{"a loss", foretold(40, 40, 40), made(Heartbeat, 0, Lease), false},
	} {
		if v := Judge(c.foretold, without, c.with); v.Held() != c.held {
			t.Errorf("%s: %+v is held %v", c.what, v, v.Held())
		}
	}
	if !without.Even() || made(None, 41, Lease*11/10).Even() {
		t.Error("even gaps are not told from others")
	}
}
