package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"holdfast/lab/flakyhttp"
)

func newLabHTTPBin(a *app) *cobra.Command {
	c := flakyhttp.Config{Keep: -1} // the file has them
	cmd := &cobra.Command{
		Use:   "httpbin",
		Short: "Serve an HTTP server that fails on demand, and keep a ledger of what it saw",
		Long: `Serves go-httpbin's endpoints (/get, /html, /status/CODE, /delay/N, ...) and faults
below /fault/, on several ports, until it is interrupted. GET /fault/ lists the faults.

The first line on stdout is the base of the main port; the next ones are the other
ports and the file of the CA that signed their certificates. With --json, one
object has them all: url, urls (by name), ca.`,
		Example: `  holdfast lab httpbin
  holdfast lab httpbin --addr 127.0.0.1:8080 --ledger ledger.jsonl
  holdfast lab httpbin --json --ca lab-ca.pem`,
		Args: args(0, 0, "flags only"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkAddr(c.Addr); err != nil {
				return err
			}
			if c.CAFile == "" {
				dir, err := os.MkdirTemp("", "holdfast-lab-")
				if err != nil {
					return err
				}
				defer os.RemoveAll(dir)
				c.CAFile = filepath.Join(dir, "ca.pem")
			}
			s, err := flakyhttp.Start(c)
			if err != nil {
				return err
			}
			if err := a.printPorts(s); err != nil {
				s.Close()
				return err
			}
			<-cmd.Context().Done()
			if err := s.Close(); err != nil {
				return &statusError{ExitEnvironment, err}
			}
			return context.Canceled
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.Addr, "addr", "127.0.0.1:0", "address of the main port; the others are chosen on the same host")
	f.StringVar(&c.LedgerFile, "ledger", "", "append every request, with how it really ended, to this file (JSONL)")
	f.StringVar(&c.CAFile, "ca", "", "where to write the CA's certificate (default a temporary file)")
	return cmd
}

func checkAddr(addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if n, bad := strconv.Atoi(port); err != nil || bad != nil || n < 0 || n > 65535 {
		return usageError(fmt.Errorf("--addr %q: use host:port with a port up to 65535, such as 127.0.0.1:0", addr))
	}
	return nil
}

// ports are what each base is good for, in the order of telling.
var ports = []struct{ name, about string }{
	{"http", "everything, in HTTP/1.1"},
	{"tls", "the same over TLS, in HTTP/1.1 and HTTP/2"},
	{"h2", "HTTP/2 frame by frame over TLS: what is below /fault/h2/"},
	{"h2c", "the same in clear text"},
	{"reset", "resets every connection when it is accepted"},
	{"silent", "accepts and never answers"},
	{"tls_expired", "a certificate that has expired"},
	{"tls_wrong_name", "a certificate of another host"},
}

// printPorts tells where the server is, in one write: who waits for the first
// line has all of it. That line is the main base and nothing else.
func (a *app) printPorts(s *flakyhttp.Server) error {
	urls := s.URLs()
	text := urls["http"] + "\n"
	for _, p := range ports[1:] {
		text += fmt.Sprintf("%-24s  %-14s  %s\n", urls[p.name], p.name, p.about)
	}
	text += fmt.Sprintf("%-24s  %-14s  %s\n", s.CAFile(), "ca", "the CA that signed the certificates")
	if a.json {
		line, err := json.Marshal(struct {
			URL  string            `json:"url"`
			URLs map[string]string `json:"urls"`
			CA   string            `json:"ca"`
		}{urls["http"], urls, s.CAFile()})
		if err != nil {
			return err
		}
		text = string(line) + "\n"
	}
	_, err := fmt.Fprint(a.Stdout, text)
	return err
}
