package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"holdfast/engine/queue"
	"holdfast/fetch"
	"holdfast/fetch/encodings"
	"holdfast/internal/stream"
	"holdfast/internal/vfs"
	"holdfast/replay/ingest"
)

func newFetch(a *app) *cobra.Command {
	f := newFetchFlags()
	cmd := &cobra.Command{
		Use:   "fetch [URL...]",
		Short: "Get every URL of a list exactly once, whatever network and servers do",
		Long: `Gets URLs with retries, and writes one record of every attempt and decision to
an append-only log (--log) and the sums to a summary (--summary). Killed at any
moment, the same command with --resume goes on where it stopped.

  --policy smart   what an operator wants: errors that will not go away are not
                   repeated, servers that ask for a pause get it, an origin that
                   fails gets less load (the default)
  --policy spec    3 retries of every 5xx, timeout and connection error, with
                   exponential backoff from 100 ms

With --queue the URLs are those of a job that holdfast fetch enqueue has filled,
shared with any number of processes, each URL's result recorded once. A process
ends when the job is done; its exit status is 0 if every URL of the job, fetched
by whichever process, was a success.

holdfast fetch policy NAME prints the whole decision table.`,
		Example: `  holdfast fetch https://example.org/
  holdfast fetch -i urls.txt --bodies pages --log fetch.jsonl
  holdfast fetch -i urls.txt --bodies pages --log fetch.jsonl --resume
  holdfast fetch explain https://example.org/ --log fetch.jsonl
  holdfast fetch --queue nats://127.0.0.1:4222 --job news --log a.jsonl
  holdfast fetch --lab-seed 42`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, given []string) error {
			f.given = cmd.Flags().Changed
			if err := mistyped(cmd, given); err != nil {
				return usageError(err)
			}
			if err := f.check(a, given); err != nil {
				return usageError(err)
			}
			if f.queue.access.URL != "" {
				return f.runQueue(cmd.Context(), a)
			}
			if f.given("lab-seed") {
				return f.runLab(cmd.Context(), a)
			}
			return f.run(cmd.Context(), a, given)
		},
	}
	f.add(cmd.Flags())
	cmd.AddCommand(newFetchValidate(a), newFetchExplain(a), newFetchPolicy(a), newFetchSimulate(a), newFetchEnqueue(a), newFetchResults(a))
	return cmd
}

// mistyped tells a misspelt subcommand from a URL.
func mistyped(cmd *cobra.Command, given []string) error {
	if len(given) == 0 || strings.ContainsAny(given[0], ":/.") {
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2 // as unknownCommand
	if near := cmd.SuggestionsFor(given[0]); len(near) > 0 {
		return fmt.Errorf("%q is no URL: did you mean holdfast fetch %s?", given[0], near[0])
	}
	return nil
}

// run fetches a list.
func (f *fetchFlags) run(ctx context.Context, a *app, given []string) error {
	config, err := f.config()
	if err != nil {
		return usageError(err)
	}
	src, done, err := f.source(ctx, a, given)
	if err != nil {
		return err
	}
	defer done()
	r, err := f.open(a, config)
	if err != nil {
		return err
	}
	defer r.close()
	giveRoom(config.Concurrency)
	context.AfterFunc(ctx, func() { signal.Reset(os.Interrupt, syscall.SIGTERM) }) // the second one ends us at once
	s, err := r.fetchAll(ctx, a, src)
	return f.tell(a, s, err)
}

// giveRoom lets memory that is no longer used lie for longer than usual: the live
// heap of a fetch is so small that collecting it would be a tenth of the work.
// The limit keeps it far below what is promised; it leaves room for what is
// there (what a log to resume says) and for attempts in flight. Who sets GOGC or
// GOMEMLIMIT has the last word.
func giveRoom(concurrency int) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(128<<20 + 2*int64(m.HeapAlloc) + int64(concurrency)*(128<<10))
}

// A fetchRun is a client with its log.
type fetchRun struct {
	log    *fetch.Log
	client *fetch.Client
	server *http.Server  // of metrics; nil: none
	job    *queue.Worker // nil: the URLs are of a list
}

