package record

import (
	"sync"
	"time"

	"holdfast/record/journal"
	"holdfast/record/seq"
)

// watchEvery is how many inputs pass between looks at the clock, and
// statusEvery how often a status is told.
const (
	watchEvery  = 64
	statusEvery = 200 * time.Millisecond
)

// A Status is how far a session is.
type Status struct {
	Session string
	Total   seq.Stats
	Held    int // packets that wait for order
	seq.Progress
	Unsynced int64 // bytes of the journal that a power cut could take
	Syncs    Syncs

	Publisher Publisher // nil if there is none; asked for its lag when that is told
}

// A watch tells Config.Status now and then how far the recording is.
type watch struct {
	inputs int
	last   time.Time

	mu    sync.Mutex // guards syncs: they are told from any goroutine
	syncs Syncs
}

func (w *watch) synced(s journal.Sync) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.syncs.add(s.Took)
}

// look tells the status if it is time.
func (w *watch) look(l *Logger) {
	if l.c.Status == nil {
		return
	}
	if w.inputs++; w.inputs%watchEvery != 0 && !l.c.RealClock {
		return
	}
	if now := time.Now(); now.Sub(w.last) >= statusEvery {
		w.last = now
		l.c.Status(l.status())
	}
}

func (l *Logger) status() Status {
	_, total := l.m.Stats()
	s := Status{Session: l.c.Session, Total: total, Progress: l.m.Progress(), Held: l.kept.n, Unsynced: l.j.Unsynced(), Publisher: l.c.Publisher}
	l.watch.mu.Lock()
	s.Syncs = l.watch.syncs
	l.watch.mu.Unlock()
	return s
}
