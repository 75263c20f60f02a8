package runner

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"holdfast/merge"
)

// after runs k steps by turns, a process a step.
func (r *rig) after(k int) {
	r.t.Helper()
	more := [2]bool{true, true}
	for n := range k {
		if more[n%2] {
			more[n%2] = r.once(n % 2)
		}
	}
}

// refuses starts worker i, which must find something wrong that a message says,
// and must leave all files as they are.
func (r *rig) refuses(i int, want string) {
	r.t.Helper()
	before := r.tree()
	w, err := NewWorker(r.options(i, r.disk))
	if err == nil {
		_, err = w.Step()
		w.Close()
	}
	var input *InputError
	if !errors.As(err, &input) || !strings.Contains(err.Error(), want) {
		r.t.Errorf("worker %c: %v; want %q", 'A'+i, err, want)
	}
	if after := r.tree(); after != before {
		r.t.Errorf("files changed:\n%s\nthen\n%s", before, after)
	}
}

func (r *rig) tree() string {
	r.t.Helper()
	names, err := r.disk.ReadDir(simDir)
	if err != nil {
		r.t.Fatal(err)
	}
	var text strings.Builder
	for _, n := range names {
		if !strings.HasSuffix(n, ".lock") {
			fmt.Fprintf(&text, "%s: %q\n", n, r.read(n))
		}
	}
	return text.String()
}

// R10-R13, R16, R17: what somebody else changed is refused, and nothing is
// written over it.
func TestTampering(t *testing.T) {
	t.Parallel()
	gap := shapes()[6]
	for name, c := range map[string]struct {
		steps  int
		damage func(*rig)
		i      int
		want   string
	}{
		"outbox deleted": {4, func(r *rig) { r.disk.Remove(r.path("B_to_A.msg")) }, 1, "somebody removed it"},
		"outbox cut":     {6, func(r *rig) { b := r.read("B_to_A.msg"); r.write("B_to_A.msg", b[:10]) }, 1, "somebody removed or cut it"},
		"outbox longer":  {4, func(r *rig) { r.write("B_to_A.msg", append(r.read("B_to_A.msg"), r.read("B_to_A.msg")...)) }, 1, "somebody else wrote to it"},
		"outbox changed": {6, func(r *rig) {
			b := r.read("B_to_A.msg")
			b[len(`{"msg_type":"DATA","values":[`)] ^= 1
			r.write("B_to_A.msg", b)
		}, 1, "somebody changed it"},
		"inbox changed": {6, func(r *rig) {
			b := r.read("B_to_A.msg")
			b[len(`{"msg_type":"DATA","values":[`)+1] ^= 1
			r.write("B_to_A.msg", b)
		}, 0, "not the same any more"},
		"data changed":    {4, func(r *rig) { r.lists[0] = append(r.lists[0], 1) }, 0, "the input changed since the run started"},
		"options changed": {4, func(r *rig) { r.o.Duplicates = merge.Keep }, 0, "the options changed since the run started"},
		"another worker":  {4, func(r *rig) { r.write("state_A.json", r.read("state_B.json")) }, 0, "that of worker B, not A"},
		"output cut":      {4, func(r *rig) { r.write("output", r.read("output")[:1000]) }, 1, "output truncated by someone else"},
		"output there":    {0, func(r *rig) { r.write("output", []byte("1\n")) }, 0, "holds something already"},
		"output open end": {0, func(r *rig) { r.o.Append = true; r.write("output", []byte("1")) }, 0, "has no end"},
		"output, state gone": {4, func(r *rig) {
			r.disk.Remove(r.path("state_A.json"))
			r.disk.Remove(r.path("A_to_B.msg"))
			r.write("output", []byte("1\n"))
		}, 0, "holds something already"},
		"mailboxes of another": {4, func(r *rig) {
			r.disk.Remove(r.path("state_B.json"))
			r.lists[1] = append(numbers(-900, 3, 1), r.lists[1]...)
		}, 1, "belong to another run"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, gap.a, gap.b, Options{})
			r.after(c.steps)
			c.damage(r)
			r.refuses(c.i, c.want)
		})
	}
}

