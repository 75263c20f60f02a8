package engine

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Kinds of error, to compare with errors.Is. Each but ErrAddress is an
// environment that failed, not a wrong command: exit status 4.
var (
	ErrAddress     = errors.New("this is no address of a server")
	ErrUnreachable = errors.New("no server answers")
	ErrUntrusted   = errors.New("the connection cannot be secured")
	ErrRefused     = errors.New("the server refuses the credentials")
	ErrForbidden   = errors.New("the user may not do that")
	ErrNoJetStream = errors.New("JetStream is off")
	ErrShape       = errors.New("the stream has another shape")
	ErrFull        = errors.New("the engine has no room left")
	ErrBroken      = errors.New("the engine cannot write")
	ErrNoStream    = errors.New("there is no such stream")
	ErrTooFew      = errors.New("there are too few servers")
	ErrOld         = errors.New("the server is too old")
)

// An Error is one of the kinds above with its place and its remedy.
type Error struct {
	Kind  error
	Where string // a URL without secrets, or a stream
	What  string // beyond the kind, or ""
	Do    string
	Err   error // what was under it, or nil
}

func (e *Error) Error() string {
	text := e.Where + ": " + e.Kind.Error()
	if e.What != "" {
		text += " (" + e.What + ")"
	}
	return text + ": " + e.Do
}

// Unwrap gives the kind and the cause.
func (e *Error) Unwrap() []error { return []error{e.Kind, e.Err} }

const kept = "; nothing that was acknowledged is lost"

// Explain gives an error of the engine its kind and its remedy; where is the
// server or stream that it is about. Errors that it does not know, and nil,
// stay as they are, the former with their place. It is the one place that
// knows what the engine's errors mean.
func Explain(where string, err error) error {
	var known *Error
	if err == nil || errors.As(err, &known) || errors.Is(err, context.Canceled) {
		return err
	}
	m := explain(err)
	if m.kind == nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	return &Error{Kind: m.kind, Where: where, What: m.what, Do: m.do, Err: err}
}

// A meaning is what an error tells; kind nil is nothing.
type meaning struct {
	kind     error
	what, do string
}

