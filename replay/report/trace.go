package report

import (
	"bufio"
	"encoding/json"
	"io"
	"iter"
	"maps"
	"slices"
	"strconv"

	"holdfast/replay"
	"holdfast/replay/tick"
)

// TraceSource is what trace.json is made of.
type TraceSource struct {
	Bars   func() iter.Seq[Bar] // every attempt, by start; called twice
	Around string               // an event: only what lies around its attempts
	Pad    tick.Nanos           // how far around it, or around what is remarkable
	Most   int64                // attempts up to which all are written; 0: 120,000, about 50 MB
}

// TracePad is how much around an attempt is shown when nobody says otherwise.
const TracePad = 100 * millisecond

const mostTraced = 120_000

// WriteTrace writes trace.json in the Trace Event Format of Chrome, which
// Perfetto reads too: one process a worker, one thread a lane, whose bars never
// overlap.
//
//	ph X   an attempt; one without end is an instant
//	ph i   the rows that it wrote, at its end
//	ph s,f a flow from an attempt to the next of the same event
//	ph C   attempts in flight, by worker
//
// Times are microseconds with three decimals after otherData.base.
func WriteTrace(w io.Writer, src TraceSource) error {
	if src.Most == 0 {
		src.Most = mostTraced
	}
	if src.Pad == 0 {
		src.Pad = TracePad
	}
	t := &tracer{w: bufio.NewWriterSize(w, 1<<16), src: &src, retried: map[string]*place{}, running: map[int][]tick.Nanos{}, pids: map[string]int{}, threads: map[[2]int]bool{}}
	t.look()
	t.begin()
	for b := range src.Bars() {
		if t.wanted(&b) {
			t.attempt(&b)
		}
	}
	t.end()
	return t.w.Flush()
}

type tracer struct {
	w   *bufio.Writer
	src *TraceSource

	base    tick.Nanos
	total   int64
	near    []tick.Nanos // moments around which attempts are written; nil: all are
	some    bool         // only those
	retried map[string]*place

	pids    map[string]int
	threads map[[2]int]bool
	running map[int][]tick.Nanos // ends of what runs, by worker
	first   bool
	buf     []byte
}

// place is where an attempt stands, for the flow to the next.
type place struct {
	pid, lane int
	at        tick.Nanos
	seen      bool
}

// mostFlows bounds the events whose attempts are linked.
const mostFlows = 100_000

// look finds the base, the workers, and what is remarkable.
func (t *tracer) look() {
	var remarkable, around []tick.Nanos
	var names []string
	for b := range t.src.Bars() {
		if t.total == 0 {
			t.base = b.Start
		}
		t.total++
		if _, ok := t.pids[b.Worker]; !ok {
			t.pids[b.Worker] = 0
			names = append(names, b.Worker)
		}
		if b.Event == t.src.Around && t.src.Around != "" {
			around = append(around, b.Start)
		}
		if b.Retry > 0 || b.OverlapGroup > 0 || len(b.Notes) > 0 {
			if len(t.retried) < mostFlows {
				t.retried[b.Event] = &place{}
			}
			if int64(len(remarkable)) < t.src.Most {
				remarkable = append(remarkable, b.Start)
			}
		}
	}
	slices.Sort(names)
	for i, n := range names {
		t.pids[n] = i + 1
	}
	switch {
	case t.src.Around != "":
		t.near, t.some = around, true
	case t.total > t.src.Most:
		t.near, t.some = remarkable, true
	}
	slices.Sort(t.near)
}

func (t *tracer) wanted(b *Bar) bool {
	return !t.some || close(t.near, b.Start, int64(t.src.Pad))
}

func (t *tracer) begin() {
	head, _ := json.Marshal(struct {
		Base string `json:"base"`
		All  int64  `json:"attempts"`
		Part bool   `json:"part_of_them"`
	}{t.base.String(), t.total, t.some})
	_, _ = t.w.WriteString(`{"displayTimeUnit":"ms","otherData":`)
	_, _ = t.w.Write(head)
	_, _ = t.w.WriteString(`,"traceEvents":[`)
	t.first = true
	for _, name := range slices.Sorted(maps.Keys(t.pids)) {
		t.meta("process_name", t.pids[name], 0, name)
	}
}

func (t *tracer) end() { _, _ = t.w.WriteString("\n]}\n") }

