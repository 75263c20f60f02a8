package ingest

// members are those of an event that are read, in the requirement's order.
const (
	memberID = iota
	memberTime
	memberSymbol
	memberPrice
	memberSource
	numMembers
)

// kind is what a member's value is.
type kind uint8

const (
	absent kind = iota
	isString
	isNumber // NaN and ±Infinity too, which JSON does not have but Python writes
	isNull
	isOther // true, false, an object or an array
)

// value is a member's value as it stands: a string without its quotes, a
// number digit by digit. Never a float64, which cannot hold 9 decimals of a
// price or the nanoseconds of a time.
type value struct {
	kind    kind
	text    []byte // of strings and numbers
	escaped bool   // a string with backslashes
}

// outcome is how parsing an object ended.
type outcome uint8

const (
	complete   outcome = iota
	broken             // no continuation makes it an object
	unfinished         // the bytes end within it
)

// maxDepth bounds the nesting of values that are skipped, and with it how often
// bytes are looked at: a reader that resumes at each line that begins with {
// can meet at most so many starts which are all open at one byte.
const maxDepth = 64

// object parses the members of one JSON object.
type object struct {
	b        []byte
	i        int
	members  [numMembers]value
	repeated bool  // one of the members stands twice: the last one counts
	large    bool  // a member has over MaxField
	lines    int64 // line ends within the object
}

// parse parses the object at the front of b, and returns its size.
func (o *object) parse(b []byte) (n int, how outcome) {
	*o = object{b: b, i: 1}
	how = o.parseMembers()
	return o.i, how
}

func (o *object) parseMembers() outcome {
	if c, how := o.token(); how != complete || c == '}' {
		o.i++
		return how
	}
	for {
		name, how := o.quoted()
		if how != complete {
			return how
		}
		if how = o.expect(':'); how != complete {
			return how
		}
		start := o.i
		v, how := o.value(0)
		if how != complete {
			return how
		}
		o.large = o.large || o.i-start > MaxField
		o.set(name, v)
		c, how := o.token()
		o.i++
		switch {
		case how != complete:
			return how
		case c == '}':
			return complete
		case c != ',':
			return broken
		}
	}
}

func (o *object) set(name, v value) {
	i := -1
	switch string(name.unquoted(nil)) {
	case "event_id":
		i = memberID
	case "timestamp":
		i = memberTime
	case "symbol":
		i = memberSymbol
	case "price":
		i = memberPrice
	case "source":
		i = memberSource
	default:
		return
	}
	o.repeated = o.repeated || o.members[i].kind != absent
	o.members[i] = v
}

// token skips white space and returns the byte behind it, without consuming it.
func (o *object) token() (byte, outcome) {
	for o.i < len(o.b) {
		c := o.b[o.i]
		switch c {
		case ' ', '\t':
		case '\n':
			o.lines++
		case '\r':
			if o.i+1 < len(o.b) && o.b[o.i+1] != '\n' {
				o.lines++
			}
		default:
			return c, complete
		}
		o.i++
	}
	return 0, unfinished
}

func (o *object) expect(want byte) outcome {
	c, how := o.token()
	if how == complete && c != want {
		return broken
	}
	o.i++
	return how
}

// quoted parses a string.
func (o *object) quoted() (v value, how outcome) {
	if how = o.expect('"'); how != complete {
		return v, how
	}
	start := o.i
	for ; o.i < len(o.b); o.i++ {
		switch c := o.b[o.i]; {
		case c == '"':
			v.kind, v.text = isString, o.b[start:o.i]
			o.i++
			return v, complete
		case c < ' ':
			return v, broken
		case c == '\\':
			v.escaped = true
			if how := o.escape(); how != complete {
				return v, how
			}
		}
	}
	return v, unfinished
}

// escape checks the escape sequence at o.i and goes to its last byte.
func (o *object) escape() outcome {
	o.i++
	if o.i >= len(o.b) {
		return unfinished
	}
	switch o.b[o.i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return complete
	case 'u':
		for range 4 {
			o.i++
			if o.i >= len(o.b) {
				return unfinished
			}
			if _, ok := hex(o.b[o.i]); !ok {
				return broken
			}
		}
		return complete
	}
	return broken
}

// value parses any value.
func (o *object) value(depth int) (v value, how outcome) {
	c, how := o.token()
	if how != complete {
		return v, how
	}
	switch c {
	case '"':
		return o.quoted()
	case '{', '[':
		return value{kind: isOther}, o.nested(depth+1, c)
	case 't':
		return value{kind: isOther}, o.word("true")
	case 'f':
		return value{kind: isOther}, o.word("false")
	case 'n':
		return value{kind: isNull}, o.word("null")
	}
	return o.number()
}

// nested skips an object or array that begins with open.
func (o *object) nested(depth int, open byte) outcome {
	if depth > maxDepth {
		return broken
	}
	o.i++
	end := open + 2 // ] and } stand two behind [ and {
	if c, how := o.token(); how != complete || c == end {
		o.i++
		return how
	}
	for {
		if open == '{' {
			if _, how := o.quoted(); how != complete {
				return how
			}
			if how := o.expect(':'); how != complete {
				return how
			}
		}
		if _, how := o.value(depth); how != complete {
			return how
		}
		c, how := o.token()
		o.i++
		switch {
		case how != complete:
			return how
		case c == end:
			return complete
		case c != ',':
			return broken
		}
	}
}

// word parses the given word.
func (o *object) word(w string) outcome {
	for i := range len(w) {
		if o.i >= len(o.b) {
			return unfinished
		}
		if o.b[o.i] != w[i] {
			return broken
		}
		o.i++
	}
	return complete
}

// number parses a number. What stands behind it tells whether it has ended.
func (o *object) number() (v value, how outcome) {
	start := o.i
	if o.b[o.i] == '-' {
		o.i++
	}
	switch {
	case o.i >= len(o.b):
		return v, unfinished
	case o.b[o.i] == 'N' && o.i == start:
		how = o.word("NaN")
	case o.b[o.i] == 'I':
		how = o.word("Infinity")
	case o.b[o.i] == '0':
		o.i++
		how = o.fraction()
	default:
		if how = o.digits(); how == complete {
			how = o.fraction()
		}
	}
	return value{kind: isNumber, text: o.b[start:min(o.i, len(o.b))]}, how
}

// fraction parses what may follow the integer digits of a number.
func (o *object) fraction() outcome {
	if o.i < len(o.b) && o.b[o.i] == '.' {
		o.i++
		if how := o.digits(); how != complete {
			return how
		}
	}
	if o.i < len(o.b) && o.b[o.i]|0x20 == 'e' {
		o.i++
		if o.i < len(o.b) && (o.b[o.i] == '+' || o.b[o.i] == '-') {
			o.i++
		}
		return o.digits()
	}
	return complete
}

// digits parses one digit or more.
func (o *object) digits() outcome {
	start := o.i
	for o.i < len(o.b) && o.b[o.i]-'0' <= 9 {
		o.i++
	}
	switch {
	case o.i > start:
		return complete
	case o.i == len(o.b):
		return unfinished
	}
	return broken
}
