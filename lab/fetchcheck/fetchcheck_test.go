package fetchcheck_test

import (
	"strings"
	"testing"
	"time"

	"holdfast/lab/fetchcheck"
	"holdfast/lab/flakyhttp/ledger"
)

func TestGoodLogs(t *testing.T) {
	t.Parallel()
	for seed := range int64(20) {
		for _, count := range []int{0, 1, 20, 50, 333} {
			w := newWorld(t, seed, count)
			r := w.check(t, w.log())
			if !r.Extra.Holds || r.Failed != 0 || failing(r) != "" {
				r.WriteText(&testWriter{t})
				t.Fatalf("seed %d, count %d: a good log does not hold", seed, count)
			}
			for _, rule := range r.Extra.Strict {
				if count >= 20 && rule.Checked == 0 {
					t.Errorf("%s: nothing was checked", rule.ID)
				}
			}
		}
	}
}

type testWriter struct{ t *testing.T }

func (w *testWriter) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

// TestBroken breaks a good log in one place, and demands the rules that must
// notice: these and no others.
func TestBroken(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		want   string
		breaks func(*world)
	}{
		// V1, with those that a missing record touches as well
		{"a success is missing", "V1 V3 V8 V9", func(w *world) { w.remove(w.find("success", 0)) }},
		{"slow_response is missing", "V1 V7 V8", func(w *world) { w.remove(w.find("slow_response", 0)) }},
		{"body_match is missing", "V1 V2", func(w *world) { w.remove(w.find("body_match", 0)) }},
		{"client_error is missing", "V1 V3 V8 V9", func(w *world) { w.remove(w.find("client_error", 0)) }},
		{"an attempt is missing", "V2 V3 V8 V9", func(w *world) { w.remove(w.find("server_error", 0)) }},

		// V2
		{"a success twice", "V2 V3 V8 V9", func(w *world) { s := w.find("success", 0); w.insert(s, *s) }},
		{"a timeout of a URL that answers", "V2 V3 V8", func(w *world) {
			s := w.find("success", 0)
			w.insert(s, line{s.at, "timeout", s.url, []field{{"attempt", 2}, {"timeout_sec", 5.0}}})
		}},
		{"a status that the server does not send", "V2 V8 V9", func(w *world) { w.find("client_error", 0).set("status", 410) }},
		{"a success with status 204", "V2 V8 V9", func(w *world) { w.find("success", 0).set("status", 204) }},
		{"a match of another word", "V2", func(w *world) { w.find("body_match", 0).set("keyword", "Ahab") }},
		{"a match twice", "V2", func(w *world) { m := w.find("body_match", 0); w.insert(m, *m) }},
		{"a match in another page", "V2", func(w *world) {
			s := w.find("client_error", 0)
			w.insert(s, line{s.at, "body_match", s.url, []field{{"keyword", "Herman"}}})
		}},
		{"an extended event", "V2", func(w *world) {
			s := w.find("success", 0)
			w.insert(s, line{s.at, "deadline", s.url, nil})
		}},
		{"a URL that is not in the set", "V2", func(w *world) {
			s := w.find("success", 0)
			w.insert(s, line{s.at, "success", base + "/get?_id=1000", s.fields})
		}},
		{"a URL of another server", "V2", func(w *world) {
			s := w.find("success", 0)
			w.insert(s, line{s.at, "success", "http://elsewhere" + strings.TrimPrefix(s.url, base), s.fields})
		}},
		{"max_retries of a success", "V2", func(w *world) {
			s := w.find("success", 0)
			w.insert(s, line{s.at, "max_retries", s.url, []field{{"attempts", 1}, {"last_error", "none"}}})
		}},
		{"slow_response twice", "V2 V8", func(w *world) { s := w.find("slow_response", 0); w.insert(s, *s) }},
		{"a retry after the end", "V2 V3", func(w *world) {
			s := w.find("max_retries", 0)
			w.insert(s, line{s.at, "retry", s.url, []field{{"attempt", 5}, {"wait_ms", 810.0}, {"reason", "server_error"}}})
		}},

		// V3
		{"max_retries is missing", "V3", func(w *world) { w.remove(w.find("max_retries", 0)) }},
		{"max_retries counts wrong", "V3", func(w *world) { w.find("max_retries", 0).set("attempts", 3) }},
		{"max_retries twice", "V2 V3", func(w *world) { m := w.find("max_retries", 0); w.insert(m, *m) }},
		{"a retry record is missing", "V3", func(w *world) { w.remove(w.find("retry", 0)) }},
		{"a retry of the wrong number", "V3", func(w *world) { w.find("retry", 1).set("attempt", 2) }},
		{"an attempt of the wrong number", "V3", func(w *world) { w.find("server_error", 1).set("attempt", 1) }},
		{"a retry for the wrong reason", "V3", func(w *world) { w.find("retry", 0).set("reason", "timeout") }},
		{"more retries than allowed", "V3", func(w *world) { w.options.Retries = 2 }},
		{"fewer retries than demanded", "V3", func(w *world) { w.options.Retries = 4 }},

		// V4
		{"a wait too short", "V4", func(w *world) { w.find("retry", 0).set("wait_ms", 99.9) }},
		{"the requirement's own sample", "V4 V5 V9", func(w *world) { w.find("retry", 0).set("wait_ms", 200.0) }},
		{"the second wait too short", "V4", func(w *world) { w.find("retry", 1).set("wait_ms", 199.9) }},
		{"a wait over the cap", "V4", func(w *world) { w.options.Max = 400 * time.Millisecond }},
		{"a wait without jitter where there is none", "V4", func(w *world) { w.options.Jitter = "none" }},
		{"a full jitter of another multiplier", "V4", func(w *world) { w.options.Policy = "smart"; w.options.Multiplier = 1 }},

		// V5
		{"an attempt 5 ms early", "V5", func(w *world) { w.shift(w.find("server_error", 1), -7) }},
		{"an attempt at once", "V5 V9", func(w *world) { w.shift(w.find("server_error", 1), -104) }},
		{"an attempt long after, without a queue", "V5", func(w *world) {
			w.find("server_error", 1).set("queue_ms", 100.0)
			w.shift(w.find("server_error", 1), 360)
		}},

		// V6
		{"a field is missing", "V6", func(w *world) { w.find("server_error", 3).drop("attempt") }},
		{"a number in quotes", "V2 V6 V8 V9", func(w *world) { w.find("success", 0).set("status", "200") }},
		{"a broken status", "V6", func(w *world) { w.find("success", 0).set("status", 200.5) }},
		{"a negative latency", "V6", func(w *world) { w.find("success", 0).set("latency_ms", -1.0) }},
		{"an empty reason", "V3 V6", func(w *world) { w.find("retry", 0).set("reason", "") }},
		{"time goes back", "V6", func(w *world) { w.find("body_match", 0).at -= 100 }},
		{"an unknown event", "V2 V6", func(w *world) {
			s := w.find("success", 0)
			w.insert(s, line{s.at, "sucess", s.url, nil})
		}},

		// V7
		{"faster than the server", "V7 V8", func(w *world) { w.slowest().set("latency_ms", 999.0) }},
		{"slow, but not for its own latency", "V7", func(w *world) { w.find("slow_response", 0).set("latency_ms", 400.0) }},
		{"slow_response for a fast one", "V7 V8", func(w *world) {
			s := w.find("success", 0)
			w.insert(s, line{s.at, "slow_response", s.url, []field{{"latency_ms", 600.0}}})
		}},
		{"a slow failure without slow_response", "V7 V8", func(w *world) { w.find("server_error", 0).set("latency_ms", 600.0) }},

		// V8
		{"total_urls", "V8", func(w *world) { w.summary["total_urls"] = 50 }},
		{"successful", "V8", func(w *world) { w.summary["successful"] = 1 }},
		{"failed", "V8", func(w *world) { w.summary["failed"] = 0 }},
		{"total_requests", "V8", func(w *world) { w.summary["total_requests"] = 48 }},
		{"retries", "V8", func(w *world) { w.summary["retries"] = 20 }},
		{"avg_latency_ms", "V8", func(w *world) { w.summary["avg_latency_ms"] = 1.0 }},
		{"slow_responses", "V8", func(w *world) { w.summary["slow_responses"] = 0 }},
		{"by_status counts attempts", "V8", func(w *world) { w.summary["by_status"].(map[string]int)["503"] *= 4 }},
		{"by_status without a status", "V8", func(w *world) { delete(w.summary["by_status"].(map[string]int), "200") }},
		{"by_error without a key", "V8", func(w *world) { delete(w.summary["by_error"].(map[string]int), "timeout") }},
		{"a key is missing", "V8", func(w *world) { delete(w.summary, "retries") }},
		{"a key too much", "V8", func(w *world) { w.summary["policy"] = "spec" }},

		// V9
		{"a hidden resend", "V9", func(w *world) { w.ledger = append(w.ledger, w.ledger[0]) }},
		{"an attempt that the server never saw", "V9", func(w *world) { w.ledger = w.ledger[1:] }},
		{"a request that is in no attempt", "V9", func(w *world) {
			w.ledger = append(w.ledger, ledger.Entry{Seq: 1000, URL: base + "/get?_id=1000", Method: "GET"})
		}},
		{"a fifth attempt that is not in the log", "V9", func(w *world) {
			e := w.sends(503)[3]
			e.Seq, e.Attempt = 1000, "1.5.0"
			w.ledger = append(w.ledger, e)
		}},
		{"an answer that the server never gave", "V9", func(w *world) { w.ledger[0].Status = 500 }},
		{"the server saw it early", "V9", func(w *world) { e := w.sends(503); w.move(e[1].Seq, -16) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 42, 50)
			c.breaks(w)
			r := w.check(t, w.log())
			if got := failing(r); got != c.want {
				r.WriteText(&testWriter{t})
				t.Errorf("failing are %q, want %q", got, c.want)
			}
			if r.Extra.Holds {
				t.Error("it holds")
			}
		})
	}
}

