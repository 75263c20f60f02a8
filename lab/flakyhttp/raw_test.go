package flakyhttp_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"syscall"
	"testing"
	"time"

	"holdfast/lab/flakyhttp"
	"holdfast/lab/flakyhttp/ledger"
)

// start runs a server for the length of a test.
func start(t *testing.T) *flakyhttp.Server {
	t.Helper()
	s, err := flakyhttp.Start(flakyhttp.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// client is a connection on which a test reads and writes bytes.
type client struct {
	t *testing.T
	net.Conn
}

func dial(t *testing.T, base string) client {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(30 * time.Second)) // a test that hangs shall say where
	return client{t, c}
}

func (c client) ask(path string) {
	c.t.Helper()
	if _, err := io.WriteString(c.Conn, "GET "+path+" HTTP/1.1\r\nHost: lab\r\n\r\n"); err != nil {
		c.t.Fatal(err)
	}
}

// rest is all that comes, and how it ends: FIN or RST.
func (c client) rest() (text, end string) {
	c.t.Helper()
	b, err := io.ReadAll(c.Conn)
	switch {
	case err == nil:
		return string(b), "FIN"
	case errors.Is(err, syscall.ECONNRESET):
		return string(b), "RST"
	}
	c.t.Fatalf("after %q: %v", b, err)
	return "", ""
}

// raw is the whole answer to one request on its own connection.
func raw(t *testing.T, base, path string) (text, end string) {
	t.Helper()
	c := dial(t, base)
	c.ask(path)
	return c.rest()
}

// entries are what the ledger has when nothing is open any more.
func entries(t *testing.T, s *flakyhttp.Server) []ledger.Entry {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := s.Ledger.Wait(ctx); err != nil {
		t.Fatalf("a request stays open: %v", err)
	}
	return s.Ledger.Entries()
}
