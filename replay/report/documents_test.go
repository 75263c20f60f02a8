package report

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"holdfast/replay"
	"holdfast/replay/ingest"
	"holdfast/replay/whatif"
)

var incidents = map[string]func() *Incident{
	"dmr": dmr, "mixed": mixed, "clean": clean, "no-workers": noWorkers, "output-only": outputOnly,
}

func TestGoldenDocuments(t *testing.T) {
	t.Parallel()
	for name, make := range incidents {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := make()
			checkGolden(t, "summary-"+name+".txt", func(w io.Writer) error { return WriteSummary(w, in.Summary, nil) })
			checkGolden(t, "incident-"+name+".md", func(w io.Writer) error { return WriteIncident(w, in) })
			checkGolden(t, "future_improvements-"+name+".md", func(w io.Writer) error {
				return WriteImprovements(w, in, someEffects(in))
			})
			checkGolden(t, "findings-"+name+".json", func(w io.Writer) error { return WriteFindings(w, in.Summary) })
		})
	}
}

// R105: the lines of the specification, for its own figures.
func TestSummaryHasTheShapeOfR105(t *testing.T) {
	t.Parallel()
	want := `full: 70000 events, 70250 attempts, 70250 rows (0 rejected)
by key (symbol,timestamp), as the requirement asks: 8 groups, 8 extra rows; 0 duplicates, 8 collisions (two real events on one key)
by event: 250 duplicates of 250 events (250 certain); price shift 0 to 0.5, +1 to +10 ms; 0 events lost, 0 orphans
causes: concurrent-double-claim 167 proved, same-worker-double-claim 83 proved
also: ghost-commit 100 (timeouts that wrote; with duplicates 0, by chance 0.36)
rows in 70250 = kept 70000 + removed 250 + rejected 0
`
	var got bytes.Buffer
	if err := WriteSummary(&got, dmr().Summary, nil); err != nil {
		t.Fatal(err)
	}
	if got.String() != want {
		t.Errorf("got\n%swant\n%s", got.String(), want)
	}
}

// someEffects are such as a what-if finds: one prevents all, one some, one may,
// one none, and one does harm.
func someEffects(in *Incident) []Effect {
	n := in.duplicates()
	return []Effect{
		{Safeguard: whatif.UniqueEventID, PreventedLo: n, PreventedHi: n, Keys: 70_000},
		{Safeguard: whatif.WindowFixed, Parameter: "1s", PreventedLo: n, PreventedHi: n, Keys: 203},
		{Safeguard: whatif.PartitionSymbol, PreventedLo: n / 2, PreventedHi: n / 2, Keys: -1},
		{Safeguard: whatif.FencingToken, PreventedHi: n, Keys: 70_000},
		{Safeguard: whatif.TransactionalSink, Keys: -1},
		{Safeguard: whatif.UniqueKey, EventsLost: 5, Keys: 70_000},
	}
}

