package fetch

import (
	"hash/maphash"
	"net/url"
	"os"
	"strings"

	"holdfast/internal/vfs"
)

// A Deduper finds lines of a list that ask for the same (R12.9). It knows a URL
// by 64 bits of a keyed hash: two of ten million are taken for the same with a
// chance of one in 300,000. It remembers them in memory up to 256 MiB; what is
// left of a longer list it reads ahead, through temporary files.
type Deduper struct {
	normalize bool
	seed      maphash.Seed
	first     map[uint64]int64 // line, by hash
	most      int              // in first
	fs        vfs.FS
	dir       string
	ahead     *lookahead // nil: first has all
}

// mostRemembered keeps a deduper within 256 MiB.
const mostRemembered = 256 << 20 / 40

// NewDeduper compares URLs by their bytes or, normalized, by [NormalizeURL].
// Temporary files are in dir; "" is the system's folder for them.
func NewDeduper(normalized bool, dir string) *Deduper {
	if dir == "" {
		dir = os.TempDir()
	}
	return &Deduper{normalize: normalized, seed: maphash.MakeSeed(), first: map[uint64]int64{}, most: mostRemembered, fs: vfs.OS{}, dir: dir}
}

func (d *Deduper) full() bool { return d.ahead == nil && len(d.first) >= d.most }

func (d *Deduper) hash(raw string) uint64 {
	if d.normalize {
		raw = NormalizeURL(raw)
	}
	return maphash.String(d.seed, raw)
}

// seen says of which earlier line a URL is a duplicate; 0 if of none.
func (d *Deduper) seen(line int64, raw string) (of int64) {
	h := d.hash(raw)
	switch of = d.first[h]; {
	case of != 0:
		return of
	case d.ahead != nil:
		return d.ahead.seen(line)
	}
	d.first[h] = line
	return 0
}

// NormalizeURL gives URLs that mean the same one spelling (RFC 3986, 6.2.2 and
// 6.2.3): scheme and host in lower case, no default port, no dot after the host,
// a path, no dot segments, no escapes of characters that need none, no fragment.
// What is no URL stays as it is.
func NormalizeURL(raw string) string {
	u, err := ParseURL(raw)
	if err != nil || u.Hostname() == "." || strings.HasSuffix(u.Hostname(), "..") {
		return raw // a host that no resolver takes
	}
	var b strings.Builder
	o := origin(u)
	o = strings.TrimSuffix(o, map[string]string{"http": ":80", "https": ":443"}[u.Scheme])
	scheme, host, _ := strings.Cut(o, "://")
	b.WriteString(scheme + "://")
	if u.User != nil {
		b.WriteString(u.User.String() + "@")
	}
	b.WriteString(host)
	b.WriteString(dotless(unescapeUnreserved(u.EscapedPath())))
	if u.RawQuery != "" {
		b.WriteString("?" + unescapeUnreserved(u.RawQuery))
	}
	if _, err := url.Parse(b.String()); err != nil {
		return raw
	}
	return b.String()
}

// dotless removes dot segments and gives an empty path a slash. A slash at the
// end has a meaning and stays.
func dotless(p string) string {
	if p == "" {
		return "/"
	}
	var out []string
	segments := strings.Split(p, "/")
	for i, s := range segments {
		last := i == len(segments)-1
		switch s {
		case ".":
			if last {
				out = append(out, "")
			}
		case "..":
			if len(out) > 1 {
				out = out[:len(out)-1]
			}
			if last {
				out = append(out, "")
			}
		default:
			out = append(out, s)
		}
	}
	p = strings.Join(out, "/")
	if !strings.HasPrefix(p, "/") {
		p = "/" + p
	}
	return p
}

// unescapeUnreserved undoes escapes of letters, digits and -._~, and writes the
// others in upper case.
func unescapeUnreserved(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' || i+2 >= len(s) || hexValue(s[i+1]) < 0 || hexValue(s[i+2]) < 0 {
			b.WriteByte(s[i])
			continue
		}
		c := byte(hexValue(s[i+1])<<4 | hexValue(s[i+2]))
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~':
			b.WriteByte(c)
		default:
			b.WriteString(strings.ToUpper(s[i : i+3]))
		}
		i += 2
	}
	return b.String()
}

func hexValue(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
