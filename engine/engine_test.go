package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func start(t *testing.T, c Config) *Server {
	t.Helper()
	if c.Dir == "" {
		c.Dir = t.TempDir()
	}
	s, err := Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func connect(t *testing.T, url string) *Conn {
	t.Helper()
	c, err := Connect(t.Context(), Access{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func anything(jetstream.StreamConfig) string { return "" }

// What was acknowledged is there after a restart, on the same folder.
func TestRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Start(t.Context(), Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if o, err := (Config{Dir: dir}).options(); err != nil || !o.SyncAlways {
		t.Errorf("%v, %v: the default syncs always", o, err)
	}
	c := connect(t, s.URL())
	if _, err := c.Stream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}, Storage: jetstream.FileStorage}, anything); err != nil {
		t.Fatal(err)
	}
	if _, err := c.JS.Publish(t.Context(), "s", []byte("x")); err != nil {
		t.Fatal(err)
	}
	c.Close()
	if _, err := Start(t.Context(), Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), "another engine uses this folder") {
		t.Errorf("a second server on one folder: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	c = connect(t, start(t, Config{Dir: dir}).URL())
	m, err := c.JS.Stream(t.Context(), "S")
	if err != nil || m.CachedInfo().State.Msgs != 1 {
		t.Errorf("%+v, %v", m, err)
	}
}

func oneError(t *testing.T, err, kind error) {
	t.Helper()
	var e *Error
	if !errors.Is(err, kind) || !errors.As(err, &e) || e.Do == "" || strings.ContainsAny(err.Error(), "\n") || strings.Contains(err.Error(), "secret") {
		t.Errorf("%v, want kind %v, a remedy, one line and no secret", err, kind)
	}
}

func raw(t *testing.T, o *server.Options) string {
	t.Helper()
	o.Host, o.Port, o.NoSigs, o.NoLog = "127.0.0.1", server.RANDOM_PORT, true, true
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	go s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	for !s.ReadyForConnections(time.Second) {
		if t.Context().Err() != nil {
			t.FailNow()
		}
	}
	return s.ClientURL()
}

func TestShape(t *testing.T) {
	t.Parallel()
	c := connect(t, start(t, Config{NoSync: true}).URL())
	want := jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}}
	for range 2 {
		if _, err := c.Stream(t.Context(), want, anything); err != nil {
			t.Fatal(err)
		}
	}
	_, err := c.Stream(t.Context(), want, func(jetstream.StreamConfig) string { return "it has corners" })
	oneError(t, err, ErrShape)
	if _, err := c.StreamOf(t.Context(), "nothing"); !errors.Is(err, ErrNoStream) {
		t.Error(err)
	}
	if name, err := c.StreamOf(t.Context(), "s"); name != "S" || err != nil {
		t.Error(name, err)
	}
}

// A store that is full refuses; what it took stays readable.
func TestFull(t *testing.T) {
	t.Parallel()
	c := connect(t, start(t, Config{NoSync: true, MaxStore: 256 << 10}).URL())
	s, err := c.Stream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}, Storage: jetstream.FileStorage}, anything)
	if err != nil {
		t.Fatal(err)
	}
	stored := 0
	for err = nil; err == nil && stored < 1000; stored++ {
		_, err = c.JS.Publish(t.Context(), "s", make([]byte, 16<<10))
	}
	oneError(t, Explain("stream S", err), ErrFull)
	if info, err := s.Info(t.Context()); err != nil || info.State.Msgs != uint64(stored-1) {
		t.Errorf("%d of %d messages: %v", info.State.Msgs, stored-1, err)
	}
	oneError(t, Explain("S", fmt.Errorf("write: %w", syscall.ENOSPC)), ErrFull)
}

func TestConfigRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []Config{
		{}, {Dir: "x", Listen: "nowhere"}, {Dir: "x", Listen: "127.0.0.1:99999"}, {Dir: "x", Peer: "127.0.0.1:1"}, {Dir: "x", Peer: "127.0.0.1"},
	} {
		if s, err := Start(t.Context(), c); err == nil {
			s.Close()
			t.Errorf("%+v starts", c)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if s, err := Start(t.Context(), Config{Dir: t.TempDir(), Listen: l.Addr().String()}); err == nil {
		s.Close()
		t.Error("two servers on one address")
	}
}

// A connection that is down takes no publish for later.
func TestNoBuffering(t *testing.T) {
	t.Parallel()
	s, err := Start(t.Context(), Config{Dir: t.TempDir(), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	lost := make(chan string, 100)
	c, err := Connect(t.Context(), Access{URL: s.URL(), Warn: func(text string) { lost <- text }})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s.Close()
	select {
	case text := <-lost:
		if !strings.Contains(text, "connection lost") {
			t.Error(text)
		}
	case <-t.Context().Done():
		t.Fatal("nobody was told")
	}
	if err := c.NATS.Publish("s", nil); err == nil {
		t.Error("a publish was kept for later")
	}
}

func TestRedact(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"nats://h:1":                    "nats://h:1",
		"nats://u:p@h:1,nats://t0ken@g": "nats://…@h:1,nats://…@g",
		"nats://u:p%zz@h":               "(a URL that cannot be read)",
		"u:p@h:1":                       "nats://…@h:1",
		"t0ken@h":                       "nats://…@h",
		"nats://u:p@x@h:1":              "nats://…@h:1",
		" tls://u:p@h:1, h:2":           "tls://…@h:1, h:2",
		"nats://u:p q@h":                "(a URL that cannot be read)",
		"nats://u:p#q@h":                "(a URL that cannot be read)",
	} {
		if got := Redact(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// What is no address is refused before anybody sees its password.
func TestNoAddress(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"nats://u:secret word@h", "nats://u:secret%zz@h", "nats://u:secret#1@h", "u:secret word@h", "nats://", ":", ",", "nats://h:1,nats://u:secret x@h"} {
		_, err := Connect(t.Context(), Access{URL: text, Patience: time.Millisecond})
		oneError(t, err, ErrAddress)
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// What looks like an address and is none of a server's is told as such, before
// anybody is asked.
func TestCheckURL(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"h", "h:4222", "nats://h", "nats://h:1/", "tls://u:p@h:1", "ws://h:80/path", "wss://h", "[::1]:4222", "nats://a:1, b:2,", "nats://u:p%2Fq@h:1"} {
		if err := CheckURL(text); err != nil {
			t.Error(err)
		}
	}
	for _, text := range []string{"http://h:4222", "https://h", "nats:/h:4222", "nats//h:4222", "nats:h:4222", "h:99999", "h:0", "nats://h:port", "nats://h:1/path", "nats://h:1?replicas=3", "/", "nats://a,http://b", "mqtt://h"} {
		oneError(t, CheckURL(text), ErrAddress)
	}
}

func ExampleStart() {
	dir, err := os.MkdirTemp("", "engine")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	s, err := Start(context.Background(), Config{Dir: dir})
	if err != nil {
		panic(err)
	}
	defer s.Close()
	c, err := Connect(context.Background(), Access{URL: s.URL()})
	if err != nil {
		panic(err)
	}
	defer c.Close()
	fmt.Println(c.NATS.IsConnected())
	// Output: true
}

// A message may bring a header of the name under which the server tells its
// number.
func TestScanForgedNumber(t *testing.T) {
	t.Parallel()
	c := connect(t, start(t, Config{NoSync: true}).URL())
	if _, err := c.Stream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}, AllowDirect: true}, anything); err != nil {
		t.Fatal(err)
	}
	for _, number := range []string{"7", "x", "1"} {
		if _, err := c.JS.PublishMsg(t.Context(), &nats.Msg{Subject: "s", Header: nats.Header{"Nats-Sequence": {number}}}); err != nil {
			t.Fatal(err)
		}
	}
	var got []uint64
	err := c.Scan(t.Context(), "S", 1, 3, func(m StoredMessage) error {
		got = append(got, m.Sequence)
		return nil
	})
	if err != nil || !slices.Equal(got, []uint64{1, 2, 3}) {
		t.Errorf("%v, %v", got, err)
	}
}
