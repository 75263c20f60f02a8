package report

import (
	"fmt"
	"io"
	"strings"

	"holdfast/replay"
	"holdfast/replay/match"
)

// Incident is all that the documents tell of. Summary is needed; the documents
// leave out what the rest would have said.
type Incident struct {
	Summary   *replay.Summary
	Symbols   []replay.SymbolLine // the lines of duplication_summary.csv
	Facts     *replay.Population
	Matching  match.Totals
	Examples  []Example        // see Gallery
	Collision *replay.Analysis // a group of one key and different events, if there is one
}

// WriteIncident writes incident.md (R107): what happened, seen by event and by
// key; why, cause by cause with a worked example; what else was found and what
// was ruled out, with figures; how this was found; under which assumptions;
// and what remains open. Text out of the input files is inert in it.
func WriteIncident(w io.Writer, in *Incident) error {
	return writeDocument(w, []string{
		in.headline(),
		in.whatHappened(),
		in.why(),
		in.whatElse(),
		in.ruledOut(),
		in.howFound(),
		in.assumptions(),
		in.openQuestions(),
	})
}

// writeDocument puts a blank line between the parts and leaves out empty ones.
func writeDocument(w io.Writer, parts []string) error {
	_, err := io.WriteString(w, stack(parts...)+"\n")
	return err
}

// stack joins blocks of Markdown with blank lines, and drops empty ones.
func stack(blocks ...string) string {
	var kept []string
	for _, b := range blocks {
		if b = strings.Trim(b, "\n"); b != "" {
			kept = append(kept, b)
		}
	}
	return strings.Join(kept, "\n\n")
}

// section is a heading with its blocks; nothing if there are none.
func section(heading string, blocks ...string) string {
	body := stack(blocks...)
	if body == "" {
		return ""
	}
	return heading + "\n\n" + body
}

// bullets is a list; nothing if there are no items.
func bullets(items []string) string {
	var b strings.Builder
	for _, item := range items {
		if item != "" {
			b.WriteString("- " + item + "\n")
		}
	}
	return b.String()
}

// duplicates is how many extra rows there are: by event, or without events the
// rows that come close to another one.
func (in *Incident) duplicates() int64 {
	if hasEvents(in.Summary) {
		return in.Summary.ByEvent.Duplicates
	}
	return in.Summary.Near.ExtraRows
}

// headline is the title and the verdict in a few sentences.
func (in *Incident) headline() string {
	s := in.Summary
	n := in.duplicates()
	title := "# Incident report: no duplicates"
	if n > 0 {
		title = "# Incident report: " + counted(n, "row", "rows") + " too many"
		if !hasEvents(s) {
			title = "# Incident report: " + counted(n, "row that may be a copy", "rows that may be copies")
		}
	}
	if hasEvents(s) && s.Lost > 0 {
		title += ", " + counted(s.Lost, "event", "events") + " lost"
	}
	return stack(title, in.bannerText(), in.verdict(), in.outcome())
}

func (in *Incident) bannerText() string {
	if b := banner(in.Summary); b != "" {
		return "**Not all files were there** (mode `" + in.Summary.Mode + "`). " + capital(b) + "."
	}
	return ""
}

func (in *Incident) verdict() string {
	s, e := in.Summary, &in.Summary.ByEvent
	if !hasEvents(s) {
		if s.Near.ExtraRows == 0 {
			return fmt.Sprintf("None of the %s can be told to be a copy of another.", counted(s.Rows.In, "row", "rows"))
		}
		return fmt.Sprintf("%s of %s in the output %s so close to another row of the same symbol that %s may report the same event.",
			number(s.Near.ExtraRows), counted(s.Rows.In, "row", "rows"), oneOf(s.Near.ExtraRows, "comes", "come"), oneOf(s.Near.ExtraRows, "it", "they"))
	}
	lost := "No event is missing from the output."
	if s.Lost > 0 {
		lost = fmt.Sprintf("%s, %s of all, %s no row at all.", counted(s.Lost, "event", "events"), percent(s.Lost, e.Events), oneOf(s.Lost, "has", "have"))
	}
	if e.Duplicates == 0 {
		orphans := ""
		if e.Orphans > 0 {
			orphans = fmt.Sprintf(" %s no event.", counted(e.Orphans, "row has", "rows have"))
		}
		return fmt.Sprintf("No event has more than one of the %s in the output.%s %s", counted(s.Rows.In, "row", "rows"), orphans, lost)
	}
	return fmt.Sprintf("%s of the %s in the output %s of an event that has one already: %s of %s, %s of them, %s written more than once. %s%s",
		number(e.Duplicates), counted(s.Rows.In, "row", "rows"), oneOf(e.Duplicates, "is a row", "are rows"),
		number(e.DuplicatedEvents), counted(e.Events, "event", "events"), percent(e.DuplicatedEvents, e.Events),
		oneOf(e.DuplicatedEvents, "was", "were"), lost, in.mainCauses())
}

// mainCauses names the causes in a sentence.
func (in *Incident) mainCauses() string {
	list := byCount(in.Summary.Causes)
	if !hasWorkers(in.Summary) || len(list) == 0 {
		return ""
	}
	var parts []string
	for i, c := range list {
		if i == 3 && len(list) > 4 {
			parts = append(parts, counted(int64(len(list)-3), "other cause", "other causes"))
			break
		}
		parts = append(parts, fmt.Sprintf("`%s` (%s)", c.slug, number(c.Count)))
	}
	return " " + oneOf(int64(len(list)), "The cause is ", "The causes are ") + andList(parts) + "."
}

// outcome says what the clean output holds.
func (in *Incident) outcome() string {
	r := &in.Summary.Rows
	switch {
	case r.Removed+r.Rejected == 0:
		return fmt.Sprintf("`deduplicated_output.csv` holds all %s: `%s`.", counted(r.In, "row", "rows"), balance(r))
	case r.Removed == 0:
		return fmt.Sprintf("`deduplicated_output.csv` holds every row that can be read; `removed.csv` lists the others. `%s`.", balance(r))
	}
	text := fmt.Sprintf("`deduplicated_output.csv` is the output without them; `removed.csv` lists every row that is not in it. `%s`.", balance(r))
	if !hasEvents(in.Summary) {
		return text
	}
	own, needed := stayingRows(in.Summary)
	if own > 0 {
		text += fmt.Sprintf(" %s in it all the same, because the source gave %s.", counted(own, "duplicate stays", "duplicates stay"), oneOf(own, "it an id of its own", "them ids of their own"))
	}
	if needed > 0 {
		text += fmt.Sprintf(" %s in it because another event may need %s.", counted(needed, "duplicate stays", "duplicates stay"), oneOf(needed, "it", "them"))
	}
	return text
}
