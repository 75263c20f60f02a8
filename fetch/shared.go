package fetch

import (
	"bytes"
	"time"

	"holdfast/fetch/pace"
	"holdfast/fetch/retry"
)

// A Settled is how one URL left this process: what a Source that shares its
// URLs with other processes must know to hand it on or to forget it.
type Settled struct {
	Outcome   retry.Outcome
	Postponed bool      // not over: somebody may have it, now or from NotBefore on
	NotBefore time.Time // zero: at once
	Attempts  int       // in all, with those before this process
	Status    int       // of the last answer; 0 if the last attempt had none
	Why       string
	// Records are those of the log, of all that this process did with the URL:
	// whole lines, and the last of them has final or postponed. There are none
	// without a log, nor of a URL that was never begun.
	Records []byte
}

// A GateSharer is a Source whose other processes may know which origins asked
// to be left alone.
type GateSharer interface {
	// ShareGate tells the others. It is called with locks held: it must not wait.
	ShareGate(origin string, until time.Time)
	// OnGate says what is to be called when one of the others tells. It is
	// called once, before the first Next.
	OnGate(func(origin string, until time.Time))
}

// shareGates connects the gates of this run with those of others.
func (e *engine) shareGates(src Source) {
	g, ok := src.(GateSharer)
	if !ok {
		return
	}
	e.gates = g
	g.OnGate(func(origin string, until time.Time) {
		e.mu.Lock()
		if e.stopped || e.ended {
			e.mu.Unlock()
			return
		}
		begin(e.perform(e.sched.CloseGate(e.input(), origin, until.Sub(e.wall(0))), nil))
	})
}

// tellGate tells others of a gate that an attempt has closed.
func (e *engine) tellGate(j *job, m *pace.Emit) {
	if e.gates != nil && m.Verdict.CloseGate > 0 && j.current != nil {
		e.gates.ShareGate(origin(j.current.url), e.wall(m.Verdict.CloseGate))
	}
}

// settled tells the source of a URL that it is over or put off. It is called
// with mu held, after the records were made.
func (e *engine) settled(j *job, a *Attempt, m *pace.Emit) {
	v := &m.Verdict
	s := Settled{Outcome: v.Outcome, Postponed: v.Outcome.Postponed(), Attempts: m.Attempt, Status: finalStatus(a, m.Attempt), Why: v.Why, Records: j.trail}
	if s.Postponed {
		if v.NotBefore > 0 {
			s.NotBefore = e.wall(v.NotBefore)
		}
		e.putOff(j, lastResult{outcome: v.Outcome, status: s.Status, attempted: m.Attempt > 0})
	}
	j.settle(s)
}

// A putOffKey names a URL that was put off and may come back.
type putOffKey struct {
	line        int64
	fingerprint fingerprint
}

// mostPutOff bounds what is remembered of URLs that were put off, as all that
// others can make grow: those beyond count once for each time they came.
const mostPutOff = 100_000

func (e *engine) putOff(j *job, x lastResult) {
	if e.away == nil {
		e.away = map[putOffKey]lastResult{}
	}
	if len(e.away) < mostPutOff {
		e.away[putOffKey{j.line, j.fingerprint}] = x
	}
}

// again takes back what was counted of a URL when it was put off by this run.
func (e *engine) again(j *job) {
	key := putOffKey{j.line, j.fingerprint}
	if x, ok := e.away[key]; ok {
		delete(e.away, key)
		e.tally.end(j.origin, x.outcome, x.status, x.attempted, -1)
	}
}

// Text is the last line that Next has read, without what surrounds it. It is
// valid until the next one is read.
func (l *List) Text() []byte { return l.text }

// Line makes a unit of one line that was read elsewhere, such as a message of a
// work queue. Blank lines and comments are bad ones here.
func (l *List) Line(number int64, text []byte) Unit {
	l.inputs.Lines++
	if text = bytes.Trim(text, " \t\r\n"); len(text) == 0 {
		text = []byte("#")
	}
	return l.unit(number, text)
}
