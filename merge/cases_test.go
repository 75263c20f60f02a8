package merge

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"holdfast/merge/setcode"
)

func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

func sortedCopy(v []int32) []int32 { return slices.Sorted(slices.Values(v)) }

// checkRefused checks that a run ended because of a shared value.
func checkRefused(t tester, err error, value int32) {
	t.Helper()
	var duplicate *DuplicateError
	if !errors.As(err, &duplicate) || duplicate.Value != value {
		t.Fatalf("error %v, want that %d is in both lists", err, value)
	}
}

// refused runs two workers that have to fail.
func refused(t *testing.T, c Config, a, b []int32) (*Memory, error) {
	t.Helper()
	m, err := NewMemory(c, a, b)
	if err != nil {
		t.Fatal(err)
	}
	r, err := m.Run(nil, 100_000)
	if err == nil {
		t.Fatalf("no error: %+v", r)
	}
	return m, err
}

// T12: a value in both lists.
func TestShared(t *testing.T) {
	m, err := refused(t, Config{}, []int32{1, 2, 3}, []int32{3, 4})
	checkRefused(t, err, 3)
	if len(m.Output) != 0 {
		t.Errorf("output %q", m.Output)
	}

	// B claims to have all that A lacks; one value is A's.
	a, b := drawn(547, 5000, 1000, 6000)
	b[77] = a[4321]
	m, err = refused(t, Config{}, a, b)
	checkRefused(t, err, a[4321])
	if got := len(m.Workers[0].Sent) + len(m.Workers[1].Sent); got != 16 || !strings.Contains(kinds(m), "REQ") {
		t.Errorf("%d messages: %s", got, kinds(m))
	}
	if w := m.Workers[1].Machine.Snapshot().Work.Rework; w == 0 {
		t.Error("shipping twice is not reported")
	}
	runPair(t, Config{Duplicates: Keep}, a, b, nil)

	// The shipper still waits for its tail: it is told.
	a, b = drawn(1, 5000, 200, 1<<30)
	far, _ := drawn(2, 800, 1, 1<<29)
	for i := range far {
		far[i] += 1<<30 + 1
	}
	b = append(b, far...)
	b[3] = a[3]
	m, err = refused(t, Config{}, a, b)
	checkRefused(t, err, a[3])
	last := m.Workers[0].Sent[len(m.Workers[0].Sent)-1]
	if last.Type != TypeFail {
		t.Fatalf("A's last message is %v", last)
	}
	if more, err := m.Workers[1].Step(); more || err == nil {
		t.Errorf("B goes on: %v, %v", more, err)
	} else {
		checkRefused(t, err, a[3])
		var remote *RemoteError
		if !errors.As(err, &remote) {
			t.Errorf("%v is not told by the other", err)
		}
	}
	if more, err := m.Workers[1].Step(); more || err == nil {
		t.Errorf("B forgets: %v, %v", more, err)
	}
}

// T13: each value once.
func TestDrop(t *testing.T) {
	a := []int32{9, 1, 1, 5, 5, 5}
	b := []int32{5, 2, 2, 9, 10}
	m, _ := runPair(t, Config{Duplicates: Drop}, a, b, nil)
	if got := string(m.Output); got != "1\n2\n5\n9\n10\n" {
		t.Errorf("output %q", got)
	}
}

// T4, T5, T8: seeds, signs, heads and tails.
func TestSeeds(t *testing.T) {
	seeds := uint64(20)
	if testing.Short() {
		seeds = 3
	}
	for seed := range seeds {
		for _, within := range []uint64{10_000, 100_000} {
			a, b := drawn(seed, 5000, 1000, within)
			_, r := runPair(t, Config{}, a, b, Random(seed))
			if r.Balance != 1 || r.StatsA.Comparisons < 1000 {
				t.Errorf("seed %d, R=%d: %+v", seed, within, r)
			}
			for i := range a {
				a[i] = -a[i] - 1
			}
			for i := range b {
				b[i] = -b[i] - 1
			}
			runPair(t, Config{}, a, b, nil)
		}
	}
}

