package replay

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"holdfast/replay/tick"
)

var cmpEmpty = cmpopts.EquateEmpty()

// together joins lists of cases.
func together(parts ...[]EventCase) []EventCase { return slices.Concat(parts...) }

func TestLease_Row30(t *testing.T) {
	t.Parallel()
	cases := healthy(3000, 0)
	for i := range 40 {
		s := float64(i) * 500
		jitter := float64(i%21-10) / 1 // within 10 ms
		c := caseOf(fmt.Sprintf("slow_%02d", i), s, 2, ok("worker-1", s, s+45_000), ok("worker-2", s+30_000+jitter, s+70_000))
		cases = append(cases, c)
	}
	p, seq := survey(cases, Options{})
	if got := p.Lease; !got.Known || got.Gaps != 40 || got.Near != 40 || abs(got.L-30_000*millisecond) > 10*millisecond {
		t.Fatalf("lease %+v", got)
	}
	tally := NewTally(&p)
	for c := range seq {
		f := Classify(c, &p)
		tally.Add(&c, &f)
	}
	s := tally.Summary()
	if diff := cmp.Diff(map[string]CauseCount{"short-lease": {Count: 40, Consistent: 40}}, s.Causes); diff != "" {
		t.Error(diff)
	}
	if s.LeaseMS == nil || *s.LeaseMS != Millis(p.Lease.L) {
		t.Errorf("lease_ms %v", s.LeaseMS)
	}
	if p, _ := survey(cases, Options{Lease: 29_000 * millisecond}); !p.Lease.Configured {
		t.Error("a lease of 29 s is within 5 % of 30 s")
	}
	if p, _ := survey(cases, Options{Lease: 28_000 * millisecond}); p.Lease.Configured {
		t.Error("a lease of 28 s is not within 5 % of 30 s")
	}
}

func TestNoLease(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	var spread, few []EventCase
	for i := range 40 {
		s := float64(i) * 500
		gap := 2000 + rng.Float64()*60_000
		spread = append(spread, caseOf(fmt.Sprintf("slow_%02d", i), s, 2, ok("worker-1", s, s+90_000), ok("worker-2", s+gap, s+95_000)))
	}
	for i := range 4 {
		few = append(few, caseOf(fmt.Sprintf("few_%02d", i), 0, 2, ok("worker-1", 0, 40_000), ok("worker-2", 30_000, 50_000)))
	}
	for name, cases := range map[string][]EventCase{"spread": spread, "few": few, "none": nil} {
		if p, _ := survey(together(healthy(300, 0), cases), Options{}); p.Lease.Known {
			t.Errorf("%s: %+v", name, p.Lease)
		}
	}
}

func TestLeaseIsTheDensestGap(t *testing.T) {
	t.Parallel()
	gaps := sample{k: leaseSample}
	for i := range 20 {
		gaps.add(fmt.Sprint("near", i), 1, 30_000*millisecond+tick.Nanos(i))
		gaps.add(fmt.Sprint("wide", i), 1, (32_900+tick.Nanos(i)*140)*millisecond)
	}
	if l := estimateLease(&gaps, newSketch(exactValues), 0); !l.Known || abs(l.L-30_000*millisecond) > millisecond || l.Near != 20 {
		t.Errorf("%+v", l)
	}
}

func TestNoLeaseShorterThanMostAttempts(t *testing.T) {
	t.Parallel()
	cases := healthy(3000, 0) // of 5 to 9 ms
	for i := range 6 {
		s := float64(i) * 500
		cases = append(cases, caseOf(fmt.Sprint("twice", i), s, 2, ok("worker-1", s, s+9), ok("worker-2", s+5, s+12)))
	}
	if p, _ := survey(cases, Options{}); p.Lease.Known || p.Lease.Near != 6 {
		t.Errorf("%+v", p.Lease)
	}
}

