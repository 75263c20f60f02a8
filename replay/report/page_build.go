package report

import (
	"cmp"
	"hash/fnv"
	"io"
	"iter"
	"slices"
	"sort"
	"strconv"

	"holdfast/replay"
	"holdfast/replay/tick"
	"holdfast/replay/whatif"
)

// PageSource is what report.html is made of.
type PageSource struct {
	Incident *Incident
	WhatIf   *whatif.Result
	Stories  *Stories
	Fates    iter.Seq2[int64, whatif.Fate] // of duplicates, by row
	Bars     func() iter.Seq[Bar]          // every attempt, by start; called up to three times
	MaxBytes int64                         // of the page; 0: 5 MiB
}

// PageBytes is how large report.html may be when nobody says otherwise.
const PageBytes = 5 << 20

// WritePage writes report.html (R100, R101): one file, whatever the size of the
// incident, that works without a network. Exact bars and stories are thinned
// until it fits; the page says what it shows of how many.
func WritePage(w io.Writer, src PageSource) error {
	if src.MaxBytes <= 0 {
		src.MaxBytes = PageBytes
	}
	stories, bars := mostStories, mostBars
	for {
		var b countingBuffer
		if err := writePage(&b, build(&src, stories, bars)); err != nil {
			return err
		}
		if b.n <= src.MaxBytes || bars == 0 && stories == 0 {
			_, err := w.Write(b.bytes)
			return err
		}
		stories, bars = stories/2, bars/2
	}
}

type countingBuffer struct {
	bytes []byte
	n     int64
}

func (b *countingBuffer) Write(p []byte) (int, error) {
	b.bytes = append(b.bytes, p...)
	b.n += int64(len(p))
	return len(p), nil
}

const (
	mostStories = 4000
	mostBars    = 100_000
	mostWorkers = 64 // with a lane of their own; the rest shares one
	pageBins    = 2048
)

// Stories samples duplicates to be told, evenly by cause: of each cause those
// with the smallest hash of event and row, so that the choice depends on
// nothing else. The zero value is ready.
type Stories struct {
	byCause map[replay.Cause][]sampled
	total   int64
}

type sampled struct {
	Example
	hash uint64
}

// Add offers the duplicates of one event; copies are kept.
func (s *Stories) Add(c *replay.EventCase, f *replay.Findings) {
	for i := range f.Duplicates {
		d := &f.Duplicates[i]
		if s.byCause == nil {
			s.byCause = map[replay.Cause][]sampled{}
		}
		s.total++
		h := fnv.New64a()
		_, _ = io.WriteString(h, c.Event.ID)
		_, _ = io.WriteString(h, strconv.FormatInt(d.Row.N, 10))
		list := s.byCause[d.Cause]
		hash := h.Sum64()
		if len(list) >= mostStories && hash >= list[len(list)-1].hash {
			continue
		}
		at := sort.Search(len(list), func(i int) bool { return list[i].hash > hash })
		list = slices.Insert(list, at, sampled{Example{cloneCase(c), cloneDuplicate(d)}, hash})
		s.byCause[d.Cause] = list[:min(len(list), mostStories)]
	}
}

// take is at most n of them, evenly by cause, in file order.
func (s *Stories) take(n int) []Example {
	var causes []replay.Cause
	for c := range s.byCause {
		causes = append(causes, c)
	}
	slices.SortFunc(causes, func(a, b replay.Cause) int {
		return cmp.Or(cmp.Compare(len(s.byCause[a]), len(s.byCause[b])), cmp.Compare(a, b))
	})
	var out []Example
	for i, c := range causes { // the rarest first, so that what it leaves goes to the others
		share := (n - len(out)) / (len(causes) - i)
		for _, x := range s.byCause[c][:min(share, len(s.byCause[c]))] {
			out = append(out, x.Example)
		}
	}
	slices.SortFunc(out, func(a, b Example) int { return cmp.Compare(a.Duplicate.Row.N, b.Duplicate.Row.N) })
	return out
}

// build makes the page with at most so many stories and bars.
func build(src *PageSource, stories, bars int) *Page {
	p := newPage(src.Incident, src.WhatIf)
	told := src.Stories.take(stories)
	base := p.lay(src, told, bars)
	fates := map[int64]whatif.Fate{}
	wanted := map[int64]bool{}
	for i := range told {
		wanted[told[i].Duplicate.Row.N] = true
	}
	if src.Fates != nil {
		for row, f := range src.Fates {
			if wanted[row] {
				fates[row] = f
			}
		}
	}
	p.Stories = make([]pageStory, len(told))
	for i := range told {
		p.Stories[i] = newStory(&told[i], fates[told[i].Duplicate.Row.N], base)
	}
	return p
}

