package engine

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// An Answer is what a stream says to a publish: the JSON of an acknowledgement
// or of an error (the engine's PubAck, ADR-1).
type Answer struct {
	Stream    string              `json:"stream"`
	Sequence  uint64              `json:"seq"`
	Duplicate bool                `json:"duplicate"`
	Error     *jetstream.APIError `json:"error"`
}

// ReadAnswer reads an answer. The problem is nil if it says that the message is
// stored: now, or, with Duplicate, before. nats.ErrNoResponders is a stream
// without a leader, a *jetstream.APIError what the stream itself says.
func ReadAnswer(header nats.Header, body []byte) (a Answer, problem error) {
	if status := header.Get("Status"); status != "" {
		if status == statusNoResponders {
			return a, nats.ErrNoResponders
		}
		return a, fmt.Errorf("status %s", status)
	}
	switch err := json.Unmarshal(body, &a); {
	case err != nil:
		return Answer{}, errors.New("an answer that is no JSON")
	case a.Error != nil:
		return a, a.Error
	case a.Stream == "" || a.Sequence == 0:
		return a, errors.New("an answer that names no stored message")
	}
	return a, nil
}

const statusNoResponders = "503"
