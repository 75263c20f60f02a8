package guard

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A script gives inputs and collects the effects that matter.
type script struct {
	*testing.T
	r *Relay
	e Effects
}

func newScript(t *testing.T, c Config) *script {
	t.Helper()
	r, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return &script{T: t, r: r}
}

func (s *script) step(now time.Duration, in Input, publishes, acks, naks int) {
	s.Helper()
	s.e = s.r.Step(now, in)
	if len(s.e.Publish) != publishes || len(s.e.AckSource) != acks || len(s.e.NakSource) != naks {
		s.Errorf("at %v, %+v: %+v; want %d publishes, %d acks, %d naks", now, in, s.e, publishes, acks, naks)
	}
}

// Row 62: the sink says nothing, then that it has the message: not
// acknowledged, then acknowledged once.
func TestSilenceThenDuplicate(t *testing.T) {
	t.Parallel()
	s := newScript(t, Config{})
	s.step(0, Input{Kind: Fetched, ID: 7}, 1, 0, 0)
	if s.e.Wake != 5*time.Second {
		t.Errorf("wake %v", s.e.Wake)
	}
	s.step(s.e.Wake, Input{Kind: Tick}, 0, 0, 0)
	s.step(s.e.Wake, Input{Kind: Tick}, 1, 0, 0)
	s.step(6*time.Second, Input{Kind: SinkUnknown, ID: 7, Try: 1}, 0, 0, 0) // of the first try: late
	s.step(6*time.Second, Input{Kind: SinkDuplicate, ID: 7, Try: 2}, 0, 1, 0)
	s.step(6*time.Second, Input{Kind: SinkDuplicate, ID: 7, Try: 1}, 0, 0, 0)
	s.step(6*time.Second, Input{Kind: SourceAcked, ID: 7}, 0, 0, 0)
	s.step(7*time.Second, Input{Kind: SourceAcked, ID: 7}, 0, 0, 0)
	want := Counters{Received: 1, Duplicates: 1, Republish: 1}
	if d := cmp.Diff(want, s.r.Counters()); d != "" || s.e.Wake != Never {
		t.Errorf("%s, wake %v", d, s.e.Wake)
	}
}

// Delivered again while it is published: not published twice for that. After
// its acknowledgement was sent: acknowledged again, for the new delivery.
func TestDeliveredAgain(t *testing.T) {
	t.Parallel()
	s := newScript(t, Config{})
	s.step(0, Input{Kind: Fetched, ID: 7}, 1, 0, 0)
	s.step(1, Input{Kind: Fetched, ID: 7}, 0, 0, 0)
	s.step(2, Input{Kind: SinkAccepted, ID: 7, Try: 1}, 0, 1, 0)
	s.step(3, Input{Kind: Fetched, ID: 7}, 0, 1, 0)
	s.step(4, Input{Kind: SourceAcked, ID: 7}, 0, 0, 0)
	if c := s.r.Counters(); c.Received != 1 || c.Accepted != 1 {
		t.Errorf("%+v", c)
	}
}

// Stop takes no more, gives back what only waits, and ends with the rest.
func TestStop(t *testing.T) {
	t.Parallel()
	s := newScript(t, Config{})
	s.step(0, Input{Kind: Fetched, ID: 1}, 1, 0, 0)
	s.step(0, Input{Kind: Fetched, ID: 2}, 1, 0, 0)
	s.step(1, Input{Kind: SinkUnknown, ID: 1, Try: 1}, 0, 0, 0)
	s.step(2, Input{Kind: Stop}, 0, 0, 1)
	if s.e.Room != 0 || s.e.Done {
		t.Errorf("%+v", s.e)
	}
	s.step(3, Input{Kind: Fetched, ID: 3}, 0, 0, 1)
	s.step(4, Input{Kind: SinkAccepted, ID: 2, Try: 1}, 0, 1, 0)
	s.step(5, Input{Kind: SourceAcked, ID: 2}, 0, 0, 0)
	if !s.e.Done {
		t.Errorf("%+v", s.e)
	}
}

// Tries used up: given back, with a delay; the next delivery begins anew.
func TestGivenBack(t *testing.T) {
	t.Parallel()
	s := newScript(t, Config{Tries: 1})
	s.step(0, Input{Kind: Fetched, ID: 7}, 1, 0, 0)
	s.step(1, Input{Kind: SinkUnknown, ID: 7, Try: 1}, 0, 0, 1)
	if d := s.e.NakSource[0].Delay; d < 25*time.Millisecond || d > 50*time.Millisecond {
		t.Errorf("delay %v", d)
	}
	s.step(2, Input{Kind: Fetched, ID: 7}, 1, 0, 0)
}

func TestConfigRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []Config{{InFlight: -1}, {Patience: -1}, {Backoff: -1}, {MaxBackoff: -1}, {Horizon: -1}} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v", c)
		}
	}
}

func TestRoom(t *testing.T) {
	t.Parallel()
	s := newScript(t, Config{InFlight: 2})
	s.step(0, Input{Kind: Tick}, 0, 0, 0)
	for id := uint64(1); s.e.Room > 0; id++ {
		s.step(0, Input{Kind: Fetched, ID: id}, 1, 0, 0)
	}
	if n := s.r.Counters().InFlight; n != 2 {
		t.Errorf("%d in flight", n)
	}
}

// When the connection breaks nothing waits for its answers, nothing is tried
// until it is back, and the time away counts for the horizon.
func TestBrokenConnection(t *testing.T) {
	t.Parallel()
	r, err := New(Config{Patience: 5 * time.Second, Tries: 3, Horizon: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if e := r.Step(0, Input{Kind: Fetched, ID: 1}); len(e.Publish) != 1 {
		t.Fatalf("%+v", e)
	}
	if e := r.Step(time.Second, Input{Kind: Broken}); len(e.Publish)+len(e.NakSource) != 0 || e.Wake == Never {
		t.Fatalf("%+v", e)
	}
	if e := r.Step(time.Second, Input{Kind: Fetched, ID: 2}); len(e.Publish) != 0 { // was in the pipe
		t.Fatalf("%+v", e)
	}
	for now := time.Second; now < 30*time.Second; now += 500 * time.Millisecond {
		if e := r.Step(now, Input{Kind: Tick}); len(e.Publish)+len(e.NakSource)+len(e.DeadLetter) != 0 {
			t.Fatalf("at %v: %+v", now, e)
		}
	}
	if e := r.Step(30*time.Second, Input{Kind: Whole}); len(e.Publish) != 2 || e.Publish[0].Try != 2 {
		t.Fatalf("%+v", e)
	}
	r.Step(31*time.Second, Input{Kind: SinkAccepted, ID: 1, Try: 2})
	r.Step(31*time.Second, Input{Kind: Broken}) // the acknowledgement may be lost
	if c := r.Counters(); c.Accepted != 1 || c.InFlight != 1 {
		t.Errorf("%+v", c)
	}
	// Another relay may have had message 2 since it was to be published first.
	if e := r.Step(62*time.Second, Input{Kind: Whole}); len(e.Publish) != 0 || len(e.DeadLetter) != 1 || e.DeadLetter[0].Why != Undecided {
		t.Errorf("%+v", e)
	}
}
