package cli

import "github.com/spf13/cobra"

func newMerge(a *app) *cobra.Command {
	return group("merge", "Merge what is sorted, or what two workers hold", newMergeLogs(a))
}
