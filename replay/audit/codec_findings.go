package audit

import "holdfast/replay"

func encodeTimed(e *encoder, t replay.Timed) {
	e.str(t.Event)
	encodeAttempt(e, t.Attempt)
	e.time(t.EventTime)
	e.bool(t.HasEvent)
}

func decodeTimed(d *decoder) replay.Timed {
	event := d.str()
	t := replay.Timed{Attempt: decodeAttempt(d)}
	t.Event, t.EventTime, t.HasEvent = event, d.time(), d.bool()
	return t
}

func encodeAttemptOfEvent(e *encoder, a replay.Attempt) {
	e.str(a.Event)
	encodeAttempt(e, a)
}

func decodeAttemptOfEvent(d *decoder) replay.Attempt {
	event := d.str()
	a := decodeAttempt(d)
	a.Event = event
	return a
}

func encodeRetry(e *encoder, r replay.Retry) {
	encodeAttemptOfEvent(e, r.Attempt)
	e.int(r.Rank)
	e.int(int64(r.Position))
}

func decodeRetry(d *decoder) replay.Retry {
	return replay.Retry{Attempt: decodeAttemptOfEvent(d), Rank: d.int(), Position: int(d.int())}
}

func encodeCause(e *encoder, c replay.Cause) { e.uint(uint64(c)) }
func decodeCause(d *decoder) replay.Cause    { return replay.Cause(d.uint()) }
func encodeCount(e *encoder, n int)          { e.int(int64(n)) }
func decodeCount(d *decoder) int             { return int(d.int()) }

func encodeDuplicate(e *encoder, v replay.Duplicate) {
	encodeRow(e, v.Row)
	encodeList(e, v.EventIDs, (*encoder).str)
	e.str(v.Owner)
	e.int(v.CanonicalRow)
	e.time(v.TimeShift)
	e.price(v.PriceShift)
	encodeCause(e, v.Cause)
	encodeList(e, v.Also, encodeCause)
	encodeList(e, v.Alternatives, encodeCause)
	e.uint(uint64(v.Grade))
	encodeList(e, v.Attempts, encodeCount)
	e.str(v.Evidence)
	e.uint(uint64(v.Label))
	e.float(v.Posterior)
	encodeList(e, v.EventAlternatives, encodeAlt)
	e.bool(v.Removed)
}

func decodeDuplicate(d *decoder) replay.Duplicate {
	return replay.Duplicate{
		Row: decodeRow(d), EventIDs: decodeList(d, (*decoder).str), Owner: d.str(), CanonicalRow: d.int(),
		TimeShift: d.time(), PriceShift: d.price(),
		Cause: decodeCause(d), Also: decodeList(d, decodeCause), Alternatives: decodeList(d, decodeCause),
		Grade: replay.Grade(d.uint()), Attempts: decodeList(d, decodeCount), Evidence: d.str(),
		Label: replay.Label(d.uint()), Posterior: d.float(), EventAlternatives: decodeList(d, decodeAlt), Removed: d.bool(),
	}
}

func encodeEntry(e *encoder, t replay.TimelineEntry) {
	encodeAttemptOfEvent(e, t.Attempt)
	e.int(int64(t.Number))
	e.int(int64(t.Retry))
	e.uint(uint64(t.Kind))
	e.time(t.Gap)
	e.bool(t.HasGap)
	e.str(t.Symbol)
	e.time(t.EventTime)
	e.bool(t.HasEvent)
	e.int(int64(t.OverlapGroup))
	encodeList(e, t.OverlapsWith, encodeCount)
	e.int(int64(t.OverlapsMore))
	e.uint(uint64(t.Fate))
	encodeList(e, t.Rows, (*encoder).int)
	e.int(int64(t.RowsMore))
	encodeList(e, t.Notes, (*encoder).str)
}

