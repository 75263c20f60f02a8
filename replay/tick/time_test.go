package tick_test

import (
	"errors"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the zones of the tests, whatever the machine has

	"holdfast/replay/tick"
)

func at(t testing.TB, rfc3339 string) tick.Nanos {
	t.Helper()
	x, err := time.Parse(time.RFC3339Nano, rfc3339)
	if err != nil {
		t.Fatal(err)
	}
	return tick.Nanos(x.UnixNano())
}

func TestParseTime(t *testing.T) {
	t.Parallel()
	base := at(t, "2025-07-14T09:15:00Z")
	tests := []struct {
		text string
		want tick.Nanos
		note tick.TimeNote
		err  error
	}{
		// Row 4: with and without fraction in one column.
		{"2025-07-14T09:15:00Z", base, 0, nil},
		{"2025-07-14T09:15:00.005000Z", base + 5e6, 0, nil},
		// Row 5: any number of digits.
		{"2025-07-14T09:15:00.1Z", base + 1e8, 0, nil},
		{"2025-07-14T09:15:00.123Z", base + 123e6, 0, nil},
		{"2025-07-14T09:15:00.123456Z", base + 123456e3, 0, nil},
		{"2025-07-14T09:15:00.123456789Z", base + 123456789, 0, nil},
		{"2025-07-14T09:15:00.123456789999Z", base + 123456789, tick.NoteTruncated, nil},
		{"2025-07-14T09:15:00,000000001", base + 1, tick.NoteNaive, nil},
		{"2025-07-14T09:15:00.", 0, 0, tick.ErrSyntax},
		{"2025-07-14T09:15:00.Z", 0, 0, tick.ErrSyntax},
		{"2025-07-14T09:15:00.1x", 0, 0, tick.ErrSyntax},
		// Separators and zones.
		{"2025-07-14t09:15:00z", base, 0, nil},
		{"2025-07-14 09:15:00", base, tick.NoteNaive, nil},
		{"2025-07-14_09:15:00", 0, 0, tick.ErrSyntax},
		{"2025-07-14\x0009:15:00", 0, 0, tick.ErrSyntax},
		{"2025-07-14T14:45:00+05:30", base, 0, nil},
		{"2025-07-14T14:45:00+0530", base, 0, nil},
		{"2025-07-14T14:15:00.5+05", base + 5e8, 0, nil},
		{"2025-07-14T05:15:00-04", base, 0, nil},
		{"2025-07-14T09:15:00-00:00", base, 0, nil},
		{"2025-07-15T09:14:00+23:59", base, 0, nil},
		{"2025-07-14T09:15:00+24:00", 0, 0, tick.ErrSyntax},
		{"2025-07-14T09:15:00+05:60", 0, 0, tick.ErrSyntax},
		{"2025-07-14T09:15:00+5:30", 0, 0, tick.ErrSyntax},
		{"2025-07-14T09:15:00+05:3", 0, 0, tick.ErrSyntax},
		{"2025-07-14T09:15:00+", 0, 0, tick.ErrSyntax},
		{"2025-07-14T09:15:00 +05:30", 0, 0, tick.ErrSyntax},
		{"2025-07-14T09:15:00ZZ", 0, 0, tick.ErrSyntax},
		{"2025-07-14T09:15:00Zulu", 0, 0, tick.ErrSyntax},
		{"2025-07-14T09:15:00UTC", 0, 0, tick.ErrSyntax},
		// Row 7: second 60.
		{"2016-12-31T23:59:60Z", at(t, "2016-12-31T23:59:59.999999999Z"), tick.NoteLeap, nil},
		{"2016-12-31T23:59:60.25", at(t, "2016-12-31T23:59:59.999999999Z"), tick.NoteLeap | tick.NoteNaive, nil},
		{"2016-12-31T23:59:61Z", 0, 0, tick.ErrSyntax},
		// The calendar.
		{"2024-02-29T00:00:00Z", at(t, "2024-02-29T00:00:00Z"), 0, nil},
		{"2000-02-29T00:00:00Z", at(t, "2000-02-29T00:00:00Z"), 0, nil},
		{"1900-02-29T00:00:00Z", 0, 0, tick.ErrSyntax},
		{"2025-02-29T00:00:00Z", 0, 0, tick.ErrSyntax},
		{"2025-04-31T00:00:00Z", 0, 0, tick.ErrSyntax},
		{"2025-00-01T00:00:00Z", 0, 0, tick.ErrSyntax},
		{"2025-13-01T00:00:00Z", 0, 0, tick.ErrSyntax},
		{"2025-01-00T00:00:00Z", 0, 0, tick.ErrSyntax},
		{"2025-01-32T00:00:00Z", 0, 0, tick.ErrSyntax},
		{"2025-07-14T24:00:00Z", 0, 0, tick.ErrSyntax},
		{"2025-07-14T09:60:00Z", 0, 0, tick.ErrSyntax},
		{"1969-12-31T23:59:59.999999999Z", -1, 0, nil},
		// The edges.
		{"1678-01-01T00:00:00Z", tick.MinTime, 0, nil},
		{"1677-12-31T23:59:59.999999999Z", 0, 0, tick.ErrRange},
		{"2261-12-31T23:59:59.999999999Z", tick.MaxTime, 0, nil},
		{"2262-01-01T00:00:00Z", 0, 0, tick.ErrRange},
		{"2262-01-01T00:00:00+00:01", at(t, "2261-12-31T23:59:00Z"), 0, nil},
		{"0000-01-01T00:00:00Z", 0, 0, tick.ErrRange},
		{"9999-12-31T23:59:59", 0, tick.NoteNaive, tick.ErrRange},
		// Not times.
		{"", 0, 0, tick.ErrSyntax},
		{"soon", 0, 0, tick.ErrSyntax},
		{"2025-07-14", 0, 0, tick.ErrSyntax},
		{"2025-07-14T09:15", 0, 0, tick.ErrSyntax},
		{"1752484500", 0, 0, tick.ErrSyntax},
		{" 2025-07-14T09:15:00Z", 0, 0, tick.ErrSyntax},
		{"2025-07-14T09:15:0٣Z", 0, 0, tick.ErrSyntax},
		{"2025/07/14T09:15:00Z", 0, 0, tick.ErrSyntax},
	}
	for _, tt := range tests {
		got, note, err := tick.ParseTime([]byte(tt.text), tick.Zone{})
		if !errors.Is(err, tt.err) || err == nil && (got != tt.want || note != tt.note) {
			t.Errorf("ParseTime(%q) = %v, %b, %v; want %v, %b, %v", tt.text, got, note, err, tt.want, tt.note, tt.err)
		}
	}
}

