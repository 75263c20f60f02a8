package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"holdfast/engine/queue"
	"holdfast/internal/extsort"
)

func newFetchResults(a *app) *cobra.Command {
	q := &queueFlags{}
	cmd := &cobra.Command{
		Use:   "results",
		Short: "The log of a job: the records of each URL that has a result, once",
		Long: `Prints what all processes of a job recorded, as one log in the order of its times.
Each URL has exactly one final record. It is what holdfast fetch validate and
holdfast fetch explain read. While the job runs it gives what there is by then.`,
		Example: `  holdfast fetch results --queue nats://127.0.0.1:4222 --job news > news.jsonl
  holdfast fetch explain https://example.org/ --log news.jsonl`,
		Args: args(0, 0, "flags only"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := q.check(); err != nil {
				return usageError(err)
			}
			if a.json {
				return usageError(errors.New("--json would be one object, and the log is one a line: leave it out"))
			}
			return q.results(cmd.Context(), a)
		},
	}
	q.addReader(cmd.Flags())
	return cmd
}

// results sorts the records of all URLs by their times.
func (q *queueFlags) results(ctx context.Context, a *app) error {
	conn, err := q.connect(ctx, a, "fetch results")
	if err != nil {
		return err
	}
	defer conn.Close()
	s := extsort.New(extsort.Config{})
	defer s.Close()
	foreign, err := queue.Results(ctx, conn, q.c, func(records []byte) error {
		for line := range bytes.Lines(records) {
			if err := s.Add(timeOf(line), line); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return queueError(err)
	}
	if err := a.copySorted(s); err != nil {
		return err
	}
	if foreign > 0 {
		return notHeld(fmt.Errorf("job %s: %d results are not of holdfast: somebody else publishes under holdfast.res.%s.>, and these URLs have no other", q.c.Job, foreign, q.c.Job))
	}
	return nil
}

func (a *app) copySorted(s *extsort.Sorter) error {
	sorted, err := s.Sort()
	if err != nil {
		return err
	}
	defer sorted.Close()
	return writeSorted(a.Stdout, sorted)
}

func writeSorted(to io.Writer, sorted *extsort.Sorted) (err error) {
	w := bufio.NewWriter(to)
	for _, line := range sorted.All(&err) {
		if _, err := w.Write(line); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	return w.Flush()
}

// timeOf is the timestamp of a record. All have the same form, so their order is
// that of their bytes.
func timeOf(line []byte) []byte {
	const begin = `{"timestamp":"`
	if text, ok := bytes.CutPrefix(line, []byte(begin)); ok {
		if n := bytes.IndexByte(text, '"'); n >= 0 {
			return text[:n]
		}
	}
	var r struct{ Timestamp string }
	_ = json.Unmarshal(line, &r) // what has none comes first
	return []byte(r.Timestamp)
}
