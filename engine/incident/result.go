package incident

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// A Result is what really happened.
type Result struct {
	Safeguard Safeguard
	Ticks     int       // in the queue
	Attempts  []Attempt // of worker 1 by start, of worker 2, of worker 3
	Rows      []Row     // of the output, in its order
	Kills     int       // of workers that held a claim

	work func(event int) time.Duration
}

func withID(id string) jetstream.PublishOpt { return jetstream.WithMsgID(id) }

// result collects what the processes have left.
func (r *run) result(ctx context.Context) (*Result, error) {
	x := &Result{Safeguard: r.Safeguard, Ticks: len(r.Ticks), Kills: int(r.killed.Load()), work: r.Plan.Work}
	for w := range Workers {
		list, err := readAttempts(r.Dir, w)
		if err != nil {
			return nil, err
		}
		x.Attempts = append(x.Attempts, list...)
	}
	text, err := os.ReadFile(filepath.Join(r.Dir, rowsLog))
	switch r.Safeguard {
	case MessageID, OnePerSubject, Fencing:
		text, err = stored(ctx, r.Conn, r.names)
	}
	if err != nil {
		return nil, err
	}
	x.Rows, err = parseRows(text)
	return x, err
}

// rowsOf counts the rows of each event.
func (x *Result) rowsOf() map[int]int {
	n := make(map[int]int, x.Ticks)
	for i := range x.Rows {
		n[x.Rows[i].Event]++
	}
	return n
}

// Duplicates counts the rows too many.
func (x *Result) Duplicates() int64 { return int64(len(x.Rows) - len(x.rowsOf())) }

// Lost counts the events without a row.
func (x *Result) Lost() int64 { return int64(x.Ticks - len(x.rowsOf())) }

// Open counts the attempts without an end.
func (x *Result) Open() (n int64) {
	for i := range x.Attempts {
		if x.Attempts[i].Open() {
			n++
		}
	}
	return n
}

// byEvent gives the attempts of each event, by start.
func (x *Result) byEvent() map[int][]*Attempt {
	all := map[int][]*Attempt{}
	for i := range x.Attempts {
		a := &x.Attempts[i]
		all[a.Event] = append(all[a.Event], a)
	}
	for _, list := range all {
		slices.SortFunc(list, func(a, b *Attempt) int {
			return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.Delivery, b.Delivery))
		})
	}
	return all
}

// stall is how much more time an attempt may take than was planned. The plan keeps
// twice as far away from the multiples of the lease.
const stall = 25 * time.Millisecond

// HeldUp counts the rows too many of events that the machine held up: of those
// nobody can say what the safeguard did.
func (x *Result) HeldUp() (n int64) {
	rows := x.rowsOf()
	for event, list := range x.byEvent() {
		if x.stalled(list) {
			n += int64(max(rows[event]-1, 0))
		}
	}
	return n
}

// stalled reports that an attempt of an event took longer than its plan (its
// work, its row and its acknowledgement together), or that the worker's process
// got to it late: the next one claimed sooner than a lease after it, so it had
// had the event for longer than it knew.
func (x *Result) stalled(list []*Attempt) bool {
	for i, a := range list {
		if !a.Open() && (a.Acked == 0 || time.Duration(a.Acked-a.Start) > x.work(a.Event)+stall) {
			return true
		}
		if i > 0 && time.Duration(a.Start-list[i-1].Start) < x.Safeguard.Lease()-stall {
			return true
		}
	}
	return false
}

// Gaps are the times from the start of an attempt to that of the next of the
// same event, where the first still ran and was not killed: what a lease that is
// too short leaves behind. Sorted.
func (x *Result) Gaps() (all []time.Duration) {
	for _, list := range x.byEvent() {
		for i := 1; i < len(list); i++ {
			if a := list[i-1]; !a.Open() && a.End > list[i].Start {
				all = append(all, time.Duration(list[i].Start-a.Start))
			}
		}
	}
	slices.Sort(all)
	return all
}

// Even reports whether the gaps show the lease clearly: most of them, and five at
// least, within 2.5 % of it. On a machine that stalls they do not, and nobody can
// be blamed for not reading it off them.
func (x *Result) Even() bool {
	near := 0
	gaps := x.Gaps()
	for _, g := range gaps {
		if max(g-Lease, Lease-g) <= Lease/40 {
			near++
		}
	}
	return near >= 5 && 5*near >= 3*len(gaps)
}

// cause is why a row is one too many: what became of the attempt before the one
// that wrote it.
func cause(list []*Attempt, delivery int) string {
	i := slices.IndexFunc(list, func(a *Attempt) bool { return a.Delivery == delivery })
	switch {
	case i < 1:
		return "short-lease" // the first, late: the second has written before it
	case list[i-1].Open():
		return "crash-replay"
	case list[i-1].End > list[i].Start:
		return "short-lease"
	}
	return "retry-after-success"
}
