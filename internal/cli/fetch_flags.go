package cli

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"holdfast/fetch"
	"holdfast/fetch/retry"
	"holdfast/internal/vfs"
)

// fetchFlags are those of one fetch.
type fetchFlags struct {
	input, log, summary string
	resume, retryFailed bool
	dedupe              choice

	policy                                 choice
	retries                                int
	retriesFor                             string
	timeout, connect, tls, headers, idle   span
	minSpeed                               string
	deadline, runDeadline                  span
	initial, most                          time.Duration
	multiplier                             float64
	jitter, retryAfter, breaker, rangeBack choice
	retryAfterCap, patience                time.Duration
	budget                                 string
	reserve                                float64
	concurrency, perHost                   int
	rate, perHostRate                      string
	slow                                   time.Duration
	keywords                               []string
	ignoreCase                             bool

	maxBody, maxHeader                   byteSize
	maxRatio                             int64
	maxRedirects, maxWireSends           int
	bodies                               string
	method, data                         string
	headerLines                          []string
	proxy, cacert, cert, key             string
	insecure, noDowngrade, serverHint    bool
	http                                 choice
	denyPrivate, noRedact, attemptHeader bool
	seed                                 string
	metrics                              string
	lab                                  fetchLabFlags
	queue                                queueFlags

	given func(string) bool
}

func newFetchFlags() *fetchFlags {
	return &fetchFlags{
		dedupe:     choice{"none", []string{"none", "exact", "normalized"}},
		policy:     choice{"smart", []string{"spec", "smart"}},
		jitter:     choice{"", []string{"none", "additive", "full", "equal", "decorrelated"}},
		retryAfter: choice{"", []string{"respect", "ignore"}},
		breaker:    choice{"", []string{"on", "off"}},
		rangeBack:  choice{"", []string{"on", "off"}},
		http:       choice{"auto", []string{"auto", "1", "2", "h2c"}},
		maxBody:    64 << 20, maxHeader: 256 << 10,
	}
}

