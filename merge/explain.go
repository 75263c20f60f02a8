package merge

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"holdfast/merge/setcode"
)

// A Log is what one worker sent, in order. A message without type stands for
// one that could not be read.
type Log struct {
	From     string // as it is to be called: "A"
	Messages []Message
	To       []int // the receiver of each, or All; nil with two workers
}

// Explain puts every message of two or more workers into words, one line a
// message, in the order of each log. What follows an unreadable message is
// explained as far as it can be. The logs help each other: what DATA says
// depends on the other worker's SKTCH. In slot mode, the word that acknowledges
// has to be taken off first.
func Explain(logs ...Log) [][]string {
	e := explainer{logs: logs, views: make([]view, len(logs))}
	for i := range logs {
		e.survey(i)
	}
	out := make([][]string, len(logs))
	for i, l := range logs {
		for k := range l.Messages {
			out[i] = append(out[i], fmt.Sprintf("%s %s", l.From, e.message(i, k)))
		}
	}
	return out
}

type explainer struct {
	logs  []Log
	views []view
}

// A view is what is known of one worker.
type view struct {
	sketch *sketch
	quant  *quant
	plain  bool // sends values as they are
	in     gathering
	lost   bool // the begin of a stream may be what could not be read
}

// A gathering is a stream of which messages may be missing and the number of
// words of a message is not known.
type gathering struct {
	words   []int32
	all     int
	per     int // words of the first message
	missing bool
}

// survey finds what a worker tells of its list, for the other one's DATA.
func (e *explainer) survey(i int) {
	v := &e.views[i]
	var quants gathering
	for _, m := range e.logs[i].Messages {
		switch m.Type {
		case TypeSketch, TypeShip:
			if s, err := readSketch(m.Values, MaxValues); err == nil && v.sketch == nil {
				v.sketch = &s
			}
		case TypeQuant:
			if quants.add(m.Values) && v.quant == nil {
				if q, err := readQuant(quants.reader(), len(e.logs), MaxValues, &Work{}); err == nil {
					v.quant = &q
				}
			}
		case TypeRange:
			for j := range e.views {
				e.views[j].plain = true
			}
		}
	}
}

// add takes a message's words and tells whether the stream is whole and all
// there. A message without words is one that is missing.
func (g *gathering) add(values []int32) (whole bool) {
	if slices.ContainsFunc(values, func(v int32) bool { return v < 0 }) {
		values = nil
	}
	if g.all == 0 {
		r := setcode.NewReader(values)
		all := r.EG(8)
		if r.Short() || all == 0 || all > maxStream || int(all) < len(values) {
			return false
		}
		g.all, g.per = int(all), len(values)
	}
	if values == nil {
		g.missing = true
		values = make([]int32, min(g.per, g.all-len(g.words)))
	}
	g.words = append(g.words, values...)
	return len(g.words) >= g.all && !g.missing
}

func (g *gathering) reader() *setcode.Reader {
	r := setcode.NewReader(g.words)
	r.EG(8)
	return r
}

// message explains message k of worker i.
func (e *explainer) message(i, k int) string {
	v, m := &e.views[i], e.logs[i].Messages[k]
	if m.Type == "" {
		if v.lost = v.in.all == 0; !v.lost {
			v.in.add(nil)
			v.close()
		}
		return "unreadable"
	}
	text := ""
	switch m.Type {
	case TypeAll:
		text = explainAll(m.Values)
	case TypeSketch, TypeShip:
		s, err := readSketch(m.Values, MaxValues)
		if text = s.describe(); err != nil {
			text = err.Error()
		}
		if m.Type == TypeShip {
			text = "asks for the other's values; has " + text
		}
	case TypeData, TypeQuant:
		text = e.stream(i, k)
	case TypeRange:
		if text = "no values"; len(m.Values) == 3 {
			text = fmt.Sprintf("%d values in %d..%d", m.Values[2], m.Values[0], m.Values[1])
		}
	case TypeTurn:
		off, err := unpair(m.Values)
		if text = fmt.Sprintf("may write, from byte %d on", off); err != nil {
			text = err.Error()
		}
	case TypeOK:
		text = "the complement is right"
	case TypeReq:
		text = "the complement is wrong; ship the values"
	case TypeDone:
		if text = "that was all"; len(m.Values) > 0 {
			values, bytes, err := readDone(m.Values)
			if text = fmt.Sprintf("has written %d values, %d bytes", values, bytes); err != nil {
				text = err.Error()
			}
		}
	case TypeFail:
		text = readFail(m.Values).Error()
	case TypeAck:
		text = "nothing but an acknowledgement"
	default:
		text = fmt.Sprintf("unknown, with %d words", len(m.Values))
	}
	return m.Type + ": " + text
}

