package retry_test

import (
	"strings"
	"testing"
	"time"

	"holdfast/fetch/retry"
)

// What becomes of a URL by the answers that it gets.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	const (
		success = retry.OutcomeSuccess
		client  = retry.OutcomeClientError
		server  = retry.OutcomeServerError
		spent   = retry.OutcomeMaxRetries
	)
	ok := status(200)
	fresh := func(a retry.Attempt) retry.Attempt { a.Kind = retry.KindTooEarly; return a }
	for _, c := range []struct {
		name        string
		script      []retry.Attempt
		spec, smart result
	}{
		{"503, 200", []retry.Attempt{status(503), ok}, result{success, 2}, result{success, 2}},
		{"404", []retry.Attempt{status(404)}, result{client, 1}, result{client, 1}},
		{"400", []retry.Attempt{status(400)}, result{client, 1}, result{client, 1}},
		{"501 for ever", []retry.Attempt{status(501)}, result{spent, 4}, result{server, 1}},
		{"408, 200", []retry.Attempt{status(408), ok}, result{client, 1}, result{success, 2}},
		{"429, 200", []retry.Attempt{status(429), ok}, result{client, 1}, result{success, 2}},
		{"500, 200", []retry.Attempt{status(500), ok}, result{success, 2}, result{success, 2}},
		{"502, 200", []retry.Attempt{status(502), ok}, result{success, 2}, result{success, 2}},
		{"504, 200", []retry.Attempt{status(504), ok}, result{success, 2}, result{success, 2}},
		{"522, 200", []retry.Attempt{status(522), ok}, result{success, 2}, result{success, 2}},
		{"524, 200", []retry.Attempt{status(524), ok}, result{success, 2}, result{success, 2}},
		{"599 for ever", []retry.Attempt{status(599)}, result{spent, 4}, result{spent, 4}},
		{"600, 200", []retry.Attempt{status(600), ok}, result{retry.OutcomeInvalidStatus, 1}, result{success, 2}},
		{"101", []retry.Attempt{status(101)}, result{retry.OutcomeInvalidStatus, 1}, result{retry.OutcomeInvalidStatus, 1}},
		{"0", []retry.Attempt{status(0)}, result{retry.OutcomeInvalidStatus, 1}, result{retry.OutcomeInvalidStatus, 1}},
		{"204", []retry.Attempt{status(204)}, result{success, 1}, result{success, 1}},
		{"304", []retry.Attempt{status(304)}, result{retry.OutcomeRedirect, 1}, result{retry.OutcomeRedirect, 1}},
		{"408 with Retry-After", []retry.Attempt{status(408, "Retry-After", "1"), ok}, result{client, 1}, result{client, 1}},
		{"408, 408", []retry.Attempt{status(408)}, result{client, 1}, result{client, 2}},
		{"408, 503, 408", []retry.Attempt{status(408), status(503), status(408)}, result{client, 1}, result{client, 3}},
		{"413", []retry.Attempt{status(413), ok}, result{client, 1}, result{client, 1}},
		{"413 with Retry-After 2, 200", []retry.Attempt{status(413, "Retry-After", "2"), ok}, result{client, 1}, result{success, 2}},
		{"425, 425", []retry.Attempt{status(425)}, result{client, 1}, result{client, 2}},
		{"425, 421", []retry.Attempt{status(425), status(421), ok}, result{client, 1}, result{client, 2}}, // one row, one retry
		{"408, 425, 200", []retry.Attempt{status(408), status(425), ok}, result{client, 1}, result{success, 3}},
		{"421, 200", []retry.Attempt{status(421), ok}, result{client, 1}, result{success, 2}},
		{"POST 500", []retry.Attempt{post(status(500)), ok}, result{server, 1}, result{server, 1}},
		{"POST 429", []retry.Attempt{post(status(429)), ok}, result{client, 1}, result{success, 2}},
		{"POST 408", []retry.Attempt{post(status(408)), ok}, result{client, 1}, result{success, 2}},
		{"POST 425", []retry.Attempt{post(fresh(status(425))), ok}, result{client, 1}, result{success, 2}},
		{"POST refused", []retry.Attempt{post(failure(retry.KindRefused)), ok}, result{success, 2}, result{success, 2}},
		{"POST timed out while sending", []retry.Attempt{post(timeout(retry.PhaseSend, retry.LimitIdle)), ok}, result{retry.OutcomeTimeout, 1}, result{retry.OutcomeTimeout, 1}},
		{"malformed for ever", []retry.Attempt{failure(retry.KindMalformed)}, result{spent, 4}, result{retry.OutcomeConnection, 2}},
		{"NXDOMAIN", []retry.Attempt{failure(retry.KindDNSNotFound)}, result{spent, 4}, result{retry.OutcomeConnection, 1}},
		{"timeout for ever", []retry.Attempt{timeout(retry.PhaseHeaders, retry.LimitHeaders)}, result{spent, 4}, result{spent, 4}},
	} {
		for i, p := range policies {
			want := []result{c.spec, c.smart}[i]
			if got := tries(t, p, c.script...).outcome(); got != want {
				t.Errorf("%s, %s: %v after %d, want %v after %d", c.name, p.Name, got.outcome, got.requests, want.outcome, want.requests)
			}
		}
	}
}

