package report

import (
	"fmt"
	"math"

	"holdfast/replay"
	"holdfast/replay/tick"
	"holdfast/replay/whatif"
)

// An idea is something to build, with its price and what it does not do.
type idea struct {
	safeguard string // whose effect is its figure; "" for one that only notices
	title     string
	build     string
	here      func(in *Incident) string // this incident's figure beyond the effect; nil or "" for none
	cost      func(in *Incident) string
	blind     string
}

// A chapter is ideas of one kind.
type chapter struct {
	title string
	ideas []idea
}

func always(text string) func(*Incident) string { return func(*Incident) string { return text } }

// chapters are the ideas of R107, in the order in which equals are listed.
var chapters = []chapter{
	{"Idempotency keys", []idea{
		{
			safeguard: whatif.UniqueEventID, title: "Let the sink refuse a second row of an event",
			build: "Carry `event_id` into the output and make it a unique key there: a primary key with `ON CONFLICT DO NOTHING`, a conditional put, " +
				"or a stream that takes one message per subject. `holdfast guard` runs such a sink on a live stream.",
			cost:  keysCost,
			blind: "Two ids for one tick, and events that are lost. Which version wins is whichever came first, right or wrong.",
		},
		{
			safeguard: whatif.UpsertEventID, title: "Let a later row of an event replace the earlier one",
			build: "Write with `event_id` as the key and replace on conflict (upsert, compacted topic).",
			cost:  keysCost,
			blind: "Whoever reads in between sees every version, and the price may flip under them.",
		},
		{
			safeguard: whatif.SourceDedupe, title: "Give each tick one id, at the source",
			build: "Derive the id from the tick (feed sequence number) instead of drawing a new one on each send, and drop repeats before they enter the stream.",
			cost:  always("One key per tick in flight at the source."),
			blind: "Everything that goes wrong downstream.",
		},
		{
			safeguard: whatif.UniqueKeyPrice, title: "Make (symbol, timestamp, price) unique in the sink",
			build: "A unique key of the three columns that the output has already.",
			here:  shiftedFigure,
			cost:  keysCost,
			blind: "Every copy whose time or price was changed on the way. It also takes two real ticks that agree in all three for one.",
		},
		{
			safeguard: whatif.UniqueKey, title: "Make (symbol, timestamp) unique in the sink",
			build: "A unique key of the two columns that the duplicates are usually counted by.",
			here:  shiftedFigure,
			cost:  keysCost,
			blind: "Copies with another timestamp; and a copy that takes the place of a real tick makes the sink refuse the tick.",
		},
	}},
	{"Kafka keys and transactions", []idea{
		{
			safeguard: whatif.TransactionalSink, title: "Write the row and the acknowledgement in one transaction",
			build: "Key the topic by `event_id`, set `enable.idempotence`, and produce the row and commit the consumer offset in one Kafka transaction; readers use " +
				"`isolation.level=read_committed`. A timeout aborts the transaction, and the write with it.",
			here: timeoutFigure,
			cost: always("Rows become visible only when their transaction commits: the commit interval is added to the latency."),
			blind: "Two workers that hold the same event at once: both commit. A Kafka key alone stops nothing; it only brings the copies to one partition, where something " +
				"can compare them.",
		},
	}},
	{"Windows with a time to live", []idea{
		{
			safeguard: whatif.WindowFixed, title: "Remember ids for a fixed time",
			build: "Refuse an id that was accepted less than W ago (message-id window of the broker, `SET NX EX`).",
			here:  gapFigure,
			cost:  always("One key for each event of the last W."),
			blind: "A repeat that comes later than W. The window must be longer than the longest redelivery, including a worker that is down for a night.",
		},
		{
			safeguard: whatif.WindowSliding, title: "Remember ids for a time that each repeat extends",
			build: "As above, but count W from the last time the id was seen.",
			here:  gapFigure,
			cost:  always("As above; an id that keeps coming is kept for ever."),
			blind: "A repeat after a pause longer than W.",
		},
		{
			safeguard: whatif.LRU, title: "Remember the last N ids",
			build: "A bounded cache of ids in front of the sink.",
			cost:  always("N keys, whatever the rate."),
			blind: "A repeat after more than N other events: a burst shortens the memory just when it is needed.",
		},
		{
			safeguard: whatif.MarkBeforeDeliver, title: "Mark the id when it is claimed",
			build: "Put the id into the window when a worker takes the event, not when the row is written.",
			here:  retriedFigure,
			cost:  always("One key for each event of the last W."),
			blind: "The marked attempt that then fails: its retry is refused as a duplicate, and the event is gone.",
		},
	}},
	{"Leases, heartbeats and fencing", []idea{
		{
			safeguard: whatif.HeartbeatLease, title: "Renew the lease while the work runs",
			build: "A worker that is still at work says so every third of the lease (`ChangeMessageVisibility`, `InProgress`), so that only dead workers lose their claims.",
			here:  leaseFigure,
			cost:  always("One small message per attempt and third of the lease."),
			blind: "Claims at the same instant and lost acknowledgements: no lease has run out there.",
		},
		{
			safeguard: whatif.Lease, title: "Make the lease longer than the work",
			build: "Set it from the distribution of durations, attempts without an end counted as longer than known, and not from their mean.",
			here:  leaseFigure,
			cost:  always("After a real crash the event waits that much longer."),
			blind: "Claims at the same instant, lost acknowledgements, and the one attempt that takes longer still.",
		},
		{
			safeguard: whatif.FencingToken, title: "Give each claim a growing number and let the sink check it",
			build: "The sink refuses a row whose token is lower than the highest that it has seen for the event.",
			here:  fencingFigure,
			cost:  always("One integer per key in the sink."),
			blind: "The usual order: older first, newer second. Both are accepted. It orders writers; it does not make them one.",
		},
	}},
	{"Coordination protocols", []idea{
		{
			safeguard: whatif.InFlightSet, title: "Make the claim one act, and visible to all workers",
			build: "Claim by compare-and-set on a shared set of events in flight (`SELECT … FOR UPDATE SKIP LOCKED`, a key-value revision, a work queue with explicit " +
				"acknowledgement): whoever loses takes another event.",
			here:  overlapFigure,
			cost:  always("A round trip per claim, and a set no larger than what is in flight."),
			blind: "Sequential repeats: once the first attempt is over the event is claimable again.",
		},
	}},
	{"Stream joins", []idea{
		{
			safeguard: whatif.UniqueEventID, title: "Join the output against what was written already",
			build: "A left anti-join on `event_id` between new rows and the table of written ones, in the stream processor, its state kept by event time with a watermark.",
			cost:  keysCost,
			blind: "It needs `event_id` in the output, and forgets what lies behind the watermark.",
		},
		{
			safeguard: whatif.ToleranceDedupe, title: "Join rows that are close in time and price",
			build: "A watermarked self-join of the output within a tolerance, for outputs that carry no id. A last resort.",
			here:  toleranceFigure,
			cost:  always("The rows of the last few tolerances per symbol."),
			blind: "It cannot tell a copy from a real tick that looks like one; the denser the stream, the more it throws away.",
		},
	}},
	{"Checkpointing", []idea{
		{
			safeguard: whatif.TransactionalSink, title: "Store the position together with the output",
			build: "Write the consumer's offset into the same transaction, or the same file, as the rows, and resume from what the output says rather than from what was last acknowledged.",
			here:  burstFigure,
			cost:  always("An extra column or record per commit; recovery reads it back."),
			blind: "Two workers that hold the same event at once.",
		},
	}},
	{"Ordering", []idea{
		{
			safeguard: whatif.PartitionEvent, title: "Give each event one worker, by hash of its id",
			build: "Partition by `event_id`: no two workers can claim the same event, whatever the timing.",
			cost:  always("Order within a symbol is lost; load is even."),
			blind: "The same worker taking an event twice, retries after a crash, and the moment of a rebalance.",
		},
		{
			safeguard: whatif.PartitionSymbol, title: "Give each symbol one worker",
			build: "Partition by `symbol`: ticks of a symbol also stay in order.",
			here:  symbolsFigure,
			cost:  always("As uneven as the symbols are; the busiest one sets the pace."),
			blind: "The same worker taking an event twice, retries after a crash, and the moment of a rebalance.",
		},
		{
			title: "Number the ticks of each symbol, and let the sink watch the numbers",
			build: "A sequence number per symbol from the source; the sink drops what it has seen and raises an alarm on a gap.",
			here:  lostFigure,
			cost:  always("One integer per symbol in the sink, and a source that numbers."),
			blind: "A source that gives one tick two numbers.",
		},
	}},
	{"Reconciliation and alarms", []idea{
		{
			title: "Compare events and output all the time, not after the complaint",
			build: "Run `holdfast audit --fail-on any` on every hour's files, and alarm on duplicates, lost events and on writes after timeouts.",
			here:  auditFigure,
			cost:  always("One pass over the files, in bounded memory."),
			blind: "It notices; it prevents nothing.",
		},
		{
			title: "Practise: inject double claims, crashes and lost acknowledgements on purpose",
			build: "Run the pipeline against `holdfast lab incident` in CI, where the truth is known, and let `holdfast lab score` fail the build when a copy gets through.",
			cost:  always("Minutes of CI."),
			blind: "Only the faults that somebody thought of.",
		},
	}},
}

