package record_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast/internal/soak"
	"holdfast/record"
	"holdfast/record/journal"
)

// segments are the paths of the journal's segments.
func (r *rig) segments() []string {
	r.t.Helper()
	dir := record.JournalDir(rigState, r.c.Session)
	names, err := r.crash.ReadDir(dir)
	if err != nil {
		r.t.Fatal(err)
	}
	var paths []string
	for _, name := range names {
		if strings.HasSuffix(name, ".seg") {
			paths = append(paths, filepath.Join(dir, name))
		}
	}
	return paths
}

// A damage is done to the journal of a process that was killed.
type damage struct {
	name string
	do   func(r *rig, draw *rand.Rand)
	told string // part of the warning
}

var damages = []damage{
	{"bit in a sealed segment", func(r *rig, draw *rand.Rand) { r.flip(r.segments()[1], draw) }, "damaged"},
	{"bit in any segment", func(r *rig, draw *rand.Rand) {
		all := r.segments()
		r.flip(all[draw.IntN(len(all))], draw)
	}, ""},
	{"segment deleted", func(r *rig, draw *rand.Rand) { r.remove(r.segments()[1]) }, "missing frames"},
	{"first segment deleted", func(r *rig, _ *rand.Rand) { r.remove(r.segments()[0]) }, "missing frames"},
	{"last 512 bytes zeroed", func(r *rig, _ *rand.Rand) { r.zeroEnd(512) }, "frames"},
	{"last 4000 bytes zeroed", func(r *rig, _ *rand.Rand) { r.zeroEnd(4000) }, "frames"},
}

func (r *rig) flip(path string, draw *rand.Rand) {
	b := r.read(path)
	end := len(bytes.TrimRight(b, "\x00"))
	b[64+draw.IntN(end-64)] ^= 1 << draw.IntN(8)
	r.write(path, b)
}

// zeroEnd makes zeros of the last bytes that were synced.
func (r *rig) zeroEnd(n int) {
	all := r.segments()
	last := all[len(all)-1]
	b := r.read(last)
	end := len(bytes.TrimRight(b, "\x00"))
	clear(b[max(64, end-n):end])
	r.write(last, b)
}

// D8: damage to synced bytes is told, nothing else is lost, and what it
// destroyed is taken from the log or asked for again: the log becomes what it
// would have been. Healed damage fails no verification.
func TestDamagedJournalHeals(t *testing.T) {
	t.Parallel()
	for _, d := range damages {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			for seed := range int64(soak.Rounds(2, 6)) {
				draw := rand.New(rand.NewPCG(uint64(seed), 3))
				r := newRig(t, seed+1)
				r.c.Journal.Level = journal.Always
				r.c.Journal.SegmentBytes = 8 << 10
				r.lab.TotalPackets, r.lab.TerminationProb = 300, .0000001
				r.stopAt(150 + draw.IntN(120))
				d.do(r, draw)
				r.warns = nil
				s := r.finish()
				if d.told != "" && !strings.Contains(fmt.Sprint(r.warns), d.told) {
					t.Errorf("seed %d: told %q", seed, r.warns)
				}
				if score := r.perfect(); score.Inversions != int64(s.Total.Inversions) || s.Total.Extra["inverted_pairs"] != score.InvertedPairs {
					t.Errorf("seed %d: %d inverted lines, %d pairs; counted %d, %d", seed, score.Inversions, score.InvertedPairs, s.Total.Inversions, s.Total.Extra["inverted_pairs"])
				} else if score.Inversions > 0 {
					t.Errorf("seed %d: %d inversions", seed, score.Inversions)
				}
				r.verified(fmt.Sprint("seed ", seed))
				again, err := record.SessionStats(r.crash, rigState, r.c.Session)
				if err != nil || fmt.Sprint(again.Total) != fmt.Sprint(s.Total) {
					t.Errorf("seed %d: from the journal, of the run: %s, %v", seed, cmp.Diff(again.Total, s.Total), err)
				}
			}
		})
	}
}
