package fetch

import (
	"crypto/tls"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"time"

	"holdfast/fetch/retry"
)

// A Config says how a [Client] fetches. [SpecDefaults] and [SmartDefaults] give
// complete ones to change. It is a plain value, copied by New.
type Config struct {
	retry.Policy // when to retry, how long attempts may take, how many at once

	Keywords   []string // words to look for in bodies; none by default
	IgnoreCase bool     // ASCII letters only

	MaxBody      int64 // decoded bytes of a body
	MaxRatio     int64 // decoded to wire bytes, from 1 MiB on
	MaxHeader    int64 // bytes of an answer's header
	MaxRedirects int   // hops of one attempt; negative: redirects are not followed
	MaxWireSends int   // header blocks that net/http may write for one hop
	MaxBuffer    int64 // bytes of a body that a Handler is given

	Bodies        string        // folder for bodies; empty: not kept
	Header        http.Header   // of every request
	NoDowngrade   bool          // do not follow a redirect from https to http
	AttemptHeader bool          // send Holdfast-Attempt: line.attempt.hop
	NoRedact      bool          // leave secrets in log and errors
	DenyPrivate   bool          // dial public addresses only
	Seed          uint64        // of all jitter
	RunDeadline   time.Duration // of a FetchAll; 0: none
	Window        int           // URLs of a FetchAll in memory; 0: max(1024, 8·Concurrency)

	Proxy     func(*http.Request) (*url.URL, error) // nil: none
	TLSConfig *tls.Config
	HTTP      HTTPVersion
}

// HTTPVersion is what is spoken to servers.
type HTTPVersion uint8

// Versions.
const (
	HTTPAuto HTTPVersion = iota // what the server prefers
	HTTP1
	HTTP2
	H2C // HTTP/2 without TLS
)

// Defaults of the limits.
const (
	defaultMaxBody   = 64 << 20
	defaultMaxBuffer = 8 << 20
)

// SpecDefaults is the requirement to the letter.
func SpecDefaults() Config { return defaults(retry.Spec()) }

// SmartDefaults is what an operator wants.
func SmartDefaults() Config { return defaults(retry.Smart()) }

func defaults(p retry.Policy) Config {
	return Config{
		Policy:       p,
		MaxBody:      defaultMaxBody,
		MaxRatio:     200,
		MaxHeader:    256 << 10,
		MaxRedirects: 10,
		MaxWireSends: 3,
		MaxBuffer:    defaultMaxBuffer,
	}
}

// CalculateBackoff is the requirement's calculate_backoff with its default
// constants: min(100·2^attempt + U(0, 0.1·100·2^attempt), 5000) milliseconds;
// attempt counts from 0. u in [0,1) is the draw.
func CalculateBackoff(attempt int, u float64) time.Duration {
	return retry.CalculateBackoff(attempt, u)
}

func (c *Config) validate() error {
	if err := c.Policy.Validate(); err != nil {
		return err
	}
	for _, w := range c.Keywords {
		if w == "" {
			return fmt.Errorf("--keyword is empty: name a word")
		}
	}
	for _, n := range []struct {
		flag         string
		value, least int64
	}{
		{"max-body", c.MaxBody, 1}, {"max-ratio", c.MaxRatio, 1}, {"max-header", c.MaxHeader, 256},
		{"max-wire-sends", int64(c.MaxWireSends), 1}, {"max-redirects", int64(c.MaxRedirects), -1},
	} {
		if n.value < n.least {
			return fmt.Errorf("--%s %d: at least %d", n.flag, n.value, n.least)
		}
		if n.value > math.MaxInt64/4 {
			return fmt.Errorf("--%s %d: too large", n.flag, n.value)
		}
	}
	if c.DenyPrivate && c.Proxy != nil {
		return fmt.Errorf("--deny-private does not go with a proxy, which would dial for us")
	}
	return nil
}

// Check says what is wrong with a config, by the name of the flag.
func Check(c Config) error { return c.validate() }
