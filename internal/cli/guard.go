package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"holdfast/engine/relay"
	"holdfast/guard"
)

// guardFlags are those of one relay.
type guardFlags struct {
	access accessFlags
	c      relay.Config
	mode   choice
	key    string
	test   selftest
}

func newGuard(a *app) *cobra.Command {
	g := guardFlags{mode: choice{"subject", []string{"subject", "expect", "window"}}}
	cmd := &cobra.Command{
		Use:   "guard",
		Short: "Relay a live stream into one that holds each key once",
		Long: `Copies what is published to SUBJECT into the stream STREAM, each key once, however
often it is sent, delivered or relayed. Run as many relays as you like; kill any
at any time. A source message is acknowledged only when the sink has answered.

Fields of --key: dotted paths into a JSON body, @subject, @header:NAME. Numbers
count by value, so 1.0 is 1.

  --mode subject   one subject a key; the sink itself refuses a second message,
                   from anyone, for as long as it holds the first. Costs memory
                   per key.
  --mode expect    the same in a sink that is there and may not be changed: each
                   publish expects that its subject is empty. It binds guards
                   only: others may store a second message of a key. --prefix
                   says how the sink's subjects begin.
  --mode window    message ids; a key may come again after --window, counted from
                   the message that was stored and not extended by repeats. What
                   is delivered again later than half of the window after it was
                   sent cannot be decided and goes to the dead-letter stream.

Messages without a key, those whose key is stored with another body, and those
that are too large for the sink go to STREAM_DEAD.

A server that is away, without a leader or full is waited for, --outage long, and
then it is status 4: nothing is acknowledged that is not stored, so the same
command goes on where it was. To survive the loss of every server's power at once
the engine has to sync always (holdfast engine does; nats-server: sync_interval:
always).

--selftest proves it: its own engine, real relays, kill -9.`,
		Example: `  holdfast guard --nats nats://127.0.0.1:4222 --from ticks.raw --to TICKS --key symbol,timestamp --capture
  holdfast guard --nats nats://127.0.0.1:4222 --from ticks.raw --to TICKS --key symbol,timestamp --drain --json
  holdfast guard --selftest --keys 2000 --relays 2 --kills 5`,
		Args: args(0, 0, "flags only"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			g.c.Mode = relay.Mode(g.mode.value)
			if err := g.fit(cmd.Flags().Changed); err != nil {
				return usageError(err)
			}
			if g.test.on {
				return g.test.run(cmd.Context(), a, g.c)
			}
			return g.run(cmd.Context(), a)
		},
	}
	f := cmd.Flags()
	g.access.add(f)
	f.StringVar(&g.c.From, "from", "", "subject to relay, may have wildcards")
	f.StringVar(&g.c.To, "to", "", "name of the sink stream; made if there is none")
	f.StringVar(&g.key, "key", "", "fields that make a message what it is: a.b,@subject,@header:NAME")
	f.Var(&g.mode, "mode", "how the sink knows a key again")
	f.StringVar(&g.c.Prefix, "prefix", "", "how the sink's subjects begin (default STREAM)")
	f.DurationVar(&g.c.Window, "window", 0, "how long a key is remembered with --mode window (default 10 times --ack-wait)")
	f.BoolVar(&g.c.AcceptWindow, "accept-window", false, "take a shorter --window")
	f.BoolVar(&g.c.Capture, "capture", false, "make a source stream if none captures SUBJECT")
	f.BoolVar(&g.c.Drain, "drain", false, "end when the source is empty")
	f.Int64Var(&g.c.MaxKeys, "max-keys", 5_000_000, "end with status 1 when the sink holds so many with --mode subject or expect")
	f.BoolVar(&g.c.Forget, "forget", false, "take a sink that forgets keys: by age, size or deletes")
	f.BoolVar(&g.c.Ordered, "ordered", false, "one message in flight: first acceptances keep the source's order, with one relay")
	f.IntVar(&g.c.Partitions, "partitions", 1, "sink streams that share the keys")
	f.IntVar(&g.c.Replicas, "replicas", 1, "replicas of streams that are made")
	f.DurationVar(&g.c.AckWait, "ack-wait", 30*time.Second, "until the source delivers again what a dead relay had")
	f.IntVar(&g.c.InFlight, "in-flight", 512, "most messages at once")
	f.DurationVar(&g.c.Outage, "outage", 2*time.Minute, "end with status 4 when nothing could be stored for so long; 0 waits for ever")
	g.test.add(f)
	return cmd
}