// n errors and then an answer, with 3 retries: n+1 requests, and none more
// than 4; and the wait is only where a retry follows.
func TestRetriesAreCounted(t *testing.T) {
	t.Parallel()
	for _, p := range policies {
		for n := range 6 {
			var script []retry.Attempt
			for range n {
				script = append(script, status(502))
			}
			r := tries(t, p, append(script, status(200))...)
			want := result{retry.OutcomeSuccess, n + 1}
			if n > 3 {
				want = result{retry.OutcomeMaxRetries, 4}
			}
			if got := r.outcome(); got != want {
				t.Errorf("%s: %d errors: %v", p.Name, n, got)
			}
			if v := r.last(); v.Wait != 0 || v.Cost != 0 {
				t.Errorf("%s: %d errors: a wait of %v after the last", p.Name, n, v.Wait)
			}
			if r.state.Attempts != r.requests() {
				t.Errorf("%s: %d attempts counted, %d made", p.Name, r.state.Attempts, r.requests())
			}
		}
		p.Retries = 0
		r := tries(t, p, status(503))
		if v := r.last(); r.outcome() != (result{retry.OutcomeMaxRetries, 1}) || v.Then != "max_retries" || v.Event != "server_error" {
			t.Errorf("%s, no retries: %+v", p.Name, v)
		}
		p.Retries = 2
		if got := tries(t, p, status(502)).outcome(); got != (result{retry.OutcomeMaxRetries, 3}) {
			t.Errorf("%s, 2 retries: %v", p.Name, got)
		}
	}
}

// Both allowances must allow.
func TestRetriesFor(t *testing.T) {
	t.Parallel()
	p := retry.Spec()
	p.RetriesFor[retry.GroupServerError] = 1
	p.RetriesFor[retry.GroupTimeout] = 0
	for _, c := range []struct {
		script []retry.Attempt
		want   result
	}{
		{[]retry.Attempt{status(500)}, result{retry.OutcomeMaxRetries, 2}},
		{[]retry.Attempt{timeout(retry.PhaseBody, retry.LimitAttempt)}, result{retry.OutcomeMaxRetries, 1}},
		{[]retry.Attempt{failure(retry.KindReset)}, result{retry.OutcomeMaxRetries, 4}},
		{[]retry.Attempt{status(500), failure(retry.KindReset), status(500)}, result{retry.OutcomeMaxRetries, 3}},
		{[]retry.Attempt{failure(retry.KindReset), failure(retry.KindReset), status(500), status(500)}, result{retry.OutcomeMaxRetries, 4}},
	} {
		if got := tries(t, p, c.script...).outcome(); got != c.want {
			t.Errorf("%v: %v after %d", c.script[0].Class, got.outcome, got.requests)
		}
	}
}

func TestWhyNot(t *testing.T) {
	t.Parallel()
	smart := retry.Smart()
	if v := tries(t, smart, post(status(500))).last(); v.Why != retry.WhyNotIdempotent || v.Then != "" {
		t.Errorf("%+v", v)
	}
	once := status(500)
	once.Unreplayable = true
	if v := tries(t, smart, once).last(); v.Why != retry.WhyUnreplayable || v.Outcome != retry.OutcomeServerError {
		t.Errorf("%+v", v)
	}
	if v := tries(t, smart, status(413)).last(); v.Why != retry.WhyNotAsked {
		t.Errorf("%+v", v)
	}
	if v := tries(t, smart, status(425)).last(); v.Why != retry.WhySecond {
		t.Errorf("%+v", v)
	}
	if v := tries(t, smart, status(503)).last(); v.Why != retry.WhyRetriesUsed {
		t.Errorf("%+v", v)
	}
	bad := tries(t, smart, retry.Attempt{Class: retry.ClassBadInput})
	if bad.state.Attempts != 0 {
		t.Errorf("a URL that cannot be sent counts %d attempts", bad.state.Attempts)
	}
}

