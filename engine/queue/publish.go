package queue

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"holdfast/engine"
)

// Every failure to store a message has this code, a full disk too. Only the
// description tells that it was a second message of its subject.
const (
	codeStoreFailed jetstream.ErrorCode = 10077
	secondMessage                       = "maximum messages per subject exceeded"
)

// publish stores a message, and tries again while the engine is away, for as
// long as patience lasts. there says that its subject or its id was taken: by
// somebody else's message, or by an earlier try of ours.
func publish(ctx context.Context, conn *engine.Conn, m *nats.Msg, patience time.Duration) (there bool, err error) {
	end := time.Now().Add(patience)
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		once, cancel := context.WithTimeout(ctx, 5*time.Second)
		ack, err := conn.JS.PublishMsg(once, m)
		cancel()
		switch {
		case err == nil:
			return ack.Duplicate, nil
		case isSecond(err):
			return true, nil
		case ctx.Err() != nil:
			return false, ctx.Err()
		case lasting(err) || time.Now().Add(wait).After(end):
			return false, err
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(wait):
		}
	}
}

// explain gives an error its kind and remedy. While there is no connection it is
// about the server, whatever was asked for. Nobody answers for a stream that is
// being led by nobody, and for one that is gone: the latter has its own remedy.
func explain(conn *engine.Conn, where string, err error) error {
	if !conn.NATS.IsConnected() {
		where = conn.Where
	}
	name, isStream := strings.CutPrefix(where, "stream ")
	if isStream && (errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrNoStreamResponse)) {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if _, gone := conn.JS.Stream(ctx, name); errors.Is(gone, jetstream.ErrStreamNotFound) {
			err = gone
		}
	}
	if isStream && errors.Is(err, jetstream.ErrStreamNotFound) {
		return &engine.Error{Kind: engine.ErrNoStream, Where: where, Err: err,
			What: "it was there: somebody deleted it, or the server came back without its store", Do: "enqueue the list again; results that it held are lost"}
	}
	return engine.Explain(where, err)
}

func isSecond(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && api.ErrorCode == codeStoreFailed && api.Description == secondMessage
}

// lasting reports whether trying again is of no use.
func lasting(err error) bool {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return api.Code >= 400 && api.Code < 500
	}
	return errors.Is(err, nats.ErrMaxPayload) || errors.Is(err, nats.ErrConnectionClosed) || errors.Is(err, nats.ErrPermissionViolation)
}
