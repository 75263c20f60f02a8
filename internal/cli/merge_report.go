package cli

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"

	"holdfast/merge"
	"holdfast/merge/runner"
)

// pairReport is what pair prints; the keys of merge.Result and bound_messages
// are the contract.
type pairReport struct {
	merge.Result
	BoundMessages int            `json:"bound_messages"`
	Strategy      string         `json:"strategy"`
	Schedule      string         `json:"schedule"`
	Duplicates    string         `json:"duplicates"`
	CountA        int            `json:"count_a"`
	CountB        int            `json:"count_b"`
	WorkA         merge.Work     `json:"work_a"`
	WorkB         merge.Work     `json:"work_b"`
	TypesA        map[string]int `json:"types_a,omitempty"` // messages by type; of a log
	TypesB        map[string]int `json:"types_b,omitempty"`
	Base          int64          `json:"base"`     // byte of the output at which it begins
	Verified      bool           `json:"verified"` // the output was compared with the lists
	Faults        *faultReport   `json:"faults,omitempty"`

	out string
}

// faultReport is what was injected and survived.
type faultReport struct {
	Seed      uint64 `json:"seed"`
	Kills     int    `json:"kills"`
	Torn      int    `json:"torn"` // kills in the middle of a write
	PowerCuts int    `json:"power_cuts"`
	Starts    int    `json:"starts"` // of workers
}

func newPairReport(r *pairRun, bound int) *pairReport {
	schedule := r.schedule
	switch {
	case r.processes:
		schedule = "processes"
	case r.faults != nil:
		schedule = "faults"
	}
	return &pairReport{
		BoundMessages: bound,
		Strategy:      r.o.Strategy.String(), Schedule: schedule, Duplicates: r.o.Duplicates.String(),
		CountA: len(r.lists[0]), CountB: len(r.lists[1]),
		out: r.out,
	}
}

// countTypes counts the messages of both logs in the folder.
func (p *pairReport) countTypes(dir string) {
	for i, id := range []string{"A", "B"} {
		if log, err := os.ReadFile(runner.Files(dir, id, runner.Options{}).Outbox); err == nil {
			p.count(i, log)
		}
	}
}

// count counts the messages of a log; a slot has fewer than were sent and is
// not told.
func (p *pairReport) count(worker int, log []byte) {
	types, sent := &p.TypesA, p.StatsA.MessagesSent
	if worker == 1 {
		types, sent = &p.TypesB, p.StatsB.MessagesSent
	}
	counts := map[string]int{}
	n := int64(0)
	for lines := bufio.NewScanner(bytes.NewReader(log)); lines.Scan(); n++ {
		m, err := runner.ParseLine(lines.Bytes())
		if err != nil {
			return
		}
		counts[m.Type]++
	}
	if n == sent {
		*types = counts
	}
}

func (p *pairReport) write(w io.Writer) error {
	if !p.Success {
		_, err := fmt.Fprintf(w, "not finished: %d steps, %d messages, %d values written so far\n", p.TotalSteps, p.Messages, p.StatsA.ValuesOutput+p.StatsB.ValuesOutput)
		return err
	}
	total := p.StatsA.ValuesOutput + p.StatsB.ValuesOutput
	fmt.Fprintf(w, "%d values of A and %d of B: %s, sorted, in %s\n\n", p.CountA, p.CountB, plural(total, "value"), p.name())
	fmt.Fprintf(w, "  messages     %8d   of ten integers; %s\n", p.Messages, p.beside())
	for i, types := range []map[string]int{p.TypesA, p.TypesB} {
		if sent := []int64{p.StatsA.MessagesSent, p.StatsB.MessagesSent}[i]; sent > 0 {
			fmt.Fprintf(w, "    %c sent     %8d   %s\n", 'A'+i, sent, typeList(types))
		}
	}
	fmt.Fprintf(w, "  comparisons  %8d   balance %.3f\n", p.StatsA.Comparisons+p.StatsB.Comparisons, p.Balance)
	fmt.Fprintf(w, "    A          %8d   %s\n", p.StatsA.Comparisons, where(p.WorkA))
	fmt.Fprintf(w, "    B          %8d   %s\n", p.StatsB.Comparisons, where(p.WorkB))
	fmt.Fprintf(w, "  written      %8d   %d by A, %d by B\n", total, p.StatsA.ValuesOutput, p.StatsB.ValuesOutput)
	fmt.Fprintf(w, "  steps        %8d   %s\n", p.TotalSteps, p.how())
	if f := p.Faults; f != nil {
		fmt.Fprintf(w, "  faults       %8d   survived: %d kills (%d in the middle of a write), %d power cuts; %d starts of workers\n",
			f.Kills+f.PowerCuts, f.Kills, f.Torn, f.PowerCuts, f.Starts)
		fmt.Fprintf(w, "                          output, messages and counts are those of a run without faults\n")
	}
	_, err := fmt.Fprintf(w, "\nThe output was compared with both lists, value for value.\n")
	return err
}

func (p *pairReport) name() string {
	if p.out == "-" {
		return "standard output"
	}
	return p.out
}

// beside puts the messages beside the information bound, which is that of any
// lists of these sizes and this range; lists with structure can take less.
func (p *pairReport) beside() string {
	return fmt.Sprintf("information bound %d: %.2f times", p.BoundMessages, float64(p.Messages)/float64(p.BoundMessages))
}

func (p *pairReport) how() string {
	switch p.Schedule {
	case "alternate":
		return "A and B by turns"
	case "processes":
		return "that changed something, in two processes"
	case "faults":
		return "by chance"
	}
	return p.Schedule
}

// where tells what comparisons were for.
func where(w merge.Work) string {
	var parts []string
	for _, p := range []struct {
		n    int64
		what string
	}{
		{w.MergeComparisons, "own value against received value"},
		{w.Searches, "to find the other's range"},
		{w.Proofs, "neighbours, to prove the order"},
	} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	if w.DigitMoves > 0 {
		parts = append(parts, fmt.Sprintf("beside them %d moves by digits", w.DigitMoves))
	}
	return strings.Join(parts, ", ")
}

func typeList(types map[string]int) string {
	var names []string
	for name := range types {
		names = append(names, name)
	}
	sort.Strings(names)
	for i, name := range names {
		names[i] = fmt.Sprintf("%d %s", types[name], name)
	}
	return strings.Join(names, ", ")
}

func plural(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
