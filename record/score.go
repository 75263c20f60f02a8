package record

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
)

// A Truth is what a source really had.
type Truth struct {
	Generated   []uint64 // every sequence, ascending, none twice
	Deliverable int      // how many of them the source can deliver at all
}

// A Score grades a log against the truth. Fractions are of 1. What is nil is
// not known from a log alone.
type Score struct {
	Coverage    float64 `json:"coverage"`     // part of the generated sequences that was logged; 1 if there were none
	MaxCoverage float64 `json:"max_coverage"` // the best that any logger could have
	Ordering    float64 `json:"ordering"`     // 1 less the part of all pairs that stands in the wrong order
	Inversions  int64   `json:"inversions"`   // lines below an earlier line

	RetransmitRequests *uint64 `json:"retransmit_requests"`
	DuplicatesInLog    int64   `json:"duplicates_in_log"` // lines of a sequence that an earlier line has
	Restarts           *int64  `json:"restarts"`

	RequestsPerNeeded *float64 `json:"requests_per_needed"` // sequences asked for, per line recovered or packet missing
	InvertedPairs     int64    `json:"inverted_pairs"`
	Generated         int64    `json:"generated"`
	Logged            int64    `json:"logged"`          // generated sequences in the log
	Unknown           int64    `json:"unknown"`         // lines of sequences that were never generated
	Malformed         int64    `json:"malformed_lines"` // a last line that is cut off, too
	Retransmits       int64    `json:"retransmit_lines"`
}

// ScoreLog grades a log in one pass: O(lines x log generated) time, memory for
// the truth only. Malformed, repeated and unknown lines are counted, not
// scored.
func ScoreLog(log io.Reader, truth Truth) (Score, error) {
	generated := truth.Generated
	seen := make([]bool, len(generated))
	pairs := newPairCounter(len(generated))
	s := Score{Generated: int64(len(generated))}
	err := eachLine(log, func(n int64, text []byte, whole bool) error {
		l, err := ParseLine(bytes.TrimSuffix(text, []byte("\r"))) // of a logger on another system
		if err != nil || !whole {
			s.Malformed++
			return nil
		}
		rank, known := slices.BinarySearch(generated, l.Sequence)
		switch {
		case !known:
			s.Unknown++
			return nil
		case seen[rank]:
			s.DuplicatesInLog++
			return nil
		}
		seen[rank] = true
		pairs.add(rank)
		if l.Status.String() == "RETRANSMIT" {
			s.Retransmits++
		}
		return nil
	})
	if err != nil {
		return s, err
	}
	s.Logged, s.Inversions, s.InvertedPairs = pairs.added, pairs.lower, pairs.pairs
	s.Coverage = fraction(s.Logged, s.Generated)
	s.MaxCoverage = fraction(int64(truth.Deliverable), s.Generated)
	s.Ordering = 1
	if s.Logged > 1 {
		s.Ordering = 1 - float64(s.InvertedPairs)/(float64(s.Logged)*float64(s.Logged-1)/2)
	}
	return s, nil
}

// Spent adds what the log cost, from the statistics of its recorder.
func (s *Score) Spent(t Stats) {
	requests, restarts := t.Total.RetransmitRequests, t.Restarts
	s.RetransmitRequests, s.Restarts = &requests, &restarts
	if needed := s.Retransmits + s.Generated - s.Logged; needed > 0 {
		per := float64(t.Total.Extra["requested_sequences"]) / float64(needed)
		s.RequestsPerNeeded = &per
	}
}

func fraction(part, whole int64) float64 {
	if whole == 0 {
		return 1
	}
	return float64(part) / float64(whole)
}

// maxLine bounds a line of a log, whatever it holds: hex of the largest payload
// that a journal takes, and the other fields.
const maxLine = 2<<24 + 256

// eachLine calls f for every line of a log, without its newline, with its
// number from 1. whole is false for a last line without a newline. The text is
// valid during the call.
func eachLine(log io.Reader, f func(n int64, text []byte, whole bool) error) error {
	next := lineReader(log)
	for n := int64(1); ; n++ {
		text, whole, err := next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if err := f(n, text, whole); err != nil {
			return err
		}
	}
}

// lineReader gives the lines of a log one by one, then io.EOF.
func lineReader(log io.Reader) func() (text []byte, whole bool, err error) {
	r := bufio.NewReaderSize(log, 1<<16)
	var long []byte
	return func() ([]byte, bool, error) {
		text, err := r.ReadSlice('\n')
		if err == bufio.ErrBufferFull {
			long = append(long[:0], text...)
			for err == bufio.ErrBufferFull && len(long) <= maxLine {
				text, err = r.ReadSlice('\n')
				long = append(long, text...)
			}
			text = long
		}
		switch {
		case err == io.EOF && len(text) > 0:
			return text, false, nil
		case err == bufio.ErrBufferFull:
			return nil, false, errors.New("longer than any line of a log")
		case err != nil:
			return nil, false, err
		}
		return text[:len(text)-1], true, nil
	}
}
