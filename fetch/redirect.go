package fetch

import (
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/idna"

	"holdfast/fetch/retry"
)

// redirect says where an answer sends us, or why we do not follow it. Both are
// zero for an answer that is to be taken as it is.
func (r *running) redirect(resp *http.Response) (*url.URL, retry.Kind) {
	switch resp.StatusCode {
	case 301, 302, 303, 307, 308:
	default:
		return nil, retry.KindNone
	}
	most := r.c.config.MaxRedirects
	location := resp.Header.Get("Location")
	if most < 0 || location == "" || r.job.wantResponse {
		return nil, retry.KindNone
	}
	next, err := r.url.Parse(location)
	if err != nil {
		return nil, retry.KindNone // a Location that is none is not followed
	}
	switch {
	case next.Scheme != "http" && next.Scheme != "https", next.Host == "", checkPort(next) != nil,
		r.c.config.NoDowngrade && r.url.Scheme == "https" && next.Scheme == "http":
		r.Location = r.c.redact(location)
		return nil, retry.KindBadTarget
	case r.Hops >= most:
		r.Location = r.c.redact(location)
		return nil, retry.KindTooMany
	}
	r.change(resp.StatusCode, next)
	return next, retry.KindNone
}

// change adapts method and credentials to the next hop, as browsers do
// (RFC 9110, 15.4): 303 and a POST answered with 301 or 302 go on as GET.
func (r *running) change(status int, next *url.URL) {
	get := status == 303 && r.method != http.MethodHead ||
		(status == 301 || status == 302) && r.method == http.MethodPost
	if get && r.method != http.MethodGet {
		r.method, r.noBody = http.MethodGet, true
	}
	if origin(next) != origin(r.url) {
		r.bare = true
	}
}

// origin is scheme://host:port in lower case and punycode: what gates, breakers
// and budgets are kept by.
func origin(u *url.URL) string {
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	for i := range len(host) {
		if host[i] >= 0x80 {
			if ascii, err := idna.Lookup.ToASCII(host); err == nil {
				host = ascii
			}
			break
		}
	}
	if strings.IndexByte(host, ':') >= 0 {
		host = "[" + host + "]"
	}
	port := u.Port()
	if port == "" {
		port = "80"
		if u.Scheme == "https" {
			port = "443"
		}
	}
	return u.Scheme + "://" + host + ":" + port
}
