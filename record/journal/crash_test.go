package journal

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"holdfast/internal/soak"
	"holdfast/internal/vfs"
	"holdfast/record/seq"
)

// packet is the one with this number, always the same.
func packet(n uint64) seq.Frame {
	rng := rand.New(rand.NewPCG(n, 1))
	payload := make([]byte, rng.IntN(40))
	if n%50 == 0 {
		payload = make([]byte, rng.IntN(6000))
	}
	for i := range payload {
		payload[i] = byte(rng.Uint32())
	}
	return seq.Frame{Type: seq.FramePacket, Packet: seq.PacketFrame{
		Packet: seq.Packet{Sequence: n, Timestamp: rng.Float64(), Payload: payload, Checksum: crc32.ChecksumIEEE(payload)},
		At:     time.Duration(n), Origin: seq.Origin(n % 2), Line: byte(n % 3)}}
}

// A life is what a recorder has been told over all its processes, and what it
// may rely on.
type life struct {
	disk  *vfs.Crash
	level Level
	rng   *rand.Rand

	next  uint64          // sequence
	here  map[uint64]bool // packets that the journal gave or took, in this process
	alive map[uint64]bool // packets that no kill may take
	acked map[uint64]bool // packets that no power cut may take
	trace strings.Builder // all that was seen
}

func newLife(level Level, p float64, seed uint64) *life {
	return &life{disk: vfs.NewCrash(seed, p), level: level, rng: rand.New(rand.NewPCG(seed, 2)), next: 1, alive: map[uint64]bool{}, acked: map[uint64]bool{}}
}

func (l *life) config() Config {
	return Config{Session: "s", Level: l.level, SegmentBytes: 4096, GroupWindow: time.Hour, Interval: time.Hour, GroupBytes: 1 << 40}
}

// open recovers and checks what it is told. A nil journal was killed.
func (l *life) open(d vfs.Disk) (*Journal, error) {
	l.here = map[uint64]bool{}
	var lastLSN LSN
	var lastSeq uint64
	c := l.config()
	c.Replay = func(e Entry) error {
		switch {
		case e.LSN != lastLSN+1 && !l.mayHaveHoles():
			return fmt.Errorf("LSN %d after %d", e.LSN, lastLSN)
		case e.Frame.Type == seq.FrameTally:
		case e.Frame.Packet.Sequence <= lastSeq:
			return fmt.Errorf("packet %d after %d", e.Frame.Packet.Sequence, lastSeq)
		default:
			lastSeq = e.Frame.Packet.Sequence
			if err := same(only(*e.Frame), packet(lastSeq)); err != nil {
				return err
			}
			l.here[lastSeq] = true
		}
		lastLSN = e.LSN
		return nil
	}
	j, rec, err := Open(d, dir, c)
	if errors.Is(err, vfs.ErrKilled) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	torn := rec.Torn
	if rec.Torn = nil; torn == nil {
		torn = new(Tail)
	}
	fmt.Fprintf(&l.trace, "%+v %+v\n", rec, *torn)
	for n := range l.alive {
		if !l.here[n] {
			return nil, fmt.Errorf("acknowledged packet %d is lost: %+v", n, rec)
		}
	}
	if rec.Damaged > 0 && !l.mayHaveHoles() {
		return nil, fmt.Errorf("damage reported: %+v", rec)
	}
	l.acknowledge() // the recorder relies on what it was told
	return j, nil
}

// acknowledge: no power cut may take what the journal has now.
func (l *life) acknowledge() {
	if l.level == Group || l.level == Always {
		l.acked = maps.Clone(l.here)
	}
}

// mayHaveHoles: without syncs a power cut leaves what it likes.
func (l *life) mayHaveHoles() bool { return l.level == None }

func same(got, want seq.Frame) error {
	g, w := got.Packet, want.Packet
	if got.Type != want.Type || g.Sequence != w.Sequence || g.Timestamp != w.Timestamp || string(g.Payload) != string(w.Payload) ||
		g.Checksum != w.Checksum || g.At != w.At || g.Origin != w.Origin || g.Line != w.Line {
		return fmt.Errorf("got %+v, want %+v", got, want)
	}
	return nil
}

// work appends packets until something fails.
func (l *life) work(j *Journal, batches int) error {
	for range batches {
		var batch []seq.Frame
		first := l.next
		for range 1 + l.rng.IntN(6) {
			batch = append(batch, packet(l.next))
			l.next++
			if l.rng.IntN(8) == 0 {
				batch = append(batch, seq.Frame{Type: seq.FrameTally, Tally: seq.TallyFrame{Held: 1}})
			}
		}
		lsn, err := j.Append(batch...)
		if err != nil {
			return err
		}
		for n := first; n < l.next; n++ {
			l.here[n] = true
		}
		if l.rng.IntN(3) > 0 {
			continue
		}
		if err := j.Commit(lsn); err != nil {
			return err
		}
		l.acknowledge()
	}
	return nil
}

// end ends the process, which had the journal open or not: killed, or without
// power.
func (l *life) end(powerCut, opened bool) {
	if powerCut {
		l.disk.Cut()
		l.alive = maps.Clone(l.acked)
		return
	}
	l.disk.Kill()
	if opened {
		l.alive = l.here // they are with the system
	}
}

