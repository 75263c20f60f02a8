package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// A level is one table of appending.
type level struct {
	name    string
	promise promise
	batch   int
}

var levels = []level{
	{"synced, one a call", onDisk, 1},
	{"synced, batch 64", onDisk, 64},
	{"synced, batch 1024", onDisk, 1024},
	{"with the system, one a call", inSystem, 1},
	{"with the system, batch 64", inSystem, 64},
	{"with the system, batch 1024", inSystem, 1024},
	{"in the memory of the process, one a call", inMemory, 1},
	{"in the memory of the process, batch 64", inMemory, 64},
}

// A sample is one number a round.
type sample []float64

func (s sample) median() float64 {
	if len(s) == 0 {
		return 0
	}
	t := slices.Sorted(slices.Values(s))
	return (t[(len(t)-1)/2] + t[len(t)/2]) / 2
}

func (s sample) spread() string {
	if len(s) == 0 {
		return "-"
	}
	return fmt.Sprintf("%s - %s", si(slices.Min(s)), si(slices.Max(s)))
}

// fresh runs f with a new folder and removes it.
func fresh(c *config, f func(dir string) error) error {
	dir, err := os.MkdirTemp(c.dir, "j")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	return f(dir)
}

// appendAll measures appending, and the disk alone beside it.
func appendAll(c *config, all []*contestant, r *report) error {
	for _, l := range levels {
		if !strings.Contains(l.name, c.level) {
			continue
		}
		rate, mem, cpu := make([]sample, len(all)), make([]sample, len(all)), make([]sample, len(all))
		var floor sample
		records := batchOf(1, l.batch)
		for round := range c.rounds {
			if l.promise == onDisk {
				if err := fresh(c, func(dir string) error { return syncFloor(c, dir, l.batch, &floor) }); err != nil {
					return err
				}
			}
			for i := range all {
				k := (i + round) % len(all)
				p := all[k]
				if !slices.Contains(p.can, l.promise) {
					continue
				}
				err := fresh(c, func(dir string) error {
					a, err := appendOne(c, p, dir, l, records)
					rate[k] = append(rate[k], a.records/a.took.Seconds())
					mem[k] = append(mem[k], a.alloc/a.records)
					cpu[k] = append(cpu[k], float64(a.cpu)/a.records)
					return err
				})
				if err != nil {
					return fmt.Errorf("%s, %s: %w", p.name, l.name, err)
				}
			}
		}
		r.appended(l, rate, mem, cpu, floor)
	}
	return nil
}

// most bounds a journal: what is measured is appending, not a full disk.
const most = 1_500_000

// An appended is what one contestant did in one round.
type appended struct {
	records, alloc float64
	took, cpu      time.Duration
}

func appendOne(c *config, p *contestant, dir string, l level, records [][]byte) (a appended, err error) {
	w, err := p.open(dir, l.promise, big)
	if err != nil {
		return a, err
	}
	next := uint64(1)
	for range 3 { // the first ones make buffers and files
		if err := w.append(next, records); err != nil {
			return a, err
		}
		next += uint64(l.batch)
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start, used, n := time.Now(), cpuTime(), 0
	for a.took < c.slice && n < most {
		for range max(1, 64/l.batch) {
			if err := w.append(next, records); err != nil {
				return a, err
			}
			next += uint64(l.batch)
			n += l.batch
			if l.promise == onDisk {
				break
			}
		}
		a.took = time.Since(start)
	}
	a.cpu = cpuTime() - used
	runtime.ReadMemStats(&after)
	a.records, a.alloc = float64(n), float64(after.TotalAlloc-before.TotalAlloc)
	return a, w.close()
}

// syncFloor is what the disk does at best: writing over a file that is there,
// and fdatasync.
func syncFloor(c *config, dir string, batch int, rate *sample) error {
	f, err := os.Create(filepath.Join(dir, "floor"))
	if err != nil {
		return err
	}
	defer f.Close()
	const space = 8 << 20
	if _, err := f.Write(make([]byte, space)); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	b := make([]byte, batch*recordSize)
	start, n, at := time.Now(), 0, int64(0)
	for time.Since(start) < c.slice {
		if at+int64(len(b)) > space {
			at = 0
		}
		if _, err := f.WriteAt(b, at); err != nil {
			return err
		}
		if err := datasync(f); err != nil {
			return err
		}
		at += int64(len(b))
		n += batch
	}
	*rate = append(*rate, float64(n)/time.Since(start).Seconds())
	return nil
}

// scanAll measures reading a journal whole.
func scanAll(c *config, all []*contestant, r *report) error {
	dirs, rate, peak := make([]string, len(all)), make([]sample, len(all)), make([]float64, len(all))
	for k, p := range all {
		var err error
		if dirs[k], err = os.MkdirTemp(c.dir, "scan"); err != nil {
			return err
		}
		defer os.RemoveAll(dirs[k])
		if err := fill(p, dirs[k], slices.Min(p.can), big, c.records, 1000); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	for round := range c.rounds {
		for i := range all {
			k := (i + round) % len(all)
			took, heap, err := scanOne(all[k], dirs[k], c.records)
			if err != nil {
				return fmt.Errorf("%s, scan: %w", all[k].name, err)
			}
			rate[k] = append(rate[k], float64(c.records)/took.Seconds())
			peak[k] = max(peak[k], heap)
		}
	}
	r.scanned(c.records, dirs, rate, peak)
	return nil
}

func fill(p *contestant, dir string, pr promise, segment, records, batch int) error {
	w, err := p.open(dir, pr, segment)
	if err != nil {
		return err
	}
	for n := 0; n < records; n += batch {
		if err := w.append(uint64(n+1), batchOf(uint64(n+1), min(batch, records-n))); err != nil {
			return err
		}
	}
	return w.close()
}

// scanOne also samples the heap every millisecond.
func scanOne(p *contestant, dir string, want int) (took time.Duration, peak float64, err error) {
	runtime.GC()
	var base runtime.MemStats
	runtime.ReadMemStats(&base)
	var stop atomic.Bool
	most := make(chan uint64)
	go func() {
		top := uint64(0)
		for !stop.Load() {
			top = max(top, heapBytes())
			time.Sleep(time.Millisecond)
		}
		most <- top
	}()
	n, sum := 0, uint64(0)
	start := time.Now()
	err = p.scan(dir, func(i uint64, b []byte) { n, sum = n+1, sum+i })
	took = time.Since(start)
	stop.Store(true)
	top := <-most
	if err == nil && (n != want || sum != uint64(want)*uint64(want+1)/2) {
		err = fmt.Errorf("%d of %d records", n, want)
	}
	return took, max(0, float64(top)-float64(base.HeapAlloc)), err
}