// rewind is 3,000 events 10 ms apart of which a worker takes the last 500 again
// in order, 1 ms apart, after a silence of 5 s.
func rewind(silence, pace float64) []EventCase {
	cases := healthy(3000, 0)
	end := 3000*10 + silence
	for i := range 500 {
		c := &cases[2500+i]
		s := end + float64(i)*pace
		c.Attempts = CleanAttempts(append(c.Attempts, ok("worker-1", s, s+0.5)))
		for j := range c.Attempts {
			c.Attempts[j].Event = c.Event.ID
		}
		c.Rows = append(c.Rows, rowOf(&c.Event, int64(2_000_000+i), 4, 0))
	}
	return cases
}

func TestBurst_Row31(t *testing.T) {
	t.Parallel()
	p, seq := survey(rewind(5000, 10), Options{})
	if len(p.Bursts) != 1 {
		t.Fatalf("bursts %+v", p.Bursts)
	}
	b := p.Bursts[0]
	if b.Attempts != 500 || b.FirstEvent != "ok_002500" || b.LastEvent != "ok_002999" || abs(b.Silence-5000*millisecond) > 100*millisecond {
		t.Errorf("burst %+v", b)
	}
	tally := NewTally(&p)
	for c := range seq {
		f := Classify(c, &p)
		tally.Add(&c, &f)
	}
	s := tally.Summary()
	if diff := cmp.Diff(map[string]CauseCount{"restart-burst": {Count: 500, Consistent: 500}}, s.Causes); diff != "" {
		t.Error(diff)
	}
	if len(s.Bursts) != 1 || s.Bursts[0].SilenceMS == nil {
		t.Errorf("bursts %+v", s.Bursts)
	}
	if diff := cmp.Diff([]RowRun{{2_000_000, 2_000_499}}, p.Batches); diff != "" {
		t.Errorf("batches: %s", diff)
	}
}

func TestBurstBySpeedAndNot(t *testing.T) {
	t.Parallel()
	if p, _ := survey(rewind(500, 5), Options{}); len(p.Bursts) != 1 || p.Bursts[0].Speed != 2 || p.Bursts[0].Silence != 0 {
		t.Errorf("twice the pace: %+v", p.Bursts)
	}
	if p, _ := survey(rewind(500, 10), Options{}); len(p.Bursts) != 0 {
		t.Errorf("same pace, no silence: %+v", p.Bursts)
	}
	cases := rewind(5000, 1)
	for i := 2500; i < 3000; i++ { // one event in three is left: in order, but full of holes
		if i%3 != 0 {
			cases[i].Attempts, cases[i].Rows = cases[i].Attempts[:1], cases[i].Rows[:1]
		}
	}
	if p, _ := survey(cases, Options{}); len(p.Bursts) != 0 {
		t.Errorf("holes: %+v", p.Bursts)
	}
}

func TestBurstNeedsTwenty(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{19: 0, 20: 1} {
		cases := rewind(5000, 1)
		for i := 2500 + n; i < 3000; i++ {
			cases[i].Attempts, cases[i].Rows = cases[i].Attempts[:1], cases[i].Rows[:1]
		}
		if p, _ := survey(cases, Options{}); len(p.Bursts) != want {
			t.Errorf("%d re-attempts: %+v", n, p.Bursts)
		}
	}
}

func TestBurstToleratesHolesAndDisorder(t *testing.T) {
	t.Parallel()
	cases := rewind(5000, 1)
	for i := range 500 { // workers out of step: neighbours swapped, and every twelfth left out
		c := &cases[2500+i]
		last := &c.Attempts[1]
		if i%2 == 0 {
			*last = ok("worker-2", 35_000+float64(i)+3, 35_000+float64(i)+3.5)
			last.Event = c.Event.ID
		}
		if i%12 == 11 {
			c.Attempts, c.Rows = c.Attempts[:1], c.Rows[:1]
		}
	}
	p, _ := survey(cases, Options{})
	if len(p.Bursts) != 1 || p.Bursts[0].Attempts != 459 {
		t.Errorf("bursts %+v", p.Bursts)
	}
}

