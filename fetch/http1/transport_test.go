package http1

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"holdfast/internal/soak"
)

func get(ctx context.Context, rt http.RoundTripper, url string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		return nil, err
	}
	return rt.RoundTrip(req)
}

// fetch gets a whole body.
func fetch(ctx context.Context, rt http.RoundTripper, url string) (string, error) {
	resp, err := get(ctx, rt, url)
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	return string(b), err
}

// manual gives the connections of a server to a test.
func manual(t testing.TB) (url string, conns chan net.Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	conns = make(chan net.Conn, 10)
	go func() {
		defer close(conns)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns <- c
		}
	}()
	return "http://" + l.Addr().String(), conns
}

const abc = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"

// answer reads a request from c and answers it.
func answer(t testing.TB, c net.Conn, with string) {
	if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
		t.Error(err)
	}
	if _, err := io.WriteString(c, with); err != nil {
		t.Error(err)
	}
}

// TestWrittenAgain: a used connection that ends before an answer begins costs
// the request nothing, unless GotConn forbids it; one whose answer has begun, or
// a new one, does.
func TestWrittenAgain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		second string // the answer to the second request, after which the connection ends
		most   int    // times that GotConn allows
		ok     bool
		writes int
	}{
		{"again", "", 10, true, 3},
		{"forbidden", "", 2, false, 2},
		{"begun", "HTTP/1.1 200", 10, false, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			url, conns := manual(t)
			our := ours()
			defer our.CloseIdleConnections()
			go func() {
				conn := <-conns
				answer(t, conn, abc)
				answer(t, conn, c.second)
				conn.Close()
				if conn := <-conns; c.ok {
					answer(t, conn, abc)
				}
			}()
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			writes, gots := 0, 0
			ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
				WroteHeaders: func() { writes++ },
				GotConn: func(i httptrace.GotConnInfo) {
					if gots++; gots > c.most {
						cancel()
					}
					if i.Reused != (gots == 2) {
						t.Errorf("connection %d: %+v", gots, i)
					}
				},
			})
			if got, err := fetch(ctx, our, url); got != "abc" || err != nil {
				t.Fatal(got, err)
			}
			_, err := fetch(ctx, our, url)
			if (err == nil) != c.ok || writes != c.writes || !c.ok && our.idle.n != 0 {
				t.Errorf("%v, %d requests written, %d connections wait", err, writes, our.idle.n)
			}
			if c.name == "forbidden" && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
}

// TestCancel: the end of the context ends an exchange wherever it is, and its
// connection with it.
func TestCancel(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]string{
		"no answer": "", "in the header": "HTTP/1.1 200 OK\r\nA:", "in the body": "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, conns := manual(t)
			our := ours()
			ctx, cancel := context.WithCancel(context.Background())
			closed := make(chan error, 1)
			go func() {
				c := <-conns
				answer(t, c, begin)
				cancel()
				_, err := c.Read(make([]byte, 1))
				closed <- err
			}()
			got, err := fetch(ctx, our, url)
			if !errors.Is(err, context.Canceled) && name != "in the body" || err == nil {
				t.Errorf("%q, %v", got, err)
			}
			if err := <-closed; err == nil || our.idle.n != 0 {
				t.Errorf("%v, %d connections wait", err, our.idle.n)
			}
		})
	}
}

// TestClosedEarly: a body that is not wanted is not read, however long it is.
func TestClosedEarly(t *testing.T) {
	t.Parallel()
	url, conns := manual(t)
	our := ours()
	ended := make(chan error)
	go func() {
		c := <-conns
		answer(t, c, "HTTP/1.1 200 OK\r\n\r\n")
		var err error
		for err == nil {
			_, err = c.Write(make([]byte, 1<<20))
		}
		ended <- err
	}()
	resp, err := get(context.Background(), our, url)
	if err != nil {
		t.Fatal(err)
	}
	reader := make(chan error)
	go func() { // and somebody else may be reading
		_, err := io.Copy(io.Discard, resp.Body)
		reader <- err
	}()
	resp.Body.Close()
	<-ended
	if err := <-reader; err == nil {
		t.Error("the body has an end")
	}
	if _, err := resp.Body.Read(make([]byte, 1)); err != http.ErrBodyReadAfterClose || our.idle.n != 0 {
		t.Errorf("%v, %d connections wait", err, our.idle.n)
	}
}

// TestReadAgain: the end of a body stays its end when its connection already
// serves another.
func TestReadAgain(t *testing.T) {
	t.Parallel()
	s := play(t, abc, false)
	our := ours()
	defer our.CloseIdleConnections()
	resp, err := get(context.Background(), our, "http://"+s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(resp.Body); string(b) != "abc" || err != nil {
		t.Error(string(b), err)
	}
	other, err := get(context.Background(), our, "http://"+s.Addr().String())
	if err != nil || s.conns.Load() != 1 {
		t.Fatal(err, s.conns.Load())
	}
	if n, err := resp.Body.Read(make([]byte, 9)); n != 0 || err != io.EOF {
		t.Error(n, err)
	}
	resp.Body.Close()
	if b, err := io.ReadAll(other.Body); string(b) != "abc" || err != nil {
		t.Error(string(b), err)
	}
}

// TestRefused are requests that nothing is dialled for.
func TestRefused(t *testing.T) {
	t.Parallel()
	our := &Transport{Dial: func(context.Context, string, string) (net.Conn, error) { panic("dialled") }}
	for _, change := range []func(*http.Request){
		func(r *http.Request) { r.Method = "DELETE" },
		func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("x")) },
		func(r *http.Request) { r.URL.Scheme = "https" },
		func(r *http.Request) { r.URL.Host = "" },
		func(r *http.Request) { r.Header["a b"] = []string{"c"} },
		func(r *http.Request) { r.Header["A"] = []string{"b\r\nC: d"} },
	} {
		req, _ := http.NewRequest("GET", "http://h/", nil)
		change(req)
		if resp, err := our.RoundTrip(req); err == nil || strings.Contains(err.Error(), "C: d") {
			t.Error(resp, err)
		}
	}
}

