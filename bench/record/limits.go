package main

import (
	"cmp"
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"holdfast/internal/vfs"
	recorder "holdfast/record"
	"holdfast/record/journal"
	"holdfast/record/seq"
)

// waiters is how many wait for a group commit at once.
const waiters = 8

// limits measures what has bounds of its own, and no peer.
func limits(c *config, _ []*contestant, r *report) error {
	if err := acknowledged(c, r); err != nil {
		return err
	}
	if err := growth(c, r); err != nil {
		return err
	}
	return gapRuns(c, r)
}

// acknowledged measures how long a record waits for its acknowledgement when
// many wait, beside how long the disk needs to sync as much.
func acknowledged(c *config, r *report) error {
	var alone, grouped []time.Duration
	for range c.rounds {
		err := fresh(c, func(dir string) error {
			took, err := syncTimes(c, dir)
			alone = append(alone, took...)
			return err
		})
		if err != nil {
			return err
		}
		err = fresh(c, func(dir string) error {
			took, err := commitTimes(c, dir)
			grouped = append(grouped, took...)
			return err
		})
		if err != nil {
			return err
		}
	}
	r.acknowledged(alone, grouped)
	return nil
}

// syncTimes writes as much as a group has over a file that is there.
func syncTimes(c *config, dir string) (took []time.Duration, err error) {
	f, err := os.Create(filepath.Join(dir, "floor"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := make([]byte, waiters*recordSize)
	const space = 8 << 20
	if _, err := f.Write(make([]byte, space)); err != nil {
		return nil, err
	}
	if err := f.Sync(); err != nil {
		return nil, err
	}
	begin := time.Now()
	for at := int64(0); time.Since(begin) < c.slice; at = (at + int64(len(b))) % space {
		start := time.Now()
		if _, err := f.WriteAt(b, at); err != nil {
			return nil, err
		}
		if err := datasync(f); err != nil {
			return nil, err
		}
		took = append(took, time.Since(start))
	}
	return took, nil
}

func commitTimes(c *config, dir string) (took []time.Duration, err error) {
	j, _, err := journal.Open(vfs.OS{}, dir, journal.Config{Session: session, Level: journal.Always})
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	var next atomic.Uint64
	begin := time.Now()
	for range waiters {
		wg.Go(func() {
			var own []time.Duration
			var failed error
			for failed == nil && time.Since(begin) < c.slice {
				f := seq.Frame{Type: seq.FramePacket}
				f.Packet.Sequence = next.Add(1)
				f.Packet.Payload = record(nil, f.Packet.Sequence)
				start := time.Now()
				lsn, e := j.Append(f)
				if e == nil {
					e = j.Commit(lsn)
				}
				own, failed = append(own, time.Since(start)), e
			}
			mu.Lock()
			defer mu.Unlock()
			took, err = append(took, own...), cmp.Or(err, failed)
		})
	}
	wg.Wait()
	return took, cmp.Or(err, j.Close())
}

func (r *report) acknowledged(alone, grouped []time.Duration) {
	r.printf("\n## Acknowledgement under group commit\n\n%d writers, one record a call, each call until its record is synced; beside it the disk, a group's bytes written in place and fdatasync.\n\n| | calls | median | p99 |\n| --- | --- | --- | --- |\n", waiters)
	for _, row := range []struct {
		name string
		took []time.Duration
	}{{"the disk", alone}, {"holdfast", grouped}} {
		r.printf("| %s | %d | %.2f ms | %.2f ms |\n", row.name, len(row.took), quantile(row.took, .5), quantile(row.took, .99))
	}
	r.printf("\nThe p99 of holdfast is %.2f times that of the disk (target at most 2: a record may come just after a sync has begun).\n", quantile(grouped, .99)/quantile(alone, .99))
}

// quantile is in milliseconds.
func quantile(of []time.Duration, q float64) float64 {
	of = slices.Sorted(slices.Values(of))
	return float64(of[int(q*float64(len(of)-1))]) / 1e6
}

// growth runs the whole recorder on streams of many lengths.
func growth(c *config, r *report) error {
	r.printf("\n## Growth\n\nThe whole recorder, as above, once a length. Journal and log together hold so many bytes a packet; memory is the most that the heap\ngrew by.\n\n| packets | µs of CPU a packet | bytes a packet | MB of memory |\n| ---: | ---: | ---: | ---: |\n")
	for n := 10_000; n <= c.growth; n *= 10 {
		src := &endless{last: uint64(n), step: 1}
		cpu, bytes, peak, err := runOnce(c, src, n)
		if err != nil {
			return fmt.Errorf("growth, %d packets: %w", n, err)
		}
		r.printf("| %d | %.2f | %.0f | %.1f |\n", n, cpu.Seconds()*1e6/float64(n), bytes/float64(n), peak/1e6)
	}
	return nil
}

// gapRuns runs it on a stream of which every second packet never comes.
func gapRuns(c *config, r *report) error {
	const runs = 1_000_000
	src := &endless{last: 2 * runs, step: 2}
	cpu, _, peak, err := runOnce(c, src, runs)
	if err != nil {
		return fmt.Errorf("gap runs: %w", err)
	}
	r.printf("\nEvery second packet of %d lost for ever: %d gaps at the end, %.2f µs of CPU a packet, %.1f MB of memory (target at most 67).\n", 2*runs, runs, cpu.Seconds()*1e6/runs, peak/1e6)
	return nil
}

// runOnce also samples the heap.
func runOnce(c *config, src recorder.Source, written int) (busy time.Duration, bytes, peak float64, err error) {
	err = fresh(c, func(dir string) error {
		debug.FreeOSMemory()
		base := heapBytes()
		var stop atomic.Bool
		most := make(chan uint64)
		go func() {
			top := base
			for !stop.Load() {
				top = max(top, heapBytes())
				time.Sleep(time.Millisecond)
			}
			most <- top
		}()
		_, busy, err = recordIn(dir, src, written)
		stop.Store(true)
		peak = float64(<-most - base)
		if err == nil {
			bytes, err = sizes(dir)
		}
		return err
	})
	return busy, bytes, peak, err
}

func sizes(dir string) (sum float64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			sum += float64(info.Size())
		}
		return err
	})
	return sum, err
}

// An endless source makes its packets while it runs: a stream in memory would be
// what is measured.
type endless struct {
	at, last, step uint64
	payload        []byte
}

// Receive implements recorder.Source.
func (s *endless) Receive(context.Context) (seq.Delivery, error) {
	if s.at >= s.last {
		return seq.Delivery{}, io.EOF
	}
	n := s.at
	s.at += s.step
	s.payload = record(s.payload[:0], n)
	p := seq.Packet{Sequence: n, Timestamp: float64(n) * 1e-6, Checksum: crc32.ChecksumIEEE(s.payload), Payload: s.payload}
	return seq.Delivery{Packet: p, Valid: true, HeaderTrusted: true, Cursor: s.at}, nil
}

// RequestRetransmit implements recorder.Source.
func (s *endless) RequestRetransmit(uint64, int) error { return nil }

// Ready tells the recorder that Receive does not wait.
func (s *endless) Ready() bool { return s.at < s.last }
