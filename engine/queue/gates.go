package queue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"
)

// Gates are shared as well as can be (R13.5): a process that an origin asked for
// a pause writes it into the bucket, and the others, who watch it, keep away
// too. What is told late or not at all costs the origin a request of each
// process, after which each knows by itself. Times are those of this machine's
// clock.

// A gate is what the bucket says of an origin.
type gate struct {
	Origin string    `json:"origin"`
	Until  time.Time `json:"until"`
	By     string    `json:"by"`
}

// sameGate is a difference that is not told again.
const sameGate = 100 * time.Millisecond

// mostGates is of how many origins we remember what was told.
const mostGates = 100_000

// ShareGate implements [fetch.GateSharer].
func (w *Worker) ShareGate(origin string, until time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closing || until.Sub(w.gates[origin]) < sameGate || time.Until(until) < sameGate {
		return
	}
	if len(w.gates) >= mostGates {
		clear(w.gates) // at worst something is told twice
	}
	w.gates[origin] = until
	w.all.Go(func() {
		text, err := json.Marshal(gate{origin, until.UTC(), w.by})
		if err != nil {
			return
		}
		ctx, cancel := context.WithTimeout(w.ctx, 4*time.Second)
		defer cancel()
		_, _ = w.p.bucket.Put(ctx, gateKey(origin), text)
	})
}

func gateKey(origin string) string {
	sum := sha256.Sum256([]byte(origin))
	return "gate." + hex.EncodeToString(sum[:8])
}

// OnGate implements [fetch.GateSharer].
func (w *Worker) OnGate(tell func(origin string, until time.Time)) {
	w.all.Go(func() {
		for {
			w.follow(tell)
			if !w.pause(time.Second) {
				return
			}
		}
	})
}

// follow tells of gates until the watch breaks off.
func (w *Worker) follow(tell func(string, time.Time)) {
	all, err := w.p.bucket.Watch(w.ctx, "gate.>")
	if err != nil {
		return
	}
	defer all.Stop()
	for {
		select {
		case <-w.ctx.Done():
			return
		case e, ok := <-all.Updates():
			if !ok {
				return
			}
			var g gate
			if e == nil || json.Unmarshal(e.Value(), &g) != nil || g.By == w.by || time.Until(g.Until) <= 0 {
				continue
			}
			tell(g.Origin, g.Until)
		}
	}
}
