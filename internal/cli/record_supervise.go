package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// supervise runs the same command as a child, again and again until its
// session is over (L9). A child that is killed, or ended by its source, is
// started again; it counts by itself the starts that get nowhere.
func (a *app) supervise(cmd *cobra.Command) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	given := childArgs(cmd)
	for {
		out, status, err := a.child(cmd.Context(), program, given)
		switch {
		case err != nil:
			return err
		case cmd.Context().Err() != nil:
			if status == ExitInterrupted {
				return &interruption{} // the child has told how
			}
			return &interruption{"what was received is in the journal; the same command goes on"}
		case status == ExitOK, len(out) > 0:
			if _, err := a.Stdout.Write(out); err != nil || status == ExitOK {
				return err
			}
			return ended(status)
		case status != ExitNotHeld && status >= 0:
			return ended(status)
		}
	}
}

// ended passes on the status of a child, which has said itself what it is about.
func ended(status int) error {
	return &statusError{status, fmt.Errorf("the supervised recording ended with status %d, as told above", status)}
}

// childArgs is the command line of the child: every flag that was given, also
// by the environment.
func childArgs(cmd *cobra.Command) []string {
	given := []string{"record"}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if f.Name != "supervise" && f.Name != "tied" {
			given = append(given, "--"+f.Name+"="+f.Value.String())
		}
	})
	return append(given, "--supervise=false")
}

// child runs one process to its end. The status is -1 if a signal ended it.
func (a *app) child(ctx context.Context, program string, given []string) (out []byte, status int, err error) {
	c := exec.CommandContext(ctx, program, given...)
	c.Args[0] = os.Args[0]
	var stdout bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = a.Stdin, &stdout, a.Stderr
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = 30 * time.Second
	err = c.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return stdout.Bytes(), exit.ExitCode(), nil
	case ctx.Err() != nil:
		return nil, -1, nil
	}
	return stdout.Bytes(), ExitOK, err
}
