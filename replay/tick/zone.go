package tick

import "time"

// resolve turns the seconds that a clock in the zone shows into seconds of UTC.
//
// Offsets stay within a day, so wall, taken as UTC, lies in the right period of
// constant offset or in the one next to it: only the two changes around it can
// matter. time.Date would do, but takes one of two readings in silence.
func (z Zone) resolve(wall int64) (seconds int64, note TimeNote, err error) {
	if z.Loc == nil || z.Loc == time.UTC {
		return wall, NoteNaive, nil
	}
	here := time.Unix(wall, 0).In(z.Loc)
	_, offset := here.Zone()
	start, end := here.ZoneBounds()
	for _, change := range [2]time.Time{start, end} {
		if change.IsZero() {
			continue
		}
		_, after := change.Zone()
		_, before := change.Add(-1).Zone()
		early, late := wall-int64(before), wall-int64(after)
		isBefore, isAfter := early < change.Unix(), late >= change.Unix()
		switch {
		case isBefore == isAfter: // clocks showed wall twice, or jumped over it
			return z.choose(early, late)
		case isBefore && change == start:
			return early, NoteNaive, nil
		case isAfter && change == end:
			return late, NoteNaive, nil
		}
	}
	return wall - int64(offset), NoteNaive, nil
}

func (z Zone) choose(a, b int64) (seconds int64, note TimeNote, err error) {
	switch z.DST {
	case DSTEarlier:
		return min(a, b), NoteNaive | NoteDST, nil
	case DSTLater:
		return max(a, b), NoteNaive | NoteDST, nil
	default:
		return 0, 0, ErrAmbiguous
	}
}
