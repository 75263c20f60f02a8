package incident

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"holdfast/replay"
	"holdfast/replay/ingest"
	"holdfast/replay/tick"
)

const truthHint = "name a folder that holdfast lab incident wrote"

// ReadTruth reads truth/ of the incident folder dir. Its errors about files
// that are missing or not as [Write] makes them are *ingest.InputError.
// truth/interventions.csv may be missing.
func ReadTruth(dir string) (replay.Truth, error) {
	r := truthReader{dir: dir}
	for _, read := range []func() error{r.params, r.rows, r.attempts, r.lost, r.interventions} {
		if err := read(); err != nil {
			return replay.Truth{}, err
		}
	}
	return r.truth, nil
}

type truthReader struct {
	dir   string
	truth replay.Truth
}

func (r *truthReader) params() error {
	path := filepath.Join(r.dir, filepath.FromSlash(paramsFile))
	text, err := os.ReadFile(path)
	if err != nil {
		return truthError(path, err)
	}
	var p struct {
		Preset *string `json:"preset"`
		Seed   *uint64 `json:"seed"`
	}
	if err := json.Unmarshal(text, &p); err != nil || p.Preset == nil || p.Seed == nil {
		return &ingest.InputError{File: path, Reason: "no preset and seed in it", Hint: truthHint, Err: err}
	}
	r.truth.Preset, r.truth.Seed = *p.Preset, *p.Seed
	return nil
}

func (r *truthReader) rows() error {
	return r.table(rowsFile, "row,event_id,attempt,duplicate,canonical,cause", func(f *fields) {
		r.truth.Rows = append(r.truth.Rows, replay.TruthRow{
			Row: f.integer(0), Event: f.text(1), Attempt: int(f.integer(2)),
			Duplicate: f.boolean(3), Canonical: f.integer(4), Cause: f.text(5),
		})
	})
}

func (r *truthReader) attempts() error {
	return r.table(attemptsFile, "event_id,attempt,worker_id,start,end,commit,fate", func(f *fields) {
		a := replay.TruthAttempt{Event: f.text(0), Attempt: int(f.integer(1)), Worker: f.text(2), Start: f.time(3), Fate: f.text(6)}
		if a.Open = f.text(4) == ""; !a.Open {
			a.End = f.time(4)
		}
		if a.Committed = f.text(5) != ""; a.Committed {
			a.Commit = f.time(5)
		}
		r.truth.Attempts = append(r.truth.Attempts, a)
	})
}

func (r *truthReader) lost() error {
	return r.table(lostFile, "event_id,reason", func(f *fields) {
		r.truth.Lost = append(r.truth.Lost, replay.LostEvent{Event: f.text(0), Reason: f.text(1)})
	})
}

func (r *truthReader) interventions() error {
	if _, err := os.Stat(filepath.Join(r.dir, filepath.FromSlash(interventionsFile))); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return r.table(interventionsFile, "safeguard,parameter,duplicates,prevented,false_rejections,events_lost", func(f *fields) {
		r.truth.Interventions = append(r.truth.Interventions, replay.Intervention{
			Safeguard: f.text(0), Parameter: f.text(1), Duplicates: f.integer(2),
			Prevented: f.difference(3), FalseRejections: f.integer(4), EventsLost: f.difference(5),
		})
	})
}

// table reads one file, whose header is known to the letter.
func (r *truthReader) table(name, header string, each func(*fields)) error {
	path := filepath.Join(r.dir, filepath.FromSlash(name))
	file, err := ingest.Open(context.Background(), path)
	if err != nil {
		return truthError(path, err)
	}
	defer file.Close()
	s := ingest.NewScanner(file, ',')
	if !s.Scan() {
		return truthError(path, cmp.Or(s.Err(), io.ErrUnexpectedEOF))
	}
	if string(s.Raw()) != header {
		return &ingest.InputError{File: path, Line: s.Line(), Reason: "the header is not " + header, Hint: truthHint}
	}
	width := len(s.Fields())
	s.Want(width)
	for s.Scan() {
		f := fields{names: header, fields: s.Fields()}
		if s.Fault() != "" || len(f.fields) != width {
			f.err = fmt.Errorf("want %d fields", width)
		} else {
			each(&f)
		}
		if f.err != nil {
			return &ingest.InputError{File: path, Line: s.Line(), Reason: f.err.Error(), Hint: truthHint, Err: f.err}
		}
	}
	if err := s.Err(); err != nil {
		return truthError(path, err)
	}
	return nil
}

// fields is one record. The first field that does not parse leaves its error.
type fields struct {
	names  string
	fields [][]byte
	err    error
}

func (f *fields) text(i int) string { return string(f.fields[i]) }

func (f *fields) fail(i int, want string) {
	if f.err == nil {
		f.err = fmt.Errorf("field %d of %s: %q is not %s", i+1, f.names, f.fields[i], want)
	}
}

func (f *fields) integer(i int) int64 {
	n, err := strconv.ParseInt(string(f.fields[i]), 10, 64)
	if err != nil || n < 0 {
		f.fail(i, "a count")
	}
	return n
}

// difference is an integer that may be negative: a safeguard can do harm.
func (f *fields) difference(i int) int64 {
	n, err := strconv.ParseInt(string(f.fields[i]), 10, 64)
	if err != nil {
		f.fail(i, "a number")
	}
	return n
}

func (f *fields) boolean(i int) bool {
	switch string(f.fields[i]) {
	case "1":
		return true
	case "0":
	default:
		f.fail(i, "0 or 1")
	}
	return false
}

func (f *fields) time(i int) tick.Nanos {
	n, _, err := tick.ParseTime(f.fields[i], tick.Zone{})
	if err != nil {
		f.fail(i, "a time")
	}
	return n
}

// truthError tells a file that is missing or cut from one that cannot be read.
func truthError(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, io.ErrUnexpectedEOF) {
		reason := "no such file"
		if errors.Is(err, io.ErrUnexpectedEOF) {
			reason = "the file is empty"
		}
		return &ingest.InputError{File: path, Reason: reason, Hint: truthHint, Err: err}
	}
	return fmt.Errorf("read %s: %w", path, err)
}
