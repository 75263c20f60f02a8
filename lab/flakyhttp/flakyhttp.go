// Package flakyhttp is an HTTP server that fails in every way that a client
// must survive, on demand and for real: what it promises stands on the wire.
// It keeps a [ledger.Ledger] of what it saw, to hold clients' accounts against.
//
// On one port it serves go-httpbin's endpoints (/get, /html, /status/CODE,
// /delay/N, /drip, /redirect/N and so on: durations up to 60 s, bodies up to
// 64 MiB) and the faults below /fault/, of which GET /fault/ lists all. Faults
// that need the bare connection take it over from net/http. Further ports serve
// the same over TLS, HTTP/2 frames by hand, bad certificates, silence, and
// resets at accept: see [Server.URLs].
//
// It promises that a fault does the same every time, that a bad parameter is
// answered with status 400 and one line that says why, and that no request makes
// it hold more than the stated bounds. It does not promise anything to the
// public: serve it on loopback.
//
// Call [Start].
package flakyhttp

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/mccutchen/go-httpbin/v2/httpbin"

	"holdfast/lab/flakyhttp/ledger"
)

// Bounds of what a request may ask for.
const (
	MaxDuration = time.Minute // of a pause
	MaxBody     = 64 << 20    // bytes of a body on the wire
)

// keepEntries is how many entries of the ledger are remembered by default.
const keepEntries = 1 << 20

// A Config is how the server is set up. The zero value listens on loopback, on
// ports that the system chooses.
type Config struct {
	Addr       string // of the main port; "" is 127.0.0.1:0. Other ports are chosen on the same host
	LedgerFile string // the ledger is appended to it; "" is memory only
	CAFile     string // where the certificate of the server's CA is written; "" is nowhere: see [Server.CAPool]
	Keep       int    // entries of the ledger that are remembered; 0 is a million, negative is none

	// Pages are bodies that a status can have by name: /fault/seq/a/503,200;page=NAME.
	Pages map[string]string
}

// A Server is a running one.
type Server struct {
	Ledger *ledger.Ledger

	urls   map[string]string
	ca     *authority
	caFile string
	file   *os.File

	handler http.Handler
	memory  *memory
	pages   map[string]string
	servers []*http.Server
	closing context.Context // done when the server closes; its cause is errClosing
	close   context.CancelCauseFunc
	running sync.WaitGroup // listeners and connections outside of net/http

	mu        sync.Mutex
	listeners []net.Listener
	taken     map[net.Conn]struct{} // connections outside of net/http
}

var errClosing = errors.New("the server is closing")

// Start opens all ports and serves.
func Start(c Config) (*Server, error) {
	if c.Addr == "" {
		c.Addr = "127.0.0.1:0"
	}
	switch {
	case c.Keep == 0:
		c.Keep = keepEntries
	case c.Keep < 0:
		c.Keep = 0
	}
	s := &Server{urls: map[string]string{}, taken: map[net.Conn]struct{}{}, memory: newMemory(), pages: c.Pages}
	s.closing, s.close = context.WithCancelCause(context.Background())
	if err := s.start(c); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Server) start(c Config) error {
	s.Ledger = ledger.New(nil, c.Keep)
	if c.LedgerFile != "" {
		f, err := os.OpenFile(c.LedgerFile, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
		if err != nil {
			return err
		}
		s.file, s.Ledger = f, ledger.New(f, c.Keep)
	}
	host, _, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return fmt.Errorf("address %q: use host:port, such as 127.0.0.1:0: %w", c.Addr, err)
	}
	if s.ca, err = newAuthority(host, time.Now()); err != nil {
		return err
	}
	if err := s.writeCA(c.CAFile); err != nil {
		return err
	}
	s.handler = s.routes()
	return s.listen(c.Addr, host)
}

func (s *Server) writeCA(path string) error {
	s.caFile = path
	if path == "" {
		return nil
	}
	return os.WriteFile(path, s.ca.pem, 0o666)
}

// routes is what the ports that speak HTTP serve.
func (s *Server) routes() http.Handler {
	bin := httpbin.New(httpbin.WithMaxDuration(MaxDuration), httpbin.WithMaxBodySize(MaxBody))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// By hand: a ServeMux would redirect steps that hold // or ..
		if strings.HasPrefix(r.URL.Path, faultPrefix) {
			s.serveFault(w, r)
			return
		}
		bin.ServeHTTP(w, r)
	})
}

// URL is the base of the main port: http, HTTP/1.1.
func (s *Server) URL() string { return s.urls["http"] }

// TLSURL is the base of the port that serves the same over TLS, in HTTP/1.1 and
// HTTP/2.
func (s *Server) TLSURL() string { return s.urls["tls"] }

// H2URL is the base of the port that speaks HTTP/2 frame by frame, over TLS; to a
// client that offers HTTP/1.1 alone it is as the main port.
func (s *Server) H2URL() string { return s.urls["h2"] }

// H2CURL is the same in clear text, for clients that know of it beforehand.
func (s *Server) H2CURL() string { return s.urls["h2c"] }

// URLs are the bases of all ports by name: http, tls, h2, h2c, reset (connections are
// reset when accepted), silent (accepted and never answered), tls_expired and
// tls_wrong_name (certificates of the CA that are expired or another host's).
func (s *Server) URLs() map[string]string {
	all := map[string]string{}
	for name, url := range s.urls {
		all[name] = url
	}
	return all
}

// CAFile is the path of the CA's certificate, in PEM; "" if it was not to be written.
func (s *Server) CAFile() string { return s.caFile }

// CAPool holds the CA's certificate.
func (s *Server) CAPool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(s.ca.cert)
	return pool
}

// Close ends all connections and waits until the ledger has every request. It
// returns the first failure to write the ledger's file.
func (s *Server) Close() error {
	s.close(errClosing)
	for _, srv := range s.servers {
		srv.Close()
	}
	s.mu.Lock()
	for _, ln := range s.listeners {
		ln.Close()
	}
	for c := range s.taken {
		c.Close()
	}
	s.mu.Unlock()
	s.running.Wait()
	if s.Ledger == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := s.Ledger.Wait(ctx)
	err = errors.Join(err, s.Ledger.Err())
	if s.file != nil {
		err = errors.Join(err, s.file.Close())
		s.file = nil
	}
	return err
}
