package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"

	"holdfast/engine/incident"
)

// self runs this program as another process, and reads the object that it
// prints with --json.
func (j *journey) self(ctx context.Context, into any, args ...string) error {
	c, err := tiedProcess(ctx, append(args, "--json", "--quiet")...)
	if err != nil {
		return err
	}
	var out, words bytes.Buffer
	c.Stdout, c.Stderr = &out, &words
	err = c.Run()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != ExitNotHeld) {
		return fmt.Errorf("%s: %w: %s", args[0], err, strings.TrimSpace(words.String()))
	}
	return json.Unmarshal(out.Bytes(), into)
}

// newDemoWorker is what the demo starts as its workers.
func newDemoWorker(a *app) *cobra.Command {
	return &cobra.Command{
		Use:    "demo-worker CONFIG",
		Short:  "A worker of the demo",
		Args:   args(1, 1, "a worker's configuration, in JSON"),
		Hidden: true,
		RunE: func(cmd *cobra.Command, given []string) error {
			var w incident.Worker
			if err := json.Unmarshal([]byte(given[0]), &w); err != nil {
				return usageError(fmt.Errorf("the configuration: %w", err))
			}
			return incident.Work(cmd.Context(), w, a.Stdin, a.Stdout)
		},
	}
}

// spawn is the command of a worker. It does not end with the demo's context: the
// race itself ends its workers, and waits for them.
func spawn(w incident.Worker) (*exec.Cmd, error) {
	config, err := json.Marshal(w)
	if err != nil {
		return nil, err
	}
	return ownProcess(context.Background(), "demo-worker", string(config))
}
