package fetch

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"holdfast/internal/vfs"
)

// A Client fetches. It is safe for concurrent use; budgets, gates and breakers
// are shared by all that it does with Fetch and Do, and new for each FetchAll.
type Client struct {
	config     Config
	handler    Handler
	extended   ExtendedHandler
	transports *transports
	keywords   *Keywords
	bodies     *bodyStore
	disk       vfs.Disk
	out        *output
	observer   observers
	decoders   []namedDecoder
	accept     []string // encodings
	warn       func(string)
	point      func(string) // tests crash here
	plain      *http.Request
	start      time.Time // of clock

	mu      sync.Mutex
	service *engine // of Fetch and Do
	current atomic.Pointer[engine]
}

// An Option changes a client beyond what a Config says.
type Option func(*options)

type options struct {
	config   Config
	dial     DialFunc
	resolver *net.Resolver
	outer    http.RoundTripper
	observer []Observer
	log      *Log
	disk     vfs.Disk
	decoders []namedDecoder
	warn     func(string)
	point    func(string)
}

// WithConfig sets everything that a Config says. Without it New takes
// SpecDefaults with concurrency 1.
func WithConfig(c Config) Option { return func(o *options) { o.config = c } }

// WithTransport sends through rt instead of a transport of ours. Fresh
// connections and protocol versions are then its own business.
func WithTransport(rt http.RoundTripper) Option { return func(o *options) { o.outer = rt } }

// WithDialer opens connections with dial. --deny-private is then its business.
func WithDialer(dial DialFunc) Option { return func(o *options) { o.dial = dial } }

// WithResolver looks names up with r.
func WithResolver(r *net.Resolver) Option { return func(o *options) { o.resolver = r } }

// WithObserver adds an observer, such as fetchotel's.
func WithObserver(x Observer) Option {
	return func(o *options) { o.observer = append(o.observer, x) }
}

// WithLog appends a record of everything that happens to l.
func WithLog(l *Log) Option { return func(o *options) { o.log = l } }

// WithDisk keeps bodies on d instead of the operating system's file system.
func WithDisk(d vfs.Disk) Option { return func(o *options) { o.disk = d } }

// WithWarnings takes warnings, one line each; without it they are dropped.
func WithWarnings(warn func(string)) Option { return func(o *options) { o.warn = warn } }

// New makes a client that tells h what happens; h may be nil.
func New(h Handler, opts ...Option) (*Client, error) {
	o := options{config: SpecDefaults(), disk: vfs.OS{}, warn: func(string) {}, point: func(string) {}}
	o.config.Concurrency = 1
	for _, set := range opts {
		set(&o)
	}
	if err := o.config.validate(); err != nil {
		return nil, err
	}
	c := &Client{config: o.config, handler: h, disk: o.disk, warn: o.warn, point: o.point, observer: o.observer, start: time.Now()}
	c.extended, _ = h.(ExtendedHandler)
	c.decoders, c.accept = o.decoders, accepts(o.decoders)
	c.plain = plainRequest(c.accept)
	c.transports = newTransports(&c.config, o.dial, o.resolver, o.outer)
	c.keywords = NewKeywords(c.config.Keywords, c.config.IgnoreCase)
	c.out = newOutput(o.log, o.warn)
	c.out.extended = c.extended
	c.out.onError = c.failed
	name := ""
	if o.log != nil {
		name = o.log.path
	}
	c.bodies = newBodyStore(o.disk, c.config.Bodies, name)
	return c, c.bodies.prepare()
}

// Close gives idle connections up. A client can be used after it.
func (c *Client) Close() { c.transports.close() }

// clock is a time of attempts; it is never 0.
func (c *Client) clock() time.Duration { return time.Since(c.start) + 1 }

func (c *Client) redact(s string) string {
	if c.config.NoRedact {
		return s
	}
	return RedactURL(s)
}

func (c *Client) redactErr(raw string, err error) string {
	if c.config.NoRedact {
		return err.Error()
	}
	return newRedactor(raw).text(err.Error())
}

// failed ends everything: the log cannot be written.
func (c *Client) failed(err error) {
	if e := c.current.Load(); e != nil {
		e.fail(err)
	}
	c.mu.Lock()
	e := c.service
	c.mu.Unlock()
	if e != nil {
		e.fail(err)
	}
}

