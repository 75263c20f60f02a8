package replay

import "sort"

// sheet is an answer laid out by row index beside the ledger.
type sheet struct {
	*ledger
	answer  Answer
	claim   []int32 // per row: index into answer.Claims, or noIndex
	link    []int32 // per row: the event it is tied to without being claimed, or noIndex
	removed []bool

	// as says which row's line of the truth applies to a row. It permutes the
	// rows of a class so that truth and answer agree as well as they can.
	as []int32
}

const (
	duplicatesFile = "duplicates.csv"
	timelineFile   = "timeline.csv"
	removedFile    = "removed.csv"
	cleanFile      = "deduplicated_output.csv"
	otherAudit     = ": is this the audit of another incident?"
)

// newSheet checks that the answer is about the ledger's incident and agrees with itself.
func newSheet(l *ledger, a Answer) (*sheet, error) {
	n := len(l.in.Rows)
	if seen := int64(n + len(a.Rejected)); a.RowsIn != seen {
		return nil, &MismatchError{File: "findings.json", Reason: "the audit read " + count(a.RowsIn, "row") + ", the output has " + count(seen, "row") + otherAudit}
	}
	s := &sheet{ledger: l, answer: a, claim: filled(n, noIndex), link: filled(n, noIndex), removed: make([]bool, n)}
	for _, step := range []func() error{s.placeClaims, s.placeLinks, s.placeRemoved, s.checkClean} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	s.align()
	return s, nil
}

func filled(n int, v int32) []int32 {
	list := make([]int32, n)
	for i := range list {
		list[i] = v
	}
	return list
}

func (s *sheet) placeClaims() error {
	for k, c := range s.answer.Claims {
		i := s.rowIndex(c.Row)
		switch {
		case i == noIndex:
			return &MismatchError{duplicatesFile, c.Row, "the output has no such row" + otherAudit}
		case s.in.Rows[i].values() != c.Values:
			return &MismatchError{duplicatesFile, c.Row, "the output has another row there" + otherAudit}
		case s.claim[i] != noIndex:
			return &MismatchError{duplicatesFile, c.Row, "listed twice"}
		case c.Canonical != 0 && s.rowIndex(c.Canonical) == noIndex:
			return &MismatchError{duplicatesFile, c.Row, "its canonical row is not in the output" + otherAudit}
		}
		s.claim[i] = int32(k)
	}
	return nil
}

// placeLinks ties rows to events: by the timeline; else, for the canonical row
// of a claim, by that claim if it names one event.
func (s *sheet) placeLinks() error {
	for _, k := range s.answer.Links {
		i, e := s.rowIndex(k.Row), s.ids.find(k.Event)
		switch {
		case i == noIndex:
			return &MismatchError{timelineFile, k.Row, "the output has no such row" + otherAudit}
		case e == noIndex:
			return &MismatchError{timelineFile, k.Row, "the source has no event " + k.Event + otherAudit}
		}
		s.link[i] = e
	}
	for _, c := range s.answer.Claims {
		if i := s.rowIndex(c.Canonical); i != noIndex && s.link[i] == noIndex && len(c.Events) == 1 {
			s.link[i] = s.ids.find(c.Events[0])
		}
	}
	return nil
}

func (s *sheet) placeRemoved() error {
	for _, n := range s.answer.Removed {
		i := s.rowIndex(n)
		if i == noIndex {
			return &MismatchError{removedFile, n, "the output has no such row" + otherAudit}
		}
		s.removed[i] = true
	}
	return nil
}

// checkClean sees to it that the clean output really is the output without the
// removed rows: what is judged is the file, not what removed.csv says of it.
func (s *sheet) checkClean() error {
	kept := s.answer.Kept
	for i, r := range s.in.Rows {
		if s.removed[i] {
			continue
		}
		if len(kept) == 0 || kept[0] != r.values() {
			return &MismatchError{cleanFile, r.N, "is neither kept there nor listed in " + removedFile}
		}
		kept = kept[1:]
	}
	if len(kept) > 0 {
		return &MismatchError{File: cleanFile, Reason: "holds " + count(int64(len(kept)), "row") + " beyond those that are left of the output"}
	}
	return nil
}

// align permutes the truth within classes of several rows: duplicates go to
// claimed rows first, and among those to a row whose causes name the true one.
// Rows with the fewest alternatives choose first.
func (s *sheet) align() {
	s.as = make([]int32, len(s.truth))
	byClass := map[int32][]int32{}
	seen := filled(s.classes, noIndex)
	for i, c := range s.class {
		s.as[i] = int32(i)
		switch first := seen[c]; {
		case first == noIndex:
			seen[c] = int32(i)
		case byClass[c] == nil:
			byClass[c] = []int32{first, int32(i)}
		default:
			byClass[c] = append(byClass[c], int32(i))
		}
	}
	for _, rows := range byClass {
		s.alignClass(rows)
	}
}

func (s *sheet) alignClass(rows []int32) {
	choosers := append([]int32(nil), rows...)
	width := func(i int32) int {
		if s.claim[i] == noIndex {
			return 1 << 30 // after every claimed row
		}
		return len(s.answer.Claims[s.claim[i]].Alternatives)
	}
	sort.SliceStable(choosers, func(a, b int) bool { return width(choosers[a]) < width(choosers[b]) })

	// The lines of the truth by what they say; there are few causes.
	var kinds []string
	byKind := map[string][]int32{}
	for _, i := range rows {
		k := s.truth[i].Cause
		if !s.truth[i].Duplicate {
			k = noDuplicate
		}
		if byKind[k] == nil {
			kinds = append(kinds, k)
		}
		byKind[k] = append(byKind[k], i)
	}
	for _, i := range choosers {
		best, bestValue := "", -1.0
		for _, k := range kinds {
			if v := s.fit(i, k); len(byKind[k]) > 0 && v > bestValue {
				best, bestValue = k, v
			}
		}
		s.as[i], byKind[best] = byKind[best][0], byKind[best][1:]
	}
}

// fit says how well a line of the truth suits a claimed row. Rows that are not
// claimed take what is left.
func (s *sheet) fit(i int32, kind string) float64 {
	if s.claim[i] == noIndex || kind == noDuplicate {
		return 0
	}
	return 1 + causeCredit(s.answer.Claims[s.claim[i]], kind)
}

// truthOf is the line of the truth that applies to row i.
func (s *sheet) truthOf(i int32) *TruthRow { return &s.truth[s.as[i]] }

// claimOf is what the answer claims of row i, or nil.
func (s *sheet) claimOf(i int32) *Claim {
	if s.claim[i] == noIndex {
		return nil
	}
	return &s.answer.Claims[s.claim[i]]
}

// each calls f for every true duplicate, in file order.
func (s *sheet) eachDuplicate(f func(i int32)) {
	for i := range s.truth {
		if s.truthOf(int32(i)).Duplicate {
			f(int32(i))
		}
	}
}
