package replay

// linking says how often rows are tied to the events that they report.
//
// The answered event of a row stands in duplicates.csv if the row is claimed,
// else in timeline.csv. A row that neither names belongs to the events with
// exactly its values, if there are any: an audit ties such rows first (R30),
// and has no line of the timeline for an event that was never attempted.
func (s *sheet) linking() Linking {
	var sure, guess, decided, decidedSure, all, rows float64
	for i := range s.truth {
		if s.event[i] == noIndex {
			continue
		}
		credit, abstains := s.linkCredit(int32(i))
		rows++
		if !abstains {
			all += credit
		}
		if !s.truthOf(int32(i)).Duplicate {
			continue
		}
		guess += credit
		if abstains {
			continue
		}
		sure += credit
		if s.claim[i] != noIndex {
			decided++
			decidedSure += credit
		}
	}
	n := float64(s.total)
	return Linking{
		Accuracy: ratioOf(sure, n), BestGuess: ratioOf(guess, n),
		Decided: ratioOf(decided, n), DecidedAccuracy: ratioOf(decidedSure, decided),
		AllRows: ratioOf(all, rows),
	}
}

// linkCredit is 1/m if the row's event is among the m that the answer names,
// else 0; and whether the answer calls the match ambiguous, or the row an orphan.
func (s *sheet) linkCredit(i int32) (credit float64, abstains bool) {
	if c := s.claimOf(i); c != nil {
		for _, id := range c.Events {
			if s.rightEvent(i, s.ids.find(id)) {
				return 1 / float64(len(c.Events)), c.Label < Likely
			}
		}
		return 0, c.Label < Likely
	}
	exact := s.sets.exact(s.in.Rows[i].values())
	if e := s.link[i]; e != noIndex && s.sets.of[e] != exact {
		if s.rightEvent(i, e) {
			return 1, false
		}
		return 0, false
	}
	// The row repeats its events exactly: they are one set, whichever of them is named.
	if exact != noIndex && s.event[i] != noIndex && s.sets.of[s.event[i]] == exact {
		return 1 / float64(s.sets.size[exact]), false
	}
	return 0, exact == noIndex
}

func (s *sheet) rightEvent(i, e int32) bool { return s.reports(i, s.as[i], e) }

// reports says whether row i, to which line t of the truth applies, reports
// event e: its own, or, for the row of a source's second emission, the event
// under its first id.
func (l *ledger) reports(i, t, e int32) bool {
	if e == noIndex || l.event[i] == e {
		return e != noIndex
	}
	if !l.truth[t].Duplicate {
		return false
	}
	first := l.canonical(t)
	return first != noIndex && l.event[first] == e
}