// lay puts the attempts on the page: their density over the whole run, and
// exact bars, of all attempts if they are few enough, else of those around the
// stories. It returns the moment from which times count.
func (p *Page) lay(src *PageSource, told []Example, most int) tick.Nanos {
	var from, to tick.Nanos
	lanes := map[string]int{}
	for b := range src.Bars() {
		if p.AllBars == 0 {
			from, to = b.Start, b.Start
		}
		p.AllBars++
		from, to = min(from, b.Start), max(to, b.Start)
		if !b.Open {
			to = max(to, b.End)
		}
		lanes[b.Worker] = max(lanes[b.Worker], b.Lane)
	}
	p.Base, p.SpanNS = from.String(), int64(to-from)
	index := p.workers(src.Incident, lanes)
	duplicated := map[string]bool{}
	var near []tick.Nanos
	for i := range told {
		duplicated[told[i].Case.Event.ID] = true
		for _, a := range told[i].Case.Attempts {
			near = append(near, a.Start)
		}
	}
	slices.Sort(near)
	p.Density = newDensity(len(p.Workers), p.SpanNS)
	last := from
	for b := range src.Bars() {
		w := index[b.Worker]
		mark := duplicated[b.Event]
		p.Density.add(w, int64(b.Start-from), mark)
		if int64(most) < p.AllBars && !mark && !close(near, b.Start, 4*int64(p.Density.WidthNS)/pageBins+int64(100*millisecond)) || len(p.Bars.Start) >= most {
			continue
		}
		p.Bars.add(w, &b, last, mark)
		last = b.Start
	}
	return from
}

// close reports that one of the moments lies within pad.
func close(near []tick.Nanos, at tick.Nanos, pad int64) bool {
	i, _ := slices.BinarySearch(near, at-tick.Nanos(pad))
	return i < len(near) && near[i] <= at+tick.Nanos(pad)
}

// workers lists the workers by name; those beyond what can be drawn share one line.
func (p *Page) workers(in *Incident, lanes map[string]int) map[string]int {
	names := make([]string, 0, len(lanes))
	for n := range lanes {
		names = append(names, n)
	}
	slices.Sort(names)
	index := make(map[string]int, len(names))
	for i, n := range names {
		if i >= mostWorkers {
			index[n] = mostWorkers
			if i == mostWorkers {
				p.Workers = append(p.Workers, pageWorker{Name: strconv.Itoa(len(names)-mostWorkers) + " more", Lanes: 1})
			}
			p.Workers[mostWorkers].Lanes = max(p.Workers[mostWorkers].Lanes, lanes[n])
			continue
		}
		index[n] = i
		w := pageWorker{Name: n, Lanes: lanes[n]}
		if in.Facts != nil {
			if f := in.Facts.Worker(n); f != nil && f.HasSkew {
				w.SkewNS = int64(f.Skew)
			}
		}
		p.Workers = append(p.Workers, w)
	}
	return index
}

func newDensity(workers int, span int64) pageDensity {
	d := pageDensity{WidthNS: span/pageBins + 1, Starts: make([][]int64, workers), Marked: make([][]int64, workers)}
	for i := range workers {
		d.Starts[i], d.Marked[i] = make([]int64, pageBins), make([]int64, pageBins)
	}
	return d
}

func (d *pageDensity) add(worker int, at int64, mark bool) {
	bin := min(at/d.WidthNS, pageBins-1)
	d.Starts[worker][bin]++
	if mark {
		d.Marked[worker][bin]++
	}
}

var statusNumbers = map[replay.Status]int{replay.StatusSuccess: 0, replay.StatusTimeout: 1, replay.StatusFailed: 2, replay.StatusUnknown: 3}

func (b *pageBars) add(worker int, a *Bar, last tick.Nanos, mark bool) {
	length := int64(-1)
	if d, ok := a.Duration(); ok {
		length = int64(d)
	} else if a.BadInterval() {
		length = 0
	}
	flags := 0
	if mark {
		flags |= flagDuplicated
	}
	if a.OverlapGroup > 0 {
		flags |= flagOverlap
	}
	if slices.Contains(a.Notes, replay.NoEnd) {
		flags |= flagCrash
	}
	if a.Retry > 0 {
		flags |= flagRetry
	}
	b.Worker = append(b.Worker, worker)
	b.Lane = append(b.Lane, a.Lane)
	b.Start = append(b.Start, int64(a.Start-last))
	b.Length = append(b.Length, length)
	b.Status = append(b.Status, statusNumbers[a.Status])
	b.Retry = append(b.Retry, a.Retry)
	b.Event = append(b.Event, a.Event)
	b.Flags = append(b.Flags, flags)
}
