package fetch

import (
	"crypto/sha256"
	"encoding"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"holdfast/fetch/retry"
)

// rangeFrom is how much of a body must have come for the rest to be asked for
// alone (R5.8).
const rangeFrom = 1 << 20

// A partial is a body that broke off and can go on: what is in its temporary
// file, and where hash and search stand.
type partial struct {
	have  int64
	total int64 // of the whole body; -1: unknown
	etag  string
	hash  []byte
	find  Finder
}

// keepPartial reports whether what came of the body can be continued.
func (r *running) keepPartial(b *reading, resp *http.Response, sink *bodySink) bool {
	etag := resp.Header.Get("ETag")
	if !r.job.policy.RangeResume || sink.file == nil || r.Hops > 0 || r.method != http.MethodGet || r.Bytes < rangeFrom ||
		!strongTag(etag) || resp.Header.Get("Content-Encoding") != "" {
		return false
	}
	state, err := b.hash.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil || sink.pause() != nil {
		return false
	}
	total := resp.ContentLength
	if resp.StatusCode == http.StatusPartialContent {
		total = r.job.partial.total
	}
	find := b.finder
	find.found = append([]bool(nil), find.found...)
	r.job.partial = &partial{have: r.Bytes, total: total, etag: etag, hash: state, find: find}
	return true
}

func strongTag(etag string) bool { return len(etag) >= 2 && etag[0] == '"' && etag[len(etag)-1] == '"' }

// ask makes a request go on where the body broke off.
func (p *partial) ask(h http.Header) {
	h.Set("Range", fmt.Sprintf("bytes=%d-", p.have))
	h.Set("If-Range", p.etag)
	h.Set("Accept-Encoding", "identity")
}

// resume says from which byte on an answer carries the body, or that it cannot
// be used. An answer of 200 begins anew.
func (p *partial) resume(resp *http.Response) (from int64, kind retry.Kind) {
	if p == nil || resp.StatusCode != http.StatusPartialContent {
		return 0, retry.KindNone
	}
	start, total, ok := contentRange(resp.Header.Get("Content-Range"))
	if !ok || start != p.have || p.total >= 0 && total != p.total || resp.Header.Get("ETag") != p.etag ||
		resp.Header.Get("Content-Encoding") != "" {
		return 0, retry.KindTruncated
	}
	p.total = total
	return p.have, retry.KindNone
}

// contentRange reads "bytes START-END/TOTAL".
func contentRange(s string) (start, total int64, ok bool) {
	s, found := strings.CutPrefix(s, "bytes ")
	span, size, found2 := strings.Cut(s, "/")
	first, last, found3 := strings.Cut(span, "-")
	a, err := strconv.ParseUint(first, 10, 62)
	z, err2 := strconv.ParseUint(last, 10, 62)
	n, err3 := strconv.ParseUint(size, 10, 62)
	ok = found && found2 && found3 && err == nil && err2 == nil && err3 == nil && a <= z && z+1 == n
	return int64(a), int64(n), ok
}

// restore puts hash and search where they stood.
func (p *partial) restore(b *reading) {
	b.hash = sha256.New()
	b.hash.(encoding.BinaryUnmarshaler).UnmarshalBinary(p.hash) // our own bytes
	b.finder = p.find
	b.finder.found = append([]bool(nil), p.find.found...)
}
