package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast/internal/vfs"
	"holdfast/record/seq"
)

const seg1 = dir + "/0000000000000001.seg"

// threeFrames is the first segment of a journal with three frames, each synced
// before the next. The offsets are those of the frames and of the end.
func threeFrames(t *testing.T) (segment []byte, offsets []int) {
	t.Helper()
	disk := vfs.NewCrash(1, 0)
	j, _ := open(t, disk, Config{Level: Always})
	for n := range uint64(3) {
		offsets = append(offsets, int(j.end()))
		if err := j.Commit(mustAppend(t, j, packet(n+1))); err != nil {
			t.Fatal(err)
		}
	}
	mustClose(t, j)
	segment = contents(t, disk, seg1)
	return segment, append(offsets, len(segment))
}

// journalOf is a disk with a journal of one segment.
func journalOf(t *testing.T, segment []byte) *vfs.Crash {
	t.Helper()
	disk := vfs.NewCrash(1, 0)
	if err := disk.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	put(t, disk, seg1, segment)
	return disk
}

// reopened is what two openings of a damaged journal give: the sequences, and
// what the first and the second have found. What is read is checked.
func reopened(t *testing.T, disk *vfs.Crash) (got []uint64, first, second Recovery) {
	t.Helper()
	read := func() (got []uint64, rec Recovery) {
		j, rec := open(t, disk, Config{Level: Always, SegmentBytes: 16 << 10, Replay: func(e Entry) error {
			n := e.Frame.Packet.Sequence
			got = append(got, n)
			return same(only(*e.Frame), packet(n))
		}})
		mustClose(t, j)
		return got, rec
	}
	got, first = read()
	again, second := read()
	if diff := cmp.Diff(got, again); diff != "" {
		t.Fatalf("the second opening differs:\n%s", diff)
	}
	if second.Torn != nil {
		t.Fatalf("torn after recovery: %+v", second)
	}
	return got, first, second
}

// Section 8: every bit of a three-frame journal flipped: never a wrong record.
// A flip in what is proven to be synced is reported, all behind it is kept and
// the bytes are saved; in the last frame nothing proves it, and it is torn.
func TestEveryBit(t *testing.T) {
	t.Parallel()
	segment, at := threeFrames(t)
	step := 1
	if testing.Short() {
		step = 13
	}
	for bit := 0; bit < len(segment)*8; bit += step {
		offset := bit / 8
		b := slices.Clone(segment)
		b[offset] ^= 1 << (bit % 8)
		disk := journalOf(t, b)
		got, first, second := reopened(t, disk)

		frame := slices.IndexFunc(at, func(end int) bool { return offset < end }) // 0: the header
		want, torn, kind := []uint64{1, 2, 3}, false, DamagedFrames
		switch {
		case frame == 0:
			kind = DamagedHeader
		case padding(segment, at[frame-1], offset):
			kind = DamagedPadding
		case frame == 3:
			want, torn, kind = []uint64{1, 2}, true, 0
		default:
			want = slices.Delete(want, frame-1, frame)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("bit %d:\n%s", bit, diff)
		}
		if torn != (first.Torn != nil) {
			t.Fatalf("bit %d: %+v", bit, first)
		}
		if torn {
			if saved := contents(t, disk, seg1+".torn"); !bytes.Equal(saved, bytes.TrimRight(b[at[2]:], "\x00")) {
				t.Fatalf("bit %d: saved %x", bit, saved)
			}
			if now := contents(t, disk, seg1); !bytes.HasPrefix(b[:at[2]], now) {
				t.Fatalf("bit %d: cut to %d bytes", bit, len(now))
			}
			continue
		}
		if first.Damaged != 1 || first.Damages[0].Kind != kind || first.Damages[0].Known {
			t.Fatalf("bit %d: %v", bit, first)
		}
		if rewritten := frame == 3; rewritten && second.Damaged != 0 || !rewritten && (second.Damaged != 1 || !second.Damages[0].Known) {
			t.Fatalf("bit %d: %v, %v", bit, first, second)
		}
		d := first.Damages[0]
		if kind == DamagedFrames && (d.Lost() != 1 || d.First != LSN(frame)) {
			t.Fatalf("bit %d: %+v", bit, d)
		}
		if saved := contents(t, disk, fmt.Sprintf("%s.corrupt-%d", seg1, d.Offset)); !bytes.Equal(saved, b[d.Offset:d.Offset+d.Length]) {
			t.Fatalf("bit %d: saved %x", bit, saved)
		}
		if now := contents(t, disk, seg1); !bytes.HasPrefix(now, b[:at[2]]) {
			t.Fatalf("bit %d: the segment was changed", bit)
		}
	}
}

