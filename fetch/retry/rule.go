package retry

import (
	"fmt"
	"strconv"
	"strings"
)

// AppendText appends the rule id of the log, such as smart.10.permanent.
func (r Rule) AppendText(b []byte) ([]byte, error) {
	b = append(append(b, r.Policy...), '.')
	b = strconv.AppendInt(b, int64(r.Row), 10)
	if r.Word != "" {
		b = append(append(b, '.'), r.Word...)
	}
	return b, nil
}

// String gives the rule id of the log, such as smart.10.permanent.
func (r Rule) String() string {
	b, _ := r.AppendText(make([]byte, 0, 40))
	return string(b)
}

// ParseRule is the inverse of [Rule.String].
func ParseRule(text string) (Rule, error) {
	policy, rest, _ := strings.Cut(text, ".")
	number, word, _ := strings.Cut(rest, ".")
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > rowHeld || policy != NameSpec && policy != NameSmart {
		return Rule{}, fmt.Errorf("not a rule: %q", text)
	}
	return Rule{policy, n, word}, nil
}

// RuleRow gives the row of the table that a rule names.
func RuleRow(rule Rule) (Row, bool) {
	var found Row
	ok := false
	for _, r := range Table() {
		switch {
		case r.Number != rule.Row:
		case r.named(rule.Word):
			return r, true
		case !ok || len(r.Kinds) == 0: // the row for all other kinds
			found, ok = r, true
		}
	}
	return found, ok
}

// named reports whether the word of a rule belongs to this row rather than to
// another of the same number.
func (r *Row) named(word string) bool {
	if r.Event == word {
		return true
	}
	for _, k := range r.Kinds {
		if k.String() == word {
			return true
		}
	}
	return false
}

// LastError is how an attempt is named in max_retries: "HTTP 503",
// "timeout after 5s (headers)", "refused: " and the error's text.
func (a *Attempt) LastError(text string) string {
	switch a.Class {
	case ClassTimeout:
		during := a.Phase.String()
		if during == "" {
			during = a.Limit.String()
		}
		return fmt.Sprintf("timeout after %v (%s)", a.After, during)
	case ClassConnection, ClassDecodeError, ClassTooLarge, ClassBadInput, ClassBlocked, ClassCancelled:
		name := a.Kind.String()
		if name == "" {
			name = a.Class.String()
		}
		if text == "" {
			return name
		}
		return name + ": " + text
	}
	return "HTTP " + strconv.Itoa(a.Status)
}
