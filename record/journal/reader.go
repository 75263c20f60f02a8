package journal

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"holdfast/internal/vfs"
	"holdfast/record/seq"
)

// An Entry is one frame and where it is. Frame and what it points to is valid
// until the next one is read.
type Entry struct {
	LSN       LSN
	Frame     *seq.Frame
	Segment   uint64
	Offset    int64 // in the segment
	Size      int64 // with header, checksum and padding
	Watermark int64 // bytes of the segment that were synced when it was built
	Copy      bool  // recovery has written it again, here
}

// A Reader gives the frames of a journal by ascending LSN, each once, and
// passes over what is damaged. It changes nothing and needs no lock; beside a
// writer it sees the journal of a moment ago, whose end may look torn.
type Reader struct {
	fs     vfs.Disk
	dir    string
	files  []segmentFile // by number
	unborn []uint64      // numbers of segments that never got their name, ascending
	at     int           // files[at] is read next, or now if file is not nil
	report Report
	next   LSN // expected
	proof  witness
	left   left            // belongs at the end of the last file
	noted  map[string]bool // files that tell of damages found before

	file   vfs.DataFile
	scan   scanner
	decode decoder
	offset int64
	least  LSN   // expected in this segment
	limit  LSN   // first LSN of the following segment: this one is dead from there on; 0: none follows
	mark   int64 // highest watermark read in this segment
	judged bool  // mark also covers what is behind the first damage

	// visited is called when a segment was read, up to the end of its last frame
	// that is not dead; damaged before a damage is reported. Open sets them to
	// repair.
	visited func(f segmentFile, end, mark int64) error
	damaged func(d *Damage) error
}

// A segmentFile is a file with the name of a segment.
type segmentFile struct {
	id    uint64
	path  string
	size  int64
	first LSN  // by its header, or of its first frame if that is damaged; 0: it holds no frame and no header
	whole bool // the header is good
	alias bool // the header is that of another number
}

// NewReader opens the journal in dir, of the session, or of any if session is
// empty. Errors are [ErrForeign], [ErrVersion] and those of the disk.
func NewReader(fsys vfs.Disk, dir, session string) (*Reader, error) {
	r, err := newReader(fsys, dir, session)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	return r, nil
}

func newReader(fsys vfs.Disk, dir, session string) (*Reader, error) {
	proof := readWitness(fsys, dir, session) // BEFORE what it speaks of: a writer may go on
	tail, err := readTail(fsys, dir, session)
	if err != nil {
		return nil, err
	}
	names, err := fsys.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	r := &Reader{fs: fsys, dir: dir, next: 1, proof: proof, noted: map[string]bool{}}
	for _, name := range names { // ascending names are ascending numbers
		if id, ok := parseName(strings.TrimSuffix(name, tempSuffix)); ok && strings.HasSuffix(name, tempSuffix) {
			r.unborn = append(r.unborn, id)
		}
		id, ok := parseName(name)
		if !ok {
			r.noted[name] = !strings.HasSuffix(name, tempSuffix)
			continue
		}
		f := segmentFile{id: id, path: filepath.Join(dir, name)}
		if err := f.look(fsys, session); err != nil {
			return nil, err
		}
		r.files = append(r.files, f)
	}
	r.report.Segments = len(r.files)
	if n := len(r.files); n > 0 && tail.belongs(r.files[n-1]) {
		r.left = tail
		r.files[n-1].size = max(r.files[n-1].size, tail.end())
	}
	return r, nil
}

// live says whether the file takes part in the journal.
func (f segmentFile) live() bool { return f.first > 0 && !f.alias }