// padding says whether the offset lies behind the checksum of the frame.
func padding(segment []byte, frame, offset int) bool {
	n := int(binary.LittleEndian.Uint32(segment[frame:]))
	return offset >= frame+frameHeader+n+frameTrailer
}

// The same flip with no later watermark: torn; the packets behind it are saved.
func TestFlipWithoutWatermark(t *testing.T) {
	t.Parallel()
	disk := vfs.NewCrash(1, 0)
	j, _ := open(t, disk, Config{Level: Always})
	mustAppend(t, j, packet(1), packet(2), seq.Frame{Type: seq.FrameStop}, packet(3))
	mustClose(t, j)
	segment := contents(t, disk, seg1)
	segment[headerSize+frameHeader] ^= 1
	got, first, second := reopened(t, journalOf(t, segment))
	if diff := cmp.Diff([]uint64{2, 3}, got); diff != "" {
		t.Error(diff)
	}
	if first.Torn == nil || first.Damaged != 0 || first.Salvaged != 2 || second.Damaged != 0 {
		t.Errorf("%+v\n%+v", first, second)
	}
}

// The watermark itself: without it, what was synced and then damaged cannot be
// told from a torn end.
func TestWatermarkDecides(t *testing.T) {
	t.Parallel()
	segment, at := threeFrames(t)
	blind := slices.Clone(segment[:headerSize])
	e := encoder{}
	for i := range 3 { // the same frames, as if nothing had been synced before them
		b := segment[at[i]:]
		n := binary.LittleEndian.Uint32(b)
		e.raw(&place{segment: 1, offset: int64(at[i]), lsn: LSN(i + 1), watermark: headerSize}, seq.FrameType(b[4]), b[frameHeader:frameHeader+n])
	}
	blind = append(blind, e.buf...)
	for name, c := range map[string]struct {
		segment []byte
		damaged int
		torn    bool
		want    []uint64
	}{
		"with it":               {segment, 1, false, []uint64{1, 3}},
		"without it":            {blind, 0, true, []uint64{1, 3}}, // the last is salvaged, but nobody is told of the hole
		"undamaged, without it": {blind, 0, false, []uint64{1, 2, 3}},
	} {
		b := slices.Clone(c.segment)
		if c.damaged > 0 || c.torn {
			b[at[1]+frameHeader] ^= 1
		}
		got, first, _ := reopened(t, journalOf(t, b))
		if diff := cmp.Diff(c.want, got); diff != "" || first.Damaged != c.damaged || (first.Torn != nil) != c.torn {
			t.Errorf("%s: %+v\n%s", name, first, diff)
		}
	}
}

// The header of a new segment is torn: what was in the ones before stays, the
// bytes are saved, and the journal goes on.
func TestTornHeaderOfNewSegment(t *testing.T) {
	t.Parallel()
	disk, n := manySegments(t)
	last := segmentPath(6)
	whole := contents(t, disk, last)
	step := 1
	if testing.Short() {
		step = 7
	}
	for _, zeros := range []bool{false, true} {
		for cut := 0; cut <= headerSize; cut += step {
			disk, _ := manySegments(t)
			b := slices.Clone(whole[:cut])
			if zeros { // the space was taken
				b = append(b, make([]byte, 4096-cut)...)
			}
			put(t, disk, last, b)
			if err := disk.Remove(synced); err != nil { // its word is another test's
				t.Fatal(err)
			}
			got, first, second := reopened(t, disk)
			want := uint64(n) - 1 // the frame that began the segment
			if len(got) != int(want) || got[want-1] != want || first.Torn != nil || second.Damaged != first.Damaged {
				t.Fatalf("cut at %d, zeros %t: %d of %d frames, %+v, %+v", cut, zeros, len(got), want, first, second)
			}
			if damaged := cut > 0 && cut < headerSize; damaged != (first.Damaged == 1) || damaged && first.Damages[0].Kind != DamagedHeader {
				t.Fatalf("cut at %d, zeros %t: %+v", cut, zeros, first)
			}
		}
	}
}

