package guard

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// What follows reads JSON that json.Valid has accepted, and only as much of it
// as a key needs: to decode every message into maps took a fifth of a relay's
// time.

// member gives what is under a name of an object or an index of a list. Of
// equal names the last counts, as it does for nearly every reader of JSON.
func member(doc []byte, name string) ([]byte, error) {
	i := skipSpace(doc, 0)
	switch doc[i] {
	case '{':
		var found []byte
		for i = skipSpace(doc, i+1); doc[i] != '}'; i = next(doc, i) {
			end := skipValue(doc, i)
			is := names(doc[i:end], name)
			i = skipSpace(doc, skipSpace(doc, end)+1) // beyond the colon
			end = skipValue(doc, i)
			if is {
				found = doc[i:end]
			}
			i = end
		}
		if found != nil {
			return found, nil
		}
	case '[':
		n, err := strconv.Atoi(name)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("%q is no index of a list", name)
		}
		for i = skipSpace(doc, i+1); doc[i] != ']'; i = next(doc, i) {
			end := skipValue(doc, i)
			if n == 0 {
				return doc[i:end], nil
			}
			n--
			i = end
		}
	}
	return nil, errors.New("missing")
}

// names reports whether a JSON string is a name.
func names(text []byte, name string) bool {
	inner := text[1 : len(text)-1]
	for _, c := range inner {
		if c == '\\' {
			var decoded string
			return json.Unmarshal(text, &decoded) == nil && decoded == name
		}
	}
	return string(inner) == name
}

// next goes on from a value's end to the next element, or to what closes.
func next(doc []byte, i int) int {
	if i = skipSpace(doc, i); doc[i] == ',' {
		i = skipSpace(doc, i+1)
	}
	return i
}

func skipSpace(doc []byte, i int) int {
	for i < len(doc) && (doc[i] == ' ' || doc[i] == '\t' || doc[i] == '\n' || doc[i] == '\r') {
		i++
	}
	return i
}

// skipValue gives the end of the value that begins at i.
func skipValue(doc []byte, i int) int {
	for depth := 0; i < len(doc); {
		switch doc[i] {
		case '"':
			i = skipString(doc, i)
		case '{', '[':
			depth++
			i++
			continue
		case '}', ']':
			depth--
			i++
		case ' ', '\t', '\n', '\r', ',', ':':
			i++
			continue
		default:
			for i++; i < len(doc) && !strings.ContainsRune(" \t\n\r,:]}", rune(doc[i])); i++ {
			}
		}
		if depth == 0 {
			return i
		}
	}
	return i
}

func skipString(doc []byte, i int) int {
	for i++; doc[i] != '"'; i++ {
		if doc[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// scalar gives a value that can be part of a key.
func scalar(doc []byte) (kind byte, value string, err error) {
	text := strings.TrimSpace(string(doc))
	switch text[0] {
	case '"':
		if !strings.ContainsRune(text, '\\') {
			return 's', text[1 : len(text)-1], nil
		}
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			return 0, "", err
		}
		// Half of a surrogate pair becomes U+FFFD, whichever half it was.
		if strings.ContainsRune(value, utf8.RuneError) && strings.Contains(strings.ToLower(text), `\ud`) {
			return 0, "", errors.New("text with half of a surrogate pair")
		}
		return 's', value, nil
	case 't', 'f':
		return 'b', text, nil
	case 'n':
		return 0, "", errors.New("null")
	case '{':
		return 0, "", errors.New("an object, not a value")
	case '[':
		return 0, "", errors.New("a list, not a value")
	}
	value, err = decimal(text)
	return 'n', value, err
}
