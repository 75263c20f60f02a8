package retry

import (
	"fmt"
	"slices"
	"strings"
)

// Answer is what a policy does about a row.
type Answer uint8

// Answers.
const (
	Final   Answer = iota // the URL ends as this
	Again                 // retry, as often as allowed
	Once                  // one retry of this row, then the URL ends as this
	IfAsked               // retry only with Retry-After
	Stop                  // the caller is stopping
	Later                 // postpone to a later run
	Never                 // does not occur under this policy
)

// A Row is one line of the decision table R2: what happened, and what each
// policy does about it.
type Row struct {
	Number int
	Class  Class  // ClassNone: a condition that can meet any class
	Kinds  []Kind // none: every kind of the class that has no row of its own
	What   string // in words
	Event  string // of the log
	Reason string // of the retry event; the kind's or class's name
	Group  Group
	Health Health
	Spec   Answer
	Smart  Answer
	Cost   Tokens // of a retry, with a budget
	Fresh  bool   // the retry takes a fresh connection
	Note   string // what else smart does
	Why    string // the reason for the answer, for people
}

// Rows of conditions that can meet any class.
const (
	rowCancelled = 27
	rowDeadline  = 28
	rowHeld      = 29 // budget, breaker, cap: told apart by the rule's word
)

// table is what Decide runs and what `fetch policy` prints.
var table = []Row{
	{Number: 1, Class: ClassSuccess, What: "2xx, body whole", Event: "success", Health: Healthy,
		Spec: Final, Smart: Final, Why: "done"},
	{Number: 2, Class: ClassRedirect, What: "3xx not followed: 304, 300, no or bad Location, redirects off", Event: "redirect", Health: Healthy,
		Spec: Final, Smart: Final, Why: "the server has answered; the same request gets the same answer"},
	{Number: 3, Class: ClassRedirect, Kinds: []Kind{KindTooMany, KindBadTarget}, What: "hop limit, loop, target not http(s), forbidden downgrade", Event: "redirect", Health: Healthy,
		Spec: Final, Smart: Final, Why: "a loop does not end by walking it again"},
	{Number: 4, Class: ClassClientError, What: "400-499 except below", Event: "client_error", Health: Healthy,
		Spec: Final, Smart: Final, Why: "the request is at fault, and a repeat sends the same request"},
	{Number: 5, Class: ClassClientError, Kinds: []Kind{KindRateLimited}, What: "429 Too Many Requests", Event: "client_error", Reason: "rate_limited", Group: GroupRateLimited, Health: Healthy,
		Spec: Final, Smart: Again, Note: "through the origin's gate", Why: "the origin asks for a pause, not for an end"},
	{Number: 6, Class: ClassClientError, Kinds: []Kind{KindRequestTimeout}, What: "408 Request Timeout", Event: "client_error", Reason: "request_timeout", Health: Healthy,
		Spec: Final, Smart: Once, Cost: Token, Note: "not with Retry-After above 0", Why: "an idle connection was closed on us; twice in a row it is something else"},
	{Number: 7, Class: ClassClientError, Kinds: []Kind{KindTooEarly, KindMisdirected}, What: "425 Too Early, 421 Misdirected Request", Event: "client_error", Health: Healthy,
		Spec: Final, Smart: Once, Cost: Token, Fresh: true, Why: "the connection was at fault, not the request"},
	{Number: 8, Class: ClassClientError, Kinds: []Kind{KindPayload}, What: "413 Content Too Large", Event: "client_error", Reason: "payload", Health: Healthy,
		Spec: Final, Smart: IfAsked, Why: "too large stays too large unless the server says it is temporary"},
	{Number: 9, Class: ClassServerError, What: "5xx except below", Event: "server_error", Group: GroupServerError, Health: Unhealthy,
		Spec: Again, Smart: Again, Cost: Token, Note: "503 with Retry-After through the gate, cost 0", Why: "the server is in trouble, often briefly"},
	{Number: 10, Class: ClassServerError, Kinds: []Kind{KindPermanent}, What: "501 505 506 508 510 511", Event: "server_error", Reason: "server_error", Group: GroupServerError, Health: Healthy,
		Spec: Again, Smart: Final, Cost: Token, Why: "these say that the server cannot, not that it cannot now"},
	{Number: 11, Class: ClassInvalidStatus, What: "101, below 200 as a final answer", Event: "invalid_status", Health: Healthy,
		Spec: Final, Smart: Final, Why: "not an answer to a plain request"},
	{Number: 11, Class: ClassInvalidStatus, Kinds: []Kind{KindHigh}, What: "600 and above", Event: "invalid_status", Reason: "invalid_status", Health: Healthy,
		Spec: Final, Smart: Again, Cost: Token, Why: "made up by something in between, which may go away"},
	{Number: 12, Class: ClassTimeout, What: "a limit of ours fired", Event: "timeout", Group: GroupTimeout, Health: Unhealthy,
		Spec: Again, Smart: Again, Cost: 2 * Token, Why: "slow, overloaded or dead: one cannot know; the server may still be working on it, so it costs double"},
	{Number: 13, Class: ClassConnection, Kinds: []Kind{KindDNSNotFound}, What: "the name does not exist", Event: "connection_error", Group: GroupConnection,
		Spec: Again, Smart: Final, Cost: Token, Why: "an authority said no"},
	{Number: 14, Class: ClassConnection, Kinds: []Kind{KindDNS}, What: "other resolver failure", Event: "connection_error", Group: GroupConnection, Health: Unhealthy,
		Spec: Again, Smart: Again, Cost: Token, Why: "the resolver failed, the name may exist"},
	{Number: 15, Class: ClassConnection, Kinds: []Kind{KindRefused, KindReset, KindUnreachable}, What: "refused, reset, broken pipe, network or host unreachable", Event: "connection_error", Group: GroupConnection, Health: Unhealthy,
		Spec: Again, Smart: Again, Cost: Token, Why: "what a restart or a moving route looks like"},
	{Number: 16, Class: ClassConnection, Kinds: []Kind{KindEOF}, What: "closed before or inside the status line", Event: "connection_error", Group: GroupConnection, Health: Unhealthy,
		Spec: Again, Smart: Again, Cost: Token, Why: "the server hung up without an answer"},
	{Number: 17, Class: ClassConnection, Kinds: []Kind{KindCertificate}, What: "the certificate is not valid", Event: "connection_error", Group: GroupConnection,
		Spec: Again, Smart: Final, Cost: Token, Why: "it will not be valid in a second either"},
	{Number: 18, Class: ClassConnection, Kinds: []Kind{KindTLS}, What: "other TLS handshake failure", Event: "connection_error", Group: GroupConnection, Health: Unhealthy,
		Spec: Again, Smart: Again, Cost: Token, Why: "often a server that starts or drowns"},
	{Number: 19, Class: ClassConnection, Kinds: []Kind{KindPlainHTTP}, What: "an HTTP answer to HTTPS", Event: "connection_error", Group: GroupConnection,
		Spec: Again, Smart: Final, Cost: Token, Why: "the wrong port stays the wrong port"},
	{Number: 20, Class: ClassConnection, Kinds: []Kind{KindMalformed}, What: "malformed answer, differing Content-Lengths, header over the limit", Event: "connection_error", Group: GroupConnection, Health: Unhealthy,
		Spec: Again, Smart: Once, Cost: Token, Why: "once may be a broken connection, twice is a broken server"},
	{Number: 20, Class: ClassConnection, What: "an error that no other row describes", Event: "connection_error", Group: GroupConnection, Health: Unhealthy,
		Spec: Again, Smart: Once, Cost: Token, Why: "unknown: worth one try, not three"},
	{Number: 21, Class: ClassConnection, Kinds: []Kind{KindTruncated}, What: "body short of its length, cut chunk, reset in the body", Event: "connection_error", Group: GroupConnection, Health: Unhealthy,
		Spec: Again, Smart: Again, Cost: Token, Why: "the answer was on its way"},
	{Number: 22, Class: ClassConnection, Kinds: []Kind{KindH2, KindResendLimit}, What: "HTTP/2 stream error or GOAWAY, too many hidden resends", Event: "connection_error", Group: GroupConnection, Health: Unhealthy,
		Spec: Again, Smart: Again, Cost: Token, Why: "streams are refused while a server restarts"},
	{Number: 22, Class: ClassConnection, Kinds: []Kind{KindCalm}, What: "HTTP/2 ENHANCE_YOUR_CALM", Event: "connection_error", Group: GroupConnection, Health: Unhealthy,
		Spec: Again, Smart: Again, Cost: Token, Note: "closes the gate", Why: "HTTP/2's way to say 429"},
	{Number: 22, Class: ClassConnection, Kinds: []Kind{KindHTTP1Required}, What: "HTTP/2 HTTP_1_1_REQUIRED", Event: "connection_error", Group: GroupConnection, Health: Unhealthy,
		Spec: Again, Smart: Again, Cost: Token, Fresh: true, Note: "in HTTP/1.1, as everything else to this origin", Why: "the server said how"},
	{Number: 23, Class: ClassDecodeError, Kinds: []Kind{KindCut}, What: "body whole, but its compressed stream ends early", Event: "decode_error", Reason: "decode_error", Health: Healthy,
		Spec: Final, Smart: Once, Cost: Token, Why: "cut by something in between that hid it"},
	{Number: 23, Class: ClassDecodeError, What: "body whole, but not what its encoding says", Event: "decode_error", Health: Healthy,
		Spec: Final, Smart: Final, Why: "a wrong label stays wrong"},
	{Number: 24, Class: ClassTooLarge, What: "decoded size or ratio over the cap", Event: "too_large", Health: Healthy,
		Spec: Final, Smart: Final, Why: "it will be as large again"},
	{Number: 25, Class: ClassBadInput, What: "URL or header that cannot be sent", Event: "bad_input",
		Spec: Final, Smart: Final, Why: "nothing was sent, nothing will change"},
	{Number: 26, Class: ClassBlocked, What: "address denied by --deny-private", Event: "blocked",
		Spec: Final, Smart: Final, Why: "a rule of yours"},
	{Number: rowCancelled, Class: ClassCancelled, What: "the caller cancelled, or the run was stopped", Event: "cancelled",
		Spec: Stop, Smart: Stop, Why: "to be resumed"},
	{Number: rowDeadline, What: "the deadline has passed, or the next wait would pass it", Event: "deadline",
		Spec: Final, Smart: Final, Why: "a wait that cannot fit is not begun"},
	{Number: rowHeld, What: "the retry budget is empty", Event: "budget_exhausted",
		Spec: Never, Smart: Final, Why: "retries must not become the load that keeps a server down"},
	{Number: rowHeld, What: "the breaker is open past --breaker-patience", Event: "breaker_open",
		Spec: Never, Smart: Later, Why: "a list of dead hosts must end"},
	{Number: rowHeld, What: "the wait is longer than --retry-after-cap", Event: "parked",
		Spec: Never, Smart: Later, Why: "not in this run; --resume honours not_before"},
}

