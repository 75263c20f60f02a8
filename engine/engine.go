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
// Call [Start] for a server of one's own, [Connect] for any; [Explain] for
// what either of them, or the client's library, answers.
package engine
