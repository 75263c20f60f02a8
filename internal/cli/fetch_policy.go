package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"holdfast/fetch/retry"
)

// A policyRow is a row of the decision table as printed.
type policyRow struct {
	Row    int               `json:"row"`
	Class  string            `json:"class,omitempty"`
	Kinds  []string          `json:"kinds,omitempty"`
	What   string            `json:"what"`
	Event  string            `json:"event"`
	Answer map[string]string `json:"answer"` // by policy
	Why    string            `json:"why"`
}

// A policySetting is a number that each policy has.
type policySetting struct {
	Name  string            `json:"name"`  // --flag, or words for what has no flag
	Value map[string]string `json:"value"` // by policy
}

// A policyReport is one policy, or where two differ.
type policyReport struct {
	Policies []string        `json:"policies"`
	Rows     []policyRow     `json:"rows"`
	Settings []policySetting `json:"settings"`
}

func newFetchPolicy(a *app) *cobra.Command {
	var diff, markdown bool
	cmd := &cobra.Command{
		Use:   "policy NAME",
		Short: "Print the decision table that fetch runs: what is retried, and why",
		Long: `Prints, for a policy (spec or smart), what becomes of a URL by what happened to
its attempt, and the values that its flags have when none is given. It is the
table that the code runs, not a description of it. The number of a row is the
number in the rule ids of the log: smart.10.permanent is row 10 under smart.

  spec    the requirement to the letter: every 5xx, timeout and connection error
          is retried
  smart   what an operator wants: what will not go away is not retried, servers
          that ask for a pause get it, and a failing origin gets less load

  --diff  only what differs, side by side`,
		Example: `  holdfast fetch policy smart
  holdfast fetch policy --diff spec smart
  holdfast fetch policy smart --markdown`,
		Args: func(_ *cobra.Command, got []string) error {
			if diff && len(got) == 0 {
				return nil // both
			}
			least, what := 1, "a policy (spec or smart)"
			if diff {
				least, what = 2, "a second policy"
			}
			return args(least, least, what)(nil, got)
		},
		RunE: func(_ *cobra.Command, names []string) error {
			if len(names) == 0 {
				names = []string{retry.NameSpec, retry.NameSmart}
			}
			for _, name := range names {
				if _, ok := retry.Named(name); !ok {
					return usageError(fmt.Errorf("no policy is called %q: spec or smart", name))
				}
			}
			r := reportPolicies(names, diff)
			if markdown {
				return a.print(r, r.writeMarkdown)
			}
			return a.print(r, r.write)
		},
	}
	cmd.Flags().BoolVar(&diff, "diff", false, "only what differs between two policies")
	cmd.Flags().BoolVar(&markdown, "markdown", false, "as tables for a document")
	return cmd
}

func reportPolicies(names []string, diff bool) *policyReport {
	r := &policyReport{Policies: names, Rows: []policyRow{}, Settings: []policySetting{}}
	for _, row := range retry.Table() {
		p := policyRow{Row: row.Number, Class: row.Class.String(), What: row.What, Event: row.Event, Answer: map[string]string{}, Why: row.Why}
		for _, k := range row.Kinds {
			p.Kinds = append(p.Kinds, k.String())
		}
		for _, name := range names {
			p.Answer[name] = row.Says(name)
		}
		if !diff || p.Answer[names[0]] != p.Answer[names[1]] {
			r.Rows = append(r.Rows, p)
		}
	}
	for _, name := range names {
		policy, _ := retry.Named(name)
		for i, s := range policy.Settings() {
			if i == len(r.Settings) {
				r.Settings = append(r.Settings, policySetting{s.Name, map[string]string{}})
			}
			r.Settings[i].Value[name] = s.Value
		}
	}
	if diff {
		all := r.Settings
		r.Settings = all[:0]
		for _, s := range all {
			if s.Value[names[0]] != s.Value[names[1]] {
				r.Settings = append(r.Settings, s)
			}
		}
	}
	return r
}

func (r *policyReport) write(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "row\twhat happened\t%s\n", strings.Join(r.Policies, "\t"))
	for _, row := range r.Rows {
		fmt.Fprintf(t, "%d\t%s\t%s\n", row.Row, row.What, strings.Join(r.each(row.Answer), "\t"))
	}
	fmt.Fprintln(t)
	fmt.Fprintf(t, "\tdefault of\t%s\n", strings.Join(r.Policies, "\t"))
	for _, s := range r.Settings {
		fmt.Fprintf(t, "\t%s\t%s\n", s.Name, strings.Join(r.each(s.Value), "\t"))
	}
	return t.Flush()
}

func (r *policyReport) writeMarkdown(w io.Writer) error {
	names := strings.Join(r.Policies, " | ")
	lines := strings.Repeat(" --- |", len(r.Policies))
	fmt.Fprintf(w, "| row | what happened | class · kind | event | %s | why |\n| --- | --- | --- | --- |%s --- |\n", names, lines)
	for _, row := range r.Rows {
		kinds := row.Class
		if len(row.Kinds) > 0 {
			kinds += " · " + strings.Join(row.Kinds, ", ")
		}
		fmt.Fprintf(w, "| %d | %s | %s | %s | %s | %s |\n", row.Row, row.What, kinds, row.Event, strings.Join(r.each(row.Answer), " | "), row.Why)
	}
	fmt.Fprintf(w, "\n| default of | %s |\n| --- |%s\n", names, lines)
	for _, s := range r.Settings {
		if _, err := fmt.Fprintf(w, "| %s | %s |\n", s.Name, strings.Join(r.each(s.Value), " | ")); err != nil {
			return err
		}
	}
	return nil
}

// each gives the values of the policies in their order.
func (r *policyReport) each(values map[string]string) []string {
	var list []string
	for _, name := range r.Policies {
		list = append(list, values[name])
	}
	return list
}
