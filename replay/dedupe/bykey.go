package dedupe

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"holdfast/replay/ingest"
	"holdfast/replay/report"
)

func byKey(ctx context.Context, c Config) (Result, error) {
	r, err := c.open(ctx)
	if err != nil {
		return Result{}, c.blame(err)
	}
	defer r.close()
	if err := r.byKey(ctx); err != nil {
		return Result{}, r.settle(err)
	}
	r.result.Grouping, r.result.Key, r.result.Keep = "key", r.Key, r.Keep
	return r.result, nil
}

func (r *run) byKey(ctx context.Context) error {
	store, err := newStore(r.source.guessRecords(), r.Memory/4, func() (*spool, error) { return newSpool(r.FS, r.Tmp) })
	if err != nil {
		return err
	}
	defer store.close()
	if err := r.scan(ctx, store); err != nil {
		return err
	}
	if err := r.rejects(); err != nil {
		return err
	}
	if err := r.groupRows(ctx, store); err != nil {
		return err
	}
	if err := r.writeDecided(ctx); err != nil {
		return err
	}
	r.warnGroups()
	return r.finish(ctx)
}

// guessRecords is how many records the source probably has, to size tables by.
func (s *source) guessRecords() int64 { return (s.size - s.start) / 40 }

// rejects drops the records that cannot be used, tells the first of them, and
// fails if there are too many (R12).
func (r *run) rejects() error {
	r.drop = newBitset(r.index.records)
	for _, c := range r.index.chunks {
		for _, i := range c.rejects {
			r.drop.set(c.before + int64(i) + 1)
		}
		r.result.Rejected += int64(len(c.rejects))
	}
	if err := r.tellRejects(); err != nil {
		return err
	}
	if !exceeded(r.Read.MaxBad, r.result.Rejected, r.index.records) {
		return nil
	}
	return &ingest.InputError{
		Err: ingest.ErrMaxBad, Line: r.result.Rejects[0].Line,
		Reason: fmt.Sprintf("%d of %d records are bad, from this line on", r.result.Rejected, r.index.records),
		Hint:   "--max-bad allows more",
	}
}

// exceeded reports whether more records are bad than may be (R12).
func exceeded(m ingest.MaxBad, rejected, records int64) bool {
	if !m.Set {
		m = ingest.MaxBad{Count: 100, Percent: 1}
	}
	return rejected > m.Count && float64(rejected)*100 > m.Percent*float64(records)
}

// toldRejects is how many rejected records the result names.
const toldRejects = 10

// tellRejects reads the first rejected records again, to say why.
func (r *run) tellRejects() error {
	reader, err := newReader(r.source, r.format)
	if err != nil {
		return err
	}
	for b := range r.index.blocks {
		if len(r.result.Rejects) >= toldRejects {
			break
		}
		if !r.drop.any(b.first, b.last) {
			continue
		}
		err := reader.each(&b, func(f *found) error {
			if r.drop.has(f.n) && len(r.result.Rejects) < toldRejects {
				_, reason, hint := reader.fields(f)
				r.result.Rejects = append(r.result.Rejects, ingest.Reject{
					File: r.In, Line: f.line, Row: f.n, Reason: reason, Hint: hint, Raw: bytes.Clone(f.raw[:min(len(f.raw), 200)]),
				})
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// groupRows finds the groups and decides about their rows.
func (r *run) groupRows(ctx context.Context, s *store) error {
	set, err := s.repeated(ctx, r.index, r.Jobs, r.Memory/8)
	if err != nil {
		return err
	}
	for _, c := range r.index.chunks {
		c.entries = entries{}
	}
	candidates := set.count()
	r.details = &details{sorter: r.sorter(candidates * bytesPerCandidate)}
	if r.outputs.analysis != nil {
		o := report.CSVOptions{Safe: r.CSVSafe, Required: r.Required}
		r.analysis = newAnalysis(r.outputs.analysis, o, r.sorter(candidates*bytesPerCandidate))
	}
	if candidates > 0 {
		if err := r.decideCandidates(ctx, set); err != nil {
			return err
		}
	}
	return r.analysis.finish()
}

func (r *run) decideCandidates(ctx context.Context, set bitset) error {
	sorted, err := r.candidates(ctx, set)
	if err != nil {
		return err
	}
	defer sorted.Close()
	return r.decide(ctx, sorted)
}

// writeDecided carries out what decide has found.
func (r *run) writeDecided(ctx context.Context) error {
	sorted, err := r.details.sorter.Sort()
	if err != nil {
		return err
	}
	defer sorted.Close()
	var failed error
	if sorted.Len() == 0 {
		return r.write(ctx, nil, &failed)
	}
	return r.write(ctx, r.details.sorted(sorted, &failed), &failed)
}

// warnGroups says what the numbers mean (R64).
func (r *run) warnGroups() {
	if n := r.result.Suspected; n > 0 {
		r.warn("%d of %d groups look like different events; keeping one loses the other: use --events, or --key %s",
			n, r.result.Groups, strings.Join(append(slices.Clone(r.Key), columnPrice), ","))
	}
}
