package cli

import (
	"context"
	"io"
	"os"
	"os/exec"

	"github.com/spf13/pflag"
)

// ownProcess is this program as another process, which ends with ctx.
func ownProcess(ctx context.Context, args ...string) (*exec.Cmd, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := exec.CommandContext(ctx, program, args...)
	c.Args[0] = os.Args[0]
	return c, nil
}

// tiedProcess is the same for one that must not outlive this process, however
// that ends: its standard input is a pipe that is never written to, and the
// system closes it.
func tiedProcess(ctx context.Context, args ...string) (*exec.Cmd, error) {
	c, err := ownProcess(ctx, append(args[:len(args):len(args)], "--tied")...)
	if err != nil {
		return nil, err
	}
	_, err = c.StdinPipe()
	return c, err
}

// tied adds the flag of such a process.
func tied(f *pflag.FlagSet, v *bool) {
	f.BoolVar(v, "tied", false, "end when standard input does")
	_ = f.MarkHidden("tied") // it is there
}

// tie gives the context of such a process: it ends with its standard input.
func tie(ctx context.Context, stdin io.Reader) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		cancel()
	}()
	return ctx
}