func (f *fetchFlags) open(a *app, config fetch.Config) (*fetchRun, error) {
	signal.Ignore(syscall.SIGPIPE) // who reads our output may go: the log and the summary still become whole
	warn := func(text string) { a.warn([]string{text}) }
	r := &fetchRun{}
	if f.summary != "" { // where it cannot be written is told now, and not when all is fetched
		o, err := vfs.Create(vfs.OS{}, f.summary)
		if err != nil {
			return nil, err
		}
		o.Abort()
	}
	var err error
	if f.log == "-" {
		r.log = fetch.NewLog(a.Stdout)
	} else if r.log, err = fetch.OpenLog(vfs.OS{}, f.log, fetch.LogOptions{Resume: f.resume || f.retryFailed, Warn: warn}); err != nil {
		return nil, fetchError(err)
	}
	if r.log.Resume != nil {
		r.log.Resume.RetryFailed = f.retryFailed
	}
	opts := append(encodings.With(), fetch.WithConfig(config), fetch.WithLog(r.log), fetch.WithWarnings(warn))
	if r.client, err = fetch.New(nil, opts...); err != nil {
		r.log.Close()
		return nil, err
	}
	if err := r.serveMetrics(a, f.metrics); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (r *fetchRun) close() {
	if r.server != nil {
		r.server.Close()
	}
	r.client.Close()
	r.log.Close()
}

// serveMetrics shows the state of the run to who asks at address.
func (r *fetchRun) serveMetrics(a *app, address string) error {
	if address == "" {
		return nil
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	show := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		_ = r.client.WriteMetrics(w) // the reader is gone: nobody to tell
	}
	r.server = &http.Server{Handler: http.HandlerFunc(show), ReadHeaderTimeout: 5 * time.Second}
	go r.server.Serve(l)
	if !a.quiet {
		fmt.Fprintf(a.Stderr, "holdfast: metrics at http://%s/metrics\n", l.Addr())
	}
	return nil
}

// fetchAll runs and shows how far it is: by URLs, not by attempts.
func (r *fetchRun) fetchAll(ctx context.Context, a *app, src fetch.Source) (fetch.Summary, error) {
	over := make(chan struct{})
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		p := a.progress()
		defer p.Close()
		every := time.NewTicker(100 * time.Millisecond)
		defer every.Stop()
		for {
			select {
			case <-over:
				return
			case <-every.C:
				switch now, ok := r.client.Progress(); {
				case ok && r.job != nil:
					all := r.job.Totals()
					phase := "job"
					if !a.Terminal {
						phase = fmt.Sprintf("urls: %d here; job", now.Finished)
					}
					p.Step(phase, all.Done, all.Done+all.Left)
				case ok:
					p.Step("urls", now.Finished, 0)
				}
			}
		}
	}()
	s, err := r.client.FetchAll(ctx, src)
	close(over)
	<-shown
	return s, err
}

// tell writes the summary and says how it ended.
func (f *fetchFlags) tell(a *app, s fetch.Summary, err error) error {
	if err != nil && !errors.Is(err, context.Canceled) && (!isInput(err) || errors.Is(err, fetch.ErrOtherList)) {
		return fetchError(err) // what could not be recorded is not counted as done
	}
	if f.summary != "" {
		if err := writeJSON(f.summary, s); err != nil {
			return err
		}
	}
	if f.log != "-" {
		if err := a.print(s, func(w io.Writer) error { return s.WriteText(w) }); err != nil {
			return err
		}
	}
	switch {
	case errors.Is(err, context.Canceled):
		return &interruption{fmt.Sprintf("%d URLs are done; the same command with --resume goes on", s.TotalURLs-s.Extra.Postponed)}
	case err != nil:
		return fetchError(err)
	case s.TotalURLs > 0 && s.Extra.Inputs.Bad == s.TotalURLs:
		return inputError(fmt.Errorf("no line of the list is a URL: see the bad_input records in %s", f.log))
	case s.Failed > 0:
		return notHeld(fmt.Errorf("%d of %d URLs were not fetched: see %s, or holdfast fetch explain URL --log %s", s.Failed, s.TotalURLs, f.log, f.log))
	}
	return nil
}

func isInput(err error) bool {
	var input *fetch.InputError
	return errors.As(err, &input)
}

// fetchError gives the errors of fetching their exit status.
func fetchError(err error) error {
	switch {
	case isInput(err):
		return inputError(err)
	case vfs.IsFull(err):
		return fmt.Errorf("%w: free some space; the same command with --resume goes on", err)
	}
	return err
}

// source opens what the command line names.
func (f *fetchFlags) source(ctx context.Context, a *app, given []string) (fetch.Source, func(), error) {
	list := func(in io.Reader, name string) fetch.Source {
		l := fetch.NewList(in, name)
		l.Each = f.each()
		if f.dedupe.value != "none" {
			dir := "" // of temporary files, if the list is very long
			if f.log != "-" {
				dir = filepath.Dir(f.log)
			}
			l.Dedupe(fetch.NewDeduper(f.dedupe.value == "normalized", dir))
		}
		return l
	}
	switch f.input {
	case "":
		return list(strings.NewReader(strings.Join(given, "\n")), "the command line"), func() {}, nil
	case "-":
		return list(stream.Reader(ctx, a.Stdin), "standard input"), func() {}, nil
	}
	in, err := ingest.Open(ctx, f.input)
	if err != nil {
		return nil, nil, err
	}
	return list(in, f.input), func() { in.Close() }, nil
}
