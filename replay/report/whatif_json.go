package report

import (
	"slices"
	"strconv"

	"holdfast/replay/whatif"
)

// safeguardJSON is a line of whatif.csv as an object.
type safeguardJSON struct {
	Safeguard         string   `json:"safeguard"`
	Parameter         string   `json:"parameter"`
	Loop              string   `json:"loop"`
	PreventedLo       int64    `json:"prevented_lo"`
	PreventedHi       int64    `json:"prevented_hi"`
	PreventedExpected float64  `json:"prevented_expected"`
	Duplicates        int64    `json:"duplicates"`
	FalseRejections   int64    `json:"false_rejections"`
	EventsLostLo      int64    `json:"events_lost_lo"`
	EventsLostHi      int64    `json:"events_lost_hi"`
	VisibleVersions   *int64   `json:"visible_versions"`
	PeakKeys          *int64   `json:"peak_keys"`
	PeakBytes         *int64   `json:"peak_bytes"`
	LatencyP50MS      *float64 `json:"latency_p50_ms"`
	LatencyP99MS      *float64 `json:"latency_p99_ms"`
	LoadSkew          *float64 `json:"load_skew"`
	Verdict           string   `json:"verdict"`
	Why               string   `json:"why,omitempty"`
	Examples          []string `json:"example_not_prevented"`
}

// WhatIfJSON is the value that `whatif --json` prints.
type WhatIfJSON struct {
	Duplicates int64                              `json:"duplicates"`
	Safeguards []safeguardJSON                    `json:"safeguards"`
	MinimalSet []string                           `json:"minimal_set"`
	Left       int64                              `json:"not_prevented_by_all"`
	Pairs      []pairJSON                         `json:"pairs"`
	Shapley    map[string]float64                 `json:"shapley"`
	Matrix     map[string]map[string]whatif.Range `json:"matrix"`
}

type pairJSON struct {
	Safeguards [2]string `json:"safeguards"`
	Prevented  int64     `json:"prevented"`
}

// NewWhatIfJSON turns a result into what is printed.
func NewWhatIfJSON(r *whatif.Result) *WhatIfJSON {
	j := &WhatIfJSON{Duplicates: r.Duplicates, Left: r.Left, MinimalSet: []string{}, Pairs: []pairJSON{},
		Shapley: map[string]float64{}, Matrix: map[string]map[string]whatif.Range{}}
	name := func(i int) string { return r.Outcomes[i].Safeguard.String() }
	for _, x := range slices.Concat(r.Outcomes, r.ClosedLoop) {
		j.Safeguards = append(j.Safeguards, newSafeguardJSON(&x))
	}
	for _, i := range r.Minimal {
		j.MinimalSet = append(j.MinimalSet, name(i))
	}
	for _, p := range r.Pairs {
		j.Pairs = append(j.Pairs, pairJSON{[2]string{name(p.A), name(p.B)}, p.Prevented})
	}
	for i, share := range r.Shares {
		if share > 0 {
			j.Shapley[name(i)] = round(share, 4)
		}
	}
	for _, row := range r.Matrix {
		by := map[string]whatif.Range{}
		for i, x := range row.By {
			if x.Hi > 0 {
				by[name(i)] = x
			}
		}
		j.Matrix[row.Cause.String()] = by
	}
	return j
}

func newSafeguardJSON(x *whatif.Outcome) safeguardJSON {
	s := safeguardJSON{
		Safeguard: x.Safeguard.Slug, Parameter: x.Safeguard.Parameter(), Loop: loopName(x),
		PreventedLo: x.PreventedLo, PreventedHi: x.PreventedHi, PreventedExpected: round(x.PreventedExpected, 2), Duplicates: x.Duplicates,
		FalseRejections: x.FalseRejections, EventsLostLo: x.EventsLostLo, EventsLostHi: x.EventsLost,
		Verdict: string(x.Verdict()), Why: x.NotEstimable, Examples: append([]string{}, examples(x)...),
	}
	if x.Versions > 0 {
		s.VisibleVersions = &x.Versions
	}
	if x.Keys >= 0 {
		bytes := x.Bytes()
		s.PeakKeys, s.PeakBytes = &x.Keys, &bytes
	}
	if x.Latency != nil {
		a, b := float64(x.Latency.P50)/1e6, float64(x.Latency.P99)/1e6
		s.LatencyP50MS, s.LatencyP99MS = &a, &b
	}
	if x.Skew > 0 {
		v := round(x.Skew, 3)
		s.LoadSkew = &v
	}
	return s
}

func round(x float64, n int) float64 {
	v, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'f', n, 64), 64)
	return v
}
