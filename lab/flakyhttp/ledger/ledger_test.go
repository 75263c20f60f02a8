package ledger_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"holdfast/lab/flakyhttp/ledger"
)

// serve runs a net/http server with a ledger for the length of a test.
func serve(t *testing.T, l *ledger.Ledger, h http.HandlerFunc) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: h}
	l.Install(srv)
	done := make(chan struct{})
	go func() {
		defer close(done)
		srv.Serve(l.Listener(ln))
	}()
	t.Cleanup(func() {
		srv.Close()
		<-done
	})
	return ln.Addr().String()
}

func wait(t *testing.T, l *ledger.Ledger) []ledger.Entry {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := l.Wait(ctx); err != nil {
		t.Fatalf("a request stays open: %v", err)
	}
	return l.Entries()
}

// TestEnds has every way in which a request of net/http can end.
func TestEnds(t *testing.T) {
	t.Parallel()
	started, release := make(chan struct{}, 1), make(chan struct{}, 2)
	big := strings.Repeat("x", 16<<20) // more than the kernel takes of a client that does not read
	l := ledger.New(nil, 100)
	addr := serve(t, l, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/ok":
			w.WriteHeader(http.StatusTeapot)
			io.WriteString(w, "hello")
		case "/nothing":
		case "/early":
			w.WriteHeader(http.StatusEarlyHints)
			io.WriteString(w, "hi")
		case "/304":
			w.WriteHeader(http.StatusNotModified)
			io.WriteString(w, "not allowed")
		case "/short":
			w.Header().Set("Content-Length", "10")
			io.WriteString(w, "hello")
		case "/panic":
			io.WriteString(w, "hello")
			panic(http.ErrAbortHandler)
		case "/flush":
			io.WriteString(w, "hello")
			w.(http.Flusher).Flush()
		case "/wait":
			started <- struct{}{}
			<-r.Context().Done()
		case "/big":
			io.WriteString(w, big)
		case "/held": // the client goes when the handler has written all and net/http nothing
			io.WriteString(w, "hello")
			started <- struct{}{}
			<-release
		case "/hijack":
			c, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			io.WriteString(c, "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
			ledger.Of(w).End(202, 0, ledger.Complete)
		}
	})
	ask := func(method, path string) net.Conn {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		more := ""
		if method == "POST" { // a body that never comes: net/http does not see then that the client goes
			more = "Content-Length: 5\r\n"
		}
		fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: lab\r\nConnection: close\r\nHoldfast-Attempt: 1.2.0\r\n%s\r\n", method, path, more)
		return c
	}
	leave := func(c net.Conn) {
		<-started
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
		waitForReset(t, addr)
		release <- struct{}{}
	}
	for i, c := range []struct {
		method, path string
		client       func(net.Conn)
		status       int
		bytes        int64
		end          ledger.End
	}{
		{"GET", "/ok", readAll, 418, 5, ledger.Complete},
		{"HEAD", "/ok", readAll, 418, 0, ledger.Complete},
		{"GET", "/nothing?a=b", readAll, 200, 0, ledger.Complete},
		{"GET", "/early", readAll, 200, 2, ledger.Complete},
		{"GET", "/304", readAll, 304, 0, ledger.Complete},
		{"GET", "/short", readAll, 200, 5, ledger.Truncated},
		{"GET", "/panic", readAll, 200, 5, ledger.Truncated},
		{"GET", "/flush", readAll, 200, 5, ledger.Complete},
		{"GET", "/hijack", readAll, 202, 0, ledger.Complete},
		{"GET", "/wait", func(net.Conn) { <-started }, 0, 0, ledger.ClientClosed},
		{"GET", "/big", func(c net.Conn) { io.CopyN(io.Discard, c, 100) }, 200, -1, ledger.ClientClosed},
		{"GET", "/held", leave, 200, 5, ledger.ClientClosed},
		{"POST", "/held", leave, 200, 5, ledger.ClientClosed},
	} {
		conn := ask(c.method, c.path)
		c.client(conn)
		conn.Close()
		all := wait(t, l)
		if len(all) != i+1 {
			t.Fatalf("%s: %d entries, want %d", c.path, len(all), i+1)
		}
		e := all[i]
		want := ledger.Entry{
			Seq: uint64(i + 1), At: e.At, Conn: e.Conn, Proto: "HTTP/1.1", Method: c.method, URL: "http://lab" + c.path,
			Attempt: "1.2.0", Status: c.status, Bytes: c.bytes, End: c.end,
		}
		if c.bytes < 0 {
			want.Bytes = e.Bytes
		}
		if diff := cmp.Diff(want, e); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", c.method, c.path, diff)
		}
		if e.Conn == 0 {
			t.Errorf("%s: no connection", c.path)
		}
	}
}

