package fetch

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"holdfast/fetch/retry"
)

// How much of a body that is no success is read (R1.5).
const (
	snippetSize = 4 << 10
	drainSize   = 64 << 10
	drainTime   = 50 * time.Millisecond
)

// ratioFrom is how much is decoded before the ratio is judged: a few hundred
// bytes of zeros compress a thousandfold and harm nobody.
const ratioFrom = 1 << 20

type readCloser = io.ReadCloser

// wire is a body as it comes: counted, and with the error that ended it kept,
// because a decoder above hides whether the stream or its content was at fault.
type wire struct {
	r     *running
	from  io.Reader
	ended error
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.from.Read(p)
	if n > 0 {
		w.r.WireBytes += int64(n)
		w.r.watchdog.came(n, w.r.c.clock())
	}
	if err != nil {
		w.ended = err
	}
	return n, err
}

// A reading is what one body needs while it is read. It is used again for the
// next one.
type reading struct {
	wire   wire
	gzip   *gzip.Reader
	finder Finder
	hash   hash.Hash
	sum    [sha256.Size]byte
	hex    [2 * sha256.Size]byte
	buffer []byte
}

var readings = sync.Pool{New: func() any { return &reading{hash: sha256.New(), buffer: make([]byte, 32<<10)} }}

// errTooLarge is how a body over one of the caps ends.
var errTooLarge = errors.New("the body is larger than allowed")

// read takes the body of a success: through keyword search, hash and file, and
// into memory only for a handler.
func (r *running) read(resp *http.Response) {
	b := readings.Get().(*reading)
	defer readings.Put(b)
	b.wire = wire{r: r, from: resp.Body}
	p := r.job.partial
	from, kind := p.resume(resp)
	if kind != retry.KindNone {
		resp.Body.Close()
		r.job.dropPartial()
		r.Class, r.Kind, r.Error = retry.ClassConnection, kind, "the answer to a range request does not continue the body"
		r.err = errors.New(r.Error)
		return
	}
	sink, err := r.c.bodies.open(r.job, from)
	if err != nil {
		resp.Body.Close()
		r.storeFailed(err)
		return
	}
	if from == 0 {
		b.hash.Reset()
		b.finder.Reset(r.c.keywords)
	} else {
		p.restore(b)
	}
	r.Bytes = from
	err = r.pass(b, resp, sink)
	resp.Body.Close()
	r.finish(b, resp, sink, err)
}

