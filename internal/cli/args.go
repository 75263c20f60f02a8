package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

// unknownCommand names the subcommand that was probably meant.
func unknownCommand(cmd *cobra.Command, arg string) error {
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(arg); len(near) > 0 {
		return fmt.Errorf("unknown command %q for %q: did you mean %q?", arg, cmd.CommandPath(), near[0])
	}
	return fmt.Errorf("unknown command %q for %q", arg, cmd.CommandPath())
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
