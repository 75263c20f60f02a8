package flakyhttp_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mccutchen/go-httpbin/v2/httpbin"

	"holdfast/lab/flakyhttp"
)

// BenchmarkGet is what the server and its ledger cost, beside go-httpbin alone.
func BenchmarkGet(b *testing.B) {
	b.Run("go-httpbin", func(b *testing.B) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		srv := &http.Server{Handler: httpbin.New()}
		go srv.Serve(ln)
		defer srv.Close()
		benchmarkGet(b, ln.Addr().String())
	})
	b.Run("with-ledger", func(b *testing.B) {
		s, err := flakyhttp.Start(flakyhttp.Config{LedgerFile: filepath.Join(b.TempDir(), "ledger.jsonl"), Keep: -1})
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close()
		benchmarkGet(b, strings.TrimPrefix(s.URL(), "http://"))
	})
}

func benchmarkGet(b *testing.B, addr string) {
	b.ReportAllocs()
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			b.Error(err)
			return
		}
		defer c.Close()
		in := bufio.NewReader(c)
		for pb.Next() {
			io.WriteString(c, "GET /get?_id=1 HTTP/1.1\r\nHost: lab\r\n\r\n")
			r, err := http.ReadResponse(in, nil)
			if err != nil {
				b.Error(err)
				return
			}
			io.Copy(io.Discard, r.Body)
		}
	})
}
