package urls_test

import (
	"encoding/json"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast/lab/urls"
)

// TestValidatorKeys has the exact form of the result.
func TestValidatorKeys(t *testing.T) {
	t.Parallel()
	p := urls.NewProvider(big.NewInt(42), 1) // one URL, slow
	url := p.All()[0]
	v := urls.NewValidator(p)
	check := func(want string) {
		t.Helper()
		got, err := json.Marshal(v.Validate())
		if err != nil || string(got) != want {
			t.Errorf("got  %s, %v\nwant %s", got, err, want)
		}
	}
	failure := func(recorded, missing string) string {
		return `{"total":1,"passed":0,"failed":1,"failures":[{"url":"` + url + `","expected":["on_success","on_slow_response"],"recorded":[` + recorded + `],"missing":[` + missing + `]}]}`
	}
	check(failure("", `"on_success","on_slow_response"`))
	v.AddCallback(url, "zzz")
	v.AddCallback(url, "on_max_retries")
	v.AddCallback(url, "on_timeout", map[string]any{"timeout_sec": 5})
	v.AddCallback(url, "on_success")
	v.AddCallback(url, "on_success")
	v.AddCallback("https://elsewhere/", "on_slow_response")
	check(failure(`"on_success","on_timeout","on_max_retries","zzz"`, `"on_slow_response"`))
	v.AddCallback(url, "on_slow_response")
	check(`{"total":1,"passed":1,"failed":0,"failures":[]}`)
}

// TestValidatorTwin compares with the requirement's rule, written down as it is,
// on random callbacks.
func TestValidatorTwin(t *testing.T) {
	t.Parallel()
	names := []string{
		"on_success", "on_client_error", "on_server_error", "on_timeout", "on_connection_error",
		"on_slow_response", "on_retry", "on_body_match", "on_max_retries",
	}
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		p := urls.NewProvider(big.NewInt(int64(seed)), 20)
		v, recorded := urls.NewValidator(p), map[string]map[string]bool{}
		for _, u := range p.All() {
			recorded[u] = map[string]bool{}
			for range rng.IntN(5) {
				name := names[rng.IntN(len(names))]
				v.AddCallback(u, name)
				recorded[u][name] = true
			}
		}
		got := v.Validate()
		want := urls.Result{Total: p.Total(), Failures: []urls.Failure{}}
		for _, u := range p.All() {
			b, _ := p.Behavior(u)
			f := urls.Failure{URL: u, Expected: []string{}, Recorded: []string{}, Missing: []string{}}
			for _, name := range names { // the handler's order
				expected := slices.Contains(b.ExpectedCallbacks, name)
				if expected {
					f.Expected = append(f.Expected, name)
				}
				if recorded[u][name] {
					f.Recorded = append(f.Recorded, name)
				}
				if expected && !recorded[u][name] && name != "on_retry" && name != "on_max_retries" {
					f.Missing = append(f.Missing, name)
				}
			}
			if len(f.Missing) > 0 {
				want.Failed++
				want.Failures = append(want.Failures, f)
			} else {
				want.Passed++
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d (-want +got):\n%s", seed, diff)
		}
	}
}