// pass moves the body through all that wants it, and returns what ended it: nil
// at its end.
func (r *running) pass(b *reading, resp *http.Response, sink *bodySink) error {
	var decoded io.Reader = &b.wire
	if strings.EqualFold(resp.Header.Get("Content-Encoding"), "gzip") && resp.ContentLength != 0 {
		zr, err := b.unzip()
		if err == io.EOF && b.wire.ended == io.EOF && r.WireBytes == 0 {
			return nil // an empty body, whatever its header claims
		}
		if err != nil {
			return err
		}
		decoded = zr
	} else if open := r.c.decoder(resp); open != nil && resp.ContentLength != 0 {
		zr, err := open(&b.wire)
		if err != nil {
			return err
		}
		defer zr.Close()
		decoded = zr
	}
	for {
		n, err := decoded.Read(b.buffer)
		if n > 0 {
			if err := r.take(b, sink, b.buffer[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF || err != nil && r.WireBytes == 0 && b.wire.ended == io.EOF {
			return nil // at its end, or an empty body, whatever its header claims
		}
		if err != nil {
			return err
		}
	}
}

func (b *reading) unzip() (io.Reader, error) {
	if b.gzip == nil {
		zr, err := gzip.NewReader(&b.wire)
		if err != nil {
			return nil, err
		}
		b.gzip = zr
		return zr, nil
	}
	return b.gzip, b.gzip.Reset(&b.wire)
}

// A storeError is a body that could not be written: the environment failed, not
// the server.
type storeError struct{ error }

func (r *running) take(b *reading, sink *bodySink, p []byte) error {
	r.Bytes += int64(len(p))
	if r.Bytes > r.c.config.MaxBody {
		return errTooLarge
	}
	if r.Bytes > ratioFrom && r.Bytes/r.c.config.MaxRatio > r.WireBytes {
		return errTooLarge
	}
	b.finder.Write(p)
	b.hash.Write(p)
	if r.c.handler != nil {
		if r.Bytes <= r.c.config.MaxBuffer {
			r.body = append(r.body, p...)
		} else {
			r.body = nil
		}
	}
	if err := sink.write(p); err != nil {
		return &storeError{err}
	}
	return nil
}

// finish judges how the body ended.
func (r *running) finish(b *reading, resp *http.Response, sink *bodySink, err error) {
	if err == nil {
		r.whole(b, resp, sink)
		return
	}
	var store *storeError
	switch {
	case errors.As(err, &store):
		sink.drop()
		r.storeFailed(store.error)
		return
	case err == errTooLarge:
		r.Class, r.err, r.Error = retry.ClassTooLarge, err, err.Error()
		r.MatchIncomplete = true
	case b.wire.ended != nil && b.wire.ended != io.EOF:
		r.failed(b.wire.ended)
	case r.hop.Load().Err() != nil:
		r.failed(err)
	default:
		r.Class, r.Kind = retry.ClassDecodeError, decodeKind(err)
		r.err, r.Error = err, err.Error()
	}
	r.body = nil
	if r.Kind != retry.KindTruncated && r.Class != retry.ClassTimeout || !r.keepPartial(b, resp, sink) {
		sink.drop()
		r.job.dropPartial()
	}
}

func decodeKind(err error) retry.Kind {
	if errors.Is(err, io.ErrUnexpectedEOF) || err == io.EOF {
		return retry.KindCut
	}
	return retry.KindGarbage
}

func (r *running) whole(b *reading, resp *http.Response, sink *bodySink) {
	hex.Encode(b.hex[:], b.hash.Sum(b.sum[:0]))
	r.SHA256 = string(b.hex[:])
	r.Found = b.finder.Found()
	r.LengthUnverified = resp.ContentLength < 0 && len(resp.TransferEncoding) == 0 && resp.ProtoMajor == 1
	r.c.point("in the body")
	name, err := sink.commit(r.c.point)
	if err != nil {
		r.storeFailed(err)
		return
	}
	r.BodyFile = name
	r.job.partial = nil
}

// storeFailed is the end of the run, not of the URL: what cannot be kept must
// not be counted as done.
func (r *running) storeFailed(err error) {
	r.Class, r.Kind, r.err, r.Error = retry.ClassCancelled, retry.KindNone, err, err.Error()
	r.body = nil
	r.job.fatal(err)
}

// drain reads the rest of an answer that is not wanted, so that its connection
// can be used again, and gives the beginning. What fails here harms nothing. An
// HTTP/2 stream is just closed after its beginning.
func (r *running) drain(resp *http.Response) string {
	defer resp.Body.Close()
	if resp.ContentLength == 0 || resp.Body == http.NoBody || resp.StatusCode == http.StatusSwitchingProtocols {
		return ""
	}
	h := r.hop.Load()
	stop := time.AfterFunc(drainTime, func() { h.cancel(errDrained) })
	defer stop.Stop()
	b := readings.Get().(*reading)
	defer readings.Put(b)
	n, _ := io.ReadFull(resp.Body, b.buffer[:snippetSize])
	r.WireBytes += int64(n)
	if n == snippetSize && resp.ProtoMajor < 2 {
		rest := io.LimitReader(resp.Body, drainSize-snippetSize)
		for more := 1; more > 0; {
			more, _ = rest.Read(b.buffer[snippetSize:])
			r.WireBytes += int64(more)
		}
	}
	return r.snippet(b.buffer[:n], resp)
}

func (r *running) snippet(kept []byte, resp *http.Response) string {
	if strings.EqualFold(resp.Header.Get("Content-Encoding"), "gzip") {
		if zr, err := gzip.NewReader(bytes.NewReader(kept)); err == nil {
			plain := make([]byte, snippetSize)
			n, _ := io.ReadFull(zr, plain)
			kept = plain[:n]
		}
	} else if open := r.c.decoder(resp); open != nil {
		if zr, err := open(bytes.NewReader(kept)); err == nil {
			plain := make([]byte, snippetSize)
			n, _ := io.ReadFull(zr, plain)
			kept = plain[:n]
			zr.Close()
		}
	}
	return string(kept)
}
