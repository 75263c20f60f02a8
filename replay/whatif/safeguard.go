package whatif

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"holdfast/replay/tick"
)

// Safeguard is a measure against duplicates (R70). The zero value is none.
type Safeguard struct {
	Slug   string
	Window time.Duration // of windows, leases and tolerances
	Keys   int           // of lru
	Price  tick.Price    // of tolerance-dedupe
}

// parameter is what a safeguard takes after its name.
type parameter uint8

const (
	noParameter parameter = iota
	aWindow
	aCount
	aTolerance
)

// The safeguards, by their slugs.
const (
	UniqueEventID     = "unique-event-id"
	UniqueKey         = "unique-symbol-timestamp"
	UniqueKeyPrice    = "unique-symbol-timestamp-price"
	WindowFixed       = "window-fixed"
	WindowSliding     = "window-sliding"
	LRU               = "lru"
	MarkBeforeDeliver = "mark-before-deliver"
	Lease             = "lease"
	HeartbeatLease    = "heartbeat-lease"
	FencingToken      = "fencing-token"
	UpsertEventID     = "upsert-event-id"
	PartitionSymbol   = "partition-symbol"
	PartitionEvent    = "partition-event"
	TransactionalSink = "transactional-sink"
	InFlightSet       = "in-flight-set"
	ToleranceDedupe   = "tolerance-dedupe"
	SourceDedupe      = "source-dedupe"
)

var safeguards = []struct {
	slug  string
	takes parameter
}{
	{UniqueEventID, noParameter},
	{UniqueKey, noParameter},
	{UniqueKeyPrice, noParameter},
	{WindowFixed, aWindow},
	{WindowSliding, aWindow},
	{LRU, aCount},
	{MarkBeforeDeliver, aWindow},
	{Lease, aWindow},
	{HeartbeatLease, noParameter},
	{FencingToken, noParameter},
	{UpsertEventID, noParameter},
	{PartitionSymbol, noParameter},
	{PartitionEvent, noParameter},
	{TransactionalSink, noParameter},
	{InFlightSet, noParameter},
	{ToleranceDedupe, aTolerance},
	{SourceDedupe, noParameter},
}

// Safeguards lists the names that [ParseSafeguard] knows.
func Safeguards() []string {
	var names []string
	for _, s := range safeguards {
		names = append(names, s.slug)
	}
	return names
}

// ParseSafeguard reads SLUG or SLUG=X: X is a duration (window-fixed=10s), a
// count (lru=1000), or a duration and a price (tolerance-dedupe=10ms,0.50).
// The empty text is no safeguard.
func ParseSafeguard(text string) (Safeguard, error) {
	if text == "" {
		return Safeguard{}, nil
	}
	slug, x, given := strings.Cut(text, "=")
	for _, known := range safeguards {
		if known.slug != slug {
			continue
		}
		s := Safeguard{Slug: slug}
		if given != (known.takes != noParameter) {
			return s, fmt.Errorf("safeguard %q: %s", text, wanted[known.takes])
		}
		if err := s.read(known.takes, x); err != nil {
			return s, fmt.Errorf("safeguard %q: %s", text, wanted[known.takes])
		}
		return s, nil
	}
	return Safeguard{}, fmt.Errorf("unknown safeguard %q: use one of %s", slug, strings.Join(Safeguards(), " "))
}

var wanted = [...]string{
	noParameter: "it takes no parameter",
	aWindow:     "it takes a positive duration, such as =10s",
	aCount:      "it takes a positive number of keys, such as =1000",
	aTolerance:  "it takes a positive duration and a price, such as =10ms,0.50",
}

// read sets the parameter.
func (s *Safeguard) read(takes parameter, x string) (err error) {
	var price string
	switch takes {
	case noParameter:
		return nil
	case aCount:
		s.Keys, err = strconv.Atoi(x)
		return positive(s.Keys, err)
	case aTolerance:
		x, price, _ = strings.Cut(x, ",")
		if s.Price, err = tick.ParsePrice([]byte(price)); err != nil || s.Price < 0 {
			return strconv.ErrSyntax
		}
	}
	s.Window, err = time.ParseDuration(x)
	return positive(s.Window, err)
}

func positive[N int | time.Duration](n N, err error) error {
	if err == nil && n <= 0 {
		return strconv.ErrRange
	}
	return err
}

// Parameter is X of SLUG=X; empty if the safeguard takes none.
func (s Safeguard) Parameter() string {
	switch {
	case s.Keys > 0:
		return strconv.Itoa(s.Keys)
	case s.Slug == ToleranceDedupe:
		return shortDuration(s.Window) + "," + s.Price.String()
	case s.Window > 0:
		return shortDuration(s.Window)
	}
	return ""
}

// shortDuration writes 2m instead of 2m0s.
func shortDuration(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}

// String is what ParseSafeguard reads.
func (s Safeguard) String() string {
	if x := s.Parameter(); x != "" {
		return s.Slug + "=" + x
	}
	return s.Slug
}