// TestIdle: of one host and in all no more wait than may, the oldest give way,
// none waits longer than it may, and hosts without any are forgotten.
func TestIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		our := &Transport{MaxHeader: 1 << 10, MaxIdle: 5, PerHost: 2, IdleTimeout: time.Minute}
		our.Dial = func(context.Context, string, string) (net.Conn, error) {
			c, s := net.Pipe()
			go func() {
				in := bufio.NewReader(s)
				for {
					if _, err := http.ReadRequest(in); err != nil {
						return
					}
					io.WriteString(s, abc)
				}
			}()
			return c, nil
		}
		at := func(host string, n int) {
			var open []*http.Response
			for range n {
				resp, err := get(t.Context(), our, "http://"+host)
				if err != nil {
					t.Fatal(err)
				}
				open = append(open, resp)
			}
			for _, resp := range open {
				io.ReadAll(resp.Body)
			}
		}
		check := func(when string, want map[string]int) {
			t.Helper()
			our.idle.mu.Lock()
			defer our.idle.mu.Unlock()
			n := 0
			for host, w := range want {
				n += w
				if have := len(our.idle.hosts[host]); have != w {
					t.Errorf("%s: %d of %s wait, not %d", when, have, host, w)
				}
			}
			listed := 0
			for c := our.idle.ends[0]; c != nil; c = c.next {
				listed++
			}
			if our.idle.n != n || listed != n {
				t.Errorf("%s: %d wait, %d in the list, not %d", when, our.idle.n, listed, n)
			}
		}
		at("a", 3)
		check("three at once", map[string]int{"a": 2})
		time.Sleep(10 * time.Second)
		at("b", 2)
		at("c", 2)
		check("too many", map[string]int{"a": 1, "b": 2, "c": 2})
		time.Sleep(45 * time.Second)
		at("b", 1) // it was there
		check("used again", map[string]int{"a": 1, "b": 2, "c": 2})
		time.Sleep(20 * time.Second) // 65 s after those of c came
		at("c", 1)
		check("too old", map[string]int{"a": 0, "b": 1, "c": 1})
		at("d", 2)
		our.CloseIdleConnections()
		check("closed", nil)
		at("d", 2)
		time.Sleep(5 * time.Minute)
		check("swept", nil)
		our.idle.mu.Lock()
		defer our.idle.mu.Unlock()
		if len(our.idle.hosts) != 0 || our.idle.ticked {
			t.Error("hosts are remembered, or the timer goes on for nothing")
		}
	})
}

// TestNothingIsMixedUp: whatever users do to their bodies, none gets what is
// another's.
func TestNothingIsMixedUp(t *testing.T) {
	t.Parallel()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := len(r.URL.Path) * 37 % 9000
		if n%3 == 0 {
			w.Header().Set("Content-Length", fmt.Sprint(n*len(r.URL.Path)))
		}
		if n%7 == 0 {
			w.Header().Set("Connection", "close")
		}
		for range n {
			io.WriteString(w, r.URL.Path)
		}
	}))
	defer web.Close()
	our := ours()
	our.PerHost = 4
	defer our.CloseIdleConnections()
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(worker), 1))
			for range soak.Rounds(20, 40) {
				path := "/" + strings.Repeat(fmt.Sprint(worker), 1+r.IntN(60))
				ctx, cancel := context.WithCancel(context.Background())
				if r.IntN(4) == 0 {
					go cancel()
				}
				resp, err := get(ctx, our, web.URL+path)
				if err == nil {
					var most int64 = 1 << 30
					if r.IntN(4) == 0 {
						most = r.Int64N(1000)
					}
					b, err := io.ReadAll(io.LimitReader(resp.Body, most))
					resp.Body.Close()
					if n := len(path) * 37 % 9000; err == nil && most > 1<<20 && len(b) != n*len(path) {
						t.Errorf("%d bytes of %d", len(b), n*len(path))
					}
					if want := strings.Repeat(path, 1+len(b)/len(path))[:len(b)]; string(b) != want {
						t.Error("the body of another")
					}
				} else if ctx.Err() == nil {
					t.Error(err)
				}
				cancel()
			}
		})
	}
	wg.Wait()
}

// TestWrapped: a connection that does more than the socket in it is read and
// written by its own means.
func TestWrapped(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "abc") }))
	defer s.Close()
	our := ours()
	defer our.CloseIdleConnections()
	var c *counted
	our.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		nc, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil {
			c = &counted{TCPConn: nc.(*net.TCPConn)}
		}
		return c, err
	}
	for range 2 {
		if got, err := fetch(context.Background(), our, s.URL); got != "abc" || err != nil {
			t.Fatal(got, err)
		}
	}
	if c.reads < 2 || c.writes != 2 {
		t.Errorf("%d reads, %d writes", c.reads, c.writes)
	}
}

type counted struct {
	*net.TCPConn
	reads, writes int
}

func (c *counted) Read(p []byte) (int, error)  { c.reads++; return c.TCPConn.Read(p) }
func (c *counted) Write(p []byte) (int, error) { c.writes++; return c.TCPConn.Write(p) }