// keysCost is the price of remembering every event.
func keysCost(in *Incident) string {
	n := keyCount(in)
	return fmt.Sprintf("One key per event for as long as repeats must be refused: %s here, %s at 16 bytes each.", counted(n, "key", "keys"), size(n*keyBytes))
}

// size writes a number of bytes.
func size(n int64) string {
	switch {
	case n < 1_000:
		return counted(n, "byte", "bytes")
	case n < 1_000_000:
		return figure(float64(n)/1e3) + " kB"
	case n < 1_000_000_000:
		return figure(float64(n)/1e6) + " MB"
	}
	return figure(float64(n)/1e9) + " GB"
}

func shiftedFigure(in *Incident) string {
	s := in.Summary
	if s.ByEvent.Duplicates == 0 {
		return ""
	}
	shifted := s.Shift.Early + s.Shift.Late
	return fmt.Sprintf("%s %s another timestamp than the event, %s the same price.",
		capital(shareOf(shifted, s.ByEvent.Duplicates, "duplicate", "duplicates")), oneOf(shifted, "carries", "carry"), number(s.Shift.SamePrice))
}

func timeoutFigure(in *Incident) string {
	if a := &in.Summary.Attempts; a.Timeout > 0 {
		return fmt.Sprintf("%s in the log; aborting the write with the attempt also ends the %s.", counted(a.Timeout, "timeout", "timeouts"),
			counted(in.Summary.Other[replay.GhostCommit], "row written by attempts that gave up", "rows written by attempts that gave up"))
	}
	return ""
}