// Fetch gets a URL and reports whether a 2xx body arrived whole. All callbacks
// of the URL have returned then.
func (c *Client) Fetch(ctx context.Context, url string) bool {
	_, err := c.Do(ctx, Request{URL: url})
	return err == nil
}

// Do sends a request, with retries. The error is an [*Error] unless the log or
// a body could not be written. It must not be called by a Handler, which it
// waits for.
func (c *Client) Do(ctx context.Context, r Request) (*Outcome, error) {
	j, err := c.do(ctx, r, func(*job) {})
	if err != nil {
		return nil, err
	}
	if !j.outcome.OK() {
		return j.outcome, &Error{j.outcome}
	}
	return j.outcome, nil
}

func (c *Client) do(ctx context.Context, r Request, prepare func(*job)) (*job, error) {
	e, err := c.serve()
	if err != nil {
		return nil, err
	}
	j := newJob(c, r)
	j.values = context.WithoutCancel(ctx)
	j.ctx, j.wantHistory, j.done, j.outcome = ctx, true, make(chan struct{}), &Outcome{}
	var fatal atomic.Pointer[error]
	j.fatal = func(err error) { fatal.Store(&err) }
	prepare(j)
	if !e.add(j) {
		return nil, e.err
	}
	stop := context.AfterFunc(ctx, func() { e.cancel(j) })
	defer stop()
	<-j.done
	if err := fatal.Load(); err != nil {
		return nil, *err
	}
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	return j, c.out.err
}

// serve gives the engine of single requests.
func (c *Client) serve() (*engine, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.service == nil {
		e, err := newEngine(c, context.Background(), nil)
		if err != nil {
			return nil, err
		}
		c.service = e
	}
	return c.service, nil
}

// FetchAll gets every URL of src and returns what became of them. A src that
// returns an error ends the list: what was read before is fetched, and the
// error comes back with the summary. When ctx ends, nothing more is started;
// attempts in flight may go on for five seconds, and the error is ctx's.
func (c *Client) FetchAll(ctx context.Context, src Source) (Summary, error) {
	e, err := newEngine(c, ctx, src)
	if err != nil {
		return Summary{}, err
	}
	c.current.Store(e)
	e.shareGates(src)
	resume := c.out.resume()
	if resume != nil {
		e.tally = resume.tally
		e.last = resume.last
	}
	interrupted := context.AfterFunc(ctx, e.stop)
	ended := make(chan bool, 1)
	go func() { e.read(src, resume.keeper(e)); ended <- true }()
	<-e.finished
	interrupted()
	spilled := e.endSpill()
	if err = c.out.drain(); err == nil {
		err = spilled
	}
	if synced := c.out.sync(); err == nil {
		err = synced
	}
	e.abort(nil)
	s := e.summary()
	select {
	case <-ended:
		s.Extra.ListReadToEnd = !e.stopped
	default:
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case err != nil:
	case e.err != nil:
		err = e.err
	default:
		err = ctx.Err()
	}
	return s, err
}

// A Lister is a Source that counts the lines it reads.
type Lister interface {
	Inputs() Inputs
}

func (e *engine) summary() Summary {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.tally.summary()
	counts := e.sched.Counts()
	x := &s.Extra
	x.Policy, x.Seed, x.Runs = e.c.config.Name, e.c.config.Seed, e.run
	x.BudgetDenied, x.BreakerOpened = int64(counts.BudgetDenied), int64(counts.BreakerOpened)
	x.ElapsedMS = e.now().Milliseconds()
	x.Inputs = e.inputs
	x.Inputs.Duplicates = e.tally.duplicates
	e.c.out.mu.Lock()
	x.HandlerPanics = e.c.out.panics
	e.c.out.mu.Unlock()
	return s
}

// Progress is how far a FetchAll is.
type Progress struct {
	Read, Finished, InFlight, Waiting int64
	Elapsed                           time.Duration
}

// Progress tells how far the last FetchAll is; ok is false before the first.
func (c *Client) Progress() (p Progress, ok bool) {
	e := c.current.Load()
	if e == nil {
		return p, false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	n := e.sched.Counts()
	return Progress{int64(n.Read), int64(n.Final + n.Postponed), int64(n.InFlight), int64(n.Waiting), e.now()}, true
}
