package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"holdfast/engine"
	"holdfast/engine/mailbox"
	"holdfast/internal/vfs"
	"holdfast/merge"
	"holdfast/merge/runner"
)

// jobFlags are those of a worker of a job on NATS.
type jobFlags struct {
	access   accessFlags
	job      string
	of       int
	words    int
	replicas int
	gone     time.Duration
	manifest string
}

// jobOnly are the flags that mean something with --nats only.
var jobOnly = []string{"job", "of", "words", "replicas", "engine-timeout", "manifest"}

// filesOnly are the flags that mean nothing with --nats.
var filesOnly = []string{"inbox", "outbox", "state", "once", "mailbox", "strategy", "stall-timeout"}

func (j *jobFlags) add(f *pflag.FlagSet) {
	j.access.add(f)
	addEngineTimeout(f, &j.gone)
	f.StringVar(&j.job, "job", "", "with --nats: name of the job, the same at all its workers")
	f.IntVar(&j.of, "of", 2, "with --nats: how many workers the job has, 2 to 256")
	f.IntVar(&j.words, "words", merge.Words, "with --nats: integers a message, 9 to 4096")
	f.IntVar(&j.replicas, "replicas", 1, "with --nats: replicas of stream and bucket, if this worker makes them")
	f.StringVar(&j.manifest, "manifest", "", "with --nats: write here, at the end, what the parts are")
}

func addEngineTimeout(f *pflag.FlagSet, d *time.Duration) {
	f.DurationVar(d, "engine-timeout", time.Minute, "with --nats: give up when the engine was gone for so long in the middle of a run")
}

func (j *jobFlags) on() bool { return j.access.a.URL != "" }

// unused refuses flags that would have no effect without --nats.
func (j *jobFlags) unused(f *pflag.FlagSet) error {
	if name := changed(f, jobOnly); name != "" && !f.Changed("nats") {
		return usageError(fmt.Errorf("--%s goes with --nats URL: start an engine with holdfast engine --dir DIR", name))
	}
	return nil
}

func changed(f *pflag.FlagSet, names []string) string {
	if i := slices.IndexFunc(names, f.Changed); i >= 0 {
		return names[i]
	}
	return ""
}

// check checks the flags of a worker on NATS, and gives its number.
func (w *workerFlags) checkJob(f *pflag.FlagSet) (id int, err error) {
	j := &w.job
	id, bad := strconv.Atoi(w.id)
	switch name := changed(f, filesOnly); {
	case name != "":
		return 0, fmt.Errorf("--%s is of workers on files: leave it out with --nats", name)
	case j.of < 2 || j.of > merge.MaxWorkers:
		return 0, fmt.Errorf("--of %d: 2 to %d workers", j.of, merge.MaxWorkers)
	case w.id == "" || bad != nil || id < 0 || id >= j.of:
		return 0, fmt.Errorf("%s: with --nats a number from 0 to %d, one below --of", idOf(w.id), j.of-1)
	case j.words < merge.Words-1 || j.words > merge.MaxWords:
		return 0, fmt.Errorf("--words %d: %d to %d", j.words, merge.Words-1, merge.MaxWords)
	case w.data == "" || w.output == "" || j.job == "":
		var missing []string
		for _, f := range []struct{ name, value string }{{"--job", j.job}, {"--data", w.data}, {"--output", w.output}} {
			if f.value == "" {
				missing = append(missing, f.name)
			}
		}
		return 0, fmt.Errorf("%s: missing", strings.Join(missing, ", "))
	case w.output == "-" || j.manifest == "-":
		return 0, errors.New("--output and --manifest must name files")
	case j.replicas < 1 || j.replicas > 5:
		return 0, fmt.Errorf("--replicas %d: use 1, 3 or 5", j.replicas)
	case sameFile(w.data, w.output):
		return 0, fmt.Errorf("--output %s is the list of --data: name another file", w.output)
	case j.manifest != "" && (sameFile(w.data, j.manifest) || sameName(w.output, j.manifest)):
		return 0, fmt.Errorf("--manifest %s is the file of --data or --output: name another", j.manifest)
	case isFolder(w.output):
		return 0, fmt.Errorf("--output %s is a folder: name a file in it", w.output)
	case j.gone <= 0 || w.patience.Idle < 0:
		return 0, errors.New("--engine-timeout: above 0; --idle-timeout: not below 0")
	}
	if err := mailbox.CheckJob(j.job); err != nil {
		return 0, fmt.Errorf("--job %w", err)
	}
	if !f.Changed("balance") {
		w.balance.value = "touch"
	}
	switch parts := w.balance.value == "touch"; {
	case !parts && j.of != 2:
		return 0, fmt.Errorf("--balance coded is for two workers, not %d", j.of)
	case parts && w.append:
		return 0, errors.New("--append: a part is a file of its own; it goes with --balance coded")
	case parts && w.confirm:
		return 0, errors.New("--confirm goes with --balance coded; parts are always confirmed")
	case !parts && j.manifest != "":
		return 0, errors.New("--manifest: with --balance coded there are no parts")
	}
	return id, nil
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// runJob runs one worker on NATS.
func (w *workerFlags) runJob(ctx context.Context, a *app, f *pflag.FlagSet) error {
	id, err := w.checkJob(f)
	if err != nil {
		return usageError(err)
	}
	common, err := w.options(a)
	if err != nil {
		return err
	}
	j := &w.job
	o := runner.JobOptions{
		Job: j.job, ID: id, Of: j.of, Output: w.output, Words: j.words, Duplicates: common.Duplicates, Balance: common.Balance,
		Confirm: common.Confirm, Append: common.Append, MaxValues: common.MaxValues, Durability: common.Durability, Owner: processName(),
	}
	if o.Data, err = w.readList(ctx, w.data); err != nil {
		return err
	}
	bar := a.progress()
	defer bar.Close()
	o.Tell = func(s merge.Snapshot) { bar.Step("messages received", s.Stats.MessagesReceived, 0) }
	conn, err := j.access.connect(ctx, a, fmt.Sprintf("holdfast merge %s worker %d", j.job, id))
	if err != nil {
		return err
	}
	defer conn.Close()
	box, err := mailbox.Open(ctx, conn, mailbox.Config{
		Job: j.job, Of: j.of, Words: j.words, Options: o.Spell(), Replicas: j.replicas, Owner: o.Owner, Patience: j.gone,
	}, id)
	if err != nil {
		return jobError(err)
	}
	defer box.Close()
	member, err := runner.NewMember(ctx, o, box)
	if err != nil {
		return jobError(err)
	}
	defer member.Close()
	if err := member.Run(ctx, w.patience); err != nil {
		return w.explainJob(err)
	}
	r := member.Record()
	status := &jobStatus{Job: j.job, Worker: id, Of: j.of, Phase: r.Phase, Stage: r.Stage, Stats: r.Stats, Work: r.Work, Starts: r.Epoch, Part: r.Part}
	if r.Part != nil {
		if status.Whole, err = manifestOf(ctx, box.Job); err != nil {
			return jobError(err)
		}
		if j.manifest != "" {
			if err := writeFile(j.manifest, status.Whole.Encode()); err != nil {
				return err
			}
		}
	}
	bar.Close()
	return a.print(status, status.write)
}

// processName names this process and no other, wherever it runs.
func processName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "a host without name"
	}
	return fmt.Sprintf("%.60s, process %d, %s", host, os.Getpid(), rand.Text()[:8])
}

