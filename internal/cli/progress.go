package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// lineEvery is how often progress is told where there is no terminal.
const lineEvery = 5 * time.Second

// progress tells how far a long run is, on stderr: a bar on a terminal, a line
// every few seconds elsewhere, nothing when quiet.
type progress struct {
	out      io.Writer
	quiet    bool
	terminal bool
	phase    string
	bar      *progressbar.ProgressBar
	next     time.Time
}

func (a *app) progress() *progress {
	return &progress{out: a.Stderr, quiet: a.quiet, terminal: a.Terminal, next: time.Now().Add(lineEvery)}
}

// Step tells that phase has done so much of total (0: unknown).
func (p *progress) Step(phase string, done, total int64) {
	switch {
	case p.quiet:
	case p.terminal:
		p.draw(phase, done, total)
	case time.Now().After(p.next):
		p.next = time.Now().Add(lineEvery)
		switch {
		case total > 0:
			fmt.Fprintf(p.out, "%s: %d of %d\n", phase, done, total)
		case done > 0:
			fmt.Fprintf(p.out, "%s: %d\n", phase, done)
		default:
			fmt.Fprintf(p.out, "%s …\n", phase)
		}
	}
}

func (p *progress) draw(phase string, done, total int64) {
	if p.bar == nil || p.phase != phase {
		p.Close()
		if total <= 0 {
			total = -1
		}
		p.phase = phase
		p.bar = progressbar.NewOptions64(total,
			progressbar.OptionSetWriter(p.out), progressbar.OptionSetDescription(fmt.Sprintf("%-12s", phase)),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(),
			progressbar.OptionShowCount(), progressbar.OptionSetWidth(30))
	}
	_ = p.bar.Set64(done)
}

// Close clears the bar, so that what follows begins on a clean line.
func (p *progress) Close() {
	if p.bar != nil {
		_ = p.bar.Finish()
		p.bar = nil
	}
}
