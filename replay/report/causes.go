package report

import (
	"slices"

	"holdfast/replay"
)

// causeProse is what the documents say of a cause besides its figures.
type causeProse struct {
	cause replay.Cause
	title string
	// means tells in a sentence how such a copy comes to be.
	means string
	// shows tells by what the records give it away.
	shows string
	// cure ends a story: what would have stopped the copy and what would not.
	// %s is the event's id.
	cure string
}

// causes are in the order in which they are tried (R50).
var causes = []causeProse{
	{
		cause: replay.SourceIDRepeat,
		title: "The source sent the record twice",
		means: "The raw log holds the same record, id and all, more than once: the source delivers at least once, and each delivery was processed.",
		shows: "The id stands more than once in the raw log, with identical values.",
		cure:  "Refusing a second %s, at the source or at the sink, would have stopped it; nothing among the workers would.",
	},
	{
		cause: replay.SourceDoubleEmit,
		title: "The source sent the tick under two ids",
		means: "One tick seems to have been published twice under different event ids; everything downstream then did its job, twice.",
		shows: "Two ids of one symbol at practically one price and time, each with one attempt and one row of its own.",
		cure:  "Nothing keyed by the event id can stop it, %s being a new id; only a check of the ticks themselves at the source can.",
	},
	{
		cause: replay.SinkDoubleEmit,
		title: "One attempt wrote more than one row",
		means: "The worker did the event once and the row came out more than once: the write was sent again after its answer was lost, or the sink repeated it.",
		shows: "There are more rows than attempts.",
		cure:  "A sink that refuses a second %s would have stopped it; leases and locks among the workers would not, because no second attempt ran.",
	},
	{
		cause: replay.RestartBurst,
		title: "A restart went back and did a stretch of the stream again",
		means: "After a pause the workers resumed from an older position than they had reached, and wrote again what had been written.",
		shows: "A run of events is attempted again in stream order, after a silence or faster than the first time.",
		cure:  "Storing the position together with the output would have stopped it, and so would a sink that refuses a second %s; a lease would not.",
	},
	{
		cause: replay.ShortLease,
		title: "The lease ran out before the work was done",
		means: "The queue handed an unfinished event to the next worker when its lease (visibility timeout, AckWait) ran out, while the first worker was still at it. Both finished, both wrote.",
		shows: "Attempts of one event overlap, and their starts lie one and the same span apart.",
		cure:  "A lease longer than the work, or one that is renewed while the work runs, would have stopped it; so would a sink that refuses a second %s.",
	},
	{
		cause: replay.HedgedAttempt,
		title: "A second attempt was started on purpose because the first was slow",
		means: "The system raced a second attempt against a slow first one, to cut the tail of its latency, and then took both results.",
		shows: "Successful attempts overlap, and the second starts when the first has taken about as long as the slowest twentieth of all attempts.",
		cure:  "A sink that refuses a second %s would have stopped it without giving up the hedging; a longer lease would not.",
	},
	{
		cause: replay.SameWorkerDoubleClaim,
		title: "One worker took the same event twice",
		means: "Two slots of one worker held the event at the same time: the worker checks for work it already has too late, or not at all.",
		shows: "Two attempts of one event overlap on one worker.",
		cure:  "A sink that refuses a second %s would have stopped it; partitioning the work and leases per worker would not, because both claims were the same worker's.",
	},
	{
		cause: replay.ConcurrentDoubleClaim,
		title: "Two workers took the same event",
		means: "The claim is a look followed by a mark, not one act: two workers looked before either had marked, so both took the event and both wrote.",
		shows: "Attempts of one event overlap on different workers, without the constant gap of an expiring lease.",
		cure:  "A sink that refuses a second %s would have stopped it; a lease would not.",
	},
	{
		cause: replay.CrashReplay,
		title: "A worker died after writing and before acknowledging",
		means: "The row was out, the acknowledgement was not, when the worker died; the event was handed out again and written again.",
		shows: "The earlier attempt has no end, and its worker fell silent.",
		cure:  "Writing the row and the acknowledgement in one transaction would have stopped it, and so would a sink that refuses a second %s; a longer lease would not.",
	},
	{
		cause: replay.TimeoutThenLateCommit,
		title: "An attempt that was given up wrote after all",
		means: "The first attempt was declared timed out or failed and the event tried again, but giving up did not stop the write that was under way.",
		shows: "The earlier attempt ended in a timeout, a failure or not at all; a later one followed; more rows came out than attempts succeeded.",
		cure:  "A sink that refuses a second %s would have stopped it, and so would a timeout that aborts the write; fencing helps only if the late write comes after the newer one.",
	},
	{
		cause: replay.RetryAfterSuccess,
		title: "A finished event was done again",
		means: "The acknowledgement of a success was lost, so the queue handed the event out once more.",
		shows: "The earlier attempt succeeded before the later one started.",
		cure:  "A sink that refuses a second %s would have stopped it, and so would acknowledging in the same transaction as the row; a set of events in flight would not, because the first attempt was over.",
	},
	{
		cause: replay.UnknownCause,
		title: "No worker log, so no cause",
		means: "Without the workers' records the copies can be counted and removed, not explained.",
		shows: "There is no worker log.",
		cure:  "Whatever wrote it, a sink that refuses a second %s would have stopped it.",
	},
	{
		cause: replay.UnexplainedCause,
		title: "No known pattern fits",
		means: "The records of these events fit none of the patterns that are looked for.",
		shows: "No rule fires.",
		cure:  "A sink that refuses a second %s would have stopped it, whatever the mechanism is.",
	},
}

