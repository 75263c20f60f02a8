package lossy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"holdfast/internal/pyrand"
	"holdfast/internal/vfs"
	"holdfast/record/seq"
)

// A Source delivers the packets of a stream, as [New] says.
type Source struct {
	cfg    Config
	state  *state
	stream *Stream
	rng    *pyrand.Rand // from the seed at every start of a process (L3)

	first    map[uint64]int // index in the queue of the first copy of a sequence
	position int
	pending  []uint64       // requests not yet answered, oldest first
	queued   map[uint64]int // how often a sequence is in pending
	err      error          // what every further call returns: io.EOF, ErrTerminated or the first failure to save
}

// New begins a stream, or goes on with the one whose files are in the state
// folder. Errors are a [UsageError], an [InputError] or those of the file
// system.
func New(c Config) (*Source, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	if c.FS == nil {
		c.FS = vfs.OS{}
		if c.StateDir != "" {
			if err := os.MkdirAll(c.StateDir, 0o777); err != nil {
				return nil, err
			}
		}
	}
	s := &Source{cfg: c, state: newState(c), rng: pyrand.New(c.Seed)}
	err := s.resume()
	if errors.Is(err, fs.ErrNotExist) {
		err = s.begin()
	}
	if err != nil {
		return nil, err
	}
	s.index()
	return s, nil
}

func (s *Source) begin() error {
	stream, err := Generate(s.cfg)
	if err != nil {
		return err
	}
	s.stream = stream
	return s.state.create(stream)
}

// resume reads the files. The error is fs.ErrNotExist if there is no stream yet.
func (s *Source) resume() error {
	err := s.state.read(s.state.packets, nil, func(r io.Reader) (err error) {
		s.stream, err = readStream(r, s.cfg.Seed)
		return err
	})
	if err != nil {
		return err
	}
	if n := s.stream.Total; n >= 0 && n != s.cfg.TotalPackets {
		s.cfg.warn("%s was made for %d packets, not %d: it goes on as it was made", s.state.packets, n, s.cfg.TotalPackets)
	}
	if err := s.resumePosition(); err != nil {
		return err
	}
	return s.resumeRequests()
}

