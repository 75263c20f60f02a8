package logs

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"holdfast/internal/extsort"
)

func timeKey(t testing.TB, s string) []byte {
	t.Helper()
	key, ok := appendPart(nil, asTime, []byte(s), true)
	if !ok {
		t.Fatalf("%s is refused", s)
	}
	return key
}

// R33: compared as instants, exactly.
func TestTimesInOrder(t *testing.T) {
	t.Parallel()
	var previous []byte
	for _, group := range [][]string{ // groups ascend; the spellings in one are equal
		{"0000-01-01T00:00:00Z"},
		{"1969-12-31T23:59:59.999999999Z"},
		{"1970-01-01T00:00:00Z", "1970-01-01 00:00:00", "1970-01-01t05:30:00+05:30", "1969-12-31T16:00:00.000-08:00"},
		{"2000-02-29T12:00:00Z"},
		{"2016-12-31T23:59:59.999999999Z"},
		{"2016-12-31T23:59:60Z", "2017-01-01T00:59:60+01:00"},
		{"2016-12-31T23:59:60.5Z"},
		{"2017-01-01T00:00:00Z", "2017-01-01T00:00:00.000000000-00:00"},
		{"2017-01-01T00:00:00.000000001z"},
		{"9999-12-31T23:59:59Z"},
	} {
		first := timeKey(t, group[0])
		for _, s := range group[1:] {
			if !bytes.Equal(timeKey(t, s), first) {
				t.Errorf("%s and %s differ", group[0], s)
			}
		}
		if previous != nil && bytes.Compare(previous, first) >= 0 {
			t.Errorf("%s is not above the one before", group[0])
		}
		previous = first
	}
}

func TestNoTimes(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "now", "2025-02-29T00:00:00Z", "2025-13-01T00:00:00Z", "2025-00-01T00:00:00Z", "2025-01-00T00:00:00Z",
		"2025-01-01", "2025-01-01T24:00:00Z", "2025-01-01T00:60:00Z", "2025-01-01T00:00:61Z", "2025-01-01T00:00:00.Z", "2025-01-01T00:00:00.1234567890Z",
		"2025-01-01T00:00:00+0100", "2025-01-01T00:00:00+24:00", "2025-01-01T00:00:00+01:60", "2025-01-01T00:00:00 Z", "x025-01-01T00:00:00Z", "2025-01-01x00:00:00Z"} {
		if _, ok := parseTime([]byte(s)); ok {
			t.Errorf("%q is accepted", s)
		}
	}
}

// FuzzParseTime compares with package time wherever that reads the text (when
// strict, RFC 3339 with any number of digits).
func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"2025-07-14T09:15:00.123456789+05:30", "2025-07-14 09:15:00", "2016-12-31T23:59:60Z", "0000-01-01T00:00:00+23:59", "9999-12-31T23:59:59.5-23:59", "2025-07-14T09:15:00,5Z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := parseTime([]byte(s))
		var want time.Time
		if err := want.UnmarshalText([]byte(s)); err != nil {
			return // it also refuses what we read: a space, no offset, second 60
		}
		if !ok {
			fraction := bytes.TrimLeft([]byte(s)[min(20, len(s)):], "0123456789")
			if zone := s[max(0, len(s)-6):]; s[12] == ':' || s[19] == ',' || len(s)-20-len(fraction) > 9 ||
				len(zone) == 6 && zone[3] == ':' && (zone[1:3] > "23" || zone[4:] > "59") {
				return // laxer than RFC 3339 (golang.org/issue/54580)
			}
			t.Fatalf("%q is refused", s)
		}
		if got.seconds != want.Unix() || got.nanos != uint32(want.Nanosecond()) {
			t.Fatalf("%q: %+v, want %v", s, got, want)
		}
		key := timeKey(t, s)
		seconds, rest := extsort.ReadInt64(key)
		if seconds != got.seconds || binary.BigEndian.Uint32(rest) != got.nanos {
			t.Fatalf("%q: key %x", s, key)
		}
	})
}
