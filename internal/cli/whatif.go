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
		incident   incidentFlags
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
			c, err := incident.config(a, given)
			if err != nil {
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
				_, err := fmt.Fprintf(w, "\nAll of them, with their costs: %s\n", filepath.Join(c.Out, "whatif.csv"))
				return err
			})
		},
	}
	f := cmd.Flags()
	incident.add(f, "folder for whatif.csv (default DIR/audit)")
	f.BoolVar(&closedLoop, "closed-loop", false, "also simulate the queue again under other leases")
	return cmd
}
