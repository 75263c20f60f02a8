package engine

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
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

// A Conn is a connection to a server with JetStream. [Connect] makes it.
type Conn struct {
	NATS     *nats.Conn
	JS       jetstream.JetStream
	Where    string // the URL without secrets
	patience time.Duration
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
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { a.Warn(fmt.Sprintf("%s: %v", c.Where, err)) }),
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
		c.Close()
		return nil, Explain(c.Where, err)
	}
	return c, nil
}

// Close ends the connection.
func (c *Conn) Close() { c.NATS.Close() }

// oneTry is how long a request may take. One that came before there was a
// leader is never answered.
const oneTry = 5 * time.Second

// retry tries again while the servers have no leader, up to the patience.
func (c *Conn) retry(ctx context.Context, try func(context.Context) error) error {
	return Retry(ctx, c.patience, Passing, try)
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
			if errors.Is(err, context.DeadlineExceeded) {
				return fmt.Errorf("%w: %w", nats.ErrTimeout, err)
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

// Passing reports whether an error may be gone in a moment.
func Passing(err error) bool {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return api.ErrorCode == codeUnavailable || api.ErrorCode == codeNotLeader || api.ErrorCode == codeNoPeers
	}
	return errors.Is(err, nats.ErrTimeout) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrDisconnected)
}

// Redact gives a URL without password or token, for messages.
func Redact(text string) string {
	parts := strings.Split(text, ",")
	for i, p := range parts {
		u, err := url.Parse(strings.TrimSpace(p))
		if err != nil {
			parts[i] = "(a URL that cannot be read)"
		} else if u.User != nil {
			u.User = url.User("…")
			parts[i] = strings.Replace(u.String(), url.PathEscape("…"), "…", 1)
		}
	}
	return strings.Join(parts, ",")
}