func explain(err error) meaning {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		if m := explainAnswer(api); m.kind != nil {
			return m
		}
	}
	if m := explainTLS(err); m.kind != nil {
		return m
	}
	var lookup *net.DNSError
	var address *net.AddrError
	switch {
	case errors.As(err, &address):
		return meaning{ErrUnreachable, address.Error(), "write it as nats://HOST:PORT"}
	case isAny(err, nats.ErrPermissionViolation):
		return meaning{ErrForbidden, afterPrefix(err, "nats: permissions violation: "), "let it publish to the streams' subjects, $JS.API.> and $JS.ACK.>, and subscribe to _INBOX.>"}
	case isAny(err, nats.ErrAuthorization, nats.ErrAuthExpired, nats.ErrAuthRevoked, nats.ErrAccountAuthExpired):
		return meaning{ErrRefused, "", "check --creds, or user and password (or token) in the URL"}
	case strings.HasPrefix(err.Error(), "error signing nonce"), strings.Contains(err.Error(), "nkeys:"):
		return meaning{ErrRefused, afterPrefix(err, "error signing nonce: "), "check --creds: it is a file with a user's JWT and key, as nsc or the server's operator gives it"}
	case isAny(err, jetstream.ErrJetStreamNotEnabled, jetstream.ErrJetStreamNotEnabledForAccount):
		return meaning{ErrNoJetStream, "", "start the server with -js, or enable JetStream for the account"}
	case isAny(err, nats.ErrNoResponders, jetstream.ErrNoStreamResponse):
		return meaning{ErrNoJetStream, "or has no leader", "start the server with -js, enable JetStream for the account, or start the servers that are missing"}
	case isAny(err, nats.ErrMaxConnectionsExceeded, nats.ErrMaxAccountConnectionsExceeded, nats.ErrMaxSubscriptionsExceeded):
		return meaning{ErrFull, afterPrefix(err, "nats: "), "end other clients, or raise the server's limit"}
	case isAny(err, nats.ErrNoServers, syscall.ECONNREFUSED, syscall.EHOSTUNREACH, syscall.ENETUNREACH):
		return meaning{ErrUnreachable, "", "check the address, or start one with: holdfast engine --dir DIR"}
	case errors.As(err, &lookup):
		return meaning{ErrUnreachable, "no host " + lookup.Name, "check the name"}
	case isAny(err, nats.ErrNoInfoReceived):
		return meaning{ErrUnreachable, "something else listens there", "check the port: NATS clients use 4222"}
	case isAny(err, io.EOF):
		return meaning{ErrUnreachable, "it hangs up", "check the port: NATS clients use 4222; or see what the server says"}
	case isAny(err, syscall.ENOSPC, syscall.EDQUOT), strings.Contains(err.Error(), "no space left"):
		return meaning{ErrFull, "", "free some space, start the server again" + kept}
	case isAny(err, os.ErrDeadlineExceeded, nats.ErrTimeout, context.DeadlineExceeded):
		return meaning{ErrUnreachable, "timeout", "check the address, the network between, and that the servers have a leader"}
	case isAny(err, nats.ErrConnectionClosed, jetstream.ErrConnectionClosed, nats.ErrDisconnected, nats.ErrConnectionReconnecting, nats.ErrReconnectBufExceeded, nats.ErrStaleConnection, jetstream.ErrServerShutdown, syscall.ECONNRESET, syscall.EPIPE):
		return meaning{ErrUnreachable, "the connection is gone", "start it again, or check the network" + kept}
	case isAny(err, jetstream.ErrConsumerDeleted):
		return meaning{ErrNoStream, "somebody deleted the consumer", "start again, and it is made anew: what it had not acknowledged comes again"}
	}
	return meaning{}
}

// explainAnswer knows the errors that a server itself answers.
func explainAnswer(api *jetstream.APIError) meaning {
	switch api.ErrorCode {
	case jetstream.JSErrCodeJetStreamNotEnabled, jetstream.JSErrCodeJetStreamNotEnabledForAccount:
		what := ""
		if api.ErrorCode == jetstream.JSErrCodeJetStreamNotEnabledForAccount {
			what = "for this account"
		}
		return meaning{ErrNoJetStream, what, "start the server with -js, or enable JetStream for the account"}
	case codeNoResources, codeMemory, codeStorage, codeAccountResources:
		return meaning{ErrFull, api.Description, "free some space or raise the limits" + kept}
	case codeStoreFailed:
		if strings.Contains(api.Description, "per subject") {
			return meaning{} // a refusal that was asked for
		}
		return meaning{ErrFull, api.Description, "free some space or raise the stream's limits" + kept}
	case codeMaxStreams, codeMaxConsumers, codeMaxBytesNeeded:
		return meaning{ErrFull, api.Description, "raise the account's limits, or delete what is not needed"}
	case codeNoPeers, codeNoReplicas, codeUnavailable:
		return meaning{ErrTooFew, api.Description, "start the servers that are missing, or use fewer replicas"}
	case codeOffline:
		return meaning{ErrTooFew, api.Description, "start the servers that hold it"}
	case jetstream.JSErrCodeStreamNotFound:
		return meaning{ErrNoStream, "", "check its name"}
	case codeOverlap, codeNotExpected:
		return meaning{ErrShape, api.Description, "another stream has its subjects: use another name, or change that stream"}
	case codeNoFilterMatch, codeWorkQueueTwice, codeWorkQueueFilter, codeWorkQueueAll, jetstream.JSErrCodeConsumerExists, jetstream.JSErrCodeConsumerCreate:
		return meaning{ErrShape, api.Description, "delete the consumer that is in the way, or use another stream"}
	case jetstream.JSErrCodeConsumerNotFound:
		return meaning{ErrNoStream, "its consumer is gone", "start again, and it is made anew: what it had not acknowledged comes again"}
	case codeSealed:
		return meaning{ErrShape, "it is sealed", "use another name"}
	}
	return meaning{}
}