// A recovery that ended between the new segment and the cut of the old one: what
// the old one holds from there on is dead, whatever it looks like.
func TestDeadEnd(t *testing.T) {
	t.Parallel()
	disk := vfs.NewCrash(1, 0)
	j, _ := open(t, disk, Config{Level: Always})
	for n := range uint64(2) {
		if err := j.Commit(mustAppend(t, j, packet(n+1))); err != nil {
			t.Fatal(err)
		}
	}
	mustAppend(t, j, packet(3))
	torn := j.end()
	mustAppend(t, j, packet(4), packet(5))
	mustClose(t, j)
	segment := contents(t, disk, seg1)
	segment[torn+frameHeader] ^= 1
	disk = journalOf(t, append(segment, make([]byte, 100)...))

	killed := vfs.NewFaulty(disk, func(o vfs.Op) error {
		if o.Call == "truncate" {
			return vfs.ErrKilled
		}
		return nil
	})
	if _, _, err := Open(killed, dir, Config{Session: "s", Level: Always}); !errors.Is(err, vfs.ErrKilled) {
		t.Fatal(err)
	}
	disk.Kill()
	if now := contents(t, disk, seg1); len(now) != len(segment)+100 {
		t.Fatalf("cut to %d bytes", len(now))
	}
	got, first, _ := reopened(t, disk)
	if diff := cmp.Diff([]uint64{1, 2, 3, 5}, got); diff != "" || first.Damaged > 0 || first.Torn != nil || first.Last != 4 {
		t.Errorf("%+v\n%s", first, diff)
	}
	if now := contents(t, disk, seg1); len(now) > int(torn) {
		t.Errorf("the dead end was not cut: %d bytes", len(now))
	}
}

// Cut at every byte of the last three frames, and the space behind it taken or
// not.
func TestCutAtEveryByte(t *testing.T) {
	t.Parallel()
	segment, at := threeFrames(t)
	step := 1
	if testing.Short() {
		step = 11
	}
	for n := 0; n <= len(segment); n += step {
		for _, space := range []int{0, 40, 4096} {
			b := append(slices.Clone(segment[:n]), make([]byte, space)...)
			got, first, second := reopened(t, journalOf(t, b))
			var want []uint64
			for i, end := range at[1:] {
				if n >= end || n >= at[i] && bytes.HasPrefix(b, segment[:end]) { // only zeros were cut
					want = append(want, uint64(i+1))
				}
			}
			if n < headerSize && !bytes.HasPrefix(b, segment[:headerSize]) {
				want = nil
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("cut at %d, then %d zeros:\n%s\n%+v", n, space, diff, first)
			}
			if first.Damaged > 0 && n >= headerSize || second.Damaged != first.Damaged {
				t.Fatalf("cut at %d, then %d zeros: %+v", n, space, first)
			}
		}
	}
}

