package logs

import (
	"bytes"
	"context"
	"io"
	"os"
	"slices"

	"holdfast/internal/stream"
	"holdfast/internal/vfs"
	"holdfast/merge/kway"
)

// A merge is one call of Merge.
type merge struct {
	Config
	ctx    context.Context
	plan   *plan
	files  []*file
	kept   int // files that stay open between their uses
	report Report

	headerFile string // whose header is the plan's
	fieldCount int    // of CSV records, if there is no header
	dedupeMode filterMode
	filter     *filter
	progress   progress
}

// complete fills in what is left open and refuses what cannot be.
func (c *Config) complete() error {
	if c.Memory == 0 {
		c.Memory = DefaultMemory
	}
	if c.MaxRecord == 0 {
		c.MaxRecord = DefaultMaxRecord
	}
	if c.Temp == "" {
		c.Temp = os.TempDir()
	}
	if c.FS == nil {
		c.FS = vfs.OS{}
	}
	stdin := 0
	for _, path := range c.Files {
		if path == "-" {
			stdin++
		}
	}
	switch {
	case len(c.Files) == 0:
		return usage("no input: name the files to merge, or - for standard input")
	case stdin > 1:
		return usage("standard input can be read once: - stands there twice")
	case c.Out == "":
		return usage("-o is missing: name the output, or - for standard output")
	case c.Memory < MinMemory:
		return usage("--memory: %d bytes are too few, at least %d are needed", c.Memory, int64(MinMemory))
	case c.MaxRecord < 0 || c.MaxRecord > maxMaxRecord:
		return usage("--max-record: from 1 to %d bytes", maxMaxRecord)
	case c.FanIn == 1 || c.FanIn < 0:
		return usage("--fan-in: at least 2")
	case c.Missing != "" && c.Missing != "first" && c.Missing != "last":
		return usage("--missing: first or last")
	case !slices.Contains([]string{"", "auto", "csv", "jsonl", "text"}, c.Format):
		return usage("--format: auto, csv, jsonl or text")
	case bytes.IndexByte([]byte("\n\r\""), c.Delimiter) >= 0 && c.Delimiter != 0:
		return usage("--delimiter: not a line end or a quote")
	case c.Align && c.NoHeader:
		return usage("--align goes by the names in the header: not with --no-header")
	}
	return c.checkOut()
}

// checkOut refuses an output that is also an input.
func (c *Config) checkOut() error {
	out, err := c.stat(c.Out)
	if err != nil || !out.Mode().IsRegular() {
		return nil
	}
	for _, path := range c.Files {
		if in, err := os.Stat(path); path != "-" && err == nil && os.SameFile(in, out) {
			return usage("%s is also an input: name another output", c.Out)
		}
	}
	return nil
}

func (c *Config) stat(out string) (os.FileInfo, error) {
	if out != "-" {
		return os.Stat(out)
	}
	if f, ok := c.Stdout.(*os.File); ok {
		return f.Stat()
	}
	return nil, os.ErrNotExist
}

func (m *merge) run() (err error) {
	defer func() {
		for _, f := range m.files {
			if f.kept != nil && err != nil {
				f.kept.Close()
			}
		}
	}()
	if err := m.survey(); err != nil {
		return err
	}
	m.progress = progress{step: m.Progress, phase: "merging", total: m.size()}
	out, err := m.create()
	if err != nil {
		return err
	}
	defer out.abort()
	if err := out.add(m.plan.header); err != nil {
		return err
	}
	m.filter = m.newFilter(&out.sink)
	defer m.filter.close()
	m.report = Report{Files: len(m.Files), Passes: 1, Format: m.plan.format, KeyType: kinds(m.plan.by)}
	if m.Sort {
		err = m.sort(&out.sink)
	} else {
		err = m.mergeAll(&out.sink)
	}
	if err == nil {
		err = m.filter.settle()
	}
	if err == nil {
		err = out.commit()
	}
	m.report.Bytes = out.bytes
	m.report.DuplicatesRemoved = m.filter.dropped
	m.report.Written = m.report.Records - m.report.DuplicatesRemoved
	return err
}

