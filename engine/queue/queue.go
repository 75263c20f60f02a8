// Package queue lets any number of processes fetch the URLs of one job, each
// URL's result recorded once: `holdfast fetch --queue` and `fetch enqueue`.
//
// A job is three things of the engine:
//
//	HOLDFAST_URLS_<JOB>      a work queue, one message a URL
//	    holdfast.urls.<JOB>.<line>.<fingerprint>    the line of the list, as it was
//	HOLDFAST_RESULTS_<JOB>   what became of each URL
//	    holdfast.res.<JOB>.<line>.<fingerprint>     the URL's records, lines of JSON
//	HOLDFAST_JOB_<JOB>       a key-value bucket
//	    enqueue             whether a list is being enqueued
//	    put.<line>.<fp>     a URL that was put off: attempts so far, not before
//	    gate.<origin>       an origin that asked to be left alone, and until when
//
// Both streams refuse a second message of a subject, so a URL waits once, and
// has one result, whoever sends it. The order of acts is: result acknowledged
// BEFORE the message in the queue is. Killed in between, a process leaves a
// message that the next one acknowledges without fetching.
//
// It promises that each URL is fetched at least once and has exactly one result,
// through kills of any process and restarts of the engine. It does not promise
// that a server sees a URL once: what a killed process had in flight is fetched
// again. An acknowledgement is not fenced: that of a process which was thought
// dead removes a message another one works on, which is harmless because it
// comes only after a result.
//
// Call [Enqueue] to fill a job, [Open] to take part in it, [Results] to read
// what came of it.
package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"holdfast/engine"
)

// Config says which job, and how its parts are made if there are none.
type Config struct {
	Job      string        // letters, digits, - and _
	AckWait  time.Duration // until what a dead process had comes to another; 0: as the job has it, 30 s for a new one
	Replicas int           // of what is made
	Patience time.Duration // how long a lost engine, or a list that nobody goes on with, is waited for
	Warn     func(string)  // takes one line for each thing that went wrong and does not end us
}

const (
	defaultAckWait = 30 * time.Second
	worker         = "fetch" // the one consumer of a queue
)

// ErrNoJob says that nothing was ever enqueued under this name.
var ErrNoJob = errors.New("there is no such job: fill it with holdfast fetch enqueue")

// A UsageError is a setting that cannot be meant.
type UsageError struct{ Text string }

func (e *UsageError) Error() string { return e.Text }

// Check says what is wrong with a config, by the name of the flag.
func (c Config) Check() error {
	switch {
	case !engine.IsName(c.Job, 100):
		return fmt.Errorf("--job %q: use 1 to 100 letters, digits, - and _", c.Job)
	case c.AckWait != 0 && c.AckWait < time.Second:
		return fmt.Errorf("--ack-wait %v: at least 1s, or a busy process seems dead", c.AckWait)
	case c.Replicas < 1 || c.Replicas > 5:
		return fmt.Errorf("--replicas %d: use 1, 3 or 5", c.Replicas)
	case c.Patience <= 0:
		return fmt.Errorf("--queue-patience %v: above 0", c.Patience)
	}
	return nil
}

func (c Config) queueName() string   { return "HOLDFAST_URLS_" + c.Job }
func (c Config) resultsName() string { return "HOLDFAST_RESULTS_" + c.Job }
func (c Config) bucketName() string  { return "HOLDFAST_JOB_" + c.Job }

func (c Config) queueSubject(key string) string   { return "holdfast.urls." + c.Job + "." + key }
func (c Config) resultsSubject(key string) string { return "holdfast.res." + c.Job + "." + key }

// parts are what a job consists of.
type parts struct {
	queue, results jetstream.Stream
	consumer       jetstream.Consumer
	bucket         jetstream.KeyValue
	ackWait        time.Duration
}

// find gives the parts of a job that is there, or makes them: the results
// first, so that nothing is ever fetched that has no place to go.
func (c Config) find(ctx context.Context, conn *engine.Conn, create bool) (p parts, err error) {
	if !create {
		err := conn.Try(ctx, func(ctx context.Context) error {
			_, err := conn.JS.Stream(ctx, c.queueName())
			return err
		})
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			return p, fmt.Errorf("job %s: %w", c.Job, ErrNoJob)
		} else if err != nil {
			return p, engine.Explain("stream "+c.queueName(), err)
		}
	}
	if p.results, err = conn.Stream(ctx, c.results(), wrongResults); err != nil {
		return p, err
	}
	if p.bucket, err = c.findBucket(ctx, conn); err != nil {
		return p, err
	}
	if p.queue, err = conn.Stream(ctx, c.queue(), c.wrongQueue); err != nil {
		return p, err
	}
	return p, c.findConsumer(ctx, conn, &p)
}

func (c Config) queue() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: c.queueName(), Subjects: []string{c.queueSubject(">")}, Storage: jetstream.FileStorage, Replicas: c.Replicas,
		Retention: jetstream.WorkQueuePolicy, MaxMsgsPerSubject: 1, Discard: jetstream.DiscardNew, DiscardNewPerSubject: true,
		Duplicates: 2 * time.Minute,
	}
}

