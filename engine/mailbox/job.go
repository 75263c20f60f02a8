// Package mailbox is the mailboxes and records of a merge's workers on NATS
// JetStream: what [runner.Member] needs of the others.
//
//	stream MERGE_<job>   subjects merge.<job>.<from>.<to>, to a worker or all;
//	                     bodies {"msg_type":"DATA","values":[...]}, nothing is ever removed
//	bucket merge_<job>   key w.<worker>: its record, replaced by revision
//	subject merge_alive.<job>.<worker>   who runs a worker answers here
//
// It promises that a message is stored once and in its place, whatever becomes
// of connections, servers and processes: each is published behind the one
// before it on its subject (Nats-Expected-Last-Subject-Sequence) and with an id
// (Nats-Msg-Id); what is there already is read back and compared. A record is
// replaced only by the process that replaced it last. What cannot be reached is
// tried again for as long as [Config] says.
//
// It does not promise more than the engine: a server that does not sync loses
// with its power what it acknowledged.
//
// Call [Open] for a worker, [Find] to look at a job.
package mailbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"holdfast/engine"
	"holdfast/merge"
	"holdfast/merge/runner"
)

// Config says which job. The zero value of all but the first four is the
// documented default.
type Config struct {
	Job      string // 1 to 64 letters, digits, _ and -
	Of       int    // workers
	Words    int    // integers a message
	Options  string // runner.JobOptions.Spell: must be equal at all workers
	Replicas int    // of what is made; 0 is 1
	Owner    string // names this process

	Patience time.Duration // how long the engine may be gone; 0 is a minute
}

// An OptionsError says that a job was begun with other options.
type OptionsError struct{ Job, Was, Is string }

func (e *OptionsError) Error() string {
	return fmt.Sprintf("job %s runs with %s, not %s: use the same, or another --job", e.Job, e.Was, e.Is)
}

// CheckJob refuses a name that cannot be part of those of a stream and a bucket.
func CheckJob(name string) error {
	if !engine.IsName(name, 64) {
		return fmt.Errorf("%q: 1 to 64 letters, digits, _ and -", name)
	}
	return nil
}

// A Job is what the engine holds of one.
type Job struct {
	Name string
	Of   int

	conn     *engine.Conn
	stream   jetstream.Stream
	records  jetstream.KeyValue
	patience time.Duration
}

const (
	metaOf      = "holdfast_merge_of"
	metaOptions = "holdfast_merge_options"
)

func streamName(job string) string { return "MERGE_" + job }
func bucketName(job string) string { return "merge_" + job }
func key(worker int) string        { return fmt.Sprintf("w.%d", worker) }

// maxRecord is the most bytes of a record.
const maxRecord = 1 << 18

// open finds or makes the stream and the bucket of a job.
func open(ctx context.Context, conn *engine.Conn, c Config) (*Job, error) {
	j := &Job{Name: c.Job, Of: c.Of, conn: conn, patience: c.Patience}
	if j.patience == 0 {
		j.patience = time.Minute
	}
	var other error
	var err error
	j.stream, err = conn.Stream(ctx, c.stream(), func(have jetstream.StreamConfig) string {
		was, known := have.Metadata[metaOptions]
		if wrong := c.wrong(have); wrong != "" || !known {
			if wrong == "" {
				wrong = "it is not the stream of a merge"
			}
			return wrong
		}
		if was != c.Options {
			other = &OptionsError{c.Job, was, c.Options}
		}
		return ""
	})
	if err == nil {
		err = other
	}
	if err != nil {
		return nil, err
	}
	return j, j.openRecords(ctx, max(1, c.Replicas))
}

func (c Config) stream() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: streamName(c.Job), Subjects: []string{"merge." + c.Job + ".*.*"}, Storage: jetstream.FileStorage,
		Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardNew, DenyDelete: true, DenyPurge: true, Replicas: max(1, c.Replicas),
		MaxMsgSize: int32(1024 + len("-2147483648,")*c.Words), // headers too
		Metadata:   map[string]string{metaOf: strconv.Itoa(c.Of), metaOptions: c.Options},
	}
}

