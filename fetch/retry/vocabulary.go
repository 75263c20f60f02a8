package retry

// Class is what an attempt ended as. Every attempt has exactly one.
type Class uint8

// Classes.
const (
	ClassNone          Class = iota
	ClassSuccess             // 2xx and the body whole
	ClassRedirect            // a 3xx that is not followed
	ClassClientError         // 4xx
	ClassServerError         // 5xx
	ClassInvalidStatus       // 101, below 100, above 599
	ClassTimeout             // a limit of ours fired
	ClassConnection          // DNS, dial, TLS, HTTP framing, a body cut short
	ClassDecodeError         // the body came whole but cannot be decoded
	ClassTooLarge            // decoded size or ratio over the cap
	ClassBadInput            // the URL cannot be sent at all
	ClassBlocked             // the address is denied
	ClassCancelled           // the caller gave up
)

// Kind narrows a class down. Its names are unique over all classes.
type Kind uint8

// Kinds, by the class that they belong to.
const (
	KindNone Kind = iota

	KindTooMany   // redirect: hop limit or loop
	KindBadTarget // redirect: scheme not http(s), or a forbidden downgrade

	KindRateLimited    // client_error: 429
	KindRequestTimeout // 408
	KindTooEarly       // 425
	KindMisdirected    // 421
	KindPayload        // 413

	KindPermanent // server_error: 501 505 506 508 510 511

	KindHigh // invalid_status: 600 and above

	KindDNSNotFound // connection: the name does not exist
	KindDNS         // the resolver failed
	KindRefused
	KindReset
	KindUnreachable
	KindEOF // closed before or inside the status line
	KindCertificate
	KindTLS
	KindPlainHTTP     // an HTTP answer to HTTPS
	KindMalformed     // an answer that is not HTTP, or a header over the limit
	KindTruncated     // the body broke off
	KindH2            // HTTP/2 stream error or GOAWAY
	KindCalm          // HTTP/2 ENHANCE_YOUR_CALM
	KindHTTP1Required // HTTP/2 HTTP_1_1_REQUIRED
	KindResendLimit   // net/http repeated the request too often
	KindOther         // an error that nothing above describes

	KindCut     // decode_error: the compressed stream ends early
	KindGarbage // decode_error: it is not what it claims to be

	numKinds
)

// Phase is what an attempt was doing when it ended.
type Phase uint8

// Phases, in their order.
const (
	PhaseNone Phase = iota
	PhaseDNS
	PhaseConnect
	PhaseTLS
	PhaseSend
	PhaseHeaders
	PhaseBody
)

// Limit is which of our limits ended an attempt.
type Limit uint8

// Limits.
const (
	LimitNone     Limit = iota
	LimitAttempt        // --timeout
	LimitConnect        // --connect-timeout
	LimitTLS            // --tls-timeout
	LimitHeaders        // --header-timeout
	LimitIdle           // --idle-timeout
	LimitSpeed          // --min-speed
	LimitDeadline       // what was left of --deadline or --run-deadline
)

// Outcome is what a URL ended as.
type Outcome uint8

// Outcomes. From OutcomeParked on they are postponed: not finished, resumable.
const (
	OutcomeNone Outcome = iota
	OutcomeSuccess
	OutcomeClientError
	OutcomeRedirect
	OutcomeInvalidStatus
	OutcomeServerError
	OutcomeTimeout
	OutcomeConnection
	OutcomeMaxRetries
	OutcomeTooLarge
	OutcomeDecodeError
	OutcomeBadInput
	OutcomeBlocked
	OutcomeDeadline
	OutcomeBudgetExhausted
	OutcomeParked
	OutcomeBreakerOpen
	OutcomeCancelled
	OutcomeNotStarted
)

// Hint is the opt-in x-should-retry of a server.
type Hint uint8

// Hints.
const (
	HintNone Hint = iota
	HintRetry
	HintStop
)

// Group is what retries are limited by separately: --retries-for.
type Group uint8

// Groups. GroupOther has no flag.
const (
	GroupOther Group = iota
	GroupServerError
	GroupTimeout
	GroupConnection
	GroupRateLimited
	NumGroups
)

// Postponed reports whether a URL with this outcome is not finished and goes
// on in a later run.
func (o Outcome) Postponed() bool { return o >= OutcomeParked }