func (f *fetchFlags) add(s *pflag.FlagSet) {
	s.StringVarP(&f.input, "input", "i", "", "list of URLs, one a line, or JSON objects; - for standard input; .gz and .zst are read too")
	s.StringVar(&f.log, "log", "fetch.jsonl", "the log, one JSON object a line, appended in place; - for standard output")
	s.StringVar(&f.summary, "summary", "summary.json", "file for the sums; empty: none")
	s.BoolVar(&f.resume, "resume", false, "go on with --log: what is complete in it is not fetched again")
	s.BoolVar(&f.retryFailed, "retry-failed", false, "with --resume: fetch again what failed")
	s.Var(&f.dedupe, "dedupe", "fetch a URL that stands in the list twice only once")

	s.Var(&f.policy, "policy", "rules and the defaults of the flags below; --lab-seed takes spec")
	s.IntVar(&f.retries, "retries", 3, "most retries of a URL")
	s.StringVar(&f.retriesFor, "retries-for", "", "most retries by what failed: server_error=N,timeout=N,connection=N,rate_limited=N")
	f.timeout.always = true
	f.timeout.add(s, "timeout", "limit of one attempt, from its dial to the last byte (spec 5s, smart 60s)")
	f.connect.add(s, "connect-timeout", "limit of name resolution and connecting (smart 5s)")
	f.tls.add(s, "tls-timeout", "limit of the TLS handshake (smart 5s)")
	f.headers.add(s, "header-timeout", "limit of waiting for the answer (smart 15s)")
	f.idle.add(s, "idle-timeout", "limit of silence within a body (smart 15s)")
	s.StringVar(&f.minSpeed, "min-speed", "off", "least bytes a second of a body, over 10 s")
	f.deadline.add(s, "deadline", "limit of one URL from its first attempt, waits included")
	f.runDeadline.add(s, "run-deadline", "limit of the whole run")
	s.DurationVar(&f.initial, "initial-backoff", 100*time.Millisecond, "wait before the first retry")
	s.DurationVar(&f.most, "max-backoff", 5*time.Second, "longest wait that is not the server's wish")
	s.Float64Var(&f.multiplier, "multiplier", 2, "each wait is so many times the one before")
	s.Var(&f.jitter, "jitter", "how chance enters a wait (spec additive, smart full)")
	s.Var(&f.retryAfter, "retry-after", "what to do when a server asks for a pause (spec ignore, smart respect)")
	s.DurationVar(&f.retryAfterCap, "retry-after-cap", time.Hour, "longest pause that is waited for in one run")
	s.StringVar(&f.budget, "budget", "", "retries allowed per first attempt to an origin, or off (spec off, smart 0.2)")
	s.Float64Var(&f.reserve, "budget-reserve", 100, "retries that every origin may have beyond --budget")
	s.Var(&f.breaker, "breaker", "keep requests from an origin that fails (spec off, smart on)")
	s.DurationVar(&f.patience, "breaker-patience", time.Minute, "how long URLs wait for such an origin")
	s.IntVar(&f.concurrency, "concurrency", 0, "attempts in flight (spec 16, smart 32)")
	s.IntVar(&f.perHost, "per-host", 0, "of them to one origin (spec 16, smart 8)")
	s.StringVar(&f.rate, "rate", "off", "attempts a second")
	s.StringVar(&f.perHostRate, "per-host-rate", "off", "attempts a second to one origin")
	s.DurationVar(&f.slow, "slow", 500*time.Millisecond, "an answer that takes longer is slow; 0s: none is")
	s.StringArrayVar(&f.keywords, "keyword", nil, "a word to look for in bodies; may be given again")
	s.BoolVar(&f.ignoreCase, "ignore-case", false, "keywords match ASCII letters of either case")

	s.Var(&f.maxBody, "max-body", "longest body, decoded")
	s.Int64Var(&f.maxRatio, "max-ratio", 200, "most decoded bytes for one on the wire")
	s.Var(&f.maxHeader, "max-header", "longest header of an answer")
	s.IntVar(&f.maxRedirects, "max-redirects", 10, "most redirects of one attempt; -1: do not follow")
	s.IntVar(&f.maxWireSends, "max-wire-sends", 3, "how often one request may really go out in one attempt")
	s.StringVar(&f.bodies, "bodies", "", "folder for the bodies; without it they are read and dropped")
	s.Var(&f.rangeBack, "range-resume", "go on with a body that broke off instead of beginning again (smart on)")
	s.StringVarP(&f.method, "request", "X", "", "method (default GET, or POST with --data)")
	s.StringArrayVarP(&f.headerLines, "header", "H", nil, "header line, such as 'Accept: text/html'; may be given again")
	s.StringVar(&f.data, "data", "", "file that is sent as the body of every request")
	s.StringVar(&f.proxy, "proxy", "", "URL of a proxy (default what the environment says)")
	s.StringVar(&f.cacert, "cacert", "", "PEM file of certificate authorities to trust")
	s.StringVar(&f.cert, "cert", "", "PEM file of our certificate")
	s.StringVar(&f.key, "key", "", "PEM file of its key")
	s.BoolVar(&f.insecure, "insecure", false, "do not check certificates")
	s.BoolVar(&f.noDowngrade, "no-downgrade", false, "do not follow a redirect from https to http")
	s.BoolVar(&f.serverHint, "server-hint", false, "heed x-should-retry of servers")
	s.Var(&f.http, "http", "version of HTTP")
	s.BoolVar(&f.denyPrivate, "deny-private", false, "connect to public addresses only")
	s.BoolVar(&f.noRedact, "no-redact", false, "leave passwords and tokens in log and messages")
	s.BoolVar(&f.attemptHeader, "attempt-header", false, "send Holdfast-Attempt: LINE.ATTEMPT.HOP")
	s.StringVar(&f.seed, "seed", "random", "of all waits: the same seed and list give the same waits")
	s.StringVar(&f.metrics, "metrics", "", "serve Prometheus metrics at this address, such as 127.0.0.1:9464")
	f.lab.add(s)
	f.queue.addWorker(s)
}

// span is a duration flag that can be off, or must not be.
type span struct {
	d      time.Duration
	set    bool
	always bool // it cannot be off
}

func (s *span) add(f *pflag.FlagSet, name, usage string) { f.Var(s, name, usage) }

// Set implements pflag.Value.
func (s *span) Set(text string) error {
	d, err := time.ParseDuration(text)
	switch {
	case text == "off" && !s.always:
		d = 0
	case (err != nil || d <= 0) && s.always:
		return errors.New("use a duration above 0 such as 500ms or 1m30s")
	case err != nil || d <= 0:
		return errors.New("use a duration above 0 such as 500ms or 1m30s, or off")
	}
	s.d, s.set = d, true
	return nil
}

// String implements pflag.Value.
func (s *span) String() string {
	if !s.set {
		return ""
	}
	if s.d == 0 {
		return "off"
	}
	return s.d.String()
}

// Type implements pflag.Value.
func (s *span) Type() string {
	if s.always {
		return "duration"
	}
	return "duration|off"
}

