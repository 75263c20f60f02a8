package seq_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"holdfast/internal/pyrand"
	"holdfast/internal/soak"
	"holdfast/lab/lossy"
	"holdfast/record/seq"
)

func checksum(b []byte) uint32 { return crc32.ChecksumIEEE(b) }

// A labSource is the run-time half of the lab's source without its files (L3).
type labSource struct {
	c       lossy.Config
	stream  *lossy.Stream
	at      map[uint64]int
	pos     int
	pending []uint64
	rng     *pyrand.Rand
}

var errKilled, errEnd = errors.New("killed"), errors.New("end")

func newLab(t testing.TB, c lossy.Config) *labSource {
	t.Helper()
	stream, err := lossy.Generate(c)
	if err != nil {
		t.Fatal(err)
	}
	l := &labSource{c: c, stream: stream, at: map[uint64]int{}}
	for i, q := range stream.Queue {
		if _, ok := l.at[q.Packet.Sequence]; !ok {
			l.at[q.Packet.Sequence] = i
		}
	}
	return l
}

func (l *labSource) restart() { l.rng = pyrand.New(l.c.Seed) }

func (l *labSource) caps() seq.Caps {
	return seq.Caps{Requests: true, Definitive: true, HeaderTrusted: true, MayExit: true,
		Position: uint64(l.pos), Total: uint64(len(l.stream.Queue)), End: uint64(l.c.TotalPackets), Pending: slices.Clone(l.pending)}
}

func (l *labSource) request(q seq.Range) {
	if !slices.Contains(l.pending, q.First) {
		l.pending = append(l.pending, q.First)
	}
}

func (l *labSource) receive() (seq.Delivery, error) {
	d := seq.Delivery{HeaderTrusted: true, Cursor: uint64(l.pos)}
	if len(l.pending) > 0 {
		i, ok := l.at[l.pending[0]]
		l.pending = l.pending[1:]
		if ok {
			d.Packet, d.Origin = l.stream.Queue[i].Packet, seq.Answer
			if l.rng.Random() < l.c.CorruptionProb {
				d.Checksum ^= 0xDEADBEEF
			}
			d.Valid = d.Packet.Valid()
			return d, nil
		}
	}
	if l.pos >= len(l.stream.Queue) {
		return d, errEnd
	}
	if l.rng.Random() < l.c.TerminationProb {
		return d, errKilled
	}
	d.Packet = l.stream.Queue[l.pos].Delivered()
	l.pos++
	d.Cursor, d.Valid = uint64(l.pos), d.Packet.Valid()
	return d, nil
}

// runLab records a lab stream through all its terminations. kill, if not nil,
// is asked before and after each effect whether the process dies there.
func runLab(t *testing.T, l *labSource, c seq.Config, kill func() bool) (*recorder, error) {
	t.Helper()
	return runLabWith(t, l, c, func(*recorder) bool { return kill != nil && kill() })
}

// runLabWith is runLab with a kill that may take what was not durable.
func runLabWith(t *testing.T, l *labSource, c seq.Config, kill func(*recorder) bool) (*recorder, error) {
	t.Helper()
	c.Window = uint64(l.c.ReorderWindow)
	r := newRecorder(t, c)
	r.probes = true
	for {
		r.c.Source = l.caps()
		l.restart()
		if err := r.start(0); err != nil {
			return r, err
		}
		err := runLabProcess(r, l, kill)
		if err == errEnd {
			r.do(r.m.End(0, 0), 0)
			if !r.ready.Done {
				t.Fatal("the end is not the end")
			}
			r.stop(0, seq.StopComplete)
			return r, nil
		}
	}
}

func runLabProcess(r *recorder, l *labSource, kill func(*recorder) bool) error {
	for {
		for _, q := range r.ready.Request {
			if kill(r) {
				return errKilled
			}
			l.request(q)
		}
		d, err := l.receive()
		if err != nil {
			return err
		}
		if kill(r) { // with the delivery in its hands
			return errKilled
		}
		r.packet(0, d)
	}
}

