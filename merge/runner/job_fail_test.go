package runner

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"holdfast/merge"
)

// member opens worker i of a crew.
func (c *crew) member(t *testing.T, i int) *Member {
	t.Helper()
	m, err := NewMember(t.Context(), c.options(i), c.seat(i))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func plainCrew(t *testing.T, k int) *crew {
	t.Helper()
	return newCrew(t, JobOptions{Balance: merge.Touch}, drawCrew(rand.New(rand.NewPCG(1, 1)), k, 300, 1<<20), 1)
}

// A shared value ends all workers with the same error, whenever they are
// killed; no start after that says anything else, and join refuses the job.
func TestJobCrashOfAFailure(t *testing.T) {
	t.Parallel()
	for seed := range uint64(soak(20)) {
		rng := rand.New(rand.NewPCG(seed, 2))
		lists := drawCrew(rng, 2+rng.IntN(4), 200, 1<<20)
		lists[0] = append(lists[0], -77)
		lists[1] = append(lists[1], -77)
		c := newCrew(t, JobOptions{Balance: merge.Touch}, lists, seed)
		c.odds = 10 + rng.IntN(30)
		c.run(t)
		c.odds = 0
		for i := range lists {
			m := c.member(t, i)
			var dup *merge.DuplicateError
			for more, err := true, error(nil); ; more, err = m.Step(t.Context()) {
				if more && err == nil {
					continue
				}
				if !errors.As(err, &dup) || dup.Value != -77 {
					t.Errorf("seed %d, worker %d: %v", seed, i, err)
				}
				break
			}
		}
		var failed *RunError
		if _, err := NewManifest("test", c.board.records, 0); !errors.As(err, &failed) {
			t.Errorf("seed %d: %v", seed, err)
		}
	}
}

// A process that was replaced does nothing that counts: its next save tells it.
func TestJobFenced(t *testing.T) {
	t.Parallel()
	c := plainCrew(t, 3)
	old := c.member(t, 1)
	for range 2 {
		if _, err := old.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	sent := len(c.board.log)
	c.run(t) // another process runs it to its end
	var fenced *FencedError
	for more, err := true, error(nil); ; more, err = old.Step(t.Context()) {
		if more && err == nil {
			continue
		}
		if !errors.As(err, &fenced) || !errors.Is(err, ErrFenced) || !strings.Contains(err.Error(), "job test: another process (process ") {
			t.Errorf("%v", err)
		}
		break
	}
	if len(c.board.log) <= sent {
		t.Error("nothing was sent")
	}
	calm := plainCrew(t, 3)
	calm.run(t)
	if c.joined(t) != calm.joined(t) {
		t.Error("another outcome")
	}
}

// What does not fit to what was done before is refused.
func TestJobRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		bend func(c *crew)
		want string
	}{
		"list":     {func(c *crew) { c.lists[1] = c.lists[1][1:] }, "the input changed since the job started"},
		"words":    {func(c *crew) { c.o.Words = 11 }, "the options changed since the job started (--of 3 --words 10 "},
		"removed":  {func(c *crew) { c.board.log = c.board.log[:3] }, "was there before, and the log ends at 3: somebody removed it"},
		"damaged":  {func(c *crew) { c.board.records[1] = c.board.records[1][1:] }, "its record cannot be read"},
		"huge":     {func(c *crew) { c.board.records[1] = make([]byte, maxRecord+1) }, "more than 262144"},
		"version":  {func(c *crew) { c.board.records[1] = []byte(`{"v":7}`) }, "of version 7"},
		"garbage":  {func(c *crew) { c.board.log[0].body, c.board.log[1].body = []byte("{"), []byte("{") }, "somebody else wrote it"},
		"exchange": {func(c *crew) { c.board.records[1] = c.board.records[2] }, "its record is that of worker 2 of 3"},
		"messages": {func(c *crew) {
			for i := range c.board.log {
				c.board.log[i].to = 1
				c.board.log[i].from = 0
			}
		}, "the saved state does not belong"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			crew := plainCrew(t, 3)
			crew.run(t)
			c.bend(crew)
			m, err := NewMember(t.Context(), crew.options(1), crew.seat(1))
			for more := true; err == nil && more; {
				more, err = m.Step(t.Context())
			}
			var input *InputError
			if !errors.As(err, &input) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

// A part that was removed or changed is written again from the record.
func TestJobRestoresParts(t *testing.T) {
	t.Parallel()
	c := plainCrew(t, 3)
	c.lists[2] = nil
	c.run(t)
	want := c.joined(t)
	for _, bend := range []func(string) error{
		c.disk.Remove,
		func(name string) error { return replaceFile(c.disk, name, []byte("1\n"), true) },
	} {
		for i := range c.lists {
			if err := bend(c.options(i).Output); err != nil {
				t.Fatal(err)
			}
			m := c.member(t, i)
			for more := true; more; {
				var err error
				if more, err = m.Step(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if got := m.Record(); got.Epoch < 2 || !got.Done {
				t.Errorf("%+v", got)
			}
		}
		if got := c.joined(t); got != want {
			t.Errorf("%d bytes, not %d", len(got), len(want))
		}
	}
}

// The manifest is the same whoever makes it; join takes what it says and
// nothing else.
func TestManifest(t *testing.T) {
	t.Parallel()
	c := plainCrew(t, 4)
	if _, err := NewManifest("test", c.board.records, 0); err == nil || err.Error() != "job test: 4 of 4 workers have not finished; worker 0: not started" {
		t.Error(err)
	}
	c.run(t)
	m, err := NewManifest("test", c.board.records, uint64(len(c.board.log)))
	if err != nil {
		t.Fatal(err)
	}
	all := slices.Concat(c.lists...)
	if m.Balance != 1 || m.TouchBalance < 0.5 || m.Values != int64(len(all)) || m.Options != "--of 4 --words 10 --duplicates strict --balance touch" {
		t.Errorf("%+v", m)
	}
	for i, p := range m.Parts { // ranges cover all, without a gap
		if i > 0 && p.From != m.Parts[i-1].To+1 || i == 0 && p.From != -1<<31 || i == 3 && p.To != 1<<31-1 {
			t.Errorf("part %d owns %d to %d", i, p.From, p.To)
		}
	}
	again, err := ReadManifest(bytes.NewReader(m.Encode()), "m")
	if err != nil || !bytes.Equal(again.Encode(), m.Encode()) {
		t.Errorf("%v\n%s", err, m.Encode())
	}
	var paths []string
	for i := range c.lists {
		paths = append(paths, c.options(i).Output)
	}
	var out bytes.Buffer
	if err := m.Join(c.disk, &out, paths, nil); err != nil || out.String() != c.joined(t) {
		t.Errorf("%v, %d bytes", err, out.Len())
	}
	paths[1], paths[2] = paths[2], paths[1]
	if err := m.Join(c.disk, &out, paths, nil); !errors.Is(err, errOtherBytes) {
		t.Error(err)
	}
	out.Reset()
	if err := m.Join(c.disk, &out, nil, nil); err != nil || out.String() != c.joined(t) {
		t.Errorf("from where the workers wrote them: %v, %d bytes", err, out.Len())
	}
	for _, bad := range []string{"", "{}", "[]", `{"v":2}`, `{"v":1,"of":2,"parts":[{"worker":0},{"worker":0}]}`, `{"v":1,"of":2,"bytes":-1,"parts":[{"worker":0,"bytes":-1},{"worker":1,"offset":-1}]}`} {
		var input *InputError
		if _, err := ReadManifest(strings.NewReader(bad), "m"); !errors.As(err, &input) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// A record or a manifest that is read says again what it said, whatever was in
// it.
func FuzzRecord(f *testing.F) {
	c := &crew{}
	r := Record{Version: 1, Of: 4, Part: &Part{Path: "p"}, Out: []Sent{{To: -1, Messages: 2, Seq: 3}}, Options: c.o.Spell()}
	f.Add(r.encode())
	f.Add([]byte(`{"v":1,"my_min":null,"my_max":7}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decodeRecord(b)
		if err != nil {
			return
		}
		again, err := decodeRecord(r.encode())
		if err != nil || !bytes.Equal(again.encode(), r.encode()) {
			t.Errorf("%v\n%+v\n%+v", err, r, again)
		}
		_, _ = NewManifest("j", [][]byte{b, b}, 1)
	})
}
