package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"

	"holdfast/internal/vfs"
	"holdfast/merge"
)

// A Simulation runs a pair on a disk in memory that crashes. All chance comes
// from Seed.
type Simulation struct {
	A, B     []int32
	Options  Options // Disk is replaced
	Seed     uint64
	Faults   int // how many are injected
	MaxSteps int // of all starts together; 0 is 100000
}

// Outcome is what a simulation came to.
type Outcome struct {
	merge.Result
	Kills     int           `json:"kills"`      // one worker or both ended between two calls of the disk
	Torn      int           `json:"torn"`       // of these, in the middle of a write
	PowerCuts int           `json:"power_cuts"` // with what was not synced lost, by chance
	Starts    int           `json:"starts"`     // of workers
	Output    []byte        `json:"-"`
	Logs      [2][]byte     `json:"-"` // A_to_B.msg, B_to_A.msg; none of slots
	Acks      [2]int64      `json:"-"` // of the messages sent: slots written for an acknowledgement alone
	Works     [2]merge.Work `json:"-"`
}

// Differs tells what two outcomes of the same lists and options do not have in
// common, or "". Steps and faults may differ, and how often a slot was written
// for an acknowledgement alone: when both send, that depends on who is faster.
func (o *Outcome) Differs(p *Outcome) string {
	switch {
	case o.Success != p.Success:
		return fmt.Sprintf("success: %v and %v", o.Success, p.Success)
	case !bytes.Equal(o.Output, p.Output):
		return fmt.Sprintf("output: %d and %d bytes", len(o.Output), len(p.Output))
	case o.stats() != p.stats():
		return fmt.Sprintf("statistics: %+v and %+v", o.stats(), p.stats())
	}
	for i := range o.Logs {
		if !bytes.Equal(o.Logs[i], p.Logs[i]) {
			return fmt.Sprintf("messages of worker %c:\n%s\nand\n%s", 'A'+i, o.Logs[i], p.Logs[i])
		}
	}
	return ""
}

// stats are those without acknowledgements.
func (o *Outcome) stats() [2]merge.Stats {
	s := [2]merge.Stats{o.StatsA, o.StatsB}
	for i, n := range o.Acks {
		s[i].MessagesSent -= n
	}
	return s
}

const simDir = "/merge"

// simFiles gives each kind of file a folder of its own, so that no name is made
// durable by a sync that was for another.
func simFiles(id string, o Options) Options {
	o = Files(simDir, id, o)
	for _, f := range []struct {
		path   *string
		folder string
	}{{&o.Inbox, "box"}, {&o.Outbox, "box"}, {&o.Output, "out"}, {&o.State, "state"}} {
		*f.path = filepath.Join(simDir, f.folder, filepath.Base(*f.path))
	}
	return o
}

func simFolders(disk *vfs.Crash) error {
	var errs []error
	for _, folder := range []string{"box", "out", "state"} {
		errs = append(errs, disk.MkdirAll(filepath.Join(simDir, folder), 0o777))
	}
	return errors.Join(append(errs, disk.SyncDir("/"), disk.SyncDir(simDir))...)
}

// Simulate runs s. The error is that of a worker, or of the context.
func Simulate(ctx context.Context, s Simulation) (*Outcome, error) {
	rng := rand.New(rand.NewPCG(s.Seed, 1))
	disk := vfs.NewCrash(s.Seed, []float64{0, .1, .5, .9, 1}[rng.IntN(5)])
	if err := simFolders(disk); err != nil {
		return nil, err
	}
	if s.MaxSteps <= 0 {
		s.MaxSteps = 100000
	}
	sim := &simulation{Simulation: s, rng: rng, disk: disk, size: 100}
	defer sim.close()
	if s.Faults > 0 { // how many calls there are to fail at
		calm := s
		calm.Faults = 0
		c := &simulation{Simulation: calm, rng: rng, disk: vfs.NewCrash(0, 1), out: &Outcome{}}
		if err := errors.Join(simFolders(c.disk), c.run(ctx)); err != nil && !isRunError(err) {
			return nil, err
		}
		c.close()
		sim.size = c.calls/s.Faults*2 + 2
	}
	sim.out = &Outcome{}
	err := sim.run(ctx)
	sim.close()
	if collected := sim.out.Collect(disk, simFiles); err == nil {
		err = collected
	}
	return sim.out, err
}

func isRunError(err error) bool {
	var run *RunError
	return errors.As(err, &run)
}