func (s *Source) resumePosition() error {
	end := len(s.stream.Queue)
	err := s.state.read(s.state.position, &s.state.savedPosition, func(r io.Reader) (err error) {
		s.position, err = readPosition(r, end)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the reference too begins at 0
	}
	if !errors.Is(err, errNoNumber) {
		return err
	}
	cursor, ok := s.remembered()
	if !ok {
		return err
	}
	if cursor > uint64(end) {
		err = fmt.Errorf("%w, and the position remembered, %d, is beyond the queue of %d", errNoNumber, cursor, end)
		return &InputError{s.state.position, err, s.state.seed}
	}
	s.position = int(cursor)
	s.cfg.warn("%s holds no number (its writer was killed): going on at %d, as remembered", s.state.position, cursor)
	return nil
}

func (s *Source) resumeRequests() error {
	left := 0
	err := s.state.read(s.state.requests, &s.state.savedRequests, func(r io.Reader) (err error) {
		s.pending, left, err = readRequests(r)
		return err
	})
	if left > 0 {
		s.cfg.warn("%s: %d requests for what is no sequence left out", s.state.requests, left)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if errors.Is(err, errEmpty) {
		if _, ok := s.remembered(); ok {
			s.cfg.warn("%s is empty (its writer was killed): nothing is taken for asked", s.state.requests)
			return nil
		}
	}
	return err
}

// remembered is the position that somebody else kept.
func (s *Source) remembered() (uint64, bool) {
	if s.cfg.Cursor == nil {
		return 0, false
	}
	return s.cfg.Cursor()
}

func (s *Source) index() {
	s.first = make(map[uint64]int, len(s.stream.Queue))
	for i := range s.stream.Queue {
		q := s.stream.Queue[i].Packet.Sequence
		if _, ok := s.first[q]; !ok {
			s.first[q] = i
		}
	}
	s.queued = make(map[uint64]int, len(s.pending))
	for _, q := range s.pending {
		s.queued[q]++
	}
}

// Receive gives the next packet: the answer to the oldest request if its packet
// exists, else the next of the queue. It returns io.EOF at the end, when the
// files are gone, and [ErrTerminated] where the process is to end. The payload
// must not be changed.
func (s *Source) Receive(ctx context.Context) (seq.Delivery, error) {
	if err := ctx.Err(); err != nil {
		return seq.Delivery{}, err
	}
	if s.err != nil {
		return seq.Delivery{}, s.err
	}
	if len(s.pending) > 0 {
		if d, ok, err := s.answer(); ok || err != nil {
			return d, s.keep(err)
		}
	}
	if s.position >= len(s.stream.Queue) {
		if err := s.state.remove(); err != nil {
			return seq.Delivery{}, s.keep(err)
		}
		return seq.Delivery{}, s.keep(io.EOF)
	}
	if s.rng.Random() < s.cfg.TerminationProb {
		if err := s.save(); err != nil {
			return seq.Delivery{}, s.keep(err)
		}
		return seq.Delivery{}, s.keep(ErrTerminated)
	}
	item := s.stream.Queue[s.position]
	s.position++
	if err := s.save(); err != nil {
		return seq.Delivery{}, s.keep(err)
	}
	return s.deliver(item.Delivered(), seq.Original), nil
}

// answer takes the oldest request. It is not ok if the packet was lost.
func (s *Source) answer() (d seq.Delivery, ok bool, err error) {
	q := s.pending[0]
	s.pending = s.pending[1:]
	if s.queued[q]--; s.queued[q] == 0 {
		delete(s.queued, q)
	}
	if err := s.save(); err != nil {
		return d, false, err
	}
	i, ok := s.first[q]
	if !ok {
		return d, false, nil
	}
	p := s.stream.Queue[i].Packet
	if s.rng.Random() < s.cfg.CorruptionProb {
		p = damaged(p)
	}
	return s.deliver(p, seq.Answer), true, nil
}

func (s *Source) deliver(p seq.Packet, origin seq.Origin) seq.Delivery {
	return seq.Delivery{
		Packet:        p,
		Origin:        origin,
		Valid:         p.Valid(),
		HeaderTrusted: true,
		Cursor:        uint64(s.position),
	}
}

// RequestRetransmit asks for count packets from first. What is asked for
// already is not asked for twice (L4). At the end of the stream it does
// nothing.
func (s *Source) RequestRetransmit(first uint64, count int) error {
	if count < 1 || first+uint64(count)-1 < first {
		return fmt.Errorf("a request for %d packets from %d", count, first)
	}
	if s.err == io.EOF {
		return nil
	}
	if s.err != nil {
		return s.err
	}
	before := len(s.pending)
	for i := range uint64(count) {
		if q := first + i; s.queued[q] == 0 {
			s.pending = append(s.pending, q)
			s.queued[q] = 1
		}
	}
	if len(s.pending) == before {
		return nil
	}
	return s.keep(s.save())
}

func (s *Source) save() error {
	if err := s.state.save(s.position, s.pending); err != nil {
		return fmt.Errorf("save the state of the source: %w", err)
	}
	return nil
}

// keep makes an error that of every further call.
func (s *Source) keep(err error) error {
	if err != nil {
		s.err = err
	}
	return err
}

// Caps is what the source can do, and where it stands.
func (s *Source) Caps() seq.Caps {
	return seq.Caps{
		Requests:      true,
		Definitive:    true,
		HeaderTrusted: true,
		MayExit:       s.cfg.TerminationProb > 0,
		Position:      uint64(s.position),
		Total:         uint64(len(s.stream.Queue)),
		End:           uint64(max(s.stream.Total, 0)), // the reference shows it too, as total_packets
		Pending:       append([]uint64(nil), s.pending...),
	}
}

// Stream is all that the source delivers. It must not be changed.
func (s *Source) Stream() *Stream { return s.stream }

// GroundTruth gives every sequence generated, ascending.
func (s *Source) GroundTruth() []uint64 { return append([]uint64(nil), s.stream.Sequences...) }

// Terminated says whether everything was delivered. The name is the reference's:
// it is not about [ErrTerminated].
func (s *Source) Terminated() bool { return s.err == io.EOF }

// Position is how many deliveries were taken from the queue.
func (s *Source) Position() int { return s.position }

// TotalDeliveries is how many deliveries the queue has, copies included.
func (s *Source) TotalDeliveries() int { return len(s.stream.Queue) }
