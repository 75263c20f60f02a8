package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/spf13/cobra"

	"holdfast/internal/vfs"
	"holdfast/lab/lossy"
	"holdfast/record"
)

func newRecordScore(a *app) *cobra.Command {
	var (
		lab   labFlags
		log   string
		first firstSequence
	)
	cmd := &cobra.Command{
		Use:   "score",
		Short: "Grade a log of the lab's source: coverage, ordering, efficiency",
		Long: `Compares a log with all that the lab generated for the seed. Coverage is the part
of the generated packets that was logged, beside the best that was possible;
ordering is 1 less the part of all pairs of lines that stands in the wrong order;
requests and restarts come from the recorder's statistics. The log may be that of
any logger: - is standard input, .gz and .zst are read, so are lines that end with CRLF.`,
		Example: `  holdfast record score --log events.log --seed 42
  holdfast record score --log events.log --seed 42 --packets 500 --json`,
		Args: args(0, 0, "flags only"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := scoreLog(cmd.Context(), a, &lab, log, first.value)
			if err != nil {
				return recordError(err)
			}
			return a.print(s, func(w io.Writer) error { return writeScore(w, s) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&log, "log", "events.log", "the log")
	f.Var(&first, "first-sequence", "sequence of the first packet in the log; the lab's own is 0")
	lab.add(f)
	return cmd
}

func scoreLog(ctx context.Context, a *app, lab *labFlags, log string, first uint64) (record.Score, error) {
	stream, err := lossy.Generate(lab.config(a))
	if err != nil {
		return record.Score{}, err
	}
	truth := record.Truth{Generated: stream.Sequences, Deliverable: stream.Deliverable()}
	for i := range truth.Generated {
		truth.Generated[i] += first
	}
	f, err := openLines(ctx, a, log)
	if err != nil {
		return record.Score{}, err
	}
	defer f.Close()
	s, err := record.ScoreLog(f, truth)
	if err != nil {
		return s, inputError(fmt.Errorf("%s: %w", log, err))
	}
	if s.Malformed > 1 && s.Logged+s.Unknown == 0 {
		return s, inputError(fmt.Errorf("%s: none of its %d lines is a line of a log", log, s.Malformed))
	}
	stats, err := record.ReadStats(vfs.OS{}, log)
	if errors.Is(err, fs.ErrNotExist) && lab.dir != "" {
		stats, err = record.SessionStats(vfs.OS{}, lab.dir, lab.session())
	}
	switch {
	case err == nil:
		s.Spent(stats)
	case !errors.Is(err, fs.ErrNotExist):
		return s, err
	}
	return s, nil
}

func writeScore(w io.Writer, s record.Score) error {
	fmt.Fprintf(w, "coverage    %.6f   %d of %d packets; at most %.6f was possible\n", s.Coverage, s.Logged, s.Generated, s.MaxCoverage)
	fmt.Fprintf(w, "ordering    %.6f   %d lines out of order, %d pairs\n", s.Ordering, s.Inversions, s.InvertedPairs)
	if s.RetransmitRequests != nil {
		fmt.Fprintf(w, "requests    %d", *s.RetransmitRequests)
		if s.RequestsPerNeeded != nil {
			fmt.Fprintf(w, ", %.2f sequences asked for per packet needed", *s.RequestsPerNeeded)
		}
		fmt.Fprintf(w, "; %d restarts\n", *s.Restarts)
	}
	_, err := fmt.Fprintf(w, "duplicates  %d lines, %d of unknown packets, %d malformed\n", s.DuplicatesInLog, s.Unknown, s.Malformed)
	return err
}