// close forgets a stream that has ended.
func (v *view) close() {
	if len(v.in.words) >= v.in.all {
		v.in = gathering{}
	}
}

// stream explains a part of a stream: the header at its begin, the values at
// its end.
func (e *explainer) stream(i, k int) string {
	v, m := &e.views[i], e.logs[i].Messages[k]
	if m.Type == TypeData && (v.plain || !e.coded()) {
		return "plain values " + spellValues(m.Values)
	}
	first := v.in.all == 0
	if first && v.lost && !e.begins(i, k) {
		return fmt.Sprintf("%d words of a stream whose beginning is missing", len(m.Values))
	}
	v.lost = false
	whole := v.in.add(m.Values)
	g := v.in
	if g.all == 0 {
		return fmt.Sprintf("%d words of a stream without length", len(m.Values))
	}
	v.close()
	text := fmt.Sprintf("words %d to %d of %d", len(g.words)-len(m.Values)+1, len(g.words), g.all)
	if first {
		text += e.begin(i, g)
	}
	switch {
	case whole && m.Type == TypeQuant:
		text += "; " + explainQuant(g, len(e.logs))
	case whole:
		what, _ := e.set(i, k, g)
		text += "; " + what
	case g.missing && len(g.words) >= g.all:
		text += "; a part is missing, so there is no way to tell the values"
	}
	return text
}

// begins tells whether message k, behind one that is unreadable, is the begin
// of a stream: whether a stream that makes sense begins there.
func (e *explainer) begins(i, k int) bool {
	var g gathering
	kind := e.logs[i].Messages[k].Type
	for _, m := range e.logs[i].Messages[k:] {
		if m.Type != kind {
			break
		}
		if !g.add(m.Values) {
			continue
		}
		if kind == TypeQuant {
			_, err := readQuant(g.reader(), len(e.logs), MaxValues, &Work{})
			return err == nil
		}
		_, ok := e.set(i, k, g)
		return ok
	}
	return false
}

// begin explains the header of DATA.
func (e *explainer) begin(i int, g gathering) string {
	if s := e.writer(i); s != nil {
		if h, err := readHeader(g.reader(), len(s.gaps), MaxValues); err == nil {
			return "; " + h.describe()
		}
	}
	return ""
}

// coded tells whether DATA is a stream, as far as the logs show.
func (e *explainer) coded() bool {
	for _, l := range e.logs {
		for _, m := range l.Messages {
			switch m.Type {
			case TypeSketch, TypeShip, TypeQuant, TypeTurn, TypeOK, TypeReq, "":
				return true
			}
		}
	}
	return false
}

// writer is the sketch by which worker i ships.
func (e *explainer) writer(i int) *sketch {
	for j := range e.views {
		if j != i && e.views[j].sketch != nil {
			return e.views[j].sketch
		}
	}
	return nil
}

// set explains the values of a whole stream of DATA, to which message k of
// worker i belongs, if there is a way.
func (e *explainer) set(i, k int, g gathering) (text string, ok bool) {
	if e.views[i].quant != nil {
		return e.rangePiece(i, k, g)
	}
	s := e.writer(i)
	if s == nil {
		return "no way to tell the values without the other's SKTCH", false
	}
	r := g.reader()
	h, err := readHeader(r, len(s.gaps), MaxValues)
	switch {
	case err != nil:
		return err.Error(), false
	case h.mode == setcode.Complement:
		return "all that the other lacks", true
	case s.n == 0 || int64(s.max())+int64(h.beyond) > math.MaxInt32:
		return "values beyond the range of the other", false
	}
	u := shippedUniverse(s.min, s.max(), s.gaps, h.mask, h.beyond)
	values, _, err := readSet(r, h.mode, h.count, h.multi, h.crc, u, &Work{})
	if err != nil {
		return err.Error(), false
	}
	return spellValues(values), true
}