// fit refuses flags that nobody would read.
func (g *guardFlags) fit(given func(string) bool) error {
	flags, why := []string{"keys", "relays", "kills", "nodes", "repeat-after", "seed"}, "goes with --selftest"
	if g.test.on {
		flags, why = []string{"nats", "from", "to", "key", "drain", "capture"}, "does not go with --selftest, which has an engine, streams and keys of its own"
	}
	for _, f := range flags {
		if given(f) {
			return fmt.Errorf("--%s %s", f, why)
		}
	}
	return nil
}

// missing names the flags without which nothing can be relayed, all at once.
func (g *guardFlags) missing() string {
	var flags, ask []string
	for _, f := range []struct{ flag, value, ask string }{
		{"--from", g.c.From, "which subject is relayed"}, {"--to", g.c.To, "to which stream"}, {"--key", g.key, "which fields make a message what it is"},
	} {
		if f.value == "" {
			flags, ask = append(flags, f.flag), append(ask, f.ask)
		}
	}
	if flags == nil {
		return ""
	}
	verb := "is"
	if len(flags) > 1 {
		verb = "are"
	}
	return fmt.Sprintf("%s %s missing: %s?", strings.Join(flags, ", "), verb, strings.Join(ask, ", "))
}

func (g *guardFlags) run(ctx context.Context, a *app) error {
	if g.access.a.URL == "" {
		return usageError(errors.New("--nats is missing: start an engine with holdfast engine --dir DIR, or use --selftest"))
	}
	if missing := g.missing(); missing != "" {
		return usageError(errors.New(missing))
	}
	var err error
	if g.c.Fields, err = guard.ParseFields(g.key); err != nil {
		return usageError(fmt.Errorf("--key: %w", err))
	}
	if g.c.MaxKeys < 1 || g.c.InFlight < 1 || g.c.Partitions < 1 || g.c.Replicas < 1 {
		return usageError(errors.New("--max-keys, --in-flight, --partitions and --replicas: at least 1"))
	}
	if g.c.Outage < 0 {
		return usageError(fmt.Errorf("--outage %v: not below 0", g.c.Outage))
	}
	if g.c.Replicas > 5 {
		return usageError(fmt.Errorf("--replicas %d: use 1, 3 or 5", g.c.Replicas))
	}
	if g.c.Outage == 0 {
		g.c.Outage = -1
	}
	if err := g.c.Check(); err != nil {
		return usageError(err)
	}
	conn, err := g.access.connect(ctx, a, "holdfast guard "+g.c.To)
	if err != nil {
		return err
	}
	defer conn.Close()
	bar := a.progress()
	g.c.Warn = func(text string) { a.warn([]string{text}) }
	g.c.Tell = func(c guard.Counters) { bar.Step("relayed", int64(c.Received-c.InFlight), 0) }
	g.c.Ready = func(source string) {
		if !a.quiet {
			fmt.Fprintf(a.Stderr, "holdfast: relaying %s of stream %s to %s\n", g.c.From, source, g.c.To)
		}
	}
	counts, err := relay.Run(ctx, conn, g.c)
	bar.Close()
	var usage *relay.UsageError
	switch {
	case errors.As(err, &usage):
		return usageError(err)
	case err != nil && counts.Received == 0 && !errors.Is(err, context.Canceled):
		return guardError(err)
	}
	if told := a.print(counts, func(w io.Writer) error { return writeGuard(w, counts, g.c.To) }); told != nil {
		return told
	}
	return guardError(err)
}

func guardError(err error) error {
	if errors.Is(err, relay.ErrMaxKeys) {
		return notHeld(err)
	}
	return err
}

func writeGuard(w io.Writer, c guard.Counters, to string) error {
	_, err := fmt.Fprintf(w, `%s: %d deliveries
  accepted   %10d   stored
  resumed    %10d   had been stored by an earlier try
  duplicates %10d   left out
  conflicts  %10d   same key, another body: in %s_DEAD
  dead       %10d   without a key, too large or undecided: in %s_DEAD
  returned   %10d   to be delivered again
`, to, c.Received, c.Accepted, c.Resumed, c.Duplicates, c.Conflicts, to, c.Dead, to, c.Returned+c.InFlight)
	return err
}
