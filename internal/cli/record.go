package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"holdfast/internal/stream"
	"holdfast/lab/lossy"
	"holdfast/record"
	"holdfast/record/seq"
	"holdfast/replay/ingest"
)

// recordFlags are those of one recording.
type recordFlags struct {
	lab        labFlags
	policy     policyFlags
	publish    publishFlags
	source     choice
	clock      choice
	in         string
	log        string
	requests   string
	session    string
	metrics    string
	maxPayload byteSize
	supervise  bool
	failOnGaps bool
	given      func(string) bool
}

func newRecord(a *app) *cobra.Command {
	r := recordFlags{
		source:     choice{"", []string{"lab", "jsonl"}},
		clock:      choice{"lines", []string{"lines", "real"}},
		maxPayload: 1 << 20,
	}
	cmd := &cobra.Command{
		Use:   "record",
		Short: "Turn packets that come late, twice, damaged or never into one ordered, durable log",
		Long: `Writes each packet of a source once, in order, to an append-only log. What has
come is in a journal before more is taken, so the process may be killed at any
moment: the same command goes on where it stopped, and asks again for what is
missing.

  --source lab     the lab's faulty source, which also ends the process now and
                   then, with exit status 1: start it again, or use --supervise
  --source jsonl   one packet a line: {"sequence":1,"timestamp":0.5,"payload":"6869","checksum":3633523372}

With --journal off it is the classic logger: --buffer-size then trades coverage
for order. See holdfast record tradeoff.

` + publishHelp,
		Example: `  holdfast record --source lab --seed 42 --state-dir state --log events.log --supervise
  holdfast record score --log events.log --seed 42
  holdfast record --source jsonl -i packets.jsonl --state-dir state --log events.log
  holdfast record --source jsonl -i packets.jsonl --state-dir state --log events.log --to nats://127.0.0.1:4222 --node a
  holdfast record verify --log events.log --state-dir state`,
		Args: args(0, 0, "flags only"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			r.given = cmd.Flags().Changed
			if err := r.check(); err != nil {
				return usageError(err)
			}
			if r.supervise {
				return a.supervise(cmd)
			}
			return r.run(cmd.Context(), a)
		},
	}
	f := cmd.Flags()
	f.Var(&r.source, "source", "where packets come from")
	f.StringVarP(&r.in, "input", "i", "", "file with one packet a line, - for standard input")
	f.StringVar(&r.log, "log", "events.log", "the log; appended in place")
	f.StringVar(&r.requests, "requests-out", "", "append requests for what is missing to this file (jsonl)")
	f.StringVar(&r.session, "session", "", "name of a jsonl recording: of its journal, and of its stream with --to (default from the file's name)")
	f.StringVar(&r.metrics, "metrics", "", "serve Prometheus metrics at this address, such as 127.0.0.1:9464")
	f.Var(&r.clock, "clock", "time of a jsonl source: its lines' \"at\", or real")
	f.Var(&r.maxPayload, "max-payload", "longest payload of a jsonl source")
	f.BoolVar(&r.supervise, "supervise", false, "start again whenever the process ends before the session does")
	f.BoolVar(&r.failOnGaps, "fail-on-gaps", false, "exit 1 if a packet is missing at the end")
	r.lab.add(f)
	r.policy.add(f)
	r.publish.add(f)
	cmd.AddCommand(newRecordScore(a), newRecordVerify(a), newRecordDump(a), newRecordExplain(a), newRecordRebuild(a), newRecordTradeoff(a))
	return cmd
}

// ofLab are the flags that only the lab's source heeds.
var ofLab = []string{"seed", "packets", "duplicate-prob", "loss-prob", "corruption-prob", "termination-prob", "termination-rate"}

func (r *recordFlags) check() error {
	switch {
	case r.source.value == "":
		return errors.New("--source is missing: lab or jsonl")
	case r.source.value == "jsonl" && r.in == "":
		return errors.New("-i is missing: name a file with one packet a line, or - for standard input")
	case r.source.value == "lab" && (r.in != "" || r.requests != "" || r.session != ""):
		return errors.New("-i, --requests-out and --session go with --source jsonl")
	case r.given("session") && (r.session == "" || r.session != plainName(r.session)):
		return fmt.Errorf("--session %q: 1 to %d letters, digits, - and _", r.session, longestName)
	case r.log == "" || r.log == "-":
		return errors.New("--log must name a file: it is also read")
	}
	return nil
}

