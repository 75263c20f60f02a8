package incident

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"holdfast/engine"
)

// Each run of a race has streams and tables of its own: several run at once on
// one engine.
//
//	RUN_IN      work queue; subject RUN.in.P, P is the partition (0 without)
//	RUN_OUT     the sink of safeguards that work there; subject RUN.out.EVENT
//	RUN_BUSY    key-value: event -> the worker that works on it
type names struct{ run string }

func (n names) in() string                  { return n.run + "_IN" }
func (n names) inSubject(part int) string   { return fmt.Sprintf("%s.in.%d", n.run, part) }
func (n names) out() string                 { return n.run + "_OUT" }
func (n names) outSubject(id string) string { return n.run + ".out." + id }
func (n names) busy() string                { return n.run + "_BUSY" }
func (n names) consumer(part int) string    { return fmt.Sprintf("workers-%d", part) }

// partitions is into how many parts the queue is cut.
func (s Safeguard) partitions(workers int) int {
	if s == Partitions {
		return workers
	}
	return 1
}

// prepare makes what a run needs, before there are workers.
func prepare(ctx context.Context, conn *engine.Conn, n names, s Safeguard, workers int) error {
	anything := func(jetstream.StreamConfig) string { return "" }
	_, err := conn.Stream(ctx, jetstream.StreamConfig{
		Name: n.in(), Subjects: []string{n.run + ".in.*"}, Retention: jetstream.WorkQueuePolicy, Storage: jetstream.FileStorage,
	}, anything)
	if err != nil {
		return err
	}
	for part := range s.partitions(workers) {
		_, err := conn.Consumer(ctx, n.in(), jetstream.ConsumerConfig{
			Durable: n.consumer(part), FilterSubject: n.inSubject(part), AckPolicy: jetstream.AckExplicitPolicy,
			AckWait: s.Lease(), MaxDeliver: -1, MaxAckPending: 1000,
		})
		if err != nil {
			return err
		}
	}
	switch s {
	case MessageID:
		_, err = conn.Stream(ctx, jetstream.StreamConfig{
			Name: n.out(), Subjects: []string{n.run + ".out.*"}, Storage: jetstream.FileStorage, Duplicates: remembered,
		}, anything)
	case OnePerSubject:
		_, err = conn.Stream(ctx, jetstream.StreamConfig{
			Name: n.out(), Subjects: []string{n.run + ".out.*"}, Storage: jetstream.FileStorage,
			MaxMsgsPerSubject: 1, Discard: jetstream.DiscardNew, DiscardNewPerSubject: true,
		}, anything)
	case Fencing:
		_, err = conn.Stream(ctx, jetstream.StreamConfig{
			Name: n.out(), Subjects: []string{n.run + ".out.*"}, Storage: jetstream.FileStorage,
		}, anything)
	case InFlight:
		_, err = conn.JS.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: n.busy(), Storage: jetstream.FileStorage})
	}
	return engine.Explain("run "+n.run, err)
}

// left is how much of the queue is not done.
func left(ctx context.Context, conn *engine.Conn, n names) (uint64, error) {
	once, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	s, err := conn.JS.Stream(once, n.in())
	if err != nil {
		return 0, engine.Explain("stream "+n.in(), err)
	}
	return s.CachedInfo().State.Msgs, nil
}