// documents writes both Markdown files of an incident.
func documents(t *testing.T, in *Incident) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteIncident(&b, in); err != nil {
		t.Fatal(err)
	}
	if err := WriteImprovements(&b, in, someEffects(in)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestDocumentsAreWellFormed(t *testing.T) {
	t.Parallel()
	for name, make := range incidents {
		text := documents(t, make())
		lines := strings.Split(text, "\n")
		for i, line := range lines {
			if strings.HasPrefix(line, "#") && (i+2 >= len(lines) || lines[i+1] != "" || lines[i+2] == "" ||
				headingLevel(lines[i+2]) > 0 && headingLevel(lines[i+2]) <= headingLevel(line)) {
				t.Errorf("%s: line %d: the section %q is empty", name, i+1, line)
			}
			if strings.TrimRight(line, " ") != line {
				t.Errorf("%s: line %d ends in blanks: %q", name, i+1, line)
			}
		}
		for _, bad := range []string{"%!", "\n\n\n", " 1 rows", " 1 events", " 1 duplicates", "  ,", " .", "NaN", "<nil>", "()", "..", "[31m"} {
			if at := strings.Index(text, bad); at >= 0 && !strings.Contains(text[max(0, at-9):at+2], "|") {
				t.Errorf("%s: %q in %q", name, bad, text[max(0, at-60):at+10])
			}
		}
		checkTables(t, name, lines)
	}
}

func headingLevel(line string) int { return len(line) - len(strings.TrimLeft(line, "#")) }

// checkTables checks that all lines of a table have the same number of cells
// and the same width.
func checkTables(t *testing.T, name string, lines []string) {
	t.Helper()
	for i := 1; i < len(lines); i++ {
		a, b := lines[i-1], lines[i]
		if strings.HasPrefix(a, "|") && strings.HasPrefix(b, "|") &&
			(strings.Count(a, "|") != strings.Count(b, "|") || len([]rune(a)) != len([]rune(b))) {
			t.Errorf("%s: line %d does not line up with the one before:\n%s\n%s", name, i+1, a, b)
		}
	}
}

// hostile is mixed with markup in every field that comes from an input file.
func hostile() *Incident {
	const evil = "</script><img src=x onerror=alert(1)>|`\n\n# owned [x](javascript:y) \u202e\x1b[31m=CMD()"
	in := mixed()
	for i := range in.Examples {
		e := &in.Examples[i]
		e.Case.Event.ID, e.Case.Event.Symbol, e.Case.Twin = evil, evil, evil
		for j := range e.Case.Attempts {
			e.Case.Attempts[j].Worker = evil
		}
		e.Duplicate.EventAlternatives = []replay.Alt{{IDs: []string{evil}, Posterior: 0.1}}
	}
	for i := range in.Symbols {
		in.Symbols[i].Symbol = evil
	}
	in.Collision.Symbol, in.Collision.Timestamp = evil, evil
	s := in.Summary
	s.Warnings, s.Assumptions = []string{"symbol " + evil}, []string{evil}
	s.Clock = map[string]replay.Millis{evil: 1e6}
	s.Bursts[0].FirstEvent, s.Bursts[0].LastEvent = evil, evil
	return in
}

// withoutCode drops the code spans of a line and the characters that a
// backslash escapes, as CommonMark reads them.
func withoutCode(line string) string {
	var bare strings.Builder
	for i := 0; i < len(line); {
		run := len(line[i:]) - len(strings.TrimLeft(line[i:], "`"))
		switch {
		case line[i] == '\\':
			i += 2
		case run == 0:
			bare.WriteByte(line[i])
			i++
		default:
			i += run
			if end := closing(line[i:], run); end >= 0 {
				i += end + run
			}
		}
	}
	return bare.String()
}

// closing finds the first run of exactly so many backticks.
func closing(s string, run int) int {
	for i := 0; i < len(s); {
		n := len(s[i:]) - len(strings.TrimLeft(s[i:], "`"))
		if n == run {
			return i
		}
		i += max(n, 1)
	}
	return -1
}

// Hostile text (section 7) is inert in Markdown: no line of it begins a block,
// no markup of it stands outside of a code span or without an escape.
func TestHostileTextIsInertInDocuments(t *testing.T) {
	t.Parallel()
	text := documents(t, hostile())
	for _, r := range text {
		if r != '\n' && r < ' ' || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			t.Fatalf("the documents hold %U", r)
		}
	}
	lines := strings.Split(text, "\n")
	checkTables(t, "hostile", lines)
	for i, line := range lines {
		if strings.HasPrefix(line, "# owned") {
			t.Errorf("line %d: a heading of the input's", i+1)
		}
		bare := withoutCode(line)
		if strings.ContainsAny(strings.TrimPrefix(bare, "> "), "<>[]") {
			t.Errorf("line %d: bare markup in %q", i+1, bare)
		}
	}
	var summary, json bytes.Buffer
	if err := WriteSummary(&summary, hostile().Summary, nil); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(summary.String(), "\x1b<") {
		t.Errorf("the summary holds %q", summary.String())
	}
	if err := WriteFindings(&json, hostile().Summary); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(json.String(), "<>\x1b") {
		t.Error("findings.json holds markup")
	}
}