// run records until the session is over or the process is to end.
func (r *recordFlags) run(ctx context.Context, a *app) error {
	policy, journal, err := r.policy.read(r.given)
	if err != nil {
		return usageError(err)
	}
	c := record.Config{
		StateDir: r.lab.stateDir(),
		Policy:   policy,
		Journal:  journal,
		Warn:     func(message string) { a.warn([]string{message}) },
	}
	if r.given("reorder-window") || r.source.value == "lab" {
		if r.lab.c.ReorderWindow < 0 {
			return usageError(fmt.Errorf("--reorder-window %d: not below 0", r.lab.c.ReorderWindow))
		}
		c.Policy.Window = uint64(r.lab.c.ReorderWindow)
	}
	if r.source.value != "lab" {
		for _, name := range ofLab {
			if r.given(name) {
				a.warn([]string{"--" + name + " is for --source lab and changes nothing here"})
			}
		}
	}
	tell, stop, err := a.tellStatus(r.metrics)
	if err != nil {
		return err
	}
	defer stop()
	c.Status = tell
	if r.source.value == "lab" {
		return r.runLab(ctx, a, c)
	}
	return r.runJSONL(ctx, a, c)
}

func (r *recordFlags) runLab(ctx context.Context, a *app, c record.Config) error {
	c.Session, c.Source = r.lab.session(), record.LabSource
	to, err := r.publish.open(ctx, a, &c, r.log)
	if err != nil {
		return err
	}
	defer to.close()
	src := &labSource{c: r.lab.config(a)}
	l, err := record.NewLogger(src, r.log, c)
	if err != nil {
		return recordError(err)
	}
	s, err := l.Run(ctx)
	if errors.Is(err, lossy.ErrTerminated) {
		a.Exit(ExitNotHeld) // at once: this process is dead
	}
	if err != nil {
		return r.interrupted(err)
	}
	return r.tell(ctx, a, to, s, uint64(r.lab.c.TotalPackets))
}

func (r *recordFlags) runJSONL(ctx context.Context, a *app, c record.Config) error {
	c.Session, c.Source = r.session, record.JSONLSource
	if c.Session == "" {
		c.Session = jsonlSession(r.in)
	}
	c.RealClock = r.clock.value == "real"
	if !c.RealClock {
		c.Policy.Drain = seq.NoDrain
	}
	in := record.JSONLConfig{
		Name:       r.in,
		Open:       func() (io.ReadCloser, error) { return openLines(ctx, a, r.in) },
		MaxPayload: int(r.maxPayload),
		Warn:       c.Warn,
	}
	if r.requests != "" {
		f, err := os.OpenFile(r.requests, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
		if err != nil {
			return err
		}
		defer f.Close()
		in.Requests = f
	}
	to, err := r.publish.open(ctx, a, &c, r.log)
	if err != nil {
		return err
	}
	defer to.close()
	src := record.NewJSONL(in)
	l, err := record.NewLogger(src, r.log, c)
	if err != nil {
		return recordError(err)
	}
	if at, over := l.Completed(); over && unread(r.in, at) {
		a.warn([]string{fmt.Sprintf("session %s was complete before: what %s holds now is not recorded; give it a --session or --state-dir of its own", c.Session, inputName(r.in))})
	}
	s, err := l.Run(ctx)
	if err != nil {
		return r.interrupted(err)
	}
	if err := r.tell(ctx, a, to, s, s.Total.PacketsWritten+s.Total.Gaps); err != nil {
		return err
	}
	if n := src.Rejected(); n > 0 {
		return notHeld(fmt.Errorf("%d lines of %s are no packets; all others were recorded", n, r.in))
	}
	return nil
}

// readCloser reads here and closes there.
type readCloser struct {
	io.Reader
	io.Closer
}

// openLines opens an input of lines: a plain file can be read from its middle on.
func openLines(ctx context.Context, a *app, name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(stream.Reader(ctx, a.Stdin)), nil
	}
	if strings.HasSuffix(name, ".gz") || strings.HasSuffix(name, ".zst") {
		return ingest.Open(ctx, name)
	}
	f, err := stream.OpenFile(ctx, name)
	if err != nil {
		return nil, inputError(err)
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		f.Close()
		return nil, inputError(fmt.Errorf("%s: is a folder, not a file", name))
	} else if err == nil && !info.Mode().IsRegular() {
		return readCloser{stream.Reader(ctx, f), f}, nil
	}
	return f, nil
}

