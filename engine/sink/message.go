package sink

import (
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	"holdfast/engine"
	"holdfast/record/publish"
)

// Headers of a message.
const (
	headerID        = "Nats-Msg-Id"
	headerExpect    = "Nats-Expected-Last-Sequence"
	headerStream    = "Nats-Expected-Stream"
	headerTimestamp = "Holdfast-Timestamp"
	headerStatus    = "Holdfast-Status"
	headerEpoch     = "Holdfast-Epoch"
	headerNode      = "Holdfast-Node"
)

// message makes the message of a line.
func (p *Publisher) message(m publish.Message, l *line) *nats.Msg {
	return &nats.Msg{
		Subject: p.subject,
		Reply:   p.inbox + "." + strconv.FormatUint(m.ID, 10),
		Data:    l.payload,
		Header: nats.Header{
			headerID:        {p.c.Session + ":" + strconv.FormatUint(m.Seq, 10)},
			headerExpect:    {strconv.FormatUint(m.Expect, 10)},
			headerStream:    {p.stream},
			headerTimestamp: {l.timestamp},
			headerStatus:    {l.status},
			headerEpoch:     {strconv.FormatUint(m.Epoch, 10)},
			headerNode:      {p.c.Node},
		},
	}
}

// answerTo gives the publish that an answer is for, by its subject.
func (p *Publisher) answerTo(subject string) (id uint64, ok bool) {
	tail, ok := strings.CutPrefix(subject, p.inbox+".")
	if !ok {
		return 0, false
	}
	id, err := strconv.ParseUint(tail, 10, 64)
	return id, err == nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sumOf is a checksum of what was recorded: two recorders of one session have it
// the same.
func sumOf(timestamp string, payload []byte) uint32 {
	var head [64]byte
	return crc32.Update(crc32.Checksum(append(append(head[:0], timestamp...), ','), castagnoli), castagnoli, payload)
}

// storedMessage is a message of the stream as the machine is told of it.
func storedMessage(session string, read uint64, m engine.StoredMessage) (publish.Input, error) {
	seq, epoch, err := origin(session, m)
	return publish.Input{Kind: publish.Stored, ID: read, At: m.Sequence, Seq: seq, Epoch: epoch, Sum: sumOf(m.Header.Get(headerTimestamp), m.Data)}, err
}

// origin reads which sequence a stored message holds, and the epoch in which it
// was published. The error says why it is not one of the session.
func origin(session string, m engine.StoredMessage) (seq, epoch uint64, err error) {
	foreign := func(what string) error { return &ForeignError{StreamOf(session), m.Sequence, what} }
	id := m.Header.Get(headerID)
	text, ok := strings.CutPrefix(id, session+":")
	seq, err = strconv.ParseUint(text, 10, 64)
	if !ok || err != nil || len(text) > 1 && text[0] == '0' {
		return 0, 0, foreign(fmt.Sprintf("its id is %.100q, not %s:SEQUENCE", id, session))
	}
	epoch, err = strconv.ParseUint(m.Header.Get(headerEpoch), 10, 64)
	if err != nil || epoch == 0 {
		return 0, 0, foreign(fmt.Sprintf("its epoch is %.100q", m.Header.Get(headerEpoch)))
	}
	return seq, epoch, nil
}
