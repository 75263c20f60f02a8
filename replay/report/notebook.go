package report

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"holdfast/replay"
	"holdfast/replay/tick"
)

// NotebookSource is what timeline_visualization.ipynb is made of.
type NotebookSource struct {
	PageSource
	Kernel string // python3 (""), or gonb
}

// Kernels are the languages that a notebook can be written in.
var Kernels = []string{"python3", "gonb"}

// WriteNotebook writes timeline_visualization.ipynb (R103): nbformat 4.5, with
// Gantt charts as pictures and code cells that draw and count again from the
// CSV files beside it. Every figure in its prose is in findings.json. The same
// incident gives the same bytes, cell ids included.
func WriteNotebook(w io.Writer, src NotebookSource) error {
	p := build(&src.PageSource, notebookStories, notebookBars)
	n := notebook{page: p, kernel: src.Kernel}
	if n.kernel == "" {
		n.kernel = Kernels[0]
	}
	n.introduction()
	n.load()
	if err := n.timeline(); err != nil {
		return err
	}
	n.attempts()
	n.duplicates()
	if err := n.closeUps(); err != nil {
		return err
	}
	n.windows()
	n.conclusion()
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(n.document())
}

const (
	notebookStories = 400
	notebookBars    = 20_000
	notebookWorkers = 12 // that get a chart of their own
	mostWindows     = 40
)

// notebook collects cells.
type notebook struct {
	page   *Page
	kernel string
	cells  []cell
}

// cell is one of nbformat 4.5; see https://nbformat.readthedocs.io.
type cell struct {
	Type        string                       `json:"cell_type"`
	ID          string                       `json:"id"`
	Metadata    struct{}                     `json:"metadata"`
	Attachments map[string]map[string]string `json:"attachments,omitempty"`
	Count       *int                         `json:"execution_count,omitempty"`
	Outputs     []output                     `json:"outputs,omitempty"`
	Source      []string                     `json:"source"`
}

type output struct {
	Type string   `json:"output_type"`
	Name string   `json:"name"`
	Text []string `json:"text"`
}

// codeCell is a cell whose outputs and count are there even if empty.
type codeCell struct {
	Type     string   `json:"cell_type"`
	ID       string   `json:"id"`
	Metadata struct{} `json:"metadata"`
	Count    *int     `json:"execution_count"`
	Outputs  []output `json:"outputs"`
	Source   []string `json:"source"`
}

// MarshalJSON writes the members that the kind of cell has, and no others.
func (c cell) MarshalJSON() ([]byte, error) {
	if c.Type == "code" {
		return json.Marshal(codeCell{c.Type, c.ID, c.Metadata, c.Count, append([]output{}, c.Outputs...), c.Source})
	}
	type plain cell
	return json.Marshal(plain(c))
}

func (n *notebook) document() any {
	spec := map[string]any{"display_name": "Python 3", "language": "python", "name": "python3"}
	language := map[string]any{"name": "python", "file_extension": ".py"}
	if n.kernel == "gonb" {
		spec = map[string]any{"display_name": "Go (gonb)", "language": "go", "name": "gonb"}
		language = map[string]any{"name": "go", "file_extension": ".go"}
	}
	return map[string]any{
		"cells": n.cells, "metadata": map[string]any{"kernelspec": spec, "language_info": language}, "nbformat": 4, "nbformat_minor": 5,
	}
}

// lines splits text as a notebook stores it: each line with its end.
func lines(text string) []string {
	list := strings.SplitAfter(ValidText(text), "\n")
	if len(list) > 0 && list[len(list)-1] == "" {
		list = list[:len(list)-1]
	}
	return list
}

// id names a cell by its place and content: the same incident, the same id.
func (n *notebook) id(text string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d\n%s", len(n.cells), text))
	return hex.EncodeToString(sum[:6])
}

func (n *notebook) markdown(blocks ...string) {
	text := stack(blocks...)
	if text == "" {
		return
	}
	n.cells = append(n.cells, cell{Type: "markdown", ID: n.id(text), Source: lines(text)})
}

