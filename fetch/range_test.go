package fetch_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"holdfast/fetch"
)

// A breaking server sends half of a body and hangs up; what it answers to the
// next request is its script.
type breaking struct {
	mu     sync.Mutex
	asked  []string // Range and If-Range of each request
	first  []byte
	script func(w http.ResponseWriter, rest []byte)
}

const broken = 3 << 19 // bytes that come before the end of the connection

func (b *breaking) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	b.asked = append(b.asked, strings.TrimSpace(r.Header.Get("Range")+" "+r.Header.Get("If-Range")))
	n := len(b.asked)
	b.mu.Unlock()
	switch {
	case n == 1:
		w.Header().Set("ETag", `"one"`)
		w.Header().Set("Content-Length", fmt.Sprint(len(b.first)))
		_, _ = w.Write(b.first[:broken])
		panic(http.ErrAbortHandler)
	case n == 2:
		b.script(w, b.first[broken:])
	default: // it begins anew
		w.Header().Set("ETag", `"one"`)
		_, _ = w.Write(b.first)
	}
}

// TestRangeResume: a body that broke off goes on only with a 206 that begins
// where it stopped and is of the same version and size; a 200 begins anew, and
// so does all else. The file and its hash are always those of one whole body.
func TestRangeResume(t *testing.T) {
	t.Parallel()
	whole := make([]byte, 2<<20)
	for i, rng := 0, rand.New(rand.NewPCG(1, 1)); i < len(whole); i++ {
		whole[i] = byte(rng.Uint32())
	}
	copy(whole[broken-3:], "needle") // across the place where it breaks
	part := func(etag, span string) func(http.ResponseWriter, []byte) {
		return func(w http.ResponseWriter, rest []byte) {
			w.Header().Set("ETag", etag)
			w.Header().Set("Content-Range", span)
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write(rest)
		}
	}
	good := fmt.Sprintf("bytes %d-%d/%d", broken, len(whole)-1, len(whole))
	goesOn := []string{"", fmt.Sprintf("bytes=%d- %q", broken, "one")}
	anew := append(append([]string(nil), goesOn...), "")
	for name, c := range map[string]struct {
		script func(http.ResponseWriter, []byte)
		off    bool
		asked  []string
		want   []byte // nil: whole
	}{
		"206":                  {script: part(`"one"`, good), asked: goesOn},
		"206 from elsewhere":   {script: part(`"one"`, fmt.Sprintf("bytes %d-%d/%d", broken-1, len(whole)-1, len(whole))), asked: anew},
		"206 of another size":  {script: part(`"one"`, fmt.Sprintf("bytes %d-%d/%d", broken, len(whole), len(whole)+1)), asked: anew},
		"206 not to the end":   {script: part(`"one"`, fmt.Sprintf("bytes %d-%d/%d", broken, broken+9, len(whole))), asked: anew},
		"206 without a range":  {script: part(`"one"`, ""), asked: anew},
		"206 of a new version": {script: part(`"two"`, good), asked: anew},
		"200 of a new version": {script: func(w http.ResponseWriter, _ []byte) {
			w.Header().Set("ETag", `"two"`)
			_, _ = w.Write([]byte("shorter, with a needle"))
		}, asked: goesOn, want: []byte("shorter, with a needle")},
		"404": {script: func(w http.ResponseWriter, _ []byte) { w.WriteHeader(503) }, asked: append(append([]string(nil), goesOn...), goesOn[1])},
		"off": {off: true, script: func(w http.ResponseWriter, _ []byte) {
			w.Header().Set("ETag", `"one"`)
			_, _ = w.Write(whole)
		}, asked: []string{"", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &breaking{first: whole, script: c.script}
			web := httptest.NewServer(b)
			t.Cleanup(web.Close)
			config := fetch.SmartDefaults()
			config.InitialBackoff, config.Bodies, config.Keywords, config.RangeResume = time.Millisecond, t.TempDir(), []string{"needle"}, !c.off
			var log bytes.Buffer
			client, err := fetch.New(nil, fetch.WithConfig(config), fetch.WithLog(fetch.NewLog(&log)))
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			s, err := client.FetchAll(context.Background(), fetch.URLs(web.URL+"/"))
			if err != nil || s.Successful != 1 {
				t.Fatalf("%+v, %v\n%s", s, err, log.String())
			}
			want := c.want
			if want == nil {
				want = whole
			}
			var last record
			matched := false
			for _, r := range readRecords(t, log.Bytes()) {
				if r.Event == "success" {
					last = r
				}
				matched = matched || r.Event == "body_match"
			}
			body, err := os.ReadFile(last.BodyFile)
			sum := sha256.Sum256(want)
			if err != nil || !bytes.Equal(body, want) || last.SHA256 != hex.EncodeToString(sum[:]) || last.Bytes != int64(len(want)) || !matched {
				t.Errorf("%d bytes, record %+v, match %v: %v", len(body), last, matched, err)
			}
			if got := b.asked; fmt.Sprintf("%q", got) != fmt.Sprintf("%q", c.asked) {
				t.Errorf("asked %q, want %q", got, c.asked)
			}
		})
	}
}