// logText is the log as the shell writes it.
func logText(l *labSource, log []seq.Line) []byte {
	var b bytes.Buffer
	for _, line := range log {
		p := l.stream.Queue[l.at[line.Seq]].Packet
		fmt.Fprintf(&b, "%d,%s,%x,%s\n", p.Sequence, pyrand.AppendRepr(nil, p.Timestamp), p.Payload, line.Status)
	}
	return b.Bytes()
}

func labConfig(seed int64) lossy.Config {
	c := lossy.Default(seed)
	c.Seed = big.NewInt(seed)
	return c
}

// Section 8, lab outcomes.
func TestLabOutcomes(t *testing.T) {
	t.Parallel()
	for _, want := range []struct {
		name                                                            string
		config                                                          func() lossy.Config
		deliveries, restarts                                            int
		received, written, duplicates, corrupted, requests, retransmits uint64
		log                                                             string
	}{
		{"42", func() lossy.Config { return labConfig(42) }, 1020, 8, 1052, 977, 43, 32, 32, 29, "2d421aa947465453"},
		{"1", func() lossy.Config { return labConfig(1) }, 1032, 46, 1061, 979, 52, 30, 29, 25, "7e5cb38b8186b0a9"},
		{"7", func() lossy.Config { return labConfig(7) }, 1029, 9, 1054, 978, 49, 27, 25, 25, "c669d1bc07c55ce9"},
		{"139 stalls", func() lossy.Config { return labConfig(139) }, 1030, 37, 1109, 976, 53, 80, 79, 41, "ee29b906a084eb4e"},
		{"849 stalls", func() lossy.Config { return labConfig(849) }, 1024, 26, 1075, 981, 44, 50, 51, 25, "ae763e7d38d47ad2"},
		{"snippet", func() lossy.Config {
			c := labConfig(42)
			c.TotalPackets, c.TerminationProb = 500, 0.002
			return c
		}, 513, 4, 521, 492, 21, 8, 8, 8, "6cbcacb630ba11e3"},
		{"100 packets", func() lossy.Config {
			c := labConfig(42)
			c.TotalPackets, c.TerminationProb = 100, 0
			return c
		}, 99, 0, 101, 96, 3, 2, 2, 2, "a6ba59135c56effd"},
		{"window 50", func() lossy.Config {
			c := labConfig(7)
			c.ReorderWindow = 50
			return c
		}, 1037, 9, 1060, 984, 53, 23, 23, 23, "fafce9f94f49d0ef"},
	} {
		for _, mode := range []struct {
			name  string
			ask   seq.Ask
			extra uint64
		}{{"corrupt", seq.AskCorrupt, 0}, {"auto", seq.AskAuto, 3}} {
			t.Run(want.name+"/"+mode.name, func(t *testing.T) {
				t.Parallel()
				l := newLab(t, want.config())
				r, err := runLab(t, l, seq.Config{Ask: mode.ask}, nil)
				if err != nil {
					t.Fatal(err)
				}
				s := r.total()
				got := fmt.Sprint(len(l.stream.Queue), s.Extra["starts"]-1, s.PacketsReceived, s.PacketsWritten, s.DuplicatesDiscarded,
					s.CorruptedPackets, s.RetransmitRequests, s.RetransmitsReceived)
				expect := fmt.Sprint(want.deliveries, want.restarts, want.received, want.written, want.duplicates,
					want.corrupted, want.requests+mode.extra, want.retransmits)
				if got != expect {
					t.Errorf("got %s, want %s (%v)", got, expect, s.Extra)
				}
				r.checkStats()
				if s.Inversions > 0 || int(s.PacketsWritten) != l.stream.Deliverable() || s.FinalBufferSize > 0 {
					t.Errorf("%d inversions, %d written of %d, %d in the buffer", s.Inversions, s.PacketsWritten, l.stream.Deliverable(), s.FinalBufferSize)
				}
				sum := sha256.Sum256(logText(l, r.log))
				if hash := hex.EncodeToString(sum[:8]); hash != want.log {
					t.Errorf("log has SHA-256 %s, want %s", hash, want.log)
				}
			})
		}
	}
}