func TestSkew_Row33(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 3))
	cases := healthy(3000, 0)
	for i := range cases {
		for j := range cases[i].Attempts {
			a := &cases[i].Attempts[j]
			a.shift(tick.Nanos(rng.Float64() * 2e6))
			if a.Worker == "worker-2" {
				a.shift(40 * millisecond)
			}
		}
	}
	hidden := caseOf("hidden", 1000, 2, ok("worker-1", 1000, 1010), ok("worker-2", 1045, 1053))
	p, seq := survey(append(cases, hidden), Options{})
	for _, w := range p.Workers {
		if w.HasSkew != (w.Name == "worker-2") {
			t.Errorf("%s: skew %s +- %s", w.Name, ms(w.Skew), ms(w.SkewError))
		}
	}
	if w := p.Worker("worker-2"); abs(w.Skew-40*millisecond) > 5*millisecond {
		t.Errorf("skew %s", ms(w.Skew))
	}
	for c := range seq {
		if c.Event.ID != "hidden" {
			continue
		}
		f := Classify(c, &p)
		if f.OverlapPairs != 0 || !slices.Contains(f.Duplicates[0].Also, ClockSuspect) || f.Duplicates[0].Grade != Suspected {
			t.Errorf("pairs %d, %+v", f.OverlapPairs, f.Duplicates[0])
		}
		if f.Timeline[1].Start != at(1045) || !slices.Contains(f.Timeline[1].Notes, ClockSuspectFlag) {
			t.Errorf("raw times must not move, and be tagged: %+v", f.Timeline[1])
		}
	}
	sum := NewTally(&p).Summary()
	if len(sum.Clock) != 1 || sum.Clock["worker-2"] == 0 {
		t.Errorf("clock %v", sum.Clock)
	}
}

func TestNoSkewWithoutReason(t *testing.T) {
	t.Parallel()
	p, _ := survey(healthy(3000, 0), Options{})
	if p.Skewed {
		t.Errorf("%+v", p.Workers)
	}
	few := healthy(100, 0)
	for i := range few {
		if a := &few[i].Attempts[0]; i >= 15 {
			a.Worker = []string{"worker-1", "worker-3"}[i%2]
		} else {
			a.Worker = "worker-2"
			a.shift(40 * millisecond)
		}
	}
	if p, _ := survey(few, Options{}); p.Skewed {
		t.Error("15 attempts are too few to judge one of the clocks")
	}
	few = healthy(45, 0) // 15 attempts of each worker
	for i := range few {
		if few[i].Attempts[0].Worker == "worker-2" {
			few[i].Attempts[0].shift(40 * millisecond)
		}
	}
	if p, _ := survey(few, Options{}); p.Skewed {
		t.Error("15 attempts are too few to judge a clock")
	}
}

func TestNoSkewWithinTheError(t *testing.T) {
	t.Parallel()
	// Starts that lag by up to half a second, 25 for each worker: the fastest of
	// 25 is no measure of a clock to the millisecond.
	rng := rand.New(rand.NewPCG(9, 9))
	for _, n := range []int{75, 300, 3000} {
		found := 0
		for range 100 {
			cases := healthy(n, 0)
			for i := range cases {
				cases[i].Attempts[0].shift(tick.Nanos(rng.Int64N(500 * int64(millisecond))))
			}
			if p, _ := survey(cases, Options{}); p.Skewed {
				found++
			}
		}
		if found > 2 {
			t.Errorf("%d attempts: %d of 100 logs of good clocks have a skew", n, found)
		}
	}
}

func TestZoneHint_Row6(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		quarters tick.Nanos
		want     string
	}{{22, "+05:30"}, {-20, "-05:00"}, {0, ""}} {
		cases := healthy(300, 0)
		for i := range cases {
			cases[i].Attempts[0].shift(quarter * tc.quarters)
		}
		p, _ := survey(cases, Options{})
		got := strings.Join(p.Warnings, "\n")
		if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
			t.Errorf("off by %d quarters: %q", tc.quarters, got)
		}
	}
}

