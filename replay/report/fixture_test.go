package report

import (
	"holdfast/replay"
	"holdfast/replay/match"
	"holdfast/replay/tick"
)

// at is a moment of the fixtures' morning, 09:15 UTC plus some milliseconds.
func at(ms float64) tick.Nanos {
	return 1752484500*second + tick.Nanos(ms*1e6)
}

func ptr[T any](v T) *T { return &v }

func rowOf(n int64, symbol string, t tick.Nanos, p tick.Price) replay.Row {
	return replay.Row{N: n, Symbol: symbol, Time: t, Price: p, TimeText: t.String()}
}

const cent tick.Price = tick.Scale / 100

// doubleClaim is the case of R106.
func doubleClaim() (replay.EventCase, replay.Duplicate) {
	e := replay.Event{ID: "evt_0000412", Time: at(2060), Symbol: "INFY", Price: 150215 * cent}
	copied := rowOf(414, "INFY", at(2067), e.Price-12*cent)
	c := replay.EventCase{
		Event: e, Repeats: 1,
		Attempts: []replay.Attempt{
			{Event: e.ID, Worker: "worker-3", Start: at(2060), End: at(2069), Status: replay.StatusSuccess, Lines: 1},
			{Event: e.ID, Worker: "worker-1", Start: at(2060), End: at(2064), Status: replay.StatusSuccess, Lines: 1},
		},
		Rows: []replay.Match{
			{Row: rowOf(413, "INFY", e.Time, e.Price), IDs: []string{e.ID}, Owner: e.ID, Label: replay.Certain, Exact: true, Canonical: true, Posterior: 1},
			{Row: copied, IDs: []string{e.ID}, Owner: e.ID, Label: replay.Certain, Posterior: 0.9997, Covered: true},
		},
	}
	d := replay.Duplicate{
		Row: copied, EventIDs: []string{e.ID}, Owner: e.ID, CanonicalRow: 413, TimeShift: 7 * millisecond, PriceShift: -12 * cent,
		Cause: replay.ConcurrentDoubleClaim, Grade: replay.Proved, Attempts: []int{1, 2}, Evidence: "start gap 0 ms, overlap 4 ms, n=2, k=2",
		Label: replay.Certain, Posterior: 0.9997, Removed: true,
	}
	return c, d
}

