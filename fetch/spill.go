package fetch

import (
	"maps"
	"slices"
	"sync"

	"holdfast/fetch/pace"
	"holdfast/fetch/retry"
)

// A Rereader is a Source whose URLs can be made again from their text. Those
// that cannot start then wait on disk and not in memory, so that reading goes
// on to URLs of other origins (R5.5). Of another Source no more is read while
// as many as fit into memory wait.
type Rereader interface {
	Source
	// Text is what the last unit of Next was made of. It is valid until the
	// next call of Next.
	Text() []byte
	// Reread makes a unit again from its line and its text. It may be called
	// beside Next.
	Reread(line int64, text []byte) Unit
}

// A spilling moves URLs between an engine and its spool, in a goroutine of its
// own that runs while there is something to move: the engine does not wait for
// a disk.
type spilling struct {
	src   Rereader
	spool *spool // of the goroutine, and of whoever comes after it

	// All guarded by the engine's mu.
	todo   []move
	moving bool
	idle   sync.Cond // moving has become false
	err    error     // of the spool: nothing is moved any more
}

// A move is one URL that leaves memory, or URLs of an origin that are asked back.
type move struct {
	origin string
	out    *spooled // nil:
	back   int
}

// mostMoves may wait for the disk before no more of the list is read.
const mostMoves = 1024

// newSpilling gives nil if there is no file to spill to, or no way back.
func newSpilling(e *engine, src Source) *spilling {
	again, ok := src.(Rereader)
	log := e.c.out.log
	if !ok || log == nil || log.file == nil {
		return nil
	}
	x := &spilling{src: again, spool: newSpool(log.disk, spoolPath(log.path))}
	x.idle.L = &e.mu
	return x
}

// behind reports whether the disk cannot keep up. It is called with mu held.
func (x *spilling) behind() bool { return x != nil && len(x.todo) >= mostMoves }

// move does what the scheduler wants with the spool. It is called with mu held.
func (e *engine) move(f *pace.Effects) {
	x := e.spill
	for _, s := range f.Spill {
		j := e.jobs[s.ID]
		delete(e.jobs, s.ID)
		u := &spooled{id: s.ID, line: j.line, notBefore: s.NotBefore, since: s.Since, state: s.State, text: j.text}
		if j.outcome != nil {
			u.sends = j.outcome.WireSends
		}
		if j.current != nil {
			u.status = finalStatus(&j.current.Attempt, s.State.Attempts)
			e.free = append(e.free, j.current)
			j.current = nil
		}
		x.todo = append(x.todo, move{origin: s.Origin, out: u})
	}
	for _, u := range f.Unspill {
		x.todo = append(x.todo, move{origin: u.Origin, back: u.Count})
	}
	if !x.moving {
		x.moving = true
		go e.moves()
	}
}

// moves does what is to do.
func (e *engine) moves() {
	x := e.spill
	e.mu.Lock()
	defer e.mu.Unlock()
	for len(x.todo) > 0 && x.err == nil {
		todo := x.todo
		x.todo = nil
		e.more.Signal()
		e.mu.Unlock()
		var err error
		for n := 0; n < len(todo) && err == nil; n++ {
			err = e.moveOne(todo[n])
		}
		if err != nil {
			e.fail(err)
		}
		e.mu.Lock()
		x.err = err
	}
	x.moving = false
	x.idle.Broadcast()
}

func (e *engine) moveOne(m move) error {
	if m.out != nil {
		return e.spill.spool.put(m.origin, m.out)
	}
	for range m.back {
		u, err := e.spill.spool.take(m.origin)
		if err != nil {
			return err
		}
		e.back(&u)
	}
	return nil
}

// back takes a URL that was spilled.
func (e *engine) back(u *spooled) {
	j := e.remade(u)
	e.mu.Lock()
	if e.ended {
		e.leave(j, u)
		e.mu.Unlock()
		return
	}
	e.returned(j, u)
	begin(e.perform(e.sched.Read(e.input(), pace.Unit{
		ID: u.id, Origin: j.origin, Fingerprint: j.fingerprint.seed(),
		NotBefore: u.notBefore, State: u.state, Since: u.since, Spilled: true,
	}), nil))
}

func (e *engine) remade(u *spooled) *job {
	unit := e.spill.src.Reread(u.line, []byte(u.text))
	j := e.jobOf(&unit)
	j.id, j.text = u.id, u.text
	if j.outcome != nil {
		j.outcome.WireSends = u.sends
	}
	return j
}

// returned makes a job known again. It is called with mu held.
func (e *engine) returned(j *job, u *spooled) {
	e.jobs[j.id] = j
	if u.status != 0 { // what its next record may say of the last attempt
		j.current = e.attempt()
		j.current.trying = trying{}
		j.current.Status = u.status
	}
}

// endSpill ends what a stopped run has left in the spool, and removes it. What
// was tried gets its record, as if it had waited in memory; the rest was never
// begun and is as if it had not been read.
func (e *engine) endSpill() error {
	x := e.spill
	if x == nil {
		return nil
	}
	e.mu.Lock()
	for x.moving {
		x.idle.Wait()
	}
	e.mu.Unlock()
	err := x.err
	for _, name := range slices.Sorted(maps.Keys(x.spool.queue)) {
		for err == nil && x.spool.tried > 0 && x.spool.queue[name] != nil {
			err = e.moveOne(move{origin: name, back: 1})
		}
	}
	begin(e.c.out.flush(nil))
	if closed := x.spool.close(); err == nil {
		err = closed
	}
	return err
}

// leave ends a URL because the run is over. It is called with mu held.
func (e *engine) leave(j *job, u *spooled) {
	if u.state.Attempts == 0 {
		return
	}
	e.returned(j, u)
	e.c.out.mu.Lock()
	defer e.c.out.mu.Unlock()
	e.emit(&pace.Emit{ID: j.id, Attempt: u.state.Attempts, Verdict: retry.Put(j.policy, retry.OutcomeCancelled, u.notBefore, "")})
}
