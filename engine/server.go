package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"holdfast/internal/vfs"
)

// Config says how to run an embedded server. Only Dir is needed.
type Config struct {
	Dir      string // of the store; made if there is none; "" is the store_dir of File
	Listen   string // for clients; "" is 127.0.0.1 and any port
	NoSync   bool   // survive a killed process only, not a power cut: about 30 times faster
	MaxStore int64  // bytes; 0 is what the engine finds right for the disk
	File     string // configuration as nats-server reads it, for users, TLS and limits; the fields here go before it

	// For one of several servers that hold replicas of streams.
	Name   string   // its own among them
	Peer   string   // address at which the others reach it; "" is a server alone
	Routes []string // the Peer addresses of all
}

// A ConfigError is a Config.File that cannot be used.
type ConfigError struct{ err error }

func (e *ConfigError) Error() string { return "engine: --config: " + e.err.Error() }
func (e *ConfigError) Unwrap() error { return e.err }

// A Server runs inside this process. [Start] makes it.
type Server struct {
	s     *server.Server
	lock  io.Closer
	url   string
	words *complaints
}

// Start runs a server until Close. It returns when clients can connect; a
// server with peers has no leader yet then, which [Connect] waits for.
func Start(ctx context.Context, c Config) (*Server, error) {
	o, err := c.options()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.StoreDir, 0o777); err != nil {
		return nil, fmt.Errorf("engine: no place for the store: %w", err)
	}
	lock, err := vfs.OS{}.Lock(filepath.Join(o.StoreDir, "lock"))
	if errors.Is(err, vfs.ErrLocked) {
		return nil, fmt.Errorf("%s: another engine uses this folder: stop it, or choose another --dir", o.StoreDir)
	} else if err != nil {
		return nil, err
	}
	s, err := server.NewServer(o)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("engine: %w", err), lock.Close())
	}
	words := &complaints{dir: o.StoreDir, failed: make(chan error, 1)}
	s.SetLoggerV2(words, false, false, false)
	e := &Server{s: s, lock: lock, words: words}
	go s.Start()
	for !s.ReadyForConnections(50 * time.Millisecond) {
		fatal := words.fatal.Load()
		if fatal == nil && ctx.Err() == nil {
			continue
		}
		e.Close()
		if fatal == nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("engine: %s: check --listen and --dir", *fatal)
	}
	if c.Peer == "" && !s.JetStreamEnabled() {
		e.Close()
		return nil, fmt.Errorf("engine: %s: JetStream did not start: check its permissions and its space", o.StoreDir)
	}
	e.url = s.ClientURL()
	return e, nil
}

// URL is where clients find the server.
func (e *Server) URL() string { return e.url }

// Failed gives the reason, as an [Error], when the store can no longer be
// written. Such a server refuses everything until it is started again.
func (e *Server) Failed() <-chan error { return e.words.failed }

// Close stops the server; what was acknowledged is on disk.
func (e *Server) Close() error {
	e.s.Shutdown()
	e.s.WaitForShutdown()
	return e.lock.Close()
}

func (c Config) options() (*server.Options, error) {
	o := &server.Options{}
	if c.File != "" {
		var err error
		if o, err = server.ProcessConfigFile(c.File); err != nil {
			return nil, &ConfigError{firstProblem(c.File, err)}
		}
	}
	o.StoreDir = cmp.Or(c.Dir, o.StoreDir)
	switch {
	case o.StoreDir != "":
	case c.File != "":
		return nil, &ConfigError{fmt.Errorf("%s has no store_dir in jetstream: write one, or name a folder with --dir", c.File)}
	default:
		return nil, errors.New("engine: no folder for the store: use --dir")
	}
	o.JetStream, o.SyncAlways, o.NoSigs, o.DisableJetStreamBanner = true, !c.NoSync, true, true
	// A relay that is killed must be noticed, or its messages wait for it.
	o.PingInterval, o.MaxPingsOut = 10*time.Second, 2
	if c.Name != "" {
		o.ServerName = c.Name
	}
	if c.MaxStore != 0 {
		o.JetStreamMaxStore = c.MaxStore
	}
	var err error
	if c.Listen != "" || o.Host == "" && o.Port == 0 {
		if o.Host, o.Port, err = address("--listen", cmp.Or(c.Listen, "127.0.0.1:0")); err != nil {
			return nil, err
		}
	}
	if c.Peer != "" {
		o.Cluster.Name = "holdfast"
		if o.Cluster.Host, o.Cluster.Port, err = address("--peer", c.Peer); err != nil {
			return nil, err
		}
		if c.Name == "" || len(c.Routes) == 0 {
			return nil, errors.New("engine: a server with peers needs a name, and the addresses of all: use --name and --routes")
		}
		o.Routes = server.RoutesFromStr("nats://" + strings.Join(c.Routes, ",nats://"))
	}
	return o, nil
}

// firstProblem is the one of the lowest line in a configuration, and how many
// more there are: the server tells all, in any order, one a line.
func firstProblem(file string, err error) error {
	all := strings.Split(strings.TrimSpace(err.Error()), "\n")
	if len(all) == 1 {
		return err
	}
	line := func(problem string) int {
		number, _, _ := strings.Cut(strings.TrimPrefix(problem, file+":"), ":")
		n, _ := strconv.Atoi(number)
		return n
	}
	first := slices.MinFunc(all, func(a, b string) int { return cmp.Or(cmp.Compare(line(a), line(b)), cmp.Compare(a, b)) })
	return fmt.Errorf("%s; and %d more", first, len(all)-1)
}

func address(flag, text string) (host string, port int, err error) {
	host, p, err := net.SplitHostPort(text)
	if err == nil {
		port, err = strconv.Atoi(p)
	}
	if err != nil || port < 0 || port > 65535 {
		return "", 0, &Error{Kind: ErrAddress, Where: flag + " " + text, Do: "write it as HOST:PORT, PORT 0 to 65535; 0 takes any that is free", Err: err}
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	return host, port, nil
}

// complaints keeps the reason for which a server does not start, or cannot go
// on. The rest of what a server says is of interest to nobody here: its clients
// get errors.
type complaints struct {
	dir    string
	fatal  atomic.Pointer[string]
	failed chan error // holds the first
}

func (c *complaints) Fatalf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	c.fatal.CompareAndSwap(nil, &text)
}

// Errorf looks for the words with which the server tells that a store is lost
// to it: no client is told, each only finds that it is refused.
func (c *complaints) Errorf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	if !strings.Contains(text, "ritical write error") && !strings.Contains(text, "will be DISABLED") {
		return
	}
	err := &Error{Kind: ErrBroken, Where: c.dir, What: text, Do: "check the disk and start the server again" + kept}
	if strings.Contains(text, "no space left") || strings.Contains(text, "out of") {
		err.Kind, err.Do = ErrFull, "free some space and start the server again"+kept
	}
	select {
	case c.failed <- err:
	default:
	}
}

func (*complaints) Warnf(string, ...any)   {}
func (*complaints) Noticef(string, ...any) {}
func (*complaints) Debugf(string, ...any)  {}
func (*complaints) Tracef(string, ...any)  {}
