package merge

import (
	"fmt"
	"slices"
	"strings"
)

// A world is two workers as they would run on files, one effect at a time:
// state, output and mailboxes are durable, what a core knows beyond its state
// is not.
type world struct {
	lists   [2][]int32
	c       Config
	workers [2]process
	output  string
	want    string       // the output
	shared  []int32      // in strict mode a run must end at the first of them
	logs    [2][]Message // of an undisturbed run
	mistake mistake
	memo    *memo // nil if messages may differ from one path to another: when a run has to fail
}

// A memo spares work that was done on another path: what a worker does depends
// on its state and on the messages it reads, and these are the same on every
// path.
type memo struct {
	restarts map[occasion]*Core
	steps    map[occasion]process
}

// An occasion is a worker at a state, about to make a move.
type occasion struct {
	move  move
	saved Snapshot
}

// A mistake of the shell, to see it found.
type mistake byte

const (
	noMistake mistake = iota
	forgets           // a restart does not do what is pending
	hastens           // a message goes out before the output that belongs before it
	repeats           // a restart sends a message that is in the mailbox
)

// A process is a worker that can be killed. It decides, saves its state with
// what it is going to do, does it bit by bit, and does it all again after a
// crash.
type process struct {
	core    *Core
	saved   Snapshot
	sent    []Message
	pending []task // of the last step; a crash makes it due again
	next    int    // of pending
	send    int    // the number of the message in pending
	done    bool
}

// A task is one effect of a step: part of the output, or a message.
type task struct {
	off  int64
	text string
	send *Message
}

// A situation tells worlds of one pair apart.
type situation struct {
	saved  [2]Snapshot
	next   [2]int
	left   [2]int
	sent   [2]int
	output string
}

func newWorld(c Config, a, b []int32) (*world, error) {
	w := &world{lists: [2][]int32{a, b}, c: c}
	for i := range w.workers {
		core, err := w.newCore(i)
		if err != nil {
			return nil, err
		}
		w.workers[i] = process{core: core, saved: core.Snapshot()}
	}
	all := slices.Sorted(slices.Values(slices.Concat(a, b)))
	if c.Duplicates == Drop {
		all = slices.Compact(all)
	}
	w.want = string(appendLines(nil, all))
	if c.Duplicates == Strict {
		for _, v := range a {
			if slices.Contains(b, v) {
				w.shared = append(w.shared, v)
			}
		}
	}
	w.output = strings.Repeat("-", int(c.Base))
	w.want = w.output + w.want
	m, err := NewMemory(c, a, b)
	if err != nil {
		return nil, err
	}
	_, err = m.Run(nil, 1<<20)
	if err != nil && len(w.shared) == 0 {
		return nil, err
	}
	w.logs = [2][]Message{m.Workers[0].Sent, m.Workers[1].Sent}
	if len(w.shared) == 0 {
		w.memo = &memo{map[occasion]*Core{}, map[occasion]process{}}
	}
	return w, nil
}

func (w *world) newCore(i int) (*Core, error) {
	c := w.c
	c.ID, c.Of, c.Data = i, 2, w.lists[i]
	return NewCore(c)
}

// clone is a world in which a move can be played without touching w. Cores
// and mailboxes are shared until one changes.
func (w *world) clone() *world {
	n := *w
	for i := range n.workers {
		n.workers[i].sent = slices.Clip(n.workers[i].sent)
	}
	return &n
}

func (w *world) situation() (s situation) {
	for i, p := range w.workers {
		s.saved[i], s.next[i], s.left[i], s.sent[i] = p.saved, p.next, len(p.pending), len(p.sent)
	}
	s.output = w.output
	return s
}

// A move is what can happen next.
type move struct {
	worker int
	kind   moveKind
	read   int // messages, by a step
	room   int // bytes of output of a step
}

type moveKind byte

const (
	stepMove  moveKind = 's' // decide and save the state
	doMove    moveKind = 'd' // the next effect
	tornMove  moveKind = 't' // half of it, then the crash
	crashMove moveKind = '!' // and restart
)

func (m move) String() string {
	name := string(rune('A' + m.worker))
	switch m.kind {
	case stepMove:
		return fmt.Sprintf("%ss%d/%d", name, m.read, m.room)
	}
	return name + string(m.kind)
}

