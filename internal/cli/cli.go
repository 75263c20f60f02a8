// Package cli turns command lines into calls of the libraries: one file a
// verb, each of the shape flags -> Config -> library -> output.
//
// It promises the conventions that scripts rely on: results on stdout, words
// on stderr, --json for exactly one object, the exit statuses of exit.go, and
// every flag also as an environment variable. It decides nothing itself.
//
// Start with [Main].
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// Env is all that a command may touch of the process around it.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	Terminal       bool             // stderr is a terminal: progress may redraw its line
	Exit           func(status int) // ends the process at once; no deferred call runs
}

// OS is the environment of a real process, which exit (os.Exit) ends.
func OS(exit func(status int)) Env {
	return Env{os.Stdin, os.Stdout, os.Stderr, os.Getenv, term.IsTerminal(int(os.Stderr.Fd())), exit}
}

// Main runs one command line and returns its exit status.
func Main(args []string, env Env) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	root := newRoot(env)
	root.SetArgs(args)
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return ExitOK
	}
	if ctx.Err() != nil && !errors.Is(err, context.Canceled) {
		err = context.Canceled
	}
	status := exitStatus(err)
	switch {
	case status == ExitInterrupted:
		if how := goOn(err); how != "" {
			fmt.Fprintf(env.Stderr, "holdfast: interrupted: %s\n", how)
		}
	case status == ExitUsage:
		about := cmd
		if unknown := (*unknownError)(nil); errors.As(err, &unknown) {
			about = unknown.of
		}
		fmt.Fprintf(env.Stderr, "holdfast: %s (see: holdfast help%s)\n", oneLine(cmd, err), strings.TrimPrefix(about.CommandPath(), "holdfast"))
	default:
		fmt.Fprintf(env.Stderr, "holdfast: %s\n", oneLine(cmd, err))
	}
	return status
}

// app is what all verbs share: the environment and the global flags.
type app struct {
	Env
	json  bool
	quiet bool
	tied  bool // this is a child of another holdfast
}

func newRoot(env Env) *cobra.Command {
	a := &app{Env: env}
	root := &cobra.Command{
		Use:   "holdfast",
		Short: "Keep event streams correct when network, processes and schedule are not",
		Long: `Holdfast keeps event streams correct when the network, the processes and the
schedule are not, and proves it.

Start with:  holdfast demo                      faults of every kind, survived and checked against the truth
             holdfast audit DIR                 an incident: events, worker log and output in; every duplicate explained
             holdfast fetch -i urls.txt         every URL once, resumable after any kill
             holdfast record --help             each packet once, in order, durably
             holdfast merge pair A B -o OUT     two workers, tiny messages, one sorted file`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		DisableAutoGenTag: true,
		Version:           version(),
		Args:              cobra.ArbitraryArgs,
		RunE:              helpOrUnknown,
	}
	root.PersistentFlags().BoolVar(&a.json, "json", false, "print exactly one JSON object on stdout")
	root.PersistentFlags().BoolVarP(&a.quiet, "quiet", "q", false, "no progress on stderr")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError(flagError(err)) })
	tied(root.PersistentFlags(), &a.tied)
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if a.tied {
			cmd.SetContext(tie(cmd.Context(), a.Stdin))
		}
		return flagsFromEnv(cmd, env.Getenv)
	}
	root.AddCommand(newAudit(a), newDedupe(a), newDemo(a), newDemoWorker(a), newEngine(a), newFetch(a), newGuard(a), newLab(a), newMerge(a), newRecord(a), newServe(a), newWhatIf(a))
	root.InitDefaultCompletionCmd()
	if c, _, err := root.Find([]string{"completion"}); err == nil {
		c.Args, c.RunE = cobra.ArbitraryArgs, helpOrUnknown // a shell that is not known is a mistake, not a wish for help
	}
	root.InitDefaultHelpCmd()
	if c, _, err := root.Find([]string{"help"}); err == nil {
		c.Run, c.RunE = nil, helpAbout // so is a verb
	}
	return root
}

// version is what the build says of itself: a release, or the commit.
func version() string {
	b, ok := debug.ReadBuildInfo()
	if !ok || b.Main.Version == "" {
		return "(unknown)"
	}
	return b.Main.Version + " " + b.GoVersion
}

// group is a command that only holds others.
func group(use, short string, subs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use:   use,
		Short: short,
		Args:  cobra.ArbitraryArgs,
		RunE:  helpOrUnknown,
	}
	cmd.AddCommand(subs...)
	return cmd
}

// helpOrUnknown is what a command does that only holds others.
func helpOrUnknown(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError(unknownCommand(cmd, args[0]))
	}
	return cmd.Help()
}

// helpAbout shows the help of the command that the words name.
func helpAbout(help *cobra.Command, words []string) error {
	cmd, rest, err := help.Root().Find(words)
	if err == nil && len(rest) == 0 {
		return cmd.Help()
	}
	return usageError(unknownCommand(cmd, rest[0]))
}

// flagsFromEnv sets every flag that the command line does not give from
// HOLDFAST_<VERB>_<FLAG>: HOLDFAST_AUDIT_MEMORY, HOLDFAST_LAB_INCIDENT_SEED.
func flagsFromEnv(cmd *cobra.Command, getenv func(string) string) error {
	prefix := strings.ToUpper(strings.ReplaceAll(cmd.CommandPath(), " ", "_")) + "_"
	var errs []error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Changed || f.Name == "help" {
			return
		}
		for _, flag := range append([]string{f.Name}, f.Annotations[aliases]...) {
			name := prefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
			if v := getenv(name); v != "" {
				if err := cmd.Flags().Set(f.Name, v); err != nil {
					errs = append(errs, usageError(fmt.Errorf("%s=%q: %w", name, v, flagError(err))))
				}
				return
			}
		}
	})
	return errors.Join(errs...)
}