// unread reports whether an input may hold more than its session took: a stream,
// or a file that has grown.
func unread(in string, taken uint64) bool {
	if in == "-" {
		return true
	}
	f, err := os.Open(in)
	if err != nil {
		return false // it may be gone by now
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() || strings.HasSuffix(in, ".gz") || strings.HasSuffix(in, ".zst") {
		return false
	}
	if _, err := f.Seek(int64(taken), io.SeekStart); err != nil {
		return false
	}
	for r := bufio.NewReader(f); ; {
		switch c, err := r.ReadByte(); {
		case err != nil:
			return false
		case c != ' ' && c != '\t' && c != '\r' && c != '\n':
			return true
		}
	}
}

func inputName(in string) string {
	if in == "-" {
		return "standard input"
	}
	return in
}

// jsonlSession names the recording of a file after it.
func jsonlSession(in string) string {
	if in == "-" {
		return "jsonl-stdin"
	}
	name, _, _ := strings.Cut(filepath.Base(in), ".")
	return "jsonl-" + plainName(name)
}

// longestName is that of a session's name, of which files and streams are named.
const longestName = 100

// plainName is a name with nothing in it that files or streams cannot have.
func plainName(name string) string {
	name = strings.Map(func(c rune) rune {
		if c == '-' || c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' {
			return c
		}
		return '_'
	}, name)
	return name[:min(len(name), longestName)]
}

// interrupted says how to go on.
func (r *recordFlags) interrupted(err error) error {
	if !errors.Is(err, record.ErrInterrupted) {
		return recordError(err)
	}
	to := ""
	if r.publish.to != "" {
		to = " --to …"
	}
	return &interruption{fmt.Sprintf("what was received is in the journal; the same command goes on: holdfast record --source %s … --state-dir %s --log %s%s",
		r.source.value, r.lab.stateDir(), r.log, to)}
}

// tell waits for the publisher, and tells what came of the recording.
func (r *recordFlags) tell(ctx context.Context, a *app, to *publishing, s record.Stats, packets uint64) error {
	published, failed := to.finish(ctx)
	if errors.Is(failed, context.Canceled) {
		return &interruption{r.log + " is complete; the same command publishes the rest"}
	}
	err := a.print(recorded{s, published}, func(w io.Writer) error {
		return errors.Join(writeRecord(w, s, packets), writePublished(w, published))
	})
	switch {
	case err != nil:
		return err
	case failed != nil:
		return failed
	case published != nil && published.Conflicts > 0:
		return notHeld(conflicts(published, r.log))
	case r.failOnGaps && s.Total.Gaps > 0:
		return notHeld(fmt.Errorf("--fail-on-gaps: %d packets are missing", s.Total.Gaps))
	}
	return nil
}

// writeRecord begins with the three lines of the requirement's own test.
func writeRecord(w io.Writer, s record.Stats, packets uint64) error {
	t := s.Total
	_, err := fmt.Fprintf(w, `Coverage: %d/%d
Inversions: %d
Lost in buffer: %d

%s, %d starts
  received    %8d   packets, with copies and damaged ones
  written     %8d   lines of %s
  duplicates  %8d   discarded
  corrupted   %8d   asked for again
  requests    %8d   of which %d recovered a packet
  gaps        %8d   packets missing, in %d runs
`, t.PacketsWritten, packets, t.Inversions, t.FinalBufferSize,
		s.Session, s.Restarts+1, t.PacketsReceived, t.PacketsWritten, s.Log, t.DuplicatesDiscarded,
		t.CorruptedPackets, t.RetransmitRequests, t.RetransmitsReceived, t.Gaps, t.Extra["gap_runs"])
	return err
}

// labSource opens the lab's source only when its session goes on.
type labSource struct {
	c lossy.Config
	*lossy.Source
}

// Open implements record.Opener.
func (l *labSource) Open(cursor uint64, known bool) (err error) {
	l.c.Cursor = func() (uint64, bool) { return cursor, known }
	l.Source, err = lossy.New(l.c)
	return err
}

// recordError gives the errors of recording their exit status.
func recordError(err error) error {
	var input *record.InputError
	var state *lossy.InputError
	var usage *lossy.UsageError
	switch {
	case errors.As(err, &usage):
		return usageError(err)
	case errors.As(err, &input), errors.As(err, &state):
		return inputError(err)
	}
	return err
}
