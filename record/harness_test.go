package record_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"testing"
	"time"

	"holdfast/internal/vfs"
	"holdfast/lab/lossy"
	"holdfast/record"
	"holdfast/record/journal"
	"holdfast/record/seq"
)

// A rig records the lab's source on a file system in memory, start after start.
type rig struct {
	t     *testing.T
	disk  vfs.Disk
	crash *vfs.Crash
	lair  vfs.Disk // of the source, if it has a disk of its own
	lab   lossy.Config
	c     record.Config
	warns []string
	src   *labSource
}

const (
	rigLog   = "/log/events.log"
	rigState = "/state"
)

func newRig(t *testing.T, seed int64) *rig {
	t.Helper()
	r := &rig{t: t, crash: vfs.NewCrash(uint64(seed), 1), lab: lossy.Default(seed)}
	r.disk = r.crash
	r.mkdir("/log")
	r.mkdir(rigState)
	r.lab.Seed = big.NewInt(seed)
	r.lab.StateDir = rigState
	r.c = record.Config{
		Session:  fmt.Sprintf("lab-%d", seed),
		StateDir: rigState,
		Source:   record.LabSource,
		// No timer: the one of a process that died would go on here, and store in
		// memory that the crash file system reads (see its Map).
		Journal: journal.Config{Level: journal.None, SegmentBytes: 16 << 10, GroupWindow: time.Hour, Interval: time.Hour},
		Warn:    func(s string) { r.warns = append(r.warns, s) },
	}
	return r
}

func (r *rig) mkdir(dir string) {
	r.t.Helper()
	if err := r.crash.MkdirAll(dir, 0o777); err != nil {
		r.t.Fatal(err)
	}
	if err := r.crash.SyncDir("/"); err != nil {
		r.t.Fatal(err)
	}
}

// labSource opens the lab's source late, as the command does.
type labSource struct {
	c lossy.Config
	*lossy.Source
	trace []seq.Range       // every request, in order
	after func(n int) error // called before each receive
	n     int
}

func (l *labSource) Open(cursor uint64, known bool) (err error) {
	l.c.Cursor = func() (uint64, bool) { return cursor, known }
	l.Source, err = lossy.New(l.c)
	return err
}

func (l *labSource) Receive(ctx context.Context) (seq.Delivery, error) {
	l.n++
	if l.after != nil {
		if err := l.after(l.n); err != nil {
			return seq.Delivery{}, err
		}
	}
	return l.Source.Receive(ctx)
}

func (l *labSource) RequestRetransmit(first uint64, count int) error {
	l.trace = append(l.trace, seq.Range{First: first, Count: uint32(count)})
	return l.Source.RequestRetransmit(first, count)
}

// start runs one process. The error is lossy.ErrTerminated if it died.
func (r *rig) start() (record.Stats, error) {
	if r.lab.FS = r.disk; r.lair != nil {
		r.lab.FS = r.lair
	}
	r.c.Disk = r.disk
	r.c.Policy.Window = uint64(r.lab.ReorderWindow)
	r.src = &labSource{c: r.lab}
	l, err := record.NewLogger(r.src, rigLog, r.c)
	if err != nil {
		return record.Stats{}, err
	}
	return l.Run(context.Background())
}

// finish starts processes until the session is over.
func (r *rig) finish() record.Stats {
	r.t.Helper()
	for range 2000 {
		s, err := r.start()
		r.crash.Kill()
		switch {
		case err == nil:
			return s
		case !errors.Is(err, lossy.ErrTerminated):
			r.t.Fatalf("seed %v: %v", r.lab.Seed, err)
		}
	}
	r.t.Fatalf("seed %v: not over after 2000 starts", r.lab.Seed)
	return record.Stats{}
}

func (r *rig) read(path string) []byte {
	r.t.Helper()
	f, err := r.crash.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		r.t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		r.t.Fatal(err)
	}
	return b
}

func (r *rig) write(path string, b []byte) {
	r.t.Helper()
	f, err := r.crash.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		r.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(b); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) truth() (record.Truth, *lossy.Stream) {
	r.t.Helper()
	s, err := lossy.Generate(r.lab)
	if err != nil {
		r.t.Fatal(err)
	}
	return record.Truth{Generated: s.Sequences, Deliverable: s.Deliverable()}, s
}

// perfect checks what every recording with a journal must be: the best possible
// coverage, order, nothing twice, and each line equal to the truth.
func (r *rig) perfect() record.Score {
	r.t.Helper()
	truth, stream := r.truth()
	log := r.read(rigLog)
	s, err := record.ScoreLog(bytes.NewReader(log), truth)
	if err != nil {
		r.t.Fatal(err)
	}
	if s.Coverage != s.MaxCoverage || s.DuplicatesInLog+s.Unknown+s.Malformed != 0 {
		r.t.Fatalf("seed %v: %+v", r.lab.Seed, s)
	}
	r.genuine(log, stream)
	return s
}

// genuine checks that every line is a packet of the stream, bit for bit.
func (r *rig) genuine(log []byte, stream *lossy.Stream) {
	r.t.Helper()
	packets := map[uint64]seq.Packet{}
	for _, item := range stream.Queue {
		packets[item.Packet.Sequence] = item.Packet
	}
	for i, text := range bytes.Split(bytes.TrimSuffix(log, []byte{'\n'}), []byte{'\n'}) {
		if len(log) == 0 {
			return
		}
		line, err := record.ParseLine(text)
		if err != nil {
			r.t.Fatalf("seed %v: line %d: %v", r.lab.Seed, i+1, err)
		}
		p := packets[line.Sequence]
		if p.Timestamp != line.Timestamp || !bytes.Equal(p.Payload, line.Payload) {
			r.t.Fatalf("seed %v: line %d: %+v is not %+v", r.lab.Seed, i+1, line, p)
		}
	}
}

// trial runs a trial of the lab's source.
func trial(t *testing.T, seed int64, policy seq.Config) (record.Outcome, error) {
	t.Helper()
	r := newRig(t, seed)
	truth, _ := r.truth()
	policy.Window = uint64(r.lab.ReorderWindow)
	return record.Try(t.Context(), record.Trial{
		Policy: policy,
		Died:   lossy.ErrTerminated,
		Open: func(disk vfs.Disk) (record.Source, error) {
			c := r.lab
			c.FS, c.StateDir = disk, "/state"
			return &labSource{c: c}, nil
		},
	}, truth)
}
