package fetch

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"holdfast/fetch/retry"
)

// A Trail is what the log says about one URL of a list: each attempt, what was
// decided after it, and by which rule.
type Trail struct {
	URL       string      `json:"url"`
	Line      int64       `json:"line,omitempty"`
	Outcome   string      `json:"outcome"` // empty: it has none yet
	Why       string      `json:"why"`
	NotBefore string      `json:"not_before,omitempty"`
	Attempts  []TrailStep `json:"attempts"`
}

// A TrailStep is one attempt.
type TrailStep struct {
	Attempt   int     `json:"attempt"`
	Run       int     `json:"run,omitempty"`
	At        string  `json:"at"`
	Class     string  `json:"class"`
	Kind      string  `json:"kind,omitempty"`
	Phase     string  `json:"phase,omitempty"`
	Limit     string  `json:"limit,omitempty"`
	Status    int     `json:"status,omitempty"`
	LatencyMS float64 `json:"latency_ms"`
	WireSends int     `json:"wire_sends"`
	Decision  string  `json:"decision"`
	Rule      string  `json:"rule"`
	Why       string  `json:"why,omitempty"`
	Error     string  `json:"error,omitempty"`
	WaitMS    float64 `json:"wait_ms,omitempty"`   // before the next attempt, as decided
	WaitedMS  float64 `json:"waited_ms,omitempty"` // before this one, as it was
	Bytes     int64   `json:"bytes,omitempty"`
	BodyFile  string  `json:"body_file,omitempty"`
}

// Explain reads a log and gives the trails of a URL, in the order of the
// list's lines. The URL may be given with its secrets.
func Explain(log io.Reader, name, url string) ([]Trail, error) {
	shown := RedactURL(url)
	s := recordScanner{in: bufio.NewReaderSize(log, 256<<10)}
	trails := map[int64]*Trail{}
	records := 0
	var l logLine
	for s.next() {
		if l.parse(s.line) != nil || len(l.event) == 0 {
			continue
		}
		records++
		if string(l.url) != shown && string(l.url) != url {
			continue
		}
		t := trails[l.line]
		if t == nil {
			t = &Trail{URL: shown, Line: l.line, Attempts: []TrailStep{}}
			trails[l.line] = t
		}
		t.take(&l)
	}
	if s.err != nil {
		return nil, s.err
	}
	if records == 0 && s.n > 0 {
		return nil, &InputError{name, 1, errNotRecord}
	}
	all := []Trail{}
	for _, t := range trails {
		all = append(all, *t)
	}
	slices.SortFunc(all, func(a, b Trail) int { return cmp.Compare(a.Line, b.Line) })
	return all, nil
}

func (t *Trail) take(l *logLine) {
	if len(l.class) > 0 && l.attempt > 0 {
		t.Attempts = append(t.Attempts, TrailStep{
			Attempt: int(l.attempt), Run: int(l.run), At: string(l.timestamp), Class: string(l.class), Kind: string(l.kind), Phase: string(l.phase),
			Limit: string(l.limit), Status: int(l.status), LatencyMS: l.latencyMS, WireSends: int(l.wireSends), Decision: string(l.decision),
			Rule: string(l.rule), Why: string(l.why), Error: string(l.errText), WaitedMS: l.waitedMS, Bytes: l.bytes, BodyFile: string(l.bodyFile),
		})
	}
	if string(l.event) == "retry" && len(t.Attempts) > 0 {
		t.Attempts[len(t.Attempts)-1].WaitMS = l.waitMS
	}
	if !l.final && !l.postponed {
		return
	}
	t.Outcome, t.NotBefore = string(l.outcome), string(l.notBefore)
	t.Why = string(l.why)
	switch {
	case string(l.event) == "max_retries":
		t.Why = fmt.Sprintf("all %d attempts were made, the last one ended with %s", l.attempts, l.lastError)
	case string(l.event) == "duplicate":
		t.Outcome, t.Why = "duplicate", fmt.Sprintf("the same as line %d", l.ofLine)
	case len(l.errText) > 0 && t.Why == "":
		t.Why = string(l.errText)
	}
	if t.Why == "" && len(l.rule) > 0 {
		t.Why = reason(string(l.rule))
	}
}

// reason is why the table answers as it does.
func reason(rule string) string {
	r, err := retry.ParseRule(rule)
	if err != nil {
		return ""
	}
	row, ok := retry.RuleRow(r)
	if !ok {
		return ""
	}
	return row.Why
}

// WriteText tells the trail in words.
func (t *Trail) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s", t.URL)
	if t.Line > 0 {
		fmt.Fprintf(&b, " (line %d)", t.Line)
	}
	b.WriteByte('\n')
	run := 0
	for _, a := range t.Attempts {
		if a.Run > 1 && a.Run != run {
			fmt.Fprintf(&b, "  run %d\n", a.Run)
		}
		run = a.Run
		a.write(&b)
	}
	outcome := t.Outcome
	if outcome == "" {
		outcome = "not finished: --resume goes on with it"
	}
	fmt.Fprintf(&b, "  outcome: %s", strings.ReplaceAll(outcome, "_", " "))
	if t.Why != "" {
		fmt.Fprintf(&b, ": %s", t.Why)
	}
	if t.NotBefore != "" {
		fmt.Fprintf(&b, "; not before %s", t.NotBefore)
	}
	b.WriteByte('\n')
	_, err := io.WriteString(w, b.String())
	return err
}

func (a *TrailStep) write(b *strings.Builder) {
	at := a.At
	if t, ok := parseTimestamp([]byte(at)); ok {
		at = t.UTC().Format("15:04:05.000")
	}
	fmt.Fprintf(b, "  attempt %d, %s: %s after %v", a.Attempt, at, a.what(), inWords(a.LatencyMS))
	if a.WaitedMS > 0 {
		fmt.Fprintf(b, ", having waited %v", inWords(a.WaitedMS))
	}
	switch a.WireSends {
	case 0:
		b.WriteString(", nothing was sent")
	case 1:
	default:
		fmt.Fprintf(b, ", sent %d times", a.WireSends)
	}
	b.WriteByte('\n')
	if a.Error != "" {
		fmt.Fprintf(b, "      %s\n", a.Error)
	}
	switch {
	case a.Decision == "retry":
		fmt.Fprintf(b, "      again in %v", inWords(a.WaitMS))
	case a.Decision == "done":
		b.WriteString("      over")
	case a.Decision != "":
		fmt.Fprintf(b, "      %s", a.Decision)
	}
	if a.Rule != "" {
		fmt.Fprintf(b, " by rule %s", a.Rule)
		if why := reason(a.Rule); why != "" {
			fmt.Fprintf(b, ": %s", why)
		}
	}
	if a.Why != "" {
		fmt.Fprintf(b, " (%s)", strings.ReplaceAll(a.Why, "_", " "))
	}
	b.WriteByte('\n')
}

func (a *TrailStep) what() string {
	if a.Status != 0 {
		return fmt.Sprintf("HTTP %d", a.Status)
	}
	what := strings.ReplaceAll(a.Class, "_", " ")
	for _, more := range []string{a.Kind, a.Limit} {
		if more != "" {
			what += " " + strings.ReplaceAll(more, "_", " ")
		}
	}
	if a.Phase != "" {
		what += " during " + a.Phase
	}
	return what
}

func inWords(ms float64) time.Duration {
	return time.Duration(ms * float64(time.Millisecond)).Round(100 * time.Microsecond)
}
