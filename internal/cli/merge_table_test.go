package cli

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"holdfast/merge"
	"holdfast/merge/runner"
)

// drawLists draws n and then m different values below r, by a congruential
// generator.
func drawLists(seed uint64, r uint64, n, m int, shift int64) (a, b []int32) {
	seen := map[uint64]bool{}
	var all []int32
	for x := seed; len(all) < n+m; {
		x = 6364136223846793005*x + 1442695040888963407
		v := (x >> 33) % r
		if r > 1<<31 {
			v = (x >> 32) % r
		}
		if !seen[v] {
			seen[v] = true
			all = append(all, int32(int64(v)+shift))
		}
	}
	return all[:n], all[n:]
}

// stride is n values from first on.
func stride(first, step int32, n int) []int32 {
	list := make([]int32, n)
	for i := range list {
		list[i] = first + int32(i)*step
	}
	return list
}

func exactly(n int64) [2]int64 { return [2]int64{n, n} }

func times(v int32, n int) []int32 { return stride(v, 0, n) }

// TestMergeTable runs distributions through the program: the messages, steps
// and comparisons that the protocol is to take, and the output byte for byte.
func TestMergeTable(t *testing.T) {
	t.Parallel()
	program := asHoldfast(t)
	drawn := func(r uint64, n, m int) [2][]int32 {
		a, b := drawLists(547, r, n, m, 0)
		return [2][]int32{a, b}
	}
	signedA, signedB := drawLists(547, 1<<32, 5000, 1000, math.MinInt32)
	negativeA, negativeB := drawLists(547, 10_000, 5000, 1000, -20_000)
	var runsA, runsB []int32 // runs of 500 and 100 by turns
	for i := range int32(10) {
		runsA = append(runsA, stride(i*600, 1, 500)...)
		runsB = append(runsB, stride(i*600+500, 1, 100)...)
	}
	base, _ := drawLists(3, 100_000_000, 5000, 0, 1_000_000_000)
	low, _ := drawLists(5, 900_000_000, 1000, 0, 0)
	high, _ := drawLists(5, 900_000_000, 1000, 0, 1_200_000_000)
	around := append(append([]int32{}, base[:4999]...), 2_147_000_000)
	for _, c := range []struct {
		name                   string
		lists                  [2][]int32
		args                   string
		bound, messages, steps int      // 0 is any
		comparisons            [2]int64 // of each worker: the least and the most
		md5                    string
	}{
		{name: "evens and odds", lists: [2][]int32{stride(0, 2, 50), stride(1, 2, 50)}, bound: 1, messages: 1, steps: 2, comparisons: exactly(49)},
		{name: "one above the other", lists: [2][]int32{stride(1000, 1, 5000), stride(0, 1, 1000)}, bound: 13, messages: 1, steps: 2, comparisons: exactly(4999)},
		{name: "interleaved", lists: [2][]int32{stride(1, 4, 6), stride(2, 4, 6)}, bound: 1, messages: 1, steps: 2, comparisons: exactly(5)},
		{name: "dense", lists: drawn(6000, 5000, 1000), bound: 13, messages: 3, comparisons: exactly(1078), md5: "c38857ac5e2857e6fe1b39e5848eeba5"},
		{name: "10^4", lists: drawn(10_000, 5000, 1000), bound: 16, messages: 17, steps: 33, comparisons: exactly(1073), md5: "9bc32e589ed034126d3c9e855be5cd39"},
		{name: "10^4 slot", lists: drawn(10_000, 5000, 1000), args: "--mailbox slot", bound: 16, messages: 36, comparisons: exactly(1073), md5: "9bc32e589ed034126d3c9e855be5cd39"},
		{name: "10^4 confirmed", lists: drawn(10_000, 5000, 1000), args: "--confirm", bound: 16, messages: 19, comparisons: exactly(1073)},
		{name: "10^5", lists: drawn(100_000, 5000, 1000), bound: 27, messages: 28, steps: 55, comparisons: exactly(1069), md5: "d3f99076ed6058807d09c3d8ed110092"},
		{name: "10^5 slot", lists: drawn(100_000, 5000, 1000), args: "--mailbox slot", bound: 27, messages: 60, comparisons: exactly(1069)},
		{name: "10^6", lists: drawn(1_000_000, 5000, 1000), bound: 37, messages: 39, steps: 77, comparisons: [2]int64{1065, 1080}},
		{name: "2^31", lists: drawn(1<<31, 5000, 1000), bound: 73, messages: 74, steps: 147, comparisons: exactly(1076), md5: "e17ce9f55f6e3ecc9c4e2d9b0af6f831"},
		{name: "2^32", lists: [2][]int32{signedA, signedB}, bound: 76, messages: 78, comparisons: [2]int64{1050, 1090}},
		{name: "negative", lists: [2][]int32{negativeA, negativeB}, bound: 16, messages: 17, steps: 33, comparisons: exactly(1073)},
		{name: "sparse below", lists: [2][]int32{base, low}, messages: 2, comparisons: [2]int64{1000, 1070}},
		{name: "sparse above", lists: [2][]int32{base, high}, messages: 3, comparisons: [2]int64{1000, 1070}},
		{name: "sparse in a gap", lists: [2][]int32{around, high}, messages: 4, comparisons: [2]int64{1000, 1090}},
		{name: "runs", lists: [2][]int32{runsA, runsB}, bound: 13, messages: 3, steps: 5, comparisons: exactly(1078)},
		{name: "strides", lists: [2][]int32{stride(0, 357913, 5000), stride(7, 1789565, 1000)}, bound: 72, messages: 1, comparisons: exactly(4999)},
		{name: "A empty", lists: [2][]int32{nil, stride(5, 3, 100)}, bound: 1, messages: 1},
		{name: "B empty", lists: [2][]int32{base, nil}, bound: 1, messages: 2},
		{name: "both empty", bound: 1, messages: 1},
		{name: "5000 and 1", lists: [2][]int32{base, {7}}, bound: 1, messages: 2, comparisons: [2]int64{1, 20}},
		{name: "1 and 1000", lists: [2][]int32{{7}, high}, bound: 1, messages: 1},
		{name: "1 and 1", lists: [2][]int32{{7}, {-7}}, bound: 1, messages: 1},
		{name: "3000 each", lists: drawn(1_000_000, 3000, 3000), bound: 96, messages: 97, comparisons: [2]int64{3060, 3120}},
		{name: "roles swapped", lists: drawn(1_000_000, 1000, 5000), bound: 37, messages: 40, comparisons: [2]int64{1050, 1090}},
		{name: "7s and 9s", lists: [2][]int32{times(7, 5000), times(9, 1000)}, bound: 1, messages: 1, comparisons: exactly(4999)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, out := runPair(t, program, c.lists, "--durability none "+c.args)
			for _, x := range []struct {
				what      string
				got, want int
			}{{"bound", got.BoundMessages, c.bound}, {"messages", int(got.Messages), c.messages}, {"steps", got.TotalSteps, c.steps}} {
				if x.want != 0 && x.got != x.want {
					t.Errorf("%s: %d, want %d", x.what, x.got, x.want)
				}
			}
			if n := got.StatsA.Comparisons; n < c.comparisons[0] || n > c.comparisons[1] || got.Balance != 1 {
				t.Errorf("%d comparisons, balance %v; want %d", n, got.Balance, c.comparisons)
			}
			if !got.Success || !got.Verified {
				t.Errorf("%+v", got)
			}
			for _, s := range []struct {
				merge.Stats
				merge.Work
			}{{got.StatsA, got.WorkA}, {got.StatsB, got.WorkB}} {
				if s.Searches+s.Proofs+s.MergeComparisons != s.Comparisons {
					t.Errorf("%d comparisons, but the parts are %+v", s.Comparisons, s.Work)
				}
			}
			if sum := md5.Sum(out); c.md5 != "" && hex.EncodeToString(sum[:]) != c.md5 {
				t.Errorf("md5 of the output %x, want %s", sum, c.md5)
			}
		})
	}
}