// What the two modifiers that hold for the whole file mean (D11, D12).
const (
	restampProse = "copies carry the time of their processing instead of the event's, for their time shift goes with the attempt's own delay"
	rereadProse  = "copies carry the price that was in force when they were written: the worker read it again instead of using the event's"
)

// otherProse explains the findings that are not duplicates (R51), in the order
// in which documents list them.
var otherProse = []struct{ slug, means string }{
	{replay.LostAllAttemptsFailed, "no attempt succeeded and no row came out"},
	{replay.LostDespiteSuccess, "an attempt reported success, yet no row came out"},
	{replay.NeverAttempted, "no worker ever took the event"},
	{replay.GhostCommit, "every attempt timed out or failed, and a row was written all the same"},
	{replay.OrphanRow, "no event within the tolerance accounts for the row"},
	{replay.UnknownEventAttempt, "a worker processed an id that is not in the raw log"},
	{replay.LateRow, "the row lies beyond the tolerance, but symbol and price name one event without a row"},
	{replay.ForeignRow, "time and price are those of another symbol's event"},
	{replay.PriceCorrupted, "the only row of its event has the event's time and another price"},
	{replay.JitteredSingle, "the only row of its event has another time than the event"},
	{replay.HarmlessRace, "two attempts or more, one row"},
	{replay.ImpossibleTime, "an attempt ends before it starts, or starts before its event"},
}

// flagProse explains what else records are marked with.
var flagProse = map[string]string{
	replay.LostUnexplained:   "no row came out, and there is no worker log to tell why",
	replay.SuccessWithoutEnd: "an attempt reports success and has no end",
	replay.BadIntervalFlag:   "an attempt ends before it starts; it is left out of overlaps and durations",
	replay.IDReuse:           "one id names different events; they are told apart as `#1`, `#2`",
	replay.SourceRepeat:      "the raw log holds the event more than once",
	replay.ClockSuspectFlag:  "attempts overlap only with, or only without, the correction of a clock",
	replay.UnknownWorker:     "the worker is not one of those expected",
	replay.UnknownStatus:     "the status is not one of those known; it never counts as success",
	replay.DuplicatedLine:    "a line of the worker log stands there more than once",
	replay.NoEnd:             "an attempt has no end",
	replay.BackedBySilence:   "an attempt has no end and its worker fell silent",
	replay.PossibleOverlap:   "an earlier attempt without an end may still have been running",
}

// proseOf finds the prose of a cause; every cause that a duplicate can have has
// some.
func proseOf(c replay.Cause) causeProse {
	i := slices.IndexFunc(causes, func(p causeProse) bool { return p.cause == c })
	if i < 0 {
		panic("report: no prose for the cause " + c.String())
	}
	return causes[i]
}
