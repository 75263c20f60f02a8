package replay

// BaselineNames are the usual rules of R92, from the simplest to those that
// look at the events.
func BaselineNames() []string {
	return []string{
		"key-last", "key-first", "exact-row", "round-5ms-last",
		"floor-200ms-last", "consecutive-line", "near-star", "asof-nearest",
	}
}

// Baselines applies the usual rules to the output and judges what each removes.
func Baselines(in Incident, t Truth) (map[string]Baseline, error) {
	l, err := newLedger(in, t)
	if err != nil {
		return nil, err
	}
	return l.baselines(), nil
}

func (l *ledger) baselines() map[string]Baseline {
	all := make(map[string]Baseline, len(BaselineNames()))
	for _, name := range BaselineNames() {
		removed, linked := applyBaseline(name, l.in)
		d := l.judge(removed)
		all[name] = Baseline{d.Removed, d.DuplicatesRemoved, d.EventsDoubled, d.EventsLost, l.linkShare(linked)}
	}
	return all
}

// applyBaseline says of each row whether the rule removes it, and, if the rule
// ties rows to events, which event (an index into in.Events, or noIndex).
func applyBaseline(name string, in Incident) (removed []bool, linked []int32) {
	switch name {
	case "key-last":
		return keepLast(in.Rows, symbolTime), nil
	case "key-first":
		return keepFirst(in.Rows, symbolTime), nil
	case "exact-row":
		return keepFirst(in.Rows, Row.values), nil
	case "round-5ms-last":
		return keepLast(in.Rows, rounded), nil
	case "floor-200ms-last":
		return keepLast(in.Rows, floored), nil
	case "consecutive-line":
		return dropConsecutive(in.Rows), nil
	case "near-star":
		return keepStarFirst(in.Rows), nil
	case "asof-nearest":
		return keepNearest(in)
	}
	panic("no baseline " + name)
}

// linkShare is the share of the true duplicates that are tied to their event.
func (l *ledger) linkShare(linked []int32) Ratio {
	if linked == nil {
		return Ratio{}
	}
	right := 0
	for i := range l.truth {
		if l.truth[i].Duplicate && linked[i] != noIndex && l.reports(int32(i), int32(i), l.ids.find(l.in.Events[linked[i]].ID)) {
			right++
		}
	}
	return ratioOf(float64(right), float64(l.total))
}
