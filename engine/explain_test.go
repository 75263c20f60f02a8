package engine

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// configured starts a server with a configuration as its operators write it;
// DIR in it is a folder.
func configured(t *testing.T, text string) (hostPort string) {
	t.Helper()
	dir := t.TempDir()
	name := write(t, dir, "nats.conf", strings.ReplaceAll(text, "DIR", dir))
	o, err := server.ProcessConfigFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(strings.TrimPrefix(raw(t, o), "nats://"), "tls://")
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	name = filepath.Join(dir, name)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

const accounts = `jetstream { store_dir: "DIR" }
accounts {
  WITH: { jetstream: enabled, users: [{user: with, password: secret}, {user: bound, password: secret, permissions: {publish: {deny: ["$JS.API.>"]}}}] }
  WITHOUT: { users: [{user: without, password: secret}] }
}`

// Each failure to get in has its kind, one line, and what to do.
func TestRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	shared := configured(t, accounts)
	token := configured(t, `jetstream { store_dir: "DIR" }, authorization { token: "secret" }`)
	keys := configured(t, `jetstream { store_dir: "DIR" }, authorization { users: [{nkey: UDVQFBYEDQSWMYHSGD64AS6734FK3TW5WLXV3ZP3RRHQCFOBJAEMHYXQ}] }`)
	// A user that no server knows.
	creds := write(t, dir, "user.creds", "-----BEGIN NATS USER JWT-----\neyJ0\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n"+
		"SU"+"ABUTZPY6QJHZNXKNGD46222TVIDVKMKBFSXIQTDOQJYU65JYRP3NA44E\n------END USER NKEY SEED------\n")
	text := write(t, dir, "text", "hello")
	deaf := listen(t, "")
	web := listen(t, "HTTP/1.1 400 Bad Request\r\n\r\n")
	for name, c := range map[string]struct {
		a    Access
		kind error
		says string
	}{
		"user":              {Access{URL: "nats://with:secret2@" + shared}, ErrRefused, "check --creds, or user and password"},
		"nobody":            {Access{URL: "nats://" + shared}, ErrRefused, ""},
		"token":             {Access{URL: "nats://secret2@" + token}, ErrRefused, "(or token)"},
		"creds of another":  {Access{URL: "nats://" + keys, Creds: creds}, ErrRefused, ""},
		"creds that are no": {Access{URL: "nats://" + keys, Creds: text}, ErrRefused, "check --creds: it is a file with"},
		"API forbidden":     {Access{URL: "nats://bound:secret@" + shared}, ErrForbidden, `"$JS.API.INFO"`},
		"account":           {Access{URL: "nats://without:secret@" + shared}, ErrNoJetStream, "for this account"},
		"off":               {Access{URL: "nats://" + configured(t, "port: -1")}, ErrNoJetStream, "-js"},
		"no TLS there":      {Access{URL: "tls://with:secret@" + shared}, ErrUntrusted, "speaks no TLS"},
		"CA that is none":   {Access{URL: "tls://with:secret@" + shared, CA: text}, ErrUntrusted, "check --tls-ca"},
		"port of the web":   {Access{URL: "nats://" + web}, ErrUnreachable, "something else listens there"},
		"hanging up":        {Access{URL: "nats://" + listen(t, hangUp)}, ErrUnreachable, "it hangs up"},
		"silence":           {Access{URL: "nats://" + deaf, Patience: 100 * time.Millisecond}, ErrUnreachable, "timeout"},
		"nobody there":      {Access{URL: "nats://127.0.0.1:1"}, ErrUnreachable, "holdfast engine --dir DIR"},
		"no address":        {Access{URL: "nats://127.0.0.1:1:2"}, ErrAddress, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := Connect(t.Context(), c.a)
			if err == nil {
				conn.Close()
			}
			oneError(t, err, c.kind)
			if err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %q", err, c.says)
			}
		})
	}
	for _, a := range []Access{{Creds: "missing"}, {CA: "missing"}, {Cert: "missing"}, {Cert: text, Key: "missing"}} {
		a.URL = "nats://" + shared
		if _, err := Connect(t.Context(), a); !errors.Is(err, os.ErrNotExist) || !strings.HasPrefix(err.Error(), "--") {
			t.Errorf("%+v: %v", a, err)
		}
	}
}

