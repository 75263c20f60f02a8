package dedupe

import (
	"maps"
	"slices"

	"holdfast/replay/ingest"
)

// nameSet remembers the symbols that it has seen, up to maxNames of them, to
// find those that differ in case or outer spaces only (R11).
type nameSet struct {
	recent [64]string // by nameSlot: most symbols are found here
	known  map[string]bool
}

// Bounds as in ingest: they limit what a column of unique texts can take.
const (
	maxNames = 1 << 16
	maxName  = 128 // bytes
)

func nameSlot(b []byte) int { return (len(b)*7 + int(b[0])*5 + int(b[len(b)-1])) & 63 }

// see takes a symbol, which is not empty.
func (s *nameSet) see(b []byte) {
	slot := nameSlot(b)
	if s.recent[slot] == string(b) || len(b) > maxName || len(s.known) >= maxNames {
		return
	}
	if s.known == nil {
		s.known = map[string]bool{}
	}
	name := string(b)
	s.recent[slot], s.known[name] = name, true
}

func (s *nameSet) add(t *nameSet) {
	if s.known == nil {
		s.known = map[string]bool{}
	}
	maps.Copy(s.known, t.known)
}

// near returns a warning for each set of symbols that are nearly the same.
func (s *nameSet) near() []string {
	var each []ingest.Stats // one symbol each: ingest compares what no single file has
	for _, name := range slices.Sorted(maps.Keys(s.known)) {
		each = append(each, ingest.Stats{Symbols: []string{name}})
	}
	return ingest.NearSymbols(each...)
}
