package incident

import (
	"context"
	"fmt"
	"slices"

	"holdfast/lab/racers"
	"holdfast/replay/whatif"
)

const interventionsFile = "truth/interventions.csv"

// Interventions are the safeguards that [Write] turns on one after the other,
// to see what really happens with each: those that every what-if weighs, but
// for the parameters that it reads off an incident.
func Interventions() []racers.Safeguard {
	list := whatif.Standard(&whatif.Facts{}, 10_000_000, 500_000_000)
	return slices.DeleteFunc(list, func(s racers.Safeguard) bool { return s.Slug == whatif.Lease && s.Window == 0 })
}

// interventions plays the incident once more for each safeguard. The totals
// are those without any.
func (f *folder) interventions(ctx context.Context, p racers.Params, totals racers.Totals) error {
	file, err := f.create(interventionsFile)
	if err != nil {
		return err
	}
	file.write([]byte("safeguard,parameter,duplicates,prevented,false_rejections,events_lost\n"))
	for _, s := range Interventions() {
		t := racers.RunWhile(p, s, func(racers.Fact) bool { return f.err == nil })
		if err := ctx.Err(); err != nil {
			return err
		}
		file.write(fmt.Appendf(nil, "%s,%s,%d,%d,%d,%d\n", s.Slug, quoted(s.Parameter()),
			t.Duplicates, totals.Duplicates-t.Duplicates, t.FalseRefusals, t.Lost-totals.Lost))
	}
	return nil
}

// quoted keeps a parameter with a comma in one field.
func quoted(s string) string {
	if slices.Contains([]byte(s), ',') {
		return `"` + s + `"`
	}
	return s
}
