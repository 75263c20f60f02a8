package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"

	pebble "github.com/cockroachdb/pebble/record"
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	raftwal "github.com/hashicorp/raft-wal"
	"github.com/hashicorp/raft-wal/metadb"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/tsdb/wlog"
	"github.com/prometheus/prometheus/util/compression"
	tidwall "github.com/tidwall/wal"
	etcd "go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/etcd/server/v3/storage/wal/walpb"
	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"
)

// A writer is an open journal. append returns when the records are durable at
// the level it was opened with; first is the number of the first one, from 1.
type writer interface {
	append(first uint64, records [][]byte) error
	close() error
}

// A contestant is one journal. A scan gives what a restart would get, and the
// first complaint; complaints the library keeps to itself cannot be counted.
type contestant struct {
	name    string
	module  string
	can     []promise
	note    string
	open    func(dir string, p promise, segment int) (writer, error)
	scan    func(dir string, visit func(index uint64, record []byte)) error
	recover func(dir string, visit func(index uint64, record []byte)) (opened bool, report string)
}

// A promise is what an append that has returned survives. A journal that keeps
// one can do less work for a weaker one: only the same promises compare.
type promise int

const (
	inMemory promise = iota // nothing: records may be in the memory of the process
	inSystem                // the end of the process, kill -9 too: they are with the kernel
	onDisk                  // a power cut: they are synced
)

// best is the strongest of its promises.
func (c *contestant) best() promise { return slices.Max(c.can) }

// big is a segment size that all journals accept, for the measurements.
const big = 64 << 20

func contestants() []*contestant {
	return []*contestant{holdfast(),
		{name: "tidwall/wal", module: "github.com/tidwall/wal", can: []promise{inSystem, onDisk},
			note: "no checksum", open: openTidwall, scan: scanTidwall},
		{name: "etcd wal", module: "go.etcd.io/etcd/server/v3", can: []promise{inSystem, onDisk},
			note: "ReadAll keeps all entries in memory; Repair is called as etcd does", open: openEtcd, scan: scanEtcd, recover: recoverEtcd},
		{name: "raft-wal", module: "github.com/hashicorp/raft-wal", can: []promise{onDisk},
			note: "always syncs", open: openRaft, scan: scanRaft},
		{name: "pebble record", module: "github.com/cockroachdb/pebble", can: []promise{inMemory, inSystem, onDisk},
			note: "a goroutine of its own writes; to the system: SyncRecord on a file that has no Sync; one file, no segments", open: openPebble, scan: scanPebble},
		{name: "prometheus wlog", module: "github.com/prometheus/prometheus", can: []promise{inSystem},
			note: "never syncs a record; Repair is called as its TSDB does", open: openProm, scan: scanProm, recover: recoverProm},
	}
}

type tidwallLog struct {
	log   *tidwall.Log
	batch tidwall.Batch
}

func openTidwall(dir string, p promise, segment int) (writer, error) {
	l, err := tidwall.Open(dir, &tidwall.Options{NoSync: p < onDisk, SegmentSize: segment})
	return &tidwallLog{log: l}, err
}

func (t *tidwallLog) append(first uint64, records [][]byte) error {
	if len(records) == 1 {
		return t.log.Write(first, records[0])
	}
	t.batch.Clear()
	for i, r := range records {
		t.batch.Write(first+uint64(i), r)
	}
	return t.log.WriteBatch(&t.batch)
}

func (t *tidwallLog) close() error { return t.log.Close() }

func scanTidwall(dir string, visit func(uint64, []byte)) error {
	l, err := tidwall.Open(dir, &tidwall.Options{NoCopy: true})
	if err != nil {
		return err
	}
	defer l.Close()
	first, _ := l.FirstIndex()
	last, _ := l.LastIndex()
	var bad error
	for i := max(first, 1); i <= last; i++ {
		r, err := l.Read(i)
		if err != nil {
			bad = cmpOr(bad, err)
			continue
		}
		visit(i, r)
	}
	return bad
}

type etcdLog struct {
	wal     *etcd.WAL
	entries []raftpb.Entry
}

func openEtcd(dir string, p promise, segment int) (writer, error) {
	etcd.SegmentSizeBytes = int64(segment)
	w, err := etcd.Create(zap.NewNop(), filepath.Join(dir, "wal"), nil)
	if err == nil && p < onDisk {
		w.SetUnsafeNoFsync()
	}
	return &etcdLog{wal: w}, err
}

func (e *etcdLog) append(first uint64, records [][]byte) error {
	e.entries = e.entries[:0]
	for i, r := range records {
		e.entries = append(e.entries, raftpb.Entry{Term: 1, Index: first + uint64(i), Data: r})
	}
	return e.wal.Save(raftpb.HardState{}, e.entries)
}

func (e *etcdLog) close() error { return e.wal.Close() }

func readEtcd(dir string, open func(*zap.Logger, string, walpb.Snapshot) (*etcd.WAL, error), visit func(uint64, []byte)) error {
	w, err := open(zap.NewNop(), filepath.Join(dir, "wal"), walpb.Snapshot{})
	if err != nil {
		return err
	}
	defer w.Close()
	_, _, entries, err := w.ReadAll()
	if err != nil {
		return err
	}
	for _, e := range entries {
		visit(e.Index, e.Data)
	}
	return nil
}

func scanEtcd(dir string, visit func(uint64, []byte)) error {
	return readEtcd(dir, etcd.OpenForRead, visit)
}