// dmr is an incident like the preset dmr2025.
func dmr() *Incident {
	c, d := doubleClaim()
	same := c
	same.Attempts = []replay.Attempt{c.Attempts[0], c.Attempts[1]}
	same.Attempts[1].Worker = "worker-3"
	twice := d
	twice.Cause = replay.SameWorkerDoubleClaim
	return &Incident{
		Summary: &replay.Summary{
			Mode: replay.ModeFull,
			Assumptions: []string{
				"the worker log is complete: every attempt has a line in it",
				"raw_tick_events.log holds every event that should have come out",
			},
			Inputs: replay.SummaryInputs{
				Events:  replay.SummaryInput{Rows: 70000, Fingerprint: "00e1"},
				Workers: replay.SummaryInput{Rows: 70250, Fingerprint: "00e2"},
				Output:  replay.SummaryInput{Rows: 70250, Fingerprint: "00e3"},
			},
			Rows:    replay.SummaryRows{In: 70250, Kept: 70000, Removed: 250},
			ByKey:   replay.SummaryByKey{Groups: 8, ExtraRows: 8, Collisions: 8},
			ByEvent: replay.SummaryByEvent{Events: 70000, DuplicatedEvents: 250, Duplicates: 250, Certain: 250},
			Shift: replay.SummaryShift{
				PriceMin: ptr(replay.Decimal(0)), PriceMax: ptr(replay.Decimal(50 * cent)), SamePrice: 3,
				TimeMinMS: ptr(replay.Millis(millisecond)), TimeMaxMS: ptr(replay.Millis(10 * millisecond)), Late: 250,
			},
			Tolerance: replay.SummaryTolerance{
				EarlyMS: ptr(replay.Millis(0)), LateMS: ptr(replay.Millis(10 * millisecond)), Price: ptr(replay.Decimal(50 * cent)),
				Null: "attempts", AccidentalExpected: ptr(0.04),
			},
			Attempts: replay.SummaryAttempts{
				Total: 70250, Success: 70150, Timeout: 100, Open: 100, OverlapPairs: 250, OverlapGroups: 250, MaxConcurrency: 2,
				Retries: 250, RetriesOverlapping: 250, FailedEvents: 100, CrashesNullEnd: 100,
			},
			Causes: map[string]replay.CauseCount{
				"concurrent-double-claim":  {Count: 167, Proved: 167},
				"same-worker-double-claim": {Count: 83, Proved: 83},
			},
			Other: map[string]int64{"ghost-commit": 100},
			ReplayWindows: []replay.ReplayWindow{
				{From: replay.Instant(at(2060)), To: replay.Instant(at(349_000)), Events: 250},
			},
			Chance: []replay.Chance{
				{A: "timeout", B: "duplicated", CountA: 100, CountB: 250, Events: 70000, Expected: 0.3571, P: 1, Verdict: "no more than chance"},
				{A: "ghost-commit", B: "duplicated", CountA: 100, CountB: 250, Events: 70000, Expected: 0.3571, P: 1, Verdict: "no more than chance"},
			},
			DoubleClaims: 250, DoubleDuplicated: 250, Removable: 250,
		},
		Symbols: []replay.SymbolLine{
			{Symbol: "INFY", View: replay.ViewKey, Rows: 6, Groups: 3, ExtraRows: 3, PriceShiftMin: 1200 * cent, PriceShiftMax: 90012 * cent, PriceShiftMean: 31250 * cent, DifferentPrice: 3},
			{
				Symbol: "INFY", View: replay.ViewEvent, Rows: 74, Groups: 37, ExtraRows: 37, PriceShiftMax: 50 * cent, PriceShiftMean: 24*cent + cent/4,
				SamePrice: 1, DifferentPrice: 36, TimeDiffMin: millisecond, TimeDiffMedian: 5 * millisecond, TimeDiffMax: 10 * millisecond, Late: 37,
			},
			{Symbol: "ALL", All: true, View: replay.ViewKey, Rows: 16, Groups: 8, ExtraRows: 8, PriceShiftMin: 1200 * cent, PriceShiftMax: 90012 * cent, PriceShiftMean: 31250 * cent, DifferentPrice: 8},
			{
				Symbol: "ALL", All: true, View: replay.ViewEvent, Rows: 500, Groups: 250, ExtraRows: 250, PriceShiftMax: 50 * cent, PriceShiftMean: 25 * cent,
				SamePrice: 3, DifferentPrice: 247, TimeDiffMin: millisecond, TimeDiffMedian: 5*millisecond + millisecond/2, TimeDiffMax: 10 * millisecond, Late: 250,
			},
		},
		Facts: &replay.Population{
			Options: replay.Options{Mode: replay.ModeFull}, Attempts: 70250, ClaimWindow: millisecond,
			Durations: replay.Durations{N: 70150, Median: 7 * millisecond, P95: 11*millisecond + millisecond/2, P99: 12 * millisecond},
			Workers:   []replay.WorkerFacts{{Name: "worker-1"}, {Name: "worker-2"}, {Name: "worker-3"}},
		},
		Matching: match.Totals{
			Null: "attempts", Pairs: 250, Accidental: 0.04, AccidentalKnown: true, Rows: 250, Certain: 250, Rounds: 3,
		},
		Examples: []Example{{same, twice}, {c, d}},
		Collision: &replay.Analysis{
			Symbol: "TCS", Timestamp: "2025-07-14T09:15:03.010Z", Occurrences: 2, PriceMin: 120350 * cent, PriceMax: 289010 * cent,
			View: replay.ViewKey, Verdict: replay.VerdictCollision, Rows: []int64{603, 604},
		},
	}
}

