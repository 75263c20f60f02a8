package dedupe

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
)

// A generator writes random output files: few symbols, times and prices in
// many spellings, so that rows often share a key, among bad records and lines
// that are none.
type generator struct {
	*rand.Rand
	columns []string
	quoting bool // some fields are quoted, some hold line ends
	ends    []string
	bad     bool // bad records, blank lines and comments
	preface bool // comments before the header
	b       bytes.Buffer
}

func newGenerator(seed uint64) *generator {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 7))}
	g.columns = []string{"symbol", "timestamp", "price"}
	if g.one(2) {
		g.columns = append(g.columns, "note")
	}
	if g.one(2) {
		g.Shuffle(len(g.columns), func(i, j int) { g.columns[i], g.columns[j] = g.columns[j], g.columns[i] })
	}
	g.quoting, g.bad, g.preface = g.one(2), g.one(2), g.one(4)
	g.ends = [][]string{{"\n"}, {"\n"}, {"\r\n"}, {"\n", "\r\n"}, {"\n", "\r\n", "\r"}}[g.IntN(5)]
	return g
}

func (g *generator) one(in int) bool            { return g.IntN(in) == 0 }
func (g *generator) pick(from ...string) string { return from[g.IntN(len(from))] }
func (g *generator) end()                       { g.b.WriteString(g.pick(g.ends...)) }
func (g *generator) join(fields []string)       { g.b.WriteString(strings.Join(fields, ",")) }

// file returns a file of about the given number of records.
func (g *generator) file(records int) []byte {
	if g.one(4) {
		g.b.WriteString("\xef\xbb\xbf")
	}
	if g.preface {
		g.b.WriteString("# made at random")
		g.end()
		g.end()
	}
	var header []string
	for _, c := range g.columns {
		header = append(header, g.pick(c, c, strings.ToUpper(c), " "+c+" "))
	}
	g.join(header)
	g.end()
	for i := range records {
		if g.bad && g.one(8) {
			g.oddLine()
			continue
		}
		g.record()
		if i < records-1 || !g.one(4) {
			g.end()
		}
	}
	return g.b.Bytes()
}

func (g *generator) oddLine() {
	switch g.IntN(4) {
	case 0:
		g.b.WriteString(g.pick("", " ", " \t "))
	case 1:
		g.b.WriteString(g.pick("# remark", "# remark, with a comma", "#"))
	case 2:
		g.b.WriteString(g.pick("x", "a,b", "a,b,c,d,e", ",,,,,"))
	case 3:
		g.recordOf(g.pick("", "null", "A\x00", "A\xff", " nan "), g.pick("yesterday", "", "2025-07-14"), g.pick("", "NaN", "1e99", "1.0000000001"))
	}
	g.end()
}

func (g *generator) record() {
	second := g.IntN(4)
	time := fmt.Sprintf("2025-07-14T09:15:%02d", second)
	switch g.IntN(8) {
	case 0:
		time += ".000Z"
	case 1:
		time += ".000000000+00:00"
	case 2:
		time = fmt.Sprintf("2025-07-14t14:45:%02d+0530", second)
	case 3:
		time = fmt.Sprintf(" 2025-07-14 09:15:%02dz ", second)
	case 4: // no zone
	default:
		time += g.pick("Z", "Z", ".5Z", ".500Z")
	}
	price := g.pick("1", "1.0", "10e-1", "+1.00", "1.005", "1.5", "2", "-3.25", "0", "0.3", "123456789.123456789", "1.10", " 7 ")
	g.recordOf(g.pick("A", "B", "A ", "ÄÖÜ", "LONGSYMBOL", "n/a.x", "#1"), time, price)
}

func (g *generator) recordOf(symbol, time, price string) {
	var fields []string
	for _, c := range g.columns {
		f := map[string]string{"symbol": symbol, "timestamp": time, "price": price}[c]
		if c == "note" {
			f = g.pick("", "x", "some longer text than eight bytes", "a#b", "\x00")
			if g.quoting {
				f = g.pick(f, "a,b", "two\nlines", "one\rreturn", "\r\n", `say ""it""`)
			}
		}
		if strings.ContainsAny(f, ",\"\r\n") || g.quoting && g.one(6) {
			f = `"` + f + `"`
		}
		fields = append(fields, f)
	}
	g.join(fields)
}
