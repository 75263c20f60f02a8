// Package encodings adds zstd and brotli to the content encodings that a
// [fetch.Client] asks for and undoes; gzip it knows by itself. It is apart
// because the two decoders are large, and not every user of the library wants
// them.
//
// It promises that a stream may not make a decoder take more than 8 MiB for its
// window (RFC 9659 allows servers no more), that a stream which ends early is
// told from one that is no such stream, and that no goroutine runs. The sizes
// that a body may decode to are the client's affair.
//
//	client, err := fetch.New(handler, encodings.With()...)
package encodings

import (
	"io"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"holdfast/fetch"
)

const maxWindow = 8 << 20

// With gives the options for New.
func With() []fetch.Option {
	return []fetch.Option{fetch.WithDecoder("zstd", openZstd), fetch.WithDecoder("br", openBrotli)}
}

var (
	zstds   sync.Pool
	brotlis sync.Pool
)

type zstdReader struct{ *zstd.Decoder }

func openZstd(from io.Reader) (io.ReadCloser, error) {
	if z, ok := zstds.Get().(*zstdReader); ok {
		return z, z.Reset(from)
	}
	z, err := zstd.NewReader(from, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
	return &zstdReader{z}, err
}

// Close lets another body have the decoder.
func (z *zstdReader) Close() error {
	err := z.Reset(nil)
	zstds.Put(z)
	return err
}

type brotliReader struct{ *brotli.Reader }

func openBrotli(from io.Reader) (io.ReadCloser, error) {
	if b, ok := brotlis.Get().(*brotliReader); ok {
		return b, b.Reset(from)
	}
	return &brotliReader{brotli.NewReader(from)}, nil
}

// Close lets another body have the decoder.
func (b *brotliReader) Close() error {
	brotlis.Put(b)
	return nil
}
