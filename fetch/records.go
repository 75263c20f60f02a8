package fetch

import (
	"time"

	"holdfast/fetch/pace"
	"holdfast/fetch/retry"
)

// snippetLogged is how much of a failed answer the log shows.
const snippetLogged = 256

// hasStatus reports whether an attempt ended with an answer's status.
func (a *Attempt) hasStatus() bool {
	return a.Status != 0 && a.Class != retry.ClassTimeout && a.Class != retry.ClassConnection && a.Class != retry.ClassCancelled
}

// records appends all that the log says about a decision: the class of the
// attempt, what came with it, then the retry or the end. Their last line is
// always a retry, or has final or postponed: so it can be seen from the bytes
// alone that nothing of them is missing.
func (e *engine) records(l line, j *job, a *Attempt, m *pace.Emit, at time.Time) line {
	v := &m.Verdict
	name := v.Outcome.String()
	over := v.Action != retry.Retry
	ownEnd := over && (!m.Attempted || v.Then != "")
	if m.Attempted {
		rest := 0 // records that follow before the end
		if e.isSlow(j, a) {
			rest++
		}
		if v.Event == "success" {
			rest += len(a.Found)
		}
		here := func(l line) line {
			if over && !ownEnd && rest == 0 {
				l = e.final(l, j, a, m)
			}
			rest--
			return l.end()
		}
		l = here(e.classRecord(l, j, a, m, at))
		if e.isSlow(j, a) {
			l = l.begin(at, "slow_response", j.shown).ms("latency_ms", a.Latency).int("attempt", int64(a.Number))
			l = here(e.where(l, j))
		}
		if v.Event == "success" {
			for _, word := range a.Found {
				l = l.begin(at, "body_match", j.shown).string("keyword", word).int("attempt", int64(a.Number))
				l = here(e.where(l, j))
			}
		}
	}
	switch {
	case !over:
		l = l.begin(at, "retry", j.shown).int("attempt", int64(m.Attempt+1)).ms("wait_ms", v.Wait).string("reason", v.Reason)
		l = l.int("wait_us", v.Wait.Microseconds()).ms("nominal_ms", v.Nominal).text("why", v.Why)
		l = e.where(l.string("policy", j.policy.Name), j).end()
	case v.Outcome == retry.OutcomeMaxRetries:
		l = l.begin(at, "max_retries", j.shown).int("attempts", int64(m.Attempt)).string("last_error", a.LastError(a.Error))
		l = e.where(l.string("policy", j.policy.Name), j)
		l = e.final(l, j, a, m).end()
	case ownEnd:
		l = l.begin(at, name, j.shown).int("attempt", int64(m.Attempt)).string("policy", j.policy.Name)
		l = e.where(l.rule(&v.Rule).text("why", v.Why), j)
		l = l.text("error", badText(j, m))
		l = e.final(l, j, a, m).end()
	}
	return l
}

// where says which URL of the list a record is of, and in which run.
func (e *engine) where(l line, j *job) line {
	run := e.run
	if j.run != 0 {
		run = j.run
	}
	return l.count("line", j.line).int("run", int64(run))
}

func badText(j *job, m *pace.Emit) string {
	if j.bad != nil && !m.Attempted {
		return j.bad.Error()
	}
	return ""
}

func (e *engine) isSlow(j *job, a *Attempt) bool {
	return a.hasStatus() && j.policy.Slow > 0 && a.Latency > j.policy.Slow
}

// classRecord begins with the fields that the requirement gives the event.
func (e *engine) classRecord(l line, j *job, a *Attempt, m *pace.Emit, at time.Time) line {
	v := &m.Verdict
	l = l.begin(at, v.Event, j.shown)
	number := int64(a.Number)
	switch v.Event {
	case "success":
		l = l.int("status", int64(a.Status)).ms("latency_ms", a.Latency).int("attempt", number)
	case "client_error":
		l = l.int("status", int64(a.Status)).int("attempt", number).ms("latency_ms", a.Latency)
	case "server_error":
		l = l.int("status", int64(a.Status)).int("attempt", number).ms("latency_ms", a.Latency)
	case "timeout":
		l = l.int("attempt", number).seconds("timeout_sec", a.After).ms("latency_ms", a.Latency).text("error", a.Error)
	case "connection_error":
		l = l.int("attempt", number).string("error", a.Error).ms("latency_ms", a.Latency)
	default:
		l = l.int("attempt", number).count("status", int64(a.Status)).ms("latency_ms", a.Latency).text("error", a.Error)
	}
	l = l.string("policy", j.policy.Name).rule(&v.Rule).string("decision", v.Action.String())
	l = l.string("class", a.Class.String()).text("kind", a.Kind.String()).text("phase", a.Phase.String()).text("limit", a.Limit.String())
	l = l.text("why", v.Why)
	return e.measured(e.where(l, j), a)
}