func readAll(c net.Conn) { io.Copy(io.Discard, c) }

// waitForReset gives the kernel the time of one round trip: the reset that was
// sent before is in then.
func waitForReset(t *testing.T, addr string) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

// Requests of one connection share its number, and each has its end.
func TestKeepAlive(t *testing.T) {
	t.Parallel()
	l := ledger.New(nil, 100)
	addr := serve(t, l, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.URL.Path) })
	for range 2 {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReader(c)
		io.WriteString(c, "GET /a HTTP/1.1\r\nHost: lab\r\n\r\nGET /bb HTTP/1.1\r\nHost: lab\r\n\r\n") // pipelined
		for range 2 {
			r, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, r.Body)
		}
		c.Close()
	}
	all := wait(t, l)
	got := ""
	for _, e := range all {
		got += fmt.Sprintf("%d %s %d %s\n", e.Conn, e.URL, e.Bytes, e.End)
	}
	const want = "1 http://lab/a 2 complete\n1 http://lab/bb 3 complete\n2 http://lab/a 2 complete\n2 http://lab/bb 3 complete\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// The middleware alone serves any server.
func TestMiddleware(t *testing.T) {
	t.Parallel()
	l := ledger.New(nil, 100)
	h := l.Middleware(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: h}
	go srv.Serve(ln)
	defer srv.Close()
	r, err := http.Get("http://" + ln.Addr().String() + "/x")
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if all := wait(t, l); len(all) != 1 || all[0].Status != 200 || all[0].Bytes != 5 || all[0].End != ledger.Complete {
		t.Errorf("the ledger says %v", all)
	}
}

// safeBuffer is a file that a test reads when all is written.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// TestFile writes from many goroutines, and reads back what is remembered.
func TestFile(t *testing.T) {
	t.Parallel()
	var file safeBuffer
	l := ledger.New(&file, 50)
	var all sync.WaitGroup
	for i := range 10 {
		all.Go(func() {
			for j := range 10 {
				req := l.Begin(ledger.Entry{Conn: uint64(i), Proto: "HTTP/1.1", Method: "GET", URL: "http://x/\"\x01\xffé", Attempt: "1.1.0"})
				req.End(200, int64(j), ledger.Complete)
				req.End(500, 0, ledger.Reset) // too late
			}
		})
	}
	all.Wait()
	if n, forgotten := len(l.Entries()), l.Forgotten(); n != 50 || forgotten != 50 {
		t.Errorf("%d remembered, %d forgotten; want 50 of each", n, forgotten)
	}
	got, bad, err := ledger.Read(&file.b)
	if err != nil || len(bad) > 0 || len(got) != 100 {
		t.Fatalf("%d entries, %v, %v", len(got), bad, err)
	}
	for i, e := range got {
		if e.Seq != uint64(i+1) || e.Status != 200 || e.URL != "http://x/\"\x01\ufffdé" {
			t.Errorf("entry %d is %+v", i, e)
		}
	}
}

// brokenFile takes some writes and then none.
type brokenFile struct{ left int }

