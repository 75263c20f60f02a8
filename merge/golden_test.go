package merge

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// spell writes messages as the golden lines do.
func spell(log []Message) string {
	var lines []string
	for _, m := range log {
		lines = append(lines, strings.ReplaceAll(fmt.Sprint(m.Type, " ", m.Values), " ", ","))
	}
	return strings.Join(lines, "\n")
}

// runPair runs two workers and checks what always holds.
func runPair(t testing.TB, c Config, a, b []int32, s Schedule) (*Memory, Result) {
	t.Helper()
	m, err := NewMemory(c, a, b)
	if err != nil {
		t.Fatal(err)
	}
	r, err := m.Run(s, 1_000_000)
	if err != nil || !r.Success {
		t.Fatalf("%v, %+v\nA %v\nB %v", err, r, m.Workers[0].Machine.Snapshot(), m.Workers[1].Machine.Snapshot())
	}
	want := slices.Sorted(slices.Values(slices.Concat(a, b)))
	if c.Duplicates == Drop {
		want = slices.Compact(want)
	}
	if got, want := string(m.Output[c.Base:]), string(appendLines(nil, want)); got != want {
		t.Fatalf("output differs: %d bytes, want %d", len(got), len(want))
	}
	return m, r
}

func progression(n int, f func(i int64) int64) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = int32(f(int64(i)))
	}
	return out
}

func linear(n int, start, step int64) []int32 {
	return progression(n, func(i int64) int64 { return start + step*i })
}

// The messages of the format, word for word.
func TestGoldenMessages(t *testing.T) {
	quadratic := func(n int, a, b int64) []int32 {
		return progression(n, func(i int64) int64 { return (a*i*i + b) % 1000003 })
	}
	for _, c := range []struct {
		name     string
		a, b     []int32
		log      [2]string
		compared int64
		steps    int
		written  [2]int64
	}{
		{"evens and odds", linear(50, 0, 2), linear(50, 1, 2),
			[2]string{"ALL,[281225216,0,100547,201044394,939771904]"}, 49, 2, [2]int64{0, 100}},
		{"apart", linear(5000, 1000, 1), linear(1000, 0, 1),
			[2]string{"ALL,[278366336,128000,319937,1010479405,1472724992]"}, 4999, 2, [2]int64{0, 6000}},
		{"interleaved", linear(6, 1, 4), linear(6, 2, 4),
			[2]string{"ALL,[281044992,2048,20544,762888841,644924416]"}, 5, 2, [2]int64{0, 12}},
		{"quadratic", quadratic(40, 7919, 13), quadratic(20, 104729, 7), [2]string{
			"SKTCH,[281184256,26624,981196035,1833334299,2067444044,147842701,541427656]",
			"DATA,[1134598152,478155210,198122687,1628977966,1021074395,1022829944,370572360,707508653,724906991,1663803891]\n" +
				"DATA,[1708066220,2134207017,838733802,1073741824]"}, 28, 5, [2]int64{59, 1}},
	} {
		m, r := runPair(t, Config{}, c.a, c.b, nil)
		for i, w := range m.Workers {
			if got := spell(w.Sent); got != c.log[i] {
				t.Errorf("%s: worker %d sent\n%s\nwant\n%s", c.name, i, got, c.log[i])
			}
		}
		if r.StatsA.Comparisons != c.compared || r.StatsB.Comparisons != c.compared || r.TotalSteps != c.steps {
			t.Errorf("%s: %+v", c.name, r)
		}
		if w := [2]int64{r.StatsA.ValuesOutput, r.StatsB.ValuesOutput}; w != c.written {
			t.Errorf("%s: written %v, want %v", c.name, w, c.written)
		}
	}
}

// drawn gives n and m different values of the generator.
func drawn(seed uint64, n, m int, within uint64) (a, b []int32) {
	x := seed
	seen := map[uint64]bool{}
	for len(b) < m {
		x = 6364136223846793005*x + 1442695040888963407
		v := (x >> 33) % within
		if seen[v] {
			continue
		}
		seen[v] = true
		if len(a) < n {
			a = append(a, int32(v))
		} else {
			b = append(b, int32(v))
		}
	}
	return a, b
}

func TestDrawnExactly(t *testing.T) {
	for _, c := range []struct {
		within   uint64
		bound    int
		messages int64
		compared int64
		steps    int
		md5      string
	}{
		{6000, 13, 3, 1078, 0, "c38857ac5e2857e6fe1b39e5848eeba5"},
		{10_000, 16, 17, 1073, 33, "9bc32e589ed034126d3c9e855be5cd39"},
		{100_000, 27, 28, 1069, 55, "d3f99076ed6058807d09c3d8ed110092"},
		{1 << 31, 73, 74, 1076, 147, "e17ce9f55f6e3ecc9c4e2d9b0af6f831"},
	} {
		a, b := drawn(547, 5000, 1000, c.within)
		m, r := runPair(t, Config{}, a, b, nil)
		sum := md5.Sum(m.Output)
		if got := hex.EncodeToString(sum[:]); got != c.md5 {
			t.Errorf("R=%d: md5 %s, want %s", c.within, got, c.md5)
		}
		if r.Messages != c.messages || r.StatsA.Comparisons != c.compared || r.StatsB.Comparisons != c.compared || c.steps != 0 && r.TotalSteps != c.steps {
			t.Errorf("R=%d: %+v", c.within, r)
		}
	}
}
