package racers

import (
	"fmt"
	"slices"
	"strings"

	"holdfast/replay/tick"
)

type preset struct {
	name   string
	events int64 // unless the caller says
	shape  func(*Params)
}

// presets are the incidents that have a name (R82, R83). A second row of an
// event is always stamped 1 to 10 ms later and up to 0.50 off, as if the
// worker had looked at clock and market again.
//
//	dmr2025         the shape of the well-known data set: 1/280 claimed twice at once, 1/700 silent timeouts
//	zombie          1 % given up at 40 ms, of which 80 % write all the same; retried
//	ack-lost        0.5 % of acknowledgements never arrive
//	lease-short     0.2 % take longer than the lease of 30 s
//	replay-burst    one crash, then the last 2.5 % once more
//	source-double   0.5 % emitted again under a second id
//	skewed-clocks   one clock 40 ms ahead; claims repeated while they run, or after success
//	dense-walk      slow random walks of price, 5 % copies up to 200 ms late
//	mixed           0.1 % of every fault, and a small crash
//	clean           nothing
//	hostile-format  mixed, written as badly as the reading rules allow, and then some
var presets = []preset{
	{"dmr2025", 70_000, dmr2025},
	{"zombie", 20_000, func(p *Params) { p.Faults = []FaultRate{{Zombie, Rate{8, 1000}}, {Timeout, Rate{2, 1000}}} }},
	{"ack-lost", 20_000, func(p *Params) { p.Faults = []FaultRate{{LostAck, Rate{5, 1000}}} }},
	{"lease-short", 20_000, leaseShort},
	{"replay-burst", 20_000, replayBurst},
	{"source-double", 20_000, func(p *Params) { p.Faults = []FaultRate{{SecondID, Rate{5, 1000}}} }},
	{"skewed-clocks", 20_000, skewedClocks},
	{"dense-walk", 70_000, denseWalk},
	{"mixed", 20_000, mixed},
	{"clean", 20_000, func(*Params) {}},
	{"hostile-format", 20_000, func(p *Params) { mixed(p); p.Hostile = true }},
}

// Presets lists the names that [Preset] knows.
func Presets() []string {
	var names []string
	for _, p := range presets {
		names = append(names, p.name)
	}
	return names
}

// Preset is the incident of that name. With 0 events it has its usual size,
// else that many, and all rates stay.
func Preset(name string, seed uint64, events int64) (Params, error) {
	i := slices.IndexFunc(presets, func(p preset) bool { return p.name == name })
	if i < 0 {
		return Params{}, fmt.Errorf("unknown preset %q: use one of %s", name, strings.Join(Presets(), " "))
	}
	if events == 0 {
		events = presets[i].events
	}
	p := ordinary(seed, events)
	p.Preset = name
	presets[i].shape(&p)
	return p, p.validate()
}

// ordinary is a day without faults.
func ordinary(seed uint64, events int64) Params {
	return Params{
		Seed:     seed,
		Events:   events,
		Start:    tick.Nanos(1_752_484_500_000_000_000), // 2025-07-14T09:15:00Z
		Interval: 5,
		Symbols:  []string{"TCS", "INFY", "RELIANCE", "HDFCBANK", "ICICIBANK", "SBIN", "ITC"},
		Prices:   Prices{Low: 1000_00, High: 3000_00},
		Workers:  []Worker{{Name: "worker-1"}, {Name: "worker-2"}, {Name: "worker-3"}},
		Slots:    64,
		Service:  Span{3, 12},
		AckWait:  500,
		Timing: Timing{
			StaggerGap:  Span{5, 20},
			GiveUp:      40,
			LateCommit:  Span{41, 400},
			Retry:       Span{50, 150},
			SlowService: Span{35_000, 100_000},
			SecondID:    Span{1, 20},
			WriteRepeat: Span{1, 10},
		},
		CopyShift: Span{1, 10},
		CopyCents: 50,
	}
}

func dmr2025(p *Params) {
	p.SourceOrder = true
	p.Faults = []FaultRate{{DoubleClaim, Rate{1, 280}}, {SilentTimeout, Rate{1, 700}}}
}

func leaseShort(p *Params) {
	p.Lease = 30_000
	p.Faults = []FaultRate{{Slow, Rate{2, 1000}}}
}

func replayBurst(p *Params) {
	p.Crash = &Crash{From: Rate{1, 3}, To: Rate{2, 3}, Silence: 5_000, Rewind: Rate{25, 1000}, Pace: 1}
}

func skewedClocks(p *Params) {
	p.Workers[1].Skew = 40
	p.Faults = []FaultRate{{StaggeredClaim, Rate{5, 1000}}, {LostAck, Rate{5, 1000}}}
}

func denseWalk(p *Params) {
	p.Prices.Walk = 5
	p.CopyShift = Span{1, 200}
	p.Faults = []FaultRate{{DoubleClaim, Rate{5, 100}}}
}

// mixed leaves the clocks alone: with one of them off, no overlap of less than
// the difference could be proved any more. Its crash comes early, before many
// slow attempts are under way whose death would be a fault of its own.
func mixed(p *Params) {
	p.Lease = 30_000
	p.Faults = []FaultRate{
		{DoubleClaim, Rate{1, 1000}}, {StaggeredClaim, Rate{1, 1000}}, {SilentTimeout, Rate{1, 1000}},
		{Zombie, Rate{8, 10_000}}, {Timeout, Rate{2, 10_000}}, {LostAck, Rate{1, 1000}},
		{Slow, Rate{1, 1000}}, {SecondID, Rate{1, 1000}}, {DoubleWrite, Rate{1, 1000}},
	}
	p.Crash = &Crash{From: Rate{2, 100}, To: Rate{4, 100}, Silence: 5_000, Rewind: Rate{1, 1000}, Pace: 1}
}
