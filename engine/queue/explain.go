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
