package merge

import (
	"encoding/json"
	"errors"
	"testing"

	"pgregory.net/rapid"
)

// A worker that is taken apart after every step, kept as JSON and made again
// out of its values and the messages it has read, does what one that never
// stops does.
func TestResumeAnywhere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Config{Duplicates: Dup(rapid.IntRange(0, 2).Draw(t, "duplicates")), Confirm: rapid.Bool().Draw(t, "confirm"),
			Balance: Mode(rapid.IntRange(0, 1).Draw(t, "balance"))}
		if c.Balance == Coded {
			c.Strategy = Strategy(rapid.IntRange(0, 3).Draw(t, "strategy"))
			c.bend = bendOf(int32(rapid.IntRange(0, 15).Draw(t, "bend")))
		}
		l := drawLists(t, false)
		room := rapid.SampledFrom([]int{1, 50, stepBytes}).Draw(t, "room")
		whole := runBroken(t, c, l, room, false)
		broken := runBroken(t, c, l, room, true)
		for i := range whole {
			if whole[i] != broken[i] {
				t.Fatalf("worker %d:\n%s\nnot\n%s", i, broken[i], whole[i])
			}
		}
	})
}

// runBroken runs two workers in turns, taken apart after every step or not, and
// tells how each ended and what it sent.
func runBroken(t *rapid.T, c Config, l lists, room int, apart bool) (ends [2]string) {
	var cores [2]*Core
	var sent [2][]Message
	var read [2]int
	for i, data := range [][]int32{l.a, l.b} {
		c.ID, c.Data = i, data
		core, err := NewCore(c)
		if err != nil {
			t.Fatal(err)
		}
		cores[i] = core
	}
	for range 100_000 {
		quiet := true
		for i := range cores {
			for ; read[i] < len(sent[1-i]); read[i]++ {
				_ = cores[i].Deliver(sent[1-i][read[i]])
			}
			e := cores[i].Next(room)
			if e.Send != nil {
				sent[i] = append(sent[i], *e.Send)
			}
			quiet = quiet && !e.Progress
			if apart {
				c.ID, c.Data = i, [][]int32{l.a, l.b}[i]
				s := cores[i].Snapshot()
				cores[i] = remade(t, c, s, sent[1-i][:s.Stats.MessagesReceived])
			}
		}
		if quiet {
			for i := range ends {
				state, err := json.Marshal(cores[i].Snapshot())
				if err != nil {
					t.Fatal(err)
				}
				ends[i] = string(state) + "\n" + spell(sent[i])
			}
			return ends
		}
	}
	t.Fatal("no end")
	return ends
}

func remade(t *rapid.T, c Config, s Snapshot, read []Message) *Core {
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var back Snapshot
	if err := json.Unmarshal(text, &back); err != nil || back != s {
		t.Fatalf("%s reads back as %+v, %v", text, back, err)
	}
	n, err := NewCore(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range read {
		_ = n.Deliver(m)
	}
	if err := n.Resume(s); err != nil {
		t.Fatalf("%v\nsaved %+v\nis    %+v", err, s, n.Snapshot())
	}
	return n
}

// A state that does not belong is refused.
func TestResumeRefuses(t *testing.T) {
	a, b := drawn(9, 600, 300, 1<<30)
	mine := Config{Data: a}
	x, y := core(t, mine), core(t, Config{ID: 1, Data: b})
	said := converse(t, x, y)
	good := x.Snapshot()
	again := func(c Config, read []Message, s Snapshot) error {
		n := core(t, c)
		for _, m := range read {
			_ = n.Deliver(m)
		}
		return n.Resume(s)
	}
	if err := again(mine, said[1], good); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"other values":         again(Config{Data: a[1:]}, said[1], good),
		"fewer messages":       again(mine, said[1][:3], good),
		"beyond the end":       again(mine, said[1], changed(good, func(s *Snapshot) { s.Pos += 7 })),
		"within a line":        again(mine, said[1], changed(good, func(s *Snapshot) { s.Pos -= 3; s.Stage = StageMerge })),
		"too many sent":        again(mine, said[1], changed(good, func(s *Snapshot) { s.Stats.MessagesSent++ })),
		"another comparison":   again(mine, said[1], changed(good, func(s *Snapshot) { s.Stats.Comparisons++ })),
		"another base":         again(mine, said[1], changed(good, func(s *Snapshot) { s.Base = 5 })),
		"a failure of its own": again(mine, said[1], changed(good, func(s *Snapshot) { s.Failure = FailLimit })),
	} {
		if !errors.Is(err, ErrState) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func changed(s Snapshot, f func(*Snapshot)) Snapshot {
	f(&s)
	return s
}
