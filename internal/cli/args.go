package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

// args checks how many arguments a verb got, and says what they are.
func args(least, most int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, got []string) error {
		switch {
		case len(got) < least:
			return usageError(fmt.Errorf("%s is missing", what))
		case len(got) > most:
			return usageError(fmt.Errorf("%q is too much: expected %s", got[most], what))
		}
		return nil
	}
}