func (c Config) wrongQueue(s jetstream.StreamConfig) string {
	switch {
	case s.Retention != jetstream.WorkQueuePolicy:
		return "it is not a work queue"
	case len(s.Subjects) != 1 || s.Subjects[0] != c.queueSubject(">"):
		return fmt.Sprintf("its subjects are %v, not %s", s.Subjects, c.queueSubject(">"))
	case !onePerSubject(s):
		return "it takes a second message of a subject: max_msgs_per_subject 1, discard new, discard_new_per_subject are needed"
	case s.MaxAge > 0:
		return fmt.Sprintf("it forgets URLs: max age %v", s.MaxAge)
	}
	return ""
}

func (c Config) results() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: c.resultsName(), Subjects: []string{c.resultsSubject(">")}, Storage: jetstream.FileStorage, Replicas: c.Replicas,
		MaxMsgsPerSubject: 1, Discard: jetstream.DiscardNew, DiscardNewPerSubject: true,
		DenyDelete: true, DenyPurge: true, AllowDirect: true,
	}
}

func wrongResults(s jetstream.StreamConfig) string {
	switch {
	case s.Retention != jetstream.LimitsPolicy:
		return "messages leave it when they are consumed, and results with them"
	case !onePerSubject(s):
		return "it takes a second result of a URL: max_msgs_per_subject 1, discard new, discard_new_per_subject are needed"
	case s.MaxAge > 0 || !s.DenyDelete || !s.DenyPurge:
		return "it forgets results: by age, deletes or purges"
	case !s.AllowDirect:
		return "it cannot be asked for one result: allow_direct is needed"
	}
	return ""
}

// longest is how many bytes a message of a stream may have.
func longest(conn *engine.Conn, s jetstream.Stream) int {
	most := int(conn.NATS.MaxPayload())
	if of := int(s.CachedInfo().Config.MaxMsgSize); of > 0 {
		most = min(most, of)
	}
	return most
}

func onePerSubject(s jetstream.StreamConfig) bool {
	return s.MaxMsgsPerSubject == 1 && s.Discard == jetstream.DiscardNew && s.DiscardNewPerSubject && !s.NoAck
}

func (c Config) findBucket(ctx context.Context, conn *engine.Conn) (b jetstream.KeyValue, err error) {
	err = conn.Try(ctx, func(ctx context.Context) error {
		if b, err = conn.JS.KeyValue(ctx, c.bucketName()); errors.Is(err, jetstream.ErrBucketNotFound) {
			b, err = conn.JS.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: c.bucketName(), Replicas: c.Replicas})
		}
		if errors.Is(err, jetstream.ErrBucketExists) {
			b, err = conn.JS.KeyValue(ctx, c.bucketName())
		}
		return err
	})
	return b, engine.Explain("bucket "+c.bucketName(), err)
}

// findConsumer gives the consumer that all processes share: a work queue takes
// no second one. Its AckWait was fixed by who made it, because each process
// must know how often to say that it is alive.
func (c Config) findConsumer(ctx context.Context, conn *engine.Conn, p *parts) error {
	want := jetstream.ConsumerConfig{
		Durable: worker, AckPolicy: jetstream.AckExplicitPolicy, AckWait: c.AckWait,
		MaxDeliver:    -1,     // a URL that is not delivered again would be lost
		MaxAckPending: -1,     // URLs that were put off are pending, and would starve the others
		MaxWaiting:    10_000, // processes
	}
	if want.AckWait == 0 {
		want.AckWait = defaultAckWait
	}
	err := conn.Try(ctx, func(ctx context.Context) (err error) {
		if p.consumer, err = conn.JS.Consumer(ctx, c.queueName(), worker); errors.Is(err, jetstream.ErrConsumerNotFound) {
			p.consumer, err = conn.JS.CreateConsumer(ctx, c.queueName(), want)
		}
		if errors.Is(err, jetstream.ErrConsumerExists) {
			p.consumer, err = conn.JS.Consumer(ctx, c.queueName(), worker)
		}
		return err
	})
	if err != nil {
		return engine.Explain("consumer of stream "+c.queueName(), err)
	}
	have := p.consumer.CachedInfo().Config
	p.ackWait = have.AckWait
	switch {
	case have.AckPolicy != jetstream.AckExplicitPolicy || have.MaxDeliver > 0 || have.MaxAckPending > 0 || have.FilterSubject != "" || len(have.FilterSubjects) > 0:
		return &engine.Error{Kind: engine.ErrShape, Where: "consumer of stream " + c.queueName(),
			What: "explicit acknowledgements, unlimited deliveries and pending messages, and no filter are needed", Do: "delete the consumer"}
	case c.AckWait != 0 && c.AckWait != have.AckWait:
		return &UsageError{fmt.Sprintf("--ack-wait %v: job %s was made with %v, and all of its processes rely on that", c.AckWait, c.Job, have.AckWait)}
	}
	return nil
}
