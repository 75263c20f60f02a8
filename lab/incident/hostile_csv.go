package incident

import (
	"bytes"
	"strconv"

	"holdfast/lab/racers"
)

// record is a CSV record that is being spelled.
type record struct {
	page      *page
	dice      *dice
	delimiter byte
	b         []byte
	fields    int
	inside    int // line ends within fields
}

// begin appends what may stand before a record, blank and comment lines among
// it, and begins one.
func (g *page) begin(b []byte, d *dice, delimiter byte) record {
	if d.oneIn(50) {
		// After a lone CR another LF would make one line end of the two.
		end := "\n"
		if g.afterCR {
			end = "\r"
		}
		b = g.lineEnd(b, 0, end)
	}
	if d.oneIn(100) {
		b = append(b, "# this line is a comment"...)
		b = g.lineEnd(b, 0, "\n")
	}
	return record{page: g, dice: d, delimiter: delimiter, b: b}
}

// trimmed adds a field that a reader trims.
func (r *record) trimmed(text []byte) {
	if r.dice.oneIn(6) {
		text = append(append([]byte(" "), text...), "  "...)
	}
	r.exact(text)
}

// exact adds a field that counts to the byte.
func (r *record) exact(text []byte) {
	if r.fields > 0 {
		r.b = append(r.b, r.delimiter)
	}
	r.fields++
	if !r.dice.oneIn(5) && bytes.IndexByte(text, r.delimiter) < 0 && !bytes.ContainsAny(text, "\"\r\n") {
		r.b = append(r.b, text...)
		return
	}
	r.b = append(r.b, '"')
	r.b = append(r.b, bytes.ReplaceAll(text, []byte{'"'}, []byte(`""`))...)
	r.b = append(r.b, '"')
	r.inside += bytes.Count(text, []byte{'\n'})
}

// remarks fill the columns that nobody asked for.
var remarks = []string{"", "", "", "", "node-3", "see #17", "a;b,c", `he said "twice"`, "two\nlines", "prix 1\u202f305,75 €"}

func (r *record) remark() { r.exact([]byte(of(r.dice, remarks))) }

var lineEnds = []string{"\n", "\n", "\r\n", "\r"}

func (r *record) end() []byte { return r.page.lineEnd(r.b, r.inside, of(r.dice, lineEnds)) }

var (
	missing   = []string{"", " ", "null", "NULL", "None", "nan", "NaN", "NaT", "n/a", "N/A", "na", `\N`, "-"}
	successes = []string{"success", "success", "Success", "SUCCESS", "ok", "OK", "done", "Completed"}
	timeouts  = []string{"timeout", "timeout", "Timeout", "TIMEOUT", "timed_out", "Timed-Out", "timedout"}
)

func (h *hostile) attempt(b []byte, a racers.Attempt) []byte {
	b, d := h.workers.next(b)
	r := h.workers.begin(b, &d, ';')
	word := of(&d, timeouts)
	if a.Success {
		word = of(&d, successes)
	}
	r.trimmed([]byte(word))
	if a.Open {
		r.trimmed([]byte(of(&d, missing)))
	} else {
		r.trimmed(strconv.AppendInt(nil, int64(a.LogEnd)/1000, 10))
	}
	r.exact(racers.AppendEventID(nil, a.Event))
	r.remark()
	r.trimmed(spellTime(nil, a.LogStart, &d, true))
	r.trimmed([]byte(a.Worker))
	return r.end()
}

func (h *hostile) row(b []byte, v racers.Row) []byte {
	b, d := h.output.next(b)
	r := h.output.begin(b, &d, ',')
	price := spellPrice(nil, v.Price, &d)
	if d.oneIn(10) {
		price = append([]byte("+"), price...)
	}
	r.trimmed(price)
	r.remark()
	r.trimmed(spellTime(nil, v.Time, &d, false))
	r.exact([]byte(v.Symbol))
	return r.end()
}
