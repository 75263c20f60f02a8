package cli

import (
	"context"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"holdfast/internal/vfs"
	"holdfast/lab/lossy"
	"holdfast/record"
	"holdfast/record/seq"
)

// A tradeoffRow is the mean of all seeds for one setting.
type tradeoffRow struct {
	Journal    string  `json:"journal"`
	Flush      string  `json:"flush,omitempty"`
	BufferSize int     `json:"buffer_size,omitempty"`
	Coverage   float64 `json:"coverage"`
	Ordering   float64 `json:"ordering"`
	Inversions float64 `json:"inversions"`
	Pairs      float64 `json:"inverted_pairs"`
	Lost       float64 `json:"lost_in_buffer"`
	Requests   float64 `json:"retransmit_requests"`
}

type tradeoff struct {
	Seeds       string        `json:"seeds"`
	MaxCoverage float64       `json:"max_coverage"`
	Rows        []tradeoffRow `json:"rows"`
}

func newRecordTradeoff(a *app) *cobra.Command {
	var (
		lab     labFlags
		seeds   string
		buffers []int
	)
	cmd := &cobra.Command{
		Use:   "tradeoff",
		Short: "Show what each buffer size of the classic logger loses, beside the journal",
		Long: `Records the lab's source for many seeds, in memory, with the classic logger
(--journal off) at several buffer sizes and with the journal, and prints the mean
of each: a small buffer costs order, a large one coverage, the journal neither.`,
		Example: `  holdfast record tradeoff
  holdfast record tradeoff --seeds 1-200 --buffer-sizes 1,5,10,20,50 --json`,
		Args: args(0, 0, "flags only"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			first, last, err := parseSeeds(seeds)
			if err != nil {
				return usageError(err)
			}
			for _, b := range buffers {
				if b < 1 {
					return usageError(fmt.Errorf("--buffer-sizes: %d: at least 1", b))
				}
			}
			t := tradeoff{Seeds: seeds}
			p := a.progress()
			err = t.run(cmd.Context(), lab.c, first, last, buffers, p.Step)
			p.Close()
			if err != nil {
				return recordError(err)
			}
			return a.print(t, t.write)
		},
	}
	f := cmd.Flags()
	f.StringVar(&seeds, "seeds", "1-40", "seeds, from-to")
	f.IntSliceVar(&buffers, "buffer-sizes", []int{1, 10, 30, 100}, "buffer sizes of the classic logger")
	lab.add(f)
	_ = f.MarkHidden("seed")
	_ = f.MarkHidden("state-dir")
	return cmd
}

func parseSeeds(text string) (first, last int64, err error) {
	from, to, ranged := strings.Cut(text, "-")
	if !ranged {
		to = from
	}
	first, err = strconv.ParseInt(from, 10, 64)
	if err == nil {
		last, err = strconv.ParseInt(to, 10, 64)
	}
	if err != nil || first < 0 || last < first {
		return 0, 0, fmt.Errorf("--seeds %q: use a range such as 1-40", text)
	}
	return first, last, nil
}

func (t *tradeoff) run(ctx context.Context, c lossy.Config, first, last int64, buffers []int, step func(string, int64, int64)) error {
	var settings []seq.Config
	for _, flush := range []seq.Flush{seq.FlushHalf, seq.FlushAll} {
		for _, b := range buffers {
			settings = append(settings, seq.Config{JournalOff: true, Flush: flush, BufferSize: b})
		}
	}
	settings = append(settings, seq.Config{Ask: seq.AskCorrupt})
	t.Rows = make([]tradeoffRow, len(settings))
	seeds := float64(last - first + 1)
	for seed := first; seed <= last; seed++ {
		c.Seed = big.NewInt(seed)
		for i, policy := range settings {
			o, err := try(ctx, c, policy)
			if err != nil {
				return fmt.Errorf("seed %d: %w", seed, err)
			}
			t.Rows[i].add(policy, o, seeds)
			if i == 0 {
				t.MaxCoverage += o.Score.MaxCoverage / seeds
			}
		}
		step("seeds", seed-first+1, last-first+1)
	}
	return nil
}

func try(ctx context.Context, c lossy.Config, policy seq.Config) (record.Outcome, error) {
	stream, err := lossy.Generate(c)
	if err != nil {
		return record.Outcome{}, err
	}
	policy.Window = uint64(c.ReorderWindow)
	return record.Try(ctx, record.Trial{
		Policy: policy,
		Died:   lossy.ErrTerminated,
		Open: func(disk vfs.Disk) (record.Source, error) {
			c.FS, c.StateDir = disk, "/state"
			return &labSource{c: c}, nil
		},
	}, record.Truth{Generated: stream.Sequences, Deliverable: stream.Deliverable()})
}

func (r *tradeoffRow) add(policy seq.Config, o record.Outcome, seeds float64) {
	r.Journal, r.BufferSize = "on", policy.BufferSize
	if policy.JournalOff {
		r.Journal, r.Flush = "off", "half"
		if policy.Flush == seq.FlushAll {
			r.Flush = "all"
		}
	}
	r.Coverage += o.Score.Coverage / seeds
	r.Ordering += o.Score.Ordering / seeds
	r.Inversions += float64(o.Score.Inversions) / seeds
	r.Pairs += float64(o.Score.InvertedPairs) / seeds
	r.Lost += float64(o.Stats.Total.FinalBufferSize) / seeds
	r.Requests += float64(o.Stats.Total.RetransmitRequests) / seeds
}

func (t *tradeoff) write(w io.Writer) error {
	fmt.Fprintf(w, "means over seeds %s; at most %.6f of the packets could be had\n\n", t.Seeds, t.MaxCoverage)
	fmt.Fprintln(w, "setting               coverage  ordering   lines out of order  pairs     lost in buffer  requests")
	for _, r := range t.Rows {
		name := "journal"
		if r.Journal == "off" {
			name = fmt.Sprintf("buffer %d, flush %s", r.BufferSize, r.Flush)
		}
		if _, err := fmt.Fprintf(w, "%-21s %.6f  %.6f  %-18.3f  %-8.1f  %-14.3f  %.3f\n",
			name, r.Coverage, r.Ordering, r.Inversions, r.Pairs, r.Lost, r.Requests); err != nil {
			return err
		}
	}
	return nil
}
