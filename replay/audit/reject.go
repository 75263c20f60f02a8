package audit

import "holdfast/replay/ingest"

// role is one of the three files, in the order in which rejected.csv lists them.
type role uint8

const (
	roleEvents role = iota
	roleWorkers
	roleOutput
)

// reject is a record that could not be read, with a copy of its bytes.
type reject struct {
	role role
	ingest.Reject
}

// rejecter takes the rejects of one file.
func (a *audit) rejecter(r role) func(ingest.Reject) error {
	return func(x ingest.Reject) error {
		a.rejects.add(reject{r, x})
		return a.w.err
	}
}

func encodeReject(e *encoder, r reject) {
	e.uint(uint64(r.role))
	e.str(r.File)
	e.int(r.Line)
	e.int(r.Row)
	e.str(r.Reason)
	e.str(string(r.Raw))
}

func decodeReject(d *decoder) reject {
	return reject{role(d.uint()), ingest.Reject{File: d.name(), Line: d.int(), Row: d.int(), Reason: d.name(), Raw: d.raw()}}
}