// rowOf gives the index in the table for a class and kind.
var rowOf = func() (index [len(classNames)][numKinds]uint8) {
	for i := range table {
		if r := &table[i]; len(r.Kinds) == 0 {
			for k := range index[r.Class] {
				index[r.Class][k] = uint8(i)
			}
		}
	}
	for i := range table {
		for _, k := range table[i].Kinds {
			index[table[i].Class][k] = uint8(i)
		}
	}
	return index
}()

// RowOf gives the row that decides about a class and kind.
func RowOf(c Class, k Kind) Row { return table[rowOf[c][k]] }

// Table gives the rows in their order. The caller may change the copy.
func Table() []Row {
	rows := slices.Clone(table)
	for i := range rows {
		rows[i].Kinds = slices.Clone(rows[i].Kinds)
	}
	return rows
}

// Answer is what the policy of this name does.
func (r *Row) Answer(policy string) Answer {
	if policy == NameSpec {
		return r.Spec
	}
	return r.Smart
}

// Says is the answer of the policy of this name in words: "retry, cost 2".
func (r *Row) Says(policy string) string {
	a := r.Answer(policy)
	words := []string{a.String()}
	if policy == NameSpec || a == Final || a >= Stop {
		return words[0]
	}
	if r.Fresh {
		words = append(words, "on a fresh connection")
	}
	if r.Note != "" {
		words = append(words, r.Note)
	}
	if r.Cost != Token {
		words = append(words, fmt.Sprintf("cost %d", r.Cost/Token))
	}
	return strings.Join(words, ", ")
}

// retryReason is the reason of a retry event.
func (r *Row) retryReason(k Kind) string {
	switch {
	case r.Reason != "":
		return r.Reason
	case r.Class == ClassClientError:
		return k.String()
	}
	return r.Event
}

// outcome is what a URL ends as whose last attempt met this row.
func (r *Row) outcome() Outcome { return outcomeOf[r.Class] }

var outcomeOf = [len(classNames)]Outcome{
	ClassSuccess: OutcomeSuccess, ClassRedirect: OutcomeRedirect, ClassClientError: OutcomeClientError,
	ClassServerError: OutcomeServerError, ClassInvalidStatus: OutcomeInvalidStatus, ClassTimeout: OutcomeTimeout,
	ClassConnection: OutcomeConnection, ClassDecodeError: OutcomeDecodeError, ClassTooLarge: OutcomeTooLarge,
	ClassBadInput: OutcomeBadInput, ClassBlocked: OutcomeBlocked, ClassCancelled: OutcomeCancelled,
}
