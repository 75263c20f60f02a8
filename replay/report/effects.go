package report

import (
	"cmp"
	"math"
	"slices"

	"holdfast/replay"
)

// Effect is what a safeguard would do to the duplicates of this incident: the
// figures by which future_improvements.md ranks its ideas. It is a plain value,
// so that whoever replays safeguards over the recorded attempts can hand in
// measured effects in place of those of EffectsByCause.
type Effect struct {
	Safeguard string // slug, such as unique-event-id
	Parameter string // such as 10s; empty if it has none

	PreventedLo int64 // duplicates prevented whatever the records leave open
	PreventedHi int64 // duplicates prevented at best
	EventsLost  int64 // events that may be lost; the safeguard is harmful if there are any
	Keys        int64 // keys that it holds at its peak; -1: not known
	Measured    bool  // by replaying the incident; else read off the causes
}

// keyBytes is what a key takes at least: a 128-bit digest.
const keyBytes = 16

// Slugs of the safeguards.
const (
	uniqueEventID     = "unique-event-id"
	upsertEventID     = "upsert-event-id"
	uniqueKey         = "unique-symbol-timestamp"
	uniqueKeyPrice    = "unique-symbol-timestamp-price"
	windowFixed       = "window-fixed"
	windowSliding     = "window-sliding"
	lru               = "lru"
	markBeforeDeliver = "mark-before-deliver"
	lease             = "lease"
	heartbeatLease    = "heartbeat-lease"
	fencingToken      = "fencing-token"
	partitionSymbol   = "partition-symbol"
	partitionEvent    = "partition-event"
	transactionalSink = "transactional-sink"
	inFlightSet       = "in-flight-set"
	toleranceDedupe   = "tolerance-dedupe"
	sourceDedupe      = "source-dedupe"
)

// coverage says which causes a safeguard removes (always) and which it may
// remove, depending on timing (sometimes).
type coverage struct {
	slug      string
	always    []replay.Cause
	sometimes []replay.Cause
}

// anyWithID are the causes whose copies carry the id of an event that was
// written before: all but a source that gives one tick two ids.
var anyWithID = []replay.Cause{
	replay.SourceIDRepeat, replay.SinkDoubleEmit, replay.RestartBurst, replay.ShortLease, replay.HedgedAttempt,
	replay.SameWorkerDoubleClaim, replay.ConcurrentDoubleClaim, replay.CrashReplay, replay.TimeoutThenLateCommit,
	replay.RetryAfterSuccess, replay.UnexplainedCause, replay.UnknownCause,
}

var (
	// notKnown are duplicates that any safeguard might have prevented, for all
	// that is known.
	notKnown    = []replay.Cause{replay.UnknownCause, replay.UnexplainedCause}
	overlapping = []replay.Cause{replay.ConcurrentDoubleClaim, replay.SameWorkerDoubleClaim, replay.ShortLease, replay.HedgedAttempt}
	redelivered = []replay.Cause{replay.RetryAfterSuccess, replay.TimeoutThenLateCommit, replay.CrashReplay, replay.RestartBurst}
)

// coverages is in the order in which equals are listed.
var coverages = []coverage{
	{slug: uniqueEventID, always: anyWithID},
	{slug: upsertEventID, always: anyWithID},
	{slug: windowFixed, always: overlapping, sometimes: anyWithID},
	{slug: windowSliding, always: overlapping, sometimes: anyWithID},
	{slug: lru, always: overlapping, sometimes: anyWithID},
	{slug: inFlightSet, always: overlapping, sometimes: []replay.Cause{replay.TimeoutThenLateCommit}},
	{slug: transactionalSink, always: redelivered},
	{slug: partitionEvent, always: []replay.Cause{replay.ConcurrentDoubleClaim}, sometimes: []replay.Cause{replay.ShortLease, replay.HedgedAttempt}},
	{slug: partitionSymbol, always: []replay.Cause{replay.ConcurrentDoubleClaim}, sometimes: []replay.Cause{replay.ShortLease, replay.HedgedAttempt}},
	{slug: heartbeatLease, always: []replay.Cause{replay.ShortLease}, sometimes: []replay.Cause{replay.HedgedAttempt, replay.TimeoutThenLateCommit}},
	{slug: lease, always: []replay.Cause{replay.ShortLease}, sometimes: []replay.Cause{replay.HedgedAttempt}},
	{slug: fencingToken, sometimes: append([]replay.Cause{replay.TimeoutThenLateCommit, replay.CrashReplay}, overlapping...)},
	{slug: sourceDedupe, always: []replay.Cause{replay.SourceIDRepeat, replay.SourceDoubleEmit}},
	{slug: markBeforeDeliver, sometimes: append(append([]replay.Cause{replay.SourceIDRepeat}, redelivered...), overlapping...)},
	{slug: uniqueKeyPrice},
	{slug: uniqueKey},
	{slug: toleranceDedupe},
}

