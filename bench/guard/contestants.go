package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// window is how many messages each contestant has in flight: guard's default.
const window = 512

// patiently waits for room in the window; the client's own patience is 200 ms.
var patiently = jetstream.WithStallWait(time.Minute)

// A race is one set of servers with a filled source.
type race struct {
	*config
	*engines
	keys  int
	nodes int
	turn  int // so that every sink has a name of its own
}

// A contestant stores the source's keys in a new stream and gives its name.
type contestant struct {
	name string
	run  func(ctx context.Context, r *race) (sink string, cpu time.Duration, err error)

	rates []float64 // keys a second
	cpus  []float64 // µs a key, of the contestant's processes; 0 where it is this one
}

// body is about 200 bytes, a tick as one would be.
func body(i int) []byte {
	return fmt.Appendf(nil, `{"event_id":"evt_%010d","symbol":"SYM%03d","timestamp":"2026-11-27T09:%02d:%02d.%06dZ","price":%d.%02d,"source":"stream-1","note":"%060d"}`,
		i, i%500, i/60%60, i%60, i%1_000_000, 100+i%900, i%100, i)
}

const source, subject = "IN", "in"

func (r *race) fill(ctx context.Context) error {
	if err := r.make(ctx, jetstream.StreamConfig{Name: source, Subjects: []string{subject}, Storage: jetstream.FileStorage, Replicas: r.nodes}); err != nil {
		return err
	}
	return r.each(func(i int) (jetstream.PubAckFuture, error) { return r.js.PublishAsync(subject, body(i), patiently) })
}

// each publishes with a window, and expects every answer to be good.
func (r *race) each(publish func(i int) (jetstream.PubAckFuture, error)) error {
	futures := make([]jetstream.PubAckFuture, r.keys)
	for i := range r.keys {
		f, err := publish(i)
		if err != nil {
			return err
		}
		futures[i] = f
	}
	<-r.js.PublishAsyncComplete()
	for _, f := range futures {
		select {
		case <-f.Ok():
		case err := <-f.Err():
			return err
		}
	}
	return nil
}

// plain is a sink of guard's shape, or one with a window.
func (r *race) plain(ctx context.Context, mode string) (string, error) {
	r.turn++
	s := jetstream.StreamConfig{Name: "PLAIN" + strconv.Itoa(r.turn), Storage: jetstream.FileStorage, Replicas: r.nodes}
	s.Subjects, s.Duplicates = []string{s.Name + ".0"}, 5*time.Minute
	if mode == "subject" {
		s.Subjects, s.Duplicates = []string{s.Name + ".0.*"}, 0
		s.MaxMsgsPerSubject, s.Discard, s.DiscardNewPerSubject = 1, jetstream.DiscardNew, true
	}
	return s.Name, r.make(ctx, s)
}

func (r *race) message(sink, mode string, data []byte, i int) *nats.Msg {
	id := fmt.Sprintf("%032x", uint64(i)*0x9e3779b97f4a7c15)
	m := &nats.Msg{Subject: sink + ".0", Data: data, Header: nats.Header{"Nats-Msg-Id": {id}}}
	if mode == "subject" {
		m.Subject += "." + id
	}
	return m
}

func publishAsync(mode string) func(context.Context, *race) (string, time.Duration, error) {
	return func(ctx context.Context, r *race) (string, time.Duration, error) {
		sink, err := r.plain(ctx, mode)
		if err != nil {
			return "", 0, err
		}
		return sink, 0, r.each(func(i int) (jetstream.PubAckFuture, error) {
			return r.js.PublishMsgAsync(r.message(sink, mode, body(i), i), patiently)
		})
	}
}

// publishSync waits for each answer. It is as slow as the way is long, so it
// does a tenth.
func publishSync(ctx context.Context, r *race) (string, time.Duration, error) {
	sink, err := r.plain(ctx, "subject")
	for i := 0; err == nil && i < r.keys/10; i++ {
		_, err = r.js.PublishMsg(ctx, r.message(sink, "subject", body(i), i))
	}
	return sink, 0, err
}

// relayBlind reads the source, publishes, and acknowledges when the sink has
// answered: what one writes by hand, without keys, conflicts or dead letters.
func relayBlind(ctx context.Context, r *race) (string, time.Duration, error) {
	sink, err := r.plain(ctx, "subject")
	if err != nil {
		return "", 0, err
	}
	c, err := r.js.CreateConsumer(ctx, source, jetstream.ConsumerConfig{Durable: "blind" + sink, AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 100_000})
	if err != nil {
		return "", 0, err
	}
	it, err := c.Messages(jetstream.PullMaxMessages(window))
	if err != nil {
		return "", 0, err
	}
	defer it.Stop()
	type flight struct {
		msg    jetstream.Msg
		answer jetstream.PubAckFuture
	}
	flights, failed := make(chan flight, window), make(chan error, 1)
	go func() {
		defer close(flights)
		for i := range r.keys {
			m, err := it.Next()
			if err != nil {
				failed <- err
				return
			}
			f, err := r.js.PublishMsgAsync(r.message(sink, "subject", m.Data(), i), patiently)
			if err != nil {
				failed <- err
				return
			}
			flights <- flight{m, f}
		}
	}()
	for f := range flights {
		select {
		case <-f.answer.Ok():
		case err := <-f.answer.Err():
			return "", 0, err
		}
		if err := f.msg.Ack(); err != nil {
			return "", 0, err
		}
	}
	select {
	case err = <-failed:
	default:
	}
	return sink, 0, err
}

// guard runs so many relays as processes of their own, to the end.
func guard(mode string, relays int) func(context.Context, *race) (string, time.Duration, error) {
	return func(ctx context.Context, r *race) (string, time.Duration, error) {
		r.turn++
		sink := "OUT" + strconv.Itoa(r.turn)
		args := []string{"guard", "--nats", r.urls, "--from", subject, "--to", sink, "--key", "event_id", "--mode", mode,
			"--replicas", strconv.Itoa(r.nodes), "--drain", "--quiet", "--json"}
		var all []*exec.Cmd
		var words bytes.Buffer
		for range relays {
			cmd := exec.CommandContext(ctx, r.holdfast, args...)
			cmd.Stderr = &words
			if err := cmd.Start(); err != nil {
				return "", 0, err
			}
			all = append(all, cmd)
		}
		var cpu time.Duration
		var failed error
		for _, cmd := range all {
			if err := cmd.Wait(); err != nil {
				failed = fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, words.String())
			}
			cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		}
		return sink, cpu, failed
	}
}