// mixed is an incident with many causes, losses, orphans and open questions.
func mixed() *Incident {
	in := dmr()
	s := in.Summary
	s.Inputs.Events.Rejected, s.Inputs.Output.Rejected = 1, 2
	s.Rows = replay.SummaryRows{In: 20147, Kept: 20001, Removed: 144, Rejected: 2}
	s.Inputs.Output.Rows = 20147
	s.Inputs.Workers.Rows, s.Attempts.Total = 20199, 20199
	s.Inputs.Events.Rows = 20000
	s.Inputs.Workers.Notes = map[string]int64{"naive-times": 40258, "missing-ends": 42}
	s.Inputs.Workers.MissingEnds = map[string]int64{"": 40, "null": 2}
	s.Inputs.Output.Notes = map[string]int64{"blank-lines": 1}
	s.ByKey = replay.SummaryByKey{Groups: 30, ExtraRows: 31, SameEvent: 27, Collisions: 1, Mixed: 1, Untested: 1}
	s.ByEvent = replay.SummaryByEvent{Events: 20000, DuplicatedEvents: 131, Duplicates: 146, Certain: 130, Likely: 12, Ambiguous: 4, Orphans: 3, Rescued: 1}
	s.Lost, s.Removable = 2, 144
	s.Shift.SamePrice, s.Shift.Late, s.Shift.Early = 30, 118, 1
	s.Shift.TimeMinMS = ptr(replay.Millis(-3 * millisecond))
	s.Attempts = replay.SummaryAttempts{
		Total: 20199, Success: 20150, Timeout: 20, Failed: 3, Unknown: 1, Open: 25, OverlapPairs: 60, OverlapGroups: 41, MaxConcurrency: 4, Retries: 199,
		RetriesOverlapping: 60, RetriesSequential: 139, FailedEvents: 2, CrashesNullEnd: 25, CrashesSilence: 5, DuplicatedLines: 2, BadIntervals: 1,
	}
	s.Causes = map[string]replay.CauseCount{
		"short-lease":              {Count: 41, Consistent: 41},
		"restart-burst":            {Count: 40, Consistent: 38, Suspected: 2},
		"retry-after-success":      {Count: 20, Proved: 19, Suspected: 1},
		"timeout-then-late-commit": {Count: 18, Consistent: 18},
		"concurrent-double-claim":  {Count: 20, Proved: 18, Consistent: 2},
		"sink-double-emit":         {Count: 6, Proved: 6},
		"unexplained":              {Count: 1, Suspected: 1},
		"hedged-attempt":           {},
	}
	s.Other = map[string]int64{
		"harmless-race": 12, "lost-despite-success": 1, "lost-all-attempts-failed": 1, "orphan-row": 3, "no-end": 25, "ghost-commit": 2, "crash": 0,
	}
	s.LeaseMS = ptr(replay.Millis(30 * second))
	s.Bursts = []replay.SummaryBurst{{
		FirstEvent: "evt_0001000", LastEvent: "evt_0001039", From: replay.Instant(at(5000)), To: replay.Instant(at(5400)), Attempts: 40,
		SilenceMS: ptr(replay.Millis(5 * second)), Speed: ptr(2.5),
	}}
	s.Clock = map[string]replay.Millis{"worker-2": replay.Millis(40 * millisecond)}
	s.Chance = []replay.Chance{
		{A: "timeout", B: "duplicated", CountA: 20, CountB: 131, Events: 20000, Observed: 18, Expected: 0.131, P: 1.23e-38, Verdict: "more than chance"},
		{A: "no-end", B: "lost", CountA: 25, CountB: 2, Events: 20000, Observed: 0, Expected: 0.0025, P: 1, Verdict: "no more than chance"},
	}
	s.Warnings = []string{"symbols TCS and tcs differ only in case: use --fold-case if they are one"}
	s.DoubleClaims, s.DoubleDuplicated = 143, 131
	s.Tolerance.AccidentalExpected = ptr(2.5)
	in.Facts.Lease = replay.Lease{Known: true, L: 30 * second, Gaps: 43, Near: 41}
	in.Facts.Restamp = replay.Correlation{N: 119, Start: 0.2, End: 0.97, Significant: true}
	in.Facts.Reread = replay.Coincidence{Tested: 100, Hits: 61, Expected: 1.2, Significant: true}
	in.Facts.Batches = []replay.RowRun{{First: 9001, Last: 9040}}
	in.Matching = match.Totals{
		Null: "attempts", Pairs: 121, Accidental: 2.5, AccidentalKnown: true, Rows: 122, Certain: 103, Likely: 12, Ambiguous: 4, Orphans: 3, Rescued: 1, Capped: 1,
	}
	in.Examples = nil
	for _, st := range stories() {
		in.Examples = append(in.Examples, Example{st.c, st.d})
	}
	return in
}

