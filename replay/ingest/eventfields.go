package ingest

import (
	"holdfast/replay"
	"holdfast/replay/tick"
)

// event reads the members of the object at hand. Notes that count only if the
// event is used go to used.
func (r *Events) event(used *notes) (e replay.Event, reason Reason, hint string, err error) {
	if r.o.large {
		return e, FieldSize, "a member has over 1 MiB", nil
	}
	m := &r.o.members
	id, reason, hint := r.plain(m[memberID], "event_id", used)
	if reason != "" {
		return e, reason, hint, nil
	}
	e.ID = string(id)
	symbol, reason, hint := r.plain(m[memberSymbol], "symbol", used)
	if reason != "" {
		return e, reason, hint, nil
	}
	if e.Time, reason, hint, err = r.instant(m[memberTime], used); reason != "" || err != nil {
		return e, reason, hint, err
	}
	if e.Price, reason, hint = r.price(m[memberPrice], used); reason != "" {
		return e, reason, hint, nil
	}
	e.Symbol = r.symbol(symbol)
	r.source(m[memberSource])
	return e, "", "", nil
}

// plain reads an id or a symbol. A number counts as the text that it is.
func (r *Events) plain(v value, name string, used *notes) (text []byte, reason Reason, hint string) {
	text = v.unquoted(nil)
	switch {
	case v.kind == isOther:
		return nil, BadJSON, name + " is neither a string nor a number"
	case !isText(text):
		return nil, BadText, badText
	case v.kind != isString && v.kind != isNumber, IsMissing(text):
		return nil, MissingField, missing(name, text)
	case v.kind == isNumber:
		used.count(numericText)
	}
	return text, "", ""
}

// instant reads the time of an event.
func (r *Events) instant(v value, used *notes) (at tick.Nanos, reason Reason, hint string, err error) {
	text := v.unquoted(nil)
	switch {
	case v.kind == isOther:
		return 0, BadTime, "timestamp is neither a string nor a number", nil
	case !isText(text):
		return 0, BadText, badText, nil
	case v.kind != isString && v.kind != isNumber, IsMissing(text):
		return 0, MissingField, missing("timestamp", text), nil
	}
	t, err := r.times.Parse(text, r.line)
	if err != nil || t.Reason != "" {
		return 0, t.Reason, t.Hint, err
	}
	used.time(t)
	if t.Epoch && v.kind == isString {
		used.count(stringTimes)
	}
	return t.Nanos, "", "", nil
}

// price reads the price of an event.
func (r *Events) price(v value, used *notes) (p tick.Price, reason Reason, hint string) {
	text := v.unquoted(nil)
	switch {
	case v.kind == isOther:
		return 0, BadPrice, "price is neither a number nor a string"
	case !isText(text):
		return 0, BadText, badText
	}
	if p, reason, hint = ParsePrice(text); reason != "" {
		return 0, reason, hint
	}
	used.price(p)
	if v.kind == isString {
		used.count(stringPrices)
	}
	return p, "", ""
}

// source counts where an event says it comes from.
func (r *Events) source(v value) {
	text := Trim(v.unquoted(nil))
	switch {
	case string(text) == "stream-1":
	case v.kind == isOther || IsMissing(text):
		r.notes.count(missingSources)
	default:
		r.notes.count(otherSources)
		r.sourceTexts.count(text)
	}
}
