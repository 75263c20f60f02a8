package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"holdfast/internal/vfs"
	"holdfast/merge"
)

// A board is the log and the records of a job, in memory.
type board struct {
	of      int
	log     []boardLetter
	records [][]byte
	revs    []int
}

type boardLetter struct {
	from, to int
	body     []byte
}

// seat is the Link of one process. Its calls may end with errKilled, before or
// after they did what they are for.
type seat struct {
	b     *board
	id    int
	rev   int
	chaos func() (before, after bool) // nil: never
	batch func(int) int
}

var errKilled = errors.New("killed")

func (s *seat) act(do func() error) error {
	if s.chaos == nil {
		return do()
	}
	before, after := s.chaos()
	if before {
		return errKilled
	}
	if err := do(); err != nil {
		return err
	}
	if after {
		return errKilled
	}
	return nil
}

func (s *seat) Load(context.Context) (b []byte, err error) {
	s.rev = s.b.revs[s.id]
	return s.b.records[s.id], nil
}

func (s *seat) Save(_ context.Context, record []byte) error {
	return s.act(func() error {
		if s.rev != s.b.revs[s.id] {
			return ErrFenced
		}
		s.rev++
		s.b.revs[s.id], s.b.records[s.id] = s.rev, record
		return nil
	})
}

func (s *seat) Receive(_ context.Context, after uint64) (all []Letter, err error) {
	most := len(s.b.log)
	if s.batch != nil {
		most = s.batch(3)
	}
	for i, l := range s.b.log {
		if seq := uint64(i + 1); seq > after && l.from != s.id && (l.to == merge.All || l.to == s.id) && len(all) < most {
			all = append(all, Letter{Seq: seq, From: l.from, Name: fmt.Sprintf("message %d", seq), Body: l.body})
		}
	}
	return all, s.act(func() error { return nil })
}

func (s *seat) Send(_ context.Context, to int, _ int64, last uint64, body []byte) (seq uint64, err error) {
	err = s.act(func() error {
		for i := int(last); i < len(s.b.log); i++ {
			if l := s.b.log[i]; l.from == s.id && l.to == to {
				if !bytes.Equal(l.body, body) {
					return inputErrorf("the log", "message %d is another one", i+1)
				}
				seq = uint64(i + 1)
				return nil
			}
		}
		s.b.log = append(s.b.log, boardLetter{s.id, to, body})
		seq = uint64(len(s.b.log))
		return nil
	})
	return seq, err
}

func (s *seat) Records(context.Context) ([][]byte, error) { return s.b.records, nil }

func (s *seat) Last(context.Context) (uint64, error) { return uint64(len(s.b.log)), nil }

// A crew is all workers of a job, on a board and a disk in memory.
type crew struct {
	o     JobOptions
	lists [][]int32
	board *board
	disk  *vfs.Crash
	rng   *rand.Rand
	odds  int // of a kill, 1 in so many calls; 0: none
	kills int
}

func newCrew(t *testing.T, o JobOptions, lists [][]int32, seed uint64) *crew {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 5))
	k := len(lists)
	c := &crew{o: o, lists: lists, board: &board{of: k, records: make([][]byte, k), revs: make([]int, k)}, disk: vfs.NewCrash(seed, []float64{0, .5, 1}[rng.IntN(3)]), rng: rng}
	if err := errors.Join(c.disk.MkdirAll("/job", 0o777), c.disk.SyncDir("/")); err != nil {
		t.Fatal(err)
	}
	c.o.Of, c.o.Job = k, "test"
	return c
}

func (c *crew) options(i int) JobOptions {
	o := c.o
	o.ID, o.Data, o.Disk, o.Output = i, c.lists[i], c.disk, fmt.Sprintf("/job/part.%d", i)
	if !o.parts() {
		o.Output = "/job/output"
	}
	o.Owner = fmt.Sprintf("process %d", c.rng.Uint64())
	return o
}

func (c *crew) seat(i int) *seat {
	s := &seat{b: c.board, id: i, batch: func(n int) int { return 1 + c.rng.IntN(n) }}
	if c.odds > 0 {
		s.chaos = func() (bool, bool) {
			if c.rng.IntN(c.odds) > 0 {
				return false, false
			}
			before := c.rng.IntN(2) == 0
			return before, !before
		}
	}
	return s
}

