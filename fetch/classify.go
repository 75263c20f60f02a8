package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"strings"
	"syscall"

	"holdfast/fetch/retry"
)

// A limitError is the cause with which an attempt is cancelled when one of our
// limits fires.
type limitError struct{ limit retry.Limit }

func (e *limitError) Error() string { return "the limit " + e.limit.String() + " has passed" }

// Causes with which an attempt is cancelled beside limitError.
var (
	errResendLimit = errors.New("the request was repeated below us more often than --max-wire-sends allows")
	errDrained     = errors.New("the rest of the body is not wanted")
)

// classify says what an error of an attempt means (R2). Its questions are asked
// in an order that matters: the caller's own end, then our limits, then typed
// errors, then timeouts of the system, then how the stream ended, and texts
// last. errors.Is(err, context.DeadlineExceeded) proves nothing: a dial
// timeout, a header timeout and the caller's deadline all match.
//
// The phase is what was going on.
func classify(caller error, cause error, err error, phase retry.Phase) (retry.Class, retry.Kind, retry.Limit) {
	var limit *limitError
	var blocked *BlockedError
	switch {
	case caller != nil:
		return retry.ClassCancelled, retry.KindNone, retry.LimitNone
	case errors.As(cause, &limit):
		return retry.ClassTimeout, retry.KindNone, limit.limit
	case cause == errResendLimit:
		return retry.ClassConnection, retry.KindResendLimit, retry.LimitNone
	case errors.As(err, &blocked):
		return retry.ClassBlocked, retry.KindNone, retry.LimitNone
	}
	if kind := typed(err, phase); kind != retry.KindNone {
		return retry.ClassConnection, kind, retry.LimitNone
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return retry.ClassTimeout, retry.KindNone, retry.LimitNone
	}
	return retry.ClassConnection, untyped(err, phase), retry.LimitNone
}

// streamError has the fields of net/http's own HTTP/2 stream error, which lets
// itself be read as any type that has them.
type streamError struct {
	StreamID uint32
	Code     h2Code
	Cause    error
}

func (e streamError) Error() string { return "stream error" }

// h2Code is an HTTP/2 error code (RFC 9113, section 7).
type h2Code uint32

const (
	h2RefusedStream   h2Code = 0x7
	h2EnhanceYourCalm h2Code = 0xb
	h2HTTP11Required  h2Code = 0xd
)

// typed looks for error values that leave no doubt.
func typed(err error, phase retry.Phase) retry.Kind {
	var dns *net.DNSError
	var stream streamError
	var protocol textproto.ProtocolError
	var header tls.RecordHeaderError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return retry.KindDNSNotFound
	case errors.As(err, &dns) && !dns.IsTimeout:
		return retry.KindDNS
	case errors.As(err, &stream):
		return streamKind(stream.Code)
	case isCertificate(err):
		return retry.KindCertificate
	case errors.As(err, &header) && string(header.RecordHeader[:]) == "HTTP/", errors.Is(err, http.ErrSchemeMismatch):
		return retry.KindPlainHTTP
	case errors.Is(err, syscall.ECONNREFUSED):
		return retry.KindRefused
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNABORTED):
		return during(phase, retry.KindReset)
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return retry.KindUnreachable
	case errors.As(err, &protocol):
		return during(phase, retry.KindMalformed)
	case isTLS(err):
		return retry.KindTLS
	}
	return retry.KindNone
}

// during is kind, unless the attempt was in a phase that says more.
func during(phase retry.Phase, kind retry.Kind) retry.Kind {
	switch phase {
	case retry.PhaseTLS:
		return retry.KindTLS
	case retry.PhaseBody:
		return retry.KindTruncated
	}
	return kind
}

func streamKind(code h2Code) retry.Kind {
	switch code {
	case h2EnhanceYourCalm:
		return retry.KindCalm
	case h2HTTP11Required:
		return retry.KindHTTP1Required
	}
	return retry.KindH2
}

func isCertificate(err error) bool {
	var verification *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var roots x509.SystemRootsError
	return errors.As(err, &verification) || errors.As(err, &authority) || errors.As(err, &host) ||
		errors.As(err, &invalid) || errors.As(err, &roots)
}

func isTLS(err error) bool {
	var header tls.RecordHeaderError
	var alert tls.AlertError
	var ech *tls.ECHRejectionError
	var op *net.OpError
	return errors.As(err, &header) || errors.As(err, &alert) || errors.As(err, &ech) ||
		errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error")
}

// halfStatusLine reports whether what net/http calls malformed is the beginning
// of a status line: it takes the end of the connection for the end of the line.
func halfStatusLine(text string) bool {
	_, code, found := strings.Cut(text, `malformed HTTP status code "`)
	if found {
		return len(strings.TrimRight(code, `"`)) < 3
	}
	_, line, found := strings.Cut(text, `malformed HTTP response "`)
	line = strings.TrimSuffix(line, `"`)
	return found && len(line) < len("HTTP/1.1 ") && (strings.HasPrefix("HTTP/1.1 ", line) || strings.HasPrefix("HTTP/1.0 ", line))
}

// untyped reads how the stream ended and, because net/http has no types for the
// rest, its words.
func untyped(err error, phase retry.Phase) retry.Kind {
	text := err.Error()
	has := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(text, p) {
				return true
			}
		}
		return false
	}
	switch {
	case has("HTTP_1_1_REQUIRED"):
		return retry.KindHTTP1Required
	case has("ENHANCE_YOUR_CALM"):
		return retry.KindCalm
	case halfStatusLine(text):
		return retry.KindEOF
	case has("response headers exceeded", "header list larger", "malformed HTTP", "malformed MIME", "invalid header",
		"multiple Content-Length", "bad Content-Length", "invalid Content-Length", "unsupported transfer encoding",
		"too many transfer encodings", "too many 1xx"):
		return retry.KindMalformed
	case has("http2: ", "stream error:", "connection error:", "GOAWAY"):
		return retry.KindH2
	case has("tls: "):
		return retry.KindTLS
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), has("server closed idle connection"):
		return during(phase, retry.KindEOF)
	case phase == retry.PhaseBody:
		return retry.KindTruncated // chunked encoding has only words
	case errors.Is(err, context.Canceled):
		return retry.KindReset // net/http gave the connection up: another user of it failed
	}
	return retry.KindOther
}
