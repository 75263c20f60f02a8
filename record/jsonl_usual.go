package record

import (
	"bytes"

	"holdfast/record/seq"
)

// usual reads a line that has the four keys of a packet in their usual order and
// nothing else, as [json.dumps] and this package write them: nearly all lines
// are like that, and it takes a third of the time. false means that any has to
// look; what usual takes, any takes alike.
//
// [json.dumps]: https://docs.python.org/3/library/json.html
func (p *jsonlParser) usual(text []byte, e *Event) bool {
	u := usualLine{rest: text, ok: true}
	*e = Event{At: p.last}
	d := &e.Delivery
	u.key('{', `"sequence":`)
	d.Sequence = u.integer()
	u.key(',', `"timestamp":`)
	d.Timestamp = u.number()
	u.key(',', `"payload":`)
	d.Payload = p.unhex(&u)
	u.key(',', `"checksum":`)
	checksum := u.integer()
	u.key('}', "")
	if !u.ok || checksum > 1<<32-1 || len(u.rest) > 0 && !blank(u.rest) {
		return false
	}
	d.Checksum = uint32(checksum)
	d.Origin, d.HeaderTrusted, d.At = seq.Original, true, p.last
	d.Valid = d.Packet.Valid()
	return true
}

// A usualLine is what is left of a line that is as usual so far.
type usualLine struct {
	rest []byte
	ok   bool
}

// key takes a mark and what comes behind it, each with at most one space.
func (u *usualLine) key(mark byte, name string) {
	if !u.ok || len(u.rest) == 0 || u.rest[0] != mark {
		u.ok = false
		return
	}
	u.rest = u.rest[1:]
	if name == "" {
		return
	}
	u.space()
	if u.ok = len(u.rest) >= len(name) && string(u.rest[:len(name)]) == name; u.ok {
		u.rest = u.rest[len(name):]
		u.space()
	}
}

func (u *usualLine) space() {
	if len(u.rest) > 0 && u.rest[0] == ' ' {
		u.rest = u.rest[1:]
	}
}

// integer takes a number of at most 19 digits, which fits 64 bits.
func (u *usualLine) integer() (n uint64) {
	i := 0
	for i < len(u.rest) && i < 20 && u.rest[i]-'0' < 10 {
		n = n*10 + uint64(u.rest[i]-'0')
		i++
	}
	u.ok = u.ok && i > 0 && i < 20
	u.rest = u.rest[i:]
	return n
}

// number takes a number. One with few digits, as a time with microseconds has,
// is a quotient of two that floats hold exactly, and so is rounded once, as
// ParseFloat does it (Clinger 1990).
func (u *usualLine) number() float64 {
	i, n, point := 0, uint64(0), -1
	for ; i < len(u.rest) && i < 17; i++ {
		switch c := u.rest[i]; {
		case c-'0' < 10:
			n = n*10 + uint64(c-'0')
		case c == '.' && point < 0 && i > 0:
			point = i
		case c == ',' && i > 0 && point != i-1 && n < 1<<53 && (u.rest[0] != '0' || point == 1):
			u.rest = u.rest[i:]
			if point < 0 {
				return float64(n)
			}
			return float64(n) / powers[i-point-1]
		default:
			return u.anyNumber()
		}
	}
	return u.anyNumber()
}

// powers of ten that a float holds exactly.
var powers = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17}

func (u *usualLine) anyNumber() float64 {
	i := 0
	for i < len(u.rest) && !wordEnd[u.rest[i]] {
		i++
	}
	f, err := number(u.rest[:i])
	u.ok = u.ok && err == nil
	u.rest = u.rest[i:]
	return f
}

// unhex takes a string of hexadecimal digits, of which no other character is one.
func (p *jsonlParser) unhex(u *usualLine) []byte {
	if !u.ok || len(u.rest) == 0 || u.rest[0] != '"' {
		u.ok = false
		return nil
	}
	end := bytes.IndexByte(u.rest[1:], '"')
	if end < 0 || end/2 > p.maxPayload {
		u.ok = false
		return nil
	}
	var err error
	p.payload, err = appendUnhex(p.payload[:0], u.rest[1:1+end])
	u.ok = err == nil
	u.rest = u.rest[end+2:]
	return p.payload
}