// simulation is one in the making.
type simulation struct {
	Simulation
	rng      *rand.Rand
	disk     *vfs.Crash
	size     int // calls between two faults, about twice as many as on average
	out      *Outcome
	workers  [2]*Worker
	faulty   [2]*vfs.Faulty
	torn     [2]bool
	more     [2]bool
	finished [2]bool
	calls    int
	faults   int
	err      error // the run's own end
}

func (s *simulation) run(ctx context.Context) error {
	s.more = [2]bool{true, true}
	for steps := 0; steps < s.MaxSteps; steps++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !s.more[0] && !s.more[1] {
			if s.faults >= s.Faults {
				s.out.Success = s.err == nil
				return s.err
			}
			s.close() // crash what has finished, too
			s.finished = [2]bool{true, true}
			s.more = [2]bool{true, true}
		}
		turn := s.rng.IntN(2)
		if s.Faults == 0 {
			turn = steps % 2
		}
		if !s.more[turn] {
			turn = 1 - turn
		}
		s.out.TotalSteps++
		if err := s.step(turn); err != nil {
			return err
		}
	}
	return nil
}

// step opens a worker that is not, and steps it; a fault may end it.
func (s *simulation) step(i int) error {
	err := s.open(i)
	more := true
	if err == nil {
		before := s.faulty[i].Calls()
		more, err = s.workers[i].Step()
		s.calls += s.faulty[i].Calls() - before
	}
	switch {
	case errors.Is(err, vfs.ErrKilled):
		s.fault(i)
		return nil
	case isRunError(err):
		s.more[i] = false
		if s.err == nil {
			s.err = err
		}
		return nil
	case err != nil:
		return err
	}
	s.more[i] = more
	return nil
}

func (s *simulation) open(i int) error {
	if s.workers[i] != nil {
		return nil
	}
	var plan vfs.Plan
	if s.faults < s.Faults {
		const opening = 14 // calls that every start makes
		reach := opening + s.size
		if s.faulty[i] != nil && s.finished[i] { // one that makes few calls
			reach = s.faulty[i].Calls()
		}
		at := 1 + s.rng.IntN(reach)
		s.finished[i] = false
		dead := false
		plan = func(o vfs.Op) error {
			if o.N == at && s.faults < s.Faults {
				dead, s.torn[i] = true, o.Call == "write"
			}
			if dead {
				return vfs.ErrKilled
			}
			return nil
		}
	}
	s.faulty[i] = vfs.NewFaulty(s.disk, plan)
	o := simFiles(string(rune('A'+i)), s.Options)
	o.Data, o.Disk = [][]int32{s.A, s.B}[i], s.faulty[i]
	s.out.Starts++
	w, err := NewWorker(o)
	if err != nil {
		return err
	}
	s.workers[i] = w
	return nil
}

// fault ends worker i, perhaps both, perhaps the power.
func (s *simulation) fault(i int) {
	s.faults++
	if s.torn[i] {
		s.out.Torn++
	}
	s.torn[i] = false
	power := s.Options.Durability != None && s.rng.IntN(3) == 0
	switch {
	case power:
		s.out.PowerCuts++
		s.close()
		s.disk.Cut()
	case s.rng.IntN(4) == 0:
		s.out.Kills++
		s.close()
		s.disk.Kill()
	default:
		s.out.Kills++
		s.closeOne(i)
	}
	s.more = [2]bool{true, true} // also who has finished is started again
}

func (s *simulation) close() {
	for i := range s.workers {
		s.closeOne(i)
	}
}

func (s *simulation) closeOne(i int) {
	if s.workers[i] != nil {
		s.workers[i].Close() // what is lost with it is the point
	}
	s.workers[i] = nil
}

// Collect reads statistics, messages and output of both workers. named gives
// their files, as [Files] does for a folder.
func (o *Outcome) Collect(disk vfs.Disk, named func(id string, o Options) Options) error {
	o.Messages = 0
	for i, id := range []string{"A", "B"} {
		files := named(id, Options{})
		state, err := ReadState(disk, files.State)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		stats := state.Snapshot.Stats
		stats.MessagesSent += state.Acks
		o.Acks[i], o.Works[i] = state.Acks, state.Work
		o.Messages += stats.MessagesSent
		if i == 0 {
			o.StatsA = stats
		} else {
			o.StatsB = stats
		}
		if state.Options.Mailbox != string(Slot) {
			if o.Logs[i], err = readFile(disk, files.Outbox, 1<<40); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		if o.Output, err = readFile(disk, files.Output, 1<<40); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	o.Balance = merge.Balance(o.StatsA.Comparisons, o.StatsB.Comparisons)
	return nil
}
