package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"holdfast/engine"
)

func newEngine(a *app) *cobra.Command {
	var c engine.Config
	var maxStore byteSize
	cmd := &cobra.Command{
		Use:   "engine",
		Short: "Run a NATS JetStream server out of this binary",
		Long: `Runs a server until it is interrupted. The first line of standard output is its
URL. Every message is on disk before it is acknowledged, unless --no-sync.

Three or five of them hold replicas and survive the loss of one or two: give each
a name, a --peer address, and the --peer addresses of all as --routes.

It asks nobody for a password, so it is for this machine (the default address)
or a network of friends. For users, TLS and limits name a file as nats-server
reads it with --config (flags go before it; without --dir the store is where its
store_dir says), or run nats-server itself.

It ends with status 4 when the disk is full or fails; nothing that was
acknowledged is lost.`,
		Example: `  holdfast engine --dir store --listen 127.0.0.1:4222
  holdfast engine --config nats.conf
  holdfast engine --dir a --name a --peer 10.0.0.1:6222 --routes 10.0.0.1:6222,10.0.0.2:6222,10.0.0.3:6222 --listen 10.0.0.1:4222`,
		Args: args(0, 0, "flags only"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if c.Dir == "" && c.File == "" {
				return usageError(fmt.Errorf("--dir is missing: where is the store?"))
			}
			if c.Peer != "" && (c.Name == "" || len(c.Routes) == 0) || c.Peer == "" && len(c.Routes) > 0 {
				return usageError(fmt.Errorf("--peer, --name and --routes go together"))
			}
			c.MaxStore = int64(maxStore)
			ctx := cmd.Context()
			s, err := engine.Start(ctx, c)
			var wrong *engine.ConfigError
			if errors.As(err, &wrong) {
				return inputError(err)
			} else if err != nil {
				return err
			}
			fmt.Fprintln(a.Stdout, s.URL())
			select {
			case <-ctx.Done():
				err = &interruption{"nothing that was acknowledged is lost; the same command starts it again"}
			case err = <-s.Failed():
			}
			if closed := s.Close(); closed != nil {
				return closed
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.Dir, "dir", "", "folder of the store; made if there is none (default the store_dir of --config)")
	f.StringVar(&c.Listen, "listen", "", "address for clients; port 0 takes any (default 127.0.0.1:0, or what --config says)")
	f.BoolVar(&c.NoSync, "no-sync", false, "acknowledge before the disk has it: faster, and a power cut loses messages")
	f.Var(&maxStore, "max-store", "most bytes of the store (default three quarters of the free space)")
	f.StringVar(&c.File, "config", "", "file with users, TLS and limits, as nats-server reads it")
	f.StringVar(&c.Name, "name", "", "of this server among its peers")
	f.StringVar(&c.Peer, "peer", "", "address at which the other servers reach this one")
	f.StringSliceVar(&c.Routes, "routes", nil, "the --peer addresses of all servers")
	return cmd
}

// accessFlags say which engine, and who asks.
type accessFlags struct{ a engine.Access }

func (g *accessFlags) add(f *pflag.FlagSet) {
	f.StringVar(&g.a.URL, "nats", "", "URL of the engine, such as nats://127.0.0.1:4222; several with commas")
	alias(f, "queue", "nats")
	g.addWho(f)
}

// aliases is the annotation of a flag with its other names.
const aliases = "holdfast_aliases"

// alias lets a flag be given by another name too, on the command line and in the
// environment: fetch has names of its own for the engine, because it speaks to
// the web as well, and nobody should have to remember which verb has which.
func alias(f *pflag.FlagSet, other, name string) {
	flag := f.Lookup(name)
	if flag.Annotations == nil {
		flag.Annotations = map[string][]string{}
	}
	flag.Annotations[aliases] = append(flag.Annotations[aliases], other)
	known := f.GetNormalizeFunc()
	f.SetNormalizeFunc(func(f *pflag.FlagSet, given string) pflag.NormalizedName {
		if given == other {
			given = name
		}
		return known(f, given)
	})
}

// A serverURL is a flag value that may be left out, but not be empty: a shell's
// variable that is not set would otherwise mean to do without the engine.
type serverURL string

// Set implements pflag.Value.
func (u *serverURL) Set(text string) error {
	if text == "" {
		return errors.New("it is empty: name a server, such as nats://127.0.0.1:4222, or leave the flag out")
	}
	*u = serverURL(text)
	return nil
}

// String implements pflag.Value.
func (u *serverURL) String() string { return string(*u) }

// Type implements pflag.Value.
func (u *serverURL) Type() string { return "string" }

// addWho adds the flags that say who asks.
func (g *accessFlags) addWho(f *pflag.FlagSet) {
	f.StringVar(&g.a.Creds, "creds", "", "file with a NATS user's credentials")
	f.StringVar(&g.a.CA, "tls-ca", "", "file with the certificate authorities to believe (default the system's)")
	f.StringVar(&g.a.Cert, "tls-cert", "", "file with the client's certificate")
	f.StringVar(&g.a.Key, "tls-key", "", "file with the certificate's key")
	alias(f, "queue-ca", "tls-ca")
	alias(f, "queue-cert", "tls-cert")
	alias(f, "queue-key", "tls-key")
	f.DurationVar(&g.a.Patience, "connect-timeout", 10*time.Second, "longest wait for a server and its leader")
}

func (g *accessFlags) connect(ctx context.Context, a *app, name string) (*engine.Conn, error) {
	access := g.a
	access.Name = name
	access.Warn = func(text string) { a.warn([]string{text}) }
	return engine.Connect(ctx, access)
}
