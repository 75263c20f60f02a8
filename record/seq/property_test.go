package seq_test

import (
	"encoding/binary"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"holdfast/internal/soak"
	"holdfast/record/seq"
)

// A chooser makes choices from bytes, and zeros when there are no more.
type chooser struct{ data []byte }

func (c *chooser) below(n uint64) uint64 {
	var b [8]byte
	c.data = c.data[copy(b[:2], c.data):]
	return binary.LittleEndian.Uint64(b[:]) % n
}

func (c *chooser) is(oneIn uint64) bool { return c.below(oneIn) == 0 }

func (c *chooser) config() seq.Config {
	k := seq.Config{
		First:        []uint64{0, 0, 1, 1000, seq.FirstOfStream, seq.FirstOfStream - 50}[c.below(6)],
		Window:       []uint64{0, 0, 1, 10}[c.below(4)],
		Ask:          seq.Ask(c.below(5)),
		JournalOff:   c.is(4),
		Flush:        seq.Flush(c.below(2)),
		BufferSize:   []int{0, 1, 2, 7}[c.below(4)],
		CorruptGrace: []int{0, 1, seq.AtOnce}[c.below(3)],
		MaxJump:      []uint64{0, 20}[c.below(2)],
		Tries:        []int{0, 1}[c.below(2)],
		RequestRate:  []int{0, -1, 1}[c.below(3)],
	}
	if c.is(2) {
		k.Drain = seq.NoDrain
	}
	k.Source = seq.Caps{Requests: !c.is(4), HeaderTrusted: !c.is(3), MayExit: c.is(3)}
	if c.is(3) {
		k.Source.Definitive, k.Source.MayExit = true, true
		k.Source.Total = c.below(300)
	}
	return k
}

// drive feeds a machine whatever the bytes say, and checks after each input
// what a recorder checks, and that the journal is enough to go on.
func drive(t *testing.T, data []byte) *recorder {
	c := &chooser{data}
	k := c.config()
	r := newRecorder(t, k)
	r.probes = k.Source.Definitive
	if r.start(0) != nil {
		return r
	}
	now, base, position := time.Duration(0), k.First, uint64(0)
	if base == seq.FirstOfStream {
		base = 100
	}
	sequence := func() uint64 {
		base += c.below(3)
		s := base + c.below(20) - c.below(20)
		if c.is(50) {
			s += c.below(60000) * c.below(20)
		}
		return s
	}
	for len(c.data) > 0 {
		now += time.Duration(c.below(2000)) * 10 * time.Microsecond
		switch op := c.below(32); op {
		default:
			d := original(sequence())
			d.At, d.Line = now, byte(c.below(2))
			d.Valid, d.HeaderTrusted = !c.is(6), k.Source.HeaderTrusted
			if c.is(4) {
				d.Origin = seq.Answer
			} else if k.Source.Definitive {
				position++
			}
			if c.is(20) {
				d.Timestamp++
			}
			d.Cursor = position
			r.packet(now, d)
		case 0, 1, 2:
			r.do(r.m.Tick(now), 0)
		case 3:
			r.do(r.m.Heartbeat(now, sequence(), byte(c.below(2))), 0)
		case 4:
			r.do(r.m.RequestFailed(now, seq.Range{First: sequence(), Count: uint32(c.below(3))}), 0)
		case 5:
			r.m.Count(seq.Malformed, 1)
			r.do(seq.Ready{Journal: []seq.Frame{r.m.Policy()}}, 0)
		case 6, 7: // stopped, or killed with or without a delivery in its hands
			if op == 6 {
				r.stop(now, seq.StopInterrupted)
			}
			if k.Source.Definitive {
				position += c.below(2)
			}
			r.c.Source.Position = position
			if r.start(now) != nil {
				return r
			}
		case 8:
			if c.is(8) {
				r.do(r.m.End(now, sequence()), 0)
			}
		}
		if r.ready.Wake < now && r.ready.Wake > 0 && c.is(4) {
			r.do(r.m.Tick(now), 0)
		}
		if c.is(8) {
			r.compareOrder()
		}
	}
	r.stop(now, seq.StopComplete)
	r.checkStats()
	for s := range r.taken {
		if !r.lines[s] && !r.c.JournalOff {
			t.Fatalf("sequence %d was taken and is not written", s)
		}
	}
	return r
}