// x-should-retry decides only where it is heeded.
func TestServerHint(t *testing.T) {
	t.Parallel()
	stop, again := status(503), status(404)
	stop.ServerHint, again.ServerHint = retry.HintStop, retry.HintRetry
	p := retry.Smart()
	if got := tries(t, p, stop).requests(); got != 4 {
		t.Errorf("not heeded: %d requests", got)
	}
	p.ServerHint = true
	if r := tries(t, p, stop); r.outcome() != (result{retry.OutcomeServerError, 1}) || r.last().Why != retry.WhyServerHint {
		t.Errorf("%+v", r.last())
	}
	if got := tries(t, p, again, status(200)).outcome(); got != (result{retry.OutcomeSuccess, 2}) {
		t.Errorf("%v", got)
	}
	post := post(again)
	if got := tries(t, p, post, status(200)).outcome(); got != (result{retry.OutcomeClientError, 1}) {
		t.Errorf("a hint made a POST be repeated: %v", got)
	}
}

func TestHowToRetry(t *testing.T) {
	t.Parallel()
	p := retry.Smart()
	if v := tries(t, p, status(425)).verdicts[0]; !v.FreshConn {
		t.Error("425 is retried on a used connection")
	}
	if v := tries(t, p, status(503)).verdicts[0]; v.FreshConn || v.ForceHTTP1 {
		t.Error("503 asks for a fresh connection")
	}
	r := tries(t, p, failure(retry.KindHTTP1Required), status(503), status(200))
	if !r.verdicts[0].ForceHTTP1 || !r.verdicts[1].ForceHTTP1 {
		t.Error("HTTP/1.1 was forgotten")
	}
	if v := tries(t, p, failure(retry.KindCalm)).verdicts[0]; v.CloseGate == 0 {
		t.Error("ENHANCE_YOUR_CALM does not close the gate")
	}
}

// The reason of a retry is what the log says.
func TestReasons(t *testing.T) {
	t.Parallel()
	for reason, a := range map[string]retry.Attempt{
		"server_error":     status(503),
		"timeout":          timeout(retry.PhaseDNS, retry.LimitAttempt),
		"connection_error": failure(retry.KindTruncated),
		"rate_limited":     status(429),
		"request_timeout":  status(408),
		"too_early":        status(425),
		"misdirected":      status(421),
		"payload":          status(413, "Retry-After", "1"),
		"invalid_status":   status(777),
		"decode_error":     {Class: retry.ClassDecodeError, Kind: retry.KindCut, Idempotent: true},
	} {
		if v := tries(t, retry.Smart(), a, status(200)).verdicts[0]; v.Reason != reason {
			t.Errorf("%v %v: %q", a.Class, a.Kind, v.Reason)
		}
	}
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	for _, p := range policies {
		env := retry.Env{Now: 9 * time.Second, U: 0.5, Remaining: retry.Forever, Budget: retry.Unlimited}
		s := retry.State{Deadline: 9*time.Second + 40*time.Millisecond}
		_, v := retry.Decide(&p, s, status(503), env)
		if v.Outcome != retry.OutcomeDeadline || v.Action != retry.Done || v.Event != "server_error" || v.Then != "deadline" || v.Rule.Row != 28 {
			t.Errorf("%s: %+v", p.Name, v)
		}
		if !strings.Contains(v.Why, "wait of") || !strings.Contains(v.Why, "40ms") {
			t.Errorf("%s: why: %s", p.Name, v.Why)
		}
		cut := timeout(retry.PhaseBody, retry.LimitDeadline)
		env.Now = s.Deadline
		_, v = retry.Decide(&p, s, cut, env)
		if v.Outcome != retry.OutcomeDeadline || v.Event != "timeout" || v.Health != retry.HealthUnknown {
			t.Errorf("%s: cut by the deadline: %+v", p.Name, v)
		}
		s.Attempts = 3
		if _, v = retry.Decide(&p, s, cut, env); v.Outcome != retry.OutcomeDeadline {
			t.Errorf("%s: cut by the deadline with no retry left: %+v", p.Name, v)
		}
		env = retry.Env{Now: time.Second, U: 0.5, Remaining: time.Millisecond, Budget: retry.Unlimited}
		if _, v = retry.Decide(&p, retry.State{}, status(503), env); v.Action != retry.Postpone || v.Outcome != retry.OutcomeCancelled {
			t.Errorf("%s: the run's deadline: %+v", p.Name, v)
		}
		env.Remaining = retry.Forever
		if _, v = retry.Decide(&p, retry.State{Deadline: time.Minute}, status(503), env); v.Action != retry.Retry {
			t.Errorf("%s: a wait that fits: %+v", p.Name, v)
		}
	}
}