// picture is a chart with words for who cannot see it.
func (n *notebook) picture(name, alt string, data []byte) {
	alt = strings.NewReplacer("[", "(", "]", ")", "\n", " ").Replace(ValidText(alt))
	text := fmt.Sprintf("![%s](attachment:%s)", alt, name)
	n.cells = append(n.cells, cell{
		Type: "markdown", ID: n.id(text), Source: lines(text),
		Attachments: map[string]map[string]string{name: {"image/png": base64.StdEncoding.EncodeToString(data)}},
	})
}

// code adds a cell in the notebook's language, with what it prints.
func (n *notebook) code(name, prints string) {
	text := strings.TrimRight(codeNamed(codeOf[n.kernel], name), "\n")
	c := cell{Type: "code", ID: n.id(text), Source: lines(text)}
	if prints != "" {
		c.Outputs = []output{{"stream", "stdout", lines(prints)}}
	}
	n.cells = append(n.cells, c)
}

//go:embed notebook.py
var notebookPython string

//go:embed notebook_gonb.txt
var notebookGo string

var codeOf = map[string]string{"python3": notebookPython, "gonb": notebookGo}

// codeNamed is the part of the code between "# --- name" and the next such line.
func codeNamed(code, name string) string {
	for _, mark := range []string{"# --- ", "// --- "} {
		_, rest, found := strings.Cut(code, mark+name+"\n")
		if found {
			part, _, _ := strings.Cut(rest, mark)
			return part
		}
	}
	panic("report: the notebook has no code named " + name)
}

func (n *notebook) introduction() {
	p, s := n.page, n.page.Summary
	n.markdown("# Timeline of an incident: "+markdownLine(p.Title),
		n.banner(), n.verdict(),
		"What the workers did and when, where their work overlapped, was repeated or broke off, and which of it was written twice. "+
			"The pictures are drawn already; the code below them draws and counts again from `timeline.csv`, `duplicates.csv` and `findings.json` beside this notebook.",
		"Mode: `"+s.Mode+"`.")
}

// verdict says what was found, in figures that findings.json holds.
func (n *notebook) verdict() string {
	s, e := n.page.Summary, &n.page.Summary.ByEvent
	if !hasEvents(s) {
		return fmt.Sprintf("%s of rows lie so close together that they may report one event; %s of %s may be copies.",
			counted(s.Near.Clusters, "cluster", "clusters"), number(s.Near.ExtraRows), counted(s.Rows.In, "row", "rows"))
	}
	return fmt.Sprintf("%s of %s were written more than once: %s among %s.", number(e.DuplicatedEvents), counted(e.Events, "event", "events"),
		counted(e.Duplicates, "row too many", "rows too many"), counted(s.Rows.In, "row", "rows"))
}

func (n *notebook) banner() string {
	if n.page.Banner == "" {
		return ""
	}
	return "> **Not all files were there.** " + capital(n.page.Banner) + "."
}

func (n *notebook) load() {
	a := &n.page.Summary.Attempts
	n.markdown("## The records")
	n.code("load", fmt.Sprintf("%d attempts, %d duplicates\n", a.Total, n.listed()))
}

// listed is how many lines duplicates.csv has.
func (n *notebook) listed() int64 { return n.page.Duplicates }

func (n *notebook) timeline() error {
	p := n.page
	n.markdown("## What each worker did, and when")
	if p.AllBars == 0 {
		n.markdown("There is no worker log, so there is no timeline of attempts.")
		return nil
	}
	a := &p.Summary.Attempts
	picture, err := overviewChart(p)
	if err != nil {
		return err
	}
	n.picture("overview.png", fmt.Sprintf("The whole run: attempts begun over time for each worker, with %s marked that were written more than once",
		counted(p.Summary.ByEvent.DuplicatedEvents, "event", "events")), picture)
	n.markdown(fmt.Sprintf("%s: %s succeeded, %s timed out, %s no end on record. At most %s ran at once for one event.",
		counted(a.Total, "attempt", "attempts"), number(a.Success), number(a.Timeout), oneOf(a.Open, "1 has", number(a.Open)+" have"),
		number(a.MaxConcurrency)))
	for w := range min(len(p.Workers), notebookWorkers) {
		picture, err := workerChart(p, w)
		if err != nil {
			return err
		}
		n.picture(fmt.Sprintf("worker-%d.png", w+1), "Attempts of "+p.Workers[w].Name+" over the whole run, with retries as triangles, overlaps as diamonds and attempts without end as crosses", picture)
	}
	n.code("gantt", "")
	n.markdown("The first second, drawn again from `timeline.csv` (with matplotlib where it is installed, as SVG where it is not):")
	n.code("first", "")
	return nil
}

