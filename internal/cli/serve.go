package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
)

func newServe(a *app) *cobra.Command {
	var addr string
	cmd := &cobra.Command{
		Use:   "serve DIR",
		Short: "Show the report of an audit in the browser",
		Long: `Serves the report of DIR (an audit's folder, or one that holds audit/) on this
machine alone, until it is interrupted. The first line of standard output is the
address. Only the audit's own files are served, and

  /api/attempts?from=TIME&to=TIME&limit=N    attempts of timeline.csv as JSON

for the stretches that the page does not hold.`,
		Example: `  holdfast serve incident
  holdfast serve incident/audit --addr 127.0.0.1:8080`,
		Args: args(1, 1, "the folder of an audit"),
		RunE: func(cmd *cobra.Command, given []string) error {
			dir, err := auditDir(given[0])
			if err != nil {
				return err
			}
			return a.serve(cmd.Context(), dir, addr)
		},
	}
	cmd.Flags().StringVar(&addr, "addr", "127.0.0.1:0", "loopback address to listen on")
	return cmd
}

// auditDir is the folder itself or its audit/, whichever has a report.
func auditDir(dir string) (string, error) {
	if err := existingDir(dir); err != nil {
		return "", err
	}
	for _, d := range []string{dir, filepath.Join(dir, "audit")} {
		if _, err := os.Stat(filepath.Join(d, "report.html")); err == nil {
			return d, nil
		}
	}
	return "", inputError(fmt.Errorf("%s: no report.html in it or in its audit/: run holdfast audit %s first", dir, dir))
}

func (a *app) serve(ctx context.Context, dir, addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return usageError(fmt.Errorf("--addr %q: %w", addr, err))
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return usageError(fmt.Errorf("--addr %q: only loopback addresses: an incident's data is nobody else's", addr))
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.Stdout, "http://%s/\n", l.Addr())
	s := &http.Server{Handler: &reportHandler{dir: dir, host: l.Addr().String()}, ReadHeaderTimeout: 5 * time.Second}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		end, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		stopped <- s.Shutdown(end)
	}()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	<-stopped
	return ctx.Err()
}
