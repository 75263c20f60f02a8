package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // --assume-tz works on machines without a zone database

	"github.com/spf13/pflag"

	"holdfast/replay/audit"
	"holdfast/replay/ingest"
	"holdfast/replay/match"
	"holdfast/replay/tick"
)

// readFlags say how the three files are read (R3-R12): shared by audit and dedupe.
type readFlags struct {
	assumeTZ, maxBad, delimiter string
	dst, epoch                  choice
	noHeader, foldCase          bool
}

func (r *readFlags) add(f *pflag.FlagSet) {
	r.dst = choice{"", []string{"earlier", "later"}}
	r.epoch = choice{"auto", []string{"auto", "s", "ms", "us", "ns"}}
	f.StringVar(&r.assumeTZ, "assume-tz", "UTC", "zone of times that name none, such as Asia/Kolkata")
	f.Var(&r.dst, "dst", "which reading of a local time that daylight saving makes ambiguous or skips; without it such rows are rejected")
	f.Var(&r.epoch, "epoch", "unit of numeric times")
	f.StringVar(&r.delimiter, "delimiter", "", "field separator of the CSV files: one character or \\t; read off the header otherwise")
	f.BoolVar(&r.noHeader, "no-header", false, "the CSV files begin with data; columns stand in the documented order")
	f.BoolVar(&r.foldCase, "fold-case", false, "symbols that differ in case or outer spaces are the same")
	f.StringVar(&r.maxBad, "max-bad", "", "bad records allowed in a file, N or P% (default the larger of 100 and 1%)")
}

func (r *readFlags) options() (ingest.Options, error) {
	o := ingest.Options{NoHeader: r.noHeader, FoldCase: r.foldCase, Epoch: r.epoch.value}
	if r.assumeTZ != "" && r.assumeTZ != "UTC" {
		loc, err := time.LoadLocation(r.assumeTZ)
		if err != nil {
			return o, usageError(fmt.Errorf("--assume-tz %q is no zone: use a name such as Europe/London", r.assumeTZ))
		}
		o.Zone.Loc = loc
	}
	switch r.dst.value {
	case "earlier":
		o.Zone.DST = tick.DSTEarlier
	case "later":
		o.Zone.DST = tick.DSTLater
	}
	switch d := strings.ReplaceAll(r.delimiter, `\t`, "\t"); len(d) {
	case 0:
	case 1:
		o.Delimiter = d[0]
	default:
		return o, usageError(fmt.Errorf("--delimiter %q: must be one character", r.delimiter))
	}
	var err error
	o.MaxBad, err = parseMaxBad(r.maxBad)
	return o, err
}

func parseMaxBad(s string) (ingest.MaxBad, error) {
	if s == "" {
		return ingest.MaxBad{}, nil
	}
	number, percent := strings.CutSuffix(s, "%")
	x, err := strconv.ParseFloat(number, 64)
	if err != nil || !(x >= 0) || !percent && x != float64(int64(x)) {
		return ingest.MaxBad{}, usageError(fmt.Errorf("--max-bad %q: use a whole number or a percentage, such as 50 or 0.5%%", s))
	}
	if percent {
		return ingest.MaxBad{Set: true, Percent: x}, nil
	}
	return ingest.MaxBad{Set: true, Count: int64(x)}, nil
}

// resourceFlags bound what a command may take of the machine.
type resourceFlags struct {
	memory byteSize
	tmp    string
	jobs   int
}

func (r *resourceFlags) add(f *pflag.FlagSet) {
	r.memory = 512 << 20
	f.Var(&r.memory, "memory", "working memory, whatever the size of the input")
	f.StringVar(&r.tmp, "tmp", "", "folder for temporary files (default the system's)")
	f.IntVar(&r.jobs, "jobs", 0, "processors to use (default all)")
}

// memoryFloor is what the process needs in any case, in bytes: a lower limit
// would only make the garbage collector spin.
const memoryFloor = 48 << 20

// apply tells the runtime to keep the heap within the limit.
func (r *resourceFlags) apply() error {
	if r.jobs < 0 {
		return usageError(fmt.Errorf("--jobs %d: use a number of processors, or 0 for all", r.jobs))
	}
	debug.SetMemoryLimit(max(int64(r.memory), memoryFloor))
	return nil
}

// fileFlags name the three files.
type fileFlags struct{ events, workers, output string }

func (p *fileFlags) add(f *pflag.FlagSet) {
	f.StringVar(&p.events, "events", "", "the source's events (JSONL); - is standard input")
	f.StringVar(&p.workers, "workers", "", "the workers' log (CSV)")
	f.StringVar(&p.output, "output", "", "the output to be judged (CSV)")
}

// fill takes what the flags leave open from the folder, and checks the rest.
func (p *fileFlags) fill(dir string) error {
	if dir != "" {
		roles, err := ingest.Roles{Events: p.events, Workers: p.workers, Output: p.output}.Fill(dir)
		if err != nil {
			return err
		}
		p.events, p.workers, p.output = roles.Events, roles.Workers, roles.Output
	}
	if p.output == "" {
		if dir == "" {
			return usageError(fmt.Errorf("no input: name a folder, or a file with --output"))
		}
		return inputError(fmt.Errorf("%s: no output file: expected final_output.csv, or name one with --output", dir))
	}
	stdin := 0
	for _, path := range []string{p.events, p.workers, p.output} {
		if path == "-" {
			stdin++
		}
	}
	if stdin > 1 {
		return usageError(fmt.Errorf("only one of --events, --workers and --output can be standard input"))
	}
	return nil
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// matchFlags tune how rows are tied to events and attempts judged.
type matchFlags struct {
	tolerance    string
	position     choice
	useAdjacency bool
}

func (m *matchFlags) add(f *pflag.FlagSet) {
	m.position = choice{"on", []string{"on", "off"}}
	f.StringVar(&m.tolerance, "tolerance", "", "how far a copy may lie from its event: auto, 10ms,0.50 or -0ms/+10ms,0.50")
	f.Var(&m.position, "position", "use the output's own order as a clock")
	f.BoolVar(&m.useAdjacency, "use-adjacency", false, "take neighbouring lines as weak evidence")
}

func (m *matchFlags) apply(c *audit.Config, fallback string) error {
	c.NoPosition, c.Adjacency = m.position.value == "off", m.useAdjacency
	t, err := match.ParseTolerance(first(m.tolerance, fallback))
	if err != nil {
		return usageError(fmt.Errorf("--tolerance: %w", err))
	}
	c.Tolerance = t
	return nil
}

// existingDir returns an error of status 3 if dir is not a folder.
func existingDir(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return inputError(fmt.Errorf("%s: no such folder", dir))
	case !info.IsDir():
		return inputError(fmt.Errorf("%s is a file: name a folder, or use --output %s", dir, filepath.Base(dir)))
	}
	return nil
}
