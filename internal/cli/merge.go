package cli

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"holdfast/internal/vfs"
	"holdfast/merge"
	"holdfast/merge/runner"
	"holdfast/replay/ingest"
)

// mergeHelp is docs/merge.md: a test keeps them equal.
//
//go:embed merge.md
var mergeHelp string

func newMerge(a *app) *cobra.Command {
	cmd := group("merge", "Two or more workers with tiny messages write one sorted output; and sorted logs into one",
		newMergePair(a), newMergeWorker(a), newMergeJoin(a), newMergeExplain(a), newMergeLogs(a))
	cmd.Long = mergeHelp
	return cmd
}

// mergeFlags are those of a worker, whoever runs it.
type mergeFlags struct {
	mailbox, durability           choice
	duplicates, balance, strategy choice
	confirm, append               bool
	maxValues                     int
}

func (m *mergeFlags) add(f *pflag.FlagSet) {
	m.mailbox = choice{"log", []string{"log", "slot"}}
	m.durability = choice{"always", []string{"always", "none"}}
	m.duplicates = choice{"strict", []string{"strict", "keep", "drop"}}
	m.balance = choice{"coded", []string{"coded", "touch"}}
	m.strategy = choice{"coded", []string{"coded", "naive", "range", "bubble"}}
	f.Var(&m.mailbox, "mailbox", "log keeps every message, slot only the last")
	f.Var(&m.durability, "durability", "always survives a power cut, none a kill")
	f.Var(&m.duplicates, "duplicates", "a value in both lists is an error, or kept, or written once")
	f.Var(&m.balance, "balance", "what workers do equally much of: comparisons, or values written (which is the default with --nats)")
	f.Var(&m.strategy, "strategy", "coded is the protocol; the others are there to compare with")
	f.BoolVar(&m.confirm, "confirm", false, "both end with DONE and wait for the other's")
	f.BoolVar(&m.append, "append", false, "keep what the output holds, and write behind it")
	f.IntVar(&m.maxValues, "max-values", merge.MaxValues, "most values of a list")
}

// options are those of a worker, without files and data.
func (m *mergeFlags) options(a *app) (runner.Options, error) {
	if m.maxValues < 1 || m.maxValues > merge.MaxValues {
		return runner.Options{}, usageError(fmt.Errorf("--max-values %d: 1 to %d", m.maxValues, merge.MaxValues))
	}
	return runner.Options{
		Mailbox:    runner.MailboxKind(m.mailbox.value),
		Durability: runner.Durability(m.durability.value),
		Duplicates: map[string]merge.Dup{"strict": merge.Strict, "keep": merge.Keep, "drop": merge.Drop}[m.duplicates.value],
		Balance:    map[string]merge.Mode{"coded": merge.Coded, "touch": merge.Touch}[m.balance.value],
		Strategy:   map[string]merge.Strategy{"coded": merge.Default, "naive": merge.Naive, "range": merge.Range, "bubble": merge.Exchange}[m.strategy.value],
		Confirm:    m.confirm,
		Append:     m.append,
		MaxValues:  m.maxValues,
		Warn:       func(message string) { a.warn([]string{message}) },
	}, nil
}

// readList reads the values of a file.
func (m *mergeFlags) readList(ctx context.Context, path string) ([]int32, error) {
	f, err := ingest.Open(ctx, path)
	if err != nil {
		return nil, unreadable(err)
	}
	defer f.Close()
	values, err := runner.ReadData(f, path, m.maxValues)
	if err != nil {
		return nil, mergeError(err)
	}
	return values, nil
}

// unreadable: what may not be read is the environment's fault, what is not
// there the input's.
func unreadable(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return &statusError{ExitEnvironment, err}
	}
	return inputError(err)
}

// mergeError gives the errors of a worker their exit status.
func mergeError(err error) error {
	var input *runner.InputError
	var run *runner.RunError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &input), errors.As(err, &run), errors.Is(err, merge.ErrLimit):
		return inputError(err)
	case errors.Is(err, merge.ErrConfig), errors.Is(err, runner.ErrFiles):
		return usageError(err)
	case vfs.IsFull(err):
		return &statusError{ExitEnvironment, fmt.Errorf("%s: free some space and run the same command again: it goes on", err.Error())}
	}
	return err
}

// explainDuplicate names the lines of a value that is in both lists, as far as
// their files are known.
func explainDuplicate(err error, files map[string]string) error {
	var dup *merge.DuplicateError
	if !errors.As(err, &dup) {
		return mergeError(err)
	}
	where := ""
	for _, id := range []string{"A", "B"} {
		if at := findIn(files[id], dup.Value); at != "" {
			if where += ", "; where == ", " {
				where = " ("
			}
			where += id + " " + at
		}
	}
	if where != "" {
		where += ")"
	}
	return inputError(fmt.Errorf("value %d is in both lists%s; use --duplicates keep or --duplicates drop", dup.Value, where))
}

// findIn says where a list has a value, "" if that cannot be told: it is only
// to help.
func findIn(path string, v int32) (at string) {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return "" // a pipe has been read
	}
	if f, err := ingest.Open(context.Background(), path); err == nil {
		at, _ = runner.FindValue(f, v)
		f.Close()
	}
	return at
}
