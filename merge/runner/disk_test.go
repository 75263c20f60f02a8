package runner

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"holdfast/internal/vfs"
)

func newRand() *rand.Rand { return rand.New(rand.NewPCG(11, 11)) }

// tracker notes which files a worker touches, and how.
type tracker struct{ read, written map[string]bool }

func (k *tracker) plan(o vfs.Op) error {
	name := filepath.Base(o.Name)
	switch o.Call {
	case "write", "truncate", "rename", "remove", "chmod", "preallocate", "link":
		k.written[name] = true
	case "read", "stat", "open", "size", "lock":
		k.read[name] = true
	}
	return nil
}

// T14: a worker writes its outbox, its state and the output, reads its inbox,
// and touches nothing else; it adds at most one message a step; the inbox stays
// as it is.
func TestOwnFilesOnly(t *testing.T) {
	t.Parallel()
	gap := shapes()[6]
	for name, o := range variants() {
		r := newRig(t, gap.a, gap.b, o)
		more := [2]bool{true, true}
		for n := 0; more[0] || more[1]; n++ {
			i := n % 2
			if !more[i] {
				continue
			}
			k := &tracker{map[string]bool{}, map[string]bool{}}
			me, other := string(rune('A'+i)), string(rune('B'-i))
			outbox, inbox := me+"_to_"+other+".msg", other+"_to_"+me+".msg"
			lines, in := r.read(outbox), r.read(inbox)
			w, err := NewWorker(r.options(i, vfs.NewFaulty(r.disk, k.plan)))
			if err != nil {
				t.Fatal(err)
			}
			if more[i], err = w.Step(); err != nil {
				t.Fatal(err)
			}
			w.Close()
			for file := range k.written {
				if !strings.HasPrefix(file, outbox) && !strings.HasPrefix(file, "state_"+me) && file != "output" {
					t.Errorf("%s: worker %s wrote %s", name, me, file)
				}
			}
			for file := range k.read {
				if file == inbox || file == filepath.Base(simDir) || strings.HasPrefix(file, outbox) || strings.HasPrefix(file, "state_"+me) || file == "output" {
					continue
				}
				t.Errorf("%s: worker %s looked at %s", name, me, file)
			}
			if !bytes.Equal(in, r.read(inbox)) {
				t.Errorf("%s: worker %s changed its inbox", name, me)
			}
			after := r.read(outbox)
			if o.Mailbox != Slot && (!bytes.HasPrefix(after, lines) || bytes.Count(after, []byte("\n")) > bytes.Count(lines, []byte("\n"))+1) {
				t.Errorf("%s: worker %s wrote more than one message: %s then %s", name, me, lines, after)
			}
		}
	}
}

// A step without anything new makes no write and, with a log, no garbage.
func TestIdleStep(t *testing.T) {
	t.Parallel()
	data := shapes()[2]
	for name, o := range variants() {
		r := newRig(t, data.a, data.b, o)
		k := &tracker{map[string]bool{}, map[string]bool{}}
		w, err := NewWorker(r.options(0, vfs.NewFaulty(r.disk, k.plan)))
		if err != nil {
			t.Fatal(err)
		}
		step := func() {
			if more, err := w.Step(); !more || err != nil {
				t.Fatalf("%v, %v", more, err)
			}
		}
		step() // its sketch
		before := w.State().Steps
		clear(k.written)
		for range 100 {
			step()
		}
		if len(k.written) > 0 || w.State().Steps != before {
			t.Errorf("%s: an idle step writes %v", name, k.written)
		}
		w.Close()
	}
}