func TestSilence_R24(t *testing.T) {
	t.Parallel()
	// worker-1 goes silent for 5 s in the middle, right after an attempt that
	// never ends; worker-2 stops for good before the end of the log.
	cases := healthy(1200, 0)
	for i := range cases {
		a := &cases[i].Attempts[0]
		switch {
		case a.Worker == "worker-1" && i >= 300 && i < 800:
			a.Worker = "worker-3"
		case a.Worker == "worker-1" && i == 297:
			*a = hung("worker-1", 2970)
			a.Event = cases[i].Event.ID
		case a.Worker == "worker-2" && i > 700:
			a.Worker = "worker-3"
		case a.Worker == "worker-3" && i == 200:
			*a = hung("worker-3", 2000)
			a.Event = cases[i].Event.ID
		}
	}
	p, seq := survey(cases, Options{})
	one, two, three := p.Worker("worker-1"), p.Worker("worker-2"), p.Worker("worker-3")
	if diff := cmp.Diff([]Silence{{From: at(2970), To: at(8010)}}, one.Silences); diff != "" {
		t.Error(diff)
	}
	if len(two.Silences) != 1 || !two.Silences[0].Trailing {
		t.Errorf("worker-2: %+v", two.Silences)
	}
	if !one.Judged || len(three.Silences) != 0 {
		t.Errorf("worker-3: %+v", three.Silences)
	}
	nullEnd, backed := 0, 0
	for c := range seq {
		f := Classify(c, &p)
		nullEnd += f.CrashesNullEnd
		backed += f.CrashesSilence
	}
	if nullEnd != 2 || backed != 1 {
		t.Errorf("crashes: %d by null end, %d by silence", nullEnd, backed)
	}
}

func TestSilenceNeedsTwentyOtherGaps(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]bool{22: true, 21: false} { // 22 starts, 21 gaps, 20 others
		var cases []EventCase
		for i := range n {
			s := float64(i) * 10
			if i == n-1 {
				s += 5000
			}
			cases = append(cases, caseOf(fmt.Sprint(i), s, 1, ok("worker-1", s, s+5)))
		}
		p, _ := survey(cases, Options{})
		if w := p.Worker("worker-1"); w.Judged != want || (len(w.Silences) == 1) != want {
			t.Errorf("%d attempts: %+v", n, w)
		}
	}
}

func TestDeaths_R24(t *testing.T) {
	t.Parallel()
	cases := healthy(3000, 0)
	kill := func(i int) {
		for j := range 3 {
			a := hung("worker-1", float64(i)*10+float64(j))
			a.Event = cases[i+j].Event.ID
			cases[i+j].Attempts[0] = a
		}
	}
	kill(600)
	kill(1500)
	p, _ := survey(cases, Options{})
	want := []Death{{at(6000), at(6002), 3}, {at(15000), at(15002), 3}}
	if diff := cmp.Diff(want, p.Worker("worker-1").Deaths); diff != "" {
		t.Error(diff)
	}

	// One attempt in ten without end leaves neighbours by accident.
	rng := rand.New(rand.NewPCG(4, 4))
	cases = nil
	for i := range 3000 {
		s := float64(i) * 3
		a := ok("worker-1", s, s+9)
		if rng.IntN(10) == 0 {
			a = hung("worker-1", s)
		}
		cases = append(cases, caseOf(fmt.Sprint(i), s, 1, a))
	}
	if p, _ := survey(cases, Options{}); len(p.Worker("worker-1").Deaths) != 0 {
		t.Errorf("accidents: %d runs", len(p.Worker("worker-1").Deaths))
	}
}

func TestRestamp_D11(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 5))
	build := func(stamped bool) []EventCase {
		cases := healthy(300, 0)
		for i := range 60 {
			s := float64(i) * 40
			late := 20 + rng.Float64()*100
			c := caseOf(fmt.Sprintf("d_%02d", i), s, 1, ok("worker-1", s, s+5), ok("worker-2", s+late, s+late+5))
			dt := rng.Float64() * 10
			if stamped {
				dt += late
			}
			c.Rows = append(c.Rows, rowOf(&c.Event, int64(i+10), dt, 0))
			cases = append(cases, c)
		}
		return cases
	}
	if p, _ := survey(build(true), Options{}); !p.Restamp.Significant || p.Restamp.N != 60 || p.Restamp.Start < 0.9 {
		t.Errorf("stamped by the second attempt: %+v", p.Restamp)
	}
	if p, _ := survey(build(false), Options{}); p.Restamp.Significant {
		t.Errorf("independent shifts: %+v", p.Restamp)
	}
}

