package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"holdfast/fetch"
	"holdfast/replay/ingest"
)

func newFetchExplain(a *app) *cobra.Command {
	var log string
	cmd := &cobra.Command{
		Use:   "explain URL",
		Short: "Tell in words what was tried for a URL, and by which rules",
		Long: `Reads the log of a fetch and tells the trail of one URL: each attempt, what was
decided after it, the rule that decided and the reason for the rule. Exit status 1
if the URL is not in the log.`,
		Example: `  holdfast fetch explain https://example.org/ --log fetch.jsonl
  holdfast fetch explain https://example.org/ --log fetch.jsonl --json`,
		Args: args(1, 1, "a URL"),
		RunE: func(cmd *cobra.Command, given []string) error {
			in, err := ingest.Open(cmd.Context(), log)
			if err != nil {
				return err
			}
			defer in.Close()
			trails, err := fetch.Explain(in, log, given[0])
			if err != nil {
				return fetchError(err)
			}
			if len(trails) == 0 {
				return notHeld(fmt.Errorf("%s is not in %s", fetch.RedactURL(given[0]), log))
			}
			var shown any = trails[0]
			if len(trails) > 1 {
				shown = struct {
					Trails []fetch.Trail `json:"trails"`
				}{trails}
			}
			return a.print(shown, func(w io.Writer) error {
				for _, t := range trails {
					if err := t.WriteText(w); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&log, "log", "fetch.jsonl", "the log of the fetch")
	return cmd
}
