package match

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"holdfast/replay/tick"
)

// Band is the tolerance of the join: a row may be an event's if its time is
// from Early before to Late after the event's, and its price within Price of
// it, bounds included (R31).
type Band struct {
	Early, Late tick.Nanos // both >= 0
	Price       tick.Price // >= 0
}

// Holds reports whether a row that is dt later and dp dearer than an event is
// within the band.
func (b Band) Holds(dt tick.Nanos, dp tick.Price) bool {
	return -b.Early <= dt && dt <= b.Late && -b.Price <= dp && dp <= b.Price
}

// widen is the band stretched by a ratio, for the rescue of R37.
func (b Band) widen(num, den int64) Band {
	return Band{
		Early: b.Early * tick.Nanos(num) / tick.Nanos(den),
		Late:  b.Late * tick.Nanos(num) / tick.Nanos(den),
		Price: b.Price * tick.Price(num) / tick.Price(den),
	}
}

// Tolerance is how the band is chosen. The zero value is auto.
type Tolerance struct {
	Mode Mode
	Band Band // if Mode is Given
}

// Mode is a way to choose the band.
type Mode uint8

// Auto reads the band off the data (R32); None joins nothing.
const (
	Auto Mode = iota
	Given
	None
)

// maxTolerance bounds a given tolerance in time: within it no sum of an instant
// and a tolerance can leave the range of an int64 unnoticed.
const maxTolerance = 10 * 365 * 24 * time.Hour

// ParseTolerance reads "auto", "none", "10ms,0.50" (both sides of the event) or
// "-0ms/+10ms,0.50" (early and late apart).
func ParseTolerance(s string) (Tolerance, error) {
	switch strings.TrimSpace(s) {
	case "", "auto":
		return Tolerance{}, nil
	case "none":
		return Tolerance{Mode: None}, nil
	}
	span, price, ok := strings.Cut(s, ",")
	if !ok {
		return Tolerance{}, badTolerance(s, errors.New("no comma"))
	}
	var b Band
	var err error
	if b.Early, b.Late, err = parseSpan(strings.TrimSpace(span)); err != nil {
		return Tolerance{}, badTolerance(s, err)
	}
	if b.Price, err = tick.ParsePrice([]byte(strings.TrimSpace(price))); err != nil {
		return Tolerance{}, badTolerance(s, err)
	}
	if b.Price < 0 {
		return Tolerance{}, badTolerance(s, errors.New("the price is negative"))
	}
	return Tolerance{Mode: Given, Band: b}, nil
}

func badTolerance(s string, err error) error {
	return fmt.Errorf("tolerance %q: %w: write auto, D,P or -E/+L,P as in 10ms,0.50", s, err)
}

// parseSpan reads "D" or "-E/+L".
func parseSpan(s string) (early, late tick.Nanos, err error) {
	e, l, two := strings.Cut(s, "/")
	if !two {
		early, err = parseDuration(s)
		return early, early, err
	}
	e, minus := strings.CutPrefix(strings.TrimSpace(e), "-")
	l, plus := strings.CutPrefix(strings.TrimSpace(l), "+")
	if !minus || !plus {
		return 0, 0, errors.New("the sides must be spelled -E/+L")
	}
	if early, err = parseDuration(e); err != nil {
		return 0, 0, err
	}
	late, err = parseDuration(l)
	return early, late, err
}

func parseDuration(s string) (tick.Nanos, error) {
	d, err := time.ParseDuration(s)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%q is not a duration such as 10ms or 1.5s", s)
	case d < 0:
		return 0, fmt.Errorf("%q is negative", s)
	case d > maxTolerance:
		return 0, fmt.Errorf("%q is longer than ten years", s)
	}
	return tick.Nanos(d), nil
}

// String spells the band as ParseTolerance reads it.
func (b Band) String() string {
	return fmt.Sprintf("-%v/+%v,%v", time.Duration(b.Early), time.Duration(b.Late), b.Price)
}
