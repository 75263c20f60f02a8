package lossy

import (
	"bufio"
	"encoding/hex"
	"io"
	"strconv"

	"holdfast/internal/pyrand"
	"holdfast/record/seq"
)

// The packets file is one line without a newline, spaced as Python's json.dump
// does (L5):
//
//	{"seed": 42, "total_packets": 2, "generated_sequences": [0, 1], "delivery_queue": [ITEM, ITEM]}
//
// and an ITEM is
//
//	{"priority": 1, "packet": {"sequence": 0, "timestamp": 2.1e-05, "payload": "7061", "checksum": 1}, "corrupted": true}
//
// with the checksum of the undamaged packet.

// writeFile writes the packets file.
func (s *Stream) writeFile(w io.Writer) error {
	out := bufio.NewWriterSize(w, 1<<16)
	line := append([]byte(nil), `{"seed": `...)
	line = s.Seed.Append(line, 10)
	line = append(line, `, "total_packets": `...)
	line = strconv.AppendInt(line, int64(s.Total), 10)
	line = append(line, `, "generated_sequences": `...)
	line = appendList(line, s.Sequences)
	line = append(line, `, "delivery_queue": [`...)
	out.Write(line)
	for i := range s.Queue {
		line = line[:0]
		if i > 0 {
			line = append(line, ", "...)
		}
		out.Write(appendItem(line, &s.Queue[i]))
	}
	out.WriteString("]}")
	return out.Flush() // a bufio.Writer keeps its first error
}

// Emit writes the queue as JSON lines, one item a line.
func (s *Stream) Emit(w io.Writer) error {
	out := bufio.NewWriterSize(w, 1<<16)
	var line []byte
	for i := range s.Queue {
		line = append(appendItem(line[:0], &s.Queue[i]), '\n')
		if _, err := out.Write(line); err != nil {
			return err
		}
	}
	return out.Flush()
}

func appendItem(dst []byte, i *Item) []byte {
	dst = append(dst, `{"priority": `...)
	dst = strconv.AppendInt(dst, i.Priority, 10)
	dst = append(dst, `, "packet": {`...)
	dst = appendPacket(dst, i.Packet)
	dst = append(dst, `}, "corrupted": `...)
	dst = strconv.AppendBool(dst, i.Corrupted)
	return append(dst, '}')
}

// appendPacket appends the four fields of a packet, without the braces.
func appendPacket(dst []byte, p seq.Packet) []byte {
	dst = append(dst, `"sequence": `...)
	dst = strconv.AppendUint(dst, p.Sequence, 10)
	dst = append(dst, `, "timestamp": `...)
	dst = pyrand.AppendRepr(dst, p.Timestamp)
	dst = append(dst, `, "payload": "`...)
	dst = hex.AppendEncode(dst, p.Payload)
	dst = append(dst, `", "checksum": `...)
	return strconv.AppendUint(dst, uint64(p.Checksum), 10)
}

func appendList(dst []byte, list []uint64) []byte {
	dst = append(dst, '[')
	for i, n := range list {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = strconv.AppendUint(dst, n, 10)
	}
	return append(dst, ']')
}
