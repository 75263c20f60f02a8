package replay

// calibrationBins is the number of equal bins of probability of the expected
// calibration error.
const calibrationBins = 10

// calibration compares the stated probability that a claimed row belongs to
// its event with how often it does (a set of m events: 1/m). Ambiguous claims
// count: they state a probability like the others.
func (s *sheet) calibration() Calibration {
	var brier, n float64
	var bins [calibrationBins]struct{ stated, right float64 }
	for i := range s.truth {
		c := s.claimOf(int32(i))
		if c == nil || !c.HasPosterior {
			continue
		}
		right, _ := s.linkCredit(int32(i))
		miss := c.Posterior - right
		brier += float64(miss * miss) // converted: no fused multiply-add, the same on every machine
		n++
		b := &bins[min(calibrationBins-1, max(0, int(c.Posterior*calibrationBins)))]
		b.stated += c.Posterior
		b.right += right
	}
	var gap float64
	for _, b := range bins {
		gap += max(b.stated-b.right, b.right-b.stated)
	}
	return Calibration{Brier: ratioOf(brier, n), ECE: ratioOf(gap, n), Coverage: s.coverage()}
}

// coverage is the share of the true duplicates on which the answer commits
// itself: listed, matched likely or better, with a cause.
func (s *sheet) coverage() Ratio {
	committed := 0
	s.eachDuplicate(func(i int32) {
		if c := s.claimOf(i); c != nil && c.Label >= Likely && !abstainsOnCause(c.Cause) {
			committed++
		}
	})
	return ratioOf(float64(committed), float64(s.total))
}
