package logs

import (
	"io"

	"holdfast/internal/vfs"
)

// A part is what a merge takes as one source: a file, or a run, which is what
// an earlier pass made of neighbouring parts.
type part struct {
	file        *file // nil: a run
	from, bytes int64 // of the scratch file
}

// reserve is how many descriptors are left to everything but inputs.
const reserve = 16

// limits are how many parts, and how many files, can be merged at once.
func (m *merge) limits(memory int64) (parts, files int) {
	parts = int(max(2, memory/leastMemory))
	files = max(2, descriptors()-reserve-m.kept)
	if m.FanIn > 0 {
		parts = min(parts, m.FanIn)
	}
	return parts, min(parts, files)
}

// mergeAll merges all files. If they are too many, neighbours among them are
// first merged to runs in one scratch file, only as many as must be: so the
// order of the files decides between equal keys as ever.
func (m *merge) mergeAll(out *sink) error {
	memory := m.filter.rest(m.Memory)
	most, mostFiles := m.limits(memory)
	var parts []part
	for _, f := range m.files {
		parts = append(parts, part{file: f})
	}
	var scratch vfs.File
	for len(parts) > most || countFiles(parts) > mostFiles {
		next, err := vfs.Scratch(m.FS, m.Temp)
		if err != nil {
			return err
		}
		parts, err = m.pass(parts, scratch, next, most, mostFiles)
		if scratch != nil {
			scratch.Close()
		}
		scratch = next
		defer next.Close()
		if err != nil {
			return err
		}
		m.report.Passes++
	}
	sources, err := m.openAll(parts, scratch, memory)
	if err != nil {
		return err
	}
	var filter *filter
	if m.filter.mode != keepAll {
		filter = m.filter
		for _, s := range sources {
			s.prints = m.plan.prints
		}
	}
	m.report.Records, err = m.mergeSources(sources, out, filter)
	return err
}

func countFiles(parts []part) (n int) {
	for _, p := range parts {
		if p.file != nil {
			n++
		}
	}
	return n
}

// pass goes over the parts once and merges neighbours until there are few
// enough. It writes all runs to next, also those that it only carries over.
func (m *merge) pass(parts []part, old, next vfs.File, most, mostFiles int) (out []part, err error) {
	w := newSink(next)
	for len(parts) > 0 {
		size := min(len(parts), mostFiles, max(len(out)+len(parts)-most+1, countFiles(out)+countFiles(parts)-mostFiles))
		if size < 2 {
			if size = 1; parts[0].file != nil {
				out, parts = append(out, parts[0]), parts[1:]
				continue
			}
		}
		sources, err := m.openAll(parts[:size], old, m.Memory)
		if err != nil {
			return nil, err
		}
		from := w.bytes
		if _, err = m.mergeSources(sources, &w, nil); err == nil {
			err = w.flush()
		}
		if err != nil {
			return nil, err
		}
		out = append(out, part{from: from, bytes: w.bytes - from})
		parts = parts[size:]
	}
	return out, nil
}

// openAll opens parts as sources that share the memory.
func (m *merge) openAll(parts []part, scratch vfs.File, memory int64) (sources []*source, err error) {
	defer func() {
		if err != nil {
			for _, s := range sources {
				s.close()
			}
		}
	}()
	shape := m.shapeFor(memory, len(parts))
	for _, p := range parts {
		var s *source
		if p.file != nil {
			s, err = m.open(p.file)
		} else {
			s = &source{name: "temporary file", r: io.NewSectionReader(scratch, p.from, p.bytes), close: func() error { return nil }, p: m.plan, last: '\n', line: 1}
			err = m.equip(s, nil)
		}
		if s != nil {
			s.shape = shape
			sources = append(sources, s)
		}
		if err != nil {
			return sources, err
		}
	}
	return sources, nil
}
