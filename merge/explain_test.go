package merge

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

func logsOf(m *Memory) []Log {
	return []Log{{From: "A", Messages: m.Workers[0].Sent}, {From: "B", Messages: m.Workers[1].Sent}}
}

func explained(t *testing.T, c Config, a, b []int32, damage func([]Log)) string {
	t.Helper()
	m, err := NewMemory(c, a, b)
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.Run(nil, 10_000)
	logs := logsOf(m)
	for i := range logs {
		logs[i].Messages = slices.Clone(logs[i].Messages)
	}
	if damage != nil {
		damage(logs)
	}
	var lines []string
	for _, l := range Explain(logs...) {
		lines = append(lines, l...)
	}
	if err != nil {
		lines = append(lines, "error: "+err.Error())
	}
	return strings.Join(lines, "\n") + "\n"
}

// Every kind of message in words, whole and damaged.
func TestExplain(t *testing.T) {
	quadratic := func(n int, a, b int64) []int32 {
		return progression(n, func(i int64) int64 { return (a*i*i + b) % 1000003 })
	}
	a, b := quadratic(40, 7919, 13), quadratic(20, 104729, 7)
	lose := func(log, message int) func([]Log) {
		return func(l []Log) { l[log].Messages[message] = Message{} }
	}
	low, high := drawn(5, 300, 300, 400_000_000)
	inGap, inTail := drawn(6, 200, 200, 400_000_000)
	for i := range high {
		high[i] += 1_200_000_000
	}
	for i := range inGap {
		inGap[i] += 600_000_000
		inTail[i] += 1_700_000_000
	}
	dense, rest := drawn(3, 1500, 500, 2000)
	var out strings.Builder
	for _, c := range []struct {
		name   string
		config Config
		a, b   []int32
		damage func([]Log)
	}{
		{"one message", Config{}, linear(50, 0, 2), linear(50, 1, 2), nil},
		{"options", Config{Duplicates: Keep, Confirm: true, Base: 100}, []int32{5, 5, 7}, []int32{7}, nil},
		{"sketch and data", Config{}, a, b, nil},
		{"SKTCH lost", Config{}, a, b, lose(0, 0)},
		{"first DATA lost", Config{}, a, b, lose(1, 0)},
		{"second DATA lost", Config{}, a, b, lose(1, 1)},
		{"roles swapped", Config{}, quadratic(30, 7919, 13), quadratic(200, 104729, 7), nil},
		{"gap and tail withheld", Config{}, slices.Concat(low, high), slices.Concat(inGap, inTail), nil},
		{"complement", Config{}, dense, rest, nil},
		{"complement refused", Config{}, dense, append(rest[1:], dense[9]), nil},
		{"A empty", Config{Confirm: true}, nil, []int32{1, 2}, nil},
		{"range ownership", Config{Balance: Touch}, a, b, nil},
		{"range ownership, QUANT lost", Config{Balance: Touch}, a, b, lose(1, 0)},
		{"naive", Config{Strategy: Naive}, b, a[:3], nil},
		{"range", Config{Strategy: Range}, a, b[:6], nil},
		{"bubble", Config{Strategy: Exchange}, a[:2], b[:2], nil},
		{"options differ", Config{}, a, b, func(l []Log) {
			l[0].Messages = append(l[0].Messages, failMessage(ErrOptions), failMessage(ErrLimit), Message{"FAIL", []int32{99}},
				Message{"DONE", []int32{1}}, Message{"TURN", []int32{-1, 2}}, Message{"ACK", nil}, Message{"WHAT", []int32{1}}, Message{"SKTCH", []int32{1 << 30}})
		}},
	} {
		fmt.Fprintf(&out, "-- %s --\n%s", c.name, explained(t, c.config, c.a, c.b, c.damage))
	}
	name := filepath.Join("testdata", "explain.txt")
	if *update {
		if err := os.MkdirAll("testdata", 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(out.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Errorf("explained otherwise (-want +got):\n%s", diff)
	}
}