func decodeEntry(d *decoder) replay.TimelineEntry {
	return replay.TimelineEntry{
		Attempt: decodeAttemptOfEvent(d), Number: decodeCount(d), Retry: decodeCount(d), Kind: replay.RetryKind(d.uint()),
		Gap: d.time(), HasGap: d.bool(), Symbol: d.name(), EventTime: d.time(), HasEvent: d.bool(),
		OverlapGroup: decodeCount(d), OverlapsWith: decodeList(d, decodeCount), OverlapsMore: decodeCount(d),
		Fate: replay.Fate(d.uint()), Rows: decodeList(d, (*decoder).int), RowsMore: decodeCount(d),
		Notes: decodeList(d, (*decoder).name),
	}
}

func encodeAnalysis(e *encoder, x replay.Analysis) {
	e.str(x.Symbol)
	e.time(x.Time)
	e.str(x.Timestamp)
	e.int(x.Occurrences)
	e.price(x.PriceMin)
	e.price(x.PriceMax)
	e.time(x.TimeSpread)
	e.bool(x.SamePrice)
	e.bool(x.SameTimestamp)
	e.uint(uint64(x.View))
	e.uint(uint64(x.Verdict))
	e.str(x.EventID)
	e.uint(uint64(x.Confidence))
	e.uint(uint64(x.Causes))
	e.uint(uint64(x.Grade))
	encodeList(e, x.Rows, (*encoder).int)
	e.int(x.RowsMore)
}

func decodeAnalysis(d *decoder) replay.Analysis {
	return replay.Analysis{
		Symbol: d.name(), Time: d.time(), Timestamp: d.str(), Occurrences: d.int(), PriceMin: d.price(), PriceMax: d.price(),
		TimeSpread: d.time(), SamePrice: d.bool(), SameTimestamp: d.bool(),
		View: replay.View(d.uint()), Verdict: replay.Verdict(d.uint()), EventID: d.str(), Confidence: replay.Label(d.uint()),
		Causes: replay.CauseSet(d.uint()), Grade: replay.Grade(d.uint()), Rows: decodeList(d, (*decoder).int), RowsMore: d.int(),
	}
}

func keyDecision(e *encoder, v replay.Decision) { e.keyInt(v.Row) }

func encodeDecision(e *encoder, v replay.Decision) {
	e.int(v.Row)
	e.bool(v.Removed)
	e.price(v.Price)
	e.int(v.KeptRow)
	e.str(v.Reason)
	encodeList(e, v.EventIDs, (*encoder).str)
	e.uint(uint64(v.Label))
}

func decodeDecision(d *decoder) replay.Decision {
	return replay.Decision{
		Row: d.int(), Removed: d.bool(), Price: d.price(), KeptRow: d.int(), Reason: d.name(),
		EventIDs: decodeList(d, (*decoder).str), Label: replay.Label(d.uint()),
	}
}

func encodeKeyRow(e *encoder, r replay.KeyRow) {
	encodeMatch(e, r.Match)
	e.int(int64(r.EventRows))
	encodeCause(e, r.Cause)
	e.uint(uint64(r.Grade))
}

func decodeKeyRow(d *decoder) replay.KeyRow {
	return replay.KeyRow{Match: decodeMatch(d), EventRows: decodeCount(d), Cause: decodeCause(d), Grade: replay.Grade(d.uint())}
}

func encodeHinted(e *encoder, h hinted) {
	e.int(h.row)
	e.str(h.hints.Late)
	e.time(h.hints.LateShift)
	e.str(h.hints.Foreign)
	e.str(h.hints.Nearest)
	e.time(h.hints.NearestTimeShift)
	e.price(h.hints.NearestPriceShift)
}

func decodeHinted(d *decoder) hinted {
	return hinted{row: d.int(), hints: replay.OrphanHints{
		Late: d.str(), LateShift: d.time(), Foreign: d.str(),
		Nearest: d.str(), NearestTimeShift: d.time(), NearestPriceShift: d.price(),
	}}
}
