package http1

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// defaultUserAgent is what net/http calls itself.
const defaultUserAgent = "Go-http-client/1.1"

// A head is what is written of a request, in memory that is used again.
type head struct {
	bytes []byte
	names []string
}

// set makes it from a request that check has passed, byte for byte as
// http.Request.Write does.
//
//	GET /path?query HTTP/1.1
//	Host: example.com
//	User-Agent: ...            unless it is set and empty
//	Connection: close          if the request is the last one
//	...                        the other fields, sorted by name
func (h *head) set(req *http.Request) error {
	host, err := hostOf(req)
	if err != nil {
		return err
	}
	uri := req.URL.RequestURI()
	if strings.IndexFunc(uri, func(r rune) bool { return r < ' ' || r == 0x7f }) >= 0 {
		return errors.New("http1: a control character in the URL")
	}
	b := append(append(append(append(h.bytes[:0], req.Method...), ' '), uri...), " HTTP/1.1\r\n"...)
	b = field(b, "Host", host)
	agent := defaultUserAgent
	if _, set := req.Header["User-Agent"]; set {
		agent = req.Header.Get("User-Agent")
	}
	if agent != "" {
		b = field(b, "User-Agent", agent)
	}
	if first := req.Header["Connection"]; req.Close && !httpguts.HeaderValuesContainsToken(first[:min(1, len(first))], "close") {
		b = field(b, "Connection", "close")
	}
	h.names = h.names[:0]
	for name := range req.Header {
		switch name {
		case "Host", "User-Agent", "Content-Length", "Transfer-Encoding", "Trailer":
		default:
			h.names = append(h.names, name)
		}
	}
	slices.Sort(h.names)
	for _, name := range h.names {
		for _, v := range req.Header[name] {
			b = field(b, name, v)
		}
	}
	h.bytes = append(b, "\r\n"...)
	return nil
}

func field(b []byte, name, value string) []byte {
	return append(append(append(append(b, name...), ": "...), strings.Trim(value, " \t")...), "\r\n"...)
}

// hostOf is the host as a server is told it: of other alphabets in ASCII,
// without the zone of an IPv6 address, and none if it is no host at all.
func hostOf(req *http.Request) (string, error) {
	host := req.Host
	if host == "" {
		host = req.URL.Host
	}
	host, err := httpguts.PunycodeHostPort(host)
	if err != nil || !httpguts.ValidHostHeader(host) {
		return "", err
	}
	if strings.HasPrefix(host, "[") {
		if end := strings.LastIndexByte(host, ']'); end > 0 {
			if zone := strings.LastIndexByte(host[:end], '%'); zone > 0 {
				host = host[:zone] + host[end:]
			}
		}
	}
	return host, nil
}
