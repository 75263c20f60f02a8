package urls_test

import (
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"testing"

	"holdfast/lab/urls"
)

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
		seed, _ := new(big.Int).SetString(c.seed, 10)
		p, h := urls.NewProvider(seed, c.count), sha256.New()
		for _, u := range p.All() {
			h.Write([]byte(u + "\n"))
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != c.want || p.Total() != c.urls {
			t.Errorf("seed %s, count %d: %d URLs, %s; want %d, %s", c.seed, c.count, p.Total(), got, c.urls, c.want)
		}
	}
}