// Rows 6 and 7: times without a zone, in a zone with and without daylight saving.
func TestParseTimeInZone(t *testing.T) {
	t.Parallel()
	tests := []struct {
		zone, text string
		dst        tick.DST
		want       string // "" for ErrAmbiguous
	}{
		{"Asia/Kolkata", "2025-07-14T14:45:00", tick.DSTReject, "2025-07-14T09:15:00Z"},
		{"Asia/Kolkata", "2025-07-14T14:45:00Z", tick.DSTReject, "2025-07-14T14:45:00Z"},
		{"Europe/London", "2025-10-26T01:30:00", tick.DSTReject, ""},
		{"Europe/London", "2025-10-26T01:30:00.5", tick.DSTEarlier, "2025-10-26T00:30:00.5Z"},
		{"Europe/London", "2025-10-26T01:30:00", tick.DSTLater, "2025-10-26T01:30:00Z"},
		{"Europe/London", "2025-10-26T00:59:59.999", tick.DSTReject, "2025-10-25T23:59:59.999Z"},
		{"Europe/London", "2025-10-26T01:00:00", tick.DSTReject, ""},
		{"Europe/London", "2025-10-26T02:00:00", tick.DSTReject, "2025-10-26T02:00:00Z"},
		{"Europe/London", "2025-03-30T01:30:00", tick.DSTReject, ""},
		{"Europe/London", "2025-03-30T01:30:00", tick.DSTEarlier, "2025-03-30T00:30:00Z"},
		{"Europe/London", "2025-03-30T01:30:00", tick.DSTLater, "2025-03-30T01:30:00Z"},
		{"Europe/London", "2025-03-30T00:59:59", tick.DSTReject, "2025-03-30T00:59:59Z"},
		{"Europe/London", "2025-03-30T02:00:00", tick.DSTReject, "2025-03-30T01:00:00Z"},
		{"Pacific/Apia", "2011-12-30T12:00:00", tick.DSTReject, ""}, // a day that was skipped
		{"Pacific/Apia", "2011-12-30T12:00:00", tick.DSTEarlier, "2011-12-29T22:00:00Z"},
		{"America/New_York", "2025-11-02T01:30:00", tick.DSTLater, "2025-11-02T06:30:00Z"},
	}
	for _, tt := range tests {
		loc, err := time.LoadLocation(tt.zone)
		if err != nil {
			t.Fatal(err)
		}
		got, note, err := tick.ParseTime([]byte(tt.text), tick.Zone{Loc: loc, DST: tt.dst})
		if chosen := note&tick.NoteDST != 0; chosen != (err == nil && tt.dst != tick.DSTReject) {
			t.Errorf("%s %s (%d): note %b", tt.zone, tt.text, tt.dst, note)
		}
		switch {
		case tt.want == "":
			if !errors.Is(err, tick.ErrAmbiguous) {
				t.Errorf("%s %s: %v, %v; want ErrAmbiguous", tt.zone, tt.text, got, err)
			}
		case err != nil || got.String() != tt.want:
			t.Errorf("%s %s (%d): %v, %v; want %s", tt.zone, tt.text, tt.dst, got, err, tt.want)
		}
	}
}

