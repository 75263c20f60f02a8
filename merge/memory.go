package merge

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
}

// NewMemory makes two workers of the lists a and b, with the options of c.
func NewMemory(c Config, a, b []int32) (*Memory, error) { panic("soon") }

// Run runs both workers by a schedule (nil = Alternate).
func (m *Memory) Run(s Schedule, maxSteps int) (Result, error) { panic("soon") }

// Step reads what has arrived, takes one transition and performs its effects.
func (w *MemoryWorker) Step() (more bool, err error) { panic("soon") }

// Stats are the worker's counters.
func (w *MemoryWorker) Stats() Stats { return w.Machine.Snapshot().Stats }