func explainTLS(err error) meaning {
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var alert *net.OpError // how crypto/tls shows the other side's alert
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &unknown):
		return meaning{ErrUntrusted, "its certificate is signed by an unknown authority", "name the file of the server's authority with --tls-ca"}
	case errors.As(err, &host):
		return meaning{ErrUntrusted, host.Error(), "use a name that is in the certificate"}
	case errors.As(err, &invalid):
		return meaning{ErrUntrusted, invalid.Error(), "renew the server's certificate, or check the clock"}
	case errors.As(err, &alert) && alert.Op == "remote error":
		return meaning{ErrUntrusted, "it says: " + alert.Err.Error(), "name a certificate that it accepts with --tls-cert and --tls-key"}
	case errors.As(err, &record), errors.Is(err, nats.ErrSecureConnWanted):
		return meaning{ErrUntrusted, "it speaks no TLS", "use nats:// without --tls-ca and --tls-cert, or switch TLS on there"}
	case errors.Is(err, nats.ErrSecureConnRequired):
		return meaning{ErrUntrusted, "it wants TLS", "use tls:// and --tls-ca"}
	case strings.Contains(err.Error(), "rootCA"), strings.Contains(err.Error(), "root certificate"):
		return meaning{ErrUntrusted, afterPrefix(err, "nats: "), "check --tls-ca: it is a file of certificates in PEM"}
	case strings.Contains(err.Error(), "client certificate"), strings.Contains(err.Error(), "tls: failed to find"), strings.Contains(err.Error(), "private key"):
		return meaning{ErrUntrusted, afterPrefix(err, "nats: "), "check --tls-cert and --tls-key: they are a certificate and its key in PEM"}
	}
	return meaning{}
}

func isAny(err error, targets ...error) bool {
	for _, t := range targets {
		if errors.Is(err, t) {
			return true
		}
	}
	return false
}

func afterPrefix(err error, prefix string) string { return strings.TrimPrefix(err.Error(), prefix) }

// Passing reports whether an error may be gone in a moment, as while servers
// elect a leader: the same request is worth another try.
func Passing(err error) bool {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return api.ErrorCode == codeUnavailable || api.ErrorCode == codeNotLeader || api.ErrorCode == codeNoPeers
	}
	return isAny(err, nats.ErrTimeout, context.DeadlineExceeded, nats.ErrDisconnected, nats.ErrConnectionReconnecting, nats.ErrReconnectBufExceeded)
}

// Codes of JetStream's API (server/errors.json) that the client does not name.
const (
	codeAccountResources jetstream.ErrorCode = 10002
	codeNoPeers          jetstream.ErrorCode = 10005
	codeUnavailable      jetstream.ErrorCode = 10008 // no meta leader
	codeNotLeader        jetstream.ErrorCode = 10009
	codeNoResources      jetstream.ErrorCode = 10023
	codeMaxConsumers     jetstream.ErrorCode = 10026
	codeMaxStreams       jetstream.ErrorCode = 10027
	codeMemory           jetstream.ErrorCode = 10028
	codeStorage          jetstream.ErrorCode = 10047
	codeNotExpected      jetstream.ErrorCode = 10060 // the publish named another stream
	codeOverlap          jetstream.ErrorCode = 10065
	codeNoReplicas       jetstream.ErrorCode = 10074
	codeStoreFailed      jetstream.ErrorCode = 10077
	codeNoFilterMatch    jetstream.ErrorCode = 10093
	codeWorkQueueTwice   jetstream.ErrorCode = 10099
	codeWorkQueueFilter  jetstream.ErrorCode = 10100
	codeWorkQueueAll     jetstream.ErrorCode = 10101
	codeSealed           jetstream.ErrorCode = 10109
	codeMaxBytesNeeded   jetstream.ErrorCode = 10113
	codeOffline          jetstream.ErrorCode = 10118
)
