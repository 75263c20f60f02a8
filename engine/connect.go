package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Access says which server, and who asks.
type Access struct {
	URL   string // nats://HOST:PORT, tls://…, several with commas
	Name  string // of this client, for the server's operators
	Creds string // file of a user's JWT and key, or ""
	CA    string // file of the certificate authorities to believe, or "" for the system's
	Cert  string // file of the client's certificate, with Key
	Key   string

	Patience time.Duration     // wait so long for a server and for a leader; 0 is 10 s
	Warn     func(text string) // the connection broke, or is back; nil tells nobody
}

// files tells which of the files cannot be read: the client would say it only
// in the middle of a handshake, and as the server's fault.
func (a Access) files() error {
	for _, f := range []struct{ flag, name string }{{"--creds", a.Creds}, {"--tls-ca", a.CA}, {"--tls-cert", a.Cert}, {"--tls-key", a.Key}} {
		if f.name == "" {
			continue
		}
		file, err := os.Open(f.name)
		if err != nil {
			return fmt.Errorf("%s: %w", f.flag, err)
		}
		file.Close()
	}
	return nil
}

func (a Access) secured() bool {
	return a.CA != "" || a.Cert != "" || strings.HasPrefix(a.URL, "tls:") || strings.HasPrefix(a.URL, "wss:")
}

// A Conn is a connection to a server with JetStream. [Connect] makes it.
type Conn struct {
	NATS     *nats.Conn
	JS       jetstream.JetStream
	Where    string // the URL without secrets
	patience time.Duration
	denied   denied
}

// denied remembers what the server forbade last. It says so on the side: the
// request itself is never answered.
type denied struct {
	mu    sync.Mutex
	err   error
	tries map[context.Context]context.CancelCauseFunc // requests that may be meant
}

func (d *denied) tell(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.err = err
	for _, cancel := range d.tries {
		cancel(err)
	}
}

// watch gives a context that ends when something is forbidden.
func (d *denied) watch(ctx context.Context) (watched context.Context, end func()) {
	watched, cancel := context.WithCancelCause(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.tries == nil {
		d.tries = map[context.Context]context.CancelCauseFunc{}
	}
	d.tries[watched] = cancel
	return watched, func() {
		cancel(nil)
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.tries, watched)
	}
}

func (d *denied) last() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.err
}

// Connect reaches a server and makes sure that it has JetStream. The
// connection comes back by itself when it breaks; until then a publish fails
// at once. It is never buffered: sent minutes later, it could come after the
// time for which the server remembers message ids.
func Connect(ctx context.Context, a Access) (*Conn, error) {
	c := &Conn{Where: Redact(a.URL), patience: a.Patience}
	if c.patience == 0 {
		c.patience = 10 * time.Second
	}
	if a.Warn == nil {
		a.Warn = func(string) {}
	}
	o := []nats.Option{
		nats.Name(a.Name), nats.ReconnectBufSize(-1), nats.MaxReconnects(-1), nats.ReconnectWait(200 * time.Millisecond),
		nats.PingInterval(10 * time.Second), nats.MaxPingsOutstanding(2), nats.Timeout(2 * time.Second),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				a.Warn(fmt.Sprintf("%s: connection lost, trying again: %v", c.Where, err))
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { a.Warn(c.Where + ": connected again") }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			if errors.Is(err, nats.ErrPermissionViolation) {
				c.denied.tell(err)
			}
			a.Warn(fmt.Sprintf("%s: %v", c.Where, err))
		}),
	}
	if err := errors.Join(CheckURL(a.URL), a.files()); err != nil {
		return nil, err
	}
	if a.Creds != "" {
		o = append(o, nats.UserCredentials(a.Creds))
	}
	if a.CA != "" {
		o = append(o, nats.RootCAs(a.CA))
	}
	if a.Cert != "" || a.Key != "" {
		o = append(o, nats.ClientCert(a.Cert, a.Key))
	}
	err := c.retry(ctx, func(context.Context) (err error) {
		c.NATS, err = nats.Connect(a.URL, o...)
		return err
	})
	if err != nil && a.secured() && isAny(err, syscall.ECONNRESET, syscall.EPIPE, io.EOF) {
		// With TLS 1.3 the server looks at the client's certificate after the
		// client's handshake; its alert and its hanging up race.
		return nil, &Error{Kind: ErrUntrusted, Where: c.Where, What: "it hangs up after the handshake", Do: "name a certificate that it accepts with --tls-cert and --tls-key", Err: err}
	}
	if err != nil {
		return nil, Explain(c.Where, err)
	}
	if c.JS, err = jetstream.New(c.NATS); err == nil {
		err = c.retry(ctx, func(ctx context.Context) error {
			_, err := c.JS.AccountInfo(ctx)
			return err
		})
	}
	if err != nil {
		if isAny(err, nats.ErrTimeout, context.DeadlineExceeded) && c.NATS.IsConnected() {
			err = &Error{Kind: ErrTooFew, Where: c.Where, What: "it is there, and its JetStream does not answer: no leader", Do: "start the servers that are missing, or see what it says", Err: err}
		}
		c.Close()
		return nil, Explain(c.Where, err)
	}
	return c, nil
}