// oneSeed is some processes in a row, each ended at a call that chance picks,
// often during recovery.
func oneSeed(level Level, p float64, seed uint64) (trace string, err error) {
	l := newLife(level, p, seed)
	for range 4 + l.rng.IntN(4) {
		calls := 1 + l.rng.IntN(40)
		if l.rng.IntN(2) == 0 {
			calls += l.rng.IntN(200)
		}
		kill, mapped := vfs.KillAt(calls), l.rng.IntN(4) > 0
		j, err := l.open(vfs.NewFaulty(l.disk, func(o vfs.Op) error {
			if err := kill(o); err != nil || mapped {
				return err
			}
			return unmapped(o)
		}))
		if err != nil {
			return "", err
		}
		clean := false
		if j != nil {
			err := l.work(j, 1+l.rng.IntN(60))
			switch {
			case errors.Is(err, vfs.ErrKilled):
			case err != nil:
				return "", err
			case l.rng.IntN(3) == 0:
				clean = j.Close() == nil
			}
		}
		fmt.Fprintf(&l.trace, "%d calls, clean %v, next %d\n", calls, clean, l.next)
		l.end(l.rng.IntN(2) == 0, j != nil)
		if j != nil {
			j.Close() // the file is dead: only stops the timer
		}
	}
	j, err := l.open(l.disk)
	if err != nil {
		return "", err
	}
	err = l.work(j, 3)
	return l.trace.String(), errors.Join(err, j.Close())
}

var survival = []float64{0, .1, .5, .9, 1}

// Section 8, crash test (a).
func TestCrashSeeds(t *testing.T) {
	t.Parallel()
	seeds := soak.Rounds(6, 30)
	for _, level := range []Level{Group, None, Interval, Always} {
		for _, p := range survival {
			t.Run(fmt.Sprintf("%v/%v", level, p), func(t *testing.T) {
				t.Parallel()
				for seed := range uint64(seeds) {
					trace, err := oneSeed(level, p, seed)
					if err != nil {
						t.Fatalf("seed %d: %v", seed, err)
					}
					if seed < 5 {
						if again, _ := oneSeed(level, p, seed); again != trace {
							t.Fatalf("seed %d differs when it is repeated:\n%s\n%s", seed, trace, again)
						}
					}
				}
			})
		}
	}
}

// Section 8, crash test (d): a journal that was cut off is opened and killed at
// each call in turn, five times over, and then once more to the end.
func TestRecoveryIsKilled(t *testing.T) {
	t.Parallel()
	for _, level := range []Level{Group, Always, Interval} {
		for _, p := range []float64{0, .5, 1} {
			for seed := range uint64(soak.Rounds(1, 8)) {
				for n := 1; ; n++ {
					l := newLife(level, p, seed)
					j, err := l.open(l.disk)
					if err == nil {
						err = l.work(j, 25)
					}
					if err != nil {
						t.Fatal(err)
					}
					l.end(seed%2 == 0, true)
					j.Close()
					through := false
					for round := range 5 {
						j, err := l.open(vfs.NewFaulty(l.disk, vfs.KillAt(n)))
						if err != nil {
							t.Fatalf("%v, p %v, seed %d, call %d, round %d: %v", level, p, seed, n, round, err)
						}
						l.end(l.rng.IntN(2) == 0, false)
						if through = j != nil; through {
							j.Close()
						}
					}
					if j, err = l.open(l.disk); err != nil {
						t.Fatalf("%v, p %v, seed %d, call %d: %v", level, p, seed, n, err)
					}
					if err := errors.Join(l.work(j, 2), j.Close()); err != nil {
						t.Fatal(err)
					}
					if through {
						break // no call was left to be killed at
					}
				}
			}
		}
	}
}

// Crash test (e): a sync fails once. Nothing is acknowledged after it, the file
// shows what the disk does not have, and the next process makes it durable
// before it relies on it (D3).
func TestSyncFailsOnce(t *testing.T) {
	t.Parallel()
	errIO := errors.New("input/output error")
	for seed := range uint64(200) {
		for _, level := range []Level{Group, Always} {
			l := newLife(level, .5, seed)
			left := 5 + l.rng.IntN(20)
			j, err := l.open(vfs.NewFaulty(l.disk, func(o vfs.Op) error {
				if o.Call == "sync" {
					if left--; left == 0 {
						return errIO
					}
				}
				return nil
			}))
			if err != nil {
				t.Fatal(err)
			}
			err = l.work(j, 1000)
			if !errors.Is(err, errIO) {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if err := j.Commit(1); !errors.Is(err, errIO) {
				t.Errorf("commit of what was durable long ago: %v", err)
			}
			if _, err := j.Append(packet(l.next)); !errors.Is(err, errIO) {
				t.Errorf("append: %v", err)
			}
			if err := j.Close(); !errors.Is(err, errIO) {
				t.Errorf("close: %v", err)
			}
			l.alive = maps.Clone(l.acked)
			for range 2 {
				l.disk.Kill() // what it appended and did not commit may be gone
				j, err := l.open(l.disk)
				if err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				l.end(true, true)
				j.Close()
			}
			j, err = l.open(l.disk)
			if err != nil {
				t.Fatalf("seed %d, after the power cut: %v", seed, err)
			}
			mustClose(t, j)
		}
	}
}

// A journal folder made by a process that was killed at once is durable as soon
// as a later one relies on it.
func TestFolderIsDurable(t *testing.T) {
	t.Parallel()
	disk := vfs.NewCrash(1, 0)
	if err := disk.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	j, _ := open(t, disk, Config{})
	lsn := mustAppend(t, j, packet(1))
	if err := j.Commit(lsn); err != nil {
		t.Fatal(err)
	}
	disk.Cut()
	j.Close()
	if _, err := disk.Stat(filepath.Join(dir, segmentName(1))); errors.Is(err, fs.ErrNotExist) {
		t.Error("the journal is gone")
	}
}
