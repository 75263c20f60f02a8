package audit

import (
	"cmp"
	"errors"
	"slices"

	"holdfast/replay"
	"holdfast/replay/ingest"
	"holdfast/replay/match"
)

// near stands in for link and gather where there are no events: rows that lie
// close together are taken for one event (R39).
func (a *audit) near() error {
	a.step("near rows", 0, 0)
	clusters := newTable(a.w, func(e *encoder, c replay.EventCase) { keyCase(e, c); e.keyInt(c.Rows[0].Row.N) }, encodeCase, decodeCase)
	var err error
	a.link_.totals, err = match.Near(a.watchGroups(a.in.rows.all()), a.matchConfig(nil), func(c match.Cluster) {
		clusters.add(nearCase(c))
	})
	a.w.fail(a.tolerable(err))
	if err != nil { // no tolerance to be had: every row stands alone
		for r := range a.watchGroups(a.in.rows.all()) {
			clusters.add(nearCase(match.Cluster{Rows: []replay.Row{r}}))
		}
	}
	a.in.rows.close()
	unknown := newTable(a.w, keyCase, encodeCase, decodeCase)
	for c := range a.joined.all() {
		unknown.add(c)
	}
	a.joined.close()
	a.case_.cases, a.case_.unknown = clusters.done(), unknown.done()
	a.case_.twins, a.case_.quotes = newTwins(a.w).done(), newQuotes(a.w).done()
	a.link_.orphans = newTable(a.w, keyMatchN, encodeMatch, decodeMatch).done()
	return a.w.err
}

// tolerable lets an audit go on without a tolerance; a command that was asked
// for one cannot (R33d).
func (a *audit) tolerable(err error) error {
	if !errors.Is(err, match.ErrTooFew) && !errors.Is(err, match.ErrAutocorrelated) && !errors.Is(err, match.ErrNoExcess) {
		return err
	}
	if !a.needTolerance {
		return nil
	}
	return &ingest.InputError{File: a.cfg.Output, Reason: err.Error(), Hint: "name one, such as --tolerance 10ms,0.50", Err: err}
}

// nearCase is a cluster seen as the event that its centre reports.
func nearCase(c match.Cluster) replay.EventCase {
	centre := c.Rows[0]
	x := replay.EventCase{
		Event:   replay.Event{Time: centre.Time, Symbol: centre.Symbol, Price: centre.Price},
		Repeats: 1,
	}
	for i, r := range c.Rows {
		x.Rows = append(x.Rows, replay.Match{Row: r, Canonical: i == 0, Label: replay.Likely, Covered: true})
	}
	slices.SortFunc(x.Rows, func(a, b replay.Match) int { return cmp.Compare(a.Row.N, b.Row.N) })
	return x
}