func (n *notebook) attempts() {
	if n.page.AllBars == 0 {
		return
	}
	a := &n.page.Summary.Attempts
	n.markdown("## Overlaps, retries, crashes", fmt.Sprintf("- ◆ **Overlaps**: %s in %s; the largest has %s at once.\n- ▲ **Retries**: %s, %s of them while an earlier attempt still ran and %s after it.\n"+
		"- ✖ **No end on record**: %s, of which %s by a silence of the worker.\n- **Failed events** (no attempt succeeded): %s.",
		counted(a.OverlapPairs, "pair", "pairs"), counted(a.OverlapGroups, "group", "groups"), counted(a.MaxConcurrency, "attempt", "attempts"),
		number(a.Retries), number(a.RetriesOverlapping), number(a.RetriesSequential),
		counted(a.CrashesNullEnd, "attempt", "attempts"), oneOf(a.CrashesSilence, "1 is backed", number(a.CrashesSilence)+" are backed"), number(a.FailedEvents)))
	n.code("count", fmt.Sprintf("retries %d (overlapping %d, sequential %d), without end %d\n", a.Retries, a.RetriesOverlapping, a.RetriesSequential, a.Open))
}

func (n *notebook) duplicates() {
	p := n.page
	n.markdown("## What was written twice")
	if p.Duplicates == 0 {
		n.markdown("Nothing was: every event has at most one row.")
		return
	}
	g := newGrid("cause", ">duplicates", "grades", "what happens")
	var prints strings.Builder
	for _, c := range p.Causes {
		g.add("`"+c.Slug+"`", number(c.Count), graded(replay.CauseCount{Count: c.Count, Proved: c.Proved, Consistent: c.Consistent, Suspected: c.Suspected}), c.Title)
		fmt.Fprintf(&prints, "%s %d\n", c.Slug, c.Count)
	}
	n.markdown(g.String())
	n.code("causes", prints.String())
}

// closeUps shows one duplicate of each cause.
func (n *notebook) closeUps() error {
	p := n.page
	seen := map[string]bool{}
	for i := range p.Stories {
		s := &p.Stories[i]
		if seen[s.Cause] || len(s.Attempts) == 0 {
			continue
		}
		if len(seen) == 0 {
			n.markdown("## One of each, close up")
		}
		seen[s.Cause] = true
		picture, err := storyChart(p, s)
		if err != nil {
			return err
		}
		n.markdown("### `"+s.Cause+"`", markdownLine(s.Text))
		n.picture("close-up-"+s.Cause+".png", fmt.Sprintf("Close-up of %s (%s): its %s among what the workers did at the time", s.Event, s.Cause, counted(int64(len(s.Attempts)), "attempt", "attempts")), picture)
	}
	if len(seen) > 0 {
		n.code("closeup", "")
	}
	return nil
}

func (n *notebook) windows() {
	list := n.page.Summary.ReplayWindows
	n.markdown("## Replay windows", "The stretches of time to play back: from the first start to the last end of the attempts at events that were attempted more than once.")
	if len(list) == 0 {
		n.markdown("There are none: no event was attempted more than once.")
		return
	}
	g := newGrid("from", "to", ">lasts")
	for i, w := range list {
		if i == mostWindows {
			break
		}
		g.add(tick.Nanos(w.From).String(), tick.Nanos(w.To).String(), span(tick.Nanos(w.To)-tick.Nanos(w.From)))
	}
	rest := ""
	if len(list) > mostWindows {
		rest = fmt.Sprintf("The first %d of %s.", mostWindows, number(int64(len(list))))
	}
	n.markdown(g.String(), rest)
	n.code("windows", fmt.Sprintf("%d replay windows\n", len(list)))
}

func (n *notebook) conclusion() {
	var items []string
	for _, l := range n.page.Terminal {
		if !strings.Contains(l, "prevented") && !strings.HasPrefix(l, "also: ") { // figures of whatif.csv, and rounded ones
			items = append(items, markdownLine(l))
		}
	}
	n.markdown("## In short", bullets(items), "Why, with the evidence: `incident.md`. What would prevent it: `future_improvements.md`. To look around: `report.html`.")
}
