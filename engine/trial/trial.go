package trial

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"holdfast/engine"
)

// Names of what a trial uses.
const (
	From   = "trial.in"
	To     = "TRIAL_OUT"
	source = "TRIAL_IN"
)

// A Trial is one run on an engine of its own.
type Trial struct {
	conn      *engine.Conn
	published int
}

// New makes the source stream.
func New(ctx context.Context, conn *engine.Conn, replicas int) (*Trial, error) {
	_, err := conn.Stream(ctx, jetstream.StreamConfig{Name: source, Subjects: []string{From}, Storage: jetstream.FileStorage, Replicas: replicas},
		func(jetstream.StreamConfig) string { return "" })
	return &Trial{conn: conn}, err
}

// Sink makes the sink for guards that expect one: it takes whatever comes.
func (t *Trial) Sink(ctx context.Context, replicas int) error {
	_, err := t.conn.Stream(ctx, jetstream.StreamConfig{Name: To, Subjects: []string{To + ".>"}, Storage: jetstream.FileStorage, Replicas: replicas},
		func(jetstream.StreamConfig) string { return "" })
	return err
}

// producers publish at once; more would only queue.
const producers = 16

// Publish stores messages in the source. One whose fate is unknown is published
// again, as producers do: that is where duplicates come from.
func (t *Trial) Publish(ctx context.Context, bodies []string) error {
	var group sync.WaitGroup
	failed := make(chan error, producers)
	for p := range producers {
		group.Go(func() {
			for i := p; i < len(bodies); i += producers {
				if err := t.publish(ctx, bodies[i]); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	group.Wait()
	t.published += len(bodies)
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

func (t *Trial) publish(ctx context.Context, body string) error {
	var err error
	for end := time.Now().Add(time.Minute); time.Now().Before(end) && ctx.Err() == nil; {
		once, cancel := context.WithTimeout(ctx, 3*time.Second)
		_, err = t.conn.JS.PublishMsg(once, &nats.Msg{Subject: From, Data: []byte(body)})
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return engine.Explain("stream "+source, err)
}

// Idle reports whether the relays have finished, and how much they still have
// to do: a number that shrinks.
func (t *Trial) Idle(ctx context.Context) (idle bool, left uint64, err error) {
	once, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	c, err := t.conn.JS.Consumer(once, source, "holdfast_"+To)
	if err != nil {
		return false, 0, err
	}
	left = c.CachedInfo().NumPending + uint64(c.CachedInfo().NumAckPending)
	return left == 0, left, nil
}

// Result is what came of a trial, by the names of the requirement (R116).
type Result struct {
	Published  int `json:"published"` // messages; those of unknown fate, published again, count once
	Keys       int `json:"distinct_keys"`
	Sink       int `json:"sink"` // messages in it
	Missing    int `json:"missing"`
	Extra      int `json:"extra"`
	Conflicts  int `json:"conflicts"`    // kept in the dead-letter stream
	Dead       int `json:"dead_letters"` // others than conflicts
	LostBodies int `json:"lost_bodies"`
	Kills      int `json:"kills"`
	NodesLost  int `json:"nodes_lost"`
}

// Held reports whether each key is stored once, and every other body kept.
func (r Result) Held() bool { return r.Missing == 0 && r.Extra == 0 && r.LostBodies == 0 }

// Judge counts what the sink and the dead-letter stream hold.
func (t *Trial) Judge(ctx context.Context, p Plan) (Result, error) {
	r := Result{Published: t.published, Keys: p.Keys}
	times, bodies := map[string]int{}, map[string]bool{}
	err := t.scan(ctx, To, func(m *jetstream.RawStreamMsg) {
		r.Sink++
		times[idOf(m.Data)]++
		bodies[string(m.Data)] = true
	})
	if err != nil {
		return r, err
	}
	err = t.scan(ctx, To+"_DEAD", func(m *jetstream.RawStreamMsg) {
		if strings.Contains(m.Subject, ".conflict.") {
			r.Conflicts++
		} else {
			r.Dead++
		}
		bodies[string(m.Data)] = true
	})
	if err != nil {
		return r, err
	}
	for i := range p.Keys {
		n := times[fmt.Sprintf("k%d", i)]
		switch {
		case n == 0:
			r.Missing++
		case n > 1:
			r.Extra += n - 1
		}
		delete(times, fmt.Sprintf("k%d", i))
	}
	for _, n := range times {
		r.Extra += n // of no key that was published
	}
	for _, all := range [][]string{p.First, p.Repeats} {
		for _, body := range all {
			if !bodies[body] {
				bodies[body] = true
				r.LostBodies++
			}
		}
	}
	return r, nil
}

func idOf(body []byte) string {
	var m struct{ ID string }
	if err := json.Unmarshal(body, &m); err != nil {
		return "no JSON: " + string(body)
	}
	return m.ID
}

// scan reads a whole stream in order, each message by its number. (An ordered
// consumer would be faster, but it may try for ever to be placed anew after a
// server was lost, whatever the context says.)
func (t *Trial) scan(ctx context.Context, name string, visit func(*jetstream.RawStreamMsg)) error {
	ctx, cancel := context.WithTimeout(ctx, scanPatience)
	defer cancel()
	s, err := t.conn.JS.Stream(ctx, name)
	if err != nil {
		return engine.Explain("stream "+name, err)
	}
	state := s.CachedInfo().State
	if state.Msgs == 0 {
		return nil
	}
	for n := state.FirstSeq; n <= state.LastSeq; {
		m, err := s.GetMsg(ctx, n)
		switch {
		case err == nil:
			visit(m)
			n++
		case errors.Is(err, jetstream.ErrMsgNotFound):
			n++
		case ctx.Err() != nil:
			return engine.Explain(fmt.Sprintf("stream %s, message %d", name, n), err)
		default: // a leader is being elected
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
	return nil
}

// scanPatience is how long one scan may take, elections included.
const scanPatience = 5 * time.Minute
