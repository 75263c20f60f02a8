package runner

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"holdfast/internal/vfs"
	"holdfast/merge"
)

// soak is how much of a random test is run: n, less with -short, more with
// HOLDFAST_SOAK=FACTOR.
func soak(n int) int {
	factor, err := strconv.Atoi(os.Getenv("HOLDFAST_SOAK"))
	if err == nil && factor > 0 {
		return n * factor
	}
	if testing.Short() {
		return max(1, n/10)
	}
	return n
}

// A rig is a folder of a pair on a disk in memory.
type rig struct {
	t     *testing.T
	disk  *vfs.Crash
	lists [2][]int32
	o     Options
	warns []string
}

func newRig(t *testing.T, a, b []int32, o Options) *rig {
	t.Helper()
	r := &rig{t: t, disk: vfs.NewCrash(1, 1), lists: [2][]int32{a, b}, o: o}
	if err := errors.Join(r.disk.MkdirAll(simDir, 0o777), r.disk.SyncDir("/")); err != nil {
		t.Fatal(err)
	}
	return r
}

// options are those of worker i, on a disk that may be another than the rig's.
func (r *rig) options(i int, disk vfs.Disk) Options {
	o := Files(simDir, string(rune('A'+i)), r.o)
	o.Data, o.Disk = r.lists[i], disk
	o.Warn = func(s string) { r.warns = append(r.warns, s) }
	return o
}

func (r *rig) open(i int) *Worker {
	r.t.Helper()
	w, err := NewWorker(r.options(i, r.disk))
	if err != nil {
		r.t.Fatalf("worker %c: %v", 'A'+i, err)
	}
	return w
}

// once is a process of one step.
func (r *rig) once(i int) bool {
	r.t.Helper()
	w := r.open(i)
	defer w.Close()
	more, err := w.Step()
	if err != nil {
		r.t.Fatalf("worker %c: %v", 'A'+i, err)
	}
	return more
}

// finish runs both in one process to their end.
func (r *rig) finish() {
	r.t.Helper()
	o := r.o
	o.Disk = r.disk
	p, err := NewPair(simDir, r.lists[0], r.lists[1], o)
	if err != nil {
		r.t.Fatal(err)
	}
	defer p.Close()
	if got, err := p.Run(r.t.Context(), nil, 10_000, nil); err != nil || !got.Success {
		r.t.Fatalf("%v, %+v", err, got)
	}
}

// finishAnew steps both by turns, a process a step, to their end.
func (r *rig) finishAnew() {
	r.t.Helper()
	more := [2]bool{true, true}
	for range 10_000 {
		for i := range more {
			if more[i] {
				more[i] = r.once(i)
			}
		}
		if !more[0] && !more[1] {
			return
		}
	}
	r.t.Fatal("not finished")
}

func (r *rig) path(name string) string { return filepath.Join(simDir, name) }

// read gives a file, nil if there is none.
func (r *rig) read(name string) []byte {
	r.t.Helper()
	b, err := readFile(r.disk, r.path(name), 1<<30)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return b
}

func (r *rig) write(name string, b []byte) {
	r.t.Helper()
	f, err := r.disk.OpenFile(r.path(name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err == nil {
		_, err = f.Write(b)
	}
	if err == nil {
		err = errors.Join(f.Sync(), f.Close(), r.disk.SyncDir(simDir))
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

// outcome is what the folder holds, as that of a simulation.
func (r *rig) outcome() *Outcome {
	r.t.Helper()
	var o Outcome
	o.Success = true
	if err := o.Collect(r.disk, func(id string, o Options) Options { return Files(simDir, id, o) }); err != nil {
		r.t.Fatal(err)
	}
	return &o
}

func (r *rig) same(want *Outcome) {
	r.t.Helper()
	if diff := r.outcome().Differs(want); diff != "" {
		r.t.Fatal(diff)
	}
}

// calm is the undisturbed run, and checks its output.
func calm(t *testing.T, a, b []int32, o Options) *Outcome {
	t.Helper()
	got, err := Simulate(t.Context(), Simulation{A: a, B: b, Options: o})
	if err != nil || !got.Success {
		t.Fatalf("%v, %+v", err, got)
	}
	if o.machine == nil {
		if err := Verify(bytes.NewReader(got.Output), a, b, o.Duplicates); err != nil {
			t.Fatal(err)
		}
	}
	return got
}

// A shape is a pair of lists that takes the protocol through some of its
// messages.
type shape struct {
	name string
	a, b []int32
}

func draw(rng *rand.Rand, n int, from, to int32) []int32 {
	seen := map[int32]bool{}
	var list []int32
	for len(list) < n {
		v := from + rng.Int32N(to-from)
		if !seen[v] {
			seen[v] = true
			list = append(list, v)
		}
	}
	return list
}

func split(list []int32, n int) (a, b []int32) { return list[:n], list[n:] }

func shapes() []shape {
	rng := rand.New(rand.NewPCG(7, 7))
	var all []shape
	add := func(name string, a, b []int32) { all = append(all, shape{name, a, b}) }
	add("all", numbers(0, 20, 2), numbers(1, 20, 2))
	add("empty", nil, numbers(5, 9, 3))
	a, b := split(draw(rng, 200, -1000, 1000), 140)
	add("data", a, b) // SKTCH, DATA
	a, b = split(draw(rng, 1600, 0, 1600), 1200)
	add("complement", a, b) // OK
	a, b = split(draw(rng, 260, 0, 1<<30), 40)
	add("swap", a, b) // SHIP
	add("tail", draw(rng, 150, 0, 1<<20), append(draw(rng, 30, 0, 1<<20), draw(rng, 150, 1<<24, 1<<30)...))
	hi := append(draw(rng, 200, 0, 1<<20), draw(rng, 200, 1<<30, 1<<30+1<<20)...)
	add("gap", hi, append(draw(rng, 10, 1<<20, 1<<21), draw(rng, 90, 1<<25, 1<<29)...))
	return all
}

func (s shape) uses(t *testing.T, o Options) map[string]bool {
	t.Helper()
	used := map[string]bool{}
	got := calm(t, s.a, s.b, o)
	for _, log := range got.Logs {
		for line := range bytes.Lines(log) {
			m, err := ParseLine(line)
			if err != nil {
				t.Fatal(err)
			}
			used[m.Type] = true
		}
	}
	return used
}

// The shapes must reach what they are there for.
func TestShapes(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	for _, s := range shapes() {
		for kind := range s.uses(t, Options{}) {
			used[kind] = true
		}
	}
	for _, kind := range []string{merge.TypeAll, merge.TypeSketch, merge.TypeShip, merge.TypeData, merge.TypeTurn, merge.TypeOK} {
		if !used[kind] {
			t.Errorf("no shape sends %s", kind)
		}
	}
}