// Seeds 1-1000: coverage is the maximum, nothing is inverted, few requests.
func TestLabSeeds(t *testing.T) {
	t.Parallel()
	for seed := int64(1); seed <= int64(soak.Rounds(30, 400)); seed++ {
		l := newLab(t, labConfig(seed))
		r, err := runLab(t, l, seq.Config{}, nil)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		s := r.total()
		if int(s.PacketsWritten) != l.stream.Deliverable() || s.Inversions > 0 || int64(s.RetransmitRequests)-int64(s.CorruptedPackets) > 4 {
			t.Errorf("seed %d: %d of %d written, %d inversions, %d requests for %d corrupted, %v", seed, s.PacketsWritten,
				l.stream.Deliverable(), s.Inversions, s.RetransmitRequests, s.CorruptedPackets, s.Extra)
		}
	}
}

// A process killed at any instruction costs two requests and no packet (Q5).
func TestLabKilledAnywhere(t *testing.T) {
	t.Parallel()
	runs, missed, kills, extra := soak.Rounds(30, 150), 0, 0, 0
	for seed := range uint64(runs) {
		draw := rand.New(rand.NewPCG(seed, 1))
		c := labConfig(int64(seed))
		c.TerminationProb = 0
		p := []float64{0.002, 0.01, 0.03}[seed%3]
		l := newLab(t, c)
		n := 0
		r, err := runLab(t, l, seq.Config{}, func() bool {
			if draw.Float64() < p {
				n++
				return true
			}
			return false
		})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		r.checkStats()
		s := r.total()
		kills += n
		extra += int(s.RetransmitRequests) - int(s.CorruptedPackets)
		missed += l.stream.Deliverable() - int(s.PacketsWritten)
		if s.Inversions > 0 {
			t.Errorf("seed %d: %d inversions", seed, s.Inversions)
		}
	}
	// One packet may go: when the last delivery is in the hands of the killed process and another packet
	// was lost nearby, the source answers the first request for neither and is gone.
	if missed > 1 || extra > 2*kills+3*runs {
		t.Errorf("%d runs, %d kills: %d packets missed, %d requests beyond damaged packets", runs, kills, missed, extra)
	}
}

// A process killed with one of the last deliveries in its hands loses none of
// them but where a guess is wrong: the source at its end answers requests until
// one is for a packet that was lost for good.
func TestLabKilledAtTheEnd(t *testing.T) {
	t.Parallel()
	runs := soak.Rounds(300, 800)
	for left := range 4 {
		missed := 0
		for seed := range runs {
			c := labConfig(int64(seed))
			c.TotalPackets, c.TerminationProb = 100, 0
			l := newLab(t, c)
			killed := false
			r, err := runLab(t, l, seq.Config{}, func() bool {
				now := !killed && l.pos == len(l.stream.Queue)-left
				killed = killed || now
				return now
			})
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			missed += l.stream.Deliverable() - len(r.log)
		}
		if most := []int{runs * 3 / 100, runs / 100, runs / 300, 0}[left]; missed > most {
			t.Errorf("killed with %d deliveries left: %d of %d runs missed a packet, more than %d", left, missed, runs, most)
		}
	}
}

// A power cut takes what came since the last sync, but no line, and not the
// order of what is asked for again: the source does not go back, and of the
// requests and answers that it took no frame may be left.
func TestLabPowerCuts(t *testing.T) {
	t.Parallel()
	for seed := range uint64(soak.Rounds(30, 250)) {
		draw := rand.New(rand.NewPCG(seed, 2))
		c := labConfig(int64(seed))
		c.TerminationProb = 0
		p := []float64{0.001, 0.003, 0.01}[seed%3]
		l := newLab(t, c)
		synced, cuts, atEnd := 0, 0, false
		r, err := runLabWith(t, l, seq.Config{MaxStalls: 100}, func(now *recorder) bool {
			if draw.Float64() >= p {
				return false
			}
			least := max(synced, len(now.frames)-100)
			synced = least + draw.IntN(len(now.frames)-least+1)
			now.cut(synced)
			cuts++
			atEnd = atEnd || l.pos+100 > len(l.stream.Queue)
			return true
		})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		r.checkStats()
		if s := r.total(); s.Inversions > 0 {
			t.Errorf("seed %d: %d inversions after %d cuts", seed, s.Inversions, cuts)
		}
		if missed := l.stream.Deliverable() - len(r.log); missed > 0 && !atEnd {
			t.Errorf("seed %d: %d packets missed after %d cuts", seed, missed, cuts)
		}
	}
}