// event begins an event: its phase, process, thread and time.
func (t *tracer) event(ph string, pid, tid int, at tick.Nanos) {
	t.buf = t.buf[:0]
	if !t.first {
		t.buf = append(t.buf, ',')
	}
	t.first = false
	t.buf = append(t.buf, "\n{\"ph\":\""...)
	t.buf = append(t.buf, ph...)
	t.number(`","pid":`, int64(pid))
	t.number(`,"tid":`, int64(tid))
	t.buf = append(t.buf, `,"ts":`...)
	t.micros(at - t.base)
}

func (t *tracer) micros(n tick.Nanos) {
	if n < 0 {
		t.buf = append(t.buf, '-')
		n = -n
	}
	t.buf = strconv.AppendInt(t.buf, int64(n/1000), 10)
	t.buf = append(t.buf, '.')
	t.buf = append(t.buf, strconv.Itoa(int(1000 + n%1000))[1:]...)
}

func (t *tracer) number(key string, n int64) {
	t.buf = append(t.buf, key...)
	t.buf = strconv.AppendInt(t.buf, n, 10)
}

func (t *tracer) text(key, s string) {
	t.buf = append(t.buf, key...)
	quoted, _ := json.Marshal(ValidText(s)) // a string always marshals
	t.buf = append(t.buf, quoted...)
}

func (t *tracer) done() {
	t.buf = append(t.buf, '}')
	_, _ = t.w.Write(t.buf)
}

func (t *tracer) meta(what string, pid, tid int, name string) {
	t.event("M", pid, tid, t.base)
	t.text(`,"name":`, what)
	t.text(`,"args":{"name":`, name)
	t.buf = append(t.buf, '}')
	t.done()
}

func (t *tracer) attempt(b *Bar) {
	pid := t.pids[b.Worker]
	if !t.threads[[2]int{pid, b.Lane}] {
		t.threads[[2]int{pid, b.Lane}] = true
		t.meta("thread_name", pid, b.Lane, "lane "+strconv.Itoa(b.Lane))
	}
	length, known := b.Duration()
	t.inFlight(pid, b.Start, b.Start+length)
	t.event("X", pid, b.Lane, b.Start)
	t.buf = append(t.buf, `,"dur":`...)
	t.micros(length)
	t.text(`,"name":`, b.Event)
	t.text(`,"cat":`, b.Status.String())
	t.number(`,"args":{"attempt":`, int64(b.Number))
	t.text(`,"status":`, b.Status.String())
	t.text(`,"fate":`, b.FateText())
	if !known {
		t.text(`,"end":`, "not known")
	}
	if len(b.Notes) > 0 {
		t.text(`,"notes":`, JoinList(b.Notes))
	}
	t.buf = append(t.buf, '}')
	t.done()
	t.rows(b, pid, b.Start+length)
	t.flow(b, pid)
}

// rows marks what the attempt wrote, where the records say so.
func (t *tracer) rows(b *Bar, pid int, at tick.Nanos) {
	if b.Fate != replay.FateEmitted && b.Fate != replay.FateRepeated {
		return
	}
	for _, n := range b.Rows {
		t.event("i", pid, b.Lane, at)
		t.text(`,"s":"t","name":`, "row "+strconv.FormatInt(n, 10))
		t.done()
		if b.Fate == replay.FateEmitted && len(b.Rows) > 1 {
			return // one of these; the first stands for it
		}
	}
}

// flow links an attempt to the one before it of the same event.
func (t *tracer) flow(b *Bar, pid int) {
	p := t.retried[b.Event]
	if p == nil {
		return
	}
	if p.seen {
		id := b.Event + "#" + strconv.Itoa(b.Number)
		t.event("s", p.pid, p.lane, p.at)
		t.text(`,"name":"next attempt","cat":"retry","id":`, id)
		t.done()
		t.event("f", pid, b.Lane, b.Start)
		t.text(`,"name":"next attempt","cat":"retry","bp":"e","id":`, id)
		t.done()
	}
	*p = place{pid, b.Lane, b.Start, true}
}

// inFlight counts what runs on a worker, whenever that changes.
func (t *tracer) inFlight(pid int, from, to tick.Nanos) {
	ends := t.running[pid]
	for len(ends) > 0 && ends[0] <= from {
		at := ends[0]
		ends = ends[1:]
		t.counter(pid, at, len(ends))
	}
	if to > from {
		i, _ := slices.BinarySearch(ends, to)
		ends = slices.Insert(ends, i, to)
		t.counter(pid, from, len(ends))
	}
	t.running[pid] = ends
}

func (t *tracer) counter(pid int, at tick.Nanos, n int) {
	t.event("C", pid, 0, at)
	t.number(`,"name":"in flight","args":{"attempts":`, int64(n))
	t.buf = append(t.buf, '}')
	t.done()
}