// slowest is the first success of a URL that takes a second.
func (w *world) slowest() *line {
	for i := range w.records {
		if l := &w.records[i]; l.event == "success" && l.get("latency_ms").(float64) > 1000 {
			return l
		}
	}
	panic("none is slow")
}

// sends are what the server saw of the first URL with a status.
func (w *world) sends(status int) []ledger.Entry {
	var found []ledger.Entry
	for _, e := range w.ledger {
		if e.Status == status && (len(found) == 0 || found[0].URL == e.URL) {
			found = append(found, e)
		}
	}
	return found
}

func (w *world) move(seq uint64, by float64) {
	for i := range w.ledger {
		if w.ledger[i].Seq == seq {
			w.ledger[i].At = w.ledger[i].At.Add(time.Duration(by * 1e6))
		}
	}
}

// What must not fail.
func TestAllowed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*world)
	}{
		{"nothing but the requirement's fields", func(w *world) {
			for i := range w.records {
				for _, extra := range []string{"wire_sends"} {
					w.records[i].drop(extra)
				}
				if w.records[i].event == "server_error" || w.records[i].event == "client_error" {
					w.records[i].drop("latency_ms")
				}
			}
			w.summary["avg_latency_ms"] = 12345.0 // cannot be known then
		}},
		{"no attempt header", func(w *world) {
			for i := range w.ledger {
				w.ledger[i].Attempt = ""
			}
		}},
		{"a resend that is told", func(w *world) {
			s := w.find("server_error", 0)
			s.set("wire_sends", 2)
			for i, e := range w.ledger {
				if e.URL == s.url {
					first := e
					first.Status, first.End = 0, ledger.Reset
					w.ledger = append(w.ledger[:i:i], append([]ledger.Entry{first}, w.ledger[i:]...)...)
					return
				}
			}
		}},
		{"slow_response told before success", func(w *world) {
			i := w.index(w.find("slow_response", 0))
			w.records[i-1], w.records[i] = w.records[i], w.records[i-1]
		}},
		{"another keyword that was asked for", func(w *world) {
			w.options.Keywords = []string{"Ahab"}
			s := w.find("success", 0)
			w.insert(s, line{s.at, "body_match", s.url, []field{{"keyword", "Ahab"}}})
		}},
		{"exactly at the threshold", func(w *world) {
			s := w.find("server_error", 0)
			s.set("latency_ms", 500.0)
			w.shift(s, 487.5)
			w.summary["avg_latency_ms"] = w.summary["avg_latency_ms"].(float64) + 7.1
		}},
		{"full jitter under smart", func(w *world) {
			for i := range w.records {
				w.records[i].set("policy", "smart")
				if w.records[i].event == "retry" {
					w.records[i].set("wait_ms", 0.3)
				}
			}
		}},
		{"a late attempt whose queue is known", func(w *world) {
			w.find("server_error", 1).set("queue_ms", 100.0)
			w.shift(w.find("server_error", 1), 340)
		}},
		{"a first run that was broken off", func(w *world) {
			s := w.find("server_error", 0)
			for i := range w.records {
				if w.records[i].url == s.url {
					w.records[i].set("run", 2)
				}
			}
			old := *s
			old.fields = append([]field{}, s.fields...)
			old.set("run", 1)
			w.records = append([]line{{0, old.event, old.url, old.fields}}, w.records...)
		}},
		{"a connection without a request", func(w *world) { w.ledger = append(w.ledger, ledger.Entry{Seq: 1000, End: ledger.Reset}) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 42, 50)
			c.change(w)
			r := w.check(t, w.log())
			if !r.Extra.Holds {
				r.WriteText(&testWriter{t})
				t.Error("it does not hold")
			}
		})
	}
}

