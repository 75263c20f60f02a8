// Package lossy is a source of numbered packets that come late, twice, damaged
// or never, and that now and then ends the process. It is the requirement's
// MessageSource, bit for bit:
//
//	seed -> packets -> loss, delay, damage, copies -> delivery queue
//	                                                    | one packet a call
//	requests -> pending list ------------------------> Receive -> ErrTerminated
//
// It promises: the same seed and parameters give the same queue and, asked the
// same things, the same deliveries on every machine; the state files are byte
// for byte those of the reference, which can go on where this source stopped
// and the other way round; a file is saved before the packet that it accounts
// for is handed over, and is replaced whole, so that a killed process can
// always be started again; looking up a requested packet takes constant time.
//
// It does not promise that the position survives a power cut: it may go back,
// and packets come again. It does not end the process itself (see
// [ErrTerminated]), does not lock its files, and serves one goroutine.
//
// Call [New] with a [Config] that [Default] began. [Generate] gives the queue
// and the ground truth alone, without any file.
package lossy

import (
	"errors"
	"fmt"
	"math/big"

	"holdfast/internal/vfs"
)

// A Config is what a source is made of. The parameters of a queue that is
// already in the state folder are those of its files (L6); the rest holds for
// this process.
type Config struct {
	Seed         *big.Int // any size and sign; nil is 0
	TotalPackets int      // packets generated, with sequences from 0

	ReorderWindow   int     // most places that a packet is delayed
	DuplicateProb   float64 // that a packet comes twice
	LossProb        float64 // that it never comes
	CorruptionProb  float64 // that it comes damaged; also of every answer to a request
	TerminationProb float64 // that a receive ends the process

	// Payload gives what packet i carries, instead of the requirement's text; the
	// draws stay the same. It is asked once, when the stream is generated.
	Payload func(i int) []byte

	StateDir string // created if missing; "" is the system's folder for temporary files

	// Cursor gives the position that somebody else remembers, for the case that
	// the position file is there and empty because its writer was killed. Nil if
	// nobody does.
	Cursor func() (position uint64, ok bool)
	Warn   func(message string) // told what was odd and did not matter; nil if nobody listens
	FS     vfs.FS               // nil is the file system of the operating system; another one has StateDir
}

// Default is the configuration of the requirement for a seed.
func Default(seed int64) Config {
	return Config{
		Seed:            big.NewInt(seed),
		TotalPackets:    1000,
		ReorderWindow:   10,
		DuplicateProb:   .05,
		LossProb:        .02,
		CorruptionProb:  .03,
		TerminationProb: .005,
	}
}

// ErrTerminated is what [Source.Receive] returns where the reference calls
// sys.exit(1). Everything is saved. The caller ends the process at once with
// status 1: the source is of no further use.
var ErrTerminated = errors.New("the source ended the process")

// A UsageError is a Config that no source can have.
type UsageError struct{ text string }

func (e *UsageError) Error() string { return e.text }

// An InputError is a state file that cannot be used.
type InputError struct {
	Path string
	Err  error
	seed string
}

func (e *InputError) Error() string {
	return fmt.Sprintf("%s: %v: delete .ms_%s_* to start the source over; what is recorded is kept", e.Path, e.Err, e.seed)
}

func (e *InputError) Unwrap() error { return e.Err }

// Limits of a Config.
const (
	maxPackets    = 100_000_000 // the queue is in memory
	maxWindow     = 1 << 30     // an int on any machine, and twice that too
	maxSeedDigits = 200         // the seed is part of file names, which take 255 bytes
)

func (c *Config) validate() error {
	if c.Seed == nil {
		c.Seed = new(big.Int)
	}
	if len(c.Seed.String()) > maxSeedDigits {
		return &UsageError{fmt.Sprintf("--seed has more than %d digits: take a shorter one", maxSeedDigits)}
	}
	if c.TotalPackets < 0 || c.TotalPackets > maxPackets {
		return &UsageError{fmt.Sprintf("--packets must be between 0 and %d, not %d", maxPackets, c.TotalPackets)}
	}
	if c.ReorderWindow < 0 || c.ReorderWindow >= maxWindow {
		return &UsageError{fmt.Sprintf("--reorder-window must be between 0 and %d, not %d", maxWindow-1, c.ReorderWindow)}
	}
	for _, p := range []struct {
		flag  string
		value float64
	}{
		{"--duplicate-prob", c.DuplicateProb},
		{"--loss-prob", c.LossProb},
		{"--corruption-prob", c.CorruptionProb},
		{"--termination-prob", c.TerminationProb},
	} {
		if !(p.value >= 0 && p.value <= 1) { // NaN is refused too
			return &UsageError{fmt.Sprintf("%s must be between 0 and 1, not %v", p.flag, p.value)}
		}
	}
	return nil
}

func (c *Config) warn(format string, args ...any) {
	if c.Warn != nil {
		c.Warn(fmt.Sprintf(format, args...))
	}
}
