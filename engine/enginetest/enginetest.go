// Package enginetest gives tests an engine of their own.
//
// It promises a server in the test's process, on a store and an address that
// nobody else has, which is closed at the test's end after the connections to
// it; and, by [Main], that a package whose tests leave a connection or a server
// behind fails. The servers do not sync: what a power cut leaves is not for
// these tests. A server that is killed with SIGKILL is a process, and made where
// the binary is tested (internal/cli).
//
// Call [Start] for a server and [Connect] for a connection. The tests of package
// engine itself cannot use it: it imports what they test.
package enginetest

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"holdfast/engine"
	"holdfast/internal/leak"
)

// Main runs the tests of a package, and fails if goroutines of it, of a
// connection or of a server outlive them:
//
//	func TestMain(m *testing.M) { os.Exit(enginetest.Main(m, "holdfast/engine/sink")) }
func Main(m *testing.M, pkg string) int {
	const nats = "github.com/nats-io/"
	return leak.Main(m, pkg, nats+"nats.go", nats+"nats.go/jetstream", nats+"nats-server/v2/server")
}

// An Engine is a server in this process, which can go away and come back.
type Engine struct {
	t testing.TB
	c engine.Config
	s *engine.Server // nil while it is away
}

// Start starts a server; c.Dir "" is a folder that the test removes.
func Start(t testing.TB, c engine.Config) *Engine {
	t.Helper()
	c.NoSync = true
	if c.Dir == "" {
		c.Dir = t.TempDir()
	}
	if c.Listen == "" {
		c.Listen = Host + ":0"
	}
	e := &Engine{t: t, c: c}
	e.Restart()
	e.c.Listen = strings.TrimPrefix(e.s.URL(), "nats://")
	t.Cleanup(e.Stop)
	return e
}

// URL is the same for as long as the test runs.
func (e *Engine) URL() string { return "nats://" + e.c.Listen }

// As is the URL for a user, or for user:password.
func (e *Engine) As(user string) string { return "nats://" + user + "@" + e.c.Listen }

// Stop lets the server go away, if it is there.
func (e *Engine) Stop() {
	if e.s == nil {
		return
	}
	if err := e.s.Close(); err != nil {
		e.t.Error(err)
	}
	e.s = nil
}

// Restart stops the server, if it is there, and starts it on its folder and
// its address.
func (e *Engine) Restart() {
	e.t.Helper()
	e.Stop()
	var err error
	if e.s, err = engine.Start(e.t.Context(), e.c); err != nil {
		e.t.Fatal(err)
	}
}

// Connect connects to a server or several, until the test's end.
func Connect(t testing.TB, url string) *engine.Conn {
	t.Helper()
	c, err := engine.Connect(t.Context(), engine.Access{URL: url, Patience: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// Cluster starts servers that hold replicas, and gives the URL of them all.
func Cluster(t testing.TB, n int) (url string) {
	t.Helper()
	peers, urls := freeAddresses(t, n), make([]string, n)
	for i := range n {
		urls[i] = Start(t, engine.Config{Name: fmt.Sprintf("n%d", i), Peer: peers[i], Routes: peers}).URL()
	}
	return strings.Join(urls, ",")
}

// freeAddresses are free when they are found, and stay so: see Host.
func freeAddresses(t testing.TB, n int) (all []string) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", Host+":0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		all = append(all, l.Addr().String())
	}
	return all
}
