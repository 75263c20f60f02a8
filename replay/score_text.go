package replay

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Text is the score sheet for people: what was measured, then the confusion of
// causes if there was any, the usual rules beside the answer, and the floors.
func (r Report) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s seed %d: %s, %s\n\n", r.Preset, r.Seed, count(r.Rows, "row"), count(r.Duplicates, "true duplicate"))
	r.writeMeasures(&b)
	r.writeConfusion(&b)
	r.writeBaselines(&b)
	r.writeFloors(&b)
	return b.String()
}

// WriteText writes Text.
func (r Report) WriteText(w io.Writer) error {
	_, err := io.WriteString(w, r.Text())
	return err
}

func (r Report) writeMeasures(b *strings.Builder) {
	d, l, c := r.Detection, r.Linking, r.Calibration
	line := func(name, format string, args ...any) {
		text := fmt.Sprintf("%-12s"+format, append([]any{name}, args...)...)
		b.WriteString(strings.TrimRight(text, " ") + "\n")
	}
	triple := func(p PrecisionRecall) string {
		return fmt.Sprintf("precision %-5s  recall %-5s  f1 %-5s", p.Precision, p.Recall, p.F1)
	}
	line("detection", "%s  (%d right, %d wrong, %d missed)", triple(d.PrecisionRecall), d.TP, d.FP, d.FN)
	line("linking", "accuracy %s  (%s decided, %s of these right; best guess %s; all rows %s)",
		l.Accuracy, l.Decided, l.DecidedAccuracy, l.BestGuess, l.AllRows)
	line("canonical", "accuracy %s", r.Canonical.Accuracy)
	line("dedupe", "%d of %s removed%s, %s lost, %d still doubled",
		r.Dedupe.DuplicatesRemoved, count(r.Duplicates, "duplicate"), r.twinsText(), count(r.Dedupe.EventsLost, "event"), r.Dedupe.EventsDoubled)
	line("pairwise", "%s", triple(r.Pairwise))
	line("b-cubed", "%s", triple(r.BCubed))
	line("cause", "credit %s  macro-f1 %s", r.Cause.Credit, r.Cause.MacroF1)
	line("confidence", "brier %s  calibration error %s  coverage %s", errorText(c.Brier), errorText(c.ECE), c.Coverage)
	if r.WhatIf.Checked > 0 {
		line("what-if", "%d of %s kept, largest error %s", r.WhatIf.Inside, count(r.WhatIf.Checked, "promise"), errorText(r.WhatIf.MaxError))
	}
}

// twinsText explains why not every duplicate has to be removed.
func (r Report) twinsText() string {
	if r.SourceTwins == 0 {
		return ""
	}
	return fmt.Sprintf(" (second ids of the source, which may stay: %d)", r.SourceTwins)
}

// errorText shows a figure of which less is better: 0.000 means none.
func errorText(r Ratio) string {
	if !r.Defined {
		return "-"
	}
	s := strconv.FormatFloat(r.Value, 'f', 3, 64)
	if r.Value > 0 && s == "0.000" {
		return "0.001"
	}
	return s
}

// writeConfusion lists true and answered causes with the number of rows.
func (r Report) writeConfusion(b *strings.Builder) {
	cells := [][]string{{"true cause", "answered", "rows"}}
	for _, truth := range sortedKeys(r.Cause.Confusion) {
		row := r.Cause.Confusion[truth]
		for _, answered := range sortedKeys(row) {
			cells = append(cells, []string{truth, answered, strconv.FormatInt(row[answered], 10)})
		}
	}
	if len(cells) > 1 {
		b.WriteByte('\n')
		writeTable(b, cells, 2)
	}
}

func (r Report) writeBaselines(b *strings.Builder) {
	cells := [][]string{{"rule", "removed", "duplicates", "still doubled", "events lost", "linking"}}
	add := func(name string, x Baseline) {
		n := func(v int64) string { return strconv.FormatInt(v, 10) }
		cells = append(cells, []string{name, n(x.Removed), n(x.DuplicatesRemoved), n(x.EventsDoubled), n(x.EventsLost), x.Linking.String()})
	}
	d := r.Dedupe
	add("this audit", Baseline{d.Removed, d.DuplicatesRemoved, d.EventsDoubled, d.EventsLost, r.Linking.Accuracy})
	for _, name := range BaselineNames() {
		if x, ok := r.Baselines[name]; ok {
			add(name, x)
		}
	}
	b.WriteByte('\n')
	writeTable(b, cells, 1)
}

func (r Report) writeFloors(b *strings.Builder) {
	switch {
	case r.Floors.Met == nil:
		fmt.Fprintf(b, "\nno floors for preset %q\n", r.Preset)
	case *r.Floors.Met:
		fmt.Fprintf(b, "\nfloors of %s: met\n", r.Preset)
	default:
		fmt.Fprintf(b, "\nfloors of %s: NOT met: %s\n", r.Preset, strings.Join(r.Floors.Failed, "; "))
	}
}

// writeTable aligns columns: the first ones to the left, the others, numbers, to the right.
func writeTable(b *strings.Builder, cells [][]string, left int) {
	width := make([]int, len(cells[0]))
	for _, row := range cells {
		for i, s := range row {
			width[i] = max(width[i], len(s))
		}
	}
	for _, row := range cells {
		for i, s := range row {
			w := width[i]
			if i < left {
				w = -w
			}
			if i > 0 {
				b.WriteString("  ")
			}
			fmt.Fprintf(b, "%*s", w, s)
		}
		b.WriteByte('\n')
	}
}
