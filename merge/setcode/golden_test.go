package setcode

import (
	"encoding/hex"
	"slices"
	"testing"
)

// The vectors of the format: a payload as hexadecimal digits, the bits to the
// left.
func TestGolden(t *testing.T) {
	strided := make([]uint64, 20)
	for i := range strided {
		strided[i] = uint64(3 * i)
	}
	for _, c := range []struct {
		universe          uint64
		set               []uint64
		counted, adaptive string
		bits              [2]int
	}{
		{12, []uint64{1, 5, 9}, "9f8", "048c", [2]int{9, 16}},
		{10, []uint64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, "", "03a", [2]int{0, 11}},
		{1e6, []uint64{0, 1, 999999}, "fce831188e90710", "029eb8d68", [2]int{57, 34}},
		{4096, strided, "fc52b817bccabda84b0cceab06e798446dcf2bcf0fade", "00836", [2]int{180, 19}},
		{1 << 31, []uint64{5, 1 << 20, 1 << 30, 1<<31 - 1}, "fc10002e2f820f008675b5b2f1c9a1", "0d4f7ffe716fb7fffd50ff45fec", [2]int{120, 106}},
	} {
		for mode, want := range []string{c.counted, c.adaptive} {
			p := Encode(Mode(mode), c.set, c.universe)
			got := hex.EncodeToString(p.Bytes)
			if len(got) > 0 {
				got = got[:(p.Bits+3)/4]
			}
			if got != want || p.Bits != c.bits[mode] {
				t.Errorf("%v of %v in %d: %d bits %s, want %d bits %s", Mode(mode), c.set, c.universe, p.Bits, got, c.bits[mode], want)
			}
			var w Writer
			w.Payload(p)
			back, err := Decode(nil, Mode(mode), NewReader(w.Words()), len(c.set), c.universe)
			if err != nil || !slices.Equal(back, c.set) {
				t.Errorf("%v of %v in %d: decoded %v, %v", Mode(mode), c.set, c.universe, back, err)
			}
		}
	}
}

func TestGoldenNumbers(t *testing.T) {
	for _, c := range []struct {
		k    int
		v    uint64
		want string
	}{{0, 0, "1"}, {8, 271, "01000001111"}, {10, 5000, "001011110001000"}} {
		var w Writer
		w.EG(c.k, c.v)
		r := NewReader(w.Words())
		got := ""
		for range w.Len() {
			got += string('0' + rune(r.Read(1)))
		}
		if got != c.want || EGBits(c.k, c.v) != len(c.want) {
			t.Errorf("EG%d(%d) = %s, want %s", c.k, c.v, got, c.want)
		}
		if back := NewReader(w.Words()).EG(c.k); back != c.v {
			t.Errorf("EG%d(%d) reads back as %d", c.k, c.v, back)
		}
	}
	if got := CRC32C([]int32{1, 5, 9}); Checksum([]int32{1, 5, 9}) != got&(1<<31-1) {
		t.Errorf("checksum and CRC differ")
	} else if Checksum([]int32{1, 5, 9}) != 1496405881 {
		t.Errorf("checksum of 1 5 9 = %d", got)
	}
}
