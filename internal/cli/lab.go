package cli

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"holdfast/lab/incident"
	"holdfast/lab/racers"
	"holdfast/replay"
	"holdfast/replay/audit"
	"holdfast/replay/ingest"
	"holdfast/replay/whatif"
)

func newLab(a *app) *cobra.Command {
	return group("lab", "Faults on purpose, each with its ground truth", newLabIncident(a), newLabScore(a), newLabPackets(a), newLabHTTPBin(a), newLabURLs(a))
}

func newLabIncident(a *app) *cobra.Command {
	var (
		preset    string
		seed      uint64
		events    int64
		out       string
		safeguard string

		interventions bool
	)
	cmd := &cobra.Command{
		Use:   "incident",
		Short: "Make an incident: events, worker log and output, with the truth beside them",
		Long: `Simulates a queue, racing workers and a sink, and writes what an engineer would
find afterwards (raw_tick_events.log, worker_logs.csv, final_output.csv) and, in
truth/, what really happened. The same preset, seed and size give the same bytes
on every machine.

Presets: ` + strings.Join(racers.Presets(), ", ") + `.
Safeguards: ` + strings.Join(whatif.Safeguards(), ", ") + `.`,
		Example: `  holdfast lab incident --preset dmr2025 --seed 1 --out incident
  holdfast lab incident --preset lease-short --seed 7 --out safer --safeguard window-fixed=2m`,
		Args: args(0, 0, "flags only"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out == "" {
				return usageError(fmt.Errorf("--out is missing: name a folder for the incident"))
			}
			if events < 0 {
				return usageError(fmt.Errorf("--events must not be negative"))
			}
			params, err := racers.Preset(preset, seed, events)
			if err != nil {
				return usageError(err)
			}
			guard, err := whatif.ParseSafeguard(safeguard)
			if err != nil {
				return usageError(err)
			}
			p := a.progress()
			r, err := incident.Write(cmd.Context(), out, params, incident.Options{
				Safeguard: guard, Interventions: interventions,
				Progress: func(n int64) { p.Step("incident", n, params.Events) },
			})
			p.Close()
			if err != nil {
				return err
			}
			return a.print(r, func(w io.Writer) error { return writeIncident(w, out, r) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&preset, "preset", "dmr2025", "which incident")
	f.Uint64Var(&seed, "seed", 1, "all chance comes from this number")
	f.Int64Var(&events, "events", 0, "how many events (default the preset's own number)")
	f.StringVar(&out, "out", "", "folder to write")
	f.BoolVar(&interventions, "interventions", true, "also play it with each safeguard on: truth/interventions.csv, against which lab score checks what-if")
	f.StringVar(&safeguard, "safeguard", "", "measure that is on during the incident: SLUG or SLUG=X, such as window-fixed=10s")
	return cmd
}

func writeIncident(w io.Writer, dir string, r incident.Report) error {
	fmt.Fprintf(w, "%s, seed %d: %d events, %d attempts, %d rows; %d duplicates, %d lost\n",
		r.Preset, r.Seed, r.Events, r.Attempts, r.Rows, r.Duplicates, r.Lost)
	for _, name := range slices.Sorted(maps.Keys(r.Files)) {
		if !strings.HasPrefix(name, "truth/") {
			fmt.Fprintf(w, "  %s\n", filepath.Join(dir, name))
		}
	}
	_, err := fmt.Fprintf(w, "the truth about it: %s\nnext: holdfast audit %s\n", filepath.Join(dir, "truth"), dir)
	return err
}

func newLabScore(a *app) *cobra.Command {
	var auditDir string
	cmd := &cobra.Command{
		Use:   "score DIR",
		Short: "Grade an audit of a lab incident against its truth",
		Long: `Compares what an audit said with what really happened: duplicates found and
missed, events named, rows kept, causes, and how far stated probabilities can be
believed; beside it, what the usual rules of thumb achieve on the same output.
Exit status 1 if a figure is below the floor of the preset.`,
		Example: `  holdfast lab incident --preset mixed --seed 3 --out incident
  holdfast audit incident
  holdfast lab score incident --audit incident/audit`,
		Args: args(1, 1, "the folder of an incident"),
		RunE: func(_ *cobra.Command, given []string) error {
			if err := existingDir(given[0]); err != nil {
				return err
			}
			r, err := score(given[0], first(auditDir, filepath.Join(given[0], "audit")))
			if err != nil {
				return err
			}
			if err := a.print(r, r.WriteText); err != nil {
				return err
			}
			if r.Floors.Met != nil && !*r.Floors.Met {
				return notHeld(fmt.Errorf("below the floor: %s", strings.Join(r.Floors.Failed, "; ")))
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&auditDir, "audit", "", "folder that the audit wrote (default DIR/audit)")
	return cmd
}

// score grades the audit in auditDir of the lab incident in dir.
func score(dir, auditDir string) (replay.Report, error) {
	truth, err := incident.ReadTruth(dir)
	if err != nil {
		return replay.Report{}, err
	}
	files, err := audit.ReadIncident(dir, ingest.Options{})
	if err != nil {
		return replay.Report{}, err
	}
	answer, err := audit.ReadAnswer(auditDir, ingest.Options{})
	if err != nil {
		return replay.Report{}, err
	}
	r, err := replay.Score(files, truth, answer)
	var mismatch *replay.MismatchError
	if errors.As(err, &mismatch) {
		return r, inputError(err)
	}
	return r, err
}
