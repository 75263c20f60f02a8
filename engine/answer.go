package engine

import (
	"encoding/json"
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

// ReadAnswer reads an answer. The problem is "" if it says that the message is
// stored: now, or, with Duplicate, before.
func ReadAnswer(header nats.Header, body []byte) (a Answer, problem string) {
	if status := header.Get("Status"); status != "" {
		if status == statusNoResponders {
			return a, "no leader of the stream answers"
		}
		return a, "status " + status
	}
	switch err := json.Unmarshal(body, &a); {
	case err != nil:
		return Answer{}, "an answer that is no JSON"
	case a.Error != nil:
		return a, fmt.Sprintf("%s (%d)", a.Error.Description, a.Error.ErrorCode)
	case a.Stream == "" || a.Sequence == 0:
		return a, "an answer that names no stored message"
	}
	return a, ""
}

const statusNoResponders = "503"
