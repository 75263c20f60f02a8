package runner

import (
	"encoding/json"
	"fmt"

	"holdfast/merge"
)

// A Record is all that a worker of a job knows across restarts, and what the
// others may know of it. It is replaced as a whole, BEFORE the first effect of
// what was read (so that a process that was replaced finds out before it does
// anything) and AFTER the last.
//
// It names no effect, unlike the [State] of a worker on files: what was read up
// to In, one message after the other, decides what is to be done from there on,
// and what of that was done already is there to be compared.
type Record struct {
	Version     int               `json:"v"`
	Worker      int               `json:"worker"`
	Of          int               `json:"of"`
	Epoch       int64             `json:"epoch"` // how often the worker was started; the fencing token
	Owner       string            `json:"owner"` // the process
	Fingerprint merge.Fingerprint `json:"fingerprint"`
	Options     string            `json:"options"`
	merge.Snapshot

	In   uint64 `json:"in"`   // sequence of the last message that was read
	Out  []Sent `json:"out"`  // what Snapshot counts as sent, by receiver
	Done bool   `json:"done"` // nothing is left to do
	Part *Part  `json:"part"` // range ownership: the file, once it has its name
}

// Sent is what has gone to one receiver.
type Sent struct {
	To       int    `json:"to"` // a worker, or merge.All
	Messages int64  `json:"messages"`
	Seq      uint64 `json:"seq"` // of the last one
}

// A Part is the file of one owner.
type Part struct {
	Path   string `json:"path"`
	From   int64  `json:"from"` // the range: values from here on
	To     int64  `json:"to"`   // to here, inclusive; below From in an empty range
	Values int64  `json:"values"`
	Bytes  int64  `json:"bytes"`
	CRC32C uint32 `json:"crc32c"` // of the bytes
}

const recordVersion = 1

// maxRecord bounds what is read: with 256 workers a record has about 15 KiB.
const maxRecord = 1 << 18

func (r *Record) encode() []byte {
	b, err := json.Marshal(r)
	if err != nil {
		panic(err) // numbers and plain strings
	}
	return b
}

func decodeRecord(b []byte) (*Record, error) {
	if len(b) > maxRecord {
		return nil, fmt.Errorf("it has %d bytes, more than %d", len(b), maxRecord)
	}
	var r Record
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, err
	}
	if r.Version != recordVersion {
		return nil, fmt.Errorf("it is of version %d, this program knows %d", r.Version, recordVersion)
	}
	return &r, nil
}

// belongs refuses the record of another worker, list or kind of run (R13).
func (r *Record) belongs(o *JobOptions, f merge.Fingerprint) error {
	switch {
	case r.Worker != o.ID || r.Of != o.Of:
		return inputErrorf(o.name(), "its record is that of worker %d of %d", r.Worker, r.Of)
	case r.Options != o.Spell():
		return inputErrorf(o.name(), "the options changed since the job started (%s then, %s now): use the same, or another --job", r.Options, o.Spell())
	case r.Fingerprint != f:
		return inputErrorf(o.name(), "the input changed since the job started (%d values then, %d now): restore it, or use another --job", r.Fingerprint.Count, f.Count)
	}
	return nil
}
