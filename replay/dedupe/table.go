package dedupe

import "math/bits"

// table is an open-addressing set of hashes that remembers which were added
// more than once. A slot is the low 30 bits of the hash, then bit 1 for "taken"
// and bit 0 for "more than once"; zero is a free slot.
type table struct {
	slots []uint32
	mask  uint32
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
		t.slots = make([]uint32, size)
	}
	t.mask, t.used, t.again = uint32(size-1), 0, false
}

func (t *table) add(hash uint32) {
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
func (t *table) repeated(hash uint32) bool {
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
	t.slots = make([]uint32, 2*len(old))
	t.mask = uint32(len(t.slots) - 1)
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
