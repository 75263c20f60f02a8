package merge

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
)

// hostile are the options that FuzzDeliver runs with.
var hostile = []Config{
	{}, {Confirm: true, Duplicates: Keep}, {Duplicates: Drop, Base: 9}, {Balance: Touch}, {bend: bend{noAll: true}},
	{bend: bend{noAll: true, withhold: true, claim: true}}, {bend: bend{noAll: true, swap: true}},
	{Strategy: Naive}, {Strategy: Range}, {Strategy: Exchange},
}

// What a peer sends may be anything: no panic, an end, no more values than the
// limit, and no output but own and announced values in order. The bytes say
// which message of a sound conversation is replaced or changed, and by what.
func FuzzDeliver(f *testing.F) {
	for i := range hostile {
		f.Add(byte(i), uint64(i), byte(0), []byte{0, 0, 0, 1})
		f.Add(byte(i), uint64(i), byte(1), []byte("\x00DATA\x7f\xff\xff\xff"))
		f.Add(byte(i), uint64(i), byte(2), []byte("\x01TURN\x00\x00\x00\x00\x00\x00\x00\x05"))
	}
	f.Fuzz(func(t *testing.T, options byte, seed uint64, at byte, change []byte) {
		c := hostile[int(options)%len(hostile)]
		c.MaxValues = 5000
		rng := seeded(seed)
		a, b := distinct(1+rng.IntN(200), 1+rng.IntN(60), func() int64 { return rng.Int64N(1 << (9 + seed%20)) })
		var cores [2]*Core
		for i, data := range [][]int32{a, b} {
			c.ID, c.Data = i, data
			cores[i] = core(t, c)
		}
		sent := 0
		for range 5000 {
			quiet := true
			for i := range cores {
				e := cores[i].Next(1 + rng.IntN(2000))
				for _, s := range e.Output {
					if s.Off < c.Base || !slices.IsSorted(cores[i].script.order[s.From:s.To]) {
						t.Fatalf("output %+v", s)
					}
				}
				quiet = quiet && !e.Progress
				if e.Send == nil {
					continue
				}
				m := *e.Send
				if sent++; sent == int(at)+1 {
					m = tampered(m, change, rng)
				}
				_ = cores[1-i].Deliver(m)
				if n := len(cores[1-i].script.order); n > 2*c.MaxValues {
					t.Fatalf("%d values", n)
				}
			}
			if quiet {
				return
			}
		}
		t.Fatal("no end")
	})
}

// tampered flips bits of words, or puts another message in place of m.
func tampered(m Message, change []byte, rng *rand.Rand) Message {
	if len(change) < 4 {
		return Message{}
	}
	if len(change) > 8 && change[0] < 2 { // type and words
		other := Message{Type: string(change[1:5])}
		for rest := change[5:]; len(rest) >= 4 && len(other.Values) < 12; rest = rest[4:] {
			other.Values = append(other.Values, int32(binary.BigEndian.Uint32(rest)))
		}
		if change[0] == 1 {
			other.Values = append(slices.Clone(m.Values), other.Values...)
		}
		return other
	}
	m.Values = slices.Clone(m.Values)
	if len(m.Values) > 0 {
		m.Values[rng.IntN(len(m.Values))] ^= int32(binary.BigEndian.Uint32(change) & (1<<31 - 1))
	}
	return m
}

// FuzzExplain: whatever the logs hold, every message gets one line.
func FuzzExplain(f *testing.F) {
	f.Add([]byte("SKTCH\x0aabcdefghijabcdefghijabcdefghijabcdefghij"), []byte("DATA \x03abcdefghijkl"))
	f.Add([]byte("QUANT\x01\x7f\xff\xff\xff"), []byte("QUANT\x02aaaabbbbFAIL \x00     \x00"))
	parse := func(b []byte) (log []Message) {
		for len(b) >= 6 {
			m := Message{Type: string(b[:5])}
			if m.Type[4] == ' ' {
				m.Type = m.Type[:4]
			}
			if m.Type == "    " {
				m.Type = ""
			}
			n := int(b[5]) % 11
			for b = b[6:]; n > 0 && len(b) >= 4; n-- {
				m.Values = append(m.Values, int32(binary.BigEndian.Uint32(b)))
				b = b[4:]
			}
			log = append(log, m)
		}
		return log
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		logs := []Log{{From: "A", Messages: parse(a)}, {From: "B", Messages: parse(b)}}
		if len(a)%2 > 0 { // more than two workers, and who gets what
			logs = append(logs, Log{From: "C"})
			for i := range logs {
				logs[i].To = make([]int, len(logs[i].Messages))
				for k := range logs[i].To {
					logs[i].To[k] = k%5 - 1
				}
			}
		}
		for i, lines := range Explain(logs...) {
			if len(lines) != len(logs[i].Messages) {
				t.Fatalf("%d lines for %d messages", len(lines), len(logs[i].Messages))
			}
		}
	})
}

// One bit of one message flipped, every one: an error, or a worker that waits,
// or the right output. Only the byte at which the writer starts is not under
// the checksum; a shell sees a hole, but not an overlap.
func TestEveryBitFlipped(t *testing.T) {
	a, b := drawn(8, 60, 30, 100_000)
	if testing.Short() {
		a, b = a[:30], b[:12]
	}
	sound, _ := runPair(t, Config{}, a, b, nil)
	start := func(m Message) int64 {
		in := collector{}
		if _, err := in.add(m.Values, Words); err != nil {
			return -1
		}
		h, _ := readHeader(in.reader(), maxGaps, MaxValues)
		return h.offset
	}
	for i, w := range sound.Workers {
		for k, message := range w.Sent {
			for bit := range WordBits * len(message.Values) {
				m, err := NewMemory(Config{}, a, b)
				if err != nil {
					t.Fatal(err)
				}
				for range 40 {
					for j, w := range m.Workers {
						if _, err = w.Step(); err != nil {
							break
						}
						if i == j && len(w.Sent) == k+1 && &w.Sent[k].Values[0] != &message.Values[0] {
							values := slices.Clone(message.Values)
							values[bit/WordBits] ^= 1 << (bit % WordBits)
							if m.Workers[1-j].read <= k {
								w.Sent[k] = Message{message.Type, values}
							}
						}
					}
					if err != nil {
						break
					}
				}
				done := m.Workers[0].done && m.Workers[1].done && err == nil
				if done && string(m.Output) != string(sound.Output) && start(m.Workers[1].Sent[0]) == start(sound.Workers[1].Sent[0]) {
					t.Fatalf("worker %d, message %d, bit %d: wrong output", i, k, bit)
				}
			}
		}
	}
}
