package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"holdfast/engine"
	"holdfast/engine/queue"
	"holdfast/fetch"
)

// queueFlags say which job of which engine. Their names differ from those of
// guard where fetch has a flag of that name for the web's servers.
type queueFlags struct {
	access engine.Access
	c      queue.Config
	window int
	follow bool
}

// add adds what a process needs that may make the job.
func (q *queueFlags) add(f *pflag.FlagSet) {
	q.addReader(f)
	f.DurationVar(&q.c.AckWait, "ack-wait", 0, "until a dead process's URLs come to another; fixed when a job is made (default 30s)")
	f.IntVar(&q.c.Replicas, "replicas", 1, "replicas of a job that is made")
}

// addReader adds what finds a job that is there.
func (q *queueFlags) addReader(f *pflag.FlagSet) {
	q.c.Replicas = 1
	f.Var((*serverURL)(&q.access.URL), "queue", "URL of the engine that holds the job, such as nats://127.0.0.1:4222; several with commas")
	f.StringVar(&q.c.Job, "job", "default", "name of the job")
	f.DurationVar(&q.c.Patience, "queue-patience", time.Minute, "how long a lost engine is waited for")
	f.StringVar(&q.access.Creds, "creds", "", "file with a NATS user's credentials")
	f.StringVar(&q.access.CA, "queue-ca", "", "file with the certificate authorities to believe for the engine (default the system's)")
	f.StringVar(&q.access.Cert, "queue-cert", "", "file with the client's certificate for the engine")
	f.StringVar(&q.access.Key, "queue-key", "", "file with that certificate's key")
	alias(f, "nats", "queue")
	alias(f, "tls-ca", "queue-ca")
	alias(f, "tls-cert", "queue-cert")
	alias(f, "tls-key", "queue-key")
}

// addWorker adds what only a process that fetches needs.
func (q *queueFlags) addWorker(f *pflag.FlagSet) {
	q.add(f)
	f.IntVar(&q.window, "queue-window", 0, "URLs of the job in this process's hands (default twice --concurrency)")
	f.BoolVar(&q.follow, "follow", false, "with --queue: stay when the job is done, for URLs that are enqueued later")
}

func (q *queueFlags) check() error {
	if q.access.URL == "" {
		return errors.New("--queue is missing: start an engine with holdfast engine --dir DIR, and name its URL")
	}
	return q.c.Check()
}

func (q *queueFlags) connect(ctx context.Context, a *app, what string) (*engine.Conn, error) {
	access := q.access
	access.Name = "holdfast " + what + " " + q.c.Job
	access.Patience = min(q.c.Patience, 10*time.Second)
	access.Warn = func(text string) { a.warn([]string{text}) }
	q.c.Warn = access.Warn
	return engine.Connect(ctx, access)
}

// ofQueue are the flags of fetch that need --queue.
var ofQueue = []string{"job", "ack-wait", "replicas", "queue-patience", "creds", "queue-ca", "queue-cert", "queue-key", "queue-window", "follow"}

// checkQueue looks at what the flags say together with --queue.
func (f *fetchFlags) checkQueue(given []string) error {
	if f.queue.access.URL == "" {
		for _, name := range ofQueue {
			if f.given(name) {
				return fmt.Errorf("--%s goes with --queue", name)
			}
		}
		return nil
	}
	switch {
	case len(given) > 0 || f.input != "":
		return errors.New("--queue brings the URLs: enqueue others with holdfast fetch enqueue -i FILE --queue URL")
	case f.given("lab-seed"):
		return errors.New("--queue and --lab-seed together: enqueue the lab's URLs with holdfast lab urls --base URL | holdfast fetch enqueue -i -")
	case f.resume || f.retryFailed:
		return errors.New("--resume does not go with --queue: the queue itself knows what is done, so just start again")
	case f.dedupe.value != "none":
		return errors.New("--dedupe does not go with --queue: give it to holdfast fetch enqueue")
	case f.given("queue-window") && f.queue.window < 1:
		return fmt.Errorf("--queue-window %d: at least 1", f.queue.window)
	}
	return f.queue.check()
}

// longestHold is how long a URL waits in a process's hands. For a longer pause
// it goes back to the queue (R13.2), so that it does not keep others out.
const longestHold = 30 * time.Second

