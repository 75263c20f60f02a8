package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"holdfast/merge"
	"holdfast/merge/runner"
)

// pairFlags are those of a whole merge.
type pairFlags struct {
	mergeFlags
	out, dir, schedule, faults string
	processes                  bool
	maxSteps, explore          int
}

// pairRun is one merge, ready to run.
type pairRun struct {
	*pairFlags
	a       *app
	o       runner.Options
	files   [2]string
	lists   [2][]int32
	dir     string
	ownDir  bool // the default one, which goes when it is not needed any more
	faults  *faults
	random  func() merge.Schedule // nil for alternating
	report  *pairReport
	already bool // finished by an earlier run
}

func newMergePair(a *app) *cobra.Command {
	var p pairFlags
	cmd := &cobra.Command{
		Use:   "pair A B -o OUT",
		Short: "Both workers: two unsorted lists into one sorted file",
		Long: `Runs both workers, which share nothing but their two mailboxes, and says what it
took: messages beside the least that is possible, and who compared how much.

OUT appears when it is complete and compared with both lists. Mailboxes and
states lie in --dir, by default beside OUT until the merge has succeeded. A run
that was interrupted goes on with the same command.`,
		Example: `  holdfast merge pair a.txt b.txt -o out.txt
  holdfast merge pair a.txt b.txt -o out.txt --dir work --json
  holdfast merge pair a.txt b.txt -o out.txt --processes --faults 7:50
  holdfast merge pair a.txt b.txt -o out.txt --strategy bubble
  holdfast merge pair --explore 2`,
		Args: func(cmd *cobra.Command, got []string) error {
			if p.explore > 0 {
				return args(0, 0, "--explore alone, without lists")(cmd, got)
			}
			return args(2, 2, "two lists, A and B")(cmd, got)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if p.explore > 0 {
				return p.runExplore(a)
			}
			r, err := p.prepare(cmd.Context(), a, args, cmd.Flags().Changed("max-steps"))
			if err != nil {
				return err
			}
			return r.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.StringVarP(&p.out, "output", "o", "", "the sorted file; - for standard output")
	f.StringVar(&p.dir, "dir", "", "folder for mailboxes and states, kept (default OUT.merge, removed on success)")
	f.StringVar(&p.schedule, "schedule", "alternate", "whose turn it is: alternate, or random:SEED")
	f.BoolVar(&p.processes, "processes", false, "two processes that run freely, instead of steps by turns")
	f.StringVar(&p.faults, "faults", "", "SEED[:N]: survive N kills, torn writes and power cuts (default 25); with --processes, kill -9")
	f.IntVar(&p.maxSteps, "max-steps", 100000, "give up after so many steps; without it more for lists that need more")
	f.IntVar(&p.explore, "explore", 0, "instead of a merge, try every schedule and crash for all lists of up to so many values")
	p.mergeFlags.add(f)
	return cmd
}

func (p *pairFlags) prepare(ctx context.Context, a *app, files []string, stepsGiven bool) (*pairRun, error) {
	r := &pairRun{pairFlags: p, a: a, files: [2]string{files[0], files[1]}, dir: p.dir}
	if err := r.check(); err != nil {
		return nil, err
	}
	var err error
	if r.o, err = p.options(a); err != nil {
		return nil, err
	}
	for i, path := range files {
		if r.lists[i], err = p.readList(ctx, path); err != nil {
			return nil, err
		}
	}
	bound := merge.BoundMessages(r.lists[0], r.lists[1], merge.Words)
	if !stepsGiven { // enough for any strategy, and small enough to end
		p.maxSteps += 8*bound + len(r.lists[0]) + len(r.lists[1])
	}
	r.report = newPairReport(r, bound)
	return r, nil
}

func (r *pairRun) check() (err error) {
	switch {
	case r.out == "":
		return usageError(errors.New("-o is missing: name the sorted file, or - for standard output"))
	case r.files[0] == "-" && r.files[1] == "-":
		return usageError(errors.New("only one of the lists can be standard input"))
	case r.processes && (r.files[0] == "-" || r.files[1] == "-"):
		return usageError(errors.New("--processes reads the lists again: name files"))
	case r.out == "-" && (r.a.json || r.append):
		return usageError(errors.New("-o -: not with --json or --append"))
	case r.maxSteps < 1:
		return usageError(fmt.Errorf("--max-steps %d: at least 1", r.maxSteps))
	case r.processes && r.schedule != "alternate":
		return usageError(errors.New("--schedule: processes run as they like"))
	case r.pairFlags.faults != "" && !r.processes && (r.dir != "" || r.schedule != "alternate" || r.append):
		return usageError(errors.New("--faults without --processes runs on a disk in memory, by a schedule of its own: not with --dir, --schedule or --append"))
	}
	if r.random, err = parseSchedule(r.schedule); err != nil {
		return usageError(err)
	}
	if r.faults, err = parseFaults(r.pairFlags.faults); err != nil {
		return usageError(err)
	}
	if r.out != "-" {
		if isFolder(r.out) {
			return usageError(fmt.Errorf("-o %s is a folder: name a file in it", r.out))
		}
		for _, in := range r.files {
			if sameFile(in, r.out) {
				return usageError(fmt.Errorf("-o %s is a list itself: name another file", r.out))
			}
		}
	}
	if r.dir == "" {
		r.ownDir = true
		r.dir = r.out + ".merge"
		if r.out == "-" {
			r.dir = filepath.Join(os.TempDir(), fmt.Sprintf("holdfast-merge-%d", os.Getpid()))
		}
	}
	return nil
}

func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

func parseSchedule(s string) (func() merge.Schedule, error) {
	if s == "alternate" {
		return nil, nil
	}
	text, ok := strings.CutPrefix(s, "random:")
	seed, err := strconv.ParseUint(text, 10, 64)
	if !ok || err != nil {
		return nil, fmt.Errorf("--schedule %q: use alternate, or random:SEED such as random:7", s)
	}
	return func() merge.Schedule { return merge.Random(seed) }, nil
}

// faults are what --faults asks for.
type faults struct {
	seed uint64
	n    int
}

func parseFaults(s string) (*faults, error) {
	if s == "" {
		return nil, nil
	}
	const usual, most = 25, 100_000
	text, count, given := strings.Cut(s, ":")
	f := &faults{n: usual}
	var err error
	f.seed, err = strconv.ParseUint(text, 10, 64)
	if err == nil && given {
		f.n, err = strconv.Atoi(count)
	}
	if err != nil || f.n < 1 || f.n > most {
		return nil, fmt.Errorf("--faults %q: use SEED or SEED:N such as 7:50, with N up to %d", s, most)
	}
	return f, nil
}

func (p *pairFlags) runExplore(a *app) error {
	const most = 4
	if p.explore > most {
		return usageError(fmt.Errorf("--explore %d: at most %d, the number of runs grows without measure", p.explore, most))
	}
	o, err := p.options(a)
	if err != nil {
		return err
	}
	e, err := merge.Explore(merge.Config{Duplicates: o.Duplicates, Balance: o.Balance, Strategy: o.Strategy, Confirm: o.Confirm}, p.explore)
	if err != nil {
		return mergeError(err)
	}
	err = a.print(e, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%d pairs of lists of up to %d values, %d states: every schedule, and a crash at every point\n", e.Pairs, p.explore, e.States)
		return err
	})
	if err == nil && e.Counterexample != "" {
		return notHeld(fmt.Errorf("counterexample: %s", e.Counterexample))
	}
	return err
}

// run merges, or goes on with a merge, and tells what came of it.
func (r *pairRun) run(ctx context.Context) error {
	var err error
	switch {
	case r.faults != nil && !r.processes:
		err = r.simulate(ctx)
	default:
		err = r.onDisk(ctx)
	}
	if err != nil && ctx.Err() != nil {
		fmt.Fprintf(r.a.Stderr, "holdfast: what was done is in %s; the same command goes on\n", r.dir)
		return context.Canceled
	}
	if err != nil {
		return err
	}
	if r.out == "-" { // standard output has the values
		quiet := *r.a
		quiet.Stdout = r.a.Stderr
		err = quiet.print(r.report, r.report.write)
	} else {
		err = r.a.print(r.report, r.report.write)
	}
	if err == nil && !r.report.Success {
		return notHeld(fmt.Errorf("not finished after %d steps: the same command goes on; or raise --max-steps", r.report.TotalSteps))
	}
	return err
}

// onDisk runs the workers in the folder and moves their output to its place.
func (r *pairRun) onDisk(ctx context.Context) error {
	if err := os.MkdirAll(r.dir, 0o777); err != nil {
		return err
	}
	if done, err := r.finishedBefore(); done || err != nil {
		return err
	}
	if err := r.copyForAppend(); err != nil {
		return err
	}
	var err error
	if r.processes {
		err = r.runProcesses(ctx)
	} else {
		err = r.runHere(ctx)
	}
	if err != nil {
		var failed *runner.RunError
		if errors.As(err, &failed) && r.ownDir {
			os.RemoveAll(r.dir) // no later run could do better from here
		}
		return explainDuplicate(err, map[string]string{"A": r.files[0], "B": r.files[1]})
	}
	if !r.report.Success {
		return nil
	}
	r.report.countTypes(r.dir)
	return r.publish()
}

func (r *pairRun) runHere(ctx context.Context) error {
	p, err := runner.NewPair(r.dir, r.lists[0], r.lists[1], r.o)
	if err != nil {
		return err
	}
	defer p.Close()
	progress := r.a.progress()
	defer progress.Close()
	total := int64(0) // unknown
	if r.o.Strategy == merge.Default && r.o.Balance == merge.Coded && r.o.Mailbox == runner.Log {
		total = int64(r.report.BoundMessages)*11/10 + 3
	}
	var schedule merge.Schedule
	if r.random != nil {
		schedule = r.random()
	}
	result, err := p.Run(ctx, schedule, r.maxSteps, func() {
		progress.Step("messages", p.Workers[0].Stats().MessagesSent+p.Workers[1].Stats().MessagesSent, total)
	})
	if err != nil {
		return err
	}
	r.report.Result = result
	r.report.WorkA, r.report.WorkB = p.Workers[0].State().Work, p.Workers[1].State().Work
	if !result.Success {
		for _, w := range p.Workers {
			if e := w.Stalled(); e != nil {
				return e
			}
		}
	}
	return p.Close()
}

// simulate runs the workers on a disk in memory that crashes, and holds the
// outcome against that of a run without faults.
func (r *pairRun) simulate(ctx context.Context) error {
	s := runner.Simulation{A: r.lists[0], B: r.lists[1], Options: r.o, MaxSteps: r.maxSteps + 100*r.faults.n}
	calm, err := runner.Simulate(ctx, s)
	if err != nil {
		return explainDuplicate(err, map[string]string{"A": r.files[0], "B": r.files[1]})
	}
	s.Seed, s.Faults = r.faults.seed, r.faults.n
	s.Options.Warn = nil
	got, err := runner.Simulate(ctx, s)
	if err != nil {
		return mergeError(err)
	}
	if diff := got.Differs(calm); diff != "" {
		return notHeld(fmt.Errorf("with faults (seed %d) the run differs from one without: %s", r.faults.seed, diff))
	}
	if err := runner.Verify(strings.NewReader(string(got.Output)), r.lists[0], r.lists[1], r.o.Duplicates); err != nil {
		return notHeld(err)
	}
	r.report.Result, r.report.Verified = got.Result, true
	r.report.WorkA, r.report.WorkB = got.Works[0], got.Works[1]
	r.report.Faults = &faultReport{Seed: r.faults.seed, Kills: got.Kills, Torn: got.Torn, PowerCuts: got.PowerCuts, Starts: got.Starts}
	for i, log := range got.Logs {
		r.report.count(i, log)
	}
	return r.write(func(w io.Writer) error {
		_, err := w.Write(got.Output)
		return err
	})
}
