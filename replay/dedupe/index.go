package dedupe

import (
	"sort"

	"holdfast/replay/tick"
)

// An index finds the records of a file again: chunks in file order, in them a
// landmark every landmarkEvery records. It takes about 12 bytes for each 256
// records.
type index struct {
	chunks  []*chunk
	records int64 // data records, rejected ones included
	lines   int64 // physical lines before the end, header included
}

// landmarkEvery is how many records lie between two landmarks: about 10 KiB of
// the usual file, one read.
const landmarkEvery = 256

// landmark is a place in a chunk where a record begins.
type landmark struct {
	offset uint32 // from the start of the chunk
	line   uint32 // physical lines of the chunk before it
	rough  bool   // the bytes up to the next landmark are not all output as they are
}

// chunk is a run of whole lines.
type chunk struct {
	offset  int64 // in the source
	size    int
	quoted  bool // not plain lines (see lineParser)
	rough   bool // every landmark is
	records int
	lines   int
	marks   []landmark // marks[i] is where record i*landmarkEvery begins; marks[0] is where the chunk does
	rejects []uint32   // records within the chunk
	epochs  epochs     // by lines within the chunk, from 1

	// Set by index.seal.
	before      int64 // records before the chunk: record i has number before+i+1
	linesBefore int64

	entries entries
}

// begin makes the first landmark of a chunk.
func (c *chunk) begin(rough bool) {
	c.rough = rough
	c.marks = append(c.marks, landmark{rough: rough})
}

// record counts the record that begins at offset.
func (c *chunk) record(offset int) {
	if c.records > 0 && c.records%landmarkEvery == 0 {
		c.marks = append(c.marks, landmark{uint32(offset), uint32(c.lines), c.rough})
	}
	c.records++
}

// line is the number within the chunk, from 1, of the line at hand.
func (c *chunk) line() int64 { return int64(c.lines) + 1 }

// reject marks the last record as unusable.
func (c *chunk) reject() { c.rejects = append(c.rejects, uint32(c.records-1)) }

// roughen says that bytes since the last landmark are not output as they are.
func (c *chunk) roughen() { c.marks[len(c.marks)-1].rough = true }

// seal numbers the records; every chunk must be there, in any order.
func (x *index) seal(linesOfHeader int64) {
	sort.Slice(x.chunks, func(i, j int) bool { return x.chunks[i].offset < x.chunks[j].offset })
	x.lines = linesOfHeader
	for _, c := range x.chunks {
		c.before, c.linesBefore = x.records, x.lines
		x.records += int64(c.records)
		x.lines += int64(c.lines)
	}
}

// block is the stretch between two landmarks.
type block struct {
	chunk       *chunk
	offset      int64 // in the source
	size        int
	first, last int64 // record numbers; last < first if there are none
	line        int64 // physical lines of the file before it
	rough       bool
}

// blocks yields every block of the file in order.
func (x *index) blocks(yield func(block) bool) {
	for _, c := range x.chunks {
		for i, m := range c.marks {
			end, last := c.size, c.records
			if i+1 < len(c.marks) {
				end, last = int(c.marks[i+1].offset), (i+1)*landmarkEvery
			}
			b := block{
				chunk: c, offset: c.offset + int64(m.offset), size: end - int(m.offset),
				first: c.before + int64(i*landmarkEvery) + 1, last: c.before + int64(last),
				line: c.linesBefore + int64(m.line), rough: m.rough,
			}
			if !yield(b) {
				return
			}
		}
	}
}

// epochs is where in the file each unit of epoch numbers was first seen.
func (x *index) epochs() *epochs {
	var all epochs
	for _, c := range x.chunks {
		for u, line := range c.epochs {
			if line > 0 {
				all.see(tick.Unit(u), c.linesBefore+line)
			}
		}
	}
	return &all
}
