package record

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"holdfast/record/seq"
)

// syncBounds are the upper ends of the buckets that syncs are counted in.
var syncBounds = [...]time.Duration{
	100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond,
	10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, time.Second,
}

// Syncs counts how long syncs took.
type Syncs struct {
	Buckets [len(syncBounds) + 1]uint64 // the last is for all that took longer
	Sum     time.Duration
	Count   uint64
}

func (s *Syncs) add(took time.Duration) {
	i := 0
	for i < len(syncBounds) && took > syncBounds[i] {
		i++
	}
	s.Buckets[i]++
	s.Sum += took
	s.Count++
}

// P99 is the upper end of the bucket of the 99th of 100 syncs; 0 without any.
func (s *Syncs) P99() time.Duration {
	var n uint64
	for i, b := range s.Buckets {
		if n += b; n > 0 && n*100 >= s.Count*99 {
			return syncBounds[min(i, len(syncBounds)-1)]
		}
	}
	return 0
}

// Line is the status in one line:
//
//	lab-42 recv 1,052 written 977 hi 999 gaps 3 (2 runs) held 4 asked 32 sync p99 0.5ms
func (s *Status) Line() string {
	t := &s.Total
	hi := "-"
	if s.Begun {
		hi = strconv.FormatUint(s.Hi, 10)
	}
	line := fmt.Sprintf("%s recv %s written %s hi %s gaps %s (%d runs) held %d asked %s sync p99 %v",
		s.Session, grouped(t.PacketsReceived), grouped(t.PacketsWritten), hi, grouped(t.Gaps), t.Extra["gap_runs"], s.Held,
		grouped(t.RetransmitRequests), s.Syncs.P99())
	if s.Publisher != nil {
		lag, active := s.Publisher.Lag()
		if line += " publish lag " + grouped(lag); !active {
			line += " (standby)"
		}
	}
	return line
}

// grouped writes a number for people: 1,234,567.
func grouped(n uint64) string {
	text := strconv.FormatUint(n, 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// A gauge is a figure that goes up and down.
type gauge struct {
	name  string
	value float64
}

func (s *Status) gauges() []gauge {
	list := []gauge{
		{"held", float64(s.Held)},
		{"gap_sequences", float64(s.Total.Gaps)},
		{"gap_runs", float64(s.Total.Extra["gap_runs"])},
		{"reorder_extent", float64(s.Extent)},
		{"srtt_seconds", s.SRTT.Seconds()},
		{"unsynced_bytes", float64(s.Unsynced)},
	}
	if s.Begun {
		list = append(list, gauge{"hi", float64(s.Hi)})
	}
	if s.Publisher != nil {
		lag, active := s.Publisher.Lag()
		list = append(list, gauge{"publish_lag", float64(lag)}, gauge{"publish_active", 0})
		if active {
			list[len(list)-1].value = 1
		}
	}
	return list
}

// label writes a value as Prometheus text does: only these three are escaped.
func label(value string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(value) + `"`
}

// WriteMetrics writes the status as Prometheus text.
func (s *Status) WriteMetrics(w io.Writer) error {
	out := bufio.NewWriter(w)
	label := "session=" + label(s.Session)
	for _, c := range counters(&s.Total) {
		fmt.Fprintf(out, "# TYPE holdfast_record_%s_total counter\nholdfast_record_%s_total{%s} %d\n", c.name, c.name, label, c.value)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Total.Extra)) {
		if name != "gap_runs" && name != "max_held" {
			fmt.Fprintf(out, "# TYPE holdfast_record_%s_total counter\nholdfast_record_%s_total{%s} %d\n", name, name, label, s.Total.Extra[name])
		}
	}
	for _, g := range s.gauges() {
		fmt.Fprintf(out, "# TYPE holdfast_record_%s gauge\nholdfast_record_%s{%s} %s\n", g.name, g.name, label, strconv.FormatFloat(g.value, 'f', -1, 64))
	}
	const name = "holdfast_record_fsync_seconds"
	fmt.Fprintf(out, "# TYPE %s histogram\n", name)
	var n uint64
	for i, bound := range syncBounds {
		n += s.Syncs.Buckets[i]
		fmt.Fprintf(out, "%s_bucket{%s,le=\"%g\"} %d\n", name, label, bound.Seconds(), n)
	}
	fmt.Fprintf(out, "%s_bucket{%s,le=\"+Inf\"} %d\n%s_sum{%s} %g\n%s_count{%s} %d\n",
		name, label, s.Syncs.Count, name, label, s.Syncs.Sum.Seconds(), name, label, s.Syncs.Count)
	return out.Flush()
}

type counter struct {
	name  string
	value uint64
}

// counters are the statistics that only grow, by their names in JSON.
func counters(t *seq.Stats) []counter {
	var list []counter
	v := reflect.ValueOf(t).Elem()
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if f := v.Field(i); f.Kind() == reflect.Uint64 && name != "gaps" && name != "final_buffer_size" {
			list = append(list, counter{name, f.Uint()})
		}
	}
	return list
}
