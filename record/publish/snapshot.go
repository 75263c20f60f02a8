package publish

import (
	"encoding/binary"
	"errors"
)

// A snapshot is what a publisher knows of a stream up to one message, so that
// who takes over need not read all of it. All numbers are unsigned varints:
//
//	version 1 · At, Seq, Epoch of the message · runs · per run: gap, length - 1
//
// gap is the distance from the end of the run before (from 0 at first). It is
// believed only if the message At of the stream is as it says.

const (
	snapshotVersion = 1
	// maxSnapshot keeps a snapshot well within the engine's default limit of a
	// message, 1 MiB: about 300,000 runs. Beyond, the last one that fitted stays,
	// and who takes over reads more of the stream.
	maxSnapshot = 900 << 10
)

// A message of the stream that the machine is sure of. Epoch 0 is unknown: a
// place where there is none.
type anchor struct{ at, seq, epoch uint64 }

// appendSnapshot appends a snapshot to dst; false if it is too large, or there
// is no message to know it by.
func appendSnapshot(dst []byte, a anchor, s *Set) ([]byte, bool) {
	if a.epoch == 0 || 2*len(s.runs) > maxSnapshot {
		return dst, false
	}
	for _, n := range []uint64{snapshotVersion, a.at, a.seq, a.epoch, uint64(len(s.runs))} {
		dst = binary.AppendUvarint(dst, n)
	}
	end := uint64(0)
	for _, r := range s.runs {
		dst = binary.AppendUvarint(dst, r.first-end)
		dst = binary.AppendUvarint(dst, r.last-r.first)
		end = r.last
	}
	return dst, len(dst) <= maxSnapshot
}

var errSnapshot = errors.New("not a snapshot")

// readSnapshot reads one. It takes only what appendSnapshot makes.
func readSnapshot(data []byte) (anchor, Set, error) {
	var s Set
	var head [5]uint64
	for i := range head {
		n, size := uvarint(data)
		if size <= 0 {
			return anchor{}, Set{}, errSnapshot
		}
		head[i], data = n, data[size:]
	}
	a := anchor{head[1], head[2], head[3]}
	runs := head[4]
	if head[0] != snapshotVersion || a.at == 0 || a.epoch == 0 || runs > uint64(len(data)/2) {
		return anchor{}, Set{}, errSnapshot
	}
	s.runs = make([]run, 0, runs)
	end := uint64(0)
	for i := range runs {
		gap, size := uvarint(data)
		if size <= 0 || i > 0 && gap < 2 {
			return anchor{}, Set{}, errSnapshot
		}
		data = data[size:]
		more, size := uvarint(data)
		first := end + gap
		if size <= 0 || first < end || first+more < first {
			return anchor{}, Set{}, errSnapshot
		}
		data, end = data[size:], first+more
		s.runs = append(s.runs, run{first, end})
		s.n += more + 1
	}
	if len(data) > 0 || !s.Has(a.seq) {
		return anchor{}, Set{}, errSnapshot
	}
	return a, s, nil
}

// uvarint reads a number in its one spelling; size 0 if it is another.
func uvarint(data []byte) (n uint64, size int) {
	n, size = binary.Uvarint(data)
	if size > 1 && data[size-1] == 0 {
		return 0, 0
	}
	return n, size
}
