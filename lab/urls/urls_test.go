package urls_test

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"os"
	"strconv"
	"strings"
	"testing"

	"holdfast/lab/urls"
)

func number(t *testing.T, text string) *big.Int {
	t.Helper()
	n, ok := new(big.Int).SetString(text, 10)
	if !ok {
		t.Fatalf("no number: %q", text)
	}
	return n
}

// Each digest is that of the list of the requirement's own code, one URL a line.
func TestGolden(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		seed        string
		count, urls int
		want        string
	}{
		{"42", 50, 48, "fbfb7bb1f270bb5041ec434924db23347acb61338d7f13e817b95df4cf7c1f51"},
		{"42", 20, 20, "9bcd0d5f4dacf431ed66f9773fda00512d91e51c61671dc6e9a74b0b31de84d0"},
		{"0", 50, 48, "65c42394fed88a6077d43e1f988358da5f8af27d13ef815fb5fe7fd21f09ea01"},
		{"42", 0, 1, "0533c7f642fabf84314367e751d51cf12deca83f462e4c577543f2b5d76912ab"},
		{"1", 50, 48, "c1fc4f056936e87bfc84ea69c0e32f8f8c37063187f2a9a1a512cc6ca0c4763b"},
		{"42", 1000, 1000, "0eb790623ce90656d45739c50db8a98e07afbb7f3c05a9b851d6147ce01e4547"},
		{"7", 50, 48, "695b702fb0e93cf84246b44815e21113a30a1ade903a7b56ed4d0b5aa6a61d89"},
		{"42", 100000, 100000, "e12ea416c2c6353484b2472c47de4a5b8ad92fd4108b9a8dd0fd1d06896b8d28"},
		{"4294967296", 50, 48, "bf6876a10c3bf9de07ec79b2417f4af6c1c45867dfe15f602cd367ff2f7f52ee"},
		{"-42", 50, 48, "fbfb7bb1f270bb5041ec434924db23347acb61338d7f13e817b95df4cf7c1f51"},
		{"42", 51, 48, "fbfb7bb1f270bb5041ec434924db23347acb61338d7f13e817b95df4cf7c1f51"},
		{"42", 1, 1, "0533c7f642fabf84314367e751d51cf12deca83f462e4c577543f2b5d76912ab"},
		{"42", -7, 1, "0533c7f642fabf84314367e751d51cf12deca83f462e4c577543f2b5d76912ab"},
	} {
		p, h := urls.NewProvider(number(t, c.seed), c.count), sha256.New()
		for _, u := range p.All() {
			h.Write([]byte(u + "\n"))
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != c.want || p.Total() != c.urls {
			t.Errorf("seed %s, count %d: %d URLs, %s; want %d, %s", c.seed, c.count, p.Total(), got, c.urls, c.want)
		}
	}
}

// TestRecorded compares lists and behaviours of 50 seeds with those that the
// requirement's own code gave.
func TestRecorded(t *testing.T) {
	t.Parallel()
	f, err := os.Open("testdata/recorded.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	seeds := 0
	for s := bufio.NewScanner(f); s.Scan(); {
		if strings.HasPrefix(s.Text(), "#") {
			continue
		}
		seeds++
		fields := strings.Split(s.Text(), ",")
		count, err := strconv.Atoi(fields[1])
		if err != nil {
			t.Fatal(err)
		}
		p, h := urls.NewProvider(number(t, fields[0]), count), sha256.New()
		for _, u := range p.All() {
			b, _ := p.Behavior(u)
			line, err := json.Marshal(struct {
				URL string `json:"url"`
				urls.Behavior
			}{u, b})
			if err != nil {
				t.Fatal(err)
			}
			h.Write(append(line, '\n'))
		}
		if got := hex.EncodeToString(h.Sum(nil)); strconv.Itoa(p.Total()) != fields[2] || got != fields[3] {
			t.Errorf("seed %s, count %d: %d URLs, %s; want %s, %s", fields[0], count, p.Total(), got, fields[2], fields[3])
		}
	}
	if seeds != 50 {
		t.Errorf("%d seeds are recorded, want 50", seeds)
	}
}

// TestWalk goes through a list as the requirement's client does.
func TestWalk(t *testing.T) {
	t.Parallel()
	p := urls.NewProvider(big.NewInt(42), 50)
	all := p.All()
	all[0] = "changed" // a copy
	for round := range 2 {
		seen := map[string]bool{}
		for p.Remaining() > 0 {
			left := p.Remaining()
			u, ok := p.Next()
			if !ok || p.Remaining() != left-1 || seen[u] {
				t.Fatalf("round %d: %q, %v, %d remain after %d", round, u, ok, p.Remaining(), left)
			}
			if _, known := p.Behavior(u); !known {
				t.Errorf("%s does nothing", u)
			}
			seen[u] = true
		}
		if u, ok := p.Next(); ok || u != "" || len(seen) != p.Total() {
			t.Errorf("after the end: %q, %v; %d of %d", u, ok, len(seen), p.Total())
		}
		p.Reset()
	}
	if _, known := p.Behavior("https://httpbin.org/get?_id=1000"); known {
		t.Error("a URL that is not in the list does something")
	}
}

// A drawn seed makes the same list again.
func TestDrawnSeed(t *testing.T) {
	t.Parallel()
	a, b := urls.NewProvider(nil, 50), urls.NewProvider(nil, 50)
	if a.Seed().Cmp(b.Seed()) == 0 {
		t.Errorf("two drawn seeds are both %s", a.Seed())
	}
	if again := urls.NewProvider(a.Seed(), 50); strings.Join(again.All(), " ") != strings.Join(a.All(), " ") {
		t.Errorf("seed %s gives another list", a.Seed())
	}
}

func TestSplitBase(t *testing.T) {
	t.Parallel()
	for url, want := range map[string][2]string{
		"https://httpbin.org/get?_id=0": {"https://httpbin.org", "/get?_id=0"},
		"http://[::1]:80":               {"http://[::1]:80", ""},
		"http://a?b":                    {"http://a", "?b"},
		"/get":                          {"", "/get"},
		"":                              {"", ""},
	} {
		if base, rest := urls.SplitBase(url); base != want[0] || rest != want[1] {
			t.Errorf("%q: %q, %q", url, base, rest)
		}
	}
}