// The last bytes zeroed: the frames before them stay.
func TestZeroedEnd(t *testing.T) {
	t.Parallel()
	disk := vfs.NewCrash(1, 0)
	j, _ := open(t, disk, Config{Level: Always})
	var ends []int64
	for n := range uint64(200) {
		if err := j.Commit(mustAppend(t, j, packet(n+1))); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, j.end())
	}
	mustClose(t, j)
	segment := contents(t, disk, seg1)
	for _, n := range []int{1, 40, 511, 512, 4096} {
		got, first, second := reopened(t, journalOf(t, zeroed(segment, n)))
		var want []uint64
		for i, end := range ends {
			if bytes.HasPrefix(zeroed(segment, n), segment[:end]) {
				want = append(want, uint64(i+1))
			}
		}
		if diff := cmp.Diff(want, got); diff != "" || first.Damaged+second.Damaged > 0 {
			t.Errorf("%d bytes: %v\n%s", n, first, diff)
		}
	}
}

// Old bytes of any kind behind the end.
func TestTails(t *testing.T) {
	t.Parallel()
	segment, at := threeFrames(t)
	rng := rand.New(rand.NewPCG(1, 1))
	garbage := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		return b
	}
	var elsewhere encoder
	f := packet(4)
	n, err := bodySize(&f)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere.frame(&place{segment: 2, offset: int64(len(segment)), lsn: 4, watermark: 64}, &f, n)
	for name, c := range map[string]struct {
		segment []byte
		want    []uint64
		torn    bool
	}{
		"100 B":                  {append(slices.Clone(segment), garbage(100)...), []uint64{1, 2, 3}, true},
		"4 KiB":                  {append(slices.Clone(segment), garbage(4<<10)...), []uint64{1, 2, 3}, true},
		"1 MiB":                  {append(slices.Clone(segment), garbage(1<<20)...), []uint64{1, 2, 3}, true},
		"zeros":                  {append(slices.Clone(segment), make([]byte, 1<<20)...), []uint64{1, 2, 3}, false},
		"its own frames":         {append(slices.Clone(segment), segment[at[0]:]...), []uint64{1, 2, 3}, true},
		"frames of another one":  {append(slices.Clone(segment), elsewhere.buf...), []uint64{1, 2, 3}, true},
		"a whole segment":        {append(slices.Clone(segment), segment...), []uint64{1, 2, 3}, true},
		"garbage, and no header": {garbage(1 << 20), nil, false},
	} {
		got, first, second := reopened(t, journalOf(t, c.segment))
		if diff := cmp.Diff(c.want, got); diff != "" || c.torn != (first.Torn != nil) {
			t.Errorf("%s: %+v\n%s", name, first, diff)
		}
		if first.Salvaged > 0 || second.Damaged != first.Damaged {
			t.Errorf("%s: %+v\n%+v", name, first, second)
		}
	}
}

func zeroed(b []byte, n int) []byte {
	b = slices.Clone(b)
	clear(b[max(0, len(b)-n):])
	return b
}

// D8: the reading goes on only with a higher LSN, and one that the segment can
// hold.
func TestNumbersGrow(t *testing.T) {
	t.Parallel()
	f := packet(1)
	n, err := bodySize(&f)
	if err != nil {
		t.Fatal(err)
	}
	for lsn, want := range map[LSN]bool{6: false, 7: true, 8: true, 9: false} {
		var e encoder
		e.buf = make([]byte, 64+40) // room for one frame before it
		e.frame(&place{segment: 1, offset: 104, lsn: lsn, watermark: 64}, &f, n)
		var s scanner
		s.reset(bytes.NewReader(e.buf), segmentFile{id: 1, size: int64(len(e.buf)), first: 7, whole: true})
		if _, ok, err := s.frame(104, 7); ok != want || err != nil {
			t.Errorf("LSN %d: %v, %v", lsn, ok, err)
		}
	}
}

// Impossible lengths (section 7): no frame, and no memory for them.
func TestImpossibleLengths(t *testing.T) {
	segment, at := threeFrames(t)
	for _, n := range []uint32{0, maxBody, maxBody + 1, 1 << 31, 0xFFFFFFFF} {
		for frame := range 3 {
			b := append(slices.Clone(segment), make([]byte, 64<<10)...)
			binary.LittleEndian.PutUint32(b[at[frame]:], n)
			disk := journalOf(t, b)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			r, err := NewReader(disk, dir, "s")
			if err != nil {
				t.Fatal(err)
			}
			var got []uint64
			for {
				e, err := r.Next()
				if err != nil {
					break
				}
				got = append(got, e.Frame.Packet.Sequence)
			}
			runtime.ReadMemStats(&after)
			if grown := after.TotalAlloc - before.TotalAlloc; grown > 1<<20 {
				t.Errorf("length %d: %d bytes allocated", n, grown)
			}
			want := slices.Delete([]uint64{1, 2, 3}, frame, frame+1)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("length %d of frame %d:\n%s", n, frame+1, diff)
			}
		}
	}
}