// Forbidden is what the server forbade this client last, as an [Error]; nil if
// nothing.
func (c *Conn) Forbidden() error { return Explain(c.Where, c.denied.last()) }

// Diagnose says why requests get no answer, as an [Error]: the connection, the
// credentials, JetStream as a whole; nil if none of these is to blame.
func (c *Conn) Diagnose(ctx context.Context) error {
	if err := c.Forbidden(); err != nil {
		return err
	}
	if !c.NATS.IsConnected() {
		if err := c.NATS.LastError(); err != nil {
			if e := Explain(c.Where, err); errors.Is(e, ErrRefused) || errors.Is(e, ErrUntrusted) {
				return e
			}
		}
		return Explain(c.Where, nats.ErrDisconnected)
	}
	once, cancel := context.WithTimeout(ctx, oneTry)
	defer cancel()
	_, err := c.JS.AccountInfo(once)
	return Explain(c.Where, err)
}

// Close ends the connection.
func (c *Conn) Close() { c.NATS.Close() }

// oneTry is how long a request may take. One that came before there was a
// leader is never answered.
const oneTry = 5 * time.Second

// retry tries again while the servers have no leader, up to the patience.
func (c *Conn) retry(ctx context.Context, try func(context.Context) error) error {
	return Retry(ctx, c.patience, Passing, func(ctx context.Context) error { return c.once(ctx, try) })
}

// Retry tries again while an error may be gone in a moment, which passing
// tells, up to the patience.
func Retry(ctx context.Context, patience time.Duration, passing func(error) bool, try func(context.Context) error) error {
	end := time.Now().Add(patience)
	wait := 50 * time.Millisecond
	for {
		once, cancel := context.WithTimeout(ctx, min(patience, oneTry))
		err := try(once)
		cancel()
		if err == nil || !passing(err) || ctx.Err() != nil || time.Now().Add(wait).After(end) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		wait = min(2*wait, time.Second)
	}
}

// once makes one request, which ends early when the server forbids it.
func (c *Conn) once(ctx context.Context, try func(context.Context) error) error {
	watched, end := c.denied.watch(ctx)
	defer end()
	err := try(watched)
	if cause := context.Cause(watched); err != nil && ctx.Err() == nil && cause != nil {
		return cause
	}
	return err
}

// Redact gives URLs without passwords and tokens, for messages. What stands
// before the last @ is never shown, whether the rest can be read or not, nor
// is a URL that cannot be read: who has a # or / in a password has no @ there.
func Redact(text string) string {
	parts := strings.Split(text, ",")
	for i, p := range parts {
		p = strings.TrimSpace(p)
		u, err := parseURL(p)
		switch {
		case err != nil:
			parts[i] = "(a URL that cannot be read)"
		case u.User != nil:
			scheme, _, written := strings.Cut(p, "://")
			if !written {
				scheme = "nats"
			}
			parts[i] = scheme + "://…@" + p[strings.LastIndexByte(p, '@')+1:]
		}
	}
	return strings.Join(parts, ",")
}

// parseURL reads one URL as the client does: without a scheme it is nats://.
func parseURL(text string) (*url.URL, error) {
	if !strings.Contains(text, "://") {
		text = "nats://" + text
	}
	return url.Parse(text)
}

// CheckURL refuses what is no URL of servers. The client would only complain
// with the whole text, password and all.
func CheckURL(text string) error {
	for _, p := range strings.Split(text, ",") {
		if p = strings.TrimSpace(p); p == "" && strings.Trim(text, ", ") != "" {
			continue // as the client does
		}
		if u, err := parseURL(p); err != nil || !isServer(u) {
			return &Error{Kind: ErrAddress, Where: Redact(p), Do: "write it as nats://HOST:PORT or nats://USER:PASSWORD@HOST:PORT, with %XX for what has a meaning there, such as @ : / # % and blanks"}
		}
	}
	return nil
}

// isServer tells whether a URL can be that of a server: the client would take
// http:, look for a host called nats in nats:/h, and leave a path or options out.
func isServer(u *url.URL) bool {
	port, err := strconv.Atoi(cmp.Or(u.Port(), "4222"))
	web := u.Scheme == "ws" || u.Scheme == "wss"
	one := strings.Count(u.Host, ":") < 2 || strings.HasPrefix(u.Host, "[") // not host:port:port
	return one && u.Hostname() != "" && err == nil && port > 0 && port < 1<<16 && u.RawQuery == "" &&
		(web || u.Scheme == "nats" || u.Scheme == "tls") && (web || u.Path == "" || u.Path == "/")
}

// Try calls a function until it succeeds, fails for good, or has failed for
// want of a leader or an answer for as long as the patience lasts.
func (c *Conn) Try(ctx context.Context, try func(context.Context) error) error {
	return c.retry(ctx, try)
}
