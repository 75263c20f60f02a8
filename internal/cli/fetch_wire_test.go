package cli

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"holdfast/lab/flakyhttp"
)

// A proxy is an HTTP proxy that notes what it is asked for.
type proxy struct {
	mu    sync.Mutex
	asked []string
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked = append(p.asked, r.Method+" "+r.RequestURI+" "+r.Header.Get("Proxy-Authorization"))
	p.mu.Unlock()
	if r.Method == http.MethodConnect {
		p.tunnel(w, r)
		return
	}
	out := r.Clone(r.Context())
	out.RequestURI = ""
	out.Header.Del("Proxy-Authorization")
	resp, err := http.DefaultTransport.RoundTrip(out)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body)
}

func (p *proxy) tunnel(w http.ResponseWriter, r *http.Request) {
	there, err := net.Dial("tcp", r.Host)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	here, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		there.Close()
		return
	}
	_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
	go func() {
		_, _ = io.Copy(there, here)
		there.Close()
	}()
	_, _ = io.Copy(here, there)
	here.Close()
}

func (p *proxy) saw() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.asked, "\n")
}

// fetched runs holdfast fetch and wants a status.
func fetched(t *testing.T, want int, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	c := program(t, append([]string{"fetch", "--log", filepath.Join(dir, "log"), "--summary", "", "--quiet", "--retries", "1", "--initial-backoff", "1ms"}, args...)...)
	var words bytes.Buffer
	c.Stderr = &words
	_ = c.Run()
	log, _ := os.ReadFile(filepath.Join(dir, "log"))
	if got := c.ProcessState.ExitCode(); got != want {
		t.Fatalf("%v: exit status %d, want %d: %s\n%s", args, got, want, words.String(), log)
	}
	return string(log)
}

// TestFetchProxy: http goes through a proxy by its whole URL, https through a
// tunnel, both with the proxy's password, which no log tells.
func TestFetchProxy(t *testing.T) {
	t.Parallel()
	lab, err := flakyhttp.Start(flakyhttp.Config{CAFile: filepath.Join(t.TempDir(), "ca.pem")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lab.Close() })
	p := &proxy{}
	at := httptest.NewServer(p)
	t.Cleanup(at.Close)
	url := strings.Replace(at.URL, "http://", "http://user:secret@", 1)
	const password = "Basic dXNlcjpzZWNyZXQ="

	log := fetched(t, ExitOK, "--proxy", url, lab.URL()+"/get")
	if want := "GET " + lab.URL() + "/get " + password; p.saw() != want {
		t.Errorf("the proxy saw %q, want %q", p.saw(), want)
	}
	log += fetched(t, ExitOK, "--proxy", url, "--cacert", lab.CAFile(), lab.TLSURL()+"/get")
	host := strings.TrimPrefix(lab.TLSURL(), "https://")
	if want := "CONNECT " + host + " " + password; !strings.HasSuffix(p.saw(), want) {
		t.Errorf("the proxy saw %q, want %q at its end", p.saw(), want)
	}
	at.Close() // nobody there: a connection error, which is tried again
	log += fetched(t, ExitNotHeld, "--proxy", url, lab.URL()+"/get")
	if strings.Contains(log, "secret") || strings.Count(log, `"event":"connection_error"`) != 2 {
		t.Errorf("%s", log)
	}
}

// TestFetchClientCertificate: a server that wants a certificate gets ours, and
// without one it is a TLS failure.
func TestFetchClientCertificate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	ours := selfSigned(t, cert, key)
	pool := x509.NewCertPool()
	pool.AddCert(ours)
	web := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.TLS.PeerCertificates[0].Subject.CommonName)
	}))
	web.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	web.Config.ErrorLog = log.New(io.Discard, "", 0) // it tells of each client that has none
	web.StartTLS()
	t.Cleanup(web.Close)
	ca := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw}), 0o666); err != nil {
		t.Fatal(err)
	}
	records := fetched(t, ExitOK, "--cacert", ca, "--cert", cert, "--key", key, "--keyword", "holdfast's own", web.URL)
	if !strings.Contains(records, `"event":"body_match"`) {
		t.Errorf("%s", records)
	}
	records = fetched(t, ExitNotHeld, "--cacert", ca, web.URL)
	if !strings.Contains(records, `"class":"connection","kind":"tls"`) {
		t.Errorf("%s", records)
	}
	records = fetched(t, ExitNotHeld, "--cert", cert, "--key", key, web.URL) // it is not we who are not believed
	if !strings.Contains(records, `"class":"connection","kind":"certificate"`) {
		t.Errorf("%s", records)
	}
	fetched(t, ExitInput, "--cert", cert, "--key", cert, web.URL)
	fetched(t, ExitInput, "--cacert", key, web.URL)
}

func selfSigned(t *testing.T, cert, key string) *x509.Certificate {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "holdfast's own"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// TestFetchSecondInterrupt: the first SIGINT lets what is in flight go on for a
// while, the second one ends the process itself, and the log can be resumed.
func TestFetchSecondInterrupt(t *testing.T) {
	t.Parallel()
	arrived, hold := make(chan struct{}, 10), make(chan struct{})
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/done" {
			return
		}
		arrived <- struct{}{}
		select {
		case <-hold:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(web.Close)
	release := sync.OnceFunc(func() { close(hold) })
	t.Cleanup(release)
	log := filepath.Join(t.TempDir(), "log")
	args := []string{"fetch", "--log", log, "--summary", "", "--quiet", web.URL + "/done", web.URL + "/held"}
	c := program(t, args...)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	<-arrived
	over := make(chan struct{})
	go func() {
		for {
			_ = c.Process.Signal(os.Interrupt)
			select {
			case <-over:
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	_ = c.Wait()
	close(over)
	if how := c.ProcessState.Sys().(syscall.WaitStatus); !how.Signaled() || how.Signal() != syscall.SIGINT {
		t.Errorf("it ended with %v, not by the signal", c.ProcessState)
	}
	release()
	out, err := program(t, append(args, "--resume")...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Success rate: 2/2") {
		t.Errorf("%v: %s", err, out)
	}
}
