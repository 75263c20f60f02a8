package pyrand_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/big"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast/internal/pyrand"
)

// number reads a decimal integer, or 10**3000.
func number(t *testing.T, text string) *big.Int {
	t.Helper()
	if text == "10**3000" {
		return new(big.Int).Exp(big.NewInt(10), big.NewInt(3000), nil)
	}
	n, ok := new(big.Int).SetString(text, 10)
	if !ok {
		t.Fatalf("no number: %q", text)
	}
	return n
}

// Each digest is that of 2000 words of CPython 3.11, which is past the third
// twist. 10**3000 has more words than the state.
func TestWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ seed, want string }{
		{"0", "a4aefe4e07260ce5922e09534feddd46c506642c3271e876bd269d0d74bc0034"},
		{"1", "53e9a43fd0abe9cdd430b7f933e869ff3fb2cf3f69dabd1d7d0bd922398735a7"},
		{"42", "f1f975696dd6a82d746f0da3167d16fe6fcd51265fa8e10ed3ca7272014ad072"},
		{"-42", "f1f975696dd6a82d746f0da3167d16fe6fcd51265fa8e10ed3ca7272014ad072"},
		{"7", "cbdcbe1478fd639e99cc607352b236a1631d105940531ae09b5837ecb406b851"},
		{"4294967296", "e5995086271d059d1e6cc28aae587faed5a916dc874ce84781d8ce399c661988"},
		{"18446744073709551621", "c561f357a3daed6c441e24224aab95c10bcceb73949687385b2d676ae772fc9c"},
		{"-10000000000000000000000000000000000000000", "6d6c8c234864ec2d42c53c5aeddd88b04406820010b13afd0657f561d348564a"},
		{"10**3000", "ba2ec1d94d4d6d54c164ef0b0e60774e62a02994ababf358a89d24634f2173ae"},
	} {
		r, h := pyrand.New(number(t, c.seed)), sha256.New()
		for range 2000 {
			h.Write(binary.LittleEndian.AppendUint32(nil, uint32(r.Bits(32))))
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != c.want {
			t.Errorf("seed %s: %s, want %s", c.seed, got, c.want)
		}
	}
}

func TestFirstWords(t *testing.T) {
	t.Parallel()
	for seed, want := range map[int64][]uint64{
		0:       {3626764237, 1654615998},
		1:       {577090037, 2444712010},
		42:      {2746317213, 478163327, 107420369},
		1 << 32: {485306839, 1508871100},
	} {
		r := pyrand.NewInt(seed)
		got := draw(len(want), func() uint64 { return r.Bits(32) })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("seed %d: %s", seed, diff)
		}
	}
}

func draw[T any](n int, next func() T) []T {
	var all []T
	for range n {
		all = append(all, next())
	}
	return all
}

// TestDraws has what seed 42 gives to each kind of call, a fresh generator each.
func TestDraws(t *testing.T) {
	t.Parallel()
	fresh := func() *pyrand.Rand { return pyrand.NewInt(42) }
	check := func(name string, got, want any) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}

	r := fresh()
	check("random", draw(2, r.Random), []float64{0.6394267984578837, 0.025010755222666936})
	r = fresh()
	check("words around the second twist", draw(625, func() uint64 { return r.Bits(32) })[622:], []uint64{902271852, 2929454134, 1071722055})
	r = fresh()
	check("randint(0, 999999)", draw(3, func() int64 { return r.Between(0, 999999) }), []int64{670487, 116739, 26225})
	r = fresh()
	check("randint(0, 10)", draw(8, func() int64 { return r.Between(0, 10) }), []int64{10, 1, 0, 4, 3, 3, 2, 1})
	check("getrandbits(53)", fresh().Bits(53), uint64(1002783120652701))

	r = fresh()
	var below []uint64
	for _, n := range []uint64{1, 2, 3, 4, 5, 6, 7, 8, 10, 100, 1000} {
		below = append(below, r.Below(n))
	}
	check("randrange", below, []uint64{0, 0, 2, 2, 1, 1, 1, 1, 8, 11, 604})

	r = fresh()
	var bits []string
	for _, k := range []int{1, 2, 3, 8, 31, 32, 33, 64} {
		bits = append(bits, fmt.Sprint(r.Bits(k)))
	}
	bits = append(bits, r.Big(65).String())
	check("getrandbits", bits, []string{"1", "0", "0", "189", "590620971", "1051802512", "958682846", "1890702223848595625", "32109652365136375149"})

	list := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	fresh().Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	check("shuffle", list, []int{7, 3, 2, 8, 5, 6, 9, 4, 0, 1})

	r = fresh()
	codes := []int{400, 401, 403, 404}
	check("choice", draw(10, func() int { return pyrand.Choice(r, codes) }), []int{400, 400, 403, 401, 401, 401, 400, 400, 404, 400})
}

// TestMixedDraws compares 15,000 draws of all kinds with CPython's, as text.
func TestMixedDraws(t *testing.T) {
	t.Parallel()
	r, h := pyrand.NewInt(42), sha256.New()
	for i := range int64(3000) {
		a, b := pyrand.AppendRepr(nil, r.Random()), pyrand.AppendRepr(nil, r.Uniform(-1.5, float64(i)))
		fmt.Fprintln(h, string(a), string(b), r.Between(-i, i), r.Bits(int(i%65)), 1+r.Below(1<<(i%63)))
	}
	const want = "f3e5f2cf40ee3a1875df36583ff169953b2f2c156788532a702a133a7c9768a3"
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestBigIsBits(t *testing.T) {
	t.Parallel()
	for k := range 65 {
		r, s := pyrand.NewInt(7), pyrand.NewInt(7)
		for range 10 {
			if a, b := r.Bits(k), s.Big(k); !b.IsUint64() || b.Uint64() != a {
				t.Fatalf("k = %d: %d and %d", k, a, b)
			}
		}
	}
}

func TestImpossibleDrawsPanic(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func(*pyrand.Rand){
		"Below(0)":      func(r *pyrand.Rand) { r.Below(0) },
		"Between(2, 1)": func(r *pyrand.Rand) { r.Between(2, 1) },
		"Bits(-1)":      func(r *pyrand.Rand) { r.Bits(-1) },
		"Bits(65)":      func(r *pyrand.Rand) { r.Bits(65) },
		"Choice of nothing": func(r *pyrand.Rand) {
			pyrand.Choice(r, []int{})
		},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			call(pyrand.NewInt(1))
		}()
	}
}
