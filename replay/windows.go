package replay

import (
	"cmp"
	"slices"

	"holdfast/replay/tick"
)

// mostWindows bounds the replay windows. When there are more, windows closer
// than twice the gap merge, and so on.
const mostWindows = 4096

// windowSet merges the spans of events attempted more than once into windows
// that lie at least gap apart.
type windowSet struct {
	gap  tick.Nanos
	wins []ReplayWindow // by time, disjoint
}

func (s *windowSet) add(w Window) {
	x := ReplayWindow{From: Instant(w.From), To: Instant(w.To), Events: 1}
	i, _ := slices.BinarySearchFunc(s.wins, x.From, func(w ReplayWindow, t Instant) int { return cmp.Compare(w.From, t) })
	s.wins = slices.Insert(s.wins, i, x)
	s.mergeAround(max(i-1, 0))
	for len(s.wins) > mostWindows {
		s.gap *= 2
		all := s.wins
		s.wins = all[:1]
		for _, w := range all[1:] {
			if last := &s.wins[len(s.wins)-1]; s.close(last, &w) {
				last.join(w)
			} else {
				s.wins = append(s.wins, w)
			}
		}
	}
}

// mergeAround merges the window at i with those after it, as far as they are close.
func (s *windowSet) mergeAround(i int) {
	for i+1 < len(s.wins) {
		switch {
		case s.close(&s.wins[i], &s.wins[i+1]):
			s.wins[i].join(s.wins[i+1])
			s.wins = slices.Delete(s.wins, i+1, i+2)
		default:
			if i++; i+1 < len(s.wins) && !s.close(&s.wins[i], &s.wins[i+1]) {
				return
			}
		}
	}
}

func (s *windowSet) close(a, b *ReplayWindow) bool { return tick.Nanos(b.From-a.To) < s.gap }

func (w *ReplayWindow) join(b ReplayWindow) {
	w.To = max(w.To, b.To)
	w.Events += b.Events
}