// check looks at what the flags say together.
func (f *fetchFlags) check(a *app, given []string) error {
	lab := f.given("lab-seed")
	inputs := 0
	for _, there := range []bool{len(given) > 0, f.input != "", lab} {
		if there {
			inputs++
		}
	}
	if err := f.checkQueue(given); err != nil {
		return err
	}
	switch {
	case inputs == 0 && f.queue.access.URL == "":
		return errors.New("no URL: name some, or a list with -i, or --lab-seed")
	case inputs > 1 && lab:
		return errors.New("--lab-seed brings its own URLs: leave out the others")
	case inputs > 1:
		return errors.New("URLs and -i together: put them all into the list")
	case a.json && f.log == "-":
		return errors.New("--json and --log - would both write to standard output")
	case f.summary == "-":
		return errors.New("--summary must name a file: --json prints the sums on standard output")
	case f.resume && f.log == "-":
		return errors.New("--resume needs --log to be a file")
	case f.denyPrivate && f.proxy != "":
		return errors.New("--deny-private does not go with --proxy, which would connect for us")
	case (f.cert == "") != (f.key == ""):
		return errors.New("--cert and --key go together")
	case f.retryFailed && !f.resume:
		return errors.New("--retry-failed goes with --resume")
	case !lab && (f.given("count") || f.given("base") || f.given("ledger")):
		return errors.New("--count, --base and --ledger go with --lab-seed")
	case lab:
		return f.checkLab()
	}
	return nil
}

// config is what the flags mean.
func (f *fetchFlags) config() (fetch.Config, error) {
	c := fetch.SmartDefaults()
	if f.policy.value == "spec" || f.given("lab-seed") && !f.given("policy") {
		c = fetch.SpecDefaults()
	}
	var err error
	p := &c.Policy
	set := func(name string, do func()) {
		if f.given(name) {
			do()
		}
	}
	set("retries", func() { p.Retries = f.retries })
	if p.RetriesFor, err = parseRetriesFor(f.retriesFor, p.RetriesFor); err != nil {
		return c, err
	}
	for _, t := range []struct {
		from *span
		to   *time.Duration
	}{{&f.timeout, &p.Timeout}, {&f.connect, &p.Connect}, {&f.tls, &p.TLS}, {&f.headers, &p.Headers}, {&f.idle, &p.Idle},
		{&f.deadline, &p.Deadline}, {&f.runDeadline, &c.RunDeadline}} {
		if t.from.set {
			*t.to = t.from.d
		}
	}
	if p.MinSpeed, err = parseAmount("min-speed", f.minSpeed); err != nil {
		return c, err
	}
	p.InitialBackoff, p.MaxBackoff, p.Multiplier = f.initial, f.most, f.multiplier
	set("jitter", func() { p.Jitter, _ = retry.ParseJitter(f.jitter.value) })
	set("retry-after", func() { p.RetryAfter = f.retryAfter.value == "respect" })
	set("breaker", func() { p.Breaker = f.breaker.value == "on" })
	set("range-resume", func() { p.RangeResume = f.rangeBack.value == "on" })
	p.RetryAfterCap, p.BreakerPatience, p.BudgetReserve, p.Slow, p.ServerHint = f.retryAfterCap, f.patience, f.reserve, f.slow, f.serverHint
	if err := parseBudget(f.budget, p); err != nil {
		return c, err
	}
	set("concurrency", func() { p.Concurrency = f.concurrency })
	set("per-host", func() { p.PerHost = f.perHost })
	if p.Rate, err = parsePerSecond("rate", f.rate); err != nil {
		return c, err
	}
	if p.PerHostRate, err = parsePerSecond("per-host-rate", f.perHostRate); err != nil {
		return c, err
	}
	for _, n := range []struct {
		flag  string
		value int
	}{{"concurrency", p.Concurrency}, {"per-host", p.PerHost}} {
		if n.value < 1 {
			return c, fmt.Errorf("--%s %d: at least 1", n.flag, n.value)
		}
	}
	c.Keywords, c.IgnoreCase = f.keywords, f.ignoreCase
	c.MaxBody, c.MaxHeader, c.MaxRatio = int64(f.maxBody), int64(f.maxHeader), f.maxRatio
	c.MaxRedirects, c.MaxWireSends, c.Bodies = f.maxRedirects, f.maxWireSends, f.bodies
	c.NoDowngrade, c.DenyPrivate, c.NoRedact, c.AttemptHeader = f.noDowngrade, f.denyPrivate, f.noRedact, f.attemptHeader
	if c.Seed, err = parseSeed(f.seed); err != nil {
		return c, err
	}
	if err := f.wire(&c); err != nil {
		return c, err
	}
	if c.Header, err = parseHeader(f.headerLines); err != nil {
		return c, err
	}
	return c, fetch.Check(c)
}