// EffectsByCause reads off the causes what each safeguard would have done: how
// many duplicates have a cause that it always removes, and how many one that
// it may remove. That is less than a replay: it knows no gaps, windows or
// orders of commits.
func EffectsByCause(in *Incident) []Effect {
	s := in.Summary
	list := make([]Effect, len(coverages))
	for i, c := range coverages {
		e := Effect{Safeguard: c.slug, Keys: -1}
		if len(c.always)+len(c.sometimes) > 0 {
			e.PreventedLo = countOf(s, c.always)
			e.PreventedHi = countOf(s, union(union(c.always, c.sometimes), notKnown))
		}
		adjustEffect(&e, in)
		if !hasEvents(s) { // then even the duplicates are in doubt
			e.PreventedLo = 0
		}
		list[i] = e
	}
	return list
}

// adjustEffect adds what the causes do not tell.
func adjustEffect(e *Effect, in *Incident) {
	s := in.Summary
	duplicates := countOf(s, append([]replay.Cause{replay.SourceDoubleEmit}, anyWithID...))
	k := &s.ByKey
	switch e.Safeguard {
	case uniqueEventID, upsertEventID:
		e.Keys = keyCount(in)
	case uniqueKey:
		e.PreventedHi = min(duplicates, max(0, k.ExtraRows-k.Collisions))
		e.EventsLost, e.Keys = k.Collisions+k.Mixed, keyCount(in)
	case uniqueKeyPrice:
		atSameTime := duplicates - s.Shift.Early - s.Shift.Late
		e.PreventedHi, e.Keys = max(0, min(atSameTime, s.Shift.SamePrice)), keyCount(in)
	case toleranceDedupe:
		e.PreventedHi, e.EventsLost = duplicates, falsePairs(in)
	case markBeforeDeliver:
		e.EventsLost = min(s.Attempts.Total-s.Attempts.Success, s.Other[replay.HarmlessRace])
	}
}

// keyCount is how many keys a sink holds that remembers every event; without
// events, at most one a row.
func keyCount(in *Incident) int64 {
	if hasEvents(in.Summary) {
		return in.Summary.ByEvent.Events
	}
	return in.Summary.Rows.In
}

// countOf adds up the duplicates of some causes.
func countOf(s *replay.Summary, causes []replay.Cause) int64 {
	var n int64
	for _, c := range causes {
		n += s.Causes[c.String()].Count
	}
	return n
}

func union(a, b []replay.Cause) []replay.Cause {
	all := slices.Clone(a)
	for _, c := range b {
		if !slices.Contains(all, c) {
			all = append(all, c)
		}
	}
	return all
}

// rank orders effects: more prevented for sure, more prevented at best, fewer
// keys held, an unknown number last.
func rank(a, b Effect) int {
	keys := func(e Effect) int64 {
		if e.Keys < 0 {
			return math.MaxInt64
		}
		return e.Keys
	}
	return cmp.Or(
		cmp.Compare(b.PreventedLo, a.PreventedLo),
		cmp.Compare(b.PreventedHi, a.PreventedHi),
		cmp.Compare(keys(a), keys(b)),
	)
}