// clean is an incident without any finding.
func clean() *Incident {
	in := dmr()
	s := in.Summary
	s.Rows = replay.SummaryRows{In: 20000, Kept: 20000}
	s.Inputs.Events.Rows, s.Inputs.Workers.Rows, s.Inputs.Output.Rows = 20000, 20000, 20000
	s.ByKey, s.ByEvent = replay.SummaryByKey{}, replay.SummaryByEvent{Events: 20000}
	s.Shift, s.Tolerance = replay.SummaryShift{}, replay.SummaryTolerance{Null: "none"}
	s.Attempts = replay.SummaryAttempts{Total: 20000, Success: 20000, MaxConcurrency: 1}
	s.Causes, s.Other, s.ReplayWindows, s.Chance = nil, nil, nil, nil
	s.DoubleClaims, s.DoubleDuplicated, s.Removable = 0, 0, 0
	in.Symbols, in.Examples, in.Collision = nil, nil, nil
	in.Matching = match.Totals{Null: "none"}
	return in
}

// noWorkers is dmr without the worker log.
func noWorkers() *Incident {
	in := dmr()
	s := in.Summary
	s.Mode = replay.ModeNoWorkers
	s.Inputs.Workers, s.Attempts, s.Other, s.Chance, s.ReplayWindows = replay.SummaryInput{}, replay.SummaryAttempts{}, nil, nil, nil
	s.Causes = map[string]replay.CauseCount{"unknown": {Count: 250, Suspected: 250}}
	s.DoubleClaims, s.DoubleDuplicated = 0, 0
	s.Tolerance.Null, in.Matching.Null = "time-shift", "time-shift"
	c, d := doubleClaim()
	c.Attempts, d.Attempts, d.Cause, d.Grade = nil, nil, replay.UnknownCause, replay.Suspected
	in.Examples, in.Facts = []Example{{c, d}}, &replay.Population{Options: replay.Options{Mode: s.Mode}}
	return in
}

// outputOnly is dmr with nothing but the output.
func outputOnly() *Incident {
	in := noWorkers()
	s := in.Summary
	s.Mode = replay.ModeOutputOnly
	s.Inputs.Events, s.ByEvent = replay.SummaryInput{}, replay.SummaryByEvent{}
	s.Causes = map[string]replay.CauseCount{"unknown": {Count: 262, Suspected: 262}}
	s.Shift.Late = 262
	s.ByKey = replay.SummaryByKey{Groups: 8, ExtraRows: 8, Untested: 8}
	s.Near = replay.SummaryNear{Clusters: 261, ExtraRows: 262}
	s.Rows = replay.SummaryRows{In: 70250, Kept: 69988, Removed: 262}
	s.Assumptions = []string{"rows that are close in time and price report one event"}
	s.Removable = 0
	for i := range in.Symbols {
		if in.Symbols[i].View == replay.ViewEvent {
			in.Symbols[i].View = replay.ViewNear
		}
	}
	in.Collision, in.Examples = nil, nil
	return in
}
