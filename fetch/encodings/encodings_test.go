package encodings_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"holdfast/fetch"
	"holdfast/fetch/encodings"
	"holdfast/fetch/retry"
)

func pack(t *testing.T, encoding string, plain []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	switch encoding {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "br":
		w = brotli.NewWriterLevel(&b, 1)
	case "zstd":
		z, err := zstd.NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		w = z
	}
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Bodies in each encoding are undone: searched, hashed and counted as what they
// mean, cut ones tried once more, garbage not, and a bomb is too large.
func TestEncodings(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	plain := make([]byte, 300_000)
	for i := range plain {
		plain[i] = "abcdefgh"[rng.IntN(8)]
	}
	copy(plain[200_000:], "Herman")
	var asked atomic.Pointer[string]
	var requests atomic.Int64
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		accept := r.Header.Get("Accept-Encoding")
		asked.Store(&accept)
		parts := strings.Split(r.URL.Path, "/") // /ENCODING/WHAT
		body := pack(t, parts[1], plain)
		w.Header().Set("Content-Encoding", strings.ToUpper(parts[1][:1])+parts[1][1:])
		switch parts[2] {
		case "cut":
			body = body[:len(body)/2]
		case "garbage":
			body = bytes.Repeat([]byte{0xff, 0x3b, 0x91, 0x07}, 5000)
		case "bomb":
			body = pack(t, parts[1], make([]byte, 4<<20))
		case "empty":
			body = nil
		case "refused":
			w.WriteHeader(404)
			body = pack(t, parts[1], []byte("no such page"))
		}
		w.(http.Flusher).Flush() // so that there is no length
		_, _ = w.Write(body)
	}))
	t.Cleanup(web.Close)
	c := fetch.SmartDefaults()
	c.InitialBackoff, c.Keywords = time.Millisecond, []string{"Herman"}
	client, err := fetch.New(nil, append(encodings.With(), fetch.WithConfig(c))...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, encoding := range []string{"gzip", "zstd", "br"} {
		for range 2 { // the second time with a decoder that was used before
			for what, want := range map[string]struct {
				class    retry.Class
				kind     retry.Kind
				requests int64
			}{
				"whole":   {retry.ClassSuccess, retry.KindNone, 1},
				"empty":   {retry.ClassSuccess, retry.KindNone, 1},
				"cut":     {retry.ClassDecodeError, retry.KindCut, 2},
				"garbage": {retry.ClassDecodeError, retry.KindGarbage, 1},
				"bomb":    {retry.ClassTooLarge, retry.KindNone, 1},
				"refused": {retry.ClassClientError, retry.KindNone, 1},
			} {
				requests.Store(0)
				o, _ := client.Do(context.Background(), fetch.Request{URL: web.URL + "/" + encoding + "/" + what})
				last := o.History[len(o.History)-1]
				if last.Class != want.class || last.Kind != want.kind || requests.Load() != want.requests {
					t.Errorf("%s, %s: %v %v after %d requests: %s", encoding, what, last.Class, last.Kind, requests.Load(), last.Error)
				}
				switch {
				case what == "whole" && (o.Bytes != int64(len(plain)) || last.WireBytes >= o.Bytes || len(last.Found) != 1):
					t.Errorf("%s: %d bytes of %d on the wire, found %v", encoding, o.Bytes, last.WireBytes, last.Found)
				case what == "refused" && last.Snippet != "no such page":
					t.Errorf("%s: %q", encoding, last.Snippet)
				}
			}
		}
	}
	if got := *asked.Load(); got != "gzip, zstd, br" {
		t.Errorf("asked for %q", got)
	}
}

// A window larger than allowed is not made.
func TestWindow(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b, zstd.WithWindowSize(64<<20))
	if err != nil {
		t.Fatal(err)
	}
	noise := make([]byte, 9<<20)
	rng := rand.NewChaCha8([32]byte{})
	_, _ = rng.Read(noise)
	_, _ = z.Write(noise)
	z.Close()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "zstd")
		_, _ = w.Write(b.Bytes())
	}))
	t.Cleanup(web.Close)
	client, err := fetch.New(nil, encodings.With()...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	o, err := client.Do(context.Background(), fetch.Request{URL: web.URL})
	if err == nil || o.Bytes != 0 || o.History[0].Class != retry.ClassDecodeError {
		t.Errorf("%v, %+v", err, o)
	}
}