// T11, T10: repeats; the order of the input changes nothing.
func TestOrderOfInput(t *testing.T) {
	rng := seeded(11)
	var a, b []int32
	for range 3000 {
		a = append(a, int32(rng.IntN(4000)*2))
		b = append(b, int32(rng.IntN(4000)*2+1))
	}
	m, _ := runPair(t, Config{}, a, b, nil)
	n, _ := runPair(t, Config{}, sortedCopy(a), sortedCopy(b), Random(5))
	for i := range m.Workers {
		if spell(m.Workers[i].Sent) != spell(n.Workers[i].Sent) {
			t.Errorf("worker %d sends other messages", i)
		}
		x, y := m.Workers[i].Machine, n.Workers[i].Machine
		if x.Fingerprint() != y.Fingerprint() || x.Snapshot() != y.Snapshot() {
			t.Errorf("worker %d stands elsewhere", i)
		}
	}
	runPair(t, Config{}, slices.Repeat([]int32{5}, 100), slices.Repeat([]int32{5, 6}, 50)[:0], nil)
	runPair(t, Config{Duplicates: Keep}, slices.Repeat([]int32{5}, 700), slices.Repeat([]int32{5}, 900), nil)
}

// Options that differ end both workers with the same error.
func TestOptionsDiffer(t *testing.T) {
	a, b := drawn(1, 500, 300, 100_000)
	base := Config{}
	for name, other := range map[string]Config{
		"duplicates": {Duplicates: Keep}, "confirm": {Confirm: true}, "balance": {Balance: Touch},
	} {
		for _, flip := range []bool{false, true} {
			ca, cb := base, other
			if flip {
				ca, cb = other, base
			}
			ca.Data, cb.Data = a, b
			cb.ID = 1
			x, y := core(t, ca), core(t, cb)
			converse(t, x, y)
			if !errors.Is(x.Err(), ErrOptions) || !errors.Is(y.Err(), ErrOptions) {
				t.Errorf("%s (flipped %v): A %v, B %v", name, flip, x.Err(), y.Err())
			}
		}
	}
}