func TestReread_D12(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(6, 6))
	build := func(reread bool) []EventCase {
		var cases []EventCase
		for i := range 60 {
			s := float64(i) * 40
			c := caseOf(fmt.Sprintf("d_%02d", i), s, 1, ok("worker-1", s, s+5), ok("worker-2", s, s+6))
			q := units(100 + float64(rng.IntN(1000))/100 + 1)
			row := rowOf(&c.Event, int64(i+10), 2, 0)
			row.Row.Price = units(100 + float64(rng.IntN(1000))/100 + 1)
			if reread {
				row.Row.Price = q
			}
			row.Canonical = false
			c.Rows = append(c.Rows, row)
			c.Quotes = []Quote{{}, {Event: "other", Price: q}}
			cases = append(cases, c)
		}
		return cases
	}
	if p, _ := survey(build(true), Options{}); !p.Reread.Significant || p.Reread.Hits != 60 {
		t.Errorf("read again: %+v", p.Reread)
	}
	if p, _ := survey(build(false), Options{}); p.Reread.Significant {
		t.Errorf("random prices: %+v", p.Reread)
	}
}

func TestChance_R53(t *testing.T) {
	t.Parallel()
	// 70,000 events, 100 timeouts, 250 doubled, none of them both: as dmr2025.
	var s chanceCounts
	for i := range 70_000 {
		c := caseOf("e", 0, 1, ok("worker-1", 0, 5))
		switch {
		case i < 100:
			c = caseOf("e", 0, 1, hung("worker-1", 0))
		case i < 350:
			c = caseOf("e", 0, 2, ok("worker-1", 0, 5), ok("worker-2", 0, 6))
		}
		s.add(&c)
	}
	got := s.list()
	want := []Chance{
		{A: "timeout", B: "duplicated", CountA: 100, CountB: 250, Events: 70_000, Expected: 0.3571, P: 1, Verdict: "no more than chance"},
		{A: "no-end", B: "duplicated", CountA: 100, CountB: 250, Events: 70_000, Expected: 0.3571, P: 1, Verdict: "no more than chance"},
		{A: "ghost-commit", B: "duplicated", CountA: 100, CountB: 250, Events: 70_000, Expected: 0.3571, P: 1, Verdict: "no more than chance"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSurveyIsDeterministic_Row57(t *testing.T) {
	t.Parallel()
	cases := rewind(5000, 1)
	want, _ := survey(cases, Options{})
	rng := rand.New(rand.NewPCG(7, 7))
	for range 3 {
		rng.Shuffle(len(cases), func(i, j int) { cases[i], cases[j] = cases[j], cases[i] })
		for i := range cases {
			as := cases[i].Attempts
			rng.Shuffle(len(as), func(a, b int) { as[a], as[b] = as[b], as[a] })
			cases[i].Attempts = CleanAttempts(as)
		}
		got, _ := survey(cases, Options{})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestSurveyOfNothing(t *testing.T) {
	t.Parallel()
	p := Survey(Streams{}, Options{})
	if p.Mode != ModeFull || p.ClaimWindow != millisecond || p.ReplayGap != secondNanos {
		t.Errorf("%+v", p)
	}
	if p, _ := survey(nil, Options{}); p.Lease.Known || p.Skewed || len(p.Bursts) > 0 {
		t.Errorf("%+v", p)
	}
}

func BenchmarkSurvey(b *testing.B) {
	s := streams(healthy(50_000, 0))
	b.ReportAllocs()
	for b.Loop() {
		Survey(s, Options{})
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/50_000, "ns/attempt")
}
