// Package merge is the protocol by which two workers, each with an unsorted
// list of integers and nothing to share but two mailboxes, write one sorted
// file: ten integers a message, one message a step.
//
// It promises that the output is exact whatever the schedule, that the
// messages number at most 1.1 times the information bound plus 3 for every
// input ([BoundMessages]), that both workers make the same number of
// comparisons from 64 values each, and that every comparison of two values is
// counted ([Work] says where each went). Message i of a worker depends on its
// own values and on the messages it has read, never on time, batches or steps.
//
// It does nothing itself: no file, clock, goroutine or chance. A shell reads
// messages and hands each to [Core.Deliver] in order and once, then calls
// [Core.Next] and performs the [Effects] in the order of its fields. All
// effects have absolute positions, so that doing one twice does it once. After
// a crash the shell makes a [NewCore], delivers again what it had delivered,
// and calls [Core.Resume] with the [Snapshot] that it saved.
//
// Call [NewCore] first; [NewMemory] runs two cores without any file.
package merge

import "fmt"

// Words is the number of integers that a message may hold.
const Words = 10

// WordBits is the number of bits that one of them carries: words are 0..2^31-1.
const WordBits = 31

// MaxValues is the default of Config.MaxValues.
const MaxValues = 1 << 27

// A Message is what one worker tells another. In a mailbox it is one JSON
// object.
type Message struct {
	Type   string  `json:"msg_type"` // 1..5 ASCII letters or digits
	Values []int32 `json:"values"`   // at most Words
}

// Check tells whether m has the form of a message of at most words integers
// (R1): a type of 1 to 5 visible ASCII bytes. It does not look at what the
// message means.
func (m Message) Check(words int) error {
	if len(m.Type) < 1 || len(m.Type) > 5 {
		return fmt.Errorf("msg_type has %d characters, not 1 to 5", len(m.Type))
	}
	for i := range len(m.Type) {
		if m.Type[i] <= ' ' || m.Type[i] > '~' {
			return fmt.Errorf("msg_type %q is not plain ASCII", m.Type)
		}
	}
	if len(m.Values) > words {
		return fmt.Errorf("%d values, more than %d", len(m.Values), words)
	}
	return nil
}

// Types of messages. The strategies that serve as a baseline use RANGE and
// DATA in their own, plain way.
const (
	TypeAll    = "ALL"   // the whole list of A, when it fits one message
	TypeSketch = "SKTCH" // A: count, range, cost of shipping, largest gaps
	TypeShip   = "SHIP"  // B: its sketch; A is to ship
	TypeData   = "DATA"  // part of a coded set
	TypeTurn   = "TURN"  // the right to write, from this byte on
	TypeOK     = "OK"    // a complement claim is accepted
	TypeReq    = "REQ"   // a complement claim is refused: ship explicitly
	TypeDone   = "DONE"  // values and bytes written
	TypeFail   = "FAIL"  // the run is over; why
	TypeQuant  = "QUANT" // range ownership: samples of a list
	TypeAck    = "ACK"   // slots only: nothing but the acknowledgement
	TypeRange  = "RANGE" // baseline range: min, max, count
)

// Dup says what a value means that is in both lists, or twice in one.
type Dup uint8

const (
	Strict Dup = iota // a value in both lists is an error
	Keep              // all are kept
	Drop              // each value is written once
)

func (d Dup) String() string { return [...]string{"strict", "keep", "drop"}[d] }

// Mode says what is balanced between the workers.
type Mode uint8

const (
	Coded Mode = iota // comparisons; one ships what the other lacks
	Touch             // values written; each owns a range
)

func (m Mode) String() string { return [...]string{"coded", "touch"}[m] }

// Strategy is the protocol itself. All but the default are baselines, under
// the same limits, to compare with.
type Strategy uint8

const (
	Default  Strategy = iota // this package's protocol
	Naive                    // A sends all its values, B writes
	Range                    // as naive, after RANGE: each writes alone what it can, only the overlap is sent
	Exchange                 // bubble: both send their smallest value, one of them writes it
)

func (s Strategy) String() string { return [...]string{"coded", "naive", "range", "bubble"}[s] }

// Config says who the worker is and what it holds. The zero value of every
// field but Data is the documented default.
type Config struct {
	ID         int      // 0 is A, 1 is B; with range ownership up to Of-1
	Of         int      // number of workers; 0 = 2. More than 2 needs Balance Touch
	Data       []int32  // the values, in any order; not changed
	Words      int      // integers a message; 0 = Words. 5..4096 (9 in slot mode)
	Duplicates Dup      // must be equal at all workers
	Balance    Mode     // must be equal at all workers
	Strategy   Strategy // must be equal at all workers
	Confirm    bool     // end with DONE both ways; must be equal at all workers
	Parts      bool     // range ownership: each worker writes a file of its own from byte 0 on; implied if Of > 2
	Base       int64    // byte at which the output begins; A's counts, B learns it
	MaxValues  int      // the most values of a list; 0 = MaxValues

	bend bend
}

// A bend makes a worker choose what it would choose for longer lists only, so
// that [Explore] sees every kind of message with a handful of values. The
// other worker copes: a choice is right whether or not it is wise.
type bend struct {
	noAll    bool // A sends SKTCH even if ALL would do
	swap     bool // B asks A to ship
	withhold bool // whatever can be is withheld
	claim    bool // a complement is claimed when it can be
}

// Stats are the counters that the requirement names.
type Stats struct {
	Comparisons      int64 `json:"comparisons"`
	MessagesSent     int64 `json:"messages_sent"`
	MessagesReceived int64 `json:"messages_received"`
	ValuesOutput     int64 `json:"values_output"`
}

// Work says where the comparisons went, and what was done without comparing
// values: Searches + Proofs + MergeComparisons = Stats.Comparisons.
type Work struct {
	Searches         int64 `json:"searches"`          // comparisons: where the other's range and gaps lie in the own list
	Proofs           int64 `json:"proofs"`            // comparisons: neighbours, to prove that a list is in order
	MergeComparisons int64 `json:"merge_comparisons"` // comparisons: own value against received value
	DigitMoves       int64 `json:"digit_moves"`       // values moved by their digits
	GapTests         int64 `json:"gap_tests"`         // differences of neighbours looked at
	BitsCoded        int64 `json:"bits_coded"`        // payload bits encoded or decoded
	Rework           int64 `json:"rework"`            // values coded again after a refused complement
}

// A Span is a piece of output: the values From..To (exclusive) of the order in
// which this worker writes its values go to byte Off of the output.
// [Core.Render] makes the bytes.
type Span struct {
	Off      int64
	From, To int
}

// All is Effects.To of a message to every other worker.
const All = -1

// Effects are what the caller does after [Core.Next], field by field. Output is
// valid until the next call.
type Effects struct {
	Output   []Span   // write, BEFORE Send
	Send     *Message // append to the outbox, if not nil, BEFORE Done is told
	To       int      // whom Send goes to, or All; of interest with more than two workers
	Progress bool     // something was delivered or is to be done: save the state BEFORE Output
	Done     bool     // the worker has finished, or failed: see Err
}

// A Machine is one worker's side of the protocol: what a shell needs of a
// [Core].
type Machine interface {
	Deliver(Message) error
	Next(maxBytes int) Effects
	Render(dst []byte, s Span) []byte
	Snapshot() Snapshot
	Resume(Snapshot) error
	Fingerprint() Fingerprint
	Err() error
}

// New gives the machine of c.
func New(c Config) (Machine, error) { return NewCore(c) }

var _ Machine = (*Core)(nil)
