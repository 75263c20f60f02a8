package plan

import (
	"testing"
	"time"

	"holdfast/replay/tick"
)

// Three of a hundred take long, and none so long that a stall of 25 ms decides
// how often it is handed out again.
func TestWork(t *testing.T) {
	const lease = 250 * time.Millisecond
	for seed := range uint64(5) {
		p := Plan{Seed: seed, Events: 2000}
		if n := p.Long(lease); n != 60 {
			t.Errorf("seed %d: %d long ones", seed, n)
		}
		for i := range p.Events {
			d := p.Work(i)
			switch {
			case d != p.Work(i):
				t.Fatalf("seed %d, tick %d: another length the second time", seed, i)
			case d < 4*time.Millisecond || d >= 700*time.Millisecond || d >= 8*time.Millisecond && d < 300*time.Millisecond:
				t.Fatalf("seed %d, tick %d: %v", seed, i, d)
			}
			if near := d % lease; d > lease && (near < 50*time.Millisecond || near > lease-50*time.Millisecond) {
				t.Fatalf("seed %d, tick %d: %v is near a multiple of the lease", seed, i, d)
			}
		}
	}
}

func TestTicks(t *testing.T) {
	p := Plan{Seed: 7, Events: 500}
	for i := range p.Events {
		a := p.Tick(i)
		b, err := ParseTick(a.AppendJSON(nil))
		if err != nil || a != b {
			t.Fatalf("%+v comes back as %+v: %v", a, b, err)
		}
		if a.Price < 1000*tick.Price(tick.Scale) || a.Price > 3000*tick.Price(tick.Scale) {
			t.Fatalf("price %v", a.Price)
		}
		for delivery := 2; delivery < 5; delivery++ {
			late, moved := p.Again(i, delivery)
			if late < 1e6 || late > 10e6 || moved < -5e8 || moved > 5e8 {
				t.Fatalf("again %v %v", late, moved)
			}
		}
	}
	if got, want := string(Plan{Seed: 1}.Tick(1).Append(nil)), `{"event_id":"evt_0000001","timestamp":"2025-07-14T09:15:00.004000Z","symbol":"`; got[:len(want)] != want {
		t.Error(got)
	}
	for _, bad := range []string{"", "{}", `{"event_id":"x","timestamp":"2025-07-14T09:15:00Z","symbol":"A","price":1}`, `{"event_id":"evt_0000001","timestamp":"soon","symbol":"A","price":1}`, `{"event_id":"evt_0000001","timestamp":"2025-07-14T09:15:00Z","symbol":"A","price":"much"}`} {
		if v, err := ParseTick([]byte(bad)); err == nil {
			t.Errorf("%q is %+v", bad, v)
		}
	}
}

// Every worker is killed once in its work and once after its row, in order, and
// while there is work left.
func TestKills(t *testing.T) {
	for seed := range uint64(20) {
		for _, events := range []int{60, 300, 2000} {
			type what struct {
				worker  int
				written bool
			}
			seen, last := map[what]int{}, 0
			for _, k := range (Plan{Seed: seed, Events: events}).Kills(3) {
				if k.After < last || k.After < events/10 || k.After > events*8/10 {
					t.Errorf("seed %d: kill after %d of %d, the one before after %d", seed, k.After, events, last)
				}
				last = k.After
				seen[what{k.Worker, k.Written}]++
			}
			for w := range 3 {
				if seen[what{w, false}] != 1 || seen[what{w, true}] != 1 {
					t.Errorf("seed %d: %v", seed, seen)
				}
			}
		}
	}
}
