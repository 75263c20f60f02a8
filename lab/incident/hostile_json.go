package incident

import (
	"bytes"

	"holdfast/lab/racers"
)

// unknown are members that nobody asked for.
var unknown = []string{
	`"note":"a \"quoted\" brace } and bracket ]"`,
	`"tags":["a",{"price":1,"symbol":"X"}]`,
	`"seq":12345678901234567890.5e-3`,
	`"halted":false`,
	`"corrects":null`,
}

// overtaken are members that the real ones, which come later, replace.
var overtaken = []string{`"price":1.0`, `"symbol":"WRONG"`, `"timestamp":"2001-01-01T00:00:00Z"`}

func (h *hostile) event(b []byte, v racers.Event) []byte {
	b, d := h.events.next(b)
	members := [][]byte{
		append(racers.AppendEventID([]byte(`"event_id":"`), v.Number), '"'),
		append(spellTime([]byte(`"timestamp":"`), v.Time, &d, false), '"'),
		spellSymbol([]byte(`"symbol":`), v.Symbol, &d),
		[]byte(`"source":"stream-1"`),
	}
	price := spellPrice(nil, v.Price, &d)
	if d.oneIn(4) {
		price = append(append([]byte{'"'}, price...), '"')
	}
	members = append(members, append([]byte(`"price":`), price...))
	if d.oneIn(10) {
		members = append(members, []byte(of(&d, unknown)))
	}
	for i := len(members) - 1; i > 0; i-- {
		j := d.below(i + 1)
		members[i], members[j] = members[j], members[i]
	}
	if d.oneIn(40) {
		members = append([][]byte{[]byte(of(&d, overtaken))}, members...)
	}
	return h.events.object(b, members, &d)
}

// object writes members on one line, or each on its own.
func (g *page) object(b []byte, members [][]byte, d *dice) []byte {
	open, between, shut := "{", of(d, []string{",", ", ", " ,\t"}), "}"
	if d.oneIn(25) {
		open, between, shut = "{\n  ", ",\n  ", "\n}"
	}
	from := len(b)
	b = append(b, open...)
	b = append(b, bytes.Join(members, []byte(between))...)
	b = append(b, shut...)
	inside := bytes.Count(b[from:], []byte{'\n'})
	return g.lineEnd(b, inside, of(d, []string{"\n", "\n", "\r\n"}))
}

// spellSymbol is a JSON string, sometimes with its first letter as an escape.
func spellSymbol(b []byte, symbol string, d *dice) []byte {
	b = append(b, '"')
	if d.oneIn(8) {
		const hex = "0123456789abcdef"
		b = append(b, `\u00`...)
		b = append(b, hex[symbol[0]>>4], hex[symbol[0]&15])
		symbol = symbol[1:]
	}
	b = append(b, symbol...)
	return append(b, '"')
}
