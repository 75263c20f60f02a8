package cli

import (
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"holdfast/record"
)

// A statusTeller shows how far a recording is: one line on a terminal, written
// over again, a line now and then elsewhere, and metrics for who asks.
type statusTeller struct {
	a    *app
	last time.Time
	wide int // of the line on the terminal

	mu     sync.Mutex // guards latest
	latest record.Status
}

// tellStatus gives the function that takes status, and one that ends it.
// Without a reader both do nothing.
func (a *app) tellStatus(metrics string) (tell func(record.Status), stop func(), err error) {
	s := &statusTeller{a: a, last: time.Now()}
	if metrics == "" {
		return s.tell, s.clear, nil
	}
	l, err := net.Listen("tcp", metrics)
	if err != nil {
		return nil, nil, err
	}
	server := &http.Server{Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: 5 * time.Second}
	go server.Serve(l)
	if !a.quiet {
		fmt.Fprintf(a.Stderr, "holdfast: metrics at http://%s/metrics\n", l.Addr())
	}
	return s.tell, func() { s.clear(); server.Close() }, nil
}

func (s *statusTeller) tell(now record.Status) {
	s.mu.Lock()
	s.latest = now
	s.mu.Unlock()
	switch {
	case s.a.quiet:
	case s.a.Terminal:
		line := now.Line()
		fmt.Fprintf(s.a.Stderr, "\r%-*s", s.wide, line)
		s.wide = len(line)
	case time.Since(s.last) >= lineEvery:
		s.last = time.Now()
		fmt.Fprintln(s.a.Stderr, now.Line())
	}
}

func (s *statusTeller) clear() {
	if s.wide > 0 {
		fmt.Fprintf(s.a.Stderr, "\r%*s\r", s.wide, "")
		s.wide = 0
	}
}

func (s *statusTeller) serve(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	now := s.latest
	s.mu.Unlock()
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	if now.Session != "" { // nothing was told yet
		_ = now.WriteMetrics(w) // the reader is gone: nobody to tell
	}
}
