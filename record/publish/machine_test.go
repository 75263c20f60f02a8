package publish

import (
	"testing"
	"time"
)

func begun(t *testing.T, c Config) *Machine {
	t.Helper()
	m, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	if e := m.Step(0, Input{Kind: Tick}); e.Lease.Op != Acquire || !e.Lease.Steal {
		t.Fatalf("%+v", e)
	}
	e := m.Step(0, Input{Kind: Granted, Rev: 5})
	e = m.Step(0, Input{Kind: Loaded, ID: e.Read.ID})
	m.Step(0, Input{Kind: ReadEnd, ID: e.Read.ID})
	return m
}

func place(n uint64) Place { return Place{n, 10 * n} }

// The lease counts from when it was asked for: renewed after a third, and nothing
// is published from two thirds on (N5).
func TestLease(t *testing.T) {
	t.Parallel()
	m := begun(t, Config{TTL: 9 * time.Second})
	e := m.Step(2999*time.Millisecond, Input{Kind: Line, Seq: 1, To: place(1)})
	if len(e.Publish) != 1 || e.Lease.Op != NoOp || e.Wake != 3*time.Second {
		t.Errorf("%+v", e)
	}
	if e = m.Step(3*time.Second, Input{Kind: Tick}); e.Lease.Op != Renew || e.Lease.Rev != 5 {
		t.Errorf("%+v", e)
	}
	if e = m.Step(5999*time.Millisecond, Input{Kind: Line, Seq: 2, To: place(2)}); len(e.Publish) != 1 || e.Room != 254 {
		t.Errorf("%+v", e)
	}
	if e = m.Step(6*time.Second, Input{Kind: Line, Seq: 3, To: place(3)}); len(e.Publish) != 0 || e.Room != 0 || m.Counters().Active {
		t.Errorf("published without a lease: %+v", e)
	}
	// The answer comes at last: it is good for two thirds after the question.
	if e = m.Step(8*time.Second, Input{Kind: Granted, Rev: 6}); !m.Counters().Active || e.Read == nil || m.Counters().Epoch != 5 {
		t.Errorf("%+v", e)
	}
	e = m.Step(8*time.Second, Input{Kind: ReadEnd, ID: e.Read.ID})
	if e.Seek == nil || *e.Seek != place(0) {
		t.Errorf("%+v", e)
	}
	if e = m.Step(9*time.Second, Input{Kind: Tick}); m.Counters().Active {
		t.Errorf("%+v", e)
	}
}

// Nothing getting on for so long after the end of the log is the end.
func TestGiveUp(t *testing.T) {
	t.Parallel()
	m, err := New(Config{GiveUp: 4 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	m.Step(0, Input{Kind: Tick})
	m.Step(time.Second, Input{Kind: LogEnd, To: place(3)})
	m.Step(2*time.Second, Input{Kind: Unsure})
	e := m.Step(4999*time.Millisecond, Input{Kind: Tick})
	if e.Done {
		t.Errorf("%+v", e)
	}
	e = m.Step(5*time.Second, Input{Kind: Unsure})
	if !e.Done || !m.Counters().Failed || e.Wake != Never {
		t.Errorf("%+v", e)
	}
}

// A line costs no allocation, nor does its answer.
func TestNoAllocation(t *testing.T) {
	m := begun(t, Config{SnapshotEvery: -1})
	n := uint64(0)
	if got := testing.AllocsPerRun(2000, func() {
		e := m.Step(0, Input{Kind: Line, Seq: n, To: place(n + 1)})
		m.Step(0, Input{Kind: Acked, ID: e.Publish[0].ID, At: n + 1})
		n++
	}); got != 0 {
		t.Errorf("%v allocations", got)
	}
	if m.Counters().Published != n || m.Counters().Lines != n {
		t.Errorf("%+v", m.Counters())
	}
}

func TestConfigRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []Config{{Window: -1}, {TTL: -1}, {Patience: -1}} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}

// A line that the stream has with other bytes is told once, and not published;
// one that nothing is known of is taken for the same.
func TestConflict(t *testing.T) {
	t.Parallel()
	m, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	m.Step(0, Input{Kind: Tick})
	e := m.Step(0, Input{Kind: Granted, Rev: 5})
	var all Set
	for seq := range uint64(6) {
		all.Add(seq)
	}
	data, ok := appendSnapshot(nil, anchor{at: 6, seq: 5, epoch: 4}, &all)
	if !ok {
		t.Fatal("no snapshot")
	}
	e = m.Step(0, Input{Kind: Loaded, ID: e.Read.ID, Data: data})
	if e.Read == nil || e.Read.After != 6 {
		t.Fatalf("%+v", e.Read)
	}
	for _, in := range []Input{ // a sample, the anchor, and one more
		{At: 2, Seq: 1, Sum: 11, Epoch: 4}, {At: 6, Seq: 5, Sum: 15, Epoch: 4}, {At: 7, Seq: 6, Sum: 16, Epoch: 4},
	} {
		in.Kind, in.ID = Stored, e.Read.ID
		m.Step(0, in)
	}
	m.Step(0, Input{Kind: ReadEnd, ID: e.Read.ID, At: 7})
	for n, c := range []struct {
		seq      uint64
		sum      uint32
		conflict *Conflict
		publish  int
	}{
		{0, 99, nil, 0}, {1, 99, &Conflict{Seq: 1, Line: 2, At: 2}, 0}, {1, 99, nil, 0}, {5, 15, nil, 0}, {6, 17, &Conflict{Seq: 6, Line: 5, At: 7}, 0}, {7, 99, nil, 1},
	} {
		e := m.Step(0, Input{Kind: Line, Seq: c.seq, Sum: c.sum, To: place(uint64(n + 1))})
		if (e.Conflict == nil) != (c.conflict == nil) || e.Conflict != nil && *e.Conflict != *c.conflict || len(e.Publish) != c.publish {
			t.Errorf("sequence %d: %+v, %d published, want %+v, %d", c.seq, e.Conflict, len(e.Publish), c.conflict, c.publish)
		}
	}
	if got := m.Counters(); got.Compared != 3 || got.Conflicts != 2 {
		t.Errorf("%+v", got)
	}
}