// A source that ends the process each time delivers one packet and is given up;
// one that does so every other time is recorded to its end (L8).
func TestLabStalls(t *testing.T) {
	t.Parallel()
	c := labConfig(2)
	c.TotalPackets, c.TerminationProb = 50, 1
	r, err := runLab(t, newLab(t, c), seq.Config{}, nil)
	var stall *seq.StallError
	if !errors.As(err, &stall) || len(r.log) != 1 {
		t.Fatalf("%d lines, error %v", len(r.log), err)
	}
	if want := "the source ends the process before delivering anything (17 starts at position 0)"; stall.Error() != want {
		t.Errorf("error %q, want %q", stall, want)
	}

	for seed := int64(1); seed <= 40; seed++ {
		c := labConfig(seed)
		c.TotalPackets, c.TerminationProb = 200, 0.5
		l := newLab(t, c)
		r, err := runLab(t, l, seq.Config{}, nil)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if s := r.total(); int(s.PacketsWritten) != l.stream.Deliverable() || s.Inversions > 0 {
			t.Errorf("seed %d: %d of %d written, %d inversions", seed, s.PacketsWritten, l.stream.Deliverable(), s.Inversions)
		}
	}
}

// Section 8, trade-off: what the classic settings lose, and the journal does not.
func TestLabTradeoff(t *testing.T) {
	t.Parallel()
	for _, want := range []struct {
		name                            string
		c                               seq.Config
		coverage, inverted, pairs, lost float64 // means of seeds 1 to 40
	}{
		{"off 1", seq.Config{JournalOff: true, BufferSize: 1}, .979625, 544.775, 1302.9, 0},
		{"off 10", seq.Config{JournalOff: true, BufferSize: 10}, .8715, 3.7, 9.3, 112.275},
		{"off 30", seq.Config{JournalOff: true}, .72575, 0, 0, 260.575},
		{"off 100", seq.Config{JournalOff: true, BufferSize: 100}, .471125, 0, 0, 515.275},
		{"off 30 all", seq.Config{JournalOff: true, Flush: seq.FlushAll}, .765825, 42.975, 82.15, 219.675},
		{"on", seq.Config{Ask: seq.AskCorrupt}, .979625, 0, 0, 0},
		{"on 1", seq.Config{Ask: seq.AskCorrupt, BufferSize: 1}, .979625, 544.775, 1302.9, 0},
	} {
		t.Run(want.name, func(t *testing.T) {
			t.Parallel()
			var written, inverted, pairs, lost, requests uint64
			for seed := int64(1); seed <= 40; seed++ {
				r, err := runLab(t, newLab(t, labConfig(seed)), want.c, nil)
				if err != nil {
					t.Fatal(err)
				}
				r.checkStats()
				s := r.total()
				written += s.PacketsWritten
				inverted += s.Inversions
				pairs += uint64(s.Extra["inverted_pairs"])
				lost += s.FinalBufferSize
				requests += s.RetransmitRequests
			}
			got := fmt.Sprint(float64(written)/40000, float64(inverted)/40, float64(pairs)/40, float64(lost)/40)
			if expect := fmt.Sprint(want.coverage, want.inverted, want.pairs, want.lost); got != expect {
				t.Errorf("got %s, want %s", got, expect)
			}
			if want.name == "on" && requests != 29975*40/1000 {
				t.Errorf("%v requests a run, want 29.975", float64(requests)/40)
			}
		})
	}
}
