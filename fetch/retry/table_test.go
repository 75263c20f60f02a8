package retry_test

import (
	"fmt"
	"testing"

	"holdfast/fetch/retry"
)

// kinds are the kinds that each class can have.
var kinds = map[retry.Class][]retry.Kind{
	retry.ClassSuccess:       {retry.KindNone},
	retry.ClassRedirect:      {retry.KindNone, retry.KindTooMany, retry.KindBadTarget},
	retry.ClassClientError:   {retry.KindNone, retry.KindRateLimited, retry.KindRequestTimeout, retry.KindTooEarly, retry.KindMisdirected, retry.KindPayload},
	retry.ClassServerError:   {retry.KindNone, retry.KindPermanent},
	retry.ClassInvalidStatus: {retry.KindNone, retry.KindHigh},
	retry.ClassTimeout:       {retry.KindNone},
	retry.ClassConnection: {
		retry.KindDNSNotFound, retry.KindDNS, retry.KindRefused, retry.KindReset, retry.KindUnreachable, retry.KindEOF, retry.KindCertificate,
		retry.KindTLS, retry.KindPlainHTTP, retry.KindMalformed, retry.KindTruncated, retry.KindH2, retry.KindCalm, retry.KindHTTP1Required,
		retry.KindResendLimit, retry.KindOther,
	},
	retry.ClassDecodeError: {retry.KindCut, retry.KindGarbage},
	retry.ClassTooLarge:    {retry.KindNone},
	retry.ClassBadInput:    {retry.KindNone},
	retry.ClassBlocked:     {retry.KindNone},
	retry.ClassCancelled:   {retry.KindNone},
}

// Every class and kind has exactly one row, that of its class, and every row
// with a class is reached.
func TestTableIsTotal(t *testing.T) {
	t.Parallel()
	reached := map[string]bool{}
	claims := map[string]int{}
	for _, r := range retry.Table() {
		for _, k := range r.Kinds {
			claims[fmt.Sprint(r.Class, k)]++
		}
		if len(r.Kinds) == 0 && r.Class != retry.ClassNone {
			claims[r.Class.String()]++
		}
		if r.What == "" || r.Event == "" || r.Why == "" {
			t.Errorf("row %d does not explain itself", r.Number)
		}
	}
	for c, n := range claims {
		if n != 1 {
			t.Errorf("%s has %d rows", c, n)
		}
	}
	for c, ks := range kinds {
		for _, k := range ks {
			r := retry.RowOf(c, k)
			if r.Class != c {
				t.Errorf("%v %v is row %d, of class %v", c, k, r.Number, r.Class)
			}
			reached[r.What] = true
		}
	}
	for _, r := range retry.Table() {
		if r.Class != retry.ClassNone && !reached[r.What] {
			t.Errorf("row %d, %s, is never reached", r.Number, r.What)
		}
	}
}

