package report

import (
	"bytes"
	"compress/flate"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"math/bits"
	"slices"
	"strings"

	"holdfast/replay"
	"holdfast/replay/tick"
	"holdfast/replay/whatif"
)

// Page is everything that report.html shows: plain values, so that the page can
// be tested before there is one. Times are nanoseconds since Base; the page
// counts in float64, which is exact up to 104 days.
type Page struct {
	Title      string   `json:"title"`
	Verdict    []string `json:"verdict"` // sentences
	Banner     string   `json:"banner"`  // what was not there; empty if all was
	Terminal   []string `json:"terminal"`
	Duplicates int64    `json:"duplicates"`

	Summary *replay.Summary `json:"summary"`
	Causes  []pageCause     `json:"causes"`
	Other   []pageOther     `json:"other"`
	Symbols []pageSymbol    `json:"symbols"`

	Base    string       `json:"base"`     // RFC 3339
	SpanNS  int64        `json:"span"`     // of the whole run
	Workers []pageWorker `json:"workers"`  // in the order of their lanes
	Density pageDensity  `json:"density"`  // the whole run
	Bars    pageBars     `json:"bars"`     // exact, around what is remarkable
	AllBars int64        `json:"all_bars"` // attempts there are

	Stories    []pageStory     `json:"stories"` // in file order
	AllStories int64           `json:"all_stories"`
	Safeguards []safeguardJSON `json:"safeguards"`
	Minimal    []int           `json:"minimal"`
	Groups     []pageGroup     `json:"groups"`
}

type pageCause struct {
	Slug       string `json:"slug"`
	Title      string `json:"title"`
	Means      string `json:"means"`
	Shows      string `json:"shows"`
	Count      int64  `json:"count"`
	Proved     int64  `json:"proved"`
	Consistent int64  `json:"consistent"`
	Suspected  int64  `json:"suspected"`
}

type pageOther struct {
	Slug  string `json:"slug"`
	Means string `json:"means"`
	Count int64  `json:"count"`
}

type pageSymbol struct {
	Symbol string `json:"symbol"`
	Key    int64  `json:"key"`   // extra rows by key
	Event  int64  `json:"event"` // duplicates by event, or near
}

type pageWorker struct {
	Name   string `json:"name"`
	Lanes  int    `json:"lanes"`
	SkewNS int64  `json:"skew"`
}

// pageDensity is how many attempts began, and how many of these belong to an
// event with duplicates, in each of equally long bins of the run, by worker.
type pageDensity struct {
	WidthNS int64     `json:"width"`
	Starts  [][]int64 `json:"starts"`
	Marked  [][]int64 `json:"marked"`
}

// pageBars are attempts by column: worker, lane, start (less the start before),
// length (-1: no end), status, retry, event and flags.
type pageBars struct {
	Worker []int    `json:"w"`
	Lane   []int    `json:"l"`
	Start  []int64  `json:"s"`
	Length []int64  `json:"d"`
	Status []int    `json:"t"`
	Retry  []int    `json:"r"`
	Event  []string `json:"e"`
	Flags  []int    `json:"f"`
}

// The flags of a bar.
const (
	flagDuplicated = 1 << iota // of an event with a duplicate
	flagOverlap
	flagCrash
	flagRetry
)

// pageStory is one duplicate.
type pageStory struct {
	Row          int64    `json:"row"`
	Canonical    int64    `json:"canonical"`
	Event        string   `json:"event"`
	Symbol       string   `json:"symbol"`
	Time         string   `json:"time"`
	Price        string   `json:"price"`
	TimeShift    string   `json:"dt"` // ms
	PriceShift   string   `json:"dp"`
	Cause        string   `json:"cause"`
	Also         []string `json:"also,omitempty"`
	Alternatives []string `json:"alternatives,omitempty"`
	Grade        string   `json:"grade"`
	Label        string   `json:"label"`
	Evidence     string   `json:"evidence"`
	Text         string   `json:"text"`
	Removed      bool     `json:"removed"`

	Attempts []pageAttempt `json:"attempts"`
	Rows     []pageRow     `json:"rows"`
	From     int64         `json:"from"` // the stretch of time to show
	To       int64         `json:"to"`
	Sure     []int         `json:"sure"`     // safeguards that prevent it
	Possibly []int         `json:"possibly"` // and those that may
}

type pageAttempt struct {
	Worker string `json:"worker"`
	Start  int64  `json:"start"`
	Length int64  `json:"length"` // -1: no end
	Status string `json:"status"`
}

type pageRow struct {
	N     int64  `json:"n"`
	Time  string `json:"time"`
	Price string `json:"price"`
	Own   bool   `json:"own"`
}

// pageGroup is how many duplicates of a cause have the same fate.
type pageGroup struct {
	Cause    string `json:"cause"`
	N        int64  `json:"n"`
	Sure     []int  `json:"sure"`
	Possibly []int  `json:"possibly"`
}

