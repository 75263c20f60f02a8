//go:build unix

package http1

import (
	"context"
	"io"
	"net"
	"net/http/httptrace"
	"runtime"
	"syscall"
	"testing"
)

// TestEndedWhileIdle: what the server did to a connection that waits is seen
// before a request is written to it.
func TestEndedWhileIdle(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(net.Conn){
		"closed":         func(c net.Conn) { c.Close() },
		"reset":          func(c net.Conn) { c.(*net.TCPConn).SetLinger(0); c.Close() },
		"unasked answer": func(c net.Conn) { io.WriteString(c, "HTTP/1.1 408 Request Timeout\r\n\r\n") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, conns := manual(t)
			our := ours()
			defer our.CloseIdleConnections()
			writes := 0
			ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{WroteHeaders: func() { writes++ }})
			for n := range 2 {
				go func() {
					c := <-conns
					answer(t, c, abc)
					if n == 0 {
						end(c)
					}
				}()
				if got, err := fetch(ctx, our, url); got != "abc" || err != nil {
					t.Fatal(got, err)
				}
				for n == 0 && our.idle.n > 0 && silent(t, our.idle.ends[0]) { // not if it was seen at once
					runtime.Gosched()
				}
			}
			if writes != 2 || our.idle.n != 1 {
				t.Errorf("%d requests written, %d connections wait", writes, our.idle.n)
			}
		})
	}
}

// silent reports whether nothing has come, not even the end.
func silent(t testing.TB, c *conn) bool {
	raw, err := c.net.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	quiet := false
	err = raw.Control(func(fd uintptr) {
		_, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK)
		quiet = err == syscall.EAGAIN
	})
	return err == nil && quiet
}