// What each row answers, written down a second time: class, kind, number, and
// per policy the answer.
func TestTableRows(t *testing.T) {
	t.Parallel()
	const final, again, once, asked, stop = retry.Final, retry.Again, retry.Once, retry.IfAsked, retry.Stop
	seen := 0
	for _, w := range []struct {
		class       string
		kind        string
		row         int
		spec, smart retry.Answer
		cost        retry.Tokens
		health      retry.Health
	}{
		{"success", "", 1, final, final, 0, retry.Healthy},
		{"redirect", "", 2, final, final, 0, retry.Healthy},
		{"redirect", "too_many", 3, final, final, 0, retry.Healthy},
		{"redirect", "bad_target", 3, final, final, 0, retry.Healthy},
		{"client_error", "", 4, final, final, 0, retry.Healthy},
		{"client_error", "rate_limited", 5, final, again, 0, retry.Healthy},
		{"client_error", "request_timeout", 6, final, once, 1, retry.Healthy},
		{"client_error", "too_early", 7, final, once, 1, retry.Healthy},
		{"client_error", "misdirected", 7, final, once, 1, retry.Healthy},
		{"client_error", "payload", 8, final, asked, 0, retry.Healthy},
		{"server_error", "", 9, again, again, 1, retry.Unhealthy},
		{"server_error", "permanent", 10, again, final, 1, retry.Healthy},
		{"invalid_status", "", 11, final, final, 0, retry.Healthy},
		{"invalid_status", "high", 11, final, again, 1, retry.Healthy},
		{"timeout", "", 12, again, again, 2, retry.Unhealthy},
		{"connection", "dns_not_found", 13, again, final, 1, retry.HealthUnknown},
		{"connection", "dns", 14, again, again, 1, retry.Unhealthy},
		{"connection", "refused", 15, again, again, 1, retry.Unhealthy},
		{"connection", "reset", 15, again, again, 1, retry.Unhealthy},
		{"connection", "unreachable", 15, again, again, 1, retry.Unhealthy},
		{"connection", "eof", 16, again, again, 1, retry.Unhealthy},
		{"connection", "certificate", 17, again, final, 1, retry.HealthUnknown},
		{"connection", "tls", 18, again, again, 1, retry.Unhealthy},
		{"connection", "plain_http", 19, again, final, 1, retry.HealthUnknown},
		{"connection", "malformed", 20, again, once, 1, retry.Unhealthy},
		{"connection", "other", 20, again, once, 1, retry.Unhealthy},
		{"connection", "truncated", 21, again, again, 1, retry.Unhealthy},
		{"connection", "h2", 22, again, again, 1, retry.Unhealthy},
		{"connection", "enhance_your_calm", 22, again, again, 1, retry.Unhealthy},
		{"connection", "http_1_1_required", 22, again, again, 1, retry.Unhealthy},
		{"connection", "resend_limit", 22, again, again, 1, retry.Unhealthy},
		{"decode_error", "cut", 23, final, once, 1, retry.Healthy},
		{"decode_error", "garbage", 23, final, final, 0, retry.Healthy},
		{"too_large", "", 24, final, final, 0, retry.Healthy},
		{"bad_input", "", 25, final, final, 0, retry.HealthUnknown},
		{"blocked", "", 26, final, final, 0, retry.HealthUnknown},
		{"cancelled", "", 27, stop, stop, 0, retry.HealthUnknown},
	} {
		c, ok := retry.ParseClass(w.class)
		k, ok2 := retry.ParseKind(w.kind)
		if !ok || !ok2 {
			t.Fatalf("no such class or kind: %s %s", w.class, w.kind)
		}
		seen++
		r := retry.RowOf(c, k)
		if r.Number != w.row || r.Spec != w.spec || r.Smart != w.smart || r.Cost != w.cost*retry.Token || r.Health != w.health {
			t.Errorf("%s %s: row %d, spec %v, smart %v, cost %d, health %d", w.class, w.kind, r.Number, r.Spec, r.Smart, r.Cost/retry.Token, r.Health)
		}
	}
	all := 0
	for _, ks := range kinds {
		all += len(ks)
	}
	if seen != all {
		t.Errorf("%d of %d classes and kinds are written down", seen, all)
	}
}