// runPair runs the program on two lists and checks every message that it left.
func runPair(t *testing.T, program string, lists [2][]int32, args string) (pairReport, []byte) {
	t.Helper()
	dir := t.TempDir()
	for i, list := range lists {
		var text []byte
		for _, v := range list {
			text = fmt.Appendf(text, "%d\n", v)
		}
		if err := os.WriteFile(filepath.Join(dir, string(rune('a'+i))), text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	work := filepath.Join(dir, "work")
	c := exec.Command(program, append(strings.Fields("merge pair a b -o out --dir work --json"), strings.Fields(args)...)...)
	c.Dir = dir
	text, err := c.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, err.(*exec.ExitError).Stderr)
	}
	var got pairReport
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	out, err := os.ReadFile(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"A", "B"} {
		log, err := os.ReadFile(runner.Files(work, id, runner.Options{}).Outbox)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		checkMessages(t, log)
	}
	return got, out
}

// checkMessages holds every line against the requirement's limits, with a
// reader that is not ours.
func checkMessages(t *testing.T, log []byte) {
	t.Helper()
	for i, line := range strings.Split(strings.TrimSuffix(string(log), "\n"), "\n") {
		if len(log) == 0 {
			return
		}
		var m map[string]json.RawMessage
		var kind string
		var values []int64
		if json.Unmarshal([]byte(line), &m) != nil || len(m) != 2 || json.Unmarshal(m["msg_type"], &kind) != nil || json.Unmarshal(m["values"], &values) != nil {
			t.Fatalf("message %d is malformed: %s", i+1, line)
		}
		if len(kind) < 1 || len(kind) > 5 || len(values) > 10 {
			t.Errorf("message %d is too large: %s", i+1, line)
		}
		for _, v := range values {
			if v < 0 || v > math.MaxInt32 {
				t.Errorf("message %d: %d", i+1, v)
			}
		}
	}
}