// A sender who knows the format cannot have a frame read that he has put into
// a payload, even if that packet's frame is damaged.
func TestFrameInPayload(t *testing.T) {
	t.Parallel()
	forged := packet(9)
	n, err := bodySize(&forged)
	if err != nil {
		t.Fatal(err)
	}
	var e encoder
	inside := int64(headerSize + frameHeader + packetHead)
	e.frame(&place{segment: 1, offset: inside, lsn: 1, watermark: 64}, &forged, n)

	disk := vfs.NewCrash(1, 0)
	j, _ := open(t, disk, Config{Level: Always})
	carrier := packet(1)
	carrier.Packet.Payload = append(e.buf, make([]byte, 100)...)
	for _, f := range []seq.Frame{carrier, packet(2), packet(3)} {
		if err := j.Commit(mustAppend(t, j, f)); err != nil {
			t.Fatal(err)
		}
	}
	mustClose(t, j)
	segment := contents(t, disk, seg1)
	segment[headerSize+frameHeader] ^= 1
	got, first, _ := reopened(t, journalOf(t, segment))
	if diff := cmp.Diff([]uint64{2, 3}, got); diff != "" || first.Damaged != 1 {
		t.Errorf("%+v\n%s", first, diff)
	}
}

// manySegments is a journal of small ones, and how many packets it holds.
func manySegments(t *testing.T) (*vfs.Crash, int) {
	t.Helper()
	disk := vfs.NewCrash(1, 0)
	j, _ := open(t, disk, Config{Level: Always, SegmentBytes: 4096})
	n := 0
	for j.seg.id < 6 {
		n++
		if err := j.Commit(mustAppend(t, j, packet(uint64(n)))); err != nil {
			t.Fatal(err)
		}
	}
	mustClose(t, j)
	return disk, n
}

func segmentPath(id uint64) string { return filepath.Join(dir, segmentName(id)) }

