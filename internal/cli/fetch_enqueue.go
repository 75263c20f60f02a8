package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"holdfast/engine/queue"
	"holdfast/fetch"
	"holdfast/internal/stream"
	"holdfast/replay/ingest"
)

// enqueueFlags are those of one list.
type enqueueFlags struct {
	queue  queueFlags
	input  string
	dedupe choice
}

func newFetchEnqueue(a *app) *cobra.Command {
	q := &enqueueFlags{dedupe: choice{"none", []string{"none", "exact", "normalized"}}}
	cmd := &cobra.Command{
		Use:   "enqueue",
		Short: "Bring a list of URLs into a job that any number of processes fetch",
		Long: `Publishes each line of a list as one message to the work queue of a job, which
holdfast fetch --queue takes URLs from. A job is made when its first list comes.

Run it again whenever it did not come to its end: a line that waits already is
refused by the engine, and one that has a result is not sent. A line that cannot
be used is told, counted, and keeps nothing else from being enqueued.

A URL is known by its line number and its text. So a list that got longer at its
end adds what is new, while one in another order, or with a line more at its top,
is another list, and all of its URLs are new: give it a job of its own. Another
list adds to the job, and is told how many URLs of others the job has.`,
		Example: `  holdfast fetch enqueue -i urls.txt --queue nats://127.0.0.1:4222 --job news
  holdfast fetch --queue nats://127.0.0.1:4222 --job news --log a.jsonl`,
		Args: args(0, 0, "flags only, the list with -i"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := q.check(); err != nil {
				return usageError(err)
			}
			return q.run(cmd.Context(), a)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&q.input, "input", "i", "", "list of URLs, one a line, or JSON objects; - for standard input; .gz and .zst are read too")
	f.Var(&q.dedupe, "dedupe", "leave out a URL that stands in the list already")
	q.queue.add(f)
	return cmd
}

func (q *enqueueFlags) check() error {
	if q.input == "" {
		return errors.New("no list: name one with -i, or - for standard input")
	}
	return q.queue.check()
}

func (q *enqueueFlags) run(ctx context.Context, a *app) error {
	in, name := stream.Reader(ctx, a.Stdin), "standard input"
	if q.input != "-" {
		file, err := ingest.Open(ctx, q.input)
		if err != nil {
			return err
		}
		defer file.Close()
		in, name = file, q.input
	}
	list := fetch.NewList(in, name)
	if q.dedupe.value != "none" {
		list.Dedupe(fetch.NewDeduper(q.dedupe.value == "normalized", ""))
	}
	conn, err := q.queue.connect(ctx, a, "fetch enqueue")
	if err != nil {
		return err
	}
	defer conn.Close()
	giveRoom(1)
	bar := a.progress()
	bad := func(line int64, url string, err error) {
		bar.Close()
		fmt.Fprintf(a.Stderr, "holdfast: %s:%d: %s: not enqueued: %v\n", name, line, fetch.RedactURL(url), err)
	}
	n, err := queue.Enqueue(ctx, conn, q.queue.c, list, bad, func(n queue.Enqueued) { bar.Step("lines", n.Lines, 0) })
	bar.Close()
	switch {
	case errors.Is(err, context.Canceled), isInput(err):
	case err != nil:
		if there := n.Enqueued + n.Waiting; there > 0 {
			fmt.Fprintf(a.Stderr, "holdfast: %d URLs are in the queue; the same command goes on, none is enqueued twice\n", there)
		}
		return queueError(err)
	}
	if n.Others > 0 && n.Enqueued > 0 {
		a.warn([]string{fmt.Sprintf("job %s has %d URLs that are not of this list, and is fetched as a whole: a list of its own belongs under a --job of its own", n.Job, n.Others)})
	}
	if told := a.print(n, func(w io.Writer) error { return writeEnqueued(w, n) }); told != nil {
		return told
	}
	good := n.Enqueued + n.Waiting + n.Done + n.Duplicates
	switch {
	case err != nil:
		return fetchError(err)
	case n.Bad > 0 && good == 0:
		return inputError(fmt.Errorf("%s: none of its %d lines is a URL", name, n.Bad))
	case n.Bad > 0:
		return notHeld(fmt.Errorf("%s: %d lines were not enqueued", name, n.Bad))
	}
	return nil
}

func writeEnqueued(w io.Writer, n queue.Enqueued) error {
	_, err := fmt.Fprintf(w, `job %s: %d lines
  enqueued   %10d
  waiting    %10d   were in the queue already
  done       %10d   have a result already
  duplicates %10d   left out
  bad        %10d   left out
  others     %10d   of the job, of other lists
`, n.Job, n.Lines, n.Enqueued, n.Waiting, n.Done, n.Duplicates, n.Bad, n.Others)
	return err
}
