package cli

import "github.com/spf13/cobra"

func newFetch(a *app) *cobra.Command {
	return group("fetch", "Get every URL of a list exactly once", newFetchValidate(a))
}
