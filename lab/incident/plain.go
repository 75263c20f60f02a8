package incident

import (
	"bytes"

	"holdfast/lab/racers"
	"holdfast/replay/tick"
)

// plain is the usual spelling (R81).
type plain struct{}

func (plain) begin() (events, workers, output []byte) {
	return nil, []byte("event_id,worker_id,start_time,end_time,status\n"), []byte("symbol,timestamp,price\n")
}

func (plain) end() (events, workers, output []byte) { return nil, nil, nil }
func (plain) number(n int64) int64                  { return n }
func (plain) rejected() []byte                      { return nil }

func (plain) event(b []byte, v racers.Event) []byte {
	b = append(b, `{"event_id":"`...)
	b = racers.AppendEventID(b, v.Number)
	b = append(b, `","timestamp":"`...)
	b = append(appendTime(b, v.Time), 'Z')
	b = append(b, `","symbol":"`...)
	b = append(b, v.Symbol...)
	b = append(b, `","price":`...)
	b = appendPrice(b, v.Price)
	return append(b, ",\"source\":\"stream-1\"}\n"...)
}

func (plain) attempt(b []byte, a racers.Attempt) []byte {
	b = racers.AppendEventID(b, a.Event)
	b = append(b, ',')
	b = append(b, a.Worker...)
	b = append(b, ',')
	b = appendTime(b, a.LogStart)
	b = append(b, ',')
	if !a.Open {
		b = appendTime(b, a.LogEnd)
	}
	b = append(b, ',')
	b = append(b, status(a)...)
	return append(b, '\n')
}

func (plain) row(b []byte, r racers.Row) []byte {
	b = append(b, r.Symbol...)
	b = append(b, ',')
	b = append(appendTime(b, r.Time), 'Z', ',')
	b = appendPrice(b, r.Price)
	return append(b, '\n')
}

func status(a racers.Attempt) string {
	if a.Success {
		return "success"
	}
	return "timeout"
}

// appendTime appends date and time without a zone: six digits of fraction, or
// none when all are zero, as Python's isoformat writes them.
func appendTime(b []byte, n tick.Nanos) []byte {
	fraction := n % tick.Scale
	if fraction < 0 {
		fraction += tick.Scale
	}
	b = (n - fraction).Append(b)
	b = b[:len(b)-1] // Z
	if fraction == 0 {
		return b
	}
	b = append(b, ".000000"...)
	for i, micros := len(b)-1, fraction/1000; micros > 0; i, micros = i-1, micros/10 {
		b[i] += byte(micros % 10)
	}
	return b
}

// appendPrice appends the shortest decimal that has a digit after the point.
func appendPrice(b []byte, p tick.Price) []byte {
	from := len(b)
	b = p.Append(b)
	if bytes.IndexByte(b[from:], '.') < 0 {
		b = append(b, ".0"...)
	}
	return b
}
