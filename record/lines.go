package record

import (
	"hash/crc32"
	"os"
	"slices"
	"sync"

	"holdfast/internal/vfs"
	"holdfast/record/journal"
	"holdfast/record/seq"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A committer makes a frame durable at its level.
type committer interface {
	Commit(journal.LSN) error
}

// maxPending bounds the lines that wait for a sync: more than that, and the
// source waits too (D5).
const maxPending = 16 << 20

// A lineWriter appends lines to the log, each once its packet is durable. What
// it has written it tells to the journal's next append.
type lineWriter struct {
	file vfs.DataFile
	j    committer
	live bool // a goroutine writes; else flush does

	mu        sync.Mutex // guards all below, but not during sync and write
	changed   *sync.Cond
	pending   batch
	wrote     []seq.Line // in the log, and not known to be told
	marks     []mark     // of wrote, one a batch
	toldLines int        // of wrote, told gave the frames
	toldMarks int
	end       uint64
	crc       uint32
	spare     batch
	busy      bool // a batch is being written
	closed    bool
	err       error // the first failure, for ever
	publisher Publisher
	count     uint64 // lines of the log, if there is a publisher
}

// A batch is lines and their text.
type batch struct {
	text  []byte
	lines []seq.Line
	after journal.LSN // their packets are durable when it is
}

func (b *batch) reset() { b.text, b.lines, b.after = b.text[:0], b.lines[:0], 0 }

func (b *batch) add(l seq.Line, p seq.Packet) {
	b.text = AppendLine(b.text, p, l.Status)
	b.lines = append(b.lines, l)
}

// full reports whether b had better be written before it grows.
func (b *batch) full() bool { return len(b.text) >= batchText || len(b.lines) == maxRuns }

// fits reports whether b can take more lines.
func (b *batch) fits(more *batch) bool {
	return len(b.text) <= maxPending && len(b.lines)+len(more.lines) <= maxRuns
}

// batchText is the text of a batch that is worth a write.
const batchText = 512 << 10

// maxRuns is how many runs fit a WROTE frame, and so how many lines a batch.
const maxRuns = 1<<16 - 1

// A mark is where the log stood after so many more lines.
type mark struct {
	lines int
	end   uint64
	crc   uint32
}

func newLineWriter(file vfs.DataFile, j committer, end uint64, crc uint32, live bool) *lineWriter {
	w := &lineWriter{file: file, j: j, live: live, end: end, crc: crc}
	w.changed = sync.NewCond(&w.mu)
	if live {
		go w.run()
	}
	return w
}

// add takes lines that may be written once the frame b.after is durable, and
// leaves b empty.
func (w *lineWriter) add(b *batch) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.err == nil && !w.pending.fits(b) {
		w.wait()
	}
	if len(w.pending.lines) == 0 {
		w.pending, *b = *b, w.pending
	} else {
		w.pending.text = append(w.pending.text, b.text...)
		w.pending.lines = append(w.pending.lines, b.lines...)
		w.pending.after = max(w.pending.after, b.after)
	}
	b.reset()
	if w.live {
		w.changed.Broadcast()
	}
	return w.err
}

// waiting counts the lines that are not in the log yet.
func (w *lineWriter) waiting() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.pending.lines)
}

// flush returns when all that was added is in the log.
func (w *lineWriter) flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.err == nil && (w.busy || len(w.pending.lines) > 0) {
		w.wait()
	}
	return w.err
}

// wait lets a batch be written.
func (w *lineWriter) wait() {
	if w.live {
		w.changed.Wait()
		return
	}
	w.write(&w.spare)
}

func (w *lineWriter) run() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.err == nil && !(w.closed && len(w.pending.lines) == 0) {
		if len(w.pending.lines) == 0 {
			w.changed.Wait()
			continue
		}
		w.write(&w.spare)
	}
}

// write brings what is pending to the log. It gives up the lock meanwhile, and
// leaves the batch's memory in spare for the next.
func (w *lineWriter) write(spare *batch) {
	b := w.pending
	spare.reset()
	w.pending, *spare, w.busy = *spare, batch{}, true
	w.mu.Unlock()
	err := w.j.Commit(b.after)
	if err == nil {
		_, err = w.file.Write(b.text)
	}
	w.mu.Lock()
	w.busy = false
	if err != nil {
		if w.err == nil {
			w.err = err
		}
	} else {
		w.end += uint64(len(b.text))
		w.crc = crc32.Update(w.crc, castagnoli, b.text)
		w.wrote = append(w.wrote, b.lines...)
		w.marks = append(w.marks, mark{len(b.lines), w.end, w.crc})
		w.grown(len(b.lines))
	}
	*spare = b
	w.changed.Broadcast()
}

// told appends to dst the frames of what was written and not [lineWriter.believed].
// The runs are kept in runs. A frame of no runs says that the log was synced.
func (w *lineWriter) told(dst []seq.Frame, runs []seq.LineRun, synced bool) ([]seq.Frame, []seq.LineRun) {
	w.mu.Lock()
	defer w.mu.Unlock()
	runs = slices.Grow(runs[:0], len(w.wrote)) // so that no frame's runs move
	lines, from := w.wrote, 0
	for i, m := range w.marks {
		runs = seq.AppendRuns(runs, lines[:m.lines])
		lines = lines[m.lines:]
		last := i == len(w.marks)-1
		if last || len(runs)-from+w.marks[i+1].lines > maxRuns {
			dst = append(dst, wroteFrame(m, runs[from:], synced && last))
			from = len(runs)
		}
	}
	if synced && len(w.marks) == 0 {
		dst = append(dst, wroteFrame(mark{0, w.end, w.crc}, nil, true))
	}
	w.toldLines, w.toldMarks = len(w.wrote), len(w.marks)
	return dst, runs
}

// believed says that the frames that told gave last are in the journal. Until
// then they are given again: a disk may have been full.
func (w *lineWriter) believed() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrote, w.marks = slices.Delete(w.wrote, 0, w.toldLines), slices.Delete(w.marks, 0, w.toldMarks)
	w.toldLines, w.toldMarks = 0, 0
}

func wroteFrame(m mark, runs []seq.LineRun, synced bool) seq.Frame {
	return seq.Frame{Type: seq.FrameWrote, Wrote: seq.WroteFrame{End: m.end, CRC: m.crc, Synced: synced, Runs: runs}}
}

// sync makes the log durable.
func (w *lineWriter) sync() error {
	if err := w.flush(); err != nil {
		return err
	}
	return w.file.Sync()
}

// close stops the goroutine and closes the log.
func (w *lineWriter) close() error {
	w.mu.Lock()
	w.closed = true
	w.changed.Broadcast()
	for w.busy {
		w.changed.Wait()
	}
	w.mu.Unlock()
	return w.file.Close()
}

// openLog opens the log for reading and appending.
func openLog(disk vfs.Disk, path string) (vfs.DataFile, error) {
	return disk.OpenData(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o666)
}
