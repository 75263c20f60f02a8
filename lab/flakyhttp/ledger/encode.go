package ledger

import (
	"encoding/json"
	"strconv"
	"time"
)

const timeForm = "2006-01-02T15:04:05.000000Z"

// append adds the entry as a line.
func (e *Entry) append(b []byte) []byte {
	b = append(b, `{"seq":`...)
	b = strconv.AppendUint(b, e.Seq, 10)
	b = append(b, `,"at":"`...)
	b = e.At.UTC().AppendFormat(b, timeForm)
	b = append(b, `","conn":`...)
	b = strconv.AppendUint(b, e.Conn, 10)
	b = appendString(append(b, `,"proto":`...), e.Proto)
	b = appendString(append(b, `,"method":`...), e.Method)
	b = appendString(append(b, `,"url":`...), e.URL)
	b = appendString(append(b, `,"attempt":`...), e.Attempt)
	b = append(b, `,"status":`...)
	b = strconv.AppendInt(b, int64(e.Status), 10)
	b = append(b, `,"bytes":`...)
	b = strconv.AppendInt(b, e.Bytes, 10)
	b = appendString(append(b, `,"end":`...), string(e.End))
	return append(b, "}\n"...)
}

// appendString adds s in quotes. What a client sends may be anything, so
// whatever is not plain ASCII is left to encoding/json.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(s) // a string always can be
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// MarshalJSON is the entry as its line has it.
func (e Entry) MarshalJSON() ([]byte, error) {
	line := e.append(nil)
	return line[:len(line)-1], nil
}

// parseTime reads what append wrote, and any RFC 3339 time.
func parseTime(s string) (time.Time, error) { return time.Parse(time.RFC3339Nano, s) }
