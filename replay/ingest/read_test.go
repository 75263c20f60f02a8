package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"holdfast/replay"
	"holdfast/replay/ingest"
)

// result is all that a reader says of a text, in a form that is easy to write
// down: used records as one line each, rejects as "line reason".
type result struct {
	used    []string
	rejects []string
	raws    []string
	stats   ingest.Stats
	header  ingest.Header
	err     error // nil at the end of the file
}

func (r *result) check(t testing.TB, name string, used, rejects []string) {
	t.Helper()
	if got, want := strings.Join(r.used, "\n"), strings.Join(used, "\n"); got != want {
		t.Errorf("%s: used\n%s\nwant\n%s", name, got, want)
	}
	if got, want := strings.Join(r.rejects, "\n"), strings.Join(rejects, "\n"); got != want {
		t.Errorf("%s: rejected\n%s\nwant\n%s", name, got, want)
	}
	if r.err != nil {
		t.Errorf("%s: %v", name, r.err)
	}
}

// checkNote compares one counter.
func (r *result) checkNote(t testing.TB, name, note string, want int64) {
	t.Helper()
	if got := r.stats.Notes[note]; got != want {
		t.Errorf("%s: %s = %d, want %d (all: %v)", name, note, got, want, r.stats.Notes)
	}
}

// reader is what the three have in common.
type reader[T any] interface {
	Next() (T, error)
	Stats() ingest.Stats
	Changed() error
	Close() error
}

func (r *result) onReject(x ingest.Reject) error {
	r.rejects = append(r.rejects, fmt.Sprintf("%d %s", x.Line, x.Reason))
	r.raws = append(r.raws, string(x.Raw))
	return nil
}

func readAll[T any](r *result, in reader[T], err error, show func(T) string) {
	if err != nil {
		r.err = err
		return
	}
	defer in.Close()
	for {
		x, err := in.Next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				r.err = err
			}
			_, again := in.Next()
			if !errors.Is(again, err) {
				r.err = fmt.Errorf("then %v, then %v", err, again)
			}
			break
		}
		r.used = append(r.used, show(x))
	}
	r.stats = in.Stats()
	if r.err == nil {
		r.err = in.Changed()
	}
	whole := r.err == nil || errors.Is(r.err, ingest.ErrMaxBad)
	if n := int64(len(r.used) + len(r.rejects)); whole && (n != r.stats.Records || int64(len(r.rejects)) != r.stats.Rejected) {
		r.err = fmt.Errorf("%d used, %d rejected, but stats say %d and %d", len(r.used), len(r.rejects), r.stats.Records, r.stats.Rejected)
	}
}

func readRows(text string, o ingest.Options) *result {
	return readRowsFrom("-", strings.NewReader(text), o)
}

func readRowsFrom(path string, stdin io.Reader, o ingest.Options) *result {
	r := &result{}
	o.Stdin, o.OnReject = stdin, r.onReject
	in, err := ingest.OpenRows(context.Background(), path, o)
	readAll(r, in, err, func(x ingest.Record) string {
		return fmt.Sprintf("%d:%d %s %s %s", x.N, x.Line, x.Symbol, x.Time, x.Price)
	})
	if in != nil {
		r.header = in.Header()
	}
	return r
}

func readAttempts(text string, o ingest.Options) *result {
	r := &result{}
	o.Stdin, o.OnReject = strings.NewReader(text), r.onReject
	in, err := ingest.OpenAttempts(context.Background(), "-", o)
	readAll(r, in, err, func(a replay.Attempt) string {
		end := a.End.String()
		if a.Open {
			end = "open"
		}
		return fmt.Sprintf("%s %s %s %s %d", a.Event, a.Worker, a.Start, end, a.Status)
	})
	return r
}

func readEvents(text string, o ingest.Options) *result {
	return readEventsFrom(strings.NewReader(text), o)
}

func readEventsFrom(stdin io.Reader, o ingest.Options) *result {
	r := &result{}
	o.Stdin, o.OnReject = stdin, r.onReject
	in, err := ingest.OpenEvents(context.Background(), "-", o)
	readAll(r, in, err, func(e replay.Event) string {
		return fmt.Sprintf("%s %s %s %s", e.ID, e.Time, e.Symbol, e.Price)
	})
	return r
}

// checkError compares the error, which must be of the type that sets the exit
// status, and have one line.
func checkError[E error](t testing.TB, name string, err error, parts ...string) {
	t.Helper()
	var typed E
	if !errors.As(err, &typed) {
		t.Errorf("%s: %T %v, want a %T", name, err, err, typed)
		return
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("%s: %q does not say %q", name, err, p)
		}
	}
	if strings.ContainsAny(err.Error(), "\n\r\x00") {
		t.Errorf("%s: %q has several lines", name, err)
	}
}

// table makes a CSV text of lines.
func table(lines ...string) string { return strings.Join(lines, "\n") + "\n" }

const (
	rowHeader     = "symbol,timestamp,price"
	attemptHeader = "event_id,worker_id,start_time,end_time,status"
)