// newPage fills in all but the bars and the stories.
func newPage(in *Incident, r *whatif.Result) *Page {
	s := in.Summary
	p := &Page{
		Title: capital(strings.TrimPrefix(strings.SplitN(in.headline(), "\n", 2)[0], "# Incident report: ")), Banner: banner(s),
		Duplicates: in.duplicates(), AllStories: in.duplicates(), Summary: s,
		Verdict: []string{plainText(in.verdict()), plainText(in.outcome())},
	}
	var terminal strings.Builder
	_ = WriteSummary(&terminal, s, r)
	p.Terminal = strings.Split(strings.TrimSpace(terminal.String()), "\n")
	for _, c := range byCount(s.Causes) {
		cause, _ := replay.ParseCause(c.slug)
		prose := proseOf(cause)
		p.Causes = append(p.Causes, pageCause{c.slug, prose.title, prose.means, prose.shows, c.Count, c.Proved, c.Consistent, c.Suspected})
	}
	for _, slug := range otherSlugs(s.Other) {
		p.Other = append(p.Other, pageOther{slug, plainText(meaningOf(slug)), s.Other[slug]})
	}
	p.symbols(in.Symbols)
	if r == nil {
		return p
	}
	for _, x := range r.Outcomes {
		p.Safeguards = append(p.Safeguards, newSafeguardJSON(&x))
	}
	p.Minimal = r.Minimal
	for _, g := range r.Groups {
		p.Groups = append(p.Groups, pageGroup{g.Cause.String(), g.N, members(g.Prevented), members(g.Possibly)})
	}
	return p
}

func plainText(markdown string) string {
	return strings.NewReplacer("`", "", "**", "", `\`, "").Replace(markdown)
}

func (p *Page) symbols(lines []replay.SymbolLine) {
	at := map[string]int{}
	for _, l := range lines {
		if l.All {
			continue
		}
		i, ok := at[l.Symbol]
		if !ok {
			i = len(p.Symbols)
			at[l.Symbol] = i
			p.Symbols = append(p.Symbols, pageSymbol{Symbol: l.Symbol})
		}
		if l.View == replay.ViewKey {
			p.Symbols[i].Key = l.ExtraRows
		} else {
			p.Symbols[i].Event = l.ExtraRows
		}
	}
	if len(p.Symbols) > mostSymbols {
		slices.SortStableFunc(p.Symbols, func(a, b pageSymbol) int { return int(max(-1, min(1, b.Event+b.Key-a.Event-a.Key))) })
		p.Symbols = p.Symbols[:mostSymbols]
	}
}

// mostSymbols bounds the table of symbols; those with most duplicates stay.
const mostSymbols = 500

func members(set uint64) []int {
	list := []int{}
	for ; set != 0; set &= set - 1 {
		list = append(list, bits.TrailingZeros64(set))
	}
	return list
}

func newStory(e *Example, fate whatif.Fate, base tick.Nanos) pageStory {
	c, d := &e.Case, &e.Duplicate
	s := pageStory{
		Row: d.Row.N, Canonical: d.CanonicalRow, Event: c.Event.ID, Symbol: d.Row.Symbol, Time: d.Row.TimeText, Price: d.Row.Price.String(),
		TimeShift: millis(d.TimeShift), PriceShift: d.PriceShift.String(), Cause: d.Cause.String(), Grade: d.Grade.String(),
		Label: d.Label.String(), Evidence: d.Evidence, Text: Story(c, d), Removed: d.Removed,
		Sure: members(fate.Prevented), Possibly: members(fate.Possibly &^ fate.Prevented),
		Attempts: []pageAttempt{}, Rows: []pageRow{},
	}
	for _, also := range d.Also {
		s.Also = append(s.Also, also.String())
	}
	for _, a := range d.Alternatives {
		s.Alternatives = append(s.Alternatives, a.String())
	}
	s.From = int64(c.Event.Time - base)
	s.To = s.From
	for i := range c.Attempts {
		if i == mostListed {
			break
		}
		a := &c.Attempts[i]
		length := int64(-1)
		if d, ok := a.Duration(); ok {
			length = int64(d)
		}
		start := int64(a.Start - base)
		s.Attempts = append(s.Attempts, pageAttempt{a.Worker, start, length, a.Status.String()})
		if i == 0 {
			s.From, s.To = start, start
		}
		s.From, s.To = min(s.From, start), max(s.To, start+max(length, 0))
	}
	for i := range c.Rows {
		if i == mostListed {
			break
		}
		r := &c.Rows[i].Row
		s.Rows = append(s.Rows, pageRow{r.N, r.TimeText, r.Price.String(), r.N == d.CanonicalRow})
	}
	return s
}

// mostListed bounds the attempts and the rows that one story lists.
const mostListed = 64

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

//go:embed page.js
var pageJS string

// writePage writes the page with its data: one file that asks for nothing else.
func writePage(w io.Writer, p *Page) error {
	var data bytes.Buffer
	z, err := flate.NewWriter(&data, flate.BestCompression)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(z)
	enc.SetEscapeHTML(true)
	if err := enc.Encode(p); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	page := strings.NewReplacer(
		"{{title}}", html.EscapeString(ValidText(p.Title)),
		"{{style}}", pageCSS,
		"{{script}}", pageJS,
		"{{verdict}}", html.EscapeString(ValidText(strings.Join(p.Verdict, " "))),
		"{{data}}", base64.StdEncoding.EncodeToString(data.Bytes()),
	).Replace(pageHTML)
	if _, err := io.WriteString(w, page); err != nil {
		return fmt.Errorf("report.html: %w", err)
	}
	return nil
}