// compareOrder compares what must never be lost with a replay of the journal,
// as if the process died here.
func (r *recorder) compareOrder() {
	r.t.Helper()
	if r.c.JournalOff {
		return
	}
	r.frameOfLines()
	late := cmpopts.IgnoreFields(seq.State{}, "Policy", "D", "T", "Counts", "Cursor")
	if diff := cmp.Diff(r.m.State(), r.replay(), late); diff != "" {
		r.t.Fatalf("state (-live +replayed):\n%s", diff)
	}
}

func TestRandomInputs(t *testing.T) {
	t.Parallel()
	for seed := range uint64(soak.Rounds(20, 120)) {
		draw := rand.New(rand.NewPCG(seed, 5))
		data := make([]byte, 2000)
		for i := range data {
			data[i] = byte(draw.Uint32())
		}
		a, b := drive(t, data), drive(t, data)
		if a.digest() != b.digest() {
			t.Fatalf("seed %d: two runs differ", seed)
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func FuzzMachine(f *testing.F) {
	for seed := range uint64(8) {
		draw := rand.New(rand.NewPCG(seed, 5))
		data := make([]byte, 400)
		for i := range data {
			data[i] = byte(draw.Uint32())
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { drive(t, data[:min(len(data), 2000)]) })
}

// A process that dies while packets wait behind a gap: they are written after
// the restart without being asked for, and only what is missing is.
func TestKilledBehindGap(t *testing.T) {
	t.Parallel()
	r := newRecorder(t, seq.Config{Window: 10, Source: askable})
	must(t, r.start(0))
	for _, s := range []uint64{0, 1, 3, 4, 6} {
		r.packet(0, original(s))
	}
	if len(r.log) != 2 || len(r.requests) != 0 {
		t.Fatalf("log %v, requests %v", r.log, r.requests)
	}
	must(t, r.start(0))
	want := []seq.Range{{First: 2, Count: 1, Cause: seq.Sweep, Try: 1}, {First: 5, Count: 1, Cause: seq.Sweep, Try: 1}}
	if diff := cmp.Diff(want, r.requests); diff != "" {
		t.Error(diff)
	}
	for _, s := range []uint64{5, 2} {
		d := original(s)
		d.Origin = seq.Answer
		r.packet(time.Millisecond, d)
	}
	if got := strings.Join(text(r.log), " "); got != "0 OK 1 OK 2 RETRANSMIT 3 OK 4 OK 5 RETRANSMIT 6 OK" {
		t.Errorf("log %s", got)
	}
}

// A state goes through JSON unchanged, and a machine goes on from it.
func TestStateAsValue(t *testing.T) {
	t.Parallel()
	r := newRecorder(t, seq.Config{Source: askable})
	must(t, r.start(0))
	for _, s := range []uint64{0, 1, 3, 4, 6, 200_000} {
		r.packet(0, original(s))
	}
	r.stop(0, seq.StopInterrupted)
	state := r.m.State()
	b, err := json.Marshal(state)
	must(t, err)
	var again seq.State
	must(t, json.Unmarshal(b, &again))
	m, err := seq.New(seq.Config{Source: askable, State: &again})
	must(t, err)
	if diff := cmp.Diff(state, m.State()); diff != "" {
		t.Errorf("state (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff([]seq.Interval{{First: 0, Last: 1}}, state.Written); diff != "" {
		t.Error(diff)
	}
	again.Version++
	if _, err := seq.New(seq.Config{State: &again}); err == nil {
		t.Error("a state of a later version is read")
	}
	again.Version--
	again.Gaps[0].Last = 1 << 40
	if _, err := seq.New(seq.Config{State: &again}); err == nil {
		t.Error("a state with an impossible gap is read")
	}
}

// Frames that no machine makes are refused, not believed.
func TestReplayRefuses(t *testing.T) {
	t.Parallel()
	for _, f := range []seq.Frame{
		{Type: 0},
		{Type: 10},
		{Type: seq.FrameStart},
		{Type: seq.FrameSession},
		{Type: seq.FramePolicy},
		{Type: seq.FramePacket, Packet: seq.PacketFrame{Packet: seq.Packet{Sequence: seq.FirstOfStream}}},
		{Type: seq.FrameGap, Gap: seq.GapFrame{First: 5, Last: 4}},
		{Type: seq.FrameGap, Gap: seq.GapFrame{First: 5, Last: seq.FirstOfStream}},
		{Type: seq.FrameWrote, Wrote: seq.WroteFrame{Runs: []seq.LineRun{{First: seq.FirstOfStream - 1, Count: 5}}}},
	} {
		if _, err := seq.Replay(seq.Config{}, slices.Values([]seq.Frame{f})); err == nil || !strings.HasPrefix(err.Error(), "seq: frame 1: ") {
			t.Errorf("frame %+v: error %v", f, err)
		}
	}
}

// The log alone says what is known when there is no journal of packets.
func TestReplayOfLog(t *testing.T) {
	t.Parallel()
	runs := seq.AppendRuns(nil, []seq.Line{{Seq: 0, Status: seq.OK}, {Seq: 1, Status: seq.OK}, {Seq: 4, Status: seq.OK}, {Seq: 3, Status: seq.Late}})
	if diff := cmp.Diff([]seq.LineRun{{First: 0, Count: 2, Status: seq.OK}, {First: 4, Count: 1, Status: seq.OK}, {First: 3, Count: 1, Status: seq.Late}}, runs); diff != "" {
		t.Error(diff)
	}
	s, err := seq.Replay(seq.Config{}, slices.Values([]seq.Frame{{Type: seq.FrameWrote, Wrote: seq.WroteFrame{Runs: runs}}}))
	must(t, err)
	if diff := cmp.Diff([]seq.Gap{{First: 2, Last: 2}}, s.Gaps); diff != "" || s.Counts[seq.Inversions] != 1 || s.Counts[seq.InvertedPairs] != 1 {
		t.Errorf("%s, counts %v", diff, s.Counts)
	}
}

func TestConfigRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []seq.Config{{Ask: 9}, {Flush: 9}, {BufferSize: -1}, {BufferBytes: -1}, {MaxStalls: -1}, {Tries: -1}, {Tries: 256}, {MaxHold: -1}, {Window: 1 << 40}} {
		if _, err := seq.New(c); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}

// In steady state no packet allocates: in order, swapped, damaged and asked
// for, twice, and without a journal.
func TestAllocations(t *testing.T) {
	for _, c := range []struct {
		name string
		c    seq.Config
	}{
		{"journal", seq.Config{Source: askable}},
		{"lab", seq.Config{Window: 10, Source: seq.Caps{Definitive: true, HeaderTrusted: true, MayExit: true}}},
		{"journal off", seq.Config{JournalOff: true, Source: askable}},
	} {
		m, err := seq.New(c.c)
		must(t, err)
		_, err = m.Start(0, 0)
		must(t, err)
		d := original(0)
		now, next := time.Duration(0), uint64(0)
		give := func(s uint64, origin seq.Origin, valid bool) {
			now += time.Microsecond
			d.Sequence, d.Origin, d.Valid, d.At = s, origin, valid, now
			if origin == seq.Original {
				d.Cursor++
			}
			m.Packet(now, d)
		}
		round := func() {
			for i := range uint64(96) { // three in order, two swapped, a copy; one in 32 damaged
				s := next + i
				switch i % 8 {
				case 3:
					s++
				case 4:
					s--
				}
				give(s, seq.Original, i%32 != 7)
				if i%8 == 5 {
					give(s, seq.Original, true)
				}
				if i%32 == 7 {
					give(s, seq.Answer, true)
				}
			}
			next += 96
		}
		for range 2000 {
			round()
		}
		if n := testing.AllocsPerRun(200, round); n != 0 {
			t.Errorf("%s: %v allocations in 96 packets", c.name, n)
		}
	}
}
