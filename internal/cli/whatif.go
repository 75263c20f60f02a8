package cli

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"holdfast/replay/audit"
	"holdfast/replay/report"
)

func newWhatIf(a *app) *cobra.Command {
	var (
		files      fileFlags
		read       readFlags
		matching   matchFlags
		resources  resourceFlags
		out        string
		closedLoop bool
	)
	cmd := &cobra.Command{
		Use:   "whatif [DIR]",
		Short: "Replay every safeguard over an incident: what it would have prevented, cost and lost",
		Long: `Replays safeguards (idempotency keys, windows, leases, fencing, partitions,
transactions and more) over the recorded attempts of an incident. Where the
records leave open what happened, each reading of them is tried: prevented
"3 to 7" means 3 in every reading and 7 in at least one. Safeguards that would
have lost a real event are named as harmful. Writes whatif.csv.

With --closed-loop the queue is also simulated again under other leases.`,
		Example: `  holdfast lab incident --preset lease-short --seed 1 --out incident
  holdfast whatif incident
  holdfast whatif incident --closed-loop --json`,
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
				Memory: int64(resources.memory), Tmp: resources.tmp, Jobs: resources.jobs, Stdin: a.Stdin,
			}
			if err := matching.apply(&c, "auto"); err != nil {
				return err
			}
			p := a.progress()
			c.Progress = p.Step
			result, warnings, err := audit.WhatIf(cmd.Context(), c, closedLoop)
			p.Close()
			if err != nil {
				return err
			}
			a.warn(warnings)
			return a.print(report.NewWhatIfJSON(result), func(w io.Writer) error {
				if err := report.WriteWhatIf(w, result); err != nil {
					return err
				}
				_, err := fmt.Fprintf(w, "\nAll of them, with their costs: %s\n", filepath.Join(out, "whatif.csv"))
				return err
			})
		},
	}
	f := cmd.Flags()
	files.add(f)
	f.StringVar(&out, "out", "", "folder for whatif.csv (default DIR/audit)")
	f.BoolVar(&closedLoop, "closed-loop", false, "also simulate the queue again under other leases")
	matching.add(f)
	read.add(f)
	resources.add(f)
	return cmd
}
