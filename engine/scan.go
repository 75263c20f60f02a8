package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
)

// A StoredMessage is one that Scan found. Header and Data are its own.
type StoredMessage struct {
	Sequence uint64
	Header   nats.Header
	Data     []byte
}

// scanBatch is how many messages one question brings, scanBytes about how many
// bytes.
const (
	scanBatch = 1000
	scanBytes = 4 << 20
)

// scanVersion is the first nats-server that reads in batches without a consumer
// (ADR-31).
const scanVersion = "2.11.0"

// CanScan is why [Conn.Scan] does not work on this server, as an [Error], or nil.
// An older one would answer with the first message and nothing more.
func (c *Conn) CanScan() error {
	if v := c.NATS.ConnectedServerVersion(); v != "" && versionLess(v, scanVersion) {
		return &Error{Kind: ErrOld, Where: c.Where, What: "nats-server " + v, Do: "use 2.11 or later, or holdfast engine"}
	}
	return nil
}

// versionLess compares the numbers of two versions; what stands behind them, as
// in 2.12.0-beta.1, does not count.
func versionLess(a, b string) bool {
	var x, y [3]int
	_, _ = fmt.Sscanf(a, "%d.%d.%d", &x[0], &x[1], &x[2])
	_, _ = fmt.Sscanf(b, "%d.%d.%d", &y[0], &y[1], &y[2])
	return slices.Compare(x[:], y[:]) < 0
}

// Scan reads the messages from to to, both included, of a stream that allows
// direct reads, in order; numbers that hold none are passed over. It makes no
// consumer, which would have to be placed on a server that may be gone. It
// needs nats-server 2.11 or later.
func (c *Conn) Scan(ctx context.Context, stream string, from, to uint64, visit func(StoredMessage) error) error {
	if err := c.CanScan(); err != nil {
		return err
	}
	inbox := c.NATS.NewInbox()
	sub, err := c.NATS.SubscribeSync(inbox)
	if err != nil {
		return Explain(c.Where, err)
	}
	defer sub.Unsubscribe()
	behind := 0
	for from <= to {
		next, err := c.scanSome(ctx, sub, inbox, stream, from, to, visit)
		if err != nil {
			return err
		}
		if next > from {
			from, behind = next, 0
			continue
		}
		// The replica that answered may not have the end yet.
		if behind++; behind > 50 {
			return fmt.Errorf("stream %s: message %d is not to be had", stream, from)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

// scanSome asks once, and gives the number behind the last message that came.
func (c *Conn) scanSome(ctx context.Context, sub *nats.Subscription, inbox, stream string, from, to uint64, visit func(StoredMessage) error) (uint64, error) {
	ask, err := json.Marshal(map[string]uint64{"seq": from, "batch": min(scanBatch, to-from+1), "max_bytes": scanBytes})
	if err != nil {
		return from, err
	}
	if err := c.NATS.PublishRequest("$JS.API.DIRECT.GET."+stream, inbox, ask); err != nil {
		return from, Explain("stream "+stream, err)
	}
	for {
		once, cancel := context.WithTimeout(ctx, oneTry)
		m, err := sub.NextMsgWithContext(once)
		cancel()
		if err != nil {
			if ctx.Err() == nil {
				err = nats.ErrTimeout
			}
			return from, Explain("stream "+stream, err)
		}
		switch status := m.Header.Get("Status"); status {
		case "":
		case "204", "404": // no more of the batch; none at all
			return from, nil
		case statusNoResponders:
			return from, Explain("stream "+stream, nats.ErrTimeout)
		default:
			return from, fmt.Errorf("stream %s: status %s %s", stream, status, m.Header.Get("Description"))
		}
		// The server adds its headers behind those of the message, of which some
		// may have the same name.
		names := m.Header.Values("Nats-Sequence")
		seq, err := uint64(0), strconv.ErrSyntax
		if len(names) > 0 {
			seq, err = strconv.ParseUint(names[len(names)-1], 10, 64)
		}
		if err != nil || seq < from {
			return from, fmt.Errorf("stream %s: a message without its number", stream)
		}
		if seq > to {
			from = to + 1
			continue // to the end of the batch
		}
		from = seq + 1
		if err := visit(StoredMessage{seq, m.Header, m.Data}); err != nil {
			return from, err
		}
	}
}