// wire sets how servers are spoken to.
func (f *fetchFlags) wire(c *fetch.Config) error {
	c.HTTP = map[string]fetch.HTTPVersion{"auto": fetch.HTTPAuto, "1": fetch.HTTP1, "2": fetch.HTTP2, "h2c": fetch.H2C}[f.http.value]
	switch {
	case f.proxy != "":
		u, err := url.Parse(f.proxy)
		if err != nil || u.Host == "" {
			return fmt.Errorf("--proxy %q is no URL such as http://proxy:3128", fetch.RedactURL(f.proxy))
		}
		c.Proxy = http.ProxyURL(u)
	case !f.denyPrivate:
		c.Proxy = http.ProxyFromEnvironment
	}
	c.TLSConfig = &tls.Config{InsecureSkipVerify: f.insecure}
	if f.cacert != "" {
		pem, err := os.ReadFile(f.cacert)
		if err != nil {
			return inputError(fmt.Errorf("--cacert: %w", err))
		}
		if c.TLSConfig.RootCAs = x509.NewCertPool(); !c.TLSConfig.RootCAs.AppendCertsFromPEM(pem) {
			return inputError(fmt.Errorf("--cacert %s holds no PEM certificate", f.cacert))
		}
	}
	if f.cert != "" {
		pair, err := tls.LoadX509KeyPair(f.cert, f.key)
		if err != nil {
			return inputError(fmt.Errorf("--cert, --key: %w", err))
		}
		c.TLSConfig.Certificates = []tls.Certificate{pair}
	}
	if f.data != "" { // told now, and not for each URL
		file, err := os.Open(f.data)
		if err != nil {
			return inputError(fmt.Errorf("--data: %w", err))
		}
		file.Close()
	}
	return nil
}

// each is what every request of the list has.
func (f *fetchFlags) each() fetch.Request {
	r := fetch.Request{Method: strings.ToUpper(f.method)}
	if f.data != "" {
		r.Body = func() (io.ReadCloser, int64, error) {
			b, err := os.ReadFile(f.data)
			return io.NopCloser(bytes.NewReader(b)), int64(len(b)), err
		}
	}
	return r
}

func parseRetriesFor(text string, to [retry.NumGroups]int) ([retry.NumGroups]int, error) {
	if text == "" {
		return to, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		name, number, _ := strings.Cut(part, "=")
		g, ok := retry.ParseGroup(strings.TrimSpace(name))
		n, err := strconv.Atoi(number)
		if !ok || g == retry.GroupOther || err != nil || n < 0 {
			return to, fmt.Errorf("--retries-for %q: use server_error, timeout, connection or rate_limited, and a number from 0, such as timeout=1", part)
		}
		to[g] = n
	}
	return to, nil
}

func parseAmount(flag, text string) (int64, error) {
	if text == "off" {
		return 0, nil
	}
	var n byteSize
	if err := n.Set(strings.TrimSuffix(text, "/s")); err != nil {
		return 0, fmt.Errorf("--%s %q: use a number of bytes above 0 such as 10KiB, or off", flag, text)
	}
	return int64(n), nil
}

func parsePerSecond(flag, text string) (float64, error) {
	if text == "off" {
		return 0, nil
	}
	x, err := strconv.ParseFloat(strings.TrimSuffix(text, "/s"), 64)
	if err != nil || !(x > 0) || x > 1e9 {
		return 0, fmt.Errorf("--%s %q: use a number above 0 such as 50, or off", flag, text)
	}
	return x, nil
}

func parseBudget(text string, p *retry.Policy) error {
	switch text {
	case "":
	case "off":
		p.Budget = false
	default:
		x, err := strconv.ParseFloat(text, 64)
		if err != nil || !(x >= 0) || x > 1000 {
			return fmt.Errorf("--budget %q: use a number from 0 to 1000 such as 0.2, or off", text)
		}
		p.Budget, p.BudgetRatio = true, x
	}
	if !(p.BudgetReserve >= 0) || math.IsInf(p.BudgetReserve, 0) {
		return fmt.Errorf("--budget-reserve %v: not below 0", p.BudgetReserve)
	}
	return nil
}

func parseHeader(lines []string) (http.Header, error) {
	h := http.Header{}
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		if !ok || strings.TrimSpace(name) == "" {
			return nil, fmt.Errorf("-H %q: use 'Name: value'", line)
		}
		h.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	return h, nil
}

// writeJSON writes a file that is never half there.
func writeJSON(path string, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	o, err := vfs.Create(vfs.OS{}, path)
	if err != nil {
		return err
	}
	defer o.Abort()
	if _, err := o.Write(append(text, '\n')); err != nil {
		return err
	}
	return o.Commit()
}
