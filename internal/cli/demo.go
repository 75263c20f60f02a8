package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"holdfast/lab/incident"
	"holdfast/lab/racers"
	"holdfast/replay"
	"holdfast/replay/audit"
	"holdfast/replay/dedupe"
)

// claim is one thing that a demo promises, with what the truth and the run say of it.
type claim struct {
	Stage    string `json:"stage"`
	What     string `json:"what"`
	Injected string `json:"injected"`
	Found    string `json:"found"`
	Held     bool   `json:"held"`
}

// equal is the claim that what was put in is what came out.
func equal[T comparable](stage, what string, injected, found T) claim {
	return claim{stage, what, fmt.Sprint(injected), fmt.Sprint(found), injected == found}
}

// journey is what the stages of a demo hand on.
type journey struct {
	dir      string
	seed     uint64
	events   int64
	progress *progress

	incident incident.Report
	audit    *audit.Result

	byKeyDoubled int64 // events that keeping one row a key would leave doubled
}

// stage is a chapter of the demo: it does something real and returns what it claims.
type stage struct {
	name string
	run  func(context.Context, *journey) ([]claim, error)
}

// stages are the demo, in order.
var stages = []stage{
	{"fetch", demoFetch},
	{"record", demoRecord},
	{"merge", demoMerge},
	{"incident", demoIncident},
	{"audit", demoAudit},
	{"dedupe", demoDedupe},
	{"score", demoScore},
}

func newDemo(a *app) *cobra.Command {
	var j journey
	cmd := &cobra.Command{
		Use:   "demo [DIR]",
		Short: "Faults of every kind injected, survived, explained, and checked against the truth",
		Long: `Fetches from a server that fails on purpose, records a lossy stream in a process
that is killed again and again, lets two workers merge under kills, makes an
incident in which three workers race and write some events twice, finds and
explains every duplicate, writes a clean output, and checks each claim against
what was really injected. Exit status 1 if one claim does not hold. All files
stay in DIR (default holdfast-demo) for you to look at.`,
		Example: `  holdfast demo
  holdfast demo /tmp/demo --seed 7 --events 200000`,
		Args: args(0, 1, "one folder"),
		RunE: func(cmd *cobra.Command, given []string) error {
			j.dir = "holdfast-demo"
			if len(given) == 1 {
				j.dir = given[0]
			}
			if j.events < 0 {
				return usageError(fmt.Errorf("--events must not be negative"))
			}
			if err := os.MkdirAll(j.dir, 0o777); err != nil {
				return err
			}
			j.progress = a.progress()
			claims, err := j.run(cmd.Context())
			j.progress.Close()
			if err != nil {
				return err
			}
			return a.tellDemo(&j, claims)
		},
	}
	f := cmd.Flags()
	f.Uint64Var(&j.seed, "seed", 1, "all chance comes from this number")
	f.Int64Var(&j.events, "events", 0, "events of the incident (default 70000)")
	return cmd
}

func (j *journey) run(ctx context.Context) ([]claim, error) {
	var all []claim
	for i, s := range stages {
		j.progress.Step(s.name, int64(i), int64(len(stages)))
		claims, err := s.run(ctx, j)
		if err != nil {
			return nil, fmt.Errorf("demo, %s: %w", s.name, err)
		}
		for k := range claims {
			claims[k].Stage = s.name
		}
		all = append(all, claims...)
	}
	return all, nil
}

// tellDemo prints the table and fails if a claim did not hold.
func (a *app) tellDemo(j *journey, claims []claim) error {
	failed := 0
	for _, c := range claims {
		if !c.Held {
			failed++
		}
	}
	result := struct {
		Dir    string         `json:"dir"`
		Seed   uint64         `json:"seed"`
		Claims []claim        `json:"claims"`
		Failed int            `json:"failed"`
		Audit  replay.Summary `json:"audit"`
	}{j.dir, j.seed, claims, failed, j.audit.Summary}
	err := a.print(result, func(w io.Writer) error { return writeDemo(w, j, claims) })
	if err == nil && failed > 0 {
		err = notHeld(fmt.Errorf("demo: %d of %d claims did not hold", failed, len(claims)))
	}
	return err
}

