package fetchcheck

import (
	"fmt"
	"io"
)

// shown is how many failures of a rule the text has.
const shown = 10

// WriteText says it for people: a line a rule, and the first failures of each.
func (r *Report) WriteText(w io.Writer) error {
	fmt.Fprintf(w, "%d of %d URLs passed at %s: %d records in %d lines, policy %s\n", r.Passed, r.Total, r.Extra.Base, r.Extra.Records, r.Extra.Lines, r.Extra.Policy)
	for i := range r.Extra.Strict {
		rule := &r.Extra.Strict[i]
		switch {
		case rule.Holds == nil:
			fmt.Fprintf(w, "%s  -      %s: not asked for\n", rule.ID, rule.About)
			continue
		case *rule.Holds:
			fmt.Fprintf(w, "%s  holds  %s: %d checked\n", rule.ID, rule.About, rule.Checked)
			continue
		}
		fmt.Fprintf(w, "%s  FAILS  %s: %d checked, %d failures\n", rule.ID, rule.About, rule.Checked, rule.Failed)
		for j := range min(shown, len(rule.Failures)) {
			fmt.Fprintf(w, "    %s\n", rule.Failures[j])
		}
		if more := rule.Failed - shown; more > 0 {
			fmt.Fprintf(w, "    and %d more\n", more)
		}
	}
	_, err := fmt.Fprintln(w, map[bool]string{true: "validated", false: "not validated"}[r.Extra.Holds])
	return err
}
