package record_test

import (
	"bytes"
	"errors"
	"strings"
	"syscall"
	"testing"

	"holdfast/internal/soak"
	"holdfast/internal/vfs"
	"holdfast/lab/lossy"
	"holdfast/record"
	"holdfast/record/journal"
)

// A site is an effect at which a process can be killed: before it, or when it
// is done.
type site struct {
	name string
	at   func(o vfs.Op) bool
}

// isSegment knows a segment by the name under which it was opened, too.
func isSegment(o vfs.Op) bool { return strings.HasSuffix(strings.TrimSuffix(o.Name, ".tmp"), ".seg") }

var sites = []site{
	{"journal written", func(o vfs.Op) bool { return o.Call == "write" && isSegment(o) }},
	{"journal synced", func(o vfs.Op) bool { return o.Call == "sync" && isSegment(o) }},
	{"SYNCED written", func(o vfs.Op) bool { return o.Call == "write" && strings.HasSuffix(o.Name, "SYNCED") }},
	{"TAIL and SYNCED opened", func(o vfs.Op) bool { return o.Call == "map" }},
	{"line written", func(o vfs.Op) bool { return o.Call == "write" && o.Name == rigLog }},
	{"log synced", func(o vfs.Op) bool { return o.Call == "sync" && o.Name == rigLog }},
	{"source's position saved", func(o vfs.Op) bool { return o.Call == "rename" && strings.HasSuffix(o.Name, "_position.txt") }},
	{"source's requests saved", func(o vfs.Op) bool { return o.Call == "rename" && strings.HasSuffix(o.Name, "_retransmit.json") }},
	{"segment begun", func(o vfs.Op) bool { return o.Call == "open" && strings.HasSuffix(o.Name, ".seg.tmp") }},
	{"segment's space taken", func(o vfs.Op) bool { return o.Call == "preallocate" }},
	{"segment sealed", func(o vfs.Op) bool { return o.Call == "truncate" && isSegment(o) }},
	{"segment named", func(o vfs.Op) bool { return o.Call == "rename" && isSegment(o) }},
	{"folder synced", func(o vfs.Op) bool { return o.Call == "syncdir" }},
	{"torn end saved", func(o vfs.Op) bool { return o.Call == "rename" && strings.HasSuffix(o.Name, ".seg.torn") }},
	{"log's end saved", func(o vfs.Op) bool { return strings.HasSuffix(o.Name, rigLog+".torn") && o.Call == "sync" }},
	{"log cut", func(o vfs.Op) bool { return o.Call == "truncate" && o.Name == rigLog }},
	{"source's files removed", func(o vfs.Op) bool { return o.Call == "remove" && strings.Contains(o.Name, ".ms_") }},
	{"statistics written", func(o vfs.Op) bool {
		return o.Call == "rename" && o.Name == record.StatsPath(rigLog) || o.Call == "link" && o.Name == record.StatsPath(rigLog)
	}},
}

// unmapped is a disk without files that are memory: the journal writes them.
func unmapped(o vfs.Op) error {
	if o.Call == "map" {
		return errors.ErrUnsupported
	}
	return nil
}

// plan kills before or after the nth time, and says whether it did.
func (s site) plan(nth int, after bool, hit *bool) vfs.Plan {
	n := 0
	return func(o vfs.Op) error {
		if *hit {
			return vfs.ErrKilled
		}
		if strings.Contains(s.name, "written") && unmapped(o) != nil {
			return unmapped(o)
		}
		if s.at(o) {
			if n++; n == nth {
				*hit = true
				if !after {
					return vfs.ErrKilled
				}
			}
		}
		return nil
	}
}

// Crash test (d): killed before and after every effect, and the recovery five
// times over, each time a few calls later.
func TestCrashSites(t *testing.T) {
	t.Parallel()
	for _, level := range []journal.Level{journal.Group, journal.Always, journal.None} {
		reached := map[string]bool{}
		for _, s := range sites {
			for _, after := range []bool{false, true} {
				for round := range soak.Rounds(1, 6) {
					r := newRig(t, 11)
					r.c.Journal.Level, r.c.Journal.SegmentBytes = level, 4<<10
					r.c.Policy.MaxStalls = 100
					r.lab.TotalPackets, r.lab.TerminationProb = 150, .0000001
					if strings.Contains(s.name, "torn") || strings.Contains(s.name, "log") { // there must be something to mend
						r.disk = vfs.NewFaulty(r.crash, unmapped) // all frames are in the segment, to be spoilt there
						r.stopAt(60)
						r.spoil()
					}
					hit := false
					r.disk = vfs.NewFaulty(r.crash, s.plan(1+round*5, after, &hit))
					_, err := r.start()
					r.disk = r.crash
					if !hit {
						if err != nil {
							t.Fatalf("%v, %s: %v", level, s.name, err)
						}
						continue
					}
					reached[s.name] = true
					if err != nil && !errors.Is(err, vfs.ErrKilled) {
						t.Fatalf("%v, %s, after %t: %v", level, s.name, after, err)
					}
					r.crash.Kill()
					for again := range 5 {
						r.crashAt(1 + again*7 + round)
						r.crash.Kill()
					}
					r.finish()
					score := r.perfect()
					if score.Inversions > 0 {
						t.Errorf("%v, %s, after %t, round %d: %d inversions", level, s.name, after, round, score.Inversions)
					}
					r.verified(s.name)
				}
			}
		}
		for _, s := range sites {
			if !reached[s.name] && !(level == journal.None && strings.Contains(s.name, "SYNCED")) {
				t.Errorf("%v: no process was killed at %q", level, s.name)
			}
		}
	}
}