func core(t testing.TB, c Config) *Core {
	t.Helper()
	m, err := NewCore(c)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// converse runs two cores until neither says anything more.
func converse(t *testing.T, a, b *Core) (said [2][]Message) {
	t.Helper()
	for range 10_000 {
		quiet := true
		for i, c := range []*Core{a, b} {
			e := c.Next(stepBytes)
			if e.Send != nil {
				said[i] = append(said[i], *e.Send)
				_ = []*Core{b, a}[i].Deliver(*e.Send)
			}
			quiet = quiet && !e.Progress
		}
		if quiet {
			return said
		}
	}
	t.Fatal("they talk for ever")
	return
}

func TestBadConfig(t *testing.T) {
	for _, c := range []Config{
		{ID: 2}, {ID: -1}, {Of: 1}, {Of: 3}, {Of: 1000, Balance: Touch}, {Words: 8}, {Words: 5000}, {Duplicates: 3}, {Balance: 2},
		{Strategy: 4}, {Strategy: Naive, Balance: Touch}, {Base: -1}, {Base: 1 << 62}, {MaxValues: -1}, {MaxValues: 1 << 40},
	} {
		if _, err := NewCore(c); !errors.Is(err, ErrConfig) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if _, err := NewCore(Config{Data: []int32{1, 2, 3}, MaxValues: 2}); !errors.Is(err, ErrLimit) {
		t.Errorf("3 values of at most 2: %v", err)
	}
}

func TestMessageCheck(t *testing.T) {
	for _, c := range []struct {
		m  Message
		ok bool
	}{
		{Message{"A", nil}, true}, {Message{"ABCDE", make([]int32, 10)}, true},
		{Message{"", nil}, false}, {Message{"ABCDEF", nil}, false}, {Message{"Ä", nil}, false}, {Message{"A B", nil}, false},
		{Message{"DATA", make([]int32, 11)}, false},
	} {
		if err := c.m.Check(Words); (err == nil) != c.ok {
			t.Errorf("%q, %d words: %v", c.m.Type, len(c.m.Values), err)
		}
	}
}

func TestBaseOf(t *testing.T) {
	for _, c := range []Config{{Data: []int32{1}}, {}, {Data: []int32{1}, Balance: Touch}} {
		c.Base = 1 << 40
		e := core(t, c).Next(0)
		if base, err := BaseOf(*e.Send); err != nil || base != c.Base {
			t.Errorf("%+v: %d, %v", c, base, err)
		}
	}
	for _, m := range []Message{{Type: TypeData}, {TypeSketch, nil}, {TypeAll, []int32{-1}}, {TypeAll, []int32{1<<31 - 1}}} {
		if base, err := BaseOf(m); err == nil {
			t.Errorf("%v: %d", m, base)
		}
	}
}

func TestBound(t *testing.T) {
	for _, c := range []struct {
		a, b []int32
		want int
	}{
		{nil, []int32{1}, 1}, {[]int32{1}, nil, 1}, {[]int32{1}, []int32{2}, 1},
		{linear(5000, 0, 2), linear(1000, 1, 10), 16},
		{slices.Repeat([]int32{4}, 1000), linear(5000, -9, 1), 1},
	} {
		if got := BoundMessages(c.a, c.b, Words); got != c.want {
			t.Errorf("bound of %d and %d values: %d, want %d", len(c.a), len(c.b), got, c.want)
		}
	}
}

// Who claims a complement again after it was refused breaks the protocol.
func TestClaimTwice(t *testing.T) {
	a, b := drawn(547, 5000, 1000, 6000)
	b[77] = a[4321]
	x, y := core(t, Config{Data: a}), core(t, Config{ID: 1, Data: b})
	if err := y.Deliver(*x.Next(stepBytes).Send); err != nil {
		t.Fatal(err)
	}
	claim := *y.Next(stepBytes).Send
	if err := x.Deliver(claim); err != nil || x.Next(stepBytes).Send.Type != TypeReq {
		t.Fatalf("the claim is not refused: %v", err)
	}
	if err := x.Deliver(claim); !errors.Is(err, ErrProtocol) {
		t.Errorf("the second claim: %v", err)
	}
}

// What a message announces is checked before room is made for it.
func TestLimits(t *testing.T) {
	say := func(kind string, write func(w *setcode.Writer)) Message {
		var w setcode.Writer
		write(&w)
		return Message{kind, w.Words()}
	}
	hello := preamble{}.write
	for name, c := range map[string]struct {
		m    Message
		want error
	}{
		"too many values": {say(TypeSketch, func(w *setcode.Writer) { hello(w); w.EG(10, 101) }), ErrLimit},
		"more values than slots": {say(TypeAll, func(w *setcode.Writer) {
			hello(w)
			w.EG(10, 50)
			w.Write(0, 32)
			w.Write(10, 32)
			w.Write(0, 3)
			w.EG(10, 49)
			w.Write(0, 31)
		}), ErrLimit},
		"wrong checksum": {say(TypeAll, func(w *setcode.Writer) {
			hello(w)
			w.EG(10, 11)
			w.Write(0, 32)
			w.Write(10, 32)
			w.Write(0, 3)
			w.EG(10, 10)
			w.Write(77, 31)
		}), ErrChecksum},
		"another version": {say(TypeSketch, func(w *setcode.Writer) { w.Write(2, 3); w.Write(0, 40) }), ErrVersion},
		"beyond int32": {say(TypeSketch, func(w *setcode.Writer) {
			hello(w)
			w.EG(10, 5)
			w.Write(1<<32-1, 32)
			w.Write(10, 32)
			w.Write(0, 20)
		}), ErrProtocol},
		"out of turn": {Message{TypeOK, nil}, ErrProtocol},
		"bad form":    {Message{"TOOLONG", nil}, ErrProtocol},
		"told":        {Message{TypeFail, []int32{FailLimit}}, ErrLimit},
	} {
		b := core(t, Config{ID: 1, Data: []int32{1, 2}, MaxValues: 100})
		err := b.Deliver(c.m)
		if !errors.Is(err, c.want) || !errors.Is(b.Err(), c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		e := b.Next(0)
		if !e.Done || (e.Send == nil) != (c.m.Type == TypeFail) {
			t.Errorf("%s: %+v", name, e)
		}
	}

	// A stream of DATA that is far too long for its values, at its first message.
	a := waiting(t)
	long := say(TypeData, func(w *setcode.Writer) { w.EG(8, maxStream); w.EG(10, 3); w.Write(0, 300) })
	long.Values = long.Values[:Words]
	if err := a.Deliver(long); !errors.Is(err, ErrLimit) {
		t.Errorf("a long stream: %v", err)
	}
}