// gapFigure says how long a window has to be at least.
func gapFigure(in *Incident) string {
	var longest tick.Nanos
	for _, b := range in.Summary.Bursts {
		if b.SilenceMS != nil {
			longest = max(longest, tick.Nanos(*b.SilenceMS))
		}
	}
	f, a := in.Facts, &in.Summary.Attempts
	switch {
	case f != nil && f.Lease.Known && f.Lease.L > longest:
		return fmt.Sprintf("Unfinished claims come back after %s, so W must be longer.", span(f.Lease.L))
	case longest > 0:
		return fmt.Sprintf("A restart came after %s of silence, so W must be longer.", span(longest))
	case f != nil && f.Durations.N > 0 && a.Retries > 0 && a.RetriesOverlapping == a.Retries:
		return fmt.Sprintf("Every retry overlaps the attempt before, so W only has to outlast an attempt: %s at the 99th percentile.", span(f.Durations.P99))
	}
	return ""
}

func leaseFigure(in *Incident) string {
	f := in.Facts
	if f == nil || f.Durations.N == 0 {
		return ""
	}
	text := fmt.Sprintf("Attempts take %s in the middle and %s at the 99th percentile", span(f.Durations.Median), span(f.Durations.P99))
	if f.Lease.Known {
		text += fmt.Sprintf("; unfinished claims come back after %s", span(f.Lease.L))
	}
	return text + "."
}

func fencingFigure(in *Incident) string {
	if n := in.Summary.Attempts.OverlapPairs; n > 0 {
		return fmt.Sprintf("%s; what a token does depends on the order in which they commit.", counted(n, "pair of attempts overlaps", "pairs of attempts overlap"))
	}
	return ""
}

func overlapFigure(in *Incident) string {
	a := &in.Summary.Attempts
	if a.Retries == 0 {
		return ""
	}
	return fmt.Sprintf("%s %s the attempt before.", capital(shareOf(a.RetriesOverlapping, a.Retries, "retry", "retries")), oneOf(a.RetriesOverlapping, "overlaps", "overlap"))
}

// falsePairs estimates how many rows of different events a tolerance takes for
// copies: what chance puts near the rows that equal no event, for all rows.
func falsePairs(in *Incident) int64 {
	m := &in.Matching
	if !m.AccidentalKnown || m.Rows == 0 {
		return 0
	}
	return int64(math.Round(m.Accidental * float64(in.Summary.Rows.In) / float64(m.Rows)))
}

func toleranceFigure(in *Incident) string {
	m := &in.Matching
	if !m.AccidentalKnown || m.Pairs == 0 {
		return ""
	}
	return fmt.Sprintf("Among all %s about %s of the same symbol would come as close to each other by chance.",
		counted(in.Summary.Rows.In, "row", "rows"), counted(falsePairs(in), "pair", "pairs"))
}

func burstFigure(in *Incident) string {
	var again int64
	for _, b := range in.Summary.Bursts {
		again += b.Attempts
	}
	if again == 0 {
		return ""
	}
	return fmt.Sprintf("%s did %s again.", counted(int64(len(in.Summary.Bursts)), "restart", "restarts"), counted(again, "event", "events"))
}

func retriedFigure(in *Incident) string {
	s := in.Summary
	n := s.Other[replay.HarmlessRace]
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%s attempted more than once and came out once; where the first attempt failed, the one that saved the event would have been refused.",
		counted(n, "event was", "events were"))
}

func symbolsFigure(in *Incident) string {
	n := 0
	for _, l := range in.Symbols {
		if !l.All && l.ExtraRows > 0 && l.View != replay.ViewKey {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("The duplicates spread over %s.", counted(int64(n), "symbol", "symbols"))
}

func lostFigure(in *Incident) string {
	if !hasEvents(in.Summary) {
		return ""
	}
	return fmt.Sprintf("It would have shown %s and %s while they happened.",
		counted(in.Summary.Lost, "lost event", "lost events"), counted(in.Summary.ByEvent.Duplicates, "duplicate", "duplicates"))
}

func auditFigure(in *Incident) string {
	s := in.Summary
	return fmt.Sprintf("It would have reported %s, %s and %s.", counted(in.duplicates(), "duplicate", "duplicates"),
		counted(s.Lost, "lost event", "lost events"), counted(s.Other[replay.GhostCommit], "write after a timeout", "writes after a timeout"))
}
