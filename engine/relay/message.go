package relay

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	"holdfast/guard"
)

// Headers that relayed messages carry.
const (
	headerKey     = "Holdfast-Key"
	headerSubject = "Holdfast-Subject"
	headerSource  = "Holdfast-Source"
	headerReason  = "Holdfast-Reason"
)

// partition spreads keys evenly: they are hashes already.
func (r *runner) partition(k guard.Key) int {
	n, err := strconv.ParseUint(k.Hex[:8], 16, 32)
	if err != nil {
		panic(fmt.Sprintf("relay: key %q is not hexadecimal", k.Hex))
	}
	return int(n % uint64(r.c.Partitions))
}

func (r *runner) subject(k guard.Key) string {
	s := r.c.Prefix + "." + strconv.Itoa(r.partition(k))
	if r.c.Mode.perKey() {
		s += "." + k.Hex
	}
	return s
}

func (r *runner) sourceOf(id uint64) string { return r.s.source + ":" + strconv.FormatUint(id, 10) }

// relayed is the message for the sink. The original's Nats-* headers are orders
// to the server that stored it, such as to forget it after a while: none goes on.
func (r *runner) relayed(id uint64, f *flight) *nats.Msg {
	m := r.copyOf(id, f)
	m.Subject = r.subject(f.key)
	m.Header.Set("Nats-Expected-Stream", r.c.sinkName(r.partition(f.key)))
	m.Header.Set("Nats-Msg-Id", f.key.Hex)
	if r.c.Mode == Expect {
		m.Header.Set("Nats-Expected-Last-Subject-Sequence", "0")
	}
	return m
}

// letter is the message for the dead-letter stream. Its place has the time at
// which the source stored it too: a source that was deleted and made again
// counts from 1 again, and must not be taken for the first.
func (r *runner) letter(id uint64, f *flight, why guard.Why) *nats.Msg {
	m := r.copyOf(id, f)
	place := fmt.Sprintf("%s.%s.%d.%d", why, r.s.source, id, f.at.UnixNano())
	m.Subject = r.c.dead() + "." + place
	if why == guard.TooLarge {
		bare(m)
		return m
	}
	m.Header.Set("Nats-Expected-Stream", r.c.dead())
	m.Header.Set("Nats-Msg-Id", place)
	m.Header.Set(headerReason, f.reason(why))
	return m
}

// bare takes off a dead letter what the relay has added: as it came it fits, and
// its subject tells the rest.
func bare(m *nats.Msg) {
	for name := range m.Header {
		if strings.HasPrefix(name, "Nats-") || strings.HasPrefix(name, "Holdfast-") {
			delete(m.Header, name)
		}
	}
}

func (r *runner) copyOf(id uint64, f *flight) *nats.Msg {
	m := &nats.Msg{Header: make(nats.Header, len(f.msg.Headers())+6), Data: f.msg.Data()}
	for name, values := range f.msg.Headers() {
		if !strings.HasPrefix(strings.ToLower(name), "nats-") {
			m.Header[name] = values
		}
	}
	if f.key.Text != "" {
		m.Header.Set(headerKey, f.key.Text)
	}
	m.Header.Set(headerSubject, f.msg.Subject())
	m.Header.Set(headerSource, r.sourceOf(id))
	return m
}

// reason is why a message is not relayed, in words.
func (f *flight) reason(why guard.Why) string {
	switch why {
	case guard.Conflict:
		return "another body is stored under this key"
	case guard.Undecided:
		return "it was published before, longer ago than the sink remembers"
	}
	return strings.Map(func(c rune) rune {
		if c < ' ' {
			return ' '
		}
		return c
	}, f.noKey)
}