// wrong says why a stream that is there cannot be the log of a job.
func (c Config) wrong(s jetstream.StreamConfig) string {
	want := c.stream()
	switch {
	case s.NoAck:
		return "it acknowledges nothing"
	case s.Mirror != nil || len(s.Sources) > 0 || s.SubjectTransform != nil:
		return "it is a mirror, has sources, or changes subjects"
	case !slices.Equal(s.Subjects, want.Subjects):
		return fmt.Sprintf("its subjects are %q, not %q", s.Subjects, want.Subjects)
	case s.Retention != jetstream.LimitsPolicy:
		return "messages leave it when they are consumed"
	case s.MaxAge > 0 || s.MaxMsgs > 0 || s.MaxMsgsPerSubject > 0 || s.MaxBytes > 0 && s.Discard != jetstream.DiscardNew:
		return "it forgets messages by age, number or size"
	case !s.DenyDelete || !s.DenyPurge || s.AllowRollup:
		return "deletes, purges or rollups are allowed"
	case s.Storage != jetstream.FileStorage:
		return "it is kept in memory only"
	case s.MaxMsgSize > 0 && s.MaxMsgSize < want.MaxMsgSize && s.Metadata[metaOptions] == c.Options:
		return fmt.Sprintf("it takes messages of %d bytes at most, %d are needed", s.MaxMsgSize, want.MaxMsgSize)
	}
	return ""
}

func (j *Job) openRecords(ctx context.Context, replicas int) error {
	name := "bucket " + bucketName(j.Name)
	err := j.try(ctx, name, func(ctx context.Context) (err error) {
		j.records, err = j.conn.JS.KeyValue(ctx, bucketName(j.Name))
		if errors.Is(err, jetstream.ErrBucketNotFound) {
			j.records, err = j.conn.JS.CreateKeyValue(ctx, jetstream.KeyValueConfig{
				Bucket: bucketName(j.Name), Description: "workers of a merge", MaxValueSize: maxRecord, History: 1,
				Storage: jetstream.FileStorage, Replicas: replicas,
			})
		}
		if errors.Is(err, jetstream.ErrBucketExists) {
			j.records, err = j.conn.JS.KeyValue(ctx, bucketName(j.Name))
		}
		return err
	})
	if err != nil {
		return err
	}
	var status jetstream.KeyValueStatus
	if err := j.try(ctx, name, func(ctx context.Context) (err error) {
		status, err = j.records.Status(ctx)
		return err
	}); err != nil {
		return err
	}
	if ttl := status.TTL(); ttl > 0 {
		return &engine.Error{Kind: engine.ErrShape, Where: name, What: fmt.Sprintf("it forgets records after %v", ttl), Do: "use another --job; nothing was sent"}
	}
	return nil
}

// ErrNoJob says that no worker of a job of this name has begun there.
var ErrNoJob = errors.New("there is no such job: check --job and --nats")

// Find gives a job that was begun; ErrNoJob if there is none.
func Find(ctx context.Context, conn *engine.Conn, job string, patience time.Duration) (*Job, error) {
	j := &Job{Name: job, conn: conn, patience: patience}
	if j.patience == 0 {
		j.patience = time.Minute
	}
	err := j.try(ctx, "stream "+streamName(job), func(ctx context.Context) (err error) {
		j.stream, err = conn.JS.Stream(ctx, streamName(job))
		return err
	})
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, fmt.Errorf("job %s: %w", job, ErrNoJob)
	}
	if err != nil {
		return nil, err
	}
	j.Of, err = strconv.Atoi(j.stream.CachedInfo().Config.Metadata[metaOf])
	if err != nil || j.Of < 2 || j.Of > merge.MaxWorkers {
		return nil, &engine.Error{Kind: engine.ErrShape, Where: "stream " + streamName(job), What: "it is not the stream of a merge", Do: "check --job"}
	}
	return j, j.openRecords(ctx, j.stream.CachedInfo().Config.Replicas)
}

// Records gives the record of each worker, nil of one that was never started.
func (j *Job) Records(ctx context.Context) ([][]byte, error) {
	all := make([][]byte, j.Of)
	for i := range all {
		e, err := j.record(ctx, i)
		if err != nil {
			return nil, err
		}
		if e != nil {
			all[i] = e.Value()
		}
	}
	return all, nil
}

