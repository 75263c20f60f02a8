package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"holdfast/internal/extsort"
	"holdfast/lab/fetchcheck"
	"holdfast/lab/flakyhttp/ledger"
	"holdfast/lab/urls"
	"holdfast/replay/ingest"
)

// validateFlags say what is validated, and how the client was set up.
type validateFlags struct {
	set             urlSetFlags
	logs            []string
	summary, ledger string
	o               fetchcheck.Options
	policy, jitter  choice
}

func newFetchValidate(a *app) *cobra.Command {
	v := &validateFlags{}
	cmd := &cobra.Command{
		Use:   "validate",
		Short: "Judge a fetch log of the lab's URLs: callbacks, retries, waits, format, truth",
		Long: `Reads a log of the lab's URLs, by this client or by any other that writes one JSON
object a line, and judges it by the requirement's validator and nine strict rules:

  V1  the callbacks came that are demanded
  V2  no callback that does not belong, or twice
  V3  as many attempts as there had to be, numbered without a gap
  V4  every wait within the bounds of its formula
  V5  no attempt before its wait was over
  V6  lines, fields, types and times as the format has them
  V7  no latency below what the server takes; slow_response when it was slow
  V8  --summary follows from the log
  V9  --ledger, the server's own record, agrees: nothing unlogged, nothing invented

Several --log are those of processes that shared the URLs (fetch --queue): they are
judged as one log in the order of its times, and the lines of messages are of that.

With --json: total, passed, failed and failures as the requirement's validator has
them, and the rules in extra. Exit status 0 if every rule holds that was asked for,
also when URLs failed that had to fail.`,
		Example: `  holdfast fetch validate --log fetch.jsonl --lab-seed 42
  holdfast fetch validate --log fetch.jsonl --lab-seed 42 --summary summary.json --ledger ledger.jsonl --json`,
		Args: args(0, 0, "flags only"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := v.check(cmd.Context(), a)
			if err != nil {
				return err
			}
			if err := a.print(&r, r.WriteText); err != nil {
				return err
			}
			if !r.Extra.Holds {
				return notHeld(errors.New(firstFinding(&r)))
			}
			return nil
		},
	}
	v.add(cmd.Flags())
	return cmd
}

func (v *validateFlags) add(f *pflag.FlagSet) {
	v.o = fetchcheck.Defaults()
	v.policy = choice{"", []string{"", "spec", "smart"}}
	v.jitter = choice{"", []string{"", "none", "additive", "full", "equal", "decorrelated"}}
	f.StringArrayVar(&v.logs, "log", []string{"fetch.jsonl"}, "the log; - is standard input; given again, the logs of processes that shared the URLs")
	v.set.add(f, "lab-seed", "")
	f.StringVar(&v.summary, "summary", "", "judge this summary too (V8)")
	f.StringVar(&v.ledger, "ledger", "", "judge by this ledger of the server too (V9)")
	f.Var(&v.policy, "policy", "policy of the client (default what the records say, or else spec)")
	f.IntVar(&v.o.Retries, "retries", v.o.Retries, "retries that the client makes at most")
	f.DurationVar(&v.o.Slow, "slow", v.o.Slow, "above it a response is slow; 0s: none is")
	f.StringArrayVar(&v.o.Keywords, "keyword", nil, "a word that the client looked for besides the lab's own; may be repeated")
	f.DurationVar(&v.o.Initial, "initial-backoff", v.o.Initial, "wait before the first retry")
	f.DurationVar(&v.o.Max, "max-backoff", v.o.Max, "longest wait")
	f.Float64Var(&v.o.Multiplier, "multiplier", v.o.Multiplier, "growth of the wait from retry to retry")
	f.Var(&v.jitter, "jitter", "how waits are spread (default additive for spec, full for smart)")
	f.Lookup("base").Usage = "scheme and authority of the URLs in the log (default those of its first record)"
}

// check reads the files and judges them.
func (v *validateFlags) check(ctx context.Context, a *app) (fetchcheck.Report, error) {
	var none fetchcheck.Report
	if err := v.checkFlags(); err != nil {
		return none, err
	}
	p, err := v.set.provider(a, urls.DefaultBase)
	if err != nil {
		return none, err
	}
	in := fetchcheck.Input{LogName: strings.Join(v.logs, "+"), SummaryName: v.summary, LedgerName: v.ledger, HasLedger: v.ledger != ""}
	log, err := openLogs(ctx, v.logs)
	if err != nil {
		return none, err
	}
	defer log.Close()
	in.Log = log
	if v.summary != "" {
		f, err := ingest.Open(ctx, v.summary)
		if err != nil {
			return none, err
		}
		defer f.Close()
		in.Summary = f
	}
	if v.ledger != "" {
		f, err := ingest.Open(ctx, v.ledger)
		if err != nil {
			return none, err
		}
		defer f.Close()
		if in.Ledger, in.LedgerBad, err = ledger.Read(f); err != nil {
			return none, err
		}
	}
	r, err := fetchcheck.Check(p, in, v.o)
	var unusable *fetchcheck.InputError
	if errors.As(err, &unusable) {
		return r, inputError(err)
	}
	return r, err
}

// openLogs opens a log, or several as one.
func openLogs(ctx context.Context, names []string) (io.ReadCloser, error) {
	if len(names) == 1 {
		return ingest.Open(ctx, names[0])
	}
	s := extsort.New(extsort.Config{})
	defer s.Close()
	for _, name := range names {
		if err := addLog(ctx, s, name); err != nil {
			return nil, err
		}
	}
	sorted, err := s.Sort()
	if err != nil {
		return nil, err
	}
	out, in := io.Pipe()
	go func() {
		in.CloseWithError(writeSorted(in, sorted))
		sorted.Close()
	}()
	return out, nil
}

func addLog(ctx context.Context, s *extsort.Sorter, name string) error {
	f, err := ingest.Open(ctx, name)
	if err != nil {
		return err
	}
	defer f.Close()
	in := bufio.NewReader(f)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 0 {
			if line[len(line)-1] != '\n' {
				line = append(line, '\n')
			}
			if err := s.Add(timeOf(line), line); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (v *validateFlags) checkFlags() error {
	v.o.Policy, v.o.Jitter = v.policy.value, v.jitter.value
	if v.set.base != "" {
		base, err := checkBase(v.set.base)
		if err != nil {
			return err
		}
		v.o.Base = base
	}
	stdin := 0
	for _, path := range append([]string{v.summary, v.ledger}, v.logs...) {
		if path == "-" {
			stdin++
		}
	}
	m := v.o.Multiplier
	for _, c := range []struct {
		wrong bool
		text  string
	}{
		{v.set.seed.random, "--lab-seed random: name the seed that the log was made with"},
		{stdin > 1, "only one of --log, --summary and --ledger can be standard input"},
		{v.o.Retries < 0 || v.o.Retries > 1_000_000, "--retries must be from 0 to 1000000"},
		{v.o.Slow < 0, "--slow must not be negative"},
		{v.o.Initial <= 0 || v.o.Max <= 0, "--initial-backoff and --max-backoff must be above 0s"},
		{!(m >= 1) || math.IsInf(m, 0), "--multiplier must be a number from 1 on"},
	} {
		if c.wrong {
			return usageError(errors.New(c.text))
		}
	}
	return nil
}

// firstFinding is what to look at first.
func firstFinding(r *fetchcheck.Report) string {
	for _, rule := range r.Extra.Strict {
		if rule.Failed > 0 {
			return fmt.Sprintf("not validated: %s: %s", rule.ID, rule.Failures[0])
		}
	}
	return "not validated"
}
