package fetchcheck_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/lab/fetchcheck"
	"holdfast/lab/flakyhttp/ledger"
	"holdfast/lab/urls"
)

const base = "http://127.0.0.1:8080"

// world is a client's run as it should be: its log, its summary, and what the
// server saw. Tests break it in one place.
type world struct {
	records []line
	summary map[string]any
	ledger  []ledger.Entry
	options fetchcheck.Options
	seed    int64
	count   int
}

// line is a record before it is text.
type line struct {
	at     float64 // milliseconds from the start
	event  string
	url    string
	fields []field
}

type field struct {
	name  string
	value any
}

func (l *line) get(name string) any {
	for _, f := range l.fields {
		if f.name == name {
			return f.value
		}
	}
	return nil
}

func (l *line) set(name string, value any) {
	for i := range l.fields {
		if l.fields[i].name == name {
			l.fields[i].value = value
			return
		}
	}
	l.fields = append(l.fields, field{name, value})
}

func (l *line) drop(name string) {
	l.fields = slices.DeleteFunc(l.fields, func(f field) bool { return f.name == name })
}

func (l line) String() string {
	var b strings.Builder
	at := time.Date(2026, 1, 15, 10, 30, 0, 0, time.UTC).Add(time.Duration(l.at * 1e6))
	fmt.Fprintf(&b, `{"timestamp": "%s", "event": %q, "url": %q`, at.Format("2006-01-02T15:04:05.000Z"), l.event, l.url)
	for _, f := range l.fields {
		v, _ := json.Marshal(f.value)
		fmt.Fprintf(&b, `, %q: %s`, f.name, v)
	}
	return b.String() + "}"
}

// waits are those of the requirement, with some jitter.
var waits = []float64{103.5, 207.2, 433.3}

// newWorld plays a client that does everything right, one URL after the other.
func newWorld(t *testing.T, seed int64, count int) *world {
	t.Helper()
	p := urls.NewProviderAt(big.NewInt(seed), count, base)
	w := &world{options: fetchcheck.Defaults(), seed: seed, count: count}
	now, seq := 0.0, uint64(0)
	byStatus, byError := map[string]int{}, map[string]int{"timeout": 0, "connection": 0}
	ok, requests, retries, slow, total := 0, 0, 0, 0, 0.0
	for n, url := range p.All() {
		b, _ := p.Behavior(url)
		status, latency := *b.StatusCode, float64(b.MinLatencyMS)+12.5
		add := func(event string, fields ...field) { w.records = append(w.records, line{now, event, url, fields}) }
		send := func(attempt int) {
			seq++
			w.ledger = append(w.ledger, ledger.Entry{
				Seq: seq, At: time.Unix(0, int64(now*1e6)), Conn: 1, Proto: "HTTP/1.1", Method: "GET", URL: url,
				Attempt: fmt.Sprintf("%d.%d.0", n+1, attempt), Status: status, End: ledger.Complete,
			})
			now += latency
			total += latency
			requests++
		}
		if !b.ShouldRetry {
			send(1)
			if status == 200 {
				ok++
				add("success", field{"status", status}, field{"latency_ms", latency})
			} else {
				add("client_error", field{"status", status}, field{"latency_ms", latency})
			}
			if latency > 500 {
				slow++
				add("slow_response", field{"latency_ms", latency})
			}
			for _, word := range b.BodyKeywords {
				add("body_match", field{"keyword", word})
			}
		} else {
			for i := range 4 {
				send(i + 1)
				add("server_error", field{"status", status}, field{"attempt", i + 1}, field{"latency_ms", latency}, field{"wire_sends", 1})
				if i < 3 {
					add("retry", field{"attempt", i + 2}, field{"wait_ms", waits[i]}, field{"reason", "server_error"})
					now += waits[i] + 1
					retries++
				}
			}
			add("max_retries", field{"attempts", 4}, field{"last_error", fmt.Sprintf("HTTP %d", status)})
		}
		byStatus[fmt.Sprint(status)]++
		now++
	}
	w.summary = map[string]any{
		"total_urls": p.Total(), "successful": ok, "failed": p.Total() - ok, "total_requests": requests, "retries": retries,
		"avg_latency_ms": float64(int(total/float64(requests)*10+0.5)) / 10, "slow_responses": slow, "by_status": byStatus, "by_error": byError,
	}
	return w
}

// find is the n-th record of an event, from 0.
func (w *world) find(event string, n int) *line {
	for i := range w.records {
		if w.records[i].event == event {
			if n == 0 {
				return &w.records[i]
			}
			n--
		}
	}
	panic("no such record: " + event)
}

func (w *world) index(l *line) int {
	for i := range w.records {
		if &w.records[i] == l {
			return i
		}
	}
	panic("not in the log")
}

func (w *world) remove(l *line) {
	i := w.index(l)
	w.records = slices.Delete(w.records, i, i+1)
}

func (w *world) insert(after *line, l line) {
	w.records = slices.Insert(w.records, w.index(after)+1, l)
}

// shift moves all from the record on, and what the server saw from then on.
func (w *world) shift(from *line, by float64) {
	at := from.at
	for i := w.index(from); i < len(w.records); i++ {
		w.records[i].at += by
	}
	for i := range w.ledger {
		if e := &w.ledger[i]; float64(e.At.UnixNano())/1e6 >= at-13 { // an attempt begins a latency before its record
			e.At = e.At.Add(time.Duration(by * 1e6))
		}
	}
}

func (w *world) log() string {
	var b strings.Builder
	for _, l := range w.records {
		b.WriteString(l.String() + "\n")
	}
	return b.String()
}

func (w *world) check(t *testing.T, log string) fetchcheck.Report {
	t.Helper()
	summary, err := json.Marshal(w.summary)
	if err != nil {
		t.Fatal(err)
	}
	r, err := fetchcheck.Check(urls.NewProvider(big.NewInt(w.seed), w.count), fetchcheck.Input{
		Log: strings.NewReader(log), LogName: "fetch.jsonl",
		Summary: strings.NewReader(string(summary)), SummaryName: "summary.json",
		Ledger: w.ledger, LedgerName: "ledger.jsonl", HasLedger: true,
	}, w.options)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// failing are the rules that do not hold.
func failing(r fetchcheck.Report) string {
	failed := map[string]bool{}
	for _, rule := range r.Extra.Strict {
		if rule.Holds != nil && !*rule.Holds {
			failed[rule.ID] = true
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(failed)), " ")
}

func provider(seed int64, count int) *urls.Provider { return urls.NewProvider(big.NewInt(seed), count) }

func asInput(err error, target **fetchcheck.InputError) bool { return errors.As(err, target) }