// A damaged, missing, doubled or misnamed segment is a hole that is reported,
// and nothing else is lost.
func TestSegments(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		damage func(t *testing.T, d *vfs.Crash) error
		kinds  []Kind
		holes  int
	}{
		"missing":       {func(_ *testing.T, d *vfs.Crash) error { return d.Remove(segmentPath(3)) }, []Kind{MissingFrames}, 1},
		"first missing": {func(_ *testing.T, d *vfs.Crash) error { return d.Remove(segmentPath(1)) }, []Kind{MissingFrames}, 1},
		"two missing": {func(_ *testing.T, d *vfs.Crash) error {
			d.Remove(segmentPath(3))
			return d.Remove(segmentPath(4))
		}, []Kind{MissingFrames}, 1},
		"empty": {func(t *testing.T, d *vfs.Crash) error { put(t, d, segmentPath(3), nil); return nil }, []Kind{MissingFrames}, 1},
		"zeros": {func(t *testing.T, d *vfs.Crash) error {
			put(t, d, segmentPath(3), make([]byte, 4096))
			return nil
		}, []Kind{MissingFrames}, 1},
		"garbage": {func(t *testing.T, d *vfs.Crash) error {
			put(t, d, segmentPath(3), bytes.Repeat([]byte("x"), 4096))
			return nil
		}, []Kind{DamagedHeader, MissingFrames}, 1},
		"doubled": {func(t *testing.T, d *vfs.Crash) error {
			put(t, d, segmentPath(9), contents(t, d, segmentPath(3)))
			return nil
		}, []Kind{Misnamed}, 0},
		"misnamed": {func(_ *testing.T, d *vfs.Crash) error { return d.Rename(segmentPath(3), segmentPath(9)) },
			[]Kind{MissingFrames, Misnamed}, 1},
		"header flipped": {func(t *testing.T, d *vfs.Crash) error { flip(t, d, segmentPath(3), 20); return nil }, []Kind{DamagedHeader}, 0},
		"first flipped": {func(t *testing.T, d *vfs.Crash) error {
			flip(t, d, segmentPath(3), headerSize+frameHeader)
			return nil
		}, []Kind{DamagedFrames}, 1},
		"header and first flipped": {func(t *testing.T, d *vfs.Crash) error {
			flip(t, d, segmentPath(3), 20)
			flip(t, d, segmentPath(3), headerSize+frameHeader)
			return nil
		}, []Kind{DamagedHeader, DamagedFrames}, 1},
		"end cut": {func(t *testing.T, d *vfs.Crash) error {
			b := contents(t, d, segmentPath(3))
			put(t, d, segmentPath(3), b[:len(b)-100])
			return nil
		}, []Kind{DamagedFrames}, 1},
		"end zeroed": {func(t *testing.T, d *vfs.Crash) error {
			b := contents(t, d, segmentPath(3))
			put(t, d, segmentPath(3), zeroed(b, len(b)-headerSize))
			return nil
		}, []Kind{MissingFrames}, 1},
		"sector in the middle": {func(t *testing.T, d *vfs.Crash) error {
			b := contents(t, d, segmentPath(3))
			clear(b[1024:1536])
			put(t, d, segmentPath(3), b)
			return nil
		}, []Kind{DamagedFrames}, 1},
	} {
		disk, n := manySegments(t)
		if err := c.damage(t, disk); err != nil {
			t.Fatal(err)
		}
		got, first, second := reopened(t, disk)
		var kinds []Kind
		lost, holes := map[uint64]bool{}, 0
		for _, d := range first.Damages {
			kinds = append(kinds, d.Kind)
			if d.Lost() > 0 {
				holes++
			}
			for lsn := d.First; lsn <= d.Last; lsn++ {
				lost[uint64(lsn)] = true
			}
		}
		if diff := cmp.Diff(c.kinds, kinds); diff != "" || holes != c.holes || first.Torn != nil || second.Damaged != first.Damaged {
			t.Errorf("%s: %v\n%v", name, first, second)
		}
		var want []uint64
		for seq := range uint64(n) { // its number is its LSN
			if !lost[seq+1] {
				want = append(want, seq+1)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %v\n%s", name, first.Damages, diff)
		}
	}
}

func flip(t *testing.T, d *vfs.Crash, path string, offset int) {
	t.Helper()
	b := contents(t, d, path)
	b[offset] ^= 0x10
	put(t, d, path, b)
}

// A journal that something else has written over: the list of its damages and
// the files they are saved in stay few.
func TestDamagesAreBounded(t *testing.T) {
	t.Parallel()
	disk := vfs.NewCrash(1, 0)
	j, _ := open(t, disk, Config{Level: Always})
	var offsets []int64
	for n := range uint64(3 * maxDamages) {
		offsets = append(offsets, j.end())
		if err := j.Commit(mustAppend(t, j, packet(n+1))); err != nil {
			t.Fatal(err)
		}
	}
	mustClose(t, j)
	b := contents(t, disk, seg1)
	for i := 0; i < len(offsets); i += 2 {
		b[offsets[i]+frameHeader]++
	}
	put(t, disk, seg1, b)
	j, rec := open(t, disk, Config{})
	mustClose(t, j)
	names, err := disk.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if rec.Damaged != len(offsets)/2 || len(rec.Damages) != maxDamages || len(names) > maxDamages+10 || rec.Frames != uint64(len(offsets)/2) {
		t.Errorf("%d damages, %d listed, %d files, %d frames", rec.Damaged, len(rec.Damages), len(names), rec.Frames)
	}
}
