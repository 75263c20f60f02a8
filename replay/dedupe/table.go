package dedupe

import "math/bits"

// table is an open-addressing set of partial hashes that remembers which were
// added more than once. A slot is the hash shifted left by two, with bit 1 for
// "taken" and bit 0 for "more than once"; zero is a free slot.
type table struct {
	slots []uint64
	mask  uint64
	used  int
	again bool // some hash was added more than once
}

const (
	slotTaken = 2
	slotAgain = 1
	// tableStart bounds the first size of a table by what stays in a core's
	// own cache; a partition of few distinct keys never grows beyond it.
	tableStart = 1 << 16
)

// reset empties the table and makes room for n hashes, or for tableStart/2 of
// them if n is more.
func (t *table) reset(n int) {
	size := 1 << bits.Len(uint(2*n))
	size = max(16, min(size, tableStart))
	if size <= cap(t.slots) {
		t.slots = t.slots[:size]
		clear(t.slots)
	} else {
		t.slots = make([]uint64, size)
	}
	t.mask, t.used, t.again = uint64(size-1), 0, false
}

func (t *table) add(hash uint64) {
	want := hash<<2 | slotTaken
	for i := hash & t.mask; ; i = (i + 1) & t.mask {
		switch s := t.slots[i]; {
		case s == 0:
			t.slots[i] = want
			t.used++
			if t.used*8 > len(t.slots)*5 {
				t.grow()
			}
			return
		case s&^slotAgain == want:
			t.slots[i] = s | slotAgain
			t.again = true
			return
		}
	}
}

// repeated reports whether hash was added more than once.
func (t *table) repeated(hash uint64) bool {
	want := hash<<2 | slotTaken
	for i := hash & t.mask; ; i = (i + 1) & t.mask {
		switch s := t.slots[i]; {
		case s == 0:
			return false
		case s&^slotAgain == want:
			return s&slotAgain != 0
		}
	}
}

func (t *table) grow() {
	old := t.slots
	t.slots = make([]uint64, 2*len(old))
	t.mask = uint64(len(t.slots) - 1)
	for _, s := range old {
		if s == 0 {
			continue
		}
		i := s >> 2 & t.mask
		for t.slots[i] != 0 {
			i = (i + 1) & t.mask
		}
		t.slots[i] = s
	}
}
