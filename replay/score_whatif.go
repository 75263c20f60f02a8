package replay

import "math"

// claimSide are the safeguards that act before the work is done: they change
// who works when, so the interval is widened by 3·√(hi+1) (R74).
func claimSide(safeguard string) bool {
	switch safeguard {
	case "lease", "heartbeat-lease", "partition-symbol", "partition-event", "in-flight-set":
		return true
	}
	return false
}

// scoreWhatIf checks each promise against what happened when the incident ran
// again with that safeguard on.
func scoreWhatIf(observed []Intervention, promised []Promise) WhatIfScore {
	type key struct{ safeguard, parameter string }
	actual := make(map[key]int64, len(observed))
	for _, o := range observed {
		actual[key{o.Safeguard, o.Parameter}] = o.Prevented
	}
	var w WhatIfScore
	for _, p := range promised {
		prevented, ok := actual[key{p.Safeguard, p.Parameter}]
		if !ok {
			continue
		}
		slack := 0.0
		if claimSide(p.Safeguard) {
			slack = 3 * math.Sqrt(float64(p.Hi)+1)
		}
		off := float64(max(0, p.Lo-prevented, prevented-p.Hi))
		if w.Checked++; off <= slack {
			w.Inside++
		}
		w.MaxError = Ratio{max(w.MaxError.Value, off), true}
	}
	return w
}
