package ingest

import (
	"bytes"
	"context"

	"holdfast/replay"
)

// attemptLayout is the worker log.
var attemptLayout = layout{names: []string{"event_id", "worker_id", "start_time", "end_time", "status"}, time: 2}

// Attempts reads a worker log (worker_logs.csv).
type Attempts struct {
	*table
	starts, ends *TimeColumn
	workers      names
}

// OpenAttempts opens a worker log and reads its header. Errors are *InputError
// and *UsageError.
func OpenAttempts(ctx context.Context, path string, o Options) (*Attempts, error) {
	starts, err := NewTimeColumn("start_time", o)
	if err != nil {
		return nil, err
	}
	ends, err := NewTimeColumn("end_time", o)
	if err != nil {
		return nil, err
	}
	t, err := openTable(ctx, path, attemptLayout, o)
	if err != nil {
		return nil, err
	}
	return &Attempts{table: t, starts: starts, ends: ends}, nil
}

// Next returns the next usable attempt; io.EOF at the end. Other errors are as
// those of Rows.Next. A missing end makes an open attempt, a missing worker is
// "", and a status without known meaning StatusUnknown.
func (r *Attempts) Next() (replay.Attempt, error) {
	for {
		if err := r.next(); err != nil {
			return replay.Attempt{}, err
		}
		a, reason, hint, err := r.decode()
		if err != nil {
			return replay.Attempt{}, r.failed(err)
		}
		if reason == "" {
			return a, nil
		}
		if err := r.rejectRecord(reason, hint); err != nil {
			return replay.Attempt{}, err
		}
	}
}

func (r *Attempts) decode() (a replay.Attempt, reason Reason, hint string, err error) {
	var f [5][]byte
	for i, column := range r.header.Columns {
		f[i] = r.s.fields[column]
		if !isText(f[i]) {
			return a, BadText, badText, nil
		}
	}
	switch {
	case IsMissing(f[0]):
		return a, MissingField, missing("event_id", f[0]), nil
	case IsMissing(f[2]):
		return a, MissingField, missing("start_time", f[2]), nil
	}
	start, err := r.starts.Parse(f[2], r.s.line)
	if err != nil || start.Reason != "" {
		return a, start.Reason, start.Hint, err
	}
	var end Time
	open := IsMissing(f[3])
	if !open {
		if end, err = r.ends.Parse(f[3], r.s.line); err != nil || end.Reason != "" {
			return a, end.Reason, end.Hint, err
		}
		r.notes.time(end)
	} else {
		r.notes.count(missingEnds)
		r.endTexts.count(Trim(f[3]))
	}
	r.used()
	r.notes.time(start)
	return replay.Attempt{
		Event: string(f[0]), Worker: r.worker(Trim(f[1])), Start: start.Nanos, End: end.Nanos, Open: open,
		Status: r.status(Trim(f[4])), Lines: 1,
	}, "", "", nil
}

func (r *Attempts) worker(b []byte) string {
	if IsMissing(b) {
		r.notes.count(missingWorkers)
		return ""
	}
	if len(b) != 8 || string(b[:7]) != "worker-" || b[7] < '1' || b[7] > '3' {
		r.notes.count(otherWorkers)
		r.workerTexts.count(b)
	}
	return r.workers.get(b)
}

// statuses are the spellings of R20, in lower case.
var statuses = map[string]replay.Status{
	"success": replay.StatusSuccess, "ok": replay.StatusSuccess, "done": replay.StatusSuccess, "completed": replay.StatusSuccess,
	"timeout": replay.StatusTimeout, "timed_out": replay.StatusTimeout, "timed-out": replay.StatusTimeout, "timedout": replay.StatusTimeout,
	"failed": replay.StatusFailed, "failure": replay.StatusFailed, "error": replay.StatusFailed, "crashed": replay.StatusFailed, "killed": replay.StatusFailed,
}

func (r *Attempts) status(b []byte) replay.Status {
	if s, ok := statuses[string(b)]; ok {
		return s
	}
	if len(b) <= len("completed") {
		if s, ok := statuses[string(bytes.ToLower(b))]; ok {
			return s
		}
	}
	if IsMissing(b) {
		r.notes.count(missingStatuses)
	} else {
		r.notes.count(otherStatuses)
		r.statusTexts.count(b)
	}
	return replay.StatusUnknown
}