// measured adds what was measured of an attempt.
func (e *engine) measured(l line, a *Attempt) line {
	l = l.int("latency_us", a.Latency.Microseconds()).int("wire_sends", int64(a.WireSends)).count("hops", int64(a.Hops))
	l = l.text("proto", a.Proto)
	if a.WireSends > 0 {
		if a.Reused {
			l = l.flag("conn_reused", true)
		} else {
			l = l.span("dns_ms", a.DNS).span("connect_ms", a.Connect).span("tls_ms", a.TLS)
		}
	}
	l = l.span("ttfb_ms", a.TTFB).span("waited_ms", a.Waited).span("queue_ms", a.Queued)
	l = l.count("bytes", a.Bytes).count("wire_bytes", a.WireBytes).text("sha256", a.SHA256).text("body_file", a.BodyFile)
	if a.RetryAfter.Found {
		l = l.seconds("retry_after_s", a.RetryAfter.Wait)
	}
	if a.Snippet != "" {
		l = l.string("snippet", a.Snippet[:min(len(a.Snippet), snippetLogged)])
	}
	l = l.text("location", a.Location)
	return l.flag("length_unverified", a.LengthUnverified).flag("match_incomplete", a.MatchIncomplete)
}

// final marks the last record of a URL.
func (e *engine) final(l line, j *job, a *Attempt, m *pace.Emit) line {
	v := &m.Verdict
	if v.Outcome.Postponed() {
		l = l.flag("postponed", true)
		if v.NotBefore > 0 {
			l = l.string("not_before", e.wall(v.NotBefore).UTC().Format(timestampLayout))
		}
	} else {
		l = l.flag("final", true)
	}
	l = l.string("outcome", v.Outcome.String())
	if v.Outcome != retry.OutcomeMaxRetries { // whose record begins with them: no name twice in an object
		l = l.int("attempts", int64(m.Attempt))
	}
	if status := finalStatus(a, m.Attempt); status != 0 {
		l = l.int("final_status", int64(status))
	}
	return l.hex32("url_fp", j.fingerprint.check())
}

// finalStatus is the status that the last attempt of a URL ended with, 0 if it
// had none.
func finalStatus(last *Attempt, attempts int) int {
	if attempts == 0 || last == nil || !last.hasStatus() {
		return 0
	}
	return last.Status
}

// calls appends the callbacks that belong to a decision, in the order of the
// records.
func (e *engine) calls(to []call, j *job, a *Attempt, m *pace.Emit, body []byte) []call {
	h := e.c.handler
	if h == nil {
		return to
	}
	v, url := &m.Verdict, j.raw // not redacted: the caller gave it to us
	add := func(method string, do func()) { to = append(to, call{method, do}) }
	other := func(name string) {
		if x := e.c.extended; x != nil {
			event := Event{Name: name, URL: url, Attempt: m.Attempt, Why: v.Why}
			to = append(to, call{"OnOther", func() { x.OnOther(event) }})
		}
	}
	if m.Attempted {
		n, status, latency := a.Number, a.Status, a.Latency
		switch v.Event {
		case "success":
			add("OnSuccess", func() { h.OnSuccess(url, status, body, latency) })
		case "client_error":
			beginning := []byte(a.Snippet)
			add("OnClientError", func() { h.OnClientError(url, status, beginning) })
		case "server_error":
			add("OnServerError", func() { h.OnServerError(url, status, n) })
		case "timeout":
			after := a.After
			add("OnTimeout", func() { h.OnTimeout(url, n, after) })
		case "connection_error":
			text := a.Error
			add("OnConnectionError", func() { h.OnConnectionError(url, n, text) })
		default:
			other(v.Event)
		}
		if e.isSlow(j, a) {
			add("OnSlowResponse", func() { h.OnSlowResponse(url, latency) })
		}
		if v.Event == "success" {
			for _, word := range a.Found {
				add("OnBodyMatch", func() { h.OnBodyMatch(url, word) })
			}
		}
	}
	switch name := v.Outcome.String(); {
	case v.Action == retry.Retry:
		next, wait, reason := m.Attempt+1, v.Wait, v.Reason
		add("OnRetry", func() { h.OnRetry(url, next, wait, reason) })
	case v.Outcome == retry.OutcomeMaxRetries:
		attempts, last := m.Attempt, a.LastError(a.Error)
		add("OnMaxRetries", func() { h.OnMaxRetries(url, attempts, last) })
	case !m.Attempted || v.Then != "":
		other(name)
	}
	return to
}