// size is how many bytes there are to read, 0 if that is not known.
func (m *merge) size() (sum int64) {
	for _, f := range m.files {
		if f.kept != nil {
			return 0
		}
		sum += f.size
	}
	return sum
}

// mergeSources merges sources into a sink, through the filter if it is not nil.
func (m *merge) mergeSources(sources []*source, out *sink, filter *filter) (records int64, err error) {
	ctx, stop := context.WithCancel(m.ctx)
	defer stop()
	feeds := m.start(ctx, sources)
	for _, f := range feeds {
		if _, err := f.next(ctx); err != nil {
			return 0, err
		}
	}
	tree := kway.New(len(feeds), func(i int) ([]byte, bool) {
		f := feeds[i]
		if f.b == nil {
			return nil, false
		}
		return f.b.key(f.i), true
	})
	tree.Batching(!m.NoBatch)
	if filter == nil {
		records, err = m.pour(ctx, tree, feeds, out)
	} else {
		records, err = m.pourFiltered(ctx, tree, feeds, filter)
	}
	m.report.Comparisons += tree.Comparisons()
	return records, err
}

// pour writes the records as the tree has them, those that lie together at
// once.
func (m *merge) pour(ctx context.Context, tree *kway.Tree, feeds []*feed, out *sink) (records int64, err error) {
	for w := tree.Winner(); w >= 0; w = tree.Winner() {
		f := feeds[w]
		recs, text, first := f.b.recs, f.b.text, f.i
		from, to := recs[first].from, recs[first].to
		for {
			f.i++ // BEFORE the tree looks at the key of a tie
			if f.i == len(recs) {
				break
			}
			p := &recs[f.i]
			prefetch(&text[p.from])
			if !tree.Advance(p.code) {
				break
			}
			if p.from != to { // there are blank lines between
				if err := out.add(text[from:to]); err != nil {
					return records, err
				}
				from = p.from
			}
			to = p.to
		}
		if err := out.add(text[from:to]); err != nil {
			return records, err
		}
		records += int64(f.i - first)
		if f.i < len(recs) {
			continue
		}
		more, err := f.next(ctx)
		if err != nil {
			return records, err
		}
		m.progress.tell()
		if more {
			tree.Advance(f.b.recs[0].code)
		} else {
			tree.Exhaust()
		}
	}
	return records, nil
}

// pourFiltered lets the filter decide about each record.
func (m *merge) pourFiltered(ctx context.Context, tree *kway.Tree, feeds []*feed, filter *filter) (records int64, err error) {
	for w := tree.Winner(); w >= 0; w = tree.Winner() {
		f := feeds[w]
		p := &f.b.recs[f.i]
		var print fingerprint
		if len(f.b.prints) > 0 {
			print = f.b.prints[f.i]
		}
		if err := filter.take(f.b.text[p.from:p.to], print, records > 0 && tree.Repeats()); err != nil {
			return records, err
		}
		records++
		f.i++
		if f.i == len(f.b.recs) {
			more, err := f.next(ctx)
			if err != nil {
				return records, err
			}
			m.progress.tell()
			if !more {
				tree.Exhaust()
				continue
			}
		}
		tree.Advance(f.b.recs[f.i].code)
	}
	return records, nil
}

// open opens a file for merging.
func (m *merge) open(f *file) (_ *source, err error) {
	s := &source{name: f.name, p: m.plan, header: f.header != nil, order: f.order, last: '\n', line: 1}
	in := f.kept
	if in != nil {
		s.r, s.waits = io.MultiReader(bytes.NewReader(f.head), in), true
	} else {
		if in, err = stream.Open(m.ctx, f.path, nil); err != nil {
			return nil, unreadable(err)
		}
		if m.plan.format != "text" {
			if err := in.Text(); err != nil {
				in.Close()
				return nil, unreadable(err)
			}
		}
		s.r = in
	}
	s.close = in.Close
	m.progress.add(in)
	return s, m.equip(s, f)
}

// equip gives a source what all have.
func (m *merge) equip(s *source, f *file) (err error) {
	s.split, err = m.splitterFor(f)
	s.fields = make([]field, len(m.plan.by)+len(m.plan.dedupe))
	s.check = !m.Sort
	return err
}
