package merge

// A Core is one worker of the protocol: a machine that turns messages
// delivered into effects to perform. It is not safe for concurrent use.
type Core struct {
}

// NewCore gives the core of a worker that has read nothing yet. It sorts the
// values by their digits. The error is ErrConfig or ErrLimit.
func NewCore(c Config) (*Core, error) { panic("soon") }

// Deliver hands over the next message of the other worker: in order, each once.
// An error ends the run for good (ErrProtocol, ErrChecksum, ErrLimit,
// ErrOptions, ErrVersion, *DuplicateError, or one of these inside a
// *RemoteError); Err repeats it. Next has to be called all the same: there may
// be a FAIL to send. Messages after the end are ignored.
func (c *Core) Deliver(m Message) error { return c.DeliverFrom(0, m) }

// DeliverFrom is Deliver with more than two workers: from is the sender's ID.
func (c *Core) DeliverFrom(from int, m Message) error { panic("soon") }

// Next gives what is to be done now: output of at most maxBytes (but at least
// one value), and at most one message, with the last byte of the output that
// must be written before it. Without anything to do it allocates nothing.
func (c *Core) Next(maxBytes int) Effects { panic("soon") }

// Render appends the lines of a span to dst: decimal, one value a line.
func (c *Core) Render(dst []byte, s Span) []byte { panic("soon") }

// Snapshot says where the worker stands. It is constant in size.
func (c *Core) Snapshot() Snapshot { panic("soon") }

// Resume makes a core that has had the same messages delivered as the one that
// gave s, and has not been asked for effects yet, stand where that one stood:
// what s says is done will not be given again. The error is ErrState.
func (c *Core) Resume(s Snapshot) error { panic("soon") }

// Fingerprint tells the worker's values from others.
func (c *Core) Fingerprint() Fingerprint { panic("soon") }

// Err is the error that ended the run, or nil.
func (c *Core) Err() error { panic("soon") }

// BaseOf reads the byte at which the output begins from A's first message: for
// a worker that has lost its state.
func BaseOf(first Message) (int64, error) { panic("soon") }

func newBaseline(c Config) (Machine, error) { panic("soon") }
