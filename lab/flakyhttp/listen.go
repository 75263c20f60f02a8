package flakyhttp

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"holdfast/lab/flakyhttp/ledger"
)

// headerTime is how long a client may take to send a header block. A connection
// that says nothing for longer is closed.
const headerTime = 2 * time.Minute

// listen opens every port and serves on it.
func (s *Server) listen(addr, host string) error {
	another := net.JoinHostPort(host, "0")
	type port struct {
		name, scheme, addr string
		serve              func(net.Listener)
	}
	for _, p := range []port{
		{"http", "http", addr, func(ln net.Listener) { s.serveHTTP(ln, nil, nil) }},
		{"tls", "https", another, func(ln net.Listener) { s.serveHTTP(ln, s.ca.good, nil) }},
		{"h2", "https", another, func(ln net.Listener) { s.serveHTTP(ln, s.ca.good, s.serveFrames) }},
		{"h2c", "http", another, func(ln net.Listener) { s.serveHTTP(ln, nil, s.serveFrames) }},
		{"reset", "http", another, func(ln net.Listener) { s.serveRaw(ln, s.resetAtAccept) }},
		{"silent", "http", another, func(ln net.Listener) { s.serveRaw(ln, s.staySilent) }},
		{"tls_expired", "https", another, func(ln net.Listener) { s.serveHTTP(ln, s.ca.expired, nil) }},
		{"tls_wrong_name", "https", another, func(ln net.Listener) { s.serveHTTP(ln, s.ca.wrongName, nil) }},
	} {
		ln, err := net.Listen("tcp", p.addr)
		if err != nil {
			return err
		}
		s.listeners = append(s.listeners, ln)
		s.urls[p.name] = p.scheme + "://" + ln.Addr().String()
		p.serve(s.Ledger.Listener(ln))
	}
	return nil
}

// serveHTTP serves HTTP on ln, over TLS if there is a certificate; frames, if
// there is one, speaks HTTP/2 instead of net/http.
func (s *Server) serveHTTP(ln net.Listener, cert *tls.Certificate, frames func(net.Conn)) {
	srv := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: headerTime,
		IdleTimeout:       headerTime,
		BaseContext:       func(net.Listener) context.Context { return s.closing },
		ErrorLog:          log.New(io.Discard, "", 0), // clients that break off are what this server is for
	}
	s.Ledger.Install(srv)
	if frames != nil {
		// After the ledger: frames are noted one by one.
		srv.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){
			"h2": func(_ *http.Server, c *tls.Conn, _ http.Handler) { frames(c) },
		}
		srv.Handler = clearTextFrames(srv.Handler, frames)
	}
	s.servers = append(s.servers, srv)
	s.running.Go(func() {
		if cert == nil {
			srv.Serve(ln)
			return
		}
		srv.TLSConfig = &tls.Config{Certificates: []tls.Certificate{*cert}}
		if frames != nil {
			srv.TLSConfig.NextProtos = []string{"h2", "http/1.1"}
		}
		srv.ServeTLS(ln, "", "")
	})
}

// serveRaw hands every connection to serve, which closes it.
func (s *Server) serveRaw(ln net.Listener, serve func(net.Conn)) {
	s.running.Go(func() {
		for {
			c, err := ln.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				// Out of descriptors, most likely: those who have some will be done soon.
				select {
				case <-time.After(5 * time.Millisecond):
					continue
				case <-s.closing.Done():
					return
				}
			}
			go s.hold(c, func() { serve(c) })
		}
	})
}

// hold runs serve for a connection that is no longer (or never was) net/http's,
// and closes it then. Close of the server closes it as well, and waits.
func (s *Server) hold(c net.Conn, serve func()) {
	defer c.Close()
	s.mu.Lock()
	if s.closing.Err() != nil {
		s.mu.Unlock()
		return
	}
	s.running.Add(1) // with mu held: Close waits only for what came before it
	s.taken[c] = struct{}{}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.taken, c)
		s.mu.Unlock()
		s.running.Done()
	}()
	serve()
}

// resetAtAccept resets a connection before it was asked anything.
func (s *Server) resetAtAccept(c net.Conn) {
	req := s.Ledger.Begin(ledger.Entry{Conn: ledger.ConnNumber(c)})
	resetConn(c)
	req.End(0, 0, ledger.Reset)
}

// staySilent takes what comes and never answers: a TLS handshake hangs there,
// and so does a request.
func (s *Server) staySilent(c net.Conn) {
	req := s.Ledger.Begin(ledger.Entry{Conn: ledger.ConnNumber(c)})
	c.SetReadDeadline(time.Now().Add(headerTime))
	_, err := io.Copy(io.Discard, c)
	var slow net.Error
	switch {
	case s.closing.Err() != nil:
		req.End(0, 0, ledger.Truncated)
	case errors.As(err, &slow) && slow.Timeout():
		req.End(0, 0, ledger.Stalled)
	default:
		req.End(0, 0, ledger.ClientClosed)
	}
}

// resetConn closes a connection with RST instead of FIN.
func resetConn(c net.Conn) {
	below := c
	for {
		if tcp, ok := below.(*net.TCPConn); ok {
			tcp.SetLinger(0)
			tcp.Close()
			return
		}
		inner, ok := below.(interface{ NetConn() net.Conn })
		if !ok {
			c.Close()
			return
		}
		below = inner.NetConn()
	}
}
