package record

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"holdfast/record/seq"
)

// A line of a jsonl stream is one object:
//
//	{"sequence": 7, "timestamp": 0.007, "payload": "7061", "checksum": 1}    a packet
//	{"priority": 9, "packet": {…}, "corrupted": true}                        a queue item of the lab
//	{"heartbeat": 12}                                                        all below 12 were sent
//	{"end": 12}                                                              and that was all
//	{"at": 1.5}                                                              only time has passed
//
// and any of them may have "at" (seconds), "line" ("A" or "B"), "retransmit"
// (it answers a request), "corrupted" (the checksum is spoiled by XOR
// 0xDEADBEEF) and "header" ("untrusted": damage may have hit the sequence).
// Other keys are passed over.

const jsonlDamage = 0xDEADBEEF

// A jsonlParser reads lines. Payloads alias its buffer until the next line.
type jsonlParser struct {
	maxPayload int
	payload    []byte
	last       time.Duration // the last "at"
}

// fields is what a line said.
type fields struct {
	event                                  Event
	corrupted, marker                      bool
	sequence, timestamp, payload, checksum bool
}

func (p *jsonlParser) parse(text []byte, e *Event) (err error) {
	if !p.usual(text, e) {
		*e, err = p.any(text)
	}
	return err
}

// any reads a line of whatever order and keys.
func (p *jsonlParser) any(text []byte) (Event, error) {
	s := jsonScanner{text: text}
	f := fields{event: Event{At: p.last}}
	f.event.Delivery.HeaderTrusted = true
	err := s.object(func(key []byte) error { return p.field(&s, &f, key, true) })
	if err == nil {
		err = s.end()
	}
	if err == nil {
		err = f.complete()
	}
	if err != nil {
		return Event{}, err
	}
	p.last = f.event.At
	d := &f.event.Delivery
	f.event.Line = d.Line
	if f.corrupted {
		d.Checksum ^= jsonlDamage
	}
	d.Valid, d.At = d.Packet.Valid(), f.event.At
	return f.event, nil
}

func (p *jsonlParser) field(s *jsonScanner, f *fields, key []byte, outer bool) (err error) {
	e := &f.event
	switch string(key) {
	case "sequence":
		f.sequence = true
		e.Delivery.Sequence, err = integer(s.word(), 64)
	case "timestamp":
		f.timestamp = true
		e.Delivery.Timestamp, err = number(s.word())
	case "payload":
		f.payload = true
		err = p.readPayload(s, e)
	case "checksum":
		f.checksum = true
		var n uint64
		n, err = integer(s.word(), 32)
		e.Delivery.Checksum = uint32(n)
	case "packet":
		if !outer {
			return errors.New("a packet within a packet")
		}
		return s.object(func(key []byte) error { return p.field(s, f, key, false) })
	case "corrupted":
		f.corrupted, err = s.boolean()
	case "retransmit":
		var answer bool
		if answer, err = s.boolean(); answer {
			e.Delivery.Origin = seq.Answer
		}
	case "line":
		e.Delivery.Line, err = lineName(s)
	case "header":
		var word []byte
		word, err = s.str()
		e.Delivery.HeaderTrusted = string(word) != "untrusted"
	case "at":
		e.At, err = seconds(s.word())
	case "heartbeat":
		f.marker, e.Kind = true, Heartbeat
		e.Next, err = integer(s.word(), 64)
	case "end":
		f.marker, e.Kind = true, EndOfSession
		e.Next, err = integer(s.word(), 64)
	default:
		return s.skip(maxDepth)
	}
	if err != nil {
		return fmt.Errorf("%q: %w", key, err)
	}
	return nil
}

// complete checks that the line says one thing and all of it.
func (f *fields) complete() error {
	packet := f.sequence || f.timestamp || f.payload || f.checksum
	switch {
	case packet && f.marker:
		return errors.New("a packet and a mark in one line")
	case f.marker:
		return nil
	case !packet:
		f.event.Kind = Passed
		return nil
	}
	missing := ""
	switch {
	case !f.sequence:
		missing = "sequence"
	case !f.timestamp:
		missing = "timestamp"
	case !f.payload:
		missing = "payload"
	case !f.checksum:
		missing = "checksum"
	default:
		return nil
	}
	return fmt.Errorf("%q is missing", missing)
}

func (p *jsonlParser) readPayload(s *jsonScanner, e *Event) error {
	text, err := s.str()
	if err != nil {
		return err
	}
	if len(text)/2 > p.maxPayload {
		return fmt.Errorf("%d bytes: more than --max-payload", len(text)/2)
	}
	if p.payload, err = appendUnhex(p.payload[:0], text); err != nil {
		return errors.New("not hexadecimal")
	}
	e.Delivery.Payload = p.payload
	return nil
}

func integer(word []byte, bits int) (uint64, error) {
	n, err := strconv.ParseUint(string(word), 10, bits)
	if err != nil {
		return 0, fmt.Errorf("%.24q is no number from 0 to 2^%d-1", word, bits)
	}
	return n, nil
}

// number reads a float as Python does: beyond the range is infinite.
func number(word []byte) (float64, error) {
	switch string(word) {
	case "NaN":
		return math.NaN(), nil
	case "Infinity":
		return math.Inf(1), nil
	case "-Infinity":
		return math.Inf(-1), nil
	}
	f, err := strconv.ParseFloat(string(word), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) || !isNumber(word) {
		return 0, fmt.Errorf("%.24q is no number", word)
	}
	return f, nil
}

func seconds(word []byte) (time.Duration, error) {
	f, err := number(word)
	if err != nil {
		return 0, err
	}
	if !(f >= 0 && f < 9e9) {
		return 0, fmt.Errorf("%.24q is no time in seconds from 0", word)
	}
	return time.Duration(math.Round(f * 1e9)), nil
}

func lineName(s *jsonScanner) (byte, error) {
	word, err := s.str()
	if err == nil && string(word) != "A" && string(word) != "B" {
		err = fmt.Errorf("%.20q is neither A nor B", word)
	}
	if err != nil {
		return 0, err
	}
	return word[0] - 'A', nil
}
