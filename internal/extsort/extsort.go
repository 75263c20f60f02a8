// Package extsort sorts any number of byte records in a bounded amount of
// memory, spilling sorted runs to a temporary file when they do not fit.
//
// It promises: records come out in the order of bytes.Compare on their keys,
// equal keys in the order in which they were added, so equal input gives equal
// output whatever the memory, the machine and the number of jobs; buffers stay
// within [Config.Memory] (one record larger than that is held whole beside
// them); temporary files are gone after Close, after any error, and, where the
// system lets an open file be removed, even after the process was killed.
// Input whose keys arrive in order, or nearly so, makes one run and is never
// merged.
//
// It does not promise that temporary data survives anything: nothing is synced
// or checksummed, a Sorted lives as long as its process.
//
// Begin with [New], then Add, then Sort; build keys with [AppendString] and
// [AppendInt64].
package extsort

import (
	"errors"
	"fmt"
	"iter"
	"os"
	"runtime"

	"holdfast/internal/vfs"
)

// Config says how much a [Sorter] may use. The zero value is usable.
type Config struct {
	Memory int64  // bytes for buffers; 0 means DefaultMemory, less than MinMemory means MinMemory
	Dir    string // folder of the temporary file; "" means os.TempDir()
	Jobs   int    // 1: all work in the caller's goroutine; more: sorting and spilling run beside it; 0 means GOMAXPROCS
	FS     vfs.FS // nil means vfs.OS
}

// The default and the least memory of a sorter, in bytes.
const (
	DefaultMemory = 64 << 20
	MinMemory     = 256 << 10
)

// MaxRecord bounds key plus value, in bytes, so that positions fit 32 bits.
const MaxRecord = 1 << 30

// ErrClosed is returned by a Sorter after Sort or Close and by a Sorted after Close.
var ErrClosed = errors.New("extsort: already sorted or closed")

// Sorter takes records. It is used by one goroutine.
type Sorter struct {
	filling *batch
	spare   *batch
	store   *store // belongs to the settling goroutine while settling != nil
	jobs    int
	records int64
	err     error // sticky

	// settling carries the result of the one batch that may be on its way
	// into the store; whoever receives from it owns store and spare again.
	settling chan error
}

// New makes an empty sorter.
func New(c Config) *Sorter {
	if c.Memory <= 0 {
		c.Memory = DefaultMemory
	}
	if c.Dir == "" {
		c.Dir = os.TempDir()
	}
	if c.Jobs <= 0 {
		c.Jobs = runtime.GOMAXPROCS(0)
	}
	if c.FS == nil {
		c.FS = vfs.OS{}
	}
	return newSorter(newLayout(max(c.Memory, MinMemory)), c)
}

func newSorter(l layout, c Config) *Sorter {
	return &Sorter{filling: newBatch(l), store: newStore(l, c.FS, c.Dir), jobs: c.Jobs}
}

// Add copies one record into the sorter.
func (s *Sorter) Add(key, value []byte) error {
	if s.err != nil {
		return s.err
	}
	if len(key)+len(value) > MaxRecord {
		return fmt.Errorf("extsort: record of %d bytes: at most %d are possible", len(key)+len(value), MaxRecord)
	}
	if !s.filling.fits(len(key), len(value)) {
		if err := s.settle(); err != nil {
			return s.fail(err)
		}
	}
	s.filling.add(key, value)
	s.records++
	return nil
}

// settle hands the full batch over to the store and leaves an empty one.
func (s *Sorter) settle() error {
	if err := s.wait(); err != nil {
		return err
	}
	full := s.filling
	if s.jobs == 1 {
		return s.store.take(full)
	}
	if s.spare == nil {
		s.spare = newBatch(s.store.layout)
	}
	s.filling, s.spare = s.spare, full
	result := make(chan error, 1)
	s.settling = result
	go func() { result <- s.store.take(full) }()
	return nil
}

func (s *Sorter) wait() error {
	if s.settling == nil {
		return nil
	}
	err := <-s.settling
	s.settling = nil
	return err
}

// Sort ends the adding and gives the records in order. The Sorter is of no
// more use; its temporary file now belongs to the Sorted.
func (s *Sorter) Sort() (*Sorted, error) {
	if s.err != nil {
		return nil, s.err
	}
	err := s.settle()
	if err == nil {
		err = s.wait()
	}
	s.filling, s.spare = nil, nil
	if err == nil {
		err = s.store.finish()
	}
	if err != nil {
		return nil, s.fail(err)
	}
	sorted := &Sorted{store: s.store, records: s.records}
	s.store, s.err = nil, ErrClosed
	return sorted, nil
}

// fail ends the sorter with its first error and leaves no file behind.
func (s *Sorter) fail(err error) error {
	s.err = err
	s.Close()
	return err
}

// Close throws everything away. After Sort or Close it does nothing, so it can
// be deferred.
func (s *Sorter) Close() error {
	s.wait()
	s.filling, s.spare = nil, nil
	if s.store != nil {
		s.store.close()
		s.store = nil
	}
	if s.err == nil {
		s.err = ErrClosed
	}
	return nil
}

// Sorted is the records of a [Sorter] in order.
type Sorted struct {
	store   *store
	records int64
}

// Len is the number of records.
func (s *Sorted) Len() int64 { return s.records }

// All ranges over the records in order, as often as wanted, also several times
// at once from one goroutine or from several; each range that is under way
// holds read buffers of up to half of Config.Memory if there was a spill. Key
// and value are valid until the next step and must not be changed. When the
// records cannot be read the sequence ends and *err is set; otherwise *err
// stays as it is. err must not be nil.
func (s *Sorted) All(err *error) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		if s.store == nil {
			*err = ErrClosed
			return
		}
		if e := s.store.each(yield); e != nil {
			*err = e
		}
	}
}

// Close frees the memory and removes the temporary file. No range may be under way.
func (s *Sorted) Close() error {
	if s.store != nil {
		s.store.close()
		s.store = nil
	}
	return nil
}