func recoverEtcd(dir string, visit func(uint64, []byte)) (bool, string) {
	err := readEtcd(dir, etcd.Open, visit)
	if errors.Is(err, io.ErrUnexpectedEOF) && etcd.Repair(zap.NewNop(), filepath.Join(dir, "wal")) {
		again := readEtcd(dir, etcd.Open, visit)
		return again == nil, text(cmpOr(again, err))
	}
	return err == nil, text(err)
}

type raftLog struct {
	wal  *raftwal.WAL
	meta *metadb.BoltMetaDB
	logs []*raft.Log
	room []raft.Log
}

// raftWAL also gives the store of its metadata, which Close leaves locked.
func raftWAL(dir string, segment int) (*raftwal.WAL, *metadb.BoltMetaDB, error) {
	meta := &metadb.BoltMetaDB{}
	w, err := raftwal.Open(dir, raftwal.WithSegmentSize(segment), raftwal.WithLogger(hclog.NewNullLogger()), raftwal.WithMetaStore(meta))
	if err != nil {
		meta.Close()
	}
	return w, meta, err
}

func openRaft(dir string, _ promise, segment int) (writer, error) {
	w, meta, err := raftWAL(dir, segment)
	return &raftLog{wal: w, meta: meta}, err
}

func (r *raftLog) append(first uint64, records [][]byte) error {
	if len(r.room) < len(records) {
		r.room = make([]raft.Log, len(records))
	}
	r.logs = r.logs[:0]
	for i, b := range records {
		r.room[i] = raft.Log{Index: first + uint64(i), Term: 1, Data: b}
		r.logs = append(r.logs, &r.room[i])
	}
	return r.wal.StoreLogs(r.logs)
}

func (r *raftLog) close() error { return errors.Join(r.wal.Close(), r.meta.Close()) }

func scanRaft(dir string, visit func(uint64, []byte)) error {
	w, meta, err := raftWAL(dir, big)
	if err != nil {
		return err
	}
	defer meta.Close()
	defer w.Close()
	first, _ := w.FirstIndex()
	last, _ := w.LastIndex()
	var bad error
	var l raft.Log
	for i := max(first, 1); i <= last; i++ {
		if err := w.GetLog(i, &l); err != nil {
			bad = cmpOr(bad, err)
			continue
		}
		visit(i, l.Data)
	}
	return bad
}

type pebbleLog struct {
	w     *pebble.LogWriter
	waits bool
	wait  sync.WaitGroup
}

// unsynced is a file that its writer takes for one that cannot be synced.
type unsynced struct{ io.WriteCloser }

func openPebble(dir string, p promise, _ int) (writer, error) {
	f, err := os.Create(filepath.Join(dir, "000001.log"))
	if err != nil {
		return nil, err
	}
	c := pebble.LogWriterConfig{WALFsyncLatency: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "sync"})}
	var to io.Writer = f
	if p < onDisk {
		to = unsynced{f}
	}
	return &pebbleLog{w: pebble.NewLogWriter(to, 1, c), waits: p > inMemory}, nil
}

func (p *pebbleLog) append(_ uint64, records [][]byte) error {
	for i, r := range records {
		if p.waits && i == len(records)-1 {
			var failed error
			p.wait.Add(1)
			if _, err := p.w.SyncRecord(r, &p.wait, &failed); err != nil {
				return err
			}
			p.wait.Wait()
			return failed
		}
		if _, err := p.w.WriteRecord(r); err != nil {
			return err
		}
	}
	return nil
}

func (p *pebbleLog) close() error { return p.w.Close() }

func scanPebble(dir string, visit func(uint64, []byte)) error {
	f, err := os.Open(filepath.Join(dir, "000001.log"))
	if err != nil {
		return err
	}
	defer f.Close()
	r := pebble.NewReader(f, 1)
	var buf [2 * recordSize]byte
	for {
		next, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		n, err := io.ReadFull(next, buf[:])
		if err != io.ErrUnexpectedEOF && err != io.EOF {
			return cmpOr(err, errors.New("record too long"))
		}
		visit(number(buf[:n]), buf[:n])
	}
}

type promLog struct{ wl *wlog.WL }

func openProm(dir string, _ promise, segment int) (writer, error) {
	w, err := wlog.NewSize(slog.New(slog.DiscardHandler), nil, dir, segment, compression.None)
	return &promLog{w}, err
}

func (p *promLog) append(_ uint64, records [][]byte) error { return p.wl.Log(records...) }
func (p *promLog) close() error                            { return p.wl.Close() }

func scanProm(dir string, visit func(uint64, []byte)) error {
	s, err := wlog.NewSegmentsReader(dir)
	if err != nil {
		return err
	}
	defer s.Close()
	r := wlog.NewReader(s)
	for r.Next() {
		visit(number(r.Record()), r.Record())
	}
	return r.Err()
}

// recoverProm does what its TSDB does: read, repair at the first complaint, go
// on with what was read.
func recoverProm(dir string, visit func(uint64, []byte)) (bool, string) {
	err := scanProm(dir, visit)
	if err == nil {
		return true, ""
	}
	w, failed := wlog.NewSize(slog.New(slog.DiscardHandler), nil, dir, segmentSize, compression.None)
	if failed != nil {
		return false, failed.Error()
	}
	defer w.Close()
	if failed := w.Repair(err); failed != nil {
		return false, failed.Error()
	}
	return true, err.Error()
}

// number is what a record says it is.
func number(record []byte) uint64 {
	if len(record) < 8 {
		return 0
	}
	return binary.LittleEndian.Uint64(record)
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return fmt.Sprint(err)
}

func cmpOr(a, b error) error {
	if a != nil {
		return a
	}
	return b
}
