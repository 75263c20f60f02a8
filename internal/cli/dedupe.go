package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"holdfast/replay/audit"
	"holdfast/replay/dedupe"
	"holdfast/replay/ingest"
)

func newDedupe(a *app) *cobra.Command {
	var (
		c         dedupe.Config
		read      readFlags
		matching  matchFlags
		resources resourceFlags
		keep      = choice{"", []string{"first", "last", "lowest", "highest", "median", "mean", "truth"}}
		key       string
		events    string
		workers   string
	)
	cmd := &cobra.Command{
		Use:   "dedupe IN [OUT]",
		Short: "Write an output again without its duplicates, kept lines byte for byte",
		Long: `Keeps one row of each group and writes it as it was read. Rows are grouped

  by key        --key symbol,timestamp (the default): equal values, however spelled
  by nearness   --tolerance D,P: rows that lie that close to an earlier one
  by event      --events F [--workers F]: rows that report the same event

By key it keeps the last row unless --keep says otherwise, by nearness the first,
by event the true one. Two real events may share a key: only --events can tell.
With --analysis F it also writes how often each repeated key stands and how far
its prices lie apart; OUT may then be left out.`,
		Example: `  holdfast dedupe final_output.csv deduplicated_output.csv
  holdfast dedupe final_output.csv clean.csv.gz --keep highest --removed removed.csv
  holdfast dedupe final_output.csv clean.csv --tolerance 10ms,0.50
  holdfast dedupe final_output.csv clean.csv --events raw_tick_events.log --workers worker_logs.csv
  cat final_output.csv | holdfast dedupe - - > clean.csv`,
		Args: args(1, 2, "IN OUT"),
		RunE: func(cmd *cobra.Command, given []string) error {
			c.In = given[0]
			if len(given) == 2 {
				c.Out = given[1]
			}
			if c.Out == "" && c.Analysis == "" {
				return usageError(fmt.Errorf("no output: name OUT, or --analysis F"))
			}
			if err := resources.apply(); err != nil {
				return err
			}
			if c.Removed == "-" || c.Analysis == "-" {
				return usageError(fmt.Errorf("--removed and --analysis name files: only IN and OUT may be -"))
			}
			var err error
			if c.Read, err = read.options(); err != nil {
				return err
			}
			c.Keep, c.Key = keep.value, splitList(key)
			c.Memory, c.Tmp, c.Jobs = int64(resources.memory), resources.tmp, resources.jobs
			c.Read.Stdin, c.Stdout = a.Stdin, a.Stdout

			byKey := events == "" && matching.tolerance == ""
			switch {
			case !byKey && len(c.Key) > 0:
				return usageError(fmt.Errorf("--key goes with neither --events nor --tolerance: rows are grouped one way"))
			case !byKey && c.Analysis != "":
				return usageError(fmt.Errorf("--analysis is by key: for events use: holdfast audit"))
			case !byKey && c.Out == "":
				return usageError(fmt.Errorf("no output: name OUT"))
			case c.Keep == "truth" && events == "":
				return usageError(fmt.Errorf("--keep truth needs --events: only the events say which row is true"))
			case workers != "" && events == "":
				return usageError(fmt.Errorf("--workers needs --events"))
			}
			var result dedupe.Result
			if byKey {
				result, err = dedupe.ByKey(cmd.Context(), c)
			} else {
				p := a.progress()
				m := audit.Config{
					Events: events, Workers: workers, Output: c.In, Read: c.Read,
					Memory: c.Memory, Tmp: c.Tmp, Jobs: c.Jobs, Stdin: a.Stdin, Progress: p.Step,
				}
				if err = matching.apply(&m, "auto"); err != nil {
					return err
				}
				result, err = audit.Dedupe(cmd.Context(), m, c)
				p.Close()
			}
			if err != nil {
				return err
			}
			return a.tellDedupe(c, result)
		},
	}
	f := cmd.Flags()
	f.StringVar(&key, "key", "", "columns whose values make rows the same (default symbol,timestamp)")
	f.Var(&keep, "keep", "which row of a group stays (default last by key, first by nearness, truth by event)")
	f.StringVar(&events, "events", "", "the source's events (JSONL): group rows by event")
	f.StringVar(&workers, "workers", "", "the workers' log (CSV): helps to tell events apart")
	f.StringVar(&c.Removed, "removed", "", "write every removed and rejected row to this CSV file")
	f.StringVar(&c.Analysis, "analysis", "", "write the repeated keys to this CSV file")
	f.BoolVar(&c.CSVSafe, "csv-safe", false, "prefix text that a spreadsheet would take for a formula with ' in --removed and --analysis")
	matching.add(f)
	read.add(f)
	resources.add(f)
	return cmd
}

// tellDedupe prints the result: on stderr when stdout holds the rows.
func (a *app) tellDedupe(c dedupe.Config, r dedupe.Result) error {
	for _, reject := range r.Rejects {
		a.warn([]string{rejectLine(reject)})
	}
	a.warn(r.Warnings)
	to := *a
	if c.Out == "-" {
		to.Stdout = a.Stderr
	}
	return to.print(r, func(w io.Writer) error { return writeDedupe(w, r) })
}

func writeDedupe(w io.Writer, r dedupe.Result) error {
	how := "by " + r.Grouping
	if r.Grouping == "key" {
		how = "by key (" + strings.Join(r.Key, ",") + ")"
	}
	fmt.Fprintf(w, "%s: %s of two or more rows; kept the %s of each\n", how, counted(r.Groups, "group", "groups"), keepWords[r.Keep])
	if r.Tolerance != nil {
		fmt.Fprintf(w, "tolerance: -%v/+%v ms, price %v", r.Tolerance.EarlyMS, r.Tolerance.LateMS, r.Tolerance.Price)
		if r.AccidentalExpected != nil {
			fmt.Fprintf(w, "; %.1f pairs expected by accident", *r.AccidentalExpected)
		}
		fmt.Fprintln(w)
	}
	if r.Rewritten > 0 {
		fmt.Fprintf(w, "%s a mean price that no source ever sent\n", counted(r.Rewritten, "kept row carries", "kept rows carry"))
	}
	_, err := fmt.Fprintf(w, "rows in %d = kept %d + removed %d + rejected %d\n", r.RowsIn, r.Kept, r.Removed, r.Rejected)
	return err
}

// counted is a number with the word for it.
func counted(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// keepWords completes "kept the … of each".
var keepWords = map[string]string{
	"first": "first", "last": "last", "lowest": "lowest-priced row", "highest": "highest-priced row",
	"median": "median-priced row", "mean": "last (at the mean price)", "truth": "true row",
}

// splitList splits a comma-separated flag value.
func splitList(s string) []string {
	if s == "" {
		return nil
	}
	parts := strings.Split(s, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

// rejectLine tells of a rejected record: file:line: reason: hint.
func rejectLine(r ingest.Reject) string {
	s := fmt.Sprintf("%s:%d: %s", r.File, r.Line, r.Reason)
	if r.Hint != "" {
		s += ": " + r.Hint
	}
	return s
}