// spoil leaves what a power cut may leave: a torn journal and log.
func (r *rig) spoil() {
	all := r.segments()
	last := all[len(all)-1]
	b := r.read(last)
	end := len(bytes.TrimRight(b, "\x00"))
	r.write(last, append(b[:end:end], "torn, and no frame at all"...))
	r.write(rigLog, append(r.read(rigLog), "17,0.0"...))
}

// Crash test (f): the folders become read-only, or vanish, at any call: the
// error is that of the disk and names a file, nothing is lost, and the same
// start goes on when they are back.
func TestFoldersFail(t *testing.T) {
	t.Parallel()
	for _, failure := range []error{syscall.EROFS, syscall.ENOENT, syscall.EACCES, syscall.EIO} {
		failed := 0
		for n := 1; n < 900; n += 1 + n/soak.Rounds(3, 12) {
			r := newRig(t, 12)
			r.c.Journal.Level, r.c.Journal.SegmentBytes = journal.Group, 4<<10
			r.lab.TotalPackets, r.lab.TerminationProb = 120, .0000001
			r.disk = vfs.NewFaulty(r.crash, func(o vfs.Op) error {
				if o.N < n || !(o.Grows() || o.Call == "rename" || o.Call == "remove" || o.Call == "truncate" || o.Call == "syncdir") {
					return nil
				}
				if failure == syscall.ENOENT && (o.Call == "write" || o.Call == "sync") {
					return nil // files that are open stay
				}
				return failure
			})
			_, err := r.start()
			r.disk = r.crash
			var input *record.InputError
			var state *lossy.InputError
			switch {
			case err == nil:
				failed--
			case errors.As(err, &input), errors.As(err, &state):
				t.Errorf("%v from call %d on: an error of the disk is told as one of the input: %v", failure, n, err)
			case !errors.Is(err, failure):
				t.Errorf("%v from call %d on: %v", failure, n, err)
			case !strings.Contains(err.Error(), "/"):
				t.Errorf("%v from call %d on: no file is named: %v", failure, n, err)
			}
			failed++
			r.crash.Kill()
			r.finish()
			if score := r.perfect(); score.Inversions > 0 {
				t.Errorf("%v from call %d on: %d inversions", failure, n, score.Inversions)
			}
			r.verified(failure.Error())
		}
		if failed < 10 {
			t.Errorf("%v: only %d processes failed", failure, failed)
		}
	}
}

// D4: the disk is full from some call on. What it says names the bytes that
// would do, nothing that was taken is lost, and the same start goes on when
// there is room. The source has a disk of its own.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	for _, level := range []journal.Level{journal.None, journal.Group, journal.Always} {
		full := 0
		for n := 1; n < 700; n += 1 + n/soak.Rounds(3, 15) {
			r := newRig(t, 13)
			r.lair = newRig(t, 13).disk
			r.c.Journal.Level, r.c.Journal.SegmentBytes = level, 4<<10
			r.lab.TotalPackets, r.lab.TerminationProb = 200, 0
			r.disk = vfs.NewFaulty(r.crash, vfs.FullFrom(n, syscall.ENOSPC))
			_, err := r.start()
			r.disk = r.crash
			if err == nil { // it was over before
				break
			}
			if !errors.Is(err, syscall.ENOSPC) {
				t.Fatalf("%v, full from call %d on: %v", level, n, err)
			}
			var e *journal.FullError
			if errors.As(err, &e) {
				full++
				if e.Need <= 0 || !strings.Contains(err.Error(), "free ") {
					t.Errorf("%v, full from call %d on: %v", level, n, err)
				}
			}
			late := r.src.Source != nil && r.src.Position() > r.src.TotalDeliveries()-30
			r.crash.Kill()
			r.finish()
			if late { // the source does not go back
				continue
			}
			if score := r.perfect(); score.Inversions > 0 {
				t.Errorf("%v, full from call %d on: %d inversions", level, n, score.Inversions)
			}
			r.verified("full")
		}
		if full < 3 {
			t.Errorf("%v: the disk was full %d times", level, full)
		}
	}
}
