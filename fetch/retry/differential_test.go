package retry_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"holdfast/fetch/retry"
)

// requirement is the requirement's fetch, line by line: the callbacks of one
// URL whose attempts go as scripted, and whether it was a success. The draws
// of the jitter are handed in.
func requirement(responses []retry.Attempt, draws []float64) (callbacks []string, waits []float64, success bool) {
	const maxRetries, initialBackoffMS, maxBackoffMS, multiplier = 3, 100.0, 5000.0, 2.0
	calculateBackoff := func(attempt int) float64 {
		base := initialBackoffMS * math.Pow(multiplier, float64(attempt))
		jitter := draws[attempt] * (0.1 * base)
		return min(base+jitter, maxBackoffMS)
	}
	for attempt := 1; ; attempt++ {
		r := responses[attempt-1]
		reason := ""
		switch {
		case r.Class == retry.ClassTimeout:
			reason = "timeout"
		case r.Class == retry.ClassConnection:
			reason = "connection_error"
		case r.Status >= 200 && r.Status < 300:
			return append(callbacks, "success"), waits, true
		case r.Status >= 400 && r.Status < 500:
			return append(callbacks, "client_error"), waits, false
		case r.Status >= 500:
			reason = "server_error"
		}
		callbacks = append(callbacks, reason)
		if attempt > maxRetries {
			return append(callbacks, fmt.Sprintf("max_retries %d", attempt)), waits, false
		}
		waits = append(waits, calculateBackoff(attempt-1))
		callbacks = append(callbacks, fmt.Sprintf("retry %d %s", attempt+1, reason))
	}
}

// decided is the same by Decide under spec.
func decided(responses []retry.Attempt, draws []float64) (callbacks []string, waits []float64, success bool) {
	p := retry.Spec()
	state := retry.State{}
	for i, r := range responses {
		var v retry.Verdict
		state, v = retry.Decide(&p, state, r, retry.Env{U: draws[i], Remaining: retry.Forever})
		callbacks = append(callbacks, v.Event)
		switch v.Then {
		case "retry":
			waits = append(waits, float64(v.Wait)/float64(time.Millisecond))
			callbacks = append(callbacks, fmt.Sprintf("retry %d %s", state.Attempts+1, v.Reason))
		case "max_retries":
			callbacks = append(callbacks, fmt.Sprintf("max_retries %d", state.Attempts))
		}
		if v.Action != retry.Retry {
			return callbacks, waits, v.Outcome == retry.OutcomeSuccess
		}
	}
	return callbacks, waits, false
}

// Under spec Decide is the requirement, for whatever a server does.
func TestSpecIsTheRequirement(t *testing.T) {
	t.Parallel()
	draw := rand.New(rand.NewPCG(1, 1))
	n := 100_000
	if testing.Short() {
		n = 10_000
	}
	for range n {
		var responses []retry.Attempt
		var draws []float64
		for range 4 {
			a := status(200 + draw.IntN(3)*100*draw.IntN(2) + draw.IntN(100)) // 2xx, 3xx+, 4xx
			switch draw.IntN(5) {
			case 0, 1:
				a = status(500 + draw.IntN(100))
			case 2:
				a = timeout(retry.Phase(draw.IntN(7)), retry.Limit(draw.IntN(7)))
			case 3:
				ks := kinds[retry.ClassConnection]
				a = failure(ks[draw.IntN(len(ks))])
			}
			if a.Class == retry.ClassRedirect { // the requirement does not speak of them
				a = status(200)
			}
			responses, draws = append(responses, a), append(draws, draw.Float64())
		}
		want, wantWaits, wantOK := requirement(responses, draws)
		got, gotWaits, gotOK := decided(responses, draws)
		nanosecond := func(a, b float64) bool { return math.Abs(a-b) < 1.001e-6 } // ours are whole ones
		if !slices.Equal(want, got) || wantOK != gotOK || !slices.EqualFunc(wantWaits, gotWaits, nanosecond) {
			t.Fatalf("%v\nrequired %v %v %v\ndecided  %v %v %v", responses, want, wantWaits, wantOK, got, gotWaits, gotOK)
		}
	}
}
