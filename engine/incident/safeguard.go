package incident

import (
	"fmt"
	"time"

	"holdfast/replay/whatif"
)

// Lease is the AckWait of the race: an attempt that is not acknowledged within
// it is handed out again, while it still runs.
const Lease = 250 * time.Millisecond

// A Safeguard is a measure against copies that can really be switched on.
type Safeguard string

// The safeguards; the empty one is none.
const (
	None          Safeguard = ""
	MessageID     Safeguard = "message-id"      // the sink knows Nats-Msg-Id again
	OnePerSubject Safeguard = "one-per-subject" // the sink takes one message of a subject
	LongLease     Safeguard = "long-lease"      // AckWait ten times as long
	Heartbeat     Safeguard = "heartbeat"       // who works says so
	InFlight      Safeguard = "in-flight-set"   // who works is in a table, by event
	Partitions    Safeguard = "partitions"      // a consumer for each worker
	Fencing       Safeguard = "fencing"         // the sink refuses older deliveries after newer ones
)

// Safeguards lists them: first those that go by the event's key, then those
// that the race decides.
func Safeguards() []Safeguard {
	return []Safeguard{MessageID, OnePerSubject, LongLease, Heartbeat, InFlight, Partitions, Fencing}
}

// About is what was done to the race, in a few words.
func (s Safeguard) About() string {
	switch s {
	case MessageID:
		return "Nats-Msg-Id at the sink"
	case OnePerSubject:
		return "one message per subject"
	case LongLease:
		return fmt.Sprintf("AckWait %v", s.Lease())
	case Heartbeat:
		return "heartbeats while working"
	case InFlight:
		return "in-flight set"
	case Partitions:
		return "a partition per worker"
	case Fencing:
		return "fencing by delivery count"
	}
	return "no safeguard"
}

// ByKey reports that the sink itself refuses the second row of an event, so that
// no race can make one.
func (s Safeguard) ByKey() bool { return s == MessageID || s == OnePerSubject }

// Lease is the AckWait with this safeguard.
func (s Safeguard) Lease() time.Duration {
	if s == LongLease {
		return 10 * Lease
	}
	return Lease
}

// remembered is for how long the sink knows message ids again.
const remembered = time.Hour

// Foretold is the same measure for a what-if.
func (s Safeguard) Foretold() whatif.Safeguard {
	switch s {
	case MessageID:
		return whatif.Safeguard{Slug: whatif.WindowFixed, Window: remembered}
	case OnePerSubject:
		return whatif.Safeguard{Slug: whatif.UniqueEventID}
	case LongLease:
		return whatif.Safeguard{Slug: whatif.Lease, Window: s.Lease()}
	case Heartbeat:
		return whatif.Safeguard{Slug: whatif.HeartbeatLease}
	case InFlight:
		return whatif.Safeguard{Slug: whatif.InFlightSet}
	case Partitions:
		return whatif.Safeguard{Slug: whatif.PartitionEvent}
	case Fencing:
		return whatif.Safeguard{Slug: whatif.FencingToken}
	}
	return whatif.Safeguard{}
}
