package sink

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

	"holdfast/engine"
	"holdfast/record/publish"
)

// A Difference is one thing in which a stream is not what a log says.
type Difference struct {
	Message  uint64 `json:"message,omitempty"` // of the stream, 0 if it is missing there
	Line     uint64 `json:"line,omitempty"`    // of the log, 0 if it is missing there
	Sequence uint64 `json:"sequence"`
	Reason   string `json:"reason"`
}

func (d Difference) String() string {
	where := fmt.Sprintf("sequence %d", d.Sequence)
	if d.Message > 0 {
		where = fmt.Sprintf("message %d, %s", d.Message, where)
	}
	if d.Line > 0 {
		where += fmt.Sprintf(" (line %d)", d.Line)
	}
	return where + ": " + d.Reason
}

// A Verification is what comparing a stream with a log has shown.
type Verification struct {
	Stream      string       `json:"stream"`
	Messages    uint64       `json:"messages"` // of the stream
	Lines       uint64       `json:"lines"`    // of the log
	Epochs      int          `json:"epochs"`   // times that a recorder began to publish
	Differences []Difference `json:"differences"`
	Differing   int64        `json:"differing"` // how many there are
	Missing     int64        `json:"missing"`   // of them: lines that are not in the stream
	Extra       int64        `json:"extra"`     // sequences that are not in the log
	Repeated    int64        `json:"repeated"`  // messages of a sequence that was there before
	Changed     int64        `json:"changed"`   // other bytes, timestamp or status
	Disordered  int64        `json:"disordered"`
	Unordered   int64        `json:"unordered"` // messages of other recorders, whose order only their own logs can tell
}

// Held reports whether the stream is what the log says.
func (v *Verification) Held() bool { return v.Differing == 0 }

// maxDifferences bounds the list.
const maxDifferences = 20

// Verify compares the stream of a session with a log: each line is in it once,
// with the same payload, timestamp and status, and nothing else; the messages
// that node has published from this log stand in its order, in each epoch. Both
// are read once; memory is that of what does not stand at the same place in
// both. A message of no recorder is a [ForeignError].
func Verify(ctx context.Context, conn *engine.Conn, session string, log io.Reader, path, node string) (Verification, error) {
	c, err := Config{Session: session, Log: path, Node: node}.validated()
	if err != nil {
		return Verification{}, err
	}
	name := StreamOf(session)
	s, err := conn.JS.Stream(ctx, name)
	if err != nil {
		return Verification{}, engine.Explain("stream "+name, err)
	}
	info := s.CachedInfo()
	if wrong := c.wrong(info.Config); wrong != "" {
		return Verification{}, &engine.Error{Kind: engine.ErrShape, Where: "stream " + name, What: wrong, Do: "it is not one that a recorder makes"}
	}
	v := verifier{
		Verification: Verification{Stream: name, Differences: []Difference{}}, node: c.Node, path: path, log: bufio.NewReaderSize(log, 256<<10),
		lines: map[uint64]*line{}, messages: map[uint64]*message{},
	}
	if info.State.Msgs > 0 {
		err = conn.Scan(ctx, name, info.State.FirstSeq, info.State.LastSeq, func(m engine.StoredMessage) error { return v.message(session, m) })
	}
	if err == nil {
		err = v.rest()
	}
	return v.Verification, err
}

// A message is one of the stream, with what was published of a line.
type message struct {
	at    uint64
	node  string
	epoch uint64
	line  // its place is known once it has met its line
}

type verifier struct {
	Verification
	node string
	path string
	log  *bufio.Reader
	over bool
	read publish.Place

	lines    map[uint64]*line    // read, and not met in the stream yet
	messages map[uint64]*message // the other way round
	met      publish.Set
	latest   uint64 // epoch of the last message

	mine  []*message // of node, in the order of the stream, whose order was not judged yet
	epoch uint64
	last  uint64 // line of the last message of mine in this epoch
}

func (v *verifier) differs(count *int64, d Difference) {
	*count++
	v.Differing++
	if len(v.Differences) < maxDifferences {
		v.Differences = append(v.Differences, d)
	}
}

