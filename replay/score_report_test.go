package replay

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const wantJSON = `{
 "preset": "none", "seed": 7, "rows": 3, "duplicates": 1, "source_twins": 0,
 "detection": {"tp": 1, "fp": 0, "fn": 0, "precision": 1, "recall": 1, "f1": 1},
 "linking": {"accuracy": 1, "best_guess": 1, "decided": 1, "decided_accuracy": 1, "all_rows": 1},
 "canonical": {"accuracy": 1},
 "dedupe": {"removed": 1, "duplicates_removed": 1, "events_lost": 0, "events_doubled": 0},
 "pairwise": {"precision": 1, "recall": 1, "f1": 1},
 "bcubed": {"precision": 1, "recall": 1, "f1": 1},
 "cause": {"credit": 0.5, "macro_f1": 1, "confusion": {"short-lease": {"short-lease": 1}}},
 "calibration": {"brier": 0.0625, "ece": 0.25, "coverage": 1},
 "whatif": {"checked": 0, "inside": 0, "max_error": null},
 "baselines": {
  "asof-nearest": {"removed": 1, "duplicates_removed": 1, "events_doubled": 0, "events_lost": 0, "linking": 1},
  "consecutive-line": {"removed": 1, "duplicates_removed": 1, "events_doubled": 0, "events_lost": 0, "linking": null},
  "exact-row": {"removed": 0, "duplicates_removed": 0, "events_doubled": 1, "events_lost": 0, "linking": null},
  "floor-200ms-last": {"removed": 2, "duplicates_removed": 1, "events_doubled": 0, "events_lost": 1, "linking": null},
  "key-first": {"removed": 0, "duplicates_removed": 0, "events_doubled": 1, "events_lost": 0, "linking": null},
  "key-last": {"removed": 0, "duplicates_removed": 0, "events_doubled": 1, "events_lost": 0, "linking": null},
  "near-star": {"removed": 1, "duplicates_removed": 1, "events_doubled": 0, "events_lost": 0, "linking": null},
  "round-5ms-last": {"removed": 0, "duplicates_removed": 0, "events_doubled": 1, "events_lost": 0, "linking": null}
 },
 "floors": {"met": null, "failed": []}
}`

const wantText = `none seed 7: 3 rows, 1 true duplicate

detection   precision 1.000  recall 1.000  f1 1.000  (1 right, 0 wrong, 0 missed)
linking     accuracy 1.000  (1.000 decided, 1.000 of these right; best guess 1.000; all rows 1.000)
canonical   accuracy 1.000
dedupe      1 of 1 duplicate removed, 0 events lost, 0 still doubled
pairwise    precision 1.000  recall 1.000  f1 1.000
b-cubed     precision 1.000  recall 1.000  f1 1.000
cause       credit 0.500  macro-f1 1.000
confidence  brier 0.062  calibration error 0.250  coverage 1.000

true cause   answered     rows
short-lease  short-lease     1

rule              removed  duplicates  still doubled  events lost  linking
this audit              1           1              0            0    1.000
key-last                0           0              1            0        -
key-first               0           0              1            0        -
exact-row               0           0              1            0        -
round-5ms-last          0           0              1            0        -
floor-200ms-last        2           1              0            1        -
consecutive-line        1           1              0            0        -
near-star               1           1              0            0        -
asof-nearest            1           1              0            0    1.000

no floors for preset "none"
`

func smallReport(t *testing.T) Report {
	t.Helper()
	in, truth := pair()
	a := oracle(in, truth)
	a.Claims[0].Alternatives, a.Claims[0].Posterior = []string{"hedged-attempt"}, 0.75
	return mustScore(t, in, truth, a)
}

// R91: the shape of the JSON, and that it can be read back.
func TestReportJSON_R91(t *testing.T) {
	t.Parallel()
	r := smallReport(t)
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var got, want any
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(wantJSON), &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var back Report
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, back); diff != "" {
		t.Error(diff)
	}
}

func TestReportText(t *testing.T) {
	t.Parallel()
	r := smallReport(t)
	if diff := cmp.Diff(wantText, r.Text()); diff != "" {
		t.Error(diff)
	}
	met := false
	r.Floors = FloorsResult{Met: &met, Failed: []string{"cause credit 0.500 is below 0.85"}}
	r.SourceTwins = 1
	r.Detection.PrecisionRecall = PrecisionRecall{}
	r.WhatIf = WhatIfScore{Checked: 3, Inside: 2, MaxError: Ratio{4, true}}
	for _, line := range []string{
		"detection   precision -      recall -      f1 -      (1 right, 0 wrong, 0 missed)\n",
		"dedupe      1 of 1 duplicate removed (second ids of the source, which may stay: 1), 0 events lost",
		"what-if     2 of 3 promises kept, largest error 4.000\n",
		"floors of none: NOT met: cause credit 0.500 is below 0.85\n",
	} {
		if !strings.Contains(r.Text(), line) {
			t.Errorf("text lacks %q:\n%s", line, r.Text())
		}
	}
}

func TestRatioString(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		r           Ratio
		text, error string
	}{
		{Ratio{}, "-", "-"},
		{Ratio{1, true}, "1.000", "1.000"},
		{Ratio{0.99999, true}, "0.999", "1.000"}, // 1.000 means all
		{Ratio{0.29, true}, "0.290", "0.290"},
		{Ratio{0.0001, true}, "0.000", "0.001"}, // 0.000 means no error
	} {
		if c.r.String() != c.text || errorText(c.r) != c.error {
			t.Errorf("%v: %q and %q, want %q and %q", c.r, c.r.String(), errorText(c.r), c.text, c.error)
		}
	}
}
