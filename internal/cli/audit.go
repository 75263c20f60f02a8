package cli

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"holdfast/replay/audit"
	"holdfast/replay/report"
	"holdfast/replay/tick"
)

func newAudit(a *app) *cobra.Command {
	var (
		files        fileFlags
		read         readFlags
		matching     matchFlags
		resources    resourceFlags
		out          string
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
			dir := ""
			if len(given) == 1 {
				dir = given[0]
				if err := existingDir(dir); err != nil {
					return err
				}
			}
			resources.apply()
			if err := files.fill(dir); err != nil {
				return err
			}
			options, err := read.options()
			if err != nil {
				return err
			}
			if out == "" {
				out = filepath.Join(dir, "audit")
			}
			c := audit.Config{
				Events: files.events, Workers: files.workers, Output: files.output, Out: out, Read: options,
				Closed: closed, Lease: tick.Nanos(lease), ReplayGap: tick.Nanos(replayGap),
				CollapseSource: collapse, RequiredColumns: columns.value == "required", CSVSafe: csvSafe,
				Around: around, Pad: tick.Nanos(pad), ReportMax: int64(reportMax), NotebookKernel: kernel.value,
				Memory: int64(resources.memory), Tmp: resources.tmp, Jobs: resources.jobs, Stdin: a.Stdin,
			}
			if err := matching.apply(&c, "auto"); err != nil {
				return err
			}
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
	files.add(f)
	f.StringVar(&out, "out", "", "folder for the results (default DIR/audit)")
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
	matching.add(f)
	read.add(f)
	resources.add(f)
	return cmd
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
