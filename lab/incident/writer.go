package incident

import (
	"strconv"

	"holdfast/lab/racers"
)

// writer spreads facts over the files.
type writer struct {
	folder *folder
	spell  spelling
	buf    []byte

	events, workers, output *file
	rows, attempts, lost    *file
}

// spelling is how the three files are written.
type spelling interface {
	// begin is what stands before the first record of each file.
	begin() (events, workers, output []byte)
	// event, attempt and row append a record with its line end, and whatever
	// else the spelling puts before it.
	event(b []byte, v racers.Event) []byte
	attempt(b []byte, a racers.Attempt) []byte
	row(b []byte, r racers.Row) []byte
	// end is what stands after the last record of each file.
	end() (events, workers, output []byte)
	// number is the N that the n-th row has in the output, where bad records
	// count too.
	number(n int64) int64
	// rejected is what truth/rejected.csv lists: bad records, by file and line.
	rejected() []byte
}

func newWriter(d *folder, p racers.Params) (*writer, error) {
	w := &writer{folder: d, spell: plain{}}
	if p.Hostile {
		w.spell = newHostile(p)
	}
	for _, f := range []struct {
		file **file
		name string
	}{
		{&w.events, eventsFile}, {&w.workers, workersFile}, {&w.output, outputFile},
		{&w.rows, rowsFile}, {&w.attempts, attemptsFile}, {&w.lost, lostFile},
	} {
		var err error
		if *f.file, err = d.create(f.name); err != nil {
			return nil, err
		}
	}
	w.writeAll(w.spell.begin())
	w.rows.write([]byte("row,event_id,attempt,duplicate,canonical,cause\n"))
	w.attempts.write([]byte("event_id,attempt,worker_id,start,end,commit,fate\n"))
	w.lost.write([]byte("event_id,reason\n"))
	return w, nil
}

func (w *writer) writeAll(events, workers, output []byte) {
	w.events.write(events)
	w.workers.write(workers)
	w.output.write(output)
}

// write puts a fact into its files.
func (w *writer) write(f racers.Fact) {
	b := w.buf[:0]
	switch f.Kind {
	case racers.EventFact:
		b = w.spell.event(b, f.Event)
		w.events.write(b)
	case racers.AttemptFact:
		b = w.spell.attempt(b, f.Attempt)
		w.workers.write(b)
		b = appendTruthAttempt(b[:0], f.Attempt)
		w.attempts.write(b)
	case racers.RowFact:
		b = w.spell.row(b, f.Row)
		w.output.write(b)
		b = w.appendTruthRow(b[:0], f.Row)
		w.rows.write(b)
	case racers.LossFact:
		b = racers.AppendEventID(b, f.Loss.Event)
		b = append(b, ',')
		b = append(b, f.Loss.Reason...)
		b = append(b, '\n')
		w.lost.write(b)
	}
	w.buf = b
}

// end writes what stands after the last record. truth/rejected.csv is written
// without bad records too: it may replace another incident's.
func (w *writer) end() error {
	w.writeAll(w.spell.end())
	file, err := w.folder.create(rejectedFile)
	if err != nil {
		return err
	}
	file.write([]byte("file,line,reason\n"))
	file.write(w.spell.rejected())
	return nil
}

// appendTruthRow appends a line of truth/rows.csv.
func (w *writer) appendTruthRow(b []byte, r racers.Row) []byte {
	b = strconv.AppendInt(b, w.spell.number(r.N), 10)
	b = append(b, ',')
	b = racers.AppendEventID(b, r.Event)
	b = append(b, ',')
	b = strconv.AppendInt(b, int64(r.Attempt), 10)
	b = append(b, ',')
	if r.Duplicate {
		b = append(b, "1,"...)
	} else {
		b = append(b, "0,"...)
	}
	b = strconv.AppendInt(b, w.spell.number(r.Canonical), 10)
	b = append(b, ',')
	b = append(b, r.Cause...)
	return append(b, '\n')
}

// appendTruthAttempt appends a line of truth/attempts.csv.
func appendTruthAttempt(b []byte, a racers.Attempt) []byte {
	b = racers.AppendEventID(b, a.Event)
	b = append(b, ',')
	b = strconv.AppendInt(b, int64(a.Number), 10)
	b = append(b, ',')
	b = append(b, a.Worker...)
	b = append(b, ',')
	b = a.Start.Append(b)
	b = append(b, ',')
	b = a.End.Append(b)
	b = append(b, ',')
	if a.Asked {
		b = a.Commit.Append(b)
	}
	b = append(b, ',')
	b = append(b, a.Fate...)
	return append(b, '\n')
}