func (j *Job) record(ctx context.Context, worker int) (e jetstream.KeyValueEntry, err error) {
	err = j.try(ctx, "bucket "+bucketName(j.Name), func(ctx context.Context) (err error) {
		if e, err = j.records.Get(ctx, key(worker)); errors.Is(err, jetstream.ErrKeyNotFound) {
			e, err = nil, nil
		}
		return err
	})
	return e, err
}

// Log gives the number and the last sequence of the messages that are stored.
func (j *Job) Log(ctx context.Context) (messages, last uint64, err error) {
	err = j.try(ctx, "stream "+streamName(j.Name), func(ctx context.Context) error {
		info, err := j.stream.Info(ctx)
		if err == nil {
			messages, last = info.State.Msgs, info.State.LastSeq
		}
		return err
	})
	return messages, last, err
}

// Stored is a message of the log.
type Stored struct {
	Seq     uint64
	Subject string
	Body    []byte
}

// Messages gives all messages that are stored, in their order.
func (j *Job) Messages(ctx context.Context) ([]Stored, error) {
	_, last, err := j.Log(ctx)
	if err != nil {
		return nil, err
	}
	var all []Stored
	for seq := uint64(1); seq <= last; seq++ {
		err := j.try(ctx, "stream "+streamName(j.Name), func(ctx context.Context) error {
			m, err := j.stream.GetMsg(ctx, seq)
			if err == nil {
				all = append(all, Stored{m.Sequence, m.Subject, m.Data})
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Remove takes the job out of the engine, for good.
func (j *Job) Remove(ctx context.Context) error {
	return j.try(ctx, "job "+j.Name, func(ctx context.Context) error {
		if err := j.conn.JS.DeleteStream(ctx, streamName(j.Name)); err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
			return err
		}
		if err := j.conn.JS.DeleteKeyValue(ctx, bucketName(j.Name)); err != nil && !errors.Is(err, jetstream.ErrBucketNotFound) {
			return err
		}
		return nil
	})
}

// try does something until it succeeds, fails for good, or the engine was gone
// for too long.
func (j *Job) try(ctx context.Context, where string, do func(context.Context) error) error {
	err := engine.Retry(ctx, j.patience, passing, do)
	var input *runner.InputError
	switch {
	case err == nil, ctx.Err() != nil, errors.As(err, &input), errors.Is(err, runner.ErrFenced):
		return err
	case passing(err) && !errors.Is(engine.Explain(where, err), engine.ErrFull):
		return j.gone(err)
	}
	return engine.Explain(where, err)
}

// gone is what is said of a server that did not answer for as long as we wait.
func (j *Job) gone(err error) error {
	why := err.Error()
	var known *engine.Error
	if errors.As(engine.Explain(j.conn.Where, err), &known) && known.What != "" {
		why = known.What // not how the client's library calls it
	}
	return &engine.Error{Kind: engine.ErrUnreachable, Where: j.conn.Where, What: fmt.Sprintf("for %v: %s", j.patience, why),
		Do: "see that it runs, then run the same command again: it goes on where it was", Err: err}
}

// errGap is a message that was delivered and did not arrive.
var errGap = errors.New("a message was lost on the way")

// codeStoreFailed is that of every failure to store a message; see relay.judge.
const codeStoreFailed jetstream.ErrorCode = 10077

// passing tells whether an error of a run that had begun may be gone in a
// moment: a server restarts, a leader is elected, a connection comes back.
func passing(err error) bool {
	var input *runner.InputError
	var known *engine.Error
	var api *jetstream.APIError
	switch {
	case errors.As(err, &input), errors.As(err, &known), errors.Is(err, runner.ErrFenced):
		return false
	case errors.As(err, &api):
		return engine.Passing(err) || api.ErrorCode == codeStoreFailed
	}
	for _, final := range []error{nats.ErrConnectionClosed, nats.ErrMaxPayload, nats.ErrAuthorization, nats.ErrPermissionViolation,
		jetstream.ErrBucketNotFound, jetstream.ErrStreamNotFound, context.Canceled} {
		if errors.Is(err, final) {
			return false
		}
	}
	return true
}