// R9: what cannot be read stops reading there, is told once, and may be put
// right; what stands before it counts.
func TestStall(t *testing.T) {
	t.Parallel()
	data := shapes()[2]
	want := calm(t, data.a, data.b, Options{})
	line := []byte(`{"msg_type":"DATA","values":[1]}` + "\n")
	for name, garbage := range map[string][]byte{
		"garbage":     []byte("garbage\n"),
		"zero bytes":  append(make([]byte, 40), '\n'),
		"foreign key": []byte(`{"msg_type":"DATA","values":[],"x":1}` + "\n"),
		"eleven":      []byte(`{"msg_type":"DATA","values":[1,2,3,4,5,6,7,8,9,10,11]}` + "\n"),
		"too large":   []byte(`{"msg_type":"DATA","values":[2147483648]}` + "\n"),
		"long type":   []byte(`{"msg_type":"DATADA","values":[]}` + "\n"),
		"endless":     bytes.Repeat([]byte("x"), 2*maxLine),
		"endless too": append(bytes.Repeat([]byte(" "), 2*maxLine), line...),
	} {
		r := newRig(t, data.a, data.b, Options{})
		r.after(4) // A has read one DATA
		good := r.read("B_to_A.msg")
		first := bytes.IndexByte(good, '\n') + 1
		r.write("B_to_A.msg", append(append([]byte{}, good[:first]...), garbage...))
		w := r.open(0)
		for range 3 {
			if more, err := w.Step(); !more || err != nil {
				t.Fatalf("%s: %v, %v", name, more, err)
			}
		}
		lineNumber := w.State().In.Messages + 1
		if e := w.Stalled(); e == nil || e.Path != r.path("B_to_A.msg") || e.Line != lineNumber || len(r.warns) != 1 {
			t.Errorf("%s: stalled by %v, line %d, warnings %q", name, e, lineNumber, r.warns)
		}
		r.write("B_to_A.msg", good)
		for more := true; more && w.Stalled() != nil; {
			var err error
			if more, err = w.Step(); err != nil {
				t.Fatalf("%s, put right: %v", name, err)
			}
		}
		w.Close()
		r.finish()
		if diff := r.outcome().Differs(want); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// Zero bytes inside a line that seems complete are what a power cut leaves:
// who wrote it puts it right, also while the other has it read already.
func TestZeroBytesInALine(t *testing.T) {
	t.Parallel()
	data := shapes()[2]
	want := calm(t, data.a, data.b, Options{})
	r := newRig(t, data.a, data.b, Options{})
	r.after(5) // A has read what B sent last
	log := r.read("B_to_A.msg")
	damaged := bytes.Clone(log)
	last := bytes.LastIndexByte(log[:len(log)-1], '\n') + 1
	clear(damaged[last+5 : len(log)-3])
	r.write("B_to_A.msg", damaged)
	if !r.once(0) {
		t.Fatal("A is done without what it read")
	}
	if r.once(1); !bytes.Equal(r.read("B_to_A.msg")[:len(log)], log) {
		t.Fatal("B has not put it right")
	}
	r.finish()
	r.same(want)
}

// A message that decodes to nonsense ends both workers, with FAIL between them.
func TestForgedMessage(t *testing.T) {
	t.Parallel()
	data := shapes()[2]
	for name, c := range map[string]struct {
		line string
		want error
	}{
		"bit flip":     {"", merge.ErrChecksum},
		"unknown type": {`{"msg_type":"HELLO","values":[]}`, merge.ErrProtocol},
		"negative":     {`{"msg_type":"DATA","values":[-5]}`, merge.ErrProtocol},
		"out of turn":  {`{"msg_type":"OK","values":[]}`, merge.ErrProtocol},
	} {
		r := newRig(t, data.a, data.b, Options{})
		r.once(0)
		for r.once(1) { // all of B's messages
		}
		log := r.read("B_to_A.msg")
		if c.line != "" {
			log = []byte(c.line + "\n")
		} else {
			at := bytes.LastIndexByte(log, ',')
			log[at-1] ^= 1 // another digit
		}
		r.write("B_to_A.msg", log)
		var err error
		for more := true; more && err == nil; {
			w := r.open(0)
			more, err = w.Step()
			w.Close()
		}
		var run *RunError
		if !errors.As(err, &run) || !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		// Every later start says the same, and the outbox tells why.
		w := r.open(0)
		if _, again := w.Step(); again == nil || again.Error() != err.Error() {
			t.Errorf("%s: first %v, then %v", name, err, again)
		}
		w.Close()
		if log := r.read("A_to_B.msg"); !bytes.Contains(log, []byte(`"FAIL"`)) {
			t.Errorf("%s: no FAIL: %s", name, log)
		}
		if out := r.read("output"); len(out) > 0 && Verify(bytes.NewReader(out), data.a, data.b, merge.Strict) == nil {
			t.Errorf("%s: an output from it", name)
		}
	}
}

// R20, R23: duplicates and different options end both, small lists too.
func TestFailures(t *testing.T) {
	t.Parallel()
	run := func(a, b []int32, oa, ob Options) (errs [2]error) {
		r := newRig(t, a, b, Options{})
		more := [2]bool{true, true}
		for n := 0; n < 1000 && (more[0] || more[1]); n++ {
			i := n % 2
			r.o = []Options{oa, ob}[i]
			w := r.open(i)
			more[i], errs[i] = w.Step()
			w.Close()
		}
		if more[0] || more[1] {
			t.Fatal("one of them waits for ever")
		}
		return errs
	}
	for _, box := range []MailboxKind{Log, Slot} {
		o := Options{Mailbox: box}
		errs := run([]int32{1, 2, 3}, []int32{3, 4}, o, o)
		var dup *merge.DuplicateError
		if !errors.As(errs[1], &dup) || dup.Value != 3 {
			t.Errorf("%s: %v", box, errs)
		}
		a, b := split(draw(newRand(), 1600, 0, 1600), 1200)
		b[7] = a[5]
		errs = run(a, b, o, o)
		if !errors.As(errs[0], &dup) || dup.Value != a[5] {
			t.Errorf("%s, dense: %v", box, errs)
		}
		keep := o
		keep.Duplicates = merge.Keep
		errs = run(a, b, o, keep)
		if !errors.Is(errs[0], merge.ErrOptions) || !errors.Is(errs[1], merge.ErrOptions) {
			t.Errorf("%s, options: %v", box, errs)
		}
	}
}

// A state file is accepted as it was written, and not otherwise.
func FuzzState(f *testing.F) {
	r := newRig(&testing.T{}, numbers(0, 9, 2), numbers(1, 9, 2), Options{})
	r.once(0)
	good := r.read("state_A.json")
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte(`{"crc":"00000000","state":{}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := decodeState(b)
		if err != nil {
			return
		}
		if again, err := decodeState(s.encode()); err != nil || !bytes.Equal(again.encode(), s.encode()) {
			t.Fatalf("%q: %v", b, err)
		}
	})
}
