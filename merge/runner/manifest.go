package runner

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"holdfast/internal/vfs"
	"holdfast/merge"
)

// A Manifest says what the parts of a job are, and where each belongs in the
// whole: it is the same whoever writes it.
type Manifest struct {
	Version      int            `json:"v"`
	Job          string         `json:"job"`
	Of           int            `json:"of"`
	Options      string         `json:"options"`
	Messages     uint64         `json:"messages"` // of all workers
	Values       int64          `json:"values"`
	Bytes        int64          `json:"bytes"`
	Balance      float64        `json:"balance"`       // of comparisons: the least of a worker by the most
	TouchBalance float64        `json:"touch_balance"` // of values written
	Parts        []ManifestPart `json:"parts"`         // in the order of their values
}

// A ManifestPart is the part of one worker.
type ManifestPart struct {
	Worker      int   `json:"worker"`
	Offset      int64 `json:"offset"` // byte of the whole at which it begins
	Comparisons int64 `json:"comparisons"`
	Part
}

const manifestVersion = 1

// An UnfinishedError says which workers have no part yet.
type UnfinishedError struct {
	Job   string
	First int    // the first of them
	Stage string // where it stands
	N     int    // how many
	Of    int
}

func (e *UnfinishedError) Error() string {
	return fmt.Sprintf("job %s: %d of %d workers have not finished; worker %d: %s", e.Job, e.N, e.Of, e.First, e.Stage)
}

// NewManifest makes the manifest of a job out of the records of its workers,
// nil for one that was never started. The error is an *UnfinishedError, a
// *RunError if the run failed, or an *InputError.
func NewManifest(job string, records [][]byte, messages uint64) (*Manifest, error) {
	m := &Manifest{Version: manifestVersion, Job: job, Of: len(records), Messages: messages}
	unfinished := &UnfinishedError{Job: job, Of: len(records)}
	var comparisons, values spread
	for i, b := range records {
		r, err := recordOf(job, i, b)
		switch {
		case err != nil:
			return nil, err
		case r != nil && r.Failure != 0:
			return nil, failedJob(r)
		case r != nil && r.Of != len(records):
			return nil, inputErrorf("job "+job, "the record of worker %d is one of %d", i, r.Of)
		case r != nil && r.Part != nil:
			m.Options = r.Options
			m.Parts = append(m.Parts, ManifestPart{Worker: i, Offset: m.Bytes, Comparisons: r.Stats.Comparisons, Part: *r.Part})
			m.Values += r.Part.Values
			m.Bytes += r.Part.Bytes
			comparisons.add(r.Stats.Comparisons)
			values.add(r.Part.Values)
			continue
		case r != nil && r.Done:
			return nil, inputErrorf("job "+job, "it has no parts: its workers wrote one file")
		}
		if unfinished.N++; unfinished.N == 1 {
			unfinished.First, unfinished.Stage = i, "not started"
			if r != nil {
				unfinished.Stage = "stage " + string(r.Stage)
			}
		}
	}
	if unfinished.N > 0 {
		return nil, unfinished
	}
	m.Balance, m.TouchBalance = comparisons.balance(), values.balance()
	return m, nil
}

// failedJob is what the run of a record ended with.
func failedJob(r *Record) error {
	e := &RunError{Worker: fmt.Sprint(r.Worker), Err: errors.New("the run failed: start the worker again to hear why")}
	if r.Failure == merge.FailDuplicate {
		e.Err = &merge.DuplicateError{Value: r.Value}
	}
	return e
}

func recordOf(job string, worker int, b []byte) (*Record, error) {
	if b == nil {
		return nil, nil
	}
	r, err := decodeRecord(b)
	if err != nil {
		return nil, inputErrorf("job "+job, "the record of worker %d cannot be read: %v", worker, err)
	}
	return r, nil
}

// A spread is the least and the most of some numbers.
type spread struct {
	least, most int64
	n           int
}

func (s *spread) add(v int64) {
	if s.n++; s.n == 1 {
		s.least, s.most = v, v
	}
	s.least, s.most = min(s.least, v), max(s.most, v)
}

func (s *spread) balance() float64 { return merge.Balance(s.least, s.most) }

// Encode is the file form of a manifest.
func (m *Manifest) Encode() []byte {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		panic(err) // numbers and plain strings
	}
	return append(b, '\n')
}

// maxManifest bounds what is read: a part takes less than 5 KiB, most of it its
// path.
const maxManifest = 8 << 20

// ReadManifest reads what Encode gave.
func ReadManifest(r io.Reader, name string) (*Manifest, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxManifest+1))
	if err != nil {
		return nil, err
	}
	var m Manifest
	if len(b) > maxManifest {
		return nil, inputErrorf(name, "longer than %d bytes", maxManifest)
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, inputErrorf(name, "it is no manifest: %v", err)
	}
	if m.Version != manifestVersion || m.Of != len(m.Parts) || m.Of < 2 || m.Of > merge.MaxWorkers {
		return nil, inputErrorf(name, "it is no manifest of version %d with its parts", manifestVersion)
	}
	at := int64(0)
	for i, p := range m.Parts {
		if p.Worker != i || p.Offset != at || p.Bytes < 0 || p.Values < 0 {
			return nil, inputErrorf(name, "the part of worker %d does not follow the one before it", i)
		}
		at += p.Bytes
	}
	if at != m.Bytes {
		return nil, inputErrorf(name, "its parts have %d bytes, not %d", at, m.Bytes)
	}
	return &m, nil
}

// Join copies the parts to w, one behind the other, and makes sure that each is
// what its worker wrote. paths are their files by worker; none for those of the
// manifest. tell is called with the bytes so far; it may be nil.
func (m *Manifest) Join(disk vfs.Disk, w io.Writer, paths []string, tell func(bytes int64)) error {
	done := int64(0)
	for i, p := range m.Parts {
		path := p.Path
		if len(paths) > 0 {
			path = paths[i]
		}
		f, err := disk.OpenFile(path, 0, 0)
		if errors.Is(err, fs.ErrNotExist) {
			return inputErrorf(path, "the part of worker %d is not there: start the worker again, it restores its part; or name the files of all parts, in the order of the workers", p.Worker)
		}
		if err != nil {
			return err
		}
		err = copyPart(w, &toldReader{r: f, done: &done, tell: tell}, p.Part)
		f.Close()
		if errors.Is(err, errOtherBytes) {
			return inputErrorf(path, "the part of worker %d: %w; start the worker again, it restores its part", p.Worker, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

type toldReader struct {
	r    io.Reader
	done *int64
	tell func(int64)
}

func (t *toldReader) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	if *t.done += int64(n); t.tell != nil {
		t.tell(*t.done)
	}
	return n, err
}
