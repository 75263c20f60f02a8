package incident_test

import (
	"context"
	"testing"

	"holdfast/lab/incident"
	"holdfast/lab/racers"
)

// Each safeguard of the list is really played, and what it does is read back.
func TestInterventions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p, err := racers.Preset("lease-short", 3, 2000)
	if err != nil {
		t.Fatal(err)
	}
	report, err := incident.Write(context.Background(), dir, p, incident.Options{Interventions: true})
	if err != nil {
		t.Fatal(err)
	}
	truth, err := incident.ReadTruth(dir)
	if err != nil {
		t.Fatal(err)
	}
	list := incident.Interventions()
	if len(truth.Interventions) != len(list) {
		t.Fatalf("%d interventions, want %d", len(truth.Interventions), len(list))
	}
	for i, s := range list {
		got := truth.Interventions[i]
		if got.Safeguard != s.Slug || got.Parameter != s.Parameter() {
			t.Errorf("line %d is about %s %s, want %s", i+1, got.Safeguard, got.Parameter, s)
		}
		again := racers.Run(p, s, func(racers.Fact) {})
		if got.Duplicates != again.Duplicates || got.Prevented != report.Duplicates-again.Duplicates {
			t.Errorf("%s: %d left, %d prevented, want %d, %d", s, got.Duplicates, got.Prevented, again.Duplicates, report.Duplicates-again.Duplicates)
		}
	}
}
