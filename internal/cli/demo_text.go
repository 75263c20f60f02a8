package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"holdfast/engine/incident"
	"holdfast/replay"
)

// demoTeller prints a demo while it goes on, a block a stage:
//
//	2  record      its ticks cross a link that …
//	               2118 deliveries: 98 came twice, …
//	               ✓ ticks recorded, of all that ever came        1959   1959
type demoTeller struct {
	out    io.Writer
	colour bool
	json   bool
	start  time.Time
	indent int // of facts and claims
	what   int // letters of a claim in a line
	narrow int // columns of a terminal that is too narrow for the whole width; 0 is wide
	err    error
}

func (a *app) demoTeller() *demoTeller {
	t := &demoTeller{out: a.Stdout, colour: a.colourful(), json: a.json, start: time.Now(), indent: indent, what: whatWidth}
	t.fit(a.columns())
	return t
}

// fit is for a terminal with so many columns; 0 is none.
func (t *demoTeller) fit(columns int) {
	if columns > 0 && columns < indent+2+whatWidth+2*figures+1 {
		t.narrow, t.indent = columns, 3
		t.what = max(columns-t.indent-2-2*figures-2, 16)
	}
}

// columns is how wide the terminal is that standard output is; 0 if it is none.
func (a *app) columns() int {
	f, ok := a.Stdout.(*os.File)
	if !ok {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}

// colourful reports that standard output is a terminal whose user has nothing
// against colours (https://no-color.org).
func (a *app) colourful() bool {
	f, ok := a.Stdout.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && a.Getenv("NO_COLOR") == "" && a.Getenv("TERM") != "dumb"
}

// Styles, as terminals know them.
const (
	bold  = "1"
	dim   = "2"
	red   = "1;31"
	green = "32"
	cyan  = "1;36"
)

func (t *demoTeller) in(style, text string) string {
	if !t.colour || style == "" {
		return text
	}
	return "\x1b[" + style + "m" + text + "\x1b[0m"
}

// print writes text; the first failure is kept for the end.
func (t *demoTeller) print(format string, args ...any) {
	if t.json || t.err != nil {
		return
	}
	_, t.err = fmt.Fprintf(t.out, format, args...)
}

func (t *demoTeller) begin(j *journey) {
	t.print("%s  ", t.in(bold, "holdfast demo"))
	text := fmt.Sprintf("%d ticks of a market on their whole way, seed %d; takes about %d s; everything stays in %s",
		j.plan.Events, j.plan.Seed, int(j.foreseen().Round(10*time.Second).Seconds()), j.dir)
	t.lines("               ", "", text)
}

// lines prints text, broken where a narrow terminal ends; the first line has a
// beginning already, of the width of margin.
func (t *demoTeller) lines(margin, style, text string) {
	parts := []string{text}
	if t.narrow > 0 {
		parts = wrap(text, max(t.narrow-len(margin)-1, 16))
	}
	for i, p := range parts {
		if i > 0 {
			t.print("%s", margin)
		}
		t.print("%s\n", t.in(style, p))
	}
}

// foreseen is about how long the demo takes on two idle cores: the race is run
// once, then in lanes.
func (j *journey) foreseen() time.Duration {
	rounds := 1 + (len(incident.Safeguards())+lanes-1)/lanes
	return 15*time.Second + time.Duration(rounds)*(j.plan.Lasts()+2*time.Second)
}

// Widths of a block.
const (
	indent    = 15
	whatWidth = 66
	figures   = 9
)

func (t *demoTeller) chapter(number int, s stage, c chapter) {
	heading := ""
	if len(c.claims) > 0 && c.table == nil {
		heading = fmt.Sprintf("%*s %*s", figures, "truth", figures, "found")
	}
	t.print("\n%s  %s", t.in(cyan, fmt.Sprint(number)), t.in(bold, pad(s.name, indent-3)))
	t.lines(strings.Repeat(" ", indent), bold, s.title)
	margin := strings.Repeat(" ", t.indent)
	for _, f := range c.facts {
		for i, line := range wrap(f, t.what+2*figures) {
			if i > 0 {
				line = "  " + line
			}
			t.print("%s%s\n", margin, line)
		}
	}
	if c.table != nil {
		t.table(c.table)
		return
	}
	t.print("%s%s%s\n", margin, strings.Repeat(" ", t.what+2), t.in(dim, heading))
	for _, k := range c.claims {
		lead, text := t.mark(k.Held), []string{k.What}
		if t.narrow > 0 {
			text = wrap(k.What, t.what)
		}
		for len(text) > 1 {
			t.print("%s%s %s\n", margin, lead, text[0])
			lead, text = " ", text[1:]
		}
		t.print("%s%s %s%*s %*s\n", margin, lead, pad(text[0], t.what), figures, k.Injected, figures, k.Found)
	}
}

func (t *demoTeller) mark(held bool) string {
	if held {
		return t.in(green, "✓")
	}
	return t.in(red, "✗")
}

// table is predicted against actual. On a narrow terminal names and remarks have
// lines of their own.
func (t *demoTeller) table(r *raceTable) {
	const wide, margin = 27, "   "
	row := func(lead, name, figures, remark string) {
		if t.narrow == 0 {
			t.print("%s%s %s%s  %s\n", margin, lead, pad(name, wide), figures, t.in(dim, remark))
			return
		}
		t.print("%s%s ", margin, lead)
		t.lines(margin+"  ", "", name)
		t.print("%s  %s\n", margin, figures)
		if remark != "" {
			t.print("%s    ", margin)
			t.lines(margin+"    ", dim, remark)
		}
	}
	t.print("\n")
	row(" ", "rows too many with …", t.in(dim, "  predicted   within 99 %     really    lost"), "")
	row(" ", incident.None.About(), fmt.Sprintf("%*s %*s %s %*d", 11, "", 13, "", t.in(bold, fmt.Sprintf("%*d", 10, r.without)), 7, 0), stalls("", r.held))
	for _, v := range r.rows {
		row(t.mark(v.Held()), v.Safeguard.About(), fmt.Sprintf("%*s %*s %s %*d", 11, v.Predicted, 13, v.Widened,
			t.in(bold, fmt.Sprintf("%*d", 10, v.Actual)), 7, v.Lost), stalls(remark(v, r.without), v.HeldUp))
	}
}

// remark says why some rows are left, or why none are.
func remark(v incident.Verdict, without int64) string {
	helps := v.Actual*5 < without*4
	switch {
	case !v.Held():
		return "not as foretold"
	case v.Safeguard.ByKey():
		return "the sink itself refuses the second"
	case v.Safeguard == incident.Partitions && !helps:
		return "no help: its own worker gets it again"
	case v.Safeguard == incident.Fencing && !helps:
		return "no help: older, then newer, both pass"
	case v.Actual == 0:
		return ""
	case v.Safeguard == incident.InFlight:
		return "kills after the row, deliveries on their way"
	}
	return "kills between row and acknowledgement"
}

// stalls adds how many rows are the machine's doing.
func stalls(remark string, rows int64) string {
	if rows == 0 {
		return remark
	}
	text := fmt.Sprintf("%d by stalls of this machine", rows)
	if remark == "" {
		return text
	}
	return remark + "; " + text
}

// end prints the verdict, or the whole as one object.
func (t *demoTeller) end(j *journey, claims []claim, failed int) error {
	if t.json {
		return j.a.print(struct {
			Dir        string         `json:"dir"`
			Seed       uint64         `json:"seed"`
			Events     int            `json:"events"`
			Report     string         `json:"report"`
			Claims     []claim        `json:"claims"`
			Failed     int            `json:"failed"`
			Duplicates int64          `json:"duplicates"`
			Lost       int64          `json:"lost"`
			Safeguards []verdictJSON  `json:"safeguards"`
			Audit      replay.Summary `json:"audit"`
		}{j.dir, j.plan.Seed, j.plan.Events, j.path("report.html"), claims, failed, j.race.Duplicates(), j.race.Lost(), j.table.json(), j.audit.Summary}, nil)
	}
	if failed == 0 {
		t.print("\n%s ", t.in(green, fmt.Sprintf("All %d claims hold", len(claims))))
		t.lines(strings.Repeat(" ", 20), "", fmt.Sprintf("in %v. Each tick of the market is in %s exactly once.", time.Since(t.start).Round(time.Second), j.path("clean.csv")))
	} else {
		t.print("\n%s\n", t.in(red, fmt.Sprintf("%d of %d claims do NOT hold", failed, len(claims))))
	}
	for _, l := range [][2]string{
		{"look at", j.path("report.html") + "   every copy, its race and its story; one page, offline"},
		{"read", j.path("incident", "audit", "incident.md") + "   what happened, why, and how it was found"},
		{"then", "holdfast whatif " + j.path("incident")},
		{"", "holdfast guard --selftest   the sink that refuses the second, as a relay for your own streams"},
	} {
		t.print("  %s ", t.in(dim, pad(l[0], 8)))
		path, about, _ := strings.Cut(l[1], "   ")
		if t.narrow > 0 && about != "" {
			t.print("%s\n%s", path, strings.Repeat(" ", 11))
			t.lines(strings.Repeat(" ", 11), "", about)
			continue
		}
		t.lines(strings.Repeat(" ", 11), "", l[1])
	}
	return t.err
}

// verdictJSON is a row of the table.
type verdictJSON struct {
	Safeguard  string   `json:"safeguard"`
	Foretold   string   `json:"foretold_as"`
	Predicted  [2]int64 `json:"predicted"`
	Widened    [2]int64 `json:"widened"`
	Duplicates int64    `json:"duplicates"`
	HeldUp     int64    `json:"held_up"`
	Lost       int64    `json:"lost"`
	Held       bool     `json:"held"`
}

func (r *raceTable) json() (all []verdictJSON) {
	for _, v := range r.rows {
		all = append(all, verdictJSON{string(v.Safeguard), v.Safeguard.Foretold().String(), [2]int64{v.Predicted.Lo, v.Predicted.Hi},
			[2]int64{v.Widened.Lo, v.Widened.Hi}, v.Actual, v.HeldUp, v.Lost, v.Held()})
	}
	return all
}

// pad fills text up with blanks to a width in letters.
func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(width-len([]rune(text)), 0))
}

// wrap breaks text into lines of at most so many letters.
func wrap(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len([]rune(line))+1+len([]rune(word)) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
