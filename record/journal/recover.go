package journal

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"holdfast/record/seq"
)

// recover reads the journal and makes it ready to be written. The order is what
// lets it be killed anywhere: the names that are read are durable BEFORE they
// are relied upon, bytes are saved BEFORE the segment that replaces them, that
// one is durable BEFORE the old one is cut.
func (j *Journal) recover() (rec Recovery, err error) {
	if err := j.fs.SyncDir(j.dir); err != nil {
		return rec, err
	}
	r, err := newReader(j.fs, j.dir, j.c.Session)
	if err != nil {
		return rec, err
	}
	defer r.Close()
	if len(r.left.frames) > 0 {
		if err := r.left.finish(j.fs, r.files[len(r.files)-1]); err != nil {
			return rec, err
		}
	}
	var last lastSegment
	r.damaged = func(d *Damage) error { return j.keep(r, d) }
	r.visited = func(f segmentFile, end, mark int64) error {
		if r.limit == 0 {
			last = lastSegment{f, end, mark}
			return nil
		}
		return j.settle(f, end, mark, r.next >= r.limit)
	}
	if err := j.replay(r); err != nil {
		return rec, err
	}
	rec.Report = r.Report()
	j.next = r.next
	j.witness = openWitness(j.fs, j.dir)
	if err := j.succeed(last, r.newID(), &rec); err != nil {
		return rec, err
	}
	j.removeUnborn(r.unborn)
	j.tail = openTail(j.fs, j.dir, j.c)
	j.empty(nil)
	return rec, nil
}

// lastSegment is the one that a crash may have torn.
type lastSegment struct {
	segmentFile
	end, mark int64
}

// newID is a number that no segment ever had, also none that never got its
// name: bytes of it that were not synced could come back after a power cut, and
// would be valid in another segment of that number.
func (r *Reader) newID() uint64 {
	id := uint64(0)
	if n := len(r.files); n > 0 {
		id = r.files[n-1].id
	}
	if n := len(r.unborn); n > 0 {
		id = max(id, r.unborn[n-1])
	}
	return id + 1
}

// removeUnborn gives back the space of segments that never began. What cannot
// be removed does no harm.
func (j *Journal) removeUnborn(ids []uint64) {
	for _, id := range ids {
		j.fs.Remove(filepath.Join(j.dir, segmentName(id)+tempSuffix))
	}
}

func (j *Journal) replay(r *Reader) error {
	for {
		e, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case j.c.Replay == nil:
		default:
			if err := j.c.Replay(e); err != nil {
				return err
			}
		}
	}
}

// keep saves damaged bytes beside their segment, once (D8), or notes what is
// missing.
func (j *Journal) keep(r *Reader, d *Damage) error {
	if d.Known || r.report.Damaged >= maxDamages {
		return nil
	}
	var bytes io.ReaderAt = strings.NewReader("")
	length := int64(0) // nothing to save, or it stays where it is
	if d.saved() {
		bytes, length = r.file, d.Length
	}
	return save(j.fs, bytes, d.Offset, length, filepath.Join(j.dir, d.note()))
}