// Every reading of a wall clock around changes of offset, against a search
// through all quarters of an hour nearby.
func TestZoneAgainstSearch(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for _, name := range []string{"Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Casablanca", "Pacific/Apia"} {
		loc, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for range 3000 {
			wall := time.Date(1975+r.IntN(70), time.Month(1+r.IntN(12)), 1+r.IntN(28), r.IntN(24), 15*r.IntN(4), 0, 0, time.UTC)
			var found []int64
			for s := wall.Unix() - 86400*3/2; s <= wall.Unix()+86400*3/2; s += 900 {
				if _, offset := time.Unix(s, 0).In(loc).Zone(); s+int64(offset) == wall.Unix() {
					found = append(found, s)
				}
			}
			got, _, err := tick.ParseTime([]byte(wall.Format("2006-01-02T15:04:05")), tick.Zone{Loc: loc})
			if (len(found) == 1) != (err == nil) || err == nil && int64(got) != found[0]*1e9 {
				t.Fatalf("%s %v: %v, %v; the search found %v", name, wall, got, err, found)
			}
		}
	}
}

var timeForm = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:)(\d\d)(?:[.,](\d+))?(?:([Zz])|([+-]\d\d)(?::?(\d\d))?)?$`)

// twinTime is ParseTime in UTC by way of a regular expression and time.Parse.
func twinTime(s string) (tick.Nanos, bool) {
	m := timeForm.FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	second, fraction, zone := m[3], m[4], "Z"
	if second == "60" {
		second, fraction = "59", "999999999"
	}
	if m[6] != "" {
		minutes := m[7]
		if minutes == "" {
			minutes = "00"
		}
		zone = m[6] + ":" + minutes
	}
	x, err := time.Parse("2006-01-02T15:04:05Z07:00", m[1]+"T"+m[2]+second+zone)
	hour, _ := strconv.Atoi(strings.TrimLeft(m[6], "+-"))
	if err != nil || hour > 23 {
		return 0, false
	}
	nanos, _ := strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
	x = x.Add(time.Duration(nanos)).UTC()
	if x.Year() < 1678 || x.Year() > 2261 {
		return 0, false
	}
	return tick.Nanos(x.UnixNano()), true
}

func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"2025-07-14T09:15:00Z", "2025-07-14 09:15:00,123456789012+05:30", "2016-12-31t23:59:60z",
		"1678-01-01T00:00:00-00", "2262-01-01T00:00:00+0001", "2025-02-29T00:00:00", "1752484500.25", "1752484500123"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, _, err := tick.ParseTime([]byte(s), tick.Zone{})
		want, ok := twinTime(s)
		if ok != (err == nil) || got != want {
			t.Fatalf("ParseTime(%q) = %v, %v; want %v, %v", s, got, err, want, ok)
		}
		for u := tick.Seconds; u <= tick.Nanoseconds; u++ {
			if n, _, err := tick.ParseEpoch([]byte(s), u); err == nil && (n < tick.MinTime || n > tick.MaxTime) {
				t.Fatalf("ParseEpoch(%q, %v) = %d", s, u, n)
			}
		}
		if u, ok := tick.EpochUnit([]byte(s)); ok {
			if _, _, err := tick.ParseEpoch([]byte(s), u); err != nil && !errors.Is(err, tick.ErrRange) {
				t.Fatalf("ParseEpoch(%q, %v): %v", s, u, err)
			}
		}
		if err != nil {
			return
		}
		again, note, err := tick.ParseTime([]byte(got.String()), tick.Zone{})
		if again != got || note != 0 || err != nil {
			t.Fatalf("%q reads as %v, which reads as %v, %v", s, got, again, err)
		}
	})
}

func TestTimeTwin(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	layouts := []string{"2006-01-02T15:04:05.999999999Z07:00", "2006-01-02 15:04:05,000000-0700", "2006-01-02t15:04:05.000Z", "2006-01-02T15:04:05.999999999"}
	for range 20_000 {
		n := tick.MinTime + tick.Nanos(r.Int64N(int64(tick.MaxTime)))*2
		x := time.Unix(0, int64(n)).In(time.FixedZone("", (r.IntN(47*4)-23*4)*900))
		s := []byte(x.Format(layouts[r.IntN(len(layouts))]))
		if r.IntN(4) == 0 {
			s[r.IntN(len(s))] = "0159:-.TZ+ x"[r.IntN(12)]
		}
		got, _, err := tick.ParseTime(s, tick.Zone{})
		if want, ok := twinTime(string(s)); ok != (err == nil) || got != want {
			t.Fatalf("ParseTime(%q) = %v, %v; want %v, %v", s, got, err, want, ok)
		}
	}
}

// Formatting is time.Time's, for every int64, and what is written reads back.
func TestTimeFormatTwin(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6))
	values := []tick.Nanos{0, 1, -1, 1e9, -1e9, tick.MinTime, tick.MaxTime, -1 << 63, 1<<63 - 1}
	for range 20_000 {
		values = append(values, tick.Nanos(r.Uint64())/tick.Nanos([]int64{1, 1e3, 1e6, 1e9}[r.IntN(4)])*1e3)
	}
	for _, n := range values {
		want := time.Unix(0, int64(n)).UTC().Format(time.RFC3339Nano)
		if got := n.String(); got != want {
			t.Fatalf("Nanos(%d) = %s, want %s", int64(n), got, want)
		}
		back, note, err := tick.ParseTime([]byte(want), tick.Zone{})
		if n >= tick.MinTime && n <= tick.MaxTime && (back != n || note != 0 || err != nil) {
			t.Fatalf("%s reads as %d, %b, %v; want %d", want, back, note, err, n)
		}
	}
}