func TestBudgetAndBreakerHold(t *testing.T) {
	t.Parallel()
	p := retry.Smart()
	env := retry.Env{U: 0.5, Remaining: retry.Forever, Budget: retry.Token}
	_, v := retry.Decide(&p, retry.State{}, status(503), env)
	if v.Action != retry.Retry || v.Cost != retry.Token {
		t.Errorf("%+v", v)
	}
	_, v = retry.Decide(&p, retry.State{}, timeout(retry.PhaseBody, retry.LimitIdle), env)
	if v.Action != retry.Done || v.Outcome != retry.OutcomeBudgetExhausted || v.Event != "timeout" || v.Wait != 0 {
		t.Errorf("a timeout costs 2: %+v", v)
	}
	env.Budget = 0
	if _, v = retry.Decide(&p, retry.State{}, status(429), env); v.Action != retry.Retry || v.Cost != 0 {
		t.Errorf("a wait that the server asked for costs nothing: %+v", v)
	}
	if _, v = retry.Decide(&p, retry.State{}, status(503, "Retry-After", "1"), env); v.Action != retry.Retry || v.Cost != 0 {
		t.Errorf("a wait that the server asked for costs nothing: %+v", v)
	}
	env.BreakerOpen = true
	if _, v = retry.Decide(&p, retry.State{}, status(503), env); v.Action != retry.Postpone || v.Outcome != retry.OutcomeBreakerOpen {
		t.Errorf("%+v", v)
	}
	if _, v = retry.Decide(&p, retry.State{}, status(200), env); v.Outcome != retry.OutcomeSuccess {
		t.Errorf("%+v", v)
	}
	p = retry.Spec()
	if _, v = retry.Decide(&p, retry.State{}, status(503), env); v.Action != retry.Retry || v.Cost != 0 {
		t.Errorf("spec knows no budget: %+v", v)
	}
}

// A retry that succeeds gets back what it cost.
func TestRefund(t *testing.T) {
	t.Parallel()
	p := retry.Smart()
	if r := tries(t, p, timeout(retry.PhaseBody, retry.LimitIdle), status(200)); r.last().Refund != 2*retry.Token {
		t.Errorf("%+v", r.last())
	}
	if r := tries(t, p, status(503), status(404)); r.last().Refund != 0 {
		t.Errorf("%+v", r.last())
	}
	if r := tries(t, p, status(200)); r.last().Refund != 0 {
		t.Errorf("a first attempt is refunded: %+v", r.last())
	}
}

func TestLastError(t *testing.T) {
	t.Parallel()
	reset := failure(retry.KindReset)
	for want, a := range map[string]retry.Attempt{
		"HTTP 503":                   status(503),
		"timeout after 5s (headers)": timeout(retry.PhaseHeaders, retry.LimitAttempt),
		"timeout after 5s (speed)":   timeout(retry.PhaseNone, retry.LimitSpeed),
		"reset: by peer":             reset,
	} {
		if got := a.LastError("by peer"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := reset.LastError(""); got != "reset" {
		t.Error(got)
	}
}

func TestPut(t *testing.T) {
	t.Parallel()
	p := retry.Smart()
	for o, action := range map[retry.Outcome]retry.Action{
		retry.OutcomeParked: retry.Postpone, retry.OutcomeBreakerOpen: retry.Postpone, retry.OutcomeCancelled: retry.Postpone,
		retry.OutcomeNotStarted: retry.Postpone, retry.OutcomeDeadline: retry.Done,
	} {
		if v := retry.Put(&p, o, time.Second, "so"); v.Outcome != o || v.Action != action || v.Rule.Row < 27 || v.Why != "so" || v.NotBefore != time.Second {
			t.Errorf("%+v", v)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a URL was a success without an attempt")
		}
	}()
	retry.Put(&p, retry.OutcomeSuccess, 0, "")
}
