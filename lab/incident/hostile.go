package incident

import (
	"bytes"
	"strconv"

	"holdfast/lab/racers"
)

// Spellings are the twelve ways in which the hostile-format preset deviates
// from the usual spelling, all within the reading rules R3 to R10: whoever
// keeps these rules reads the same values as in the mixed preset of that seed.
// Beside them it has records that must be rejected; see bad.go.
var Spellings = [12]string{
	"a byte order mark in each file (R3)",
	"LF, CRLF and lone CR in one CSV file; LF and CRLF in the event log (R4)",
	"blank lines, and # lines of another field count than the header's (R4)",
	"the delimiter ; in the worker log (R4)",
	"fields in quotes, with delimiter, line end and doubled quotes in them (R4)",
	"columns in another order and case, padded, and columns too many (R5)",
	"padded times, prices, statuses and workers (R8, R11)",
	"missing ends in every spelling, statuses by other names (R8, R20)",
	"fractions of 0 to 12 digits after point or comma (R9)",
	"every form of zone, T t and space, and a column of epoch microseconds (R9)",
	"prices with exponent, sign and trailing zeros (R10)",
	"JSON members in any order, repeated, unknown, escaped, as text, over several lines (R7)",
}

// hostile spells an incident in all of Spellings at once, by draws that depend
// on the record only.
type hostile struct {
	events, workers, output *page
}

func newHostile(p racers.Params) *hostile {
	return &hostile{
		events:  &page{seed: p.Seed, name: eventsFile, key: 1, bad: badEvents},
		workers: &page{seed: p.Seed, name: workersFile, key: 2, bad: badAttempts},
		output:  &page{seed: p.Seed, name: outputFile, key: 3, bad: badRows},
	}
}

const byteOrderMark = "\ufeff"

func (h *hostile) begin() (events, workers, output []byte) {
	return []byte(byteOrderMark),
		h.workers.header(`"Status";End_Time; EVENT_ID ;host;start_time;Worker_ID`),
		h.output.header(`Price, note ,"TIMESTAMP",Symbol`)
}

// header is a first line.
func (g *page) header(names string) []byte {
	g.lines++
	return []byte(byteOrderMark + names + "\r\n")
}

func (h *hostile) end() (events, workers, output []byte) {
	return nil, h.workers.truncated("ok;17524845"), h.output.truncated("1305.")
}

func (h *hostile) rejected() []byte {
	var all []byte
	for _, g := range []*page{h.events, h.output, h.workers} { // by name
		all = append(all, g.rejected...)
	}
	return all
}

func (h *hostile) number(n int64) int64 { return n + h.output.badBefore(n) }

// page is one file under the pen.
type page struct {
	seed uint64
	name string
	key  uint64 // of the file's draws
	bad  []badRecord

	records  int64  // good ones so far
	lines    int64  // physical lines that have ended
	afterCR  bool   // the last of them with a lone CR
	rejected []byte // lines of truth/rejected.csv; a bad record in badEvery keeps that small
}

// badEvery is how many good records there are to a bad one: few enough of these
// for the reader's limit of 1 % (R12).
const badEvery = 500

// badAt is the index of the good record before which the bad one of a block of
// badEvery stands.
func (g *page) badAt(block int64) int64 {
	d := dice{seed: g.seed, key: [3]uint64{g.key, uint64(block), 1}}
	return block*badEvery + int64(d.below(badEvery))
}

// badBefore is how many bad records stand before the n-th good one.
func (g *page) badBefore(n int64) int64 {
	block := (n - 1) / badEvery
	if g.badAt(block) <= n-1 {
		return block + 1
	}
	return block
}

// next is called before each good record. It appends what stands before it and
// returns the record's dice.
func (g *page) next(b []byte) ([]byte, dice) {
	d := dice{seed: g.seed, key: [3]uint64{g.key, uint64(g.records)}}
	if block := g.records / badEvery; g.records == g.badAt(block) {
		r := g.bad[block%int64(len(g.bad))]
		if r.padding > 0 && block >= int64(len(g.bad)) {
			r = g.bad[0] // one of that size is enough
		}
		b = g.appendBad(b, r)
	}
	g.records++
	return b, d
}

// appendBad appends a record that must be rejected, and notes that.
func (g *page) appendBad(b []byte, r badRecord) []byte {
	g.reject(r.reason)
	from := len(b)
	b = append(b, r.text...)
	for range r.padding {
		b = append(b, 'x')
	}
	b = append(b, r.after...)
	g.lines += int64(bytes.Count(b[from:], []byte{'\n'})) + 1
	g.afterCR = false
	return append(b, '\n')
}

func (g *page) reject(reason string) {
	g.rejected = append(g.rejected, g.name...)
	g.rejected = append(g.rejected, ',')
	g.rejected = strconv.AppendInt(g.rejected, g.lines+1, 10)
	g.rejected = append(g.rejected, ',')
	g.rejected = append(g.rejected, reason...)
	g.rejected = append(g.rejected, '\n')
}

// truncated is a last record that was cut off.
func (g *page) truncated(text string) []byte {
	g.reject(truncatedTail)
	return []byte(text)
}

// lineEnd appends one of the ends, after a record with that many lines in it.
func (g *page) lineEnd(b []byte, inside int, end string) []byte {
	g.lines += int64(inside) + 1
	g.afterCR = end == "\r"
	return append(b, end...)
}

// dice are the draws for one record. A throw takes 16 bits: choices are few,
// and nobody counts which spelling is how likely.
type dice struct {
	seed   uint64
	key    [3]uint64 // file, record, and what is drawn for: 0 its spelling, 1 the place of a bad one
	throws uint64
	bits   uint64
}

func (d *dice) below(n int) int {
	if d.throws%4 == 0 {
		d.bits = racers.Draw(d.seed, "spelling", d.key[0], d.key[1], d.key[2], d.throws/4)
	}
	d.throws++
	low := d.bits & 0xffff
	d.bits >>= 16
	return int(low * uint64(n) >> 16)
}

func (d *dice) oneIn(n int) bool { return d.below(n) == 0 }

// of picks one of the texts.
func of[T any](d *dice, choices []T) T { return choices[d.below(len(choices))] }
