package replay

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast/replay/tick"
)

func TestSketchAgainstSorting(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(31, 31))
	for trial := range 200 {
		n := 1 + rng.IntN(3000)
		limit := []int{256, 500, 4096}[trial%3]
		scale := int64(1) << (1 + rng.IntN(50))
		s := newSketch(limit)
		all := make([]tick.Nanos, n)
		for i := range all {
			all[i] = tick.Nanos(rng.Int64N(scale))
			if trial%4 == 0 {
				all[i] -= tick.Nanos(scale / 2)
			}
			s.add(all[i])
		}
		slices.Sort(all)
		if len(s.counts) > limit {
			t.Fatalf("%d values kept, limit %d", len(s.counts), limit)
		}
		for _, percent := range []int64{1, 50, 95, 99, 100} {
			want := all[int(math.Ceil(float64(n)*float64(percent)/100))-1]
			got := s.quantile(percent)
			if s.bits == 0 && got != want {
				t.Fatalf("exact: %d %% of %d: %d, want %d", percent, n, got, want)
			}
			if s.bits > 0 && abs(got-want) > abs(want)>>(s.bits-1)+1 {
				t.Fatalf("%d bits: %d %% of %d: %d, want %d", s.bits, percent, n, got, want)
			}
		}
	}
}

func TestSketchIgnoresOrder(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(32, 32))
	all := make([]tick.Nanos, 2000)
	for i := range all {
		all[i] = tick.Nanos(rng.Int64N(1 << (1 + rng.IntN(40))))
	}
	fill := func() *sketch {
		s := newSketch(256)
		for _, v := range all {
			s.add(v)
		}
		return s
	}
	want := fill()
	for range 5 {
		rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		if diff := cmp.Diff(want, fill(), cmp.AllowUnexported(sketch{})); diff != "" {
			t.Fatal(diff)
		}
	}
	want.reset()
	if want.add(7); want.quantile(50) != 7 {
		t.Error("a reset sketch is exact again")
	}
}

func TestDurationsArePrecise(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(33, 33))
	s := newSketch(exactValues)
	all := make([]tick.Nanos, 50_000)
	for i := range all {
		all[i] = 3*millisecond + tick.Nanos(rng.Int64N(9*int64(millisecond)))
		s.add(all[i])
	}
	slices.Sort(all)
	for _, percent := range []int64{50, 95, 99} {
		want := all[nearestRank(50_000, percent)-1]
		if got := s.quantile(percent); abs(got-want) > want/1000 {
			t.Errorf("%d %%: %d, want %d within 0.1 %%", percent, got, want)
		}
	}
}

func TestSampleIsBottomK(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(34, 34))
	type record struct {
		id string
		v  tick.Nanos
	}
	var all []record
	for i := range 5000 {
		all = append(all, record{fmt.Sprint(i), tick.Nanos(i)})
	}
	fill := func(k int) []tick.Nanos {
		s := sample{k: k}
		for _, r := range all {
			s.add(r.id, 1, r.v)
		}
		return s.sorted()
	}
	want := fill(500)
	rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	if diff := cmp.Diff(want, fill(500)); diff != "" {
		t.Error(diff)
	}
	var mean float64
	for _, v := range want {
		mean += float64(v) / 500
	}
	if len(want) != 500 || math.Abs(mean-2500) > 200 { // three standard errors
		t.Errorf("%d values, mean %v of 0 to 4999", len(want), mean)
	}
	if got := fill(5000); len(got) != 5000 || got[4999] != 4999 {
		t.Error("up to k values all are kept")
	}
}

// exactTail is the hypergeometric upper tail in rationals.
func exactTail(observed, a, b, n int64) float64 {
	sum := new(big.Int)
	for x := observed; x <= min(a, b); x++ {
		if x < 0 || b-x > n-a {
			continue
		}
		sum.Add(sum, new(big.Int).Mul(new(big.Int).Binomial(a, x), new(big.Int).Binomial(n-a, b-x)))
	}
	f, _ := new(big.Rat).SetFrac(sum, new(big.Int).Binomial(n, b)).Float64()
	return f
}

func TestHypergeometricTail(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(35, 35))
	for range 3000 {
		n := 1 + rng.Int64N(60)
		a, b := rng.Int64N(n+1), rng.Int64N(n+1)
		x := rng.Int64N(min(a, b) + 2)
		if got, want := hypergeometricTail(x, a, b, n), exactTail(x, a, b, n); math.Abs(got-want) > 1e-9*max(want, 1e-3) {
			t.Fatalf("P(>= %d | %d, %d, %d) = %v, want %v", x, a, b, n, got, want)
		}
	}
	if got, want := hypergeometricTail(3, 100, 250, 70_000), exactTail(3, 100, 250, 70_000); significant(got, 3) != significant(want, 3) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := hypergeometricTail(1000, 1000, 1000, 100_000_000); got != 0 && got > 1e-300 {
		t.Errorf("all of them together by accident: %v", got)
	}
}

