package cli

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"holdfast/replay/audit"
	"holdfast/replay/report"
	"holdfast/replay/tick"
)

// leastPage is about what report.html has before anything is in it.
var leastPage = byteSize(64 << 10)

func newAudit(a *app) *cobra.Command {
	var (
		incident     incidentFlags
		failOn       = choice{"", []string{"duplicates", "lost", "any"}}
		columns      = choice{"all", []string{"all", "required"}}
		lease        time.Duration
		replayGap    time.Duration
		sourceWindow string
		closed       bool
		collapse     bool
		csvSafe      bool
		around       string
		kernel       = choice{"python3", report.Kernels}
		pad          time.Duration
		reportMax    = byteSize(report.PageBytes)
	)
	cmd := &cobra.Command{
		Use:   "audit [DIR]",
		Short: "Find every duplicate of an output, the event it copies and the race that made it",
		Long: `Reads the events (raw_tick_events.log), the worker log (worker_logs.csv) and the
output (final_output.csv) of an incident, in DIR or as named by flags, and writes
beside them what happened: duplicates with cause, grade and evidence, the timeline,
a clean output that loses no event, and the documents that explain it.

Without events or without a worker log it says less, and says so.
Exit status 1 only with --fail-on, if what it names was found.`,
		Example: `  holdfast lab incident --preset dmr2025 --seed 1 --out incident
  holdfast audit incident
  holdfast audit incident --fail-on any --json
  holdfast audit --output final_output.csv.gz --events events.jsonl --out report`,
		Args: args(0, 1, "one folder"),
		RunE: func(cmd *cobra.Command, given []string) error {
			c, err := incident.config(a, given)
			if err != nil {
				return err
			}
			if err := notNegative(cmd.Flags(), "lease", "replay-gap", "pad"); err != nil {
				return err
			}
			if reportMax < leastPage {
				return usageError(fmt.Errorf("--report-max %s: the page without any data has about %s: allow more", &reportMax, &leastPage))
			}
			c.Closed, c.Lease, c.ReplayGap = closed, tick.Nanos(lease), tick.Nanos(replayGap)
			c.CollapseSource, c.RequiredColumns, c.CSVSafe = collapse, columns.value == "required", csvSafe
			c.Around, c.Pad, c.ReportMax, c.NotebookKernel = around, tick.Nanos(pad), int64(reportMax), kernel.value
			if err := setSourceWindow(&c, sourceWindow); err != nil {
				return err
			}
			p := a.progress()
			c.Progress = p.Step
			result, err := audit.Run(cmd.Context(), c)
			p.Close()
			if err != nil {
				return err
			}
			a.warn(result.Warnings)
			if err := a.print(result.Summary, result.WriteText); err != nil {
				return err
			}
			return checkFailOn(failOn.value, result)
		},
	}
	f := cmd.Flags()
	incident.add(f, "folder for the results (default DIR/audit)")
	f.Var(&failOn, "fail-on", "exit 1 if there are such findings")
	f.Var(&columns, "columns", "columns of duplication_analysis.csv: all, or the four that are required")
	f.DurationVar(&lease, "lease", 0, "the lease (visibility timeout, AckWait) that was configured, if known")
	f.DurationVar(&replayGap, "replay-gap", time.Second, "replay windows closer than this are one")
	f.StringVar(&sourceWindow, "source-window", "auto", "how far apart two ids of one event may be: auto, off or a duration")
	f.BoolVar(&closed, "closed", false, "attempts that only touch overlap too")
	f.BoolVar(&collapse, "collapse-source", false, "also remove the second row of an event that the source emitted under two ids")
	f.StringVar(&around, "around", "", "an event id: trace.json shows only what lies around its attempts")
	f.DurationVar(&pad, "pad", time.Duration(report.TracePad), "how much trace.json shows around what is remarkable")
	f.Var(&kernel, "notebook-kernel", "language of timeline_visualization.ipynb")
	f.Var(&reportMax, "report-max", "size that report.html may have")
	f.BoolVar(&csvSafe, "csv-safe", false, "prefix text that a spreadsheet would take for a formula with '")
	return cmd
}

// incidentFlags are those of every verb that analyses the three files of an
// incident into a folder.
type incidentFlags struct {
	files     fileFlags
	read      readFlags
	matching  matchFlags
	resources resourceFlags
	out       string
}

func (i *incidentFlags) add(f *pflag.FlagSet, out string) {
	i.files.add(f)
	f.StringVar(&i.out, "out", "", out)
	i.matching.add(f)
	i.read.add(f)
	i.resources.add(f)
}

// config is what the flags say, and the folder if one is given.
func (i *incidentFlags) config(a *app, given []string) (c audit.Config, err error) {
	dir := ""
	if len(given) == 1 {
		dir = given[0]
		if err := existingDir(dir); err != nil {
			return c, err
		}
	}
	if err := i.resources.apply(); err != nil {
		return c, err
	}
	if err := i.files.fill(dir); err != nil {
		return c, err
	}
	options, err := i.read.options()
	if err != nil {
		return c, err
	}
	if i.out == "" {
		i.out = filepath.Join(dir, "audit")
	}
	c = audit.Config{
		Events: i.files.events, Workers: i.files.workers, Output: i.files.output, Out: i.out, Read: options,
		Memory: int64(i.resources.memory), Tmp: i.resources.tmp, Jobs: i.resources.jobs, Stdin: a.Stdin,
	}
	return c, i.matching.apply(&c, "auto")
}

// checkFailOn turns findings into exit status 1 where the user asked for it.
func checkFailOn(what string, r *audit.Result) error {
	duplicates, lost := r.Duplicates(), r.Summary.Lost
	switch {
	case (what == "duplicates" || what == "any") && duplicates > 0:
		return notHeld(fmt.Errorf("--fail-on %s: %d duplicates found", what, duplicates))
	case (what == "lost" || what == "any") && lost > 0:
		return notHeld(fmt.Errorf("--fail-on %s: %d events lost", what, lost))
	}
	return nil
}

// setSourceWindow reads auto, off or a duration.
func setSourceWindow(c *audit.Config, s string) error {
	switch s {
	case "", "auto":
		return nil
	case "off":
		c.NoTwins = true
		return nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return usageError(fmt.Errorf("--source-window %q: use auto, off or a duration such as 20ms", s))
	}
	c.SourceWindow = tick.Nanos(d)
	return nil
}
