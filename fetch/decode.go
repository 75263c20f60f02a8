package fetch

import (
	"io"
	"net/http"
	"slices"
	"strings"
)

// A Decoder undoes a content encoding. Its reader is closed when the body is at
// its end, or given up; an encoded stream that ends early must end with
// io.ErrUnexpectedEOF.
type Decoder func(encoded io.Reader) (io.ReadCloser, error)

// WithDecoder asks servers for a content encoding too, and undoes it. Without it
// a client knows gzip only.
func WithDecoder(encoding string, d Decoder) Option {
	return func(o *options) { o.decoders = append(o.decoders, namedDecoder{encoding, d}) }
}

type namedDecoder struct {
	encoding string
	open     Decoder
}

// accepts is the value of Accept-Encoding. Its capacity is its length: who adds
// to it makes a copy.
func accepts(decoders []namedDecoder) []string {
	all := "gzip"
	for _, d := range decoders {
		all += ", " + d.encoding
	}
	return slices.Clip([]string{all})
}

// decoder gives what undoes the encoding of an answer; nil: nothing of ours.
func (c *Client) decoder(resp *http.Response) Decoder {
	coding := resp.Header.Get("Content-Encoding")
	if coding == "" || strings.EqualFold(coding, "gzip") {
		return nil
	}
	for i := range c.decoders {
		if strings.EqualFold(coding, c.decoders[i].encoding) {
			return c.decoders[i].open
		}
	}
	return nil
}
