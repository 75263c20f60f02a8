// Package engine is the way to NATS JetStream, on which Holdfast runs where
// one process is not enough: a server inside this binary, or one that a URL
// names.
//
// It promises that an embedded server syncs every message to disk before it
// acknowledges it (the engine's own default is every two minutes,
// nats-io/nats-server#7564), that a publish is never kept for later by a
// connection that is down, and that what goes wrong is told in one line: what
// it was, and what to do. It adds no consensus, no membership and no queue to
// the engine's own. This package and those below it are the only ones that
// import NATS.
//
// Call [Start] for a server of one's own, [Connect] for any.
package engine

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Kinds of error, to compare with errors.Is. Each is an environment that
// failed, not a wrong command.
var (
	ErrUnreachable = errors.New("no server answers")
	ErrRefused     = errors.New("the server refuses the credentials")
	ErrNoJetStream = errors.New("JetStream is off")
	ErrShape       = errors.New("the stream has another shape")
	ErrFull        = errors.New("the engine has no room left")
	ErrNoStream    = errors.New("there is no such stream")
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

// Explain gives an error of the engine its kind and its remedy; where is the
// server or stream that it is about. Errors that it does not know stay.
func Explain(where string, err error) error {
	var known *Error
	var api *jetstream.APIError
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked),
		errors.Is(err, nats.ErrAccountAuthExpired), errors.Is(err, nats.ErrPermissionViolation):
		return &Error{Kind: ErrRefused, Where: where, Do: "check --creds, or user and password in the URL, and what they may do", Err: err}
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount), errors.Is(err, nats.ErrNoResponders):
		return &Error{Kind: ErrNoJetStream, Where: where, Do: "start the server with -js, or enable JetStream for the account", Err: err}
	case errors.Is(err, nats.ErrNoServers), errors.Is(err, syscall.ECONNREFUSED):
		return &Error{Kind: ErrUnreachable, Where: where, Do: "check the address, or start one with: holdfast engine --dir DIR", Err: err}
	case errors.Is(err, syscall.ENOSPC):
		return &Error{Kind: ErrFull, Where: where, Do: "free some space; nothing that was acknowledged is lost", Err: err}
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, nats.ErrTimeout):
		return &Error{Kind: ErrUnreachable, Where: where, What: "timeout", Do: "check that the servers have a leader, and the network between", Err: err}
	case errors.As(err, &api):
		switch api.ErrorCode {
		case codeNoResources, codeMemory, codeStorage, codeAccountResources:
			return &Error{Kind: ErrFull, Where: where, What: api.Description, Do: "free some space or raise the limits; nothing that was acknowledged is lost", Err: err}
		case jetstream.JSErrCodeStreamNotFound:
			return &Error{Kind: ErrNoStream, Where: where, Do: "check its name", Err: err}
		}
	}
	return fmt.Errorf("%s: %w", where, err)
}

// Codes of JetStream's API (server/errors.json) that the client does not name.
const (
	codeAccountResources jetstream.ErrorCode = 10002
	codeUnavailable      jetstream.ErrorCode = 10008 // no meta leader
	codeNotLeader        jetstream.ErrorCode = 10009
	codeNoPeers          jetstream.ErrorCode = 10005
	codeNoResources      jetstream.ErrorCode = 10023
	codeMemory           jetstream.ErrorCode = 10028
	codeStorage          jetstream.ErrorCode = 10047
)
