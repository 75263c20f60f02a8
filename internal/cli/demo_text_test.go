package cli

import (
	"strings"
	"testing"

	"holdfast/engine/incident"
)

// What a demo tells fits into the terminal: no line is broken by it.
func TestDemoFits(t *testing.T) {
	t.Parallel()
	c := chapter{facts: []string{"2123 deliveries: 99 came twice, 68 damaged, 44 never; the recorder was killed 20 times (kill -9), and ended 4 times by the link"}}
	for _, s := range stages {
		c.claims = append(c.claims, claim{What: s.title, Injected: "2000", Found: "2000", Held: true})
	}
	var rows chapter
	rows.table = &raceTable{without: 81, held: 7}
	for _, s := range incident.Safeguards() {
		rows.table.rows = append(rows.table.rows, incident.Verdict{Safeguard: s, Actual: 80, HeldUp: 22})
	}
	told := func(columns int) string {
		var out strings.Builder
		d := &demoTeller{out: &out, indent: indent, what: whatWidth}
		d.fit(columns)
		for i, s := range stages {
			d.chapter(i+1, s, c)
		}
		d.chapter(7, stages[6], rows)
		return out.String()
	}
	for _, columns := range []int{50, 60, 80, 100} {
		for line := range strings.Lines(told(columns)) {
			if n := len([]rune(strings.TrimRight(line, "\n"))); n > columns {
				t.Errorf("%d columns: %d letters: %s", columns, n, line)
			}
		}
	}
	if wide := told(0); wide != told(200) || strings.Count(wide, "\n") >= strings.Count(told(80), "\n") {
		t.Error("a wide terminal is told something else than a file")
	}
}
