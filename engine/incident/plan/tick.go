package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"holdfast/replay/tick"
)

// A Tick is an event of the market.
type Tick struct {
	Number int
	Time   tick.Nanos
	Symbol string
	Price  tick.Price
}

// open is the time of the first tick.
var open = tick.Nanos(time.Date(2025, 7, 14, 9, 15, 0, 0, time.UTC).UnixNano())

var symbols = [...]string{"TCS", "INFY", "RELIANCE", "HDFCBANK", "ICICIBANK", "SBIN", "ITC"}

// Tick is number i of the market: prices are from 1000.00 to 3000.00.
func (p Plan) Tick(i int) Tick {
	r := p.draw(ofTick, i, 0)
	return Tick{
		Number: i, Time: open + tick.Nanos(time.Duration(i)*Spacing),
		Symbol: symbols[r.IntN(len(symbols))], Price: tick.Price(100_000+r.IntN(200_001)) * cent,
	}
}

// ID names the tick.
func (t Tick) ID() string { return ID(t.Number) }

// ID is the name of tick i.
func ID(i int) string { return fmt.Sprintf("evt_%07d", i) }

// Append appends the tick as a line of raw_tick_events.log:
//
//	{"event_id":"evt_0000001","timestamp":"2025-07-14T09:15:00.004000Z","symbol":"TCS","price":1518.3,"source":"stream-1"}
func (t Tick) Append(b []byte) []byte {
	return append(t.AppendJSON(b), '\n')
}

// AppendJSON is Append without the end of the line.
func (t Tick) AppendJSON(b []byte) []byte {
	b = fmt.Appendf(b, `{"event_id":%q,"timestamp":"`, t.ID())
	b = append(AppendTime(b, t.Time), `","symbol":"`...)
	b = append(append(b, t.Symbol...), `","price":`...)
	b = AppendPrice(b, t.Price)
	return append(b, `,"source":"stream-1"}`...)
}

// ParseTick reads what [Tick.AppendJSON] writes.
func ParseTick(line []byte) (Tick, error) {
	var v struct {
		ID        string      `json:"event_id"`
		Timestamp string      `json:"timestamp"`
		Symbol    string      `json:"symbol"`
		Price     json.Number `json:"price"`
	}
	if err := json.Unmarshal(line, &v); err != nil {
		return Tick{}, fmt.Errorf("tick %.80q: %w", line, err)
	}
	t := Tick{Symbol: v.Symbol}
	var err error
	if t.Time, _, err = tick.ParseTime([]byte(v.Timestamp), tick.Zone{}); err != nil {
		return t, fmt.Errorf("tick %.80q: %w", line, err)
	}
	if t.Price, err = tick.ParsePrice([]byte(v.Price)); err != nil {
		return t, fmt.Errorf("tick %.80q: %w", line, err)
	}
	if t.Number, err = ParseID(v.ID); err != nil {
		return t, fmt.Errorf("tick %.80q: %w", line, err)
	}
	return t, nil
}

// ParseID is the number of an event id.
func ParseID(id string) (n int, err error) {
	if _, err := fmt.Sscanf(id, "evt_%07d", &n); err != nil || n < 0 {
		return 0, fmt.Errorf("event id %q: want evt_0000000", id)
	}
	return n, nil
}

// AppendTime appends a time in UTC with six digits of fraction.
func AppendTime(b []byte, n tick.Nanos) []byte {
	return time.Unix(0, int64(n)).UTC().AppendFormat(b, "2006-01-02T15:04:05.000000Z")
}

// AppendPrice appends the shortest decimal that has a digit after the point.
func AppendPrice(b []byte, p tick.Price) []byte {
	from := len(b)
	b = p.Append(b)
	if bytes.IndexByte(b[from:], '.') < 0 {
		b = append(b, ".0"...)
	}
	return b
}