// runQueue fetches URLs of a job that other processes share.
func (f *fetchFlags) runQueue(ctx context.Context, a *app) error {
	config, err := f.config()
	if err != nil {
		return usageError(err)
	}
	if config.Window = f.queue.window; config.Window == 0 {
		config.Window = 2 * config.Concurrency
	}
	late := config.RetryAfterCap
	config.RetryAfterCap = min(late, longestHold)
	conn, err := f.queue.connect(ctx, a, "fetch")
	if err != nil {
		return err
	}
	defer conn.Close()
	w, err := queue.Open(ctx, conn, queue.WorkerConfig{Config: f.queue.c, Window: config.Window, Cap: late, Follow: f.queue.follow, Each: f.each()})
	if err != nil {
		return queueError(err)
	}
	defer w.Close()
	r, err := f.open(a, config)
	if err != nil {
		return err
	}
	defer r.close()
	giveRoom(config.Concurrency)
	context.AfterFunc(ctx, func() { signal.Reset(os.Interrupt, syscall.SIGTERM) }) // the second one ends us at once
	r.job = w
	s, err := r.fetchAll(ctx, a, w)
	if closed := w.Close(); err == nil {
		err = closed
	}
	return f.tellJob(ctx, a, conn, w, s, err)
}

// A jobSummary is what stands in the summary of a process of a job.
type jobSummary struct {
	Name string         `json:"name"`
	Here queue.Counters `json:"here"` // this process
	All  queue.Totals   `json:"all"`  // all processes
}

// tellJob writes the summary of this process and of the job, and says how it
// ended.
func (f *fetchFlags) tellJob(ctx context.Context, a *app, conn *engine.Conn, w *queue.Worker, s fetch.Summary, failed error) error {
	if errors.Is(failed, engine.ErrNoStream) {
		return fetchError(failed) // there is nothing to go on with
	}
	if failed != nil && !errors.Is(failed, context.Canceled) {
		fmt.Fprintf(a.Stderr, "holdfast: %d URLs of this process are recorded; the same command goes on with the others\n", w.Counters().Recorded)
		return fetchError(failed)
	}
	job := jobSummary{Name: f.queue.c.Job, Here: w.Counters(), All: w.Totals()}
	if failed == nil {
		all, err := queue.CountOutcomes(ctx, conn, f.queue.c)
		if err != nil {
			return queueError(err)
		}
		all.PutOff = min(job.All.PutOff, all.Left)
		job.All = all
	}
	s.Extra.Job = job
	if f.summary != "" {
		if err := writeJSON(f.summary, s); err != nil {
			return err
		}
	}
	if f.log != "-" {
		err := a.print(s, func(w io.Writer) error {
			if err := s.WriteText(w); err != nil {
				return err
			}
			return job.writeText(w)
		})
		if err != nil {
			return err
		}
	}
	switch all := job.All; {
	case failed != nil:
		return &interruption{fmt.Sprintf("%d URLs of this process are recorded, what it had in hand went back; the same command goes on", job.Here.Recorded)}
	case all.Open && all.Left <= all.PutOff:
		return notHeld(fmt.Errorf("job %s: its list was not enqueued to the end: run holdfast fetch enqueue again, with the same list", job.Name))
	case all.Left > 0:
		return notHeld(fmt.Errorf("job %s: %d URLs are put off, each until its origin may be asked again; the same command goes on then", job.Name, all.Left))
	case all.Done > all.Outcomes["success"]:
		return notHeld(fmt.Errorf("job %s: %d of %d URLs were not fetched: see holdfast fetch results --queue %s --job %s",
			job.Name, all.Done-all.Outcomes["success"], all.Done, conn.Where, job.Name))
	}
	return nil
}

func (j *jobSummary) writeText(w io.Writer) error {
	t := &j.All
	_, err := fmt.Fprintf(w, "\njob %s, all processes: %d URLs done, %d left", j.Name, t.Done, t.Left)
	separator := ": "
	for _, name := range slices.Sorted(maps.Keys(t.Outcomes)) {
		fmt.Fprintf(w, "%s%d %s", separator, t.Outcomes[name], name)
		separator = ", "
	}
	h := &j.Here
	fmt.Fprintf(w, "\nthis process: %d recorded, %d recorded by others first, %d had a result, %d put off, %d given back\n", h.Recorded, h.Refused, h.Skipped, h.PutOff, h.GaveBack)
	return err
}

// queueError gives the errors of the queue their exit status.
func queueError(err error) error {
	var usage *queue.UsageError
	switch {
	case errors.As(err, &usage):
		return usageError(err)
	case errors.Is(err, queue.ErrNoJob):
		return inputError(err)
	}
	return err
}
