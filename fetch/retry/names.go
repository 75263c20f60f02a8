package retry

// The names below are what the log, the flags and the summary say. They are
// part of the file formats: never change one.

var classNames = [...]string{"", "success", "redirect", "client_error", "server_error", "invalid_status", "timeout",
	"connection", "decode_error", "too_large", "bad_input", "blocked", "cancelled"}

var kindNames = [...]string{"",
	"too_many", "bad_target",
	"rate_limited", "request_timeout", "too_early", "misdirected", "payload",
	"permanent",
	"high",
	"dns_not_found", "dns", "refused", "reset", "unreachable", "eof", "certificate", "tls", "plain_http", "malformed",
	"truncated", "h2", "enhance_your_calm", "http_1_1_required", "resend_limit", "other",
	"cut", "garbage"}

var phaseNames = [...]string{"", "dns", "connect", "tls", "send", "headers", "body"}

var limitNames = [...]string{"", "attempt", "connect", "tls", "headers", "idle", "speed", "deadline"}

var outcomeNames = [...]string{"", "success", "client_error", "redirect", "invalid_status", "server_error", "timeout",
	"connection", "max_retries", "too_large", "decode_error", "bad_input", "blocked", "deadline", "budget_exhausted",
	"parked", "breaker_open", "cancelled", "not_started"}

var groupNames = [...]string{"other", "server_error", "timeout", "connection", "rate_limited"}

var jitterNames = [...]string{"none", "additive", "full", "equal", "decorrelated"}

var actionNames = [...]string{"done", "retry", "postpone"}

var answerNames = [...]string{"final", "retry", "one retry", "retry if asked to", "stop", "postpone", "-"}

// String gives the name that the log uses; "" for ClassNone.
func (c Class) String() string { return classNames[c] }

// String gives the name that the log uses; "" for KindNone.
func (k Kind) String() string { return kindNames[k] }

// String gives the name that the log uses; "" for PhaseNone.
func (p Phase) String() string { return phaseNames[p] }

// String gives the name that the log uses; "" for LimitNone.
func (l Limit) String() string { return limitNames[l] }

// String gives the name that the log uses; "" for OutcomeNone.
func (o Outcome) String() string { return outcomeNames[o] }

// String gives the name that --retries-for uses.
func (g Group) String() string { return groupNames[g] }

// String gives the name that --jitter uses.
func (j JitterMode) String() string { return jitterNames[j] }

// String gives done, retry or postpone.
func (a Action) String() string { return actionNames[a] }

// String gives the answer in words.
func (a Answer) String() string { return answerNames[a] }

// ParseClass is the inverse of [Class.String].
func ParseClass(name string) (Class, bool) { return parse[Class](classNames[:], name) }

// ParseKind is the inverse of [Kind.String].
func ParseKind(name string) (Kind, bool) { return parse[Kind](kindNames[:], name) }

// ParsePhase is the inverse of [Phase.String].
func ParsePhase(name string) (Phase, bool) { return parse[Phase](phaseNames[:], name) }

// ParseLimit is the inverse of [Limit.String].
func ParseLimit(name string) (Limit, bool) { return parse[Limit](limitNames[:], name) }

// ParseOutcome is the inverse of [Outcome.String].
func ParseOutcome(name string) (Outcome, bool) { return parse[Outcome](outcomeNames[:], name) }

// ParseGroup is the inverse of [Group.String] for the groups that have a flag.
func ParseGroup(name string) (Group, bool) {
	g, ok := parse[Group](groupNames[:], name)
	return g, ok && g != GroupOther
}

// ParseJitter is the inverse of [JitterMode.String].
func ParseJitter(name string) (JitterMode, bool) { return parse[JitterMode](jitterNames[:], name) }

// ParseAction is the inverse of [Action.String].
func ParseAction(name string) (Action, bool) { return parse[Action](actionNames[:], name) }

func parse[T ~uint8](names []string, name string) (T, bool) {
	for i, n := range names {
		if n == name {
			return T(i), true
		}
	}
	return 0, false
}
