package retry_test

import (
	"fmt"
	"time"

	"holdfast/fetch/retry"
)

func ExampleDecide() {
	p := retry.Smart()
	state := retry.State{}
	for n, code := range []int{503, 503, 200} {
		class, kind := retry.ClassifyStatus(code)
		a := retry.Attempt{Class: class, Kind: kind, Status: code, Sent: true, Idempotent: true}
		env := retry.Env{
			Now:       time.Duration(n) * time.Second,
			U:         retry.Uniform(42, 7, n+1), // seed, fingerprint of the URL, retry
			Remaining: retry.Forever,
			Budget:    100 * retry.Token,
		}
		var v retry.Verdict
		state, v = retry.Decide(&p, state, a, env)
		fmt.Println(code, v.Rule, v.Action, v.Outcome, v.Wait.Round(time.Millisecond))
	}
	// Output:
	// 503 smart.9 retry  22ms
	// 503 smart.9 retry  48ms
	// 200 smart.1 done success 0s
}

func ExampleTable() {
	for _, r := range retry.Table()[8:10] {
		fmt.Printf("%d | %s | %s | %s\n", r.Number, r.What, r.Says("spec"), r.Says("smart"))
	}
	// Output:
	// 9 | 5xx except below | retry | retry, 503 with Retry-After through the gate, cost 0
	// 10 | 501 505 506 508 510 511 | retry | final
}

func ExampleCalculateBackoff() {
	for attempt := range 7 {
		fmt.Println(retry.CalculateBackoff(attempt, 0.5))
	}
	// Output:
	// 105ms
	// 210ms
	// 420ms
	// 840ms
	// 1.68s
	// 3.36s
	// 5s
}
