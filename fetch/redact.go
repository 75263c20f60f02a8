package fetch

import (
	"net/url"
	"strings"
)

// redacted stands for a secret. It needs no escaping in a URL.
const redacted = "REDACTED"

// secretParameters are query parameters whose values are secrets (R11.2).
var secretParameters = map[string]bool{
	"token": true, "access_token": true, "api_key": true, "apikey": true, "auth": true,
	"password": true, "secret": true, "sig": true, "signature": true,
}

func secretParameter(name string) bool {
	if decoded, err := url.QueryUnescape(name); err == nil {
		name = decoded
	}
	name = strings.ToLower(strings.TrimSpace(name))
	return secretParameters[name] || strings.HasPrefix(name, "x-amz-") || strings.HasPrefix(name, "x-goog-")
}

// RedactURL takes the secrets out of a URL: userinfo, and the values of query
// parameters that are known to carry secrets. Everything else keeps its bytes;
// what is on the wire is untouched. It also takes what is no URL.
func RedactURL(raw string) string {
	if !strings.ContainsAny(raw, "@?;#") {
		return raw
	}
	return redactQuery(redactUserinfo(raw))
}

// redactUserinfo works on the text, because a URL that does not parse may hold
// a password too.
func redactUserinfo(raw string) string {
	start := strings.Index(raw, "//")
	if start < 0 {
		return raw
	}
	start += 2
	end := len(raw)
	if i := strings.IndexAny(raw[start:], "/?#\\"); i >= 0 {
		end = start + i
	}
	// A password may hold unescaped slashes in a broken URL; then the host is
	// not where it seems to be, and everything up to the @ goes.
	at := strings.LastIndexByte(raw[start:end], '@')
	if at < 0 {
		return raw
	}
	return raw[:start] + redacted + raw[start+at:]
}

func redactQuery(raw string) string {
	q := strings.IndexAny(raw, "?#")
	if q < 0 || !hasSecret(raw[q+1:]) {
		return raw
	}
	var out strings.Builder
	out.WriteString(raw[:q+1])
	rest := raw[q+1:]
	for rest != "" {
		end := strings.IndexAny(rest, "&;?#")
		part, separator := rest, ""
		if end >= 0 {
			part, separator = rest[:end], rest[end:end+1]
		}
		rest = rest[len(part)+len(separator):]
		name, value, found := strings.Cut(part, "=")
		if found && value != "" && secretParameter(name) {
			part = name + "=" + redacted
		}
		out.WriteString(part)
		out.WriteString(separator)
	}
	return out.String()
}

// hasSecret reports whether there is anything to take out of a query, which
// seldom is and then costs nothing.
func hasSecret(rest string) bool {
	for rest != "" {
		part := rest
		if end := strings.IndexAny(rest, "&;?#"); end >= 0 {
			part, rest = rest[:end], rest[end+1:]
		} else {
			rest = ""
		}
		if name, value, found := strings.Cut(part, "="); found && value != "" && secretParameter(name) {
			return true
		}
	}
	return false
}

// A redactor takes the secrets of one URL out of other texts, such as errors
// that quote it.
type redactor struct{ raw, shown string }

func newRedactor(raw string) redactor { return redactor{raw, RedactURL(raw)} }

func (r redactor) text(s string) string {
	if r.raw != r.shown {
		s = strings.ReplaceAll(s, r.raw, r.shown)
	}
	if !strings.Contains(s, "://") {
		return s
	}
	// An error may quote another URL of the chain, or this one with its
	// password starred out by net/url.
	words := strings.Split(s, " ")
	for i, w := range words {
		if strings.Contains(w, "://") {
			words[i] = RedactURL(w)
		}
	}
	return strings.Join(words, " ")
}
