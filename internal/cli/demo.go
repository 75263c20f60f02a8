package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"holdfast/engine"
	"holdfast/engine/incident"
	"holdfast/engine/incident/plan"
	"holdfast/replay"
	"holdfast/replay/audit"
)

// claim is one thing that a demo promises, with what the truth and the run say of it.
type claim struct {
	Stage    string `json:"stage"`
	What     string `json:"what"`
	Injected string `json:"injected"`
	Found    string `json:"found"`
	Held     bool   `json:"held"`
}

// equal is the claim that what is found is the truth.
func equal[T comparable](what string, truth, found T) claim {
	return claim{What: what, Injected: spelled(truth), Found: spelled(found), Held: truth == found}
}

func spelled(v any) string {
	switch v {
	case true:
		return "yes"
	case false:
		return "no"
	}
	return fmt.Sprint(v)
}

// chapter is what a stage tells when it is done.
type chapter struct {
	facts  []string // what happened, a line each
	claims []claim
	table  *raceTable // of the last stage
}

// stage is a step of the journey: it does something real with what the one
// before has left, and holds it against the truth.
type stage struct {
	name, title string
	run         func(context.Context, *journey) (chapter, error)
}

// stages are the demo, in order.
var stages = []stage{
	{"fetch", "a server that fails on purpose hands out a market, page by page", demoFetch},
	{"record", "its ticks cross a link that loses, delays, doubles and damages; the recorder is killed", demoRecord},
	{"race", "a work queue, three worker processes, and a lease shorter than some of the work", demoRace},
	{"merge", "the logs of the three become one", demoMerge},
	{"audit", "what does the output hold, and why?", demoAudit},
	{"dedupe", "a clean output", demoDedupe},
	{"safeguards", "the same race again, with each safeguard really on", demoSafeguards},
}

// journey is what the stages hand on.
type journey struct {
	a        *app
	dir      string
	plan     plan.Plan
	progress *progress

	pages  map[int]plan.Tick // by number: what was fetched
	ticks  []plan.Tick       // what goes into the queue, in order
	server *engine.Server
	conn   *engine.Conn
	race   *incident.Result // without a safeguard
	audit  *audit.Result
	graded replay.Report
	table  *raceTable
}

func newDemo(a *app) *cobra.Command {
	j := journey{a: a}
	cmd := &cobra.Command{
		Use:   "demo [DIR]",
		Short: "Faults of every kind injected, survived, explained, and checked against the truth",
		Long: `One stream of ticks on its whole way, everything real: fetched from a server that
fails on purpose, recorded over a lossy link by a process that is killed again and
again, handed by a work queue (NATS JetStream, in this binary) to three racing
worker processes that are killed too, merged, audited, cleaned. Then the same race
with each safeguard really switched on, beside what was foretold of it.

Every claim is checked against what was really done. Exit status 1 if one does not
hold. All files stay in DIR (default holdfast-demo) for you to look at. With the
default size it takes about a minute, most of it waiting.`,
		Example: `  holdfast demo
  holdfast demo /tmp/demo --seed 7
  holdfast demo --events 500 --json`,
		Args: args(0, 1, "one folder"),
		RunE: func(cmd *cobra.Command, given []string) error {
			j.dir = "holdfast-demo"
			if len(given) == 1 {
				j.dir = given[0]
			}
			if j.plan.Events < leastTicks || j.plan.Events > mostTicks {
				return usageError(fmt.Errorf("--events %d: from %d (below, nothing is slow enough to race) to %d", j.plan.Events, leastTicks, mostTicks))
			}
			return j.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.Uint64Var(&j.plan.Seed, "seed", 1, "all chance comes from this number; what the race makes of it, from the machine")
	f.IntVar(&j.plan.Events, "events", 2000, "ticks of the market")
	return cmd
}

// Bounds of a demo. The most is an hour.
const (
	leastTicks = 200
	mostTicks  = 100_000
)

// run does the stages one by one and tells each as it is done.
func (j *journey) run(ctx context.Context) error {
	if err := j.takeFolder(); err != nil {
		return err
	}
	defer j.stop()
	t := j.a.demoTeller()
	t.begin(j)
	var claims []claim
	for i, s := range stages {
		j.progress = j.a.progress()
		j.progress.Step(s.name, 0, 0)
		c, err := s.run(ctx, j)
		j.progress.Close()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("demo, %s: %w", s.name, err)
		}
		for k := range c.claims {
			c.claims[k].Stage = s.name
		}
		claims = append(claims, c.claims...)
		t.chapter(i+1, s, c)
	}
	failed := 0
	for _, c := range claims {
		if !c.Held {
			failed++
		}
	}
	if err := t.end(j, claims, failed); err != nil {
		return err
	}
	if failed > 0 {
		return notHeld(fmt.Errorf("demo: %d of %d claims did not hold", failed, len(claims)))
	}
	return nil
}

// demoMark is a file that says that a folder is a demo's, to be emptied by the next.
const demoMark = ".holdfast-demo"

// takeFolder makes the folder, or takes that of an earlier demo; never another's.
func (j *journey) takeFolder() error {
	if err := os.MkdirAll(j.dir, 0o777); err != nil {
		return err
	}
	files, err := os.ReadDir(j.dir)
	if err != nil {
		return err
	}
	if _, err := os.Stat(j.path(demoMark)); err != nil && len(files) > 0 {
		return usageError(fmt.Errorf("%s: not empty, and no demo's folder: name another", j.dir))
	}
	return os.WriteFile(j.path(demoMark), nil, 0o666)
}

// stop ends what the stages share.
func (j *journey) stop() {
	if j.conn != nil {
		j.conn.Close()
	}
	if j.server != nil {
		_ = j.server.Close()
		_ = os.RemoveAll(j.path("engine")) // its store: nobody looks at it
	}
}

func (j *journey) path(parts ...string) string {
	return filepath.Join(append([]string{j.dir}, parts...)...)
}

// fresh empties a folder of the demo.
func (j *journey) fresh(name string) error {
	return errors.Join(os.RemoveAll(j.path(name)), os.MkdirAll(j.path(name), 0o777))
}

func (j *journey) seed() string { return strconv.FormatUint(j.plan.Seed, 10) }
