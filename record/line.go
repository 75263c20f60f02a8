package record

import (
	"bytes"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"math"
	"strconv"

	"holdfast/internal/pyrand"
	"holdfast/record/seq"
)

// A log is lines of four fields, one line a packet, in the order in which they
// were written. There is no header, and nothing is quoted:
//
//	sequence  decimal, 0 to 2^64-1
//	timestamp Python's repr of the float: 0.001027502931836912, 1e+16, 9.999e-05, inf, nan
//	payload   lower-case hex, may be empty
//	status    OK, LATE or RETRANSMIT
//
//	1,0.001027502931836912,7061636b65745f3030303030315f373737353732,OK\n

// A LogLine is one line of a log.
type LogLine struct {
	Sequence  uint64
	Timestamp float64
	Payload   []byte
	Status    seq.Status
}

// Packet is the packet that the line tells of.
func (l LogLine) Packet() seq.Packet {
	return seq.Packet{Sequence: l.Sequence, Timestamp: l.Timestamp, Payload: l.Payload, Checksum: crc32.ChecksumIEEE(l.Payload)}
}

// AppendLine appends the line of a packet, newline included.
func AppendLine(dst []byte, p seq.Packet, s seq.Status) []byte {
	dst = strconv.AppendUint(dst, p.Sequence, 10)
	dst = append(dst, ',')
	dst = pyrand.AppendRepr(dst, p.Timestamp)
	dst = append(dst, ',')
	dst = appendHex(dst, p.Payload)
	dst = append(dst, ',')
	dst = append(dst, s.String()...)
	return append(dst, '\n')
}

// ParseLine reads a line without its newline. It takes exactly what
// [AppendLine] writes: no other spelling of the same values.
func ParseLine(text []byte) (LogLine, error) {
	var l LogLine
	field, rest, ok := bytes.Cut(text, []byte{','})
	if !ok {
		return l, errors.New("a line has four fields: sequence,timestamp,payload,status")
	}
	var err error
	if l.Sequence, err = parseSequence(field); err != nil {
		return l, err
	}
	field, rest, ok = bytes.Cut(rest, []byte{','})
	if !ok {
		return l, errors.New("the timestamp is cut off")
	}
	if l.Timestamp, err = parseTimestamp(field); err != nil {
		return l, err
	}
	field, rest, ok = bytes.Cut(rest, []byte{','})
	if !ok {
		return l, errors.New("the payload is cut off")
	}
	if l.Payload, err = parsePayload(field); err != nil {
		return l, err
	}
	l.Status, err = parseStatus(rest)
	return l, err
}

func parseSequence(text []byte) (uint64, error) {
	n, err := strconv.ParseUint(string(text), 10, 64)
	if err != nil || len(text) > 1 && text[0] == '0' {
		return 0, errors.New("the first field is no sequence")
	}
	return n, nil
}

func parseTimestamp(text []byte) (float64, error) {
	var f float64
	switch string(text) {
	case "inf":
		return math.Inf(1), nil
	case "-inf":
		return math.Inf(-1), nil
	case "nan":
		return math.NaN(), nil
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return 0, errors.New("the second field is no timestamp")
	}
	var scratch [32]byte
	if !bytes.Equal(pyrand.AppendRepr(scratch[:0], f), text) {
		return 0, errors.New("the timestamp is not spelled as it is written")
	}
	return f, nil
}

func parsePayload(text []byte) ([]byte, error) {
	for _, c := range text {
		if c >= 'A' && c <= 'F' {
			return nil, errors.New("the payload is in capitals")
		}
	}
	payload := make([]byte, hex.DecodedLen(len(text)))
	if _, err := hex.Decode(payload, text); err != nil {
		return nil, errors.New("the payload is not hexadecimal")
	}
	return payload, nil
}

func parseStatus(text []byte) (seq.Status, error) {
	for _, s := range []seq.Status{seq.OK, seq.Late, seq.Retransmit} {
		if string(text) == s.String() {
			return s, nil
		}
	}
	return 0, errors.New("the last field is no status: OK, LATE or RETRANSMIT")
}