func TestPoissonTail(t *testing.T) {
	t.Parallel()
	for _, lambda := range []float64{0.01, 0.5, 1, 3, 20, 400} {
		below, term := 0.0, math.Exp(-lambda)
		for g := range int64(600) {
			want := 1 - below
			if got := poissonTail(g, lambda); math.Abs(got-want) > 1e-10 {
				t.Fatalf("P(>= %d | %v) = %v, want %v", g, lambda, got, want)
			}
			below += term
			term *= lambda / float64(g+1)
		}
	}
	if poissonTail(0, 0) != 1 || poissonTail(1, 0) != 0 {
		t.Error("without any expected there are none")
	}
}

func TestComomentsAgainstDefinition(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(36, 36))
	var c comoments
	var xs, ys []float64
	for range 500 {
		x := 1e12 + rng.NormFloat64()
		y := x*0.5 + rng.NormFloat64()
		xs, ys = append(xs, x), append(ys, y)
		c.add(x, y)
	}
	var mx, my, xx, yy, xy float64
	for i := range xs {
		mx, my = mx+(xs[i]-1e12)/500, my+(ys[i]-5e11)/500
	}
	for i := range xs {
		dx, dy := xs[i]-1e12-mx, ys[i]-5e11-my
		xx, yy, xy = xx+dx*dx, yy+dy*dy, xy+dx*dy
	}
	if want := xy / math.Sqrt(xx*yy); math.Abs(c.r()-want) > 1e-3 {
		t.Errorf("r %v, want %v", c.r(), want)
	}
	var flat comoments
	for range 50 {
		flat.add(1, rng.Float64())
	}
	if flat.r() != 0 || flat.significant() {
		t.Error("what does not vary follows nothing")
	}
}

func TestRowRunsAgainstSorting(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(37, 37))
	for range 200 {
		s := rowSet{}
		var all []int64
		at := rng.Int64N(10_000)
		for range 200 {
			at += 1 + rng.Int64N(2)*rng.Int64N(5000)
			all = append(all, at)
			s.add(at)
		}
		var want []RowRun
		for i := 0; i < len(all); {
			j := i
			for j+1 < len(all) && all[j+1] == all[j]+1 {
				j++
			}
			if j-i+1 >= 3 {
				want = append(want, RowRun{all[i], all[j]})
			}
			i = j + 1
		}
		got := s.runs(3, 1000)
		if diff := cmp.Diff(want, got, cmpEmpty); diff != "" {
			t.Fatal(diff)
		}
		p := Population{Batches: got}
		for _, n := range all {
			inside := slices.ContainsFunc(want, func(r RowRun) bool { return n >= r.First && n <= r.Last })
			if p.inBatch(n) != inside || p.inBatch(-1) {
				t.Fatalf("row %d", n)
			}
		}
	}
}

func TestWindowsAgainstSorting(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(38, 38))
	for range 300 {
		var spans []Window
		s := windowSet{gap: 1000}
		for range 60 {
			from := tick.Nanos(rng.Int64N(100_000))
			w := Window{from, from + tick.Nanos(rng.Int64N(3000))}
			spans = append(spans, w)
			s.add(w)
		}
		slices.SortFunc(spans, func(a, b Window) int { return int(a.From - b.From) })
		var want []ReplayWindow
		for _, w := range spans {
			if n := len(want); n > 0 && w.From-tick.Nanos(want[n-1].To) < 1000 {
				want[n-1].To = max(want[n-1].To, Instant(w.To))
				want[n-1].Events++
				continue
			}
			want = append(want, ReplayWindow{Instant(w.From), Instant(w.To), 1})
		}
		if diff := cmp.Diff(want, s.wins); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestWindowsAreBounded(t *testing.T) {
	t.Parallel()
	s := windowSet{gap: 1000}
	for i := range 3 * mostWindows {
		s.add(Window{tick.Nanos(i) * 10_000, tick.Nanos(i)*10_000 + 5})
	}
	events := int64(0)
	for _, w := range s.wins {
		events += w.Events
	}
	if len(s.wins) > mostWindows || events != 3*mostWindows {
		t.Errorf("%d windows of %d events", len(s.wins), events)
	}
}

func TestMeanIsExact(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		prices []string
		want   string
	}{
		{[]string{"0.1", "0.2"}, "0.15"},
		{[]string{"1", "2", "2"}, "1.67"},
		{[]string{"0.01", "0.02"}, "0.015"},
		{[]string{"1", "1", "1", "1", "1", "1", "1", "2"}, "1.12"}, // 1.125 to even
		{[]string{"1", "1", "1", "1", "1", "2", "2", "2"}, "1.38"}, // 1.375 to even
		{[]string{"-1", "-1", "-1", "-1", "-1", "-1", "-1", "-2"}, "-1.12"},
		{[]string{"0.000000001", "0.000000002"}, "0.000000002"}, // nine decimals at most, half to even
		{[]string{"9223372036", "9223372036"}, "9223372036"},
		{[]string{"-5", "5"}, "0"},
	} {
		var s priceSum
		for _, x := range tc.prices {
			p, err := tick.ParsePrice([]byte(x))
			if err != nil {
				t.Fatal(err)
			}
			s.add(p)
		}
		if got := s.mean().String(); got != tc.want {
			t.Errorf("mean of %v: %s, want %s", tc.prices, got, tc.want)
		}
	}
}
