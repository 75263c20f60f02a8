package replay

import "fmt"

// Score grades an answer against the truth (R90, R91, R93) and, beside it,
// the usual rules on the same output (R92). It returns a *MismatchError if the
// three are not about the same output.
//
// Rows of one true event with equal values are interchangeable. A row that
// the source's second emission of a tick made is a duplicate to detect and to
// explain, but two ids mean two events to whoever has only the files: leaving
// it in is not "doubled" (that counts rows of one id), and taking it out is not
// "lost" (a tick is lost when no row of it is left, under any id).
func Score(in Incident, t Truth, a Answer) (Report, error) {
	l, err := newLedger(in, t)
	if err != nil {
		return Report{}, err
	}
	s, err := newSheet(l, a)
	if err != nil {
		return Report{}, err
	}
	r := Report{
		Preset: t.Preset, Seed: t.Seed,
		Rows: int64(len(in.Rows)), Duplicates: l.total, SourceTwins: l.twins,
		Detection: s.detection(),
		Linking:   s.linking(),
		Canonical: CanonicalScore{s.canonicalAccuracy()},
		Dedupe:    l.judge(s.removed),
		Cause:     s.causes(),
		WhatIf:    scoreWhatIf(t.Interventions, a.WhatIf),
		Baselines: l.baselines(),
	}
	r.Pairwise, r.BCubed = s.clusterScores()
	r.Calibration = s.calibration()
	r.Floors = checkFloors(r)
	return r, nil
}

func (s *sheet) detection() Detection {
	d := Detection{}
	for i := range s.truth {
		switch claimed, true_ := s.claim[i] != noIndex, s.truthOf(int32(i)).Duplicate; {
		case claimed && true_:
			d.TP++
		case claimed:
			d.FP++
		case true_:
			d.FN++
		}
	}
	d.PrecisionRecall = precisionRecall(d.TP, d.FP, d.FN)
	return d
}

// precisionRecall is the triple of counts; F1 is 2tp/(2tp+fp+fn), so that it
// is 0, not undefined, when there was something to find and nothing was.
func precisionRecall(tp, fp, fn int64) PrecisionRecall {
	return PrecisionRecall{
		Precision: ratioOf(float64(tp), float64(tp+fp)),
		Recall:    ratioOf(float64(tp), float64(tp+fn)),
		F1:        ratioOf(float64(2*tp), float64(2*tp+fp+fn)),
	}
}

// canonicalAccuracy is the share of the true duplicates for which the answer
// keeps the row that the truth keeps.
func (s *sheet) canonicalAccuracy() Ratio {
	right := 0
	s.eachDuplicate(func(i int32) {
		if s.claim[i] == noIndex {
			return
		}
		kept, should := follow(i, s.answeredCanonical), s.canonical(s.as[i])
		if kept != noIndex && should != noIndex && s.class[kept] == s.class[should] {
			right++
		}
	})
	return ratioOf(float64(right), float64(s.total))
}

// answeredCanonical is the row that the answer keeps instead of row i; the row
// itself if it is not claimed.
func (s *sheet) answeredCanonical(i int32) int32 {
	if c := s.claimOf(i); c != nil {
		return s.rowIndex(c.Canonical)
	}
	return i
}

// judge counts what removing rows does to the true events.
func (l *ledger) judge(removed []bool) DedupeScore {
	var d DedupeScore
	copies := make([]int32, l.classes)  // true duplicates of a class that may still be removed
	kept := make([]int32, l.ids.len())  // rows left of an event
	alive := make([]bool, len(removed)) // clusters with a row left
	for i := range removed {
		if l.truth[i].Duplicate {
			copies[l.class[i]]++
		}
	}
	for i, gone := range removed {
		e, c := l.event[i], l.class[i]
		switch {
		case gone:
			d.Removed++
			if copies[c] > 0 {
				copies[c]--
				d.DuplicatesRemoved++
			}
		default:
			alive[l.clusters.root(int32(i))] = true
			if e != noIndex {
				if kept[e]++; kept[e] == 2 {
					d.EventsDoubled++
				}
			}
		}
	}
	for i := range alive {
		if l.event[i] != noIndex && l.clusters.root(int32(i)) == int32(i) && !alive[i] {
			d.EventsLost++
		}
	}
	return d
}

func count(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
