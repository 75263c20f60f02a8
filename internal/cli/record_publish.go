package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/pflag"

	"holdfast/engine"
	"holdfast/engine/sink"
	"holdfast/record"
)

// publishFlags say where a log is published.
type publishFlags struct {
	access accessFlags
	to     string
	node   string
}

func (p *publishFlags) add(f *pflag.FlagSet) {
	f.Var((*serverURL)(&p.to), "to", "publish the log to JetStream at this URL, such as nats://127.0.0.1:4222?replicas=3")
	alias(f, "nats", "to")
	alias(f, "queue", "to")
	f.StringVar(&p.node, "node", "", "name of this recorder among those of the session (default host and log)")
	p.access.addWho(f)
}

// publishHelp is what the engine guarantees, and what is made of it (N8).
const publishHelp = `With --to, each line of the log is also published to the stream HF_SESSION, once
and in the log's order: body = payload, id = SESSION:SEQUENCE. Recording never
waits for it; at the end the recorder does. Run a second recorder of the same
session, with its own log: it stands by, and takes over when the first dies.

What the engine guarantees: an acknowledged message of a replicated stream is on
a majority of its servers; the check of Nats-Expected-Last-Sequence and the
storing are one step; message ids are remembered for two minutes only; a server
syncs to disk every two minutes unless sync_interval is always (holdfast engine
syncs always). Exactly once rests on that check and on reading back what the
stream holds after any doubt, not on remembered ids. A stream that has lost its
end is filled again from the log.

Options of the URL: replicas=1, lease=10s (until another recorder takes over),
window=256 (publishes at once), wait=30s (at the end, without anything getting on).`

// open makes the publisher of a recording, and puts it into c; nil without --to.
func (p *publishFlags) open(ctx context.Context, a *app, c *record.Config, log string) (*publishing, error) {
	server, options, err := p.server()
	if err != nil || p.to == "" {
		return nil, err
	}
	access := p.access.a
	access.URL, access.Name = server, "holdfast record "+c.Session
	s, err := sink.New(ctx, sink.Config{
		Access: access, Options: options, Session: c.Session, Log: log, Node: p.node,
		Warn: func(text string) { a.warn([]string{text}) },
	})
	if err != nil {
		return nil, usageError(fmt.Errorf("--to: %w", err))
	}
	c.Publisher = s
	return &publishing{Publisher: s, a: a}, nil
}

// server reads --to, and refuses flags that nobody would read without it.
func (p *publishFlags) server() (url string, o sink.Options, err error) {
	if p.to != "" {
		if url, o, err = sink.ParseURL(p.to); err != nil {
			err = usageError(fmt.Errorf("--to %w", err))
		}
		return url, o, err
	}
	for _, f := range []struct{ name, value string }{
		{"node", p.node}, {"creds", p.access.a.Creds}, {"tls-ca", p.access.a.CA}, {"tls-cert", p.access.a.Cert}, {"tls-key", p.access.a.Key},
	} {
		if f.value != "" {
			return "", o, usageError(fmt.Errorf("--%s goes with --to", f.name))
		}
	}
	return "", o, nil
}

// publishing is a publisher that runs, or nil.
type publishing struct {
	*sink.Publisher
	a *app
}

func (p *publishing) close() {
	if p != nil {
		p.Close()
	}
}

// finish waits until all is published, and tells how far it is meanwhile.
func (p *publishing) finish(ctx context.Context) (*sink.Summary, error) {
	if p == nil {
		return nil, nil
	}
	bar, told := p.a.progress(), time.NewTicker(200*time.Millisecond)
	defer told.Stop()
	type end struct {
		sink.Summary
		err error
	}
	ended := make(chan end, 1)
	go func() {
		s, err := p.Finish(ctx)
		ended <- end{s, err}
	}()
	all, _ := p.Lag()
	for {
		select {
		case e := <-ended:
			bar.Close()
			return &e.Summary, publishError(e.err)
		case <-told.C:
			left, _ := p.Lag()
			all = max(all, left)
			bar.Step(p.phase(), int64(all-left), int64(all))
		}
	}
}

func (p *publishing) phase() string {
	if h := p.Holder(); h != "" {
		return "waiting for " + h + ", which publishes"
	}
	return "publishing"
}

// publishError gives the errors of publishing their exit status.
func publishError(err error) error {
	var input *record.InputError
	var usage *sink.UsageError
	switch {
	case errors.As(err, &usage):
		return usageError(err)
	case errors.Is(err, sink.ErrForeign), errors.As(err, &input):
		return inputError(err)
	}
	return err
}

// A recorded is the result of a recording that was published.
type recorded struct {
	record.Stats
	Published *sink.Summary `json:"published,omitempty"`
}

func writePublished(w io.Writer, s *sink.Summary) error {
	if s == nil {
		return nil
	}
	_, err := fmt.Fprintf(w, "  published   %8d   of them are in stream %s, %d by this process in epoch %d\n", s.Lines, s.Stream, s.Published, s.Epoch)
	return err
}

// conflicts is the error of two recordings by one name.
func conflicts(s *sink.Summary, log string) error {
	return fmt.Errorf("stream %s holds other bytes than %s under %d of the %d sequences that were compared: if it is another recording, name this one with --session; record verify --to compares all",
		s.Stream, log, s.Conflicts, s.Compared)
}

// verify compares the stream of a session with a log.
func (p *publishFlags) verify(ctx context.Context, a *app, session, log string) (*sink.Verification, error) {
	server, _, err := p.server()
	if err != nil || p.to == "" {
		return nil, err
	}
	f, err := os.Open(log)
	if err != nil {
		return nil, inputError(err)
	}
	defer f.Close()
	access := p.access
	access.a.URL = server
	conn, err := access.connect(ctx, a, "holdfast record verify "+session)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	v, err := sink.Verify(ctx, conn, session, f, log, p.node)
	if errors.Is(err, engine.ErrNoStream) || errors.Is(err, engine.ErrShape) {
		return nil, inputError(err) // here the stream is what is read
	}
	return &v, publishError(err)
}

func writeStreamVerification(w io.Writer, v *sink.Verification) {
	if v == nil {
		return
	}
	if v.Held() {
		fmt.Fprintf(w, "stream %s: %d messages, each of the %d lines once, in %s\n", v.Stream, v.Messages, v.Lines, counted(int64(v.Epochs), "epoch", "epochs"))
	} else {
		fmt.Fprintf(w, "stream %s: %d messages, %d lines, %d differences: %d missing, %d not in the log, %d repeated, %d changed, %d out of order\n",
			v.Stream, v.Messages, v.Lines, v.Differing, v.Missing, v.Extra, v.Repeated, v.Changed, v.Disordered)
	}
	for _, d := range v.Differences {
		fmt.Fprintf(w, "  %v\n", d)
	}
	if v.Unordered > 0 {
		fmt.Fprintf(w, "  %d messages were published by other recorders: their order is that of other logs, and was not compared\n", v.Unordered)
	}
}
