package replay

// noDuplicate stands in the confusion table for rows that are none, or that
// the answer does not list.
const noDuplicate = "none"

// abstainsOnCause: these slugs say that no cause could be given.
func abstainsOnCause(slug string) bool {
	return slug == NoCause.String() || slug == UnknownCause.String() || slug == UnexplainedCause.String()
}

// causeCredit is 1/|set| if the true cause is in the claim's set of cause and
// alternatives, else 0.
func causeCredit(c Claim, truth string) float64 {
	if abstainsOnCause(c.Cause) {
		return 0
	}
	size, hit := 1, c.Cause == truth
	for _, alt := range c.Alternatives {
		if alt != c.Cause {
			size++
			hit = hit || alt == truth
		}
	}
	if !hit {
		return 0
	}
	return 1 / float64(size)
}

// causes judges the causes of the true duplicates. F1 per cause is by the
// first cause named, over all rows, so a cause given to a row that is no
// duplicate counts against it; the mean runs over every cause that the truth
// or the answer has.
func (s *sheet) causes() CauseScore {
	score := CauseScore{Confusion: map[string]map[string]int64{}}
	var credit float64
	for i := range s.truth {
		t, c := s.truthOf(int32(i)), s.claimOf(int32(i))
		if !t.Duplicate && c == nil {
			continue
		}
		truth, answered := noDuplicate, noDuplicate
		if c != nil {
			answered = c.Cause
		}
		if t.Duplicate {
			truth = t.Cause
			if c != nil {
				credit += causeCredit(*c, truth)
			}
		}
		if score.Confusion[truth] == nil {
			score.Confusion[truth] = map[string]int64{}
		}
		score.Confusion[truth][answered]++
	}
	score.Credit = ratioOf(credit, float64(s.total))
	score.MacroF1 = macroF1(score.Confusion)
	return score
}

func macroF1(confusion map[string]map[string]int64) Ratio {
	type tally struct{ tp, fp, fn int64 }
	tallies := map[string]*tally{}
	at := func(slug string) *tally {
		if tallies[slug] == nil {
			tallies[slug] = &tally{}
		}
		return tallies[slug]
	}
	for truth, row := range confusion {
		for answered, n := range row {
			if truth == answered {
				at(truth).tp += n
				continue
			}
			at(truth).fn += n
			at(answered).fp += n
		}
	}
	var sum, classes float64
	for _, slug := range sortedKeys(tallies) { // a fixed order of summation
		if slug == noDuplicate || abstainsOnCause(slug) {
			continue
		}
		t := tallies[slug]
		sum += precisionRecall(t.tp, t.fp, t.fn).F1.Value
		classes++
	}
	return ratioOf(sum, classes)
}
