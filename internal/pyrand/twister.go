package pyrand

// Constants of MT19937 (Matsumoto and Nishimura, 1998).
const (
	stateWords = 624
	stateShift = 397
	upperBit   = 0x80000000
	lowerBits  = 0x7fffffff
)

// twister is the generator of 32-bit words.
type twister struct {
	state [stateWords]uint32
	used  int // words of state that were handed out since the last twist
}

// seedKey is the authors' init_by_array.
func (t *twister) seedKey(key []uint32) {
	t.seedWord(19650218)
	i, j := 1, 0
	advance := func() {
		if i++; i == stateWords {
			t.state[0] = t.state[stateWords-1]
			i = 1
		}
	}
	for range max(stateWords, len(key)) {
		t.state[i] = t.state[i] ^ t.mixed(i-1)*1664525 + key[j] + uint32(j)
		advance()
		if j++; j == len(key) {
			j = 0
		}
	}
	for range stateWords - 1 {
		t.state[i] = t.state[i] ^ t.mixed(i-1)*1566083941 - uint32(i)
		advance()
	}
	t.state[0] = upperBit
}

// seedWord is the authors' init_genrand.
func (t *twister) seedWord(seed uint32) {
	t.state[0] = seed
	for i := 1; i < stateWords; i++ {
		t.state[i] = t.mixed(i-1)*1812433253 + uint32(i)
	}
	t.used = stateWords
}

func (t *twister) mixed(i int) uint32 { return t.state[i] ^ t.state[i]>>30 }

// next is the authors' genrand_int32.
func (t *twister) next() uint32 {
	if t.used == stateWords {
		t.twist()
	}
	w := t.state[t.used]
	t.used++
	w ^= w >> 11
	w ^= w << 7 & 0x9d2c5680
	w ^= w << 15 & 0xefc60000
	return w ^ w>>18
}

// twist makes the next 624 words.
func (t *twister) twist() {
	for i := range t.state {
		y := t.state[i]&upperBit | t.state[(i+1)%stateWords]&lowerBits
		w := t.state[(i+stateShift)%stateWords] ^ y>>1
		if y&1 != 0 {
			w ^= 0x9908b0df
		}
		t.state[i] = w
	}
	t.used = 0
}