// look reads the header.
func (f *segmentFile) look(fsys vfs.Disk, session string) error {
	file, err := fsys.OpenData(f.path, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	if f.size, err = file.Size(); err != nil {
		return err
	}
	b := make([]byte, min(f.size, maxHeader))
	if _, err := file.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	h, err := parseHeader(b)
	switch {
	case err == errDamaged:
		return f.lookForFrame(file)
	case err != nil:
		return fmt.Errorf("%s: %w", f.path, err)
	case session != "" && h.session != sessionID(session):
		return fmt.Errorf("%s: %w", f.path, ErrForeign)
	}
	f.first, f.whole, f.alias = h.first, true, h.id != f.id
	return nil
}

// lookForFrame finds out whether anything is left of a segment without header.
func (f *segmentFile) lookForFrame(file io.ReaderAt) error {
	var s scanner
	s.reset(file, *f)
	return s.walk(headerSize, 1, func(found rawFrame) bool {
		f.first = found.lsn
		return false
	})
}

// Next gives the next frame, or io.EOF behind the last.
func (r *Reader) Next() (Entry, error) {
	for {
		if r.file == nil {
			err := r.open()
			if err == io.EOF {
				err = cmp.Or(r.vanished(), io.EOF)
			}
			if err != nil {
				return Entry{}, err
			}
		}
		f, ok, err := r.step()
		if err != nil {
			return Entry{}, err
		}
		if ok {
			return r.entry(f)
		}
		if err := r.end(); err != nil {
			return Entry{}, err
		}
	}
}

// Report is what was found so far.
func (r *Reader) Report() Report { return r.report }

// Close ends the reading before its end; after io.EOF it does nothing.
func (r *Reader) Close() error {
	r.at = len(r.files)
	if r.file == nil {
		return nil
	}
	err := r.file.Close()
	r.file = nil
	return err
}

// open begins the next segment of which anything is left.
func (r *Reader) open() error {
	for ; r.at < len(r.files); r.at++ {
		f := r.files[r.at]
		if f.live() {
			return r.begin(f)
		}
		if err := r.pass(f); err != nil {
			return err
		}
	}
	return io.EOF
}

// pass reports a file that is not read. One of zeros is a segment that never
// began.
func (r *Reader) pass(f segmentFile) error {
	if f.alias {
		return r.damage(f, Damage{Kind: Misnamed, Length: f.size})
	}
	file, err := r.fs.OpenData(f.path, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	r.file = file
	defer func() { r.file = nil }()
	r.scan.reset(file, f)
	end, err := r.scan.lastByte(0)
	if err != nil || end == 0 {
		return err
	}
	return r.damage(f, Damage{Kind: DamagedHeader, Length: end})
}

// vanished reports frames that were synced behind the last one that is left.
func (r *Reader) vanished() error {
	if r.next > r.proof.lsn {
		return nil
	}
	d := Damage{Kind: MissingFrames, Offset: r.offset, First: r.next, Last: r.proof.lsn}
	r.next = r.proof.lsn + 1
	f := segmentFile{id: r.proof.segment}
	if n := len(r.files); n > 0 {
		f = r.files[n-1]
	}
	return r.damage(f, d)
}

// proven is up to where a segment was synced, by the file SYNCED.
func (r *Reader) proven(f segmentFile) int64 {
	if r.proof.segment != f.id {
		return 0
	}
	return r.proof.end
}

func (r *Reader) begin(f segmentFile) (err error) {
	if r.file, err = r.fs.OpenData(f.path, os.O_RDONLY, 0); err != nil {
		return err
	}
	r.scan.reset(r.file, f)
	if r.left.segment == f.id {
		r.scan.r = over{r.file, r.left}
	}
	r.offset, r.least, r.mark, r.judged, r.limit = headerSize, 1, headerSize, false, r.following()
	if !f.whole {
		return r.damage(f, Damage{Kind: DamagedHeader, Length: min(f.size, headerSize)})
	}
	r.least = f.first
	if f.first > r.next {
		err = r.damage(f, Damage{Kind: MissingFrames, First: r.next, Last: f.first - 1})
		r.next = f.first
	}
	return err
}

// following is the first LSN of the next segment that has one.
func (r *Reader) following() LSN {
	for _, f := range r.files[r.at+1:] {
		if f.live() {
			return f.first
		}
	}
	return 0
}

// step gives the next frame of the segment that was not given before; false at
// the end of its frames.
func (r *Reader) step() (rawFrame, bool, error) {
	for r.limit == 0 || r.next < r.limit {
		f, ok, err := r.scan.frame(r.offset, r.least)
		if err == nil && !ok {
			f, ok, err = r.passDamage()
		}
		if err != nil || !ok || r.limit > 0 && f.lsn >= r.limit {
			return f, false, err
		}
		r.offset, r.least, r.mark = f.end(), f.lsn+1, max(r.mark, f.watermark)
		if f.lsn < r.next {
			continue // the copy of a frame that was read where it was first
		}
		if err := r.check(f); err != nil {
			return f, false, err
		}
		r.next = f.lsn + 1
		return f, true, nil
	}
	return rawFrame{}, false, nil
}

// check reports what is wrong around a good frame.
func (r *Reader) check(f rawFrame) error {
	if !f.padded {
		if err := r.damageHere(Damage{Kind: DamagedPadding, Offset: f.offset, Length: f.size}); err != nil {
			return err
		}
	}
	if f.lsn == r.next {
		return nil
	}
	return r.damageHere(Damage{Kind: MissingFrames, Offset: f.offset, First: r.next, Last: f.lsn - 1})
}

// passDamage decides what the invalid bytes at the offset are (D8), and gives
// the frame with which the reading goes on.
func (r *Reader) passDamage() (f rawFrame, ok bool, err error) {
	if r.limit == 0 {
		if torn, err := r.torn(); torn || err != nil {
			return f, false, err
		}
	}
	f, ok, err = r.scan.resume(r.offset, r.least)
	if err != nil {
		return f, false, err
	}
	d := Damage{Kind: DamagedFrames, Offset: r.offset, First: r.next}
	if ok {
		d.Length, d.Last = f.offset-r.offset, max(f.lsn, r.next)-1
	} else {
		end, err := r.scan.lastByte(r.offset)
		if err != nil || end == r.offset {
			return f, false, err // all zeros: what is missing shows at the next segment, or by what SYNCED says
		}
		d.Length, d.Last = end-r.offset, r.limit-1
		if r.limit == 0 {
			d.Last = max(r.proof.lsn, r.next-1)
		}
	}
	if r.limit > 0 {
		d.Last = min(d.Last, r.limit-1)
	}
	if err := r.damageHere(d); err != nil {
		return f, false, err
	}
	r.next = d.Last + 1
	r.offset += d.Length
	return f, ok, nil
}

// torn says whether the segment, the last one, ends at the offset: neither a
// valid frame behind it nor SYNCED proves that what lies here was ever synced.
func (r *Reader) torn() (bool, error) {
	if r.proven(r.files[r.at]) > r.offset {
		return false, nil
	}
	end := r.offset
	if !r.judged || r.mark <= r.offset {
		var err error
		if end, err = r.scan.lastByte(r.offset); err != nil || end == r.offset {
			return true, err // only space that was taken
		}
	}
	if err := r.judge(); err != nil || r.mark > r.offset {
		return false, err
	}
	r.report.Torn = &Tail{Segment: r.files[r.at].id, Offset: r.offset, Length: end - r.offset}
	return true, nil
}

// judge finds the highest watermark behind the first damage, once: the damages
// of a segment may be many.
func (r *Reader) judge() error {
	if r.judged {
		return nil
	}
	r.judged = true
	return r.scan.walk(r.offset, r.least, func(f rawFrame) bool {
		r.mark = max(r.mark, f.watermark)
		return true
	})
}

func (r *Reader) entry(f rawFrame) (Entry, error) {
	file := r.files[r.at]
	frame, ok := r.decode.decode(f.typ, f.body)
	if !ok {
		return Entry{}, fmt.Errorf("journal: %s at byte %d: frame type %d: %w", file.path, f.offset, f.typ, ErrVersion)
	}
	r.report.Frames++
	r.report.Bytes += f.size
	r.report.Last = f.lsn
	r.report.Clean = f.typ == seq.FrameStop
	return Entry{LSN: f.lsn, Frame: frame, Segment: file.id, Offset: f.offset, Size: f.size, Watermark: f.watermark, Copy: f.copied}, nil
}

// end leaves the segment.
func (r *Reader) end() error {
	f := r.files[r.at]
	r.at++
	err := r.file.Close()
	r.file = nil
	if err == nil && r.visited != nil {
		err = r.visited(f, r.offset, max(r.mark, min(r.proven(f), r.offset)))
	}
	return err
}

func (r *Reader) damageHere(d Damage) error { return r.damage(r.files[r.at], d) }

func (r *Reader) damage(f segmentFile, d Damage) error {
	d.Segment = f.id
	if d.First == 0 {
		d.First, d.Last = r.next, r.next-1
	}
	d.Known = r.noted[d.note()]
	if r.damaged != nil {
		if err := r.damaged(&d); err != nil {
			return err
		}
	}
	r.report.add(d)
	return nil
}