// settle ends what a crash has left undone in a segment that is followed by
// another: space that was taken, frames that a level below syncs has left to
// the system.
func (j *Journal) settle(f segmentFile, end, mark int64, complete bool) error {
	cut := complete && f.size > end
	unsynced := j.c.Level != None && mark == headerSize && end > headerSize
	if !cut && !unsynced {
		return nil
	}
	file, err := j.fs.OpenData(f.path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	if cut {
		if err := file.Truncate(end); err != nil {
			return err
		}
	}
	return file.Sync()
}

// succeed begins the segment after the last one.
func (j *Journal) succeed(last lastSegment, id uint64, rec *Recovery) error {
	h := header{id: id, first: j.next, created: j.c.Now(), session: sessionID(j.c.Session)}
	if !last.live() {
		return j.begin(h, 0, func() error { return nil })
	}
	old, err := j.fs.OpenData(last.path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer old.Close()
	need := max(last.end-last.mark, 0)
	if t := rec.Torn; t != nil {
		need += t.Length
		if err := save(j.fs, old, t.Offset, t.Length, last.path+".torn"); err != nil {
			return err
		}
	}
	m := mover{j: j, last: last, rec: rec}
	m.scan.reset(old, last.segmentFile)
	if h.first, err = m.first(); err != nil {
		return err
	}
	if err := j.begin(h, need, m.move); err != nil || last.size == last.end {
		return err
	}
	if err := old.Truncate(last.end); err != nil {
		return err
	}
	return old.Sync()
}

// begin makes a segment with what fill appends to it, durable at once at every
// level, and goes on there.
func (j *Journal) begin(h header, need int64, fill func() error) error {
	seg, err := j.create(h, need)
	if err != nil {
		return err
	}
	j.write(seg)
	err = fill()
	if err == nil {
		err = j.flush()
	}
	if err == nil {
		err = j.seg.file.Sync()
	}
	if err == nil {
		err = j.publish(&j.seg, true)
	}
	if err != nil {
		j.seg.file.Close()
		return err
	}
	j.synced, j.zeroed = j.seg.end, j.seg.end
	if j.c.Level != None {
		j.durable = j.next - 1
		j.testify()
	}
	return nil
}

// A mover writes again what must not stay in the last segment: frames that its
// last watermark does not cover, for the page cache may show what the disk does
// not have (D3), and packets behind a torn place (D8).
type mover struct {
	j    *Journal
	last lastSegment
	rec  *Recovery
	scan scanner

	decode decoder
	err    error
}

// from is where the moving begins, and the lowest LSN there.
func (m *mover) from() (int64, LSN) {
	if m.j.c.Level == None {
		return m.last.end, m.j.next
	}
	return m.last.mark, 1
}

// first is the first LSN of the next segment: that of the first copy, if any.
func (m *mover) first() (LSN, error) {
	first := m.j.next
	offset, least := m.from()
	if m.nothingAt(offset) {
		return first, nil
	}
	err := m.scan.walk(offset, least, func(f rawFrame) bool {
		if f.offset < m.last.end {
			first = f.lsn
		}
		return false
	})
	return first, err
}

// nothingAt spares the search through the zeros of space that was taken.
func (m *mover) nothingAt(offset int64) bool { return offset >= m.last.end && m.rec.Torn == nil }

func (m *mover) move() error {
	offset, least := m.from()
	if m.nothingAt(offset) {
		return nil
	}
	err := m.scan.walk(offset, least, func(f rawFrame) bool {
		switch {
		case f.offset < m.last.end:
			m.rec.Copied++
			p := m.j.place()
			p.lsn, p.flags = f.lsn, flagCopy
			m.err = m.put(f, p)
		case m.rec.Torn != nil && f.typ == seq.FramePacket:
			m.err = m.salvage(f)
		}
		return m.err == nil && !m.nothingAt(f.end())
	})
	if err != nil {
		return err
	}
	return m.err
}

// salvage gives a packet a new number: with its own there would be a hole
// before it for ever.
func (m *mover) salvage(f rawFrame) error {
	frame, ok := m.decode.decode(f.typ, f.body)
	if !ok {
		return nil
	}
	p := m.j.place()
	if m.j.c.Replay != nil {
		e := Entry{LSN: p.lsn, Frame: frame, Segment: p.segment, Offset: p.offset, Size: f.size, Watermark: p.watermark}
		if err := m.j.c.Replay(e); err != nil {
			return err
		}
	}
	m.rec.Salvaged++
	m.j.pending++
	return m.put(f, p)
}

func (m *mover) put(f rawFrame, p place) error {
	j := m.j
	j.enc.raw(&p, f.typ, f.body)
	if j.end() < j.pieceEnd {
		return nil
	}
	return j.flush()
}
