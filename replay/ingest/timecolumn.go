package ingest

import (
	"errors"
	"fmt"

	"holdfast/replay/tick"
)

// TimeColumn reads the times of one column (R9). All spellings may mix in it,
// but its epoch numbers must all count the same unit.
type TimeColumn struct {
	name  string
	zone  tick.Zone
	unit  tick.Unit // of the epoch numbers; 0: none seen yet
	fixed bool      // unit was given
	line  int64     // where unit was first seen
}

// NewTimeColumn returns the reader of a column. Its errors are *UsageError.
func NewTimeColumn(name string, o Options) (*TimeColumn, error) {
	c := &TimeColumn{name: name, zone: o.Zone}
	if o.Epoch == "" || o.Epoch == "auto" {
		return c, nil
	}
	if c.unit, c.fixed = tick.ParseUnit(o.Epoch); !c.fixed {
		return nil, &UsageError{Reason: fmt.Sprintf("epoch unit %q", o.Epoch), Hint: "use auto, s, ms, us or ns"}
	}
	return c, nil
}

// Time is what a time field says.
type Time struct {
	Nanos  tick.Nanos
	Note   tick.TimeNote
	Epoch  bool   // it was an epoch number
	Reason Reason // "" if it is a time
	Hint   string
}

// Parse reads a field that is not missing. The error is an *InputError without
// a file: a second epoch unit.
func (c *TimeColumn) Parse(b []byte, line int64) (Time, error) {
	b = Trim(b)
	n, note, err := tick.ParseTime(b, c.zone)
	if err == nil {
		return Time{Nanos: n, Note: note}, nil
	}
	epoch := false
	if errors.Is(err, tick.ErrSyntax) {
		unit, ok := c.unit, c.fixed
		if !ok {
			unit, ok = tick.EpochUnit(b)
		}
		if ok {
			if n, note, err = tick.ParseEpoch(b, unit); !errors.Is(err, tick.ErrSyntax) {
				epoch = true
				if mixed := c.see(unit, line); mixed != nil {
					return Time{}, mixed
				}
			}
		}
	}
	t := Time{Nanos: n, Note: note, Epoch: epoch}
	switch {
	case err == nil:
	case errors.Is(err, tick.ErrRange):
		t.Reason, t.Hint = TimeRange, "a time lies within the years 1678 to 2261"
	case errors.Is(err, tick.ErrAmbiguous):
		t.Reason, t.Hint = AmbiguousLocalTime, "say which reading to take with --dst, or write the offset"
	case allDigits(b):
		t.Reason, t.Hint = BadTime, "an epoch number has 10, 13, 16 or 19 digits, unless --epoch names its unit"
	default:
		t.Reason, t.Hint = BadTime, clip(b)+" is not a time such as 2025-07-14T09:15:00.005Z"
	}
	return t, nil
}

// see notes the unit of an epoch number.
func (c *TimeColumn) see(unit tick.Unit, line int64) error {
	if c.unit == 0 {
		c.unit, c.line = unit, line
	}
	if unit == c.unit {
		return nil
	}
	return &InputError{
		Line:   line,
		Reason: fmt.Sprintf("column %s mixes epoch units: %s here, %s on line %d", c.name, unit, c.unit, c.line),
		Hint:   "write one unit, or name it with --epoch",
	}
}

func allDigits(b []byte) bool {
	for _, c := range b {
		if c-'0' > 9 && c != '.' {
			return false
		}
	}
	return len(b) > 0
}