// run steps members by chance until all have finished. A kill ends one, or with
// a power cut all.
func (c *crew) run(t *testing.T) {
	t.Helper()
	members := make([]*Member, len(c.lists))
	defer func() {
		for _, m := range members {
			if m != nil {
				m.Close()
			}
		}
	}()
	finished := make([]bool, len(members))
	for steps := 0; slices.Contains(finished, false); steps++ {
		if steps > 50_000 {
			t.Fatalf("it does not end: %d kills at 1 in %d calls", c.kills, c.odds)
		}
		i := c.rng.IntN(len(members))
		err := error(nil)
		if members[i] == nil {
			members[i], err = NewMember(t.Context(), c.options(i), c.seat(i))
		}
		if err == nil {
			var more bool
			if more, err = members[i].Step(t.Context()); err == nil && !more {
				finished[i] = true
			}
		}
		if err == nil {
			continue
		}
		var failed *RunError
		if errors.As(err, &failed) {
			finished[i] = true
			continue
		}
		if !errors.Is(err, errKilled) {
			t.Fatalf("worker %d: %v", i, err)
		}
		c.kills++
		members[i] = nil // its files stay as they are: a process that was killed closes nothing
		if c.rng.IntN(3) == 0 {
			clear(members)
			c.disk.Cut()
		}
	}
}

// outcome is what must not depend on kills and schedules: outputs, messages,
// statistics, failures.
func (c *crew) outcome(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	names, err := c.disk.ReadDir("/job")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := readFile(c.disk, "/job/"+name, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s\n%s", name, text)
	}
	for i := range c.lists {
		for to := merge.All; to < len(c.lists); to++ {
			for _, l := range c.board.log {
				if l.from == i && l.to == to {
					fmt.Fprintf(&b, "%d to %d: %s\n", i, to, l.body)
				}
			}
		}
		r, err := decodeRecord(c.board.records[i])
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%d: %+v %+v %v\n", i, r.Snapshot, r.Part, r.Done)
	}
	return b.String()
}

// joined is all output in order.
func (c *crew) joined(t *testing.T) string {
	t.Helper()
	var all []byte
	for i := range c.lists {
		text, err := readFile(c.disk, c.options(i).Output, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text...)
		if !c.o.parts() {
			break
		}
	}
	return string(all)
}

func drawCrew(rng *rand.Rand, k, size int, within int64) [][]int32 {
	lists := make([][]int32, k)
	seen := map[int32]bool{}
	for i := range lists {
		for range rng.IntN(size) {
			if v := int32(rng.Int64N(within) - within/2); !seen[v] {
				seen[v] = true
				lists[i] = append(lists[i], v)
			}
		}
	}
	return lists
}

// Any number of workers, killed between any two calls and in the middle of
// them, with power cuts: the same parts, messages and statistics as without.
func TestJobCrash(t *testing.T) {
	t.Parallel()
	kills := 0
	for seed := range uint64(soak(30)) {
		rng := rand.New(rand.NewPCG(seed, 1))
		o := JobOptions{Balance: merge.Touch, Duplicates: merge.Dup(rng.IntN(3)), Words: []int{0, 9, 64}[rng.IntN(3)]}
		k := 2 + rng.IntN(5)
		if rng.IntN(3) == 0 {
			o.Balance, k, o.Confirm = merge.Coded, 2, rng.IntN(2) == 0
		}
		size := rng.IntN(3)
		lists := drawCrew(rng, k, []int{2, 40, 800}[size], []int64{3000, 1 << 20, 1 << 32}[rng.IntN(3)])
		if o.Duplicates != merge.Strict && rng.IntN(4) == 0 { // all have the same
			for i := range lists {
				lists[i] = lists[0]
			}
		}
		calm := newCrew(t, o, lists, seed)
		calm.run(t)
		all := slices.Concat(lists...)
		slices.Sort(all)
		if o.Duplicates == merge.Drop {
			all = slices.Compact(all)
		}
		var want strings.Builder
		for _, v := range all {
			fmt.Fprintln(&want, v)
		}
		if got := calm.joined(t); got != want.String() {
			t.Fatalf("seed %d: wrong output of %d bytes", seed, len(got))
		}
		wild := newCrew(t, o, lists, seed+1000)
		wild.odds = []int{3, 6, 50}[size] + rng.IntN(30) // a start gets through 64 messages now and then
		wild.run(t)
		if got, want := wild.outcome(t), calm.outcome(t); got != want {
			t.Fatalf("seed %d, %s, %d kills:\n%s\nand\n%s", seed, o.Spell(), wild.kills, got, want)
		}
		kills += wild.kills
	}
	if kills < 100 {
		t.Errorf("only %d kills", kills)
	}
	t.Logf("%d kills", kills)
}