// One of three servers, which the others have left, is not called unreachable.
func TestAlone(t *testing.T) {
	t.Parallel()
	s := start(t, Config{NoSync: true, Name: "a", Peer: "127.0.0.1:0", Routes: []string{"127.0.0.1:1", "127.0.0.1:2"}})
	conn, err := Connect(t.Context(), Access{URL: s.URL(), Patience: 300 * time.Millisecond})
	if err == nil {
		conn.Close()
	}
	oneError(t, err, ErrTooFew)
}

// hangUp is the greeting of a server that only closes the connection.
const hangUp = "(nothing)"

// listen answers every connection with a greeting.
func listen(t *testing.T, greeting string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			if greeting == hangUp {
				c.Close()
				continue
			}
			if _, err := c.Write([]byte(greeting)); err == nil && greeting != "" {
				c.Close()
			}
		}
	}()
	return l.Addr().String()
}

func TestTLS(t *testing.T) {
	t.Parallel()
	dir, other := authority(t), authority(t)
	plain := configured(t, fmt.Sprintf(`jetstream { store_dir: "DIR" }, tls { cert_file: %q, key_file: %q }`, dir+"/server.pem", dir+"/server.key"))
	both := configured(t, fmt.Sprintf(`jetstream { store_dir: "DIR" }, tls { cert_file: %q, key_file: %q, ca_file: %q, verify: true }`, dir+"/server.pem", dir+"/server.key", dir+"/ca.pem"))
	for name, c := range map[string]struct {
		a    Access
		says string // "" is no error
	}{
		"right":             {Access{URL: "tls://" + plain, CA: dir + "/ca.pem"}, ""},
		"unknown authority": {Access{URL: "tls://" + plain}, "unknown authority): name the file of the server's authority with --tls-ca"},
		"another authority": {Access{URL: "nats://" + plain, CA: other + "/ca.pem"}, "unknown authority"},
		"another name":      {Access{URL: "tls://localhost:" + plain[strings.LastIndex(plain, ":")+1:], CA: dir + "/ca.pem"}, "use a name that is in the certificate"},
		"certificate":       {Access{URL: "tls://" + both, CA: dir + "/ca.pem", Cert: dir + "/server.pem", Key: dir + "/server.key"}, ""},
		"no certificate":    {Access{URL: "tls://" + both, CA: dir + "/ca.pem"}, "--tls-cert"},
		"a stranger's":      {Access{URL: "tls://" + both, CA: dir + "/ca.pem", Cert: other + "/server.pem", Key: other + "/server.key"}, "--tls-cert"},
		"key of another":    {Access{URL: "tls://" + both, CA: dir + "/ca.pem", Cert: dir + "/server.pem", Key: other + "/server.key"}, "--tls-cert"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := Connect(t.Context(), c.a)
			if err == nil {
				conn.Close()
			}
			switch {
			case c.says == "" && err != nil:
				t.Error(err)
			case c.says != "":
				oneError(t, err, ErrUntrusted)
				if err != nil && !strings.Contains(err.Error(), c.says) {
					t.Errorf("%v, want %q", err, c.says)
				}
			}
		})
	}
}

// authority makes ca.pem, and server.pem with server.key for 127.0.0.1.
func authority(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	made := func(name string, template, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) *ecdsa.PrivateKey {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if parentKey == nil {
			parentKey = key
		}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
		if err != nil {
			t.Fatal(err)
		}
		secret, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, name+".pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
		write(t, dir, name+".key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
		return key
	}
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority of " + filepath.Base(dir)}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	key := made("ca", ca, ca, nil)
	made("server", &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "server"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}, ca, key)
	return dir
}

