package racers

import (
	"testing"
	"time"

	"holdfast/replay/tick"
	"holdfast/replay/whatif"

	"github.com/google/go-cmp/cmp"
)

// offers asks a sink for rows of one event at the given times.
func offers(t *testing.T, safeguard string, at ...time.Duration) []bool {
	t.Helper()
	s, err := whatif.ParseSafeguard(safeguard)
	if err != nil {
		t.Fatal(err)
	}
	sink, e := newPolicy(s, &Params{}).sink, &event{}
	var answers []bool
	for _, now := range at {
		answers = append(answers, sink(now, &attempt{claim: claim{event: e}}))
	}
	return answers
}

// Row 47, R71: equality counts as expired; fixed counts from what was accepted,
// sliding from what was seen.
func TestRow47Windows(t *testing.T) {
	at := []time.Duration{0, time.Minute, 2 * time.Minute, 3 * time.Minute}
	for _, tt := range []struct {
		safeguard string
		want      []bool
	}{
		{"window-fixed=120s", []bool{true, false, true, false}},
		{"window-sliding=120s", []bool{true, false, false, false}},
		{"window-fixed=60s", []bool{true, true, true, true}},
		{"window-sliding=60s", []bool{true, true, true, true}},
		{"window-fixed=1h", []bool{true, false, false, false}},
	} {
		if diff := cmp.Diff(tt.want, offers(t, tt.safeguard, at...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.safeguard, diff)
		}
	}
}

// Row 46: older then newer are both accepted; newer then older are not.
func TestRow46Fencing(t *testing.T) {
	for _, tt := range []struct {
		tokens []int64
		want   []bool
	}{
		{[]int64{1, 2}, []bool{true, true}},
		{[]int64{2, 1}, []bool{true, false}},
		{[]int64{2, 2}, []bool{true, true}}, // the same claim writes again
		{[]int64{1, 3, 2}, []bool{true, true, false}},
	} {
		e := &event{}
		var got []bool
		for _, token := range tt.tokens {
			got = append(got, fence(0, &attempt{claim: claim{event: e}, token: token}))
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("tokens %v (-want +got):\n%s", tt.tokens, diff)
		}
	}
}

// Row 50: on case 35 a unique key keeps the copy and loses the second event.
func TestRow50UniqueKeysLose(t *testing.T) {
	e1, e2 := &event{number: 1}, &event{number: 2}
	rows := []*attempt{
		{claim: claim{event: e1}, wrote: values{0, 100 * tick.Scale}},
		{claim: claim{event: e1}, wrote: values{10 * time.Millisecond, 100.2 * tick.Scale}},
		{claim: claim{event: e2}, wrote: values{10 * time.Millisecond, 250 * tick.Scale}},
	}
	for _, tt := range []struct {
		safeguard string
		want      []bool
	}{
		{"unique-symbol-timestamp", []bool{true, true, false}},
		{"unique-symbol-timestamp-price", []bool{true, true, true}},
		{"tolerance-dedupe=10ms,0.2", []bool{true, false, true}},
		{"tolerance-dedupe=9ms,0.2", []bool{true, true, true}},
		{"tolerance-dedupe=10ms,0.19", []bool{true, true, true}},
		{"tolerance-dedupe=10ms,149.9", []bool{true, false, true}}, // near the refused row only
		{"tolerance-dedupe=10ms,150", []bool{true, false, false}},
		{"lru=1", []bool{true, false, true}},
	} {
		s, err := whatif.ParseSafeguard(tt.safeguard)
		if err != nil {
			t.Fatal(err)
		}
		sink := newPolicy(s, &Params{}).sink
		var got []bool
		for _, a := range rows {
			got = append(got, sink(0, a))
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.safeguard, diff)
		}
	}
}

// An event that is seen again becomes the latest; the one seen longest ago goes.
func TestLRU(t *testing.T) {
	l := newLRU(2)
	var got []bool
	for _, n := range []int64{1, 2, 1, 3, 1, 2} {
		got = append(got, l.admit(0, &attempt{claim: claim{event: &event{number: n}}}))
	}
	if diff := cmp.Diff([]bool{true, true, false, true, false, true}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Who runs since when decides about a claim.
func TestClaimPolicies(t *testing.T) {
	const now = time.Minute
	for _, tt := range []struct {
		safeguard string
		started   time.Duration
		want      bool
	}{
		{"lease=10s", now, true}, // the same instant: both looked before either claimed
		{"lease=10s", now - 1, false},
		{"lease=10s", now - 10*time.Second + 1, false},
		{"lease=10s", now - 10*time.Second, true},
		{"heartbeat-lease", now, true},
		{"heartbeat-lease", 0, false},
		{"in-flight-set", now, false},
		{"in-flight-set", 0, false},
	} {
		s, err := whatif.ParseSafeguard(tt.safeguard)
		if err != nil {
			t.Fatal(err)
		}
		e := &event{running: []*attempt{{start: tt.started}}}
		grant := newPolicy(s, &Params{}).claim
		if got := grant(now, claim{event: e}); got != tt.want {
			t.Errorf("%s, another runs since %v: granted %t, want %t", tt.safeguard, now-tt.started, got, tt.want)
		}
		if !grant(now, claim{event: &event{}}) {
			t.Errorf("%s refuses an event that nobody has", tt.safeguard)
		}
	}
}

// What is held does not grow with the incident.
func TestMemoryIsBounded(t *testing.T) {
	for _, tt := range []struct {
		preset string
		limit  int // events that something may still happen to, at a time
	}{
		{"dmr2025", 10}, {"clean", 10}, {"zombie", 10}, {"dense-walk", 10},
		{"lease-short", 30_000/5 + 200}, // each claim has a lease to watch
	} {
		p, err := Preset(tt.preset, 1, 100_000)
		if err != nil {
			t.Fatal(err)
		}
		var r *run
		most := 0
		r = newRun(&p, Safeguard{}, func(Fact) bool {
			most = max(most, r.todo.Len(), len(r.out.pending), len(r.out.inOrder), len(r.floor.alive))
			return true
		})
		r.play()
		if most > tt.limit {
			t.Errorf("%s: %d things are held at a time, want at most %d", tt.preset, most, tt.limit)
		}
	}
}