func (v *verifier) message(session string, m engine.StoredMessage) error {
	seq, epoch, err := origin(session, m)
	if err != nil {
		return err
	}
	v.Messages++
	if v.Epochs == 0 || epoch != v.latest {
		v.Epochs++
		v.latest = epoch
	}
	got := &message{at: m.Sequence, node: m.Header.Get(headerNode), epoch: epoch, line: line{
		seq: seq, timestamp: m.Header.Get(headerTimestamp), status: m.Header.Get(headerStatus), payload: m.Data,
	}}
	if v.met.Has(seq) || v.messages[seq] != nil {
		v.differs(&v.Repeated, Difference{Message: got.at, Sequence: seq, Reason: "it is in the stream already"})
		return nil
	}
	if got.node == v.node {
		v.mine = append(v.mine, got)
	} else {
		v.Unordered++
	}
	if l := v.lines[seq]; l != nil {
		delete(v.lines, seq)
		v.compare(got, l)
		return nil
	}
	v.messages[seq] = got
	return v.advance()
}

// order judges the messages of node as far as their lines are known.
func (v *verifier) order() {
	for len(v.mine) > 0 && v.mine[0].to.Lines > 0 {
		m := v.mine[0]
		v.mine = v.mine[1:]
		if m.epoch != v.epoch {
			v.epoch, v.last = m.epoch, 0
		}
		if m.to.Lines < v.last {
			v.differs(&v.Disordered, Difference{Message: m.at, Line: m.to.Lines, Sequence: m.seq,
				Reason: fmt.Sprintf("it comes behind line %d, in the log before it", v.last)})
		}
		v.last = m.to.Lines
	}
}

// advance reads one line: as many as there are messages, so that equal ones
// meet soon.
func (v *verifier) advance() error {
	if v.over {
		return nil
	}
	text, err := v.log.ReadBytes('\n')
	if err == io.EOF && len(text) == 0 {
		v.over = true
		return nil
	}
	if err != nil && err != io.EOF {
		return fmt.Errorf("%s: %w", v.path, err)
	}
	v.read.Lines++
	v.Lines = v.read.Lines
	l, err := parseLine(v.path, v.read, bytes.TrimSuffix(text, []byte{'\n'}))
	if err != nil {
		return err
	}
	if m := v.messages[l.seq]; m != nil {
		delete(v.messages, l.seq)
		v.compare(m, l)
		return nil
	}
	v.lines[l.seq] = l
	return nil
}

// compare compares a message with its line.
func (v *verifier) compare(m *message, l *line) {
	v.met.Add(l.seq)
	d := Difference{Message: m.at, Line: l.to.Lines, Sequence: l.seq}
	switch {
	case !bytes.Equal(m.payload, l.payload):
		d.Reason = fmt.Sprintf("its %d bytes are not the %d of the log", len(m.payload), len(l.payload))
	case m.timestamp != l.timestamp:
		d.Reason = fmt.Sprintf("its timestamp is %.40s, the log has %s", m.timestamp, l.timestamp)
	case m.node == v.node && m.status != l.status: // another recorder may have got it in another way
		d.Reason = fmt.Sprintf("its status is %.40s, the log has %s", m.status, l.status)
	}
	if d.Reason != "" {
		v.differs(&v.Changed, d)
	}
	m.to, m.payload = l.to, nil // its turn in the order may be far away
	v.order()
}

// rest looks at what the stream lacks, and what the log lacks.
func (v *verifier) rest() error {
	for !v.over {
		if err := v.advance(); err != nil {
			return err
		}
	}
	missing := slices.SortedFunc(maps.Values(v.lines), func(a, b *line) int { return int(int64(a.to.Lines) - int64(b.to.Lines)) })
	for _, l := range missing {
		v.differs(&v.Missing, Difference{Line: l.to.Lines, Sequence: l.seq, Reason: "it is not in the stream"})
	}
	extra := slices.SortedFunc(maps.Values(v.messages), func(a, b *message) int { return int(int64(a.at) - int64(b.at)) })
	v.mine = slices.DeleteFunc(v.mine, func(m *message) bool { return m.to.Lines == 0 })
	v.order()
	for _, m := range extra {
		v.differs(&v.Extra, Difference{Message: m.at, Sequence: m.seq, Reason: "it is not in the log"})
	}
	return nil
}