func writeDemo(w io.Writer, j *journey, claims []claim) error {
	fmt.Fprintf(w, "Three workers raced over %d events and wrote %d rows. What the audit says:\n\n", j.incident.Events, j.incident.Rows)
	if err := j.audit.WriteText(w); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nAgainst the truth:\n\n")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "  stage\tclaim\tinjected\tfound\t\n")
	last := ""
	for _, c := range claims {
		name, mark := c.Stage, "ok"
		if name == last {
			name = ""
		}
		last = c.Stage
		if !c.Held {
			mark = "DOES NOT HOLD"
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s\n", name, c.What, c.Injected, c.Found, mark)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\nThe usual rule, one row per (symbol, timestamp), would have left %s doubled.\nLook at:    %s\nRead next:  %s\n",
		counted(j.byKeyDoubled, "event", "events"), filepath.Join(j.dir, "incident", "audit", "report.html"), filepath.Join(j.dir, "incident", "audit", "incident.md"))
	return err
}

func demoIncident(ctx context.Context, j *journey) ([]claim, error) {
	p, err := racers.Preset("dmr2025", j.seed, j.events)
	if err != nil {
		return nil, err
	}
	j.incident, err = incident.Write(ctx, j.path("incident"), p, incident.Options{Interventions: true})
	return nil, err
}

func demoAudit(ctx context.Context, j *journey) ([]claim, error) {
	c := audit.Config{
		Events: j.path("incident", "raw_tick_events.log"), Workers: j.path("incident", "worker_logs.csv"),
		Output: j.path("incident", "final_output.csv"), Out: j.path("incident", "audit"), Progress: j.progress.Step,
	}
	var err error
	if j.audit, err = audit.Run(ctx, c); err != nil {
		return nil, err
	}
	s := &j.audit.Summary
	return []claim{
		equal("", "rows read", j.incident.Rows, s.Rows.In),
		equal("", "events read", j.incident.Events, s.ByEvent.Events),
		equal("", "attempts read", j.incident.Attempts, s.Attempts.Total),
		equal("", "duplicates found", j.incident.Duplicates, s.ByEvent.Duplicates),
		equal("", "events lost", j.incident.Lost, s.Lost),
		equal("", "every row accounted for", s.Rows.In, s.Rows.Kept+s.Rows.Removed+s.Rows.Rejected),
	}, nil
}

func demoDedupe(ctx context.Context, j *journey) ([]claim, error) {
	in := j.path("incident", "final_output.csv")
	byKey, err := dedupe.ByKey(ctx, dedupe.Config{In: in, Out: j.path("by_key.csv")})
	if err != nil {
		return nil, err
	}
	byTruth, err := audit.Dedupe(ctx, audit.Config{
		Events: j.path("incident", "raw_tick_events.log"), Workers: j.path("incident", "worker_logs.csv"), Output: in,
	}, dedupe.Config{Out: j.path("by_event.csv")})
	if err != nil {
		return nil, err
	}
	same, err := sameFiles(j.path("by_event.csv"), j.path("incident", "audit", "deduplicated_output.csv"))
	if err != nil {
		return nil, err
	}
	return []claim{
		equal("", "rows removed by event", j.incident.Duplicates, byTruth.Removed),
		equal("", "dedupe and audit write the same bytes", true, same),
		equal("", "rows removed by key are the groups' extra rows", j.audit.Summary.ByKey.ExtraRows, byKey.Removed),
	}, nil
}

func demoScore(_ context.Context, j *journey) ([]claim, error) {
	r, err := score(j.path("incident"), j.path("incident", "audit"))
	if err != nil {
		return nil, err
	}
	j.byKeyDoubled = r.Baselines["key-last"].EventsDoubled
	return []claim{
		equal("", "duplicates rightly found", r.Duplicates, r.Detection.TP),
		equal("", "rows wrongly called duplicates", 0, r.Detection.FP),
		equal("", "copies tied to the right event", "1.000", r.Linking.Accuracy.String()),
		equal("", "cause named", "1.000", r.Cause.Credit.String()),
		equal("", "events lost by the clean output", 0, r.Dedupe.EventsLost),
		equal("", "events still doubled in it", 0, r.Dedupe.EventsDoubled),
		{What: "safeguards that did what was foretold, when really on", Injected: fmt.Sprintf("95 %% of %d", r.WhatIf.Checked),
			Found: fmt.Sprint(r.WhatIf.Inside), Held: r.WhatIf.Inside*100 >= r.WhatIf.Checked*95},
	}, nil
}

func (j *journey) path(parts ...string) string {
	return filepath.Join(append([]string{j.dir}, parts...)...)
}

func sameFiles(a, b string) (bool, error) {
	x, err := os.ReadFile(a)
	if err != nil {
		return false, err
	}
	y, err := os.ReadFile(b)
	return string(x) == string(y), err
}
