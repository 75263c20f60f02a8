package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"holdfast/merge"
	"holdfast/merge/runner"
)

// workerFlags are those of one worker.
type workerFlags struct {
	mergeFlags
	id                                 string
	data, inbox, outbox, output, state string
	once                               bool
	patience                           runner.Patience
	job                                jobFlags
}

func newMergeWorker(a *app) *cobra.Command {
	var w workerFlags
	cmd := &cobra.Command{
		Use:   "worker --id I --data F --output F (--inbox F --outbox F --state F | --nats URL --job J --of K)",
		Short: "One of two workers on files, or of many on NATS, as a process of its own",
		Long: `Runs one worker until it has finished. It may be killed at any moment: the same
command goes on. --once runs exactly one step and prints where the worker
stands, so that a program of your own can be the coordinator.

It reads its data and its inbox, and writes its outbox, its state (and what
lies beside it by the same name) and its part of the output, in place.

With --nats URL --job J --id I --of K it is worker I (0 to K-1) of 2 to 256 that
may run on as many machines. Messages and states are in the engine: stream
MERGE_J, bucket merge_J. Each worker owns a range of values and writes it to a
file of its own, PART, which appears when it is whole; merge join makes one file
of the parts. With --balance coded, two workers write one --output as on files.
Of two processes with one --id, the one that was replaced stops. Against power
cuts it counts on an engine that syncs before it acknowledges: holdfast engine
does; nats-server: sync_interval: always.`,
		Example: `  holdfast merge worker --id A --data a.txt --inbox B_to_A.msg --outbox A_to_B.msg --output out.txt --state state_A.json &
  holdfast merge worker --id B --data b.txt --inbox A_to_B.msg --outbox B_to_A.msg --output out.txt --state state_B.json
  holdfast merge worker --once --id A --data a.txt --inbox B_to_A.msg --outbox A_to_B.msg --output out.txt --state state_A.json

  holdfast engine --dir store --listen 127.0.0.1:4222 &
  holdfast merge worker --nats nats://127.0.0.1:4222 --job nightly --id 0 --of 3 --data a.txt --output part.0 &
  holdfast merge worker --nats nats://127.0.0.1:4222 --job nightly --id 1 --of 3 --data b.txt --output part.1 &
  holdfast merge worker --nats nats://127.0.0.1:4222 --job nightly --id 2 --of 3 --data c.txt --output part.2
  holdfast merge join --nats nats://127.0.0.1:4222 --job nightly -o all.txt`,
		Args: args(0, 0, "flags only"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if w.job.on() {
				return w.runJob(cmd.Context(), a, cmd.Flags())
			}
			if err := w.job.unused(cmd.Flags()); err != nil {
				return err
			}
			return w.run(cmd.Context(), a)
		},
	}
	f := cmd.Flags()
	f.StringVar(&w.id, "id", "", "which of the two: A or B; with --nats 0 to K-1")
	f.StringVar(&w.data, "data", "", "the list: one integer a line, or a JSON array")
	f.StringVar(&w.inbox, "inbox", "", "mailbox that the other worker writes")
	f.StringVar(&w.outbox, "outbox", "", "mailbox that this worker writes")
	f.StringVar(&w.output, "output", "", "the sorted output of both, written in place; with --nats this worker's part")
	f.StringVar(&w.state, "state", "", "file for what the worker knows across restarts")
	f.BoolVar(&w.once, "once", false, "take one step, print where the worker stands as JSON, and exit")
	f.DurationVar(&w.patience.Idle, "idle-timeout", 0, "give up when nothing came from the other worker for so long (0: never)")
	f.DurationVar(&w.patience.Stall, "stall-timeout", 30*time.Second, "give up when a message could not be read for so long (0: never)")
	w.mergeFlags.add(f)
	w.job.add(f)
	return cmd
}

func (w *workerFlags) check() error {
	if w.id != "A" && w.id != "B" {
		return usageError(fmt.Errorf("%s: A or B, or with --nats a number", idOf(w.id)))
	}
	var missing []string
	for _, f := range []struct{ name, value string }{
		{"--data", w.data}, {"--inbox", w.inbox}, {"--outbox", w.outbox}, {"--output", w.output}, {"--state", w.state},
	} {
		if f.value == "" {
			missing = append(missing, f.name)
		}
		if f.value == "-" && f.name != "--data" {
			return usageError(fmt.Errorf("%s must name a file", f.name))
		}
		if f.name != "--data" && sameFile(w.data, f.value) {
			return usageError(fmt.Errorf("%s %s is the list of --data: name another file", f.name, f.value))
		}
	}
	if len(missing) > 0 {
		return usageError(fmt.Errorf("%s: missing", strings.Join(missing, ", ")))
	}
	if w.patience.Idle < 0 || w.patience.Stall < 0 {
		return usageError(errors.New("--idle-timeout and --stall-timeout: not below 0"))
	}
	return nil
}

func (w *workerFlags) run(ctx context.Context, a *app) error {
	if err := w.check(); err != nil {
		return err
	}
	o, err := w.options(a)
	if err != nil {
		return err
	}
	if o.Data, err = w.readList(ctx, w.data); err != nil {
		return err
	}
	o.ID, o.Inbox, o.Outbox, o.Output, o.State = w.id, w.inbox, w.outbox, w.output, w.state
	if w.once {
		var quiet []string // told by the object instead
		o.Warn = func(message string) { quiet = append(quiet, message) }
	}
	worker, err := runner.NewWorker(o)
	if err != nil {
		return mergeError(err)
	}
	defer worker.Close()
	files := map[string]string{w.id: w.data}
	more := false
	if w.once {
		a.json = true
		more, err = worker.Step()
	} else {
		err = worker.Run(ctx, w.patience)
	}
	if err != nil {
		return explainDuplicate(err, files)
	}
	status := newWorkerStatus(worker, more)
	return a.print(status, status.write)
}

// workerStatus is what --once prints; the first three keys are the contract.
type workerStatus struct {
	More    bool        `json:"more"`
	Phase   merge.Phase `json:"phase"`
	Stats   merge.Stats `json:"stats"`
	Stage   merge.Stage `json:"stage"`
	Stalled string      `json:"stalled"` // what is wrong with the next message in the inbox
	Work    merge.Work  `json:"work"`
	Steps   int64       `json:"steps"` // that changed something, over all restarts
}

func newWorkerStatus(w *runner.Worker, more bool) *workerStatus {
	s := w.State()
	status := &workerStatus{More: more, Phase: s.Phase, Stats: w.Stats(), Stage: s.Stage, Work: s.Work, Steps: s.Steps}
	if e := w.Stalled(); e != nil {
		status.Stalled = e.Error()
	}
	return status
}

func (s *workerStatus) write(w io.Writer) error {
	_, err := fmt.Fprintf(w, "done: %d values written, %d comparisons, %d messages sent, %d received\n",
		s.Stats.ValuesOutput, s.Stats.Comparisons, s.Stats.MessagesSent, s.Stats.MessagesReceived)
	return err
}

// idOf is how messages call the flag and its value.
func idOf(id string) string {
	if id == "" {
		return "--id is missing"
	}
	return fmt.Sprintf("--id %q", id)
}
