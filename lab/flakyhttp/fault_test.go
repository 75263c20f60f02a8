package flakyhttp_test

import (
	"fmt"
	"strings"
	"testing"

	"holdfast/lab/flakyhttp/ledger"
)

const filler = "the same sixty-four bytes again, so that any part can be known.\n"

// TestWire has the bytes of each fault that ends its connection, and what the
// ledger says about it.
func TestWire(t *testing.T) {
	t.Parallel()
	s := start(t)
	const plain = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
	part := filler + filler[:36]
	big := strings.Repeat("b", 70_000)
	for i, c := range []struct {
		path   string
		want   string
		end    string
		status int
		bytes  int64
		ledger ledger.End
	}{
		{"reset", "", "RST", 0, 0, ledger.Reset},
		{"reset?when=before", "", "RST", 0, 0, ledger.Reset},
		{"reset?when=headers", plain, "RST", 200, 0, ledger.Reset},
		{"reset?when=body", plain + "Content-Length: 1000\r\n\r\n" + part, "RST", 200, 100, ledger.Reset},
		{"fin", "", "FIN", 0, 0, ledger.Truncated},
		{"fin?partial=1", "HTTP/1.1 2", "FIN", 0, 0, ledger.Truncated},
		{"truncate", plain + "Content-Length: 1000\r\n\r\n" + part, "FIN", 200, 100, ledger.Truncated},
		{"truncate?length=5&bytes=3", plain + "Content-Length: 5\r\n\r\nthe", "FIN", 200, 3, ledger.Truncated},
		{"truncate?length=5&bytes=3&chunked=1", plain + "Transfer-Encoding: chunked\r\n\r\n5\r\nthe", "FIN", 200, 3, ledger.Truncated},
		{"truncate?length=1", plain + "Content-Length: 1\r\n\r\n", "FIN", 200, 0, ledger.Truncated},
		{"truncate?status=206&length=5&bytes=3&ETag=a", "HTTP/1.1 206 Partial Content\r\nContent-Type: text/plain\r\nETag: a\r\nContent-Length: 5\r\n\r\nthe", "FIN", 206, 3, ledger.Truncated},
		{"stall?phase=body&bytes=0&for=10ms", plain + "Content-Length: 1000\r\n\r\n", "FIN", 200, 0, ledger.Stalled},
		{"stall?for=10ms", "", "FIN", 0, 0, ledger.Stalled},
		{"stall?phase=body&for=10ms", plain + "Content-Length: 1000\r\n\r\n" + part, "FIN", 200, 100, ledger.Stalled},
		{"bad-chunk", plain + "Transfer-Encoding: chunked\r\n\r\na\r\n" + filler[:10] + "\r\nzz\r\n", "FIN", 200, 10, ledger.Truncated},
		{"garbage", "SSH-2.0-holdfast_lab\r\n\x00\x00\x01\x8c\x0a\x14\x00\xff\r\n\r\n", "FIN", 0, 0, ledger.Complete},
		{"dup-length", plain + "Content-Length: 5\r\nContent-Length: 7\r\n\r\nhello", "FIN", 200, 5, ledger.Complete},
		{"big-header?bytes=70000", plain + "Content-Length: 2\r\nX-Big: " + big + "\r\n\r\nok", "FIN", 200, 2, ledger.Complete},
		{"no-length?bytes=3", plain + "Connection: close\r\n\r\nthe", "FIN", 200, 3, ledger.Complete},
		{"status/099", "HTTP/1.1 099 Lab\r\n\r\n", "FIN", 99, 0, ledger.Complete},
		{"status/101?Upgrade=x", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "FIN", 101, 0, ledger.Complete},
		{"retry-after?value=%0942%20", "HTTP/1.1 503 Service Unavailable\r\nRetry-After: \t42 \r\nContent-Type: text/plain\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "FIN", 503, 0, ledger.Complete},
	} {
		path := fmt.Sprintf("/fault/%s", c.path)
		got, end := raw(t, s.URL(), path)
		if got != c.want || end != c.end {
			t.Errorf("%s: %.300q then %s; want %.300q then %s", c.path, got, end, c.want, c.end)
		}
		all := entries(t, s)
		if len(all) != i+1 {
			t.Fatalf("%s: %d entries in the ledger, want %d", c.path, len(all), i+1)
		}
		e := all[i]
		if e.Status != c.status || e.Bytes != c.bytes || e.End != c.ledger || e.URL != "http://lab"+path || e.Method != "GET" || e.Conn == 0 {
			t.Errorf("%s: the ledger says %+v; want status %d, %d bytes, %s", c.path, e, c.status, c.bytes, c.ledger)
		}
	}
}