// moves are all that can happen. A step with nothing to read is one only if it
// does something.
func (w *world) moves() (all []move) {
	for i := range w.workers {
		p := &w.workers[i]
		if p.next < len(p.pending) {
			all = append(all, move{worker: i, kind: doMove}, move{worker: i, kind: crashMove})
			if p.pending[p.next].send == nil && len(p.pending[p.next].text) > 1 {
				all = append(all, move{worker: i, kind: tornMove})
			}
			continue
		}
		all = append(all, move{worker: i, kind: crashMove})
		if p.done {
			continue
		}
		for read := range w.unread(i) + 1 {
			if read == 0 && len(p.core.script.acts) == 0 {
				continue
			}
			all = append(all, move{i, stepMove, read, 1}, move{i, stepMove, read, stepBytes})
		}
	}
	return all
}

// unread is how many messages wait for a worker.
func (w *world) unread(i int) int {
	return len(w.workers[1-i].sent) - int(w.workers[i].saved.Stats.MessagesReceived)
}

// play makes a move. It tells what went wrong, if anything.
func (w *world) play(m move) (reason string) {
	p := &w.workers[m.worker]
	switch m.kind {
	case stepMove:
		w.step(m)
	case doMove:
		return w.do(p)
	case tornMove:
		t := p.pending[p.next]
		if reason := w.write(t.off, t.text[:len(t.text)/2]); reason != "" {
			return reason
		}
		return w.restart(m.worker)
	case crashMove:
		return w.restart(m.worker)
	}
	return ""
}

// step delivers, decides, and saves the state with what is to be done.
func (w *world) step(m move) {
	p := &w.workers[m.worker]
	at := occasion{m, p.saved}
	if w.memo != nil {
		if done, ok := w.memo.steps[at]; ok {
			sent := p.sent
			*p = done
			p.sent, p.send = sent, len(sent)
			return
		}
		defer func() { w.memo.steps[at] = *p }()
	}
	from := int(p.saved.Stats.MessagesReceived)
	p.core = p.core.clone()
	for _, message := range w.workers[1-m.worker].sent[from : from+m.read] {
		_ = p.core.Deliver(message) // Err tells
	}
	e := p.core.Next(m.room)
	p.saved = p.core.Snapshot()
	p.done = e.Done
	p.pending, p.next, p.send = nil, 0, len(p.sent)
	for _, s := range e.Output {
		p.pending = append(p.pending, task{off: s.Off, text: string(p.core.Render(nil, s))})
	}
	if e.Send != nil {
		p.pending = append(p.pending, task{send: e.Send})
	}
	if w.mistake == hastens {
		slices.Reverse(p.pending)
	}
}

// do performs the next effect.
func (w *world) do(p *process) (reason string) {
	t := p.pending[p.next]
	if t.send == nil {
		reason = w.write(t.off, t.text)
	} else if len(p.sent) == p.send || w.mistake == repeats {
		p.sent = append(p.sent, *t.send)
	} else if !sameMessage(p.sent[p.send], *t.send) {
		reason = "another message than before the crash"
	}
	p.next++
	return reason
}

func sameMessage(a, b Message) bool { return a.Type == b.Type && slices.Equal(a.Values, b.Values) }

func (w *world) write(off int64, text string) (reason string) {
	if off > int64(len(w.output)) {
		return fmt.Sprintf("output at byte %d of a file of %d", off, len(w.output))
	}
	end := int(off) + len(text)
	w.output = w.output[:off] + text + w.output[min(end, len(w.output)):]
	return ""
}

// restart makes a core again out of what is durable, and begins what is
// pending from its start.
func (w *world) restart(i int) (reason string) {
	p := &w.workers[i]
	p.next = 0
	if w.mistake == forgets {
		p.pending = nil
	}
	at := occasion{move{worker: i, kind: crashMove}, p.saved}
	if w.memo != nil {
		if core := w.memo.restarts[at]; core != nil {
			p.core = core
			return ""
		}
	}
	core, err := w.newCore(i)
	if err != nil {
		return err.Error()
	}
	for _, m := range w.workers[1-i].sent[:p.saved.Stats.MessagesReceived] {
		_ = core.Deliver(m) // Err tells
	}
	if err := core.Resume(p.saved); err != nil {
		return fmt.Sprintf("restart: %v\nsaved   %+v\nresumed %+v", err, p.saved, core.Snapshot())
	}
	if p.core = core; w.memo != nil {
		w.memo.restarts[at] = core
	}
	return ""
}