// waiting is a worker on files that has said what it can say.
func waiting(t testing.TB) *Worker {
	t.Helper()
	data := shapes()[2]
	o := Files(t.TempDir(), "A", Options{Data: data.a})
	w, err := NewWorker(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	other, err := newLogBox(&Options{Disk: vfs.OS{}, Outbox: o.Inbox, Inbox: o.Outbox}, nil) // an empty inbox
	if err != nil {
		t.Fatal(err)
	}
	other.Close()
	if _, err := w.Step(); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestIdleStepAllocatesNothing(t *testing.T) {
	w := waiting(t)
	if n := testing.AllocsPerRun(100, func() { w.Step() }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkIdle(b *testing.B) {
	w := waiting(b)
	b.ReportAllocs()
	for b.Loop() {
		w.Step()
	}
}

// A second process with the same id is kept out; a finished one lets go.
func TestLock(t *testing.T) {
	t.Parallel()
	data := shapes()[0]
	r := newRig(t, data.a, data.b, Options{})
	w := r.open(0)
	if _, err := NewWorker(r.options(0, r.disk)); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), "another process runs worker A") {
		t.Errorf("%v", err)
	}
	w.Close()
	r.open(0).Close()
}

// A disk that is full stops a worker with nothing done twice; when there is
// space again, the same command goes on. A sync that fails stops it as well, and
// is not tried again.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	gap := shapes()[6]
	for name, o := range variants() {
		want := calm(t, gap.a, gap.b, o)
		for _, file := range []string{"state_A", "state_B", "A_to_B", "B_to_A", "output"} {
			for _, fault := range []struct {
				call string
				err  error
			}{{"write", syscall.ENOSPC}, {"sync", syscall.EIO}} {
				if fault.call == "sync" && o.Durability == None {
					continue
				}
				for n := 1; n < 6; n++ { // the n-th such call fails
					r := newRig(t, gap.a, gap.b, o)
					seen := 0
					disk := vfs.NewFaulty(r.disk, func(op vfs.Op) error {
						if op.Call == fault.call && strings.HasPrefix(filepath.Base(op.Name), file) {
							if seen++; seen >= n {
								return fault.err
							}
						}
						return nil
					})
					err := r.until(disk)
					if err != nil && !errors.Is(err, fault.err) {
						t.Fatalf("%s, %s of %s: %v", name, fault.call, file, err)
					}
					r.disk.Kill()
					r.finish()
					if diff := r.outcome().Differs(want); diff != "" {
						t.Fatalf("%s, %s %d of %s: %s", name, fault.call, n, file, diff)
					}
				}
			}
		}
	}
}

// until steps both by turns until an error or the end.
func (r *rig) until(disk vfs.Disk) error {
	more := [2]bool{true, true}
	var workers [2]*Worker
	for more[0] || more[1] {
		for i := range workers {
			var err error
			if workers[i] == nil {
				if workers[i], err = NewWorker(r.options(i, disk)); err != nil {
					return err
				}
			}
			if more[i] {
				if more[i], err = workers[i].Step(); err != nil {
					if _, again := workers[i].Step(); again != err {
						r.t.Errorf("after %v: %v", err, again)
					}
					return err
				}
			}
		}
	}
	return nil
}

// --append keeps what the output holds, also when the state is lost.
func TestAppend(t *testing.T) {
	t.Parallel()
	for _, s := range shapes() {
		o := Options{Append: true}
		r := newRig(t, s.a, s.b, o)
		head := []byte("something\nolder\n")
		r.write("output", head)
		r.after(3)
		r.disk.Remove(r.path("state_A.json"))
		r.finish()
		out := r.read("output")
		if !bytes.HasPrefix(out, head) {
			t.Fatalf("%s: %.60q", s.name, out)
		}
		if err := Verify(bytes.NewReader(out[len(head):]), s.a, s.b, 0); err != nil {
			t.Errorf("%s: %v", s.name, err)
		}
	}
}

// R25: a finished worker does nothing more; opened again, its bytes do not
// change.
func TestFinished(t *testing.T) {
	t.Parallel()
	for _, s := range shapes() {
		for name, o := range variants() {
			r := newRig(t, s.a, s.b, o)
			r.finish()
			before := r.tree()
			for range 2 {
				for i := range 2 {
					w := r.open(i)
					for range 3 {
						if more, err := w.Step(); more || err != nil {
							t.Fatalf("%s/%s: %v, %v", s.name, name, more, err)
						}
					}
					w.Close()
				}
			}
			if after := r.tree(); after != before {
				t.Errorf("%s/%s: changed:\n%s\n%s", s.name, name, before, after)
			}
			if done, err := Finished(simDir, s.a, s.b, r.options(0, r.disk)); !done || err != nil {
				t.Errorf("%s/%s: %v, %v", s.name, name, done, err)
			}
		}
	}
}
