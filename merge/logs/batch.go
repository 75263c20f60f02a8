package logs

import (
	"holdfast/merge/kway"
)

// A batch is some records of one source that follow each other, and their
// keys, each with its code in relation to the one before it.
type batch struct {
	text   []byte // with the records; their places in it
	keys   []byte // keys that are not spelled in the text
	recs   []place
	prints []fingerprint // of the records, if duplicates are looked for by them
	input  []byte        // what text was made of, if that is not the input itself
	end    error         // what comes behind the last record: io.EOF, or why it cannot be used; nil: another batch
}

// A place is where a record and its key lie. No pointers: a collector of
// garbage has nothing to look at here.
type place struct {
	code      kway.Code
	from, to  uint32 // with its line end
	key, size uint32 // size has the bit elsewhere for one that lies in keys
}

const elsewhere = 1 << 31

func (b *batch) key(i int) []byte {
	p := &b.recs[i]
	if p.size&elsewhere != 0 {
		return b.keys[p.key:][:p.size&^elsewhere]
	}
	return b.text[p.key:][:p.size]
}

// A shape says how large batches are.
type shape struct {
	text    int // bytes
	records int
	keys    int // bytes of keys, about
}

// For each byte of text a batch may take that much more for the places of
// records and for keys; two batches of a source are under way.
const (
	overhead    = 3
	placeShare  = 32 // bytes of text a record has, if the places are not to be more than a batch's share
	inFlight    = 2
	largeBatch  = 256 << 10
	smallBatch  = 16 << 10
	perSource   = inFlight * overhead
	leastMemory = perSource * smallBatch

	// More memory is not used where that would only drive the batches out of
	// the processor's cache before they are merged.
	cached = 4 << 20
)

// shapeFor divides memory among the batches of k sources.
func (c *Config) shapeFor(memory int64, k int) shape {
	most := min(max(cached/(inFlight*k), smallBatch), largeBatch)
	text := min(max(int(memory/int64(k*perSource)), smallBatch), most)
	if c.batch > 0 {
		text = c.batch
	}
	return shape{text, max(1, text/placeShare), text}
}

func newBatch(s shape) *batch {
	return &batch{text: make([]byte, 0, s.text), recs: make([]place, 0, s.records)}
}

func (b *batch) reset() {
	b.text, b.keys, b.recs, b.prints, b.end = b.text[:0], b.keys[:0], b.recs[:0], b.prints[:0], nil
}
