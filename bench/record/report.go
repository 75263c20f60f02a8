package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"

	"holdfast/bench/machine"
)

// A report is RESULTS.md while it grows.
type report struct {
	b   bytes.Buffer
	all []*contestant

	rows  map[string][]string
	order []string
}

func newReport(c *config, all []*contestant) *report {
	r := &report{all: all, rows: map[string][]string{}}
	r.printf("# holdfast's journal beside other write-ahead logs\n\nWritten by `go run ./record%s` in `bench/`. Records of %d bytes.\n", machine.Flags(), recordSize)
	r.printf("Medians of %d rounds in which the contestants took turns, with the slowest and fastest round.\n", c.rounds)
	r.printf("\nMachine: %s. Journals lie in `%s`'s file system.\nLoad average of the machine when the run began: %s.\n\n", machine.Describe(), filepath.Dir(c.dir), machine.Load())
	info, _ := debug.ReadBuildInfo()
	versions := map[string]string{"holdfast": "this repository"}
	if info != nil {
		for _, m := range info.Deps {
			if m.Path != "holdfast" {
				versions[m.Path] = m.Version
			}
		}
	}
	for _, p := range all {
		r.printf("- %s: %s %s; %s\n", p.name, p.module, versions[p.module], p.note)
	}
	return r
}

func (r *report) printf(format string, args ...any) { fmt.Fprintf(&r.b, format, args...) }

// si is a number with three digits that count.
func si(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%.2f M", v/1e6)
	case v >= 1e3:
		return fmt.Sprintf("%.1f k", v/1e3)
	}
	return fmt.Sprintf("%.1f", v)
}

// survives says in words what the records of a table are safe from.
var survives = map[promise]string{
	onDisk:   "Each call returns when its records are synced: they survive a power cut.",
	inSystem: "Each call returns when its records are with the kernel: they survive kill -9. Those whose calls only fill a buffer are below.",
	inMemory: "A call may leave its records in the memory of the process, where kill -9 takes them. That is no level of the recorder, whose weakest\n(none) is the one above; it collects records so within a batch that is at hand, and writes before it takes in more.",
}

func (r *report) appended(l level, rate, mem, cpu []sample, floor sample) {
	r.printf("\n## Append: %s\n\n%s\n\n| journal | records/s | slowest - fastest | ns of CPU a record, all threads | B allocated a record |\n| --- | --- | --- | --- | --- |\n", l.name, survives[l.promise])
	best := 0
	for k, p := range r.all {
		if len(rate[k]) == 0 {
			continue
		}
		r.printf("| %s | %s | %s | %.0f | %.1f |\n", p.name, si(rate[k].median()), rate[k].spread(), cpu[k].median(), mem[k].median())
		if k > 0 && (best == 0 || rate[k].median() > rate[best].median()) {
			best = k
		}
	}
	if len(floor) > 0 {
		r.printf("| (the disk: write in place, fdatasync) | %s | %s | | |\n", si(floor.median()), floor.spread())
	}
	r.printf("\nholdfast against the best peer (%s): %.2f (target 1.0).", r.all[best].name, rate[0].median()/rate[best].median())
	if len(floor) > 0 {
		r.printf(" Against the disk: %.2f.", rate[0].median()/floor.median())
	}
	r.printf("\n")
}

func (r *report) scanned(records int, dirs []string, rate []sample, peak []float64) {
	r.printf("\n## Recovery scan, %d bytes a record\n\n| journal | records/s | slowest - fastest | GB/s of file | heap peak MB |\n| --- | --- | --- | --- | --- |\n", recordSize)
	best := 1
	for k, p := range r.all {
		m := rate[k].median()
		perRecord := fileBytes(dirs[k]) / float64(records)
		r.printf("| %s | %s | %s | %.2f | %.1f |\n", p.name, si(m), rate[k].spread(), m*perRecord/1e9, peak[k]/1e6)
		if k > 0 && m > rate[best].median() {
			best = k
		}
	}
	m := rate[0].median()
	r.printf("\nholdfast against the best peer (%s): %.2f. Target: 1 GB/s or 5 M records/s.\n", r.all[best].name, m/rate[best].median())
}

// fileBytes is what the files hold up to the last byte that is not zero.
func fileBytes(dir string) (sum float64) {
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			b, _ := os.ReadFile(path)
			sum += float64(len(bytes.TrimRight(b, "\x00")))
		}
		return nil
	})
	return sum
}

func (r *report) whole(packets int, names []string, wall, cpu []sample) {
	r.printf("\n## The whole recorder\n\nParse, CRC, duplicates, order, journal (no sync) and log of %d packets of %d bytes, 5 %% of them twice, up to %d places late, until\nboth files are synced at the end. Target 1.50 M a second of CPU.\n\n", packets, recordSize, streamWindow)
	r.printf("| source | deliveries/s | slowest - fastest | a second of CPU, all threads | slowest - fastest |\n| --- | --- | --- | --- | --- |\n")
	for i, name := range names {
		r.printf("| %s | %s | %s | %s | %s |\n", name, si(wall[i].median()), wall[i].spread(), si(cpu[i].median()), cpu[i].spread())
	}
}

func (r *report) asked(line string, ok bool) {
	r.printf("\n## Sequences asked per packet needed\n\nSimulation of the fault model (2 %% loss, 3 %% corruption, 5 %% duplicates, window 10, round trip 20 packet times, answers with the\nsame faults), 20 seeds of 8000 packets, by `go test -short -v -run '^TestLossModel$' ./record/seq`:\n%s. Target <= 1.10; the test %s.\n", line, map[bool]string{true: "passes", false: "fails"}[ok])
}

func (r *report) suffered(p *contestant, k damage, o outcome) {
	if _, ok := r.rows[k.name]; !ok {
		r.order = append(r.order, k.name)
	}
	row := fmt.Sprintf("| %s | no segments | | | | | |", p.name)
	if o.trials > 0 {
		n := float64(o.trials)
		row = fmt.Sprintf("| %s | %d of %d | %.0f of %.0f | %.0f of %.0f | %d | %d of %d | %s |", p.name, o.opened, o.trials,
			float64(o.before)/n, float64(o.allBefore)/n, float64(o.after)/n, float64(o.allAfter)/n, o.wrong, o.reported, o.trials, short(o.said))
	}
	r.rows[k.name] = append(r.rows[k.name], row)
}

var folder = regexp.MustCompile(`/\S*/`)

func short(s string) string {
	s = strings.NewReplacer("|", "/", "\n", " ").Replace(folder.ReplaceAllString(s, ""))
	if len(s) > 90 {
		s = s[:90] + "..."
	}
	return s
}

func (r *report) bytes() []byte {
	if len(r.order) == 0 {
		return r.b.Bytes()
	}
	r.printf("\n## Damage\n\n%d records in segments of %d KiB (pebble: one file), synced every %d records where the journal can, the files copied\nwhile it was open, then damaged and opened as its documentation says. `before` and `after` are records returned of those below and\nabove the damaged ones, means of the trials; `wrong` counts records returned that were never written so, over all trials;\n`reported` is whether the program using the journal is told.\n", faultRecords, segmentSize>>10, faultBatch)
	for _, name := range r.order {
		r.printf("\n### %s\n\n| journal | opens | before | after | wrong | reported | what it says |\n| --- | --- | --- | --- | --- | --- | --- |\n%s\n", strings.ToUpper(name[:1])+name[1:], strings.Join(r.rows[name], "\n"))
	}
	return r.b.Bytes()
}
