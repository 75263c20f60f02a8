package retry_test

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"holdfast/fetch/retry"
)

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	const s = time.Second
	const none = -1
	for _, c := range []struct {
		lines  []string
		date   string
		want   time.Duration // none: ignored
		absurd bool
	}{
		{lines: nil, want: none},
		{lines: []string{"2"}, want: 2 * s},
		{lines: []string{"2", "3"}, want: 2 * s},
		{lines: []string{"0"}, want: 0},
		{lines: []string{"\t42 "}, want: 42 * s},
		{lines: []string{"007"}, want: 7 * s},
		{lines: []string{"+1"}, want: none},
		{lines: []string{"-1"}, want: none},
		{lines: []string{"1.0"}, want: none},
		{lines: []string{"²"}, want: none},
		{lines: []string{"٣"}, want: none},
		{lines: []string{""}, want: none},
		{lines: []string{"", "5"}, want: none},
		{lines: []string{"soon"}, want: none},
		{lines: []string{"1 2"}, want: none},
		{lines: []string{"1,2"}, want: none},
		{lines: []string{"0x10"}, want: none},
		{lines: []string{"Mon, 03 Jun 2019 11:30:12 GMT"}, want: 1812 * s},
		{lines: []string{"Monday, 03-Jun-19 11:30:12 GMT"}, want: 1812 * s},
		{lines: []string{"Mon Jun  3 11:30:12 2019"}, want: 1812 * s},
		{lines: []string{"Mon, 03 Jun 2019 11:00:02 GMT"}, want: 2 * s},
		{lines: []string{"Mon, 03 Jun 2019 10:00:00 GMT"}, want: 0},
		{lines: []string{"Sunday, 06-Nov-94 08:49:37 GMT"}, want: 0},
		{lines: []string{"Thu, 01 Jan 1970 00:00:00 GMT"}, want: 0},
		{lines: []string{"Mon, 03 Jun 2019 11:30:12 UTC"}, want: none},
		{lines: []string{"Mon, 03 Jun 2019 11:30:12.5 GMT"}, want: none},
		{lines: []string{"Mon Jun  3 11:30:12.5 2019"}, want: none},
		{lines: []string{"Mon, 3 Jun 2019 11:30:12 GMT"}, want: none},
		{lines: []string{"Fri, 32 Dec 2019 11:30:12 GMT"}, want: none},
		{lines: []string{"Fri, 31 Feb 2019 11:30:12 GMT"}, want: none},
		{lines: []string{"2019-06-03T11:30:12Z"}, want: none},
		{lines: []string{"03 Jun 2019 11:30:12 GMT"}, want: none},
		{lines: []string{"Mon, 03 Jun 2019 12:00:05 GMT"}, date: "Mon, 03 Jun 2019 12:00:00 GMT", want: 5 * s}, // its clock is an hour off
		{lines: []string{"Mon, 03 Jun 2019 12:00:05 GMT"}, date: "yesterday", want: 3605 * s},
		{lines: []string{"5"}, date: "Mon, 03 Jun 2019 12:00:00 GMT", want: 5 * s},
		{lines: []string{"2592000"}, want: 30 * 24 * time.Hour},
		{lines: []string{"2592001"}, want: 2592001 * s, absurd: true},
		{lines: []string{"1734000000"}, want: 1734000000 * s, absurd: true},
		{lines: []string{"9223372036"}, want: 9223372036 * s, absurd: true},
		{lines: []string{"9223372037"}, want: math.MaxInt64, absurd: true},
		{lines: []string{"1000000000000000000000"}, want: math.MaxInt64, absurd: true},
		{lines: []string{strings.Repeat("0", 40) + "3"}, want: 3 * s},
		{lines: []string{"Wed, 03 Jul 2019 11:00:01 GMT"}, want: 30*24*time.Hour + s, absurd: true},
	} {
		h := http.Header{"Retry-After": c.lines}
		if c.date != "" {
			h.Set("Date", c.date)
		}
		got := retry.ParseRetryAfter(h, clock.In(time.FixedZone("elsewhere", -7*3600)))
		if c.want == none {
			if got.Found || got.Wait != 0 || got.Absurd || (got.Warning == "") != (c.lines == nil) {
				t.Errorf("%q: %+v", c.lines, got)
			}
			continue
		}
		if !got.Found || got.Wait != c.want || got.Absurd != c.absurd || (got.Warning != "") != c.absurd {
			t.Errorf("%q, date %q: %+v, want %v", c.lines, c.date, got, c.want)
		}
	}
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	const s = time.Second
	epoch := strconv.FormatInt(clock.Unix()+3, 10)
	for _, c := range []struct {
		header []string
		want   retry.RateLimit
	}{
		{nil, retry.RateLimit{}},
		{[]string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "3"}, retry.RateLimit{Empty: true, Reset: 3 * s}},
		{[]string{"X-RateLimit-Remaining", "1", "X-RateLimit-Reset", "3"}, retry.RateLimit{}},
		{[]string{"X-RateLimit-Remaining", "-1", "X-RateLimit-Reset", "3"}, retry.RateLimit{}},
		{[]string{"X-RateLimit-Remaining", "0"}, retry.RateLimit{Empty: true}},
		{[]string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "soon"}, retry.RateLimit{Empty: true}},
		{[]string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", epoch}, retry.RateLimit{Empty: true, Reset: 3 * s}},
		{[]string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1000000000"}, retry.RateLimit{Empty: true}},
		{[]string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "99999999999999999999"}, retry.RateLimit{Empty: true}},
		{[]string{"RateLimit-Remaining", "0", "RateLimit-Reset", "7"}, retry.RateLimit{Empty: true, Reset: 7 * s}},
		{[]string{"RateLimit", `"default";r=0;t=30`}, retry.RateLimit{Empty: true, Reset: 30 * s}},
		{[]string{"RateLimit", `"default";r=50;t=30`}, retry.RateLimit{}},
		{[]string{"RateLimit", `"day";r=50;t=3000, "minute";r=0;t=9`}, retry.RateLimit{Empty: true, Reset: 9 * s}},
		{[]string{"RateLimit", `"minute";r=0;t=9`, "RateLimit", `"day";r=0;t=30`}, retry.RateLimit{Empty: true, Reset: 30 * s}},
		{[]string{"RateLimit", `"a;r=0;t=5,b";r=1;t=9`}, retry.RateLimit{}},
		{[]string{"RateLimit", `"a\";r=0;t=5,b";r=1`}, retry.RateLimit{}},
		{[]string{"RateLimit", `default; r=0; t=2`}, retry.RateLimit{Empty: true, Reset: 2 * s}},
		{[]string{"RateLimit", `r=0;t=2`}, retry.RateLimit{}}, // r is a name there
		{[]string{"RateLimit", `"x";r=0`}, retry.RateLimit{Empty: true}},
		{[]string{"RateLimit", `"x`}, retry.RateLimit{}},
	} {
		h := http.Header{}
		for i := 0; i < len(c.header); i += 2 {
			h.Add(c.header[i], c.header[i+1])
		}
		if got := retry.ParseRateLimit(h, clock); got != c.want {
			t.Errorf("%q: %+v", c.header, got)
		}
	}
}