func (f *brokenFile) Write(p []byte) (int, error) {
	if f.left--; f.left < 0 {
		return 0, errors.New("no space left")
	}
	return len(p), nil
}

func TestFileThatFails(t *testing.T) {
	t.Parallel()
	l := ledger.New(&brokenFile{left: 1}, 10)
	for range 3 {
		l.Begin(ledger.Entry{}).End(200, 0, ledger.Complete)
	}
	if err := l.Err(); err == nil || err.Error() != "no space left" {
		t.Errorf("got %v", err)
	}
	if len(l.Entries()) != 3 {
		t.Errorf("%d remembered, want 3", len(l.Entries()))
	}
}

const good = `{"seq":1,"at":"2026-01-15T10:30:00.123456Z","conn":3,"proto":"HTTP/1.1","method":"GET","url":"http://x/","attempt":"","status":200,"bytes":312,"end":"complete"}`

func TestRead(t *testing.T) {
	t.Parallel()
	text := strings.Join([]string{
		`{"seq":2,"at":"2026-01-15T10:30:01Z","url":"http://y/","end":"reset","more":1}`, "", good, "hello", "{}",
		strings.Replace(good, "complete", "gone", 1), strings.Replace(good, "200", "-1", 1), strings.Replace(good, "2026", "x", 1),
	}, "\n")
	entries, bad, err := ledger.Read(strings.NewReader(text))
	if err != nil || len(entries) != 2 || entries[0].URL != "http://x/" || entries[1].URL != "http://y/" {
		t.Errorf("entries %v, %v", entries, err)
	}
	var lines []int
	for _, b := range bad {
		lines = append(lines, b.Line)
	}
	if diff := cmp.Diff([]int{4, 5, 6, 7, 8}, lines); diff != "" {
		t.Errorf("bad lines: %s\n%v", diff, bad)
	}
	if again, _ := json.Marshal(entries[0]); string(again) != good {
		t.Errorf("written again:\n%s\n%s", again, good)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte("{}\n\n[]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		entries, _, err := ledger.Read(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries { // what is accepted is written and read as itself
			line, err := json.Marshal(e)
			if err != nil || !json.Valid(line) {
				t.Fatalf("%s, %v", line, err)
			}
			again, bad, _ := ledger.Read(bytes.NewReader(line))
			if len(bad) > 0 || len(again) != 1 {
				t.Fatalf("%s: %v", line, bad)
			}
			e.At = e.At.Truncate(time.Microsecond)
			if diff := cmp.Diff(e, again[0]); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}

// BenchmarkLedger is what the ledger costs a server: compare with none.
func BenchmarkLedger(b *testing.B) {
	for _, with := range []string{"none", "memory", "file"} {
		b.Run(with, func(b *testing.B) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })}
			switch with {
			case "memory":
				l := ledger.New(nil, b.N)
				l.Install(srv)
				ln = l.Listener(ln)
			case "file":
				f, err := createTemp(b)
				if err != nil {
					b.Fatal(err)
				}
				l := ledger.New(f, 0)
				l.Install(srv)
				ln = l.Listener(ln)
			}
			go srv.Serve(ln)
			defer srv.Close()
			request := []byte("GET /get?_id=1 HTTP/1.1\r\nHost: lab\r\n\r\n")
			b.ReportAllocs()
			b.SetParallelism(8)
			b.RunParallel(func(pb *testing.PB) {
				c, err := net.Dial("tcp", ln.Addr().String())
				if err != nil {
					b.Error(err)
					return
				}
				defer c.Close()
				answer := make([]byte, 4096)
				for pb.Next() {
					c.Write(request)
					if _, err := c.Read(answer); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

func createTemp(b *testing.B) (io.Writer, error) {
	f, err := os.CreateTemp(b.TempDir(), "ledger")
	if err == nil {
		b.Cleanup(func() { f.Close() })
	}
	return f, err
}
