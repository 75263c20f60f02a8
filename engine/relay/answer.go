package relay

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"holdfast/engine"
	"holdfast/guard"
)

// verdict is what an answer to a publish says.
type verdict uint8

const (
	unknown  verdict = iota // nothing that can be relied on
	stored                  // it is stored
	known                   // its message id is: seq names the message
	occupied                // its subject holds a message
	tooLarge                // it will never be stored
)

// Every failure to store a message has code 10077 and status 503, a full disk
// too. Only the description tells that it was a second message of its subject.
//
// A publish that expected its subject to be empty is told the sequence that it
// found there; 0 is a store that could not be read. One that meets another of
// its subject on its way through the replicas gets the code without a number
// (10164): that one may fail yet, so it says nothing.
const (
	codeStoreFailed   jetstream.ErrorCode = 10077
	onePerSubject                         = "maximum messages per subject exceeded"
	codeWrongLast     jetstream.ErrorCode = 10071
	wrongLast                             = "wrong last sequence: "
	codeWrongLastSoon jetstream.ErrorCode = 10164
)

// judge reads an answer. Anything that it does not know for sure is unknown,
// for the reason in problem; nil is one that passes.
func judge(header nats.Header, body []byte) (v verdict, seq uint64, problem error) {
	a, problem := engine.ReadAnswer(header, body)
	switch {
	case a.Error != nil:
		return judgeError(a.Error)
	case problem != nil:
		return unknown, 0, problem
	case a.Duplicate:
		return known, a.Sequence, nil
	}
	return stored, a.Sequence, nil
}

func judgeError(e *jetstream.APIError) (v verdict, seq uint64, problem error) {
	switch e.ErrorCode {
	case codeStoreFailed:
		if e.Description == onePerSubject {
			return occupied, 0, nil
		}
	case codeWrongLast:
		if last, ok := strings.CutPrefix(e.Description, wrongLast); ok && last != "" && last != "0" {
			return occupied, 0, nil
		}
	case codeWrongLastSoon:
		return unknown, 0, nil
	case jetstream.JSErrCodeStreamMessageExceedsMaximum:
		return tooLarge, 0, nil
	}
	return unknown, 0, e
}

// acknowledged marks the ticket of an acknowledgement to the source.
const acknowledged guard.Why = 255

// A ticket is the last part of the reply subject: which try of which message an
// answer is for.
func ticket(id uint64, try int, why guard.Why) string {
	return strconv.FormatUint(id, 10) + "." + strconv.Itoa(try) + "." + strconv.Itoa(int(why))
}

func readTicket(subject string) (in guard.Input, ok bool) {
	rest, why, ok1 := cutLast(subject)
	rest, try, ok2 := cutLast(rest)
	_, id, ok3 := cutLast(rest)
	if !ok1 || !ok2 || !ok3 {
		return in, false
	}
	var err [3]error
	var w uint64
	in.ID, err[0] = strconv.ParseUint(id, 10, 64)
	in.Try, err[1] = strconv.Atoi(try)
	w, err[2] = strconv.ParseUint(why, 10, 8)
	in.Why = guard.Why(w)
	return in, errors.Join(err[:]...) == nil
}

func cutLast(subject string) (before, last string, ok bool) {
	i := strings.LastIndexByte(subject, '.')
	return subject[:max(i, 0)], subject[i+1:], i >= 0
}

// lookUp fetches the stored message of a key and compares: the same source
// message, the same body, or a conflict. What cannot be found is unknown: a
// replica may be behind.
func (r *runner) lookUp(f *flight, in guard.Input, v verdict, seq uint64) guard.Input {
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Second)
	defer cancel()
	sink := r.s.sinks[r.partition(f.key)]
	var m *jetstream.RawStreamMsg
	var err error
	if v == known {
		m, err = sink.GetMsg(ctx, seq)
	} else {
		m, err = sink.GetLastMsgForSubject(ctx, r.subject(f.key))
	}
	switch {
	case err != nil:
		in.Kind = guard.SinkUnknown
	case !bytes.Equal(m.Data, f.msg.Data()): // even of this number: the source may have been made anew
		in.Kind = guard.SinkConflict
	case m.Header.Get(headerSource) == r.sourceOf(in.ID):
		in.Kind = guard.SinkResumed
	default:
		in.Kind = guard.SinkDuplicate
	}
	return in
}