// Every row decides as its answer says, under both policies: what happens the
// first time, and where the URL ends if it always happens.
func TestEveryRowDecides(t *testing.T) {
	t.Parallel()
	for _, p := range policies {
		for c, ks := range kinds {
			for _, k := range ks {
				a := retry.Attempt{Class: c, Kind: k, Idempotent: true}
				row := retry.RowOf(c, k)
				want := map[retry.Answer]result{
					retry.Final:   {0, 1},
					retry.Stop:    {0, 1},
					retry.IfAsked: {0, 1},
					retry.Again:   {retry.OutcomeMaxRetries, 4},
					retry.Once:    {0, 2},
				}[row.Answer(p.Name)]
				if want.outcome == 0 {
					want.outcome, _ = retry.ParseOutcome(c.String())
				}
				r := tries(t, p, a)
				if got := r.outcome(); got != want {
					t.Errorf("%s: %v %v ends as %v after %d, want %v after %d", p.Name, c, k, got.outcome, got.requests, want.outcome, want.requests)
				}
				for i, v := range r.verdicts {
					if v.Rule.Policy != p.Name || v.Rule.Row != row.Number || v.Rule.Word != k.String() {
						t.Errorf("%s: %v %v: rule %v", p.Name, c, k, v.Rule)
					}
					if v.Health != row.Health {
						t.Errorf("%s: %v %v: health %v", p.Name, c, k, v.Health)
					}
					retried := i < len(r.verdicts)-1
					event := row.Event
					if retried && event == "client_error" {
						event = "transient_client_error"
					}
					if v.Event != event {
						t.Errorf("%s: %v %v, attempt %d: event %s, want %s", p.Name, c, k, i+1, v.Event, event)
					}
					if retried != (v.Then == "retry") || retried != (v.Reason != "") {
						t.Errorf("%s: %v %v, attempt %d: then %q, reason %q", p.Name, c, k, i+1, v.Then, v.Reason)
					}
				}
			}
		}
	}
}

// The names of everything are distinct, parse back and belong to no two things.
func TestNames(t *testing.T) {
	t.Parallel()
	for c := retry.ClassNone; c <= retry.ClassCancelled; c++ {
		back(t, c, retry.ParseClass)
	}
	for k := retry.KindNone; k <= retry.KindGarbage; k++ {
		back(t, k, retry.ParseKind)
	}
	for p := retry.PhaseNone; p <= retry.PhaseBody; p++ {
		back(t, p, retry.ParsePhase)
	}
	for l := retry.LimitNone; l <= retry.LimitDeadline; l++ {
		back(t, l, retry.ParseLimit)
	}
	for o := retry.OutcomeNone; o <= retry.OutcomeNotStarted; o++ {
		back(t, o, retry.ParseOutcome)
	}
	for g := retry.GroupServerError; g < retry.NumGroups; g++ {
		back(t, g, retry.ParseGroup)
	}
	for j := retry.JitterNone; j <= retry.JitterDecorrelated; j++ {
		back(t, j, retry.ParseJitter)
	}
	for a := retry.Done; a <= retry.Postpone; a++ {
		back(t, a, retry.ParseAction)
	}
	if _, ok := retry.ParseClass("503"); ok {
		t.Error("503 is a class")
	}
	if _, ok := retry.ParseGroup("other"); ok {
		t.Error("the group of everything else has a flag")
	}
}

func back[T interface {
	comparable
	fmt.Stringer
}](t *testing.T, v T, parse func(string) (T, bool)) {
	t.Helper()
	if got, ok := parse(v.String()); !ok || got != v {
		t.Errorf("%v parses as %v, %v", v, got, ok)
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	for _, p := range policies {
		for c, ks := range kinds {
			for _, k := range ks {
				v := tries(t, p, retry.Attempt{Class: c, Kind: k, Idempotent: true}).last()
				back, err := retry.ParseRule(v.Rule.String())
				if err != nil || back != v.Rule {
					t.Errorf("%v parses as %v, %v", v.Rule, back, err)
				}
				if row, ok := retry.RuleRow(back); !ok || row.What != retry.RowOf(c, k).What {
					t.Errorf("%v is about %q", v.Rule, row.What)
				}
			}
		}
	}
	for _, bad := range []string{"", "smart", "smart.", "smart.x", "smart.0", "smart.30", "wise.9"} {
		if _, err := retry.ParseRule(bad); err == nil {
			t.Errorf("%q is a rule", bad)
		}
	}
	if got := tries(t, retry.Smart(), status(501)).last().Rule.String(); got != "smart.10.permanent" {
		t.Error(got)
	}
	if got := tries(t, retry.Spec(), status(503)).last().Rule.String(); got != "spec.9" {
		t.Error(got)
	}
}

func TestDecidePanicsOnNothing(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("an attempt that ended as nothing was decided about")
		}
	}()
	tries(t, retry.Spec(), retry.Attempt{})
}
