package record_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"holdfast/internal/des"
	"holdfast/internal/soak"
	"holdfast/record"
	"holdfast/record/journal"
	"holdfast/record/seq"
)

// A network is a sender, a server of requests and the ways between them and the
// recorder, all in virtual time and from one seed: 2 % loss, 3 % damage, 5 %
// copies, packets up to 10 places late, answers and requests treated alike.
type network struct {
	q       des.Queue[record.Event]
	draw    *rand.Rand
	packets map[uint64]seq.Packet
	lost    map[uint64]bool // no good copy came by itself
	asked   int
	ends    time.Duration
}

const (
	simStep = 100 * time.Microsecond // between two packets
	simTrip = 20 * simStep
)

func newNetwork(seed, packets uint64) *network {
	n := &network{draw: rand.New(rand.NewPCG(seed, 5)), packets: map[uint64]seq.Packet{}, lost: map[uint64]bool{}}
	for s := uint64(1); s <= packets; s++ {
		p := checked(s, float64(s)/1e4, fmt.Appendf(nil, "packet %d of seed %d", s, seed))
		n.packets[s], n.lost[s] = p, true
		n.send(p, seq.Original, time.Duration(s)*simStep)
	}
	n.ends = time.Duration(packets+30) * simStep
	n.q.At(n.ends, record.Event{Kind: record.Heartbeat, Next: packets + 1})
	n.q.At(n.ends+2*simTrip, record.Event{Kind: record.EndOfSession, Next: packets + 1})
	for at := simStep; at < n.ends+5*time.Second; at += 10 * simStep { // a clock for the recorder's timers
		n.q.At(at, record.Event{Kind: record.Passed})
	}
	return n
}

func (n *network) send(p seq.Packet, origin seq.Origin, at time.Duration) {
	if n.draw.Float64() < .02 {
		return
	}
	copies, damaged := 1, n.draw.Float64() < .03
	if n.draw.Float64() < .05 {
		copies = 2
	}
	for i := range copies {
		d := seq.Delivery{Packet: p, Origin: origin, Valid: !damaged, HeaderTrusted: true}
		if damaged {
			d.Checksum ^= 1
		} else if origin == seq.Original {
			delete(n.lost, p.Sequence)
		}
		late := time.Duration(n.draw.Int64N(int64(10*simStep) * int64(i+1)))
		n.q.At(at+late, record.Event{Kind: record.Arrived, Delivery: d})
	}
}

func (n *network) Caps() seq.Caps { return seq.Caps{Requests: true, HeaderTrusted: true} }

func (n *network) Next(context.Context) (record.Event, error) {
	e, ok := n.q.Next()
	if !ok {
		return e, io.EOF
	}
	e.At, e.Delivery.At = n.q.Now(), n.q.Now()
	return e, nil
}

func (n *network) Receive(context.Context) (seq.Delivery, error) { panic("Next is called") }
func (n *network) RequestRetransmit(uint64, int) error           { panic("Ask is called") }

func (n *network) Ask(r seq.Range, now time.Duration) error {
	n.asked += int(r.Count)
	if n.draw.Float64() < .02 {
		return nil
	}
	for s := r.First; s < r.First+uint64(r.Count); s++ {
		n.send(n.packets[s], seq.Answer, max(now, n.q.Now())+simTrip)
	}
	return nil
}

// everything is all files of a disk, by name.
func (r *rig) everything() string {
	r.t.Helper()
	var b strings.Builder
	for _, dir := range []string{"/log", rigState, record.JournalDir(rigState, r.c.Session)} {
		names, err := r.crash.ReadDir(dir)
		if err != nil {
			r.t.Fatal(err)
		}
		for _, name := range names {
			if path := dir + "/" + name; !strings.HasSuffix(name, ".journal") && name != "LOCK" && !strings.HasSuffix(name, ".lock") {
				fmt.Fprintf(&b, "%s:\n%s\n", path, r.read(path))
			}
		}
	}
	return b.String()
}

// Section 8, simulation: the whole recorder on a virtual clock, network and
// disk. The same seed gives the same bytes, and they are the best that could be
// had.
func TestSimulation(t *testing.T) {
	t.Parallel()
	const packets = 2000
	for seed := range uint64(soak.Rounds(2, 8)) {
		for _, level := range []journal.Level{journal.None, journal.Always} {
			t.Run(fmt.Sprintf("seed %d, %v", seed, level), func(t *testing.T) {
				t.Parallel()
				var before string
				for range 2 {
					r := newRig(t, int64(seed))
					r.c.Session, r.c.Disk, r.c.Journal.Level = "sim", r.disk, level
					r.c.Policy = seq.Config{First: 1}
					n := newNetwork(seed, packets)
					l, err := record.NewLogger(n, rigLog, r.c)
					if err != nil {
						t.Fatal(err)
					}
					s, err := l.Run(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					log := r.read(rigLog)
					total := s.Total
					if bytes.Count(log, []byte{'\n'}) != packets || total.PacketsWritten != packets || total.Inversions != 0 || total.Gaps != 0 {
						t.Errorf("%+v", total)
					}
					if total.PacketsReceived != total.PacketsWritten+total.DuplicatesDiscarded+total.CorruptedPackets {
						t.Errorf("S2 does not hold: %+v", total)
					}
					if needed := len(n.lost); needed == 0 || int64(n.asked) != total.Extra["requested_sequences"] || float64(n.asked) > 1.25*float64(needed) {
						t.Errorf("asked for %d, counted %d, needed %d", n.asked, total.Extra["requested_sequences"], needed)
					}
					i := 0
					for line := range bytes.Lines(log) {
						i++
						p := n.packets[uint64(i)]
						got, err := record.ParseLine(bytes.TrimSuffix(line, []byte{'\n'}))
						if err != nil || got.Sequence != p.Sequence || got.Timestamp != p.Timestamp || !bytes.Equal(got.Payload, p.Payload) {
							t.Fatalf("line %d: %s: %v", i, line, err)
						}
					}
					r.verified("simulation")
					now := r.everything()
					if before != "" && now != before {
						t.Error("two runs of one seed differ")
					}
					before = now
				}
			})
		}
	}
}