func manifestOf(ctx context.Context, job *mailbox.Job) (*runner.Manifest, error) {
	records, err := job.Records(ctx)
	if err != nil {
		return nil, err
	}
	messages, _, err := job.Log(ctx)
	if err != nil {
		return nil, err
	}
	return runner.NewManifest(job.Name, records, messages)
}

func writeFile(path string, content []byte) error {
	out, err := vfs.Create(vfs.OS{}, path)
	if err != nil {
		return err
	}
	defer out.Abort()
	if _, err := out.Write(content); err != nil {
		return err
	}
	return out.Commit()
}

// jobError gives the errors of a job their exit status.
func jobError(err error) error {
	var options *mailbox.OptionsError
	var unfinished *runner.UnfinishedError
	switch {
	case errors.As(err, &options):
		return usageError(err)
	case errors.As(err, &unfinished):
		return notHeld(err)
	case errors.Is(err, mailbox.ErrNoJob):
		return inputError(err)
	case errors.Is(err, engine.ErrFull):
		return &statusError{ExitEnvironment, fmt.Errorf("%w; then run the same command again: it goes on", err)}
	}
	return mergeError(err)
}

// explainJob names the line of a value that two workers have, if it is in the
// own list.
func (w *workerFlags) explainJob(err error) error {
	var dup *merge.DuplicateError
	if !errors.As(err, &dup) {
		return jobError(err)
	}
	at := findIn(w.data, dup.Value)
	if at != "" {
		at = " (here " + at + ")"
	}
	return inputError(fmt.Errorf("value %d is in the lists of two workers%s; use --duplicates keep or --duplicates drop, and another --job", dup.Value, at))
}

// jobStatus is what a worker of a job prints; Whole is about all workers.
type jobStatus struct {
	Job    string           `json:"job"`
	Worker int              `json:"worker"`
	Of     int              `json:"of"`
	Phase  merge.Phase      `json:"phase"`
	Stage  merge.Stage      `json:"stage"`
	Stats  merge.Stats      `json:"stats"`
	Work   merge.Work       `json:"work"`
	Starts int64            `json:"starts"` // of this worker
	Part   *runner.Part     `json:"part,omitempty"`
	Whole  *runner.Manifest `json:"manifest,omitempty"`
}

func (s *jobStatus) write(w io.Writer) error {
	_, err := fmt.Fprintf(w, "worker %d of job %s done: %d values written, %d comparisons, %d messages sent, %d received\n",
		s.Worker, s.Job, s.Stats.ValuesOutput, s.Stats.Comparisons, s.Stats.MessagesSent, s.Stats.MessagesReceived)
	if s.Part != nil {
		owns := "no value"
		if s.Part.From <= s.Part.To {
			owns = fmt.Sprintf("the values from %d to %d", s.Part.From, s.Part.To)
		}
		_, err = fmt.Fprintf(w, "it owns %s: %d bytes in %s\nall %d workers: %d values, %d messages, balance %.3f of comparisons, %.3f of values written\n",
			owns, s.Part.Bytes, s.Part.Path, s.Of, s.Whole.Values, s.Whole.Messages, s.Whole.Balance, s.Whole.TouchBalance)
	}
	return err
}