func TestGoldenTables(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		suffix  string
		options CSVOptions
	}{{"", CSVOptions{}}, {"-safe", CSVOptions{Safe: true}}} {
		checkGolden(t, "duplicates"+c.suffix+".csv", func(w io.Writer) error {
			var list []replay.Duplicate
			for _, s := range append(stories(), furtherStories()...) {
				list = append(list, s.d)
			}
			evil := list[0]
			evil.Row.Symbol, evil.EventIDs, evil.Evidence = "=CMD()", []string{"@a|b", `c\`}, "two\nlines, \"quoted\""
			return writeAll(w, NewDuplicates, c.options, append(list, evil)...)
		})
		checkGolden(t, "timeline"+c.suffix+".csv", func(w io.Writer) error { return writeAll(w, NewTimeline, c.options, bars()...) })
		checkGolden(t, "duplication_analysis"+c.suffix+".csv", func(w io.Writer) error { return writeAll(w, NewAnalysis, c.options, analyses()...) })
		checkGolden(t, "duplication_summary"+c.suffix+".csv", func(w io.Writer) error {
			return writeAll(w, NewSymbols, c.options, append(dmr().Symbols, replay.SymbolLine{Symbol: "ALL", All: true, View: replay.ViewKey})...)
		})
		checkGolden(t, "rejected"+c.suffix+".csv", func(w io.Writer) error {
			return writeAll(w, NewRejected, c.options,
				ingest.Reject{File: "final_output.csv", Line: 7, Row: 6, Reason: ingest.BadPrice, Raw: []byte(`TCS,2025-07-14T09:15:00Z,"1,305.75"`)},
				ingest.Reject{File: "final_output.csv", Line: 9, Row: 8, Reason: ingest.BadText, Raw: []byte("=T\x00\xff\nCS")})
		})
	}
	checkGolden(t, "duplication_analysis-required.csv", func(w io.Writer) error {
		return writeAll(w, NewAnalysis, CSVOptions{Required: true}, analyses()...)
	})
}

func bars() []Bar {
	c, _ := doubleClaim()
	entry := func(a replay.Attempt, n int) replay.TimelineEntry {
		return replay.TimelineEntry{Attempt: a, Number: n, Retry: n - 1, Symbol: "INFY", EventTime: c.Event.Time, HasEvent: true}
	}
	first, second := entry(c.Attempts[0], 1), entry(c.Attempts[1], 2)
	first.OverlapGroup, first.OverlapsWith, first.Fate, first.Rows = 1, []int{2}, replay.FateEmitted, []int64{413, 414}
	second.OverlapGroup, second.OverlapsWith, second.Fate, second.Rows = 1, []int{1}, replay.FateOneOf, []int64{413, 414}
	second.Kind, second.Gap, second.HasGap = replay.OverlappingRetry, -9*millisecond, true
	second.Notes, second.RowsMore, second.OverlapsMore = []string{"clock-suspect"}, 3, 2
	open := entry(openAttempt("worker-9", 2070.25, replay.StatusTimeout), 1)
	open.HasEvent, open.Notes = false, []string{"unknown-worker", "no-end"}
	backwards := entry(attempt("-1+1", 2070.5, -3, replay.StatusUnknown), 1)
	return []Bar{{first, 1}, {second, 2}, {open, 1}, {backwards, 1}}
}

func analyses() []replay.Analysis {
	return []replay.Analysis{
		{
			Symbol: "TCS", Time: at(10), Timestamp: "2025-07-14T09:15:00.010000Z", Occurrences: 2, PriceMin: 10020 * cent, PriceMax: 25000 * cent,
			SameTimestamp: true, View: replay.ViewKey, Verdict: replay.VerdictCollision, Confidence: replay.Likely, Rows: []int64{2, 3},
		},
		{
			Symbol: "TCS", Time: at(0), Timestamp: "2025-07-14T09:15:00Z", Occurrences: 2, PriceMin: 10000 * cent, PriceMax: 10020 * cent, TimeSpread: 10 * millisecond,
			View: replay.ViewEvent, Verdict: replay.VerdictDuplicate, EventID: "e1", Confidence: replay.Certain, Causes: replay.Causes(replay.ConcurrentDoubleClaim), Grade: replay.Proved, Rows: []int64{1, 2},
		},
		{
			Symbol: "=a,b", Time: at(0), Timestamp: "-", Occurrences: 1030, SamePrice: true, SameTimestamp: true, View: replay.ViewBoth,
			Verdict: replay.Untested, Rows: []int64{1, 2, 3}, RowsMore: 1027,
		},
	}
}

// What does most with least stands first, and what loses events apart.
func TestEffectsRankTheIdeas(t *testing.T) {
	t.Parallel()
	in := dmr()
	var b bytes.Buffer
	err := WriteImprovements(&b, in, []Effect{
		{Safeguard: whatif.WindowFixed, Parameter: "1s", PreventedLo: 250, PreventedHi: 250, Keys: 200},
		{Safeguard: whatif.WindowFixed, Parameter: "2m", PreventedLo: 250, PreventedHi: 250, Keys: 24000},
		{Safeguard: whatif.UniqueEventID, PreventedLo: 250, PreventedHi: 250, Keys: 70000},
		{Safeguard: whatif.UniqueKey, PreventedLo: 0, PreventedHi: 0, EventsLost: 8, Keys: 70000},
		{Safeguard: whatif.Lease, Parameter: "12ms", PreventedLo: 0, PreventedHi: 83, Keys: 0},
	})
	if err != nil {
		t.Fatal(err)
	}
	text := b.String()
	var order []int
	for _, part := range []string{
		"measured by replaying", "**If you do one thing:** `window-fixed 1s`. Would have prevented all 250 duplicates.",
		"## Windows with a time to live", "## Idempotency keys", "## Leases, heartbeats and fencing", "## Harmful here", "**May lose up to 8 real events.**",
	} {
		at := strings.Index(text, part)
		if at < 0 {
			t.Fatalf("%q is missing in\n%s", part, text)
		}
		order = append(order, at)
	}
	for i := 1; i < len(order); i++ {
		if order[i] < order[i-1] {
			t.Errorf("part %d comes before part %d", i, i-1)
		}
	}
}

func TestGalleryKeepsTheClearestExample(t *testing.T) {
	t.Parallel()
	var g Gallery
	c, d := doubleClaim()
	weak, strong, later := d, d, d
	weak.Grade, weak.Row.N = replay.Suspected, 1
	strong.Row.N, later.Row.N = 2, 3
	for _, x := range []replay.Duplicate{weak, strong, later} {
		g.Add(&c, &replay.Findings{Duplicates: []replay.Duplicate{x}})
	}
	c.Attempts[0].Worker = "overwritten"
	got := g.Examples()
	if len(got) != 1 || got[0].Duplicate.Row.N != 2 || got[0].Case.Attempts[0].Worker != "worker-3" {
		t.Errorf("%+v", got)
	}
}
