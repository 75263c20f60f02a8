package retry_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"holdfast/fetch/retry"
)

const ms = time.Millisecond

// The requirement's waits: the bounds of each, and exactly the maximum from
// the seventh on.
func TestCalculateBackoff(t *testing.T) {
	t.Parallel()
	for a, bounds := range [][2]time.Duration{
		{100 * ms, 110 * ms}, {200 * ms, 220 * ms}, {400 * ms, 440 * ms}, {800 * ms, 880 * ms}, {1600 * ms, 1760 * ms}, {3200 * ms, 3520 * ms},
		{5000 * ms, 5000 * ms}, {5000 * ms, 5000 * ms}, {5000 * ms, 5000 * ms},
	} {
		if low := retry.CalculateBackoff(a, 0); low != bounds[0] {
			t.Errorf("attempt %d, no jitter: %v", a, low)
		}
		if half := retry.CalculateBackoff(a, 0.5); half != bounds[0]+(bounds[1]-bounds[0])/2 {
			t.Errorf("attempt %d, half the jitter: %v", a, half)
		}
		high := retry.CalculateBackoff(a, math.Nextafter(1, 0))
		if high > bounds[1] || high < bounds[1]-time.Microsecond {
			t.Errorf("attempt %d, most jitter: %v", a, high)
		}
	}
	for _, a := range []int{63, 128, 1_000_000, math.MaxInt} {
		if got := retry.CalculateBackoff(a, 0.3); got != 5*time.Second {
			t.Errorf("attempt %d: %v", a, got)
		}
	}
}

func TestNominalBackoff(t *testing.T) {
	t.Parallel()
	p := retry.Policy{InitialBackoff: time.Second, MaxBackoff: 5 * time.Minute, Multiplier: 2, Jitter: retry.JitterNone}
	for a, want := range map[int]time.Duration{
		0: time.Second, 1: 2 * time.Second, 2: 4 * time.Second, 3: 8 * time.Second,
		63: 5 * time.Minute, 128: 5 * time.Minute, 1_000_000: 5 * time.Minute,
	} {
		if nominal, wait := p.Backoff(a, 0.7, 0); nominal != want || wait != want {
			t.Errorf("exponent %d: %v, %v", a, nominal, wait)
		}
	}
	p.Multiplier = 1
	if nominal, _ := p.Backoff(1_000_000, 0, 0); nominal != time.Second {
		t.Errorf("multiplier 1: %v", nominal)
	}
	p.InitialBackoff = time.Hour
	if nominal, _ := p.Backoff(0, 0, 0); nominal != 5*time.Minute {
		t.Errorf("initial above the maximum: %v", nominal)
	}
	p.InitialBackoff = 0
	if nominal, wait := p.Backoff(5, 0.5, 0); nominal != 0 || wait != 0 {
		t.Errorf("no backoff: %v", nominal)
	}
}

// Waits with jitter by their bounds, and golden values: a change of any of
// them changes what runs with a given seed do.
func TestJitter(t *testing.T) {
	t.Parallel()
	const s = time.Second
	for _, c := range []struct {
		mode      retry.JitterMode
		low, high time.Duration // at exponent 2 (nominal 400 ms), previous 350 ms
		golden    time.Duration
	}{
		{retry.JitterNone, 400 * ms, 400 * ms, 400 * ms},
		{retry.JitterAdditive, 400 * ms, 440 * ms, 430 * ms},
		{retry.JitterFull, 0, 400 * ms, 300 * ms},
		{retry.JitterEqual, 200 * ms, 400 * ms, 350 * ms},
		{retry.JitterDecorrelated, 100 * ms, 1050 * ms, 812500 * time.Microsecond},
	} {
		p := retry.Smart()
		p.Jitter = c.mode
		if _, got := p.Backoff(2, 0.75, 350*ms); got != c.golden {
			t.Errorf("%v at 0.75: %v", c.mode, got)
		}
		for k := range 1000 {
			_, wait := p.Backoff(2, retry.Uniform(1, 2, k), 350*ms)
			if wait < c.low || wait > c.high {
				t.Fatalf("%v: %v", c.mode, wait)
			}
			if _, wait = p.Backoff(k, retry.Uniform(3, 4, k), 10*s); wait < 0 || wait > 5*s {
				t.Fatalf("%v, exponent %d: %v", c.mode, k, wait)
			}
		}
	}
}

// Full jitter is uniform on [0, b]: Kolmogorov and Smirnov, at the level of
// one false alarm in 10,000 seeds (the seeds are fixed: it holds or it does not).
func TestFullJitterIsUniform(t *testing.T) {
	t.Parallel()
	p := retry.Smart()
	for a := range 8 {
		const n = 10_000
		waits := make([]float64, n)
		var nominal, wait time.Duration
		for i := range waits {
			nominal, wait = p.Backoff(a, retry.Uniform(42, uint64(i), 1), 0)
			waits[i] = float64(wait)
		}
		if d := kolmogorovSmirnov(waits, float64(nominal)); d > 2.23/math.Sqrt(n) {
			t.Errorf("exponent %d: D = %.4f", a, d)
		}
	}
	// the test sees a difference: the same draws, a tenth too long at the end
	skewed := make([]float64, 10_000)
	for i := range skewed {
		skewed[i] = math.Pow(retry.Uniform(42, uint64(i), 1), 1.1)
	}
	if d := kolmogorovSmirnov(skewed, 1); d < 2.23/100 {
		t.Errorf("a skewed distribution passes: D = %.4f", d)
	}
}

// kolmogorovSmirnov is the largest distance between the distribution of x and
// the uniform one on [0, b].
func kolmogorovSmirnov(x []float64, b float64) (d float64) {
	slices.Sort(x)
	for i, v := range x {
		f := v / b
		d = max(d, f-float64(i)/float64(len(x)), float64(i+1)/float64(len(x))-f)
	}
	return d
}

// Draws are pure functions of seed, fingerprint and retry, and change with
// each of them.
func TestUniform(t *testing.T) {
	t.Parallel()
	seen := map[float64]bool{}
	for seed := range uint64(20) {
		for fp := range uint64(20) {
			for k := range 20 {
				u := retry.Uniform(seed, fp, k)
				if u < 0 || u >= 1 || seen[u] {
					t.Fatalf("draw of %d, %d, %d: %v", seed, fp, k, u)
				}
				seen[u] = true
				if again := retry.Uniform(seed, fp, k); again != u {
					t.Fatalf("draw of %d, %d, %d: %v, then %v", seed, fp, k, u, again)
				}
			}
		}
	}
	for want, got := range map[float64]float64{
		0.18436667429957676: retry.Uniform(0, 0, 1),
		0.2196836783904802:  retry.Uniform(42, 7, 1),
		0.24084474679184942: retry.Uniform(42, 7, 2),
	} {
		if got != want {
			t.Errorf("golden draw: %v", got)
		}
	}
}

// Ten retries under spec: the bounds of the requirement, one after the other.
func TestTenRetriesUnderSpec(t *testing.T) {
	t.Parallel()
	p := retry.Spec()
	p.Retries = 10
	r := tries(t, p, status(500))
	if r.outcome() != (result{retry.OutcomeMaxRetries, 11}) {
		t.Fatalf("%v", r.outcome())
	}
	low := 100 * ms
	for i, v := range r.verdicts[:10] {
		most := min(low+low/10, 5*time.Second)
		if v.Wait < min(low, 5*time.Second) || v.Wait > most || v.Nominal != min(low, 5*time.Second) {
			t.Errorf("retry %d: wait %v, nominal %v", i+1, v.Wait, v.Nominal)
		}
		low *= 2
	}
}