// No header panics, and none makes a wait that is negative.
func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"2", "\t42 ", "+1", "9223372037", "Mon, 03 Jun 2019 11:30:12 GMT", "Monday, 03-Jun-19 11:30:12 GMT", "Mon Jun  3 11:30:12 2019", "²"} {
		f.Add(s, "Mon, 03 Jun 2019 11:30:12 GMT", int64(0))
	}
	f.Fuzz(func(t *testing.T, value, date string, unix int64) {
		h := map[string][]string{"Retry-After": {value}, "Date": {date}}
		got := retry.ParseRetryAfter(h, time.Unix(unix, 0))
		if got.Wait < 0 || !got.Found && (got.Wait != 0 || got.Absurd || got.Warning == "") {
			t.Errorf("%+v", got)
		}
		if got.Found && !got.Absurd && got.Wait > 30*24*time.Hour {
			t.Errorf("believed %v", got.Wait)
		}
		if strings.ContainsFunc(got.Warning, func(r rune) bool { return r < ' ' || r == 0x7f }) || len(got.Warning) > 600 {
			t.Errorf("warning %q", got.Warning)
		}
		// and whatever it says, the decision about it is sound
		p := retry.Smart()
		a := retry.Attempt{Class: retry.ClassClientError, Kind: retry.KindRateLimited, Status: 429, RetryAfter: got}
		_, v := retry.Decide(&p, retry.State{}, a, retry.Env{U: 0.99, Remaining: retry.Forever})
		if v.Wait < 0 || v.NotBefore < v.Wait || v.Action == retry.Retry && v.Wait < got.Wait {
			t.Errorf("%+v", v)
		}
	})
}

func FuzzRateLimit(f *testing.F) {
	f.Add(`"default";r=0;t=30`, "0", "1734000000", int64(0))
	f.Add(`"a\";r=0";r=1, b;t=1;r=0`, " 0", "3", int64(1e9))
	f.Fuzz(func(t *testing.T, limit, left, reset string, unix int64) {
		h := map[string][]string{"Ratelimit": {limit}, "X-Ratelimit-Remaining": {left}, "Ratelimit-Remaining": {left}, "X-Ratelimit-Reset": {reset}, "Ratelimit-Reset": {reset}}
		got := retry.ParseRateLimit(h, time.Unix(unix, 0))
		if got.Reset < 0 || got.Reset > 30*24*time.Hour || !got.Empty && got.Reset != 0 {
			t.Errorf("%+v", got)
		}
	})
}