// rangePiece explains what a worker sends to the owner of a range.
func (e *explainer) rangePiece(i, k int, g gathering) (text string, ok bool) {
	o := owners{}
	for _, v := range e.views {
		if v.quant == nil {
			return "no way to tell the values without all QUANTs", false
		}
		o.quants = append(o.quants, *v.quant)
	}
	owner := 1 - i
	if to := e.logs[i].To; to != nil {
		owner = to[k]
	}
	if owner < 0 || owner >= len(o.quants) || len(o.quants) > 2 && e.logs[i].To == nil {
		return "values for the owner of a range", true
	}
	o.pivots = pivots(o.quants, &Work{})
	p, err := readPiece(g.reader(), o.quants[i].n, o.pieceUniverse(i, owner), &Work{})
	if err != nil {
		return err.Error(), false
	}
	return fmt.Sprintf("%d values for the range from %d to %d: %s", len(p.values), o.pivots[owner], o.pivots[owner+1]-1, spellValues(p.values)), true
}

func explainAll(words []int32) string {
	a, values, err := readAll(words, MaxValues, &Work{})
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("the whole list, %d values in %d..%d, %v, %d comparisons%s: %s", a.n, a.min, int64(a.min)+int64(a.span), a.mode,
		a.comparisons, a.preamble.describe(), spellValues(values))
}

func explainQuant(g gathering, workers int) string {
	q, err := readQuant(g.reader(), workers, MaxValues, &Work{})
	switch {
	case err != nil:
		return err.Error()
	case q.n == 0:
		return "no values" + q.preamble.describe()
	}
	return fmt.Sprintf("%d values in %d..%d, %d samples%s: %s", q.n, q.min, q.max(), len(q.samples), q.preamble.describe(), spellValues(q.samples))
}

func (s sketch) describe() string {
	if s.n == 0 {
		return "no values" + s.preamble.describe()
	}
	text := fmt.Sprintf("%d values in %d..%d", s.n, s.min, s.max())
	if s.repeats > 0 {
		text += fmt.Sprintf(", %d of them repeats", s.repeats)
	}
	text += fmt.Sprintf(", ship cost %d", s.cost)
	for i, g := range s.gaps {
		text += [...]string{", gaps ", ", ", ", "}[i] + fmt.Sprintf("%d-%d", g.lo, g.hi)
	}
	return text + s.preamble.describe()
}

// describe tells the options that are not the default.
func (p preamble) describe() (text string) {
	if p.duplicates != Strict {
		text += fmt.Sprintf(", duplicates %v", p.duplicates)
	}
	if p.confirm {
		text += ", with DONE"
	}
	if p.base > 0 {
		text += fmt.Sprintf(", output from byte %d", p.base)
	}
	return text
}

func (h header) describe() string {
	text := fmt.Sprintf("%d values, %v, %d comparisons, the other writes from byte %d on", h.count, h.mode, h.comparisons, h.offset)
	if h.multi {
		text += ", with repeats"
	}
	for i := range h.gaps {
		if h.mask>>i&1 != 0 {
			text += fmt.Sprintf(", gap %d withheld", i+1)
		}
	}
	if h.tail {
		text += ", tail withheld"
	}
	if h.beyond > 0 {
		text += fmt.Sprintf(", up to %d above the other's greatest", h.beyond)
	}
	return text
}

// spellValues lists values, the middle of many left out.
func spellValues(values []int32) string {
	const most = 12
	var b strings.Builder
	for i, v := range values {
		if len(values) > most && i == most/2 {
			b.WriteString(", ...")
		}
		if len(values) > most && i >= most/2 && i < len(values)-most/2 {
			continue
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprint(&b, v)
	}
	if b.Len() == 0 {
		return "none"
	}
	return b.String()
}