// Lines that are no records are told by number, and cost nothing else.
func TestBadLines(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 42, 50)
	log := w.log()
	for _, bad := range []struct{ line, what string }{
		{"{", "not a JSON object"},
		{"[]", "not a JSON object"},
		{"null", "not a JSON object"},
		{"\xff{}", "not UTF-8"},
		{`{"event":"success"}`, "timestamp is missing"},
		{`{"timestamp":"yesterday","event":"success","url":"x"}`, "must be a time"},
		{strings.Repeat("x", 2<<20), "longer than"},
	} {
		r := w.check(t, bad.line+"\n"+log)
		rule := r.Extra.Strict[5]
		if rule.Failed != 1 || rule.Failures[0].Line != 1 || !strings.Contains(rule.Failures[0].What, bad.what) {
			t.Errorf("%.40q: %+v, want one failure in line 1: %s", bad.line, rule.Failures, bad.what)
		}
		if r.Failed != 0 {
			t.Errorf("%.40q: %d URLs failed", bad.line, r.Failed)
		}
	}
	for _, times := range []string{`"2026-01-15T10:30:00.123+02:00"`, `"2026-01-15 10:30:00"`, `1768473000`} {
		r := w.check(t, `{"timestamp":`+times+`,"event":"max_retries","url":"`+base+`/get?_id=0","attempts":1,"last_error":"x"}`+"\n"+log)
		if r.Extra.Strict[5].Failed == 0 {
			t.Errorf("time %s: holds", times)
		}
	}
}

func TestUnusable(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 42, 50)
	if r := w.check(t, ""); r.Passed != 0 || r.Failed != 48 || r.Extra.Strict[5].Failed != 0 {
		t.Errorf("an empty log: %d passed, %d failed, %d format failures", r.Passed, r.Failed, r.Extra.Strict[5].Failed)
	}
	p, in := provider(42, 50), fetchcheck.Input{Log: strings.NewReader("\nhello\n{}\n"), LogName: "x.log"}
	_, err := fetchcheck.Check(p, in, fetchcheck.Defaults())
	var input *fetchcheck.InputError
	if !asInput(err, &input) || !strings.HasPrefix(err.Error(), "x.log:2: not a fetch log") {
		t.Errorf("got %v, want an InputError for line 2", err)
	}
	// Rules that nobody asked for are unknown.
	in.Log = strings.NewReader(w.log())
	r, err := fetchcheck.Check(p, in, fetchcheck.Defaults())
	if err != nil || !r.Extra.Holds || r.Extra.Strict[7].Holds != nil || r.Extra.Strict[8].Holds != nil {
		t.Errorf("without summary and ledger: %v, %+v", err, r.Extra.Strict[7:])
	}
}