// What a server or the client's library may answer, and what that means.
func TestExplain(t *testing.T) {
	t.Parallel()
	answer := func(code jetstream.ErrorCode, text string) error {
		return &jetstream.APIError{Code: 503, ErrorCode: code, Description: text}
	}
	for _, c := range []struct {
		err  error
		kind error
	}{
		{nats.ErrNoServers, ErrUnreachable},
		{nats.ErrTimeout, ErrUnreachable},
		{context.DeadlineExceeded, ErrUnreachable},
		{nats.ErrConnectionClosed, ErrUnreachable},
		{jetstream.ErrConnectionClosed, ErrUnreachable},
		{fmt.Errorf("read tcp: %w", syscall.ECONNRESET), ErrUnreachable},
		{nats.ErrAuthRevoked, ErrRefused},
		{fmt.Errorf("%w: publish to x", nats.ErrPermissionViolation), ErrForbidden},
		{nats.ErrNoResponders, ErrNoJetStream},
		{jetstream.ErrJetStreamNotEnabled, ErrNoJetStream},
		{nats.ErrMaxConnectionsExceeded, ErrFull},
		{fmt.Errorf("write: %w", syscall.ENOSPC), ErrFull},
		{answer(codeStoreFailed, "no space left on device"), ErrFull},
		{answer(codeStoreFailed, "maximum bytes exceeded"), ErrFull},
		{answer(codeStoreFailed, "maximum messages per subject exceeded"), nil},
		{answer(codeStorage, "insufficient storage resources available"), ErrFull},
		{answer(codeMaxStreams, "maximum number of streams reached"), ErrFull},
		{answer(codeNoReplicas, "replicas > 1 not supported in non-clustered mode"), ErrTooFew},
		{answer(codeNoPeers, "no suitable peers for placement"), ErrTooFew},
		{answer(codeUnavailable, "JetStream system temporarily unavailable"), ErrTooFew},
		{answer(codeOverlap, "subjects overlap with an existing stream"), ErrShape},
		{answer(codeWorkQueueFilter, "filtered consumer not unique on workqueue stream"), ErrShape},
		{jetstream.ErrStreamNotFound, ErrNoStream},
		{jetstream.ErrConsumerDeleted, ErrNoStream},
		{errors.New("something new"), nil},
	} {
		err := Explain("here", c.err)
		if c.kind == nil {
			if err.Error() != "here: "+c.err.Error() || !errors.Is(err, c.err) {
				t.Errorf("%v: %v", c.err, err)
			}
			continue
		}
		oneError(t, err, c.kind)
		if !errors.Is(err, c.err) || Explain("there", fmt.Errorf("later: %w", err)).Error() != "later: "+err.Error() {
			t.Errorf("%v: explained twice", err)
		}
	}
	if Explain("here", nil) != nil || Explain("here", context.Canceled) != context.Canceled {
		t.Error("what is no fault is explained")
	}
}

// The account's own limits, as a server says them.
func TestAccountLimits(t *testing.T) {
	t.Parallel()
	host := configured(t, `jetstream { store_dir: "DIR" }
accounts { A: { jetstream: {max_store: 1MB, max_streams: 2}, users: [{user: a, password: secret}] } }`)
	c := connect(t, "nats://a:secret@"+host)
	stream := func(name string, replicas int, subjects ...string) error {
		_, err := c.Stream(t.Context(), jetstream.StreamConfig{Name: name, Subjects: subjects, Replicas: replicas}, anything)
		return err
	}
	if err := stream("S", 1, "s"); err != nil {
		t.Fatal(err)
	}
	oneError(t, stream("R", 3, "r"), ErrTooFew)
	oneError(t, stream("O", 1, "*"), ErrShape)
	if err := stream("T", 1, "t"); err != nil {
		t.Fatal(err)
	}
	oneError(t, stream("U", 1, "u"), ErrFull)
}

// Versions count by their numbers.
func TestVersionLess(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"2.10.25", "2.11.0", true}, {"2.9.1", "2.11.0", true}, {"1.4.0", "2.11.0", true}, {"2.11.0", "2.11.0", false}, {"2.11.0-RC.1", "2.11.0", false},
		{"2.12.0-dev", "2.11.0", false}, {"3.0.0", "2.11.0", false}, {"2.15.2", "2.11.0", false},
	} {
		if got := versionLess(c.a, c.b); got != c.want {
			t.Errorf("%s < %s: %v", c.a, c.b, got)
		}
	}
}
