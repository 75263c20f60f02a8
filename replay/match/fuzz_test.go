package match

import (
	"encoding/binary"
	"math"
	"testing"

	"holdfast/replay"
	"holdfast/replay/tick"
)

// spread turns a byte into an instant or a price: mostly small and crowded,
// sometimes at the ends of the range.
func spread(b byte) int64 {
	switch {
	case b == 255:
		return math.MaxInt64
	case b == 254:
		return math.MinInt64
	case b > 240:
		return int64(b) << 48
	}
	return int64(b%61) * 1e6
}

// decode makes an incident and a config of any bytes.
func decode(data []byte) (incident, Config, bool) {
	var in incident
	if len(data) < 8 {
		return in, Config{}, false
	}
	head, data := data[:8], data[8:]
	c := Config{
		HaveWorkers: head[0]&1 == 1, Adjacency: head[0]&2 == 2,
		Tolerance: Tolerance{Mode: Mode(head[1] % 3), Band: Band{
			Early: tick.Nanos(size(spread(head[2])) / 2), Late: tick.Nanos(size(spread(head[3])) / 2), Price: tick.Price(size(spread(head[4])) / 2),
		}},
		Limits: Limits{ComponentEdges: int(head[5] % 16), ExactEdges: int(head[6] % 13), SampleRows: int(head[7])},
	}
	c.Tolerance.Band.Early = min(c.Tolerance.Band.Early, tick.Nanos(maxTolerance))
	c.Tolerance.Band.Late = min(c.Tolerance.Band.Late, tick.Nanos(maxTolerance))
	for ; len(data) >= 5 && len(in.rows)+len(in.events) < 200; data = data[5:] {
		kind := data[0]
		symbol := []string{"A", "B", ""}[kind>>1%3]
		at, price := tick.Nanos(spread(data[1])), tick.Price(spread(data[2]))
		if kind&1 == 0 {
			in.rows = append(in.rows, replay.Row{N: int64(len(in.rows) + 1), Symbol: symbol, Time: at, Price: price})
			continue
		}
		id := string(binary.BigEndian.AppendUint16(nil, uint16(len(in.events))))
		e := Event{IDs: []string{id}, Symbol: symbol, Time: at, Price: price, Counts: []int{int(data[3] % 4)}}
		for i := range e.Counts[0] {
			e.Attempts = append(e.Attempts, replay.Attempt{Event: id, Start: at, End: tick.Nanos(spread(data[4] + byte(i))), Open: data[3]&16 != 0, Status: replay.Status(data[3] >> 6)})
		}
		in.events = append(in.events, e)
	}
	return in, c, head[0]&4 == 4
}

// Any items: no panic, each row given out exactly once, one canonical row an
// event.
func FuzzLink(f *testing.F) {
	f.Add([]byte("\x05\x00\x00\x00\x00\x00\x00\x00" + "\x01\x05\x05\x42\x09" + "\x00\x05\x05\x00\x00" + "\x00\x06\x05\x00\x00"))
	f.Add([]byte("\x03\x01\x09\x09\x09\x02\x00\x07" + "\x01\x05\x05\x42\x09" + "\x01\x05\x05\x41\x09" + "\x00\x06\x05\x00\x00" + "\x00\x06\x05\x00\x00" + "\x00\x07\x05\x00\x00"))
	f.Add([]byte("\x07\x01\xff\xff\xff\x00\x0c\x00" + "\x01\xff\xff\x43\xff" + "\x01\xfe\xfe\x43\xfe" + "\x00\xff\xfe\x00\x00" + "\x00\xfe\xff\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		in, c, position := decode(data)
		checkLinked(t, in, in.link(c, position))
	})
}
