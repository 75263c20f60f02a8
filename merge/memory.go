package merge

import "fmt"

// A Memory is two workers, their mailboxes and their output, all in memory: to
// try the protocol out, to compare strategies and to test.
type Memory struct {
	Workers [2]*MemoryWorker
	Output  []byte
}

// A MemoryWorker is a [Stepper] of a Memory.
type MemoryWorker struct {
	Machine Machine
	Sent    []Message // the mailbox that this worker writes

	memory *Memory
	peer   *MemoryWorker
	read   int // messages of the peer's mailbox
	done   bool
}

// stepBytes is the most output of a step.
const stepBytes = 1 << 20

// NewMemory makes two workers of the lists a and b, with the options of c.
func NewMemory(c Config, a, b []int32) (*Memory, error) {
	m := &Memory{}
	for i, data := range [][]int32{a, b} {
		c.ID, c.Of, c.Data = i, 2, data
		machine, err := New(c)
		if err != nil {
			return nil, err
		}
		m.Workers[i] = &MemoryWorker{Machine: machine, memory: m}
	}
	m.Workers[0].peer, m.Workers[1].peer = m.Workers[1], m.Workers[0]
	m.Output = make([]byte, c.Base)
	return m, nil
}

// Run runs both workers by a schedule (nil = Alternate).
func (m *Memory) Run(s Schedule, maxSteps int) (Result, error) {
	c := Coordinator{Workers: [2]Stepper{m.Workers[0], m.Workers[1]}, Schedule: s}
	return c.Run(maxSteps)
}

// Step reads what has arrived, takes one transition and performs its effects.
// A worker that failed returns its error, once what it tells the other is sent.
func (w *MemoryWorker) Step() (more bool, err error) {
	if w.done {
		return false, w.Machine.Err()
	}
	for ; w.read < len(w.peer.Sent); w.read++ {
		_ = w.Machine.Deliver(w.peer.Sent[w.read]) // Err tells, when FAIL is sent
	}
	e := w.Machine.Next(stepBytes)
	for _, s := range e.Output {
		if err := w.memory.put(s.Off, w.Machine.Render(nil, s)); err != nil {
			return false, err
		}
	}
	if e.Send != nil {
		w.Sent = append(w.Sent, *e.Send)
	}
	if w.done = e.Done; w.done {
		return false, w.Machine.Err()
	}
	return true, nil
}

// put writes into the output, which must not get a hole.
func (m *Memory) put(off int64, b []byte) error {
	if off > int64(len(m.Output)) {
		return fmt.Errorf("output of %d bytes would be written at %d", len(m.Output), off)
	}
	n := copy(m.Output[off:], b)
	m.Output = append(m.Output, b[n:]...)
	return nil
}

// Stats are the worker's counters.
func (w *MemoryWorker) Stats() Stats { return w.Machine.Snapshot().Stats }
