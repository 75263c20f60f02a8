package outage

import (
	"slices"
	"time"

	"holdfast/fetch/retry"
)

// result sums a run up.
func (w *world) result() Result {
	r := Result{
		Policy: w.c.Policy.Name, URLs: len(w.urls), Requests: w.count.requests,
		OutageFirsts: w.count.outageFirsts, OutageRequests: w.count.outageRequests,
		Outcomes: map[string]int{}, ElapsedMS: milliseconds(w.q.Now()),
	}
	if r.OutageFirsts > 0 {
		r.LoadFactor = float64(r.OutageRequests) / float64(r.OutageFirsts)
	}
	for i := range w.hosts {
		h := &w.hosts[i]
		r.PeakPerSecond, r.Herd, r.HerdAtOnce = max(r.PeakPerSecond, h.peak), max(r.Herd, h.herd), max(r.HerdAtOnce, h.atOnce)
		if h.noticed < 0 {
			r.NoticeMS = -1
		} else if r.NoticeMS >= 0 {
			r.NoticeMS = max(r.NoticeMS, milliseconds(h.noticed))
		}
	}
	var gaveUp []time.Duration
	for i := range w.urls {
		u := &w.urls[i]
		r.Outcomes[u.outcome.String()]++
		if u.outcome == retry.OutcomeSuccess {
			r.Successes++
		} else if u.first >= 0 {
			gaveUp = append(gaveUp, u.ended-u.first)
		}
	}
	if len(gaveUp) > 0 {
		slices.Sort(gaveUp)
		r.GiveUp50MS, r.GiveUpMaxMS = milliseconds(gaveUp[len(gaveUp)/2]), milliseconds(gaveUp[len(gaveUp)-1])
	}
	return r
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Round(100*time.Microsecond)/(100*time.Microsecond)) / 10
}
