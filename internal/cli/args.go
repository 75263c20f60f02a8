package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// An unknownError is a word that is no command of another one.
type unknownError struct {
	of   *cobra.Command
	word string
	near string // what was probably meant, "" if nobody can tell
}

func unknownCommand(of *cobra.Command, word string) error {
	of.SuggestionsMinimumDistance = 2
	e := &unknownError{of: of, word: word}
	if near := of.SuggestionsFor(word); len(near) > 0 {
		e.near = near[0]
	}
	return e
}

func (e *unknownError) Error() string {
	what := fmt.Sprintf("unknown command %q", e.word)
	if e.of.HasParent() {
		what += fmt.Sprintf(" for %q", e.of.CommandPath())
	}
	if e.near != "" {
		return fmt.Sprintf("%s: did you mean %q?", what, e.near)
	}
	var all []string
	for _, c := range e.of.Commands() {
		if c.IsAvailableCommand() {
			all = append(all, c.Name())
		}
	}
	if len(all) == 0 {
		return what + ": it has none"
	}
	return what + ": there are " + strings.Join(all, ", ")
}

// args checks how many arguments a verb got, and says what they are.
func args(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, got []string) error {
		switch {
		case most == 0 && len(got) > 0 && cmd.HasAvailableSubCommands():
			return usageError(unknownCommand(cmd, got[0]))
		case len(got) < least:
			return usageError(fmt.Errorf("%s is missing", what))
		case len(got) > most:
			return usageError(fmt.Errorf("%q is too much: expected %s", got[most], what))
		}
		return nil
	}
}
