package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const bodySize = 1024

// A process is a server that runs beside us.
type process struct {
	url  string
	stop func()
}

const nginxConfig = `daemon off; worker_processes 1; pid %[1]s/nginx.pid; error_log %[1]s/error.log;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 100000000; keepalive_timeout 600s;
  client_body_temp_path %[1]s/a; proxy_temp_path %[1]s/b; fastcgi_temp_path %[1]s/c; uwsgi_temp_path %[1]s/d; scgi_temp_path %[1]s/e;
  server { listen %[2]s; root %[1]s/www; default_type text/plain; } }
`

// startNginx serves a kibibyte at a free port.
func startNginx(dir string) (*process, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := l.Addr().String()
	l.Close()
	www := filepath.Join(dir, "www")
	if err := os.MkdirAll(www, 0o777); err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o755); err != nil { // its worker is another user
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(www, "index.html"), bytes.Repeat([]byte("x"), bodySize), 0o666); err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, nginxConfig, dir, address), 0o666); err != nil {
		return nil, err
	}
	cmd := exec.Command("nginx", "-c", file, "-p", dir)
	cmd.Stderr = os.Stderr
	// As a service it has a session of its own, and so its own share of the
	// processors (sched_autogroup_enabled); in ours it would have part of ours.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("nginx, of the Debian package nginx-light: %w", err)
	}
	p := &process{"http://" + address + "/index.html", func() { cmd.Process.Signal(os.Interrupt); cmd.Wait() }}
	for range 100 {
		if resp, err := http.Get(p.url); err == nil {
			resp.Body.Close()
			return p, nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	p.stop()
	return nil, fmt.Errorf("nginx does not answer at %s", p.url)
}

// startResponder is serve in a process of its own: its memory is not ours.
func startResponder(gated bool) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "serve", fmt.Sprint(gated))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, err
	}
	return &process{strings.TrimSpace(address), func() { cmd.Process.Kill(); cmd.Wait() }}, nil
}

// serve answers every request with a kibibyte, as fast as it can: it reads no
// more of a request than the end of its header. With gated, the first request of
// every second host asks for a pause of two seconds.
func serve() {
	gated := len(os.Args) > 2 && os.Args[2] == "true"
	l, err := net.Listen("tcp4", "0.0.0.0:0") // all of 127.0.0.0/8
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("http://127.0.0.1:%d\n", l.Addr().(*net.TCPAddr).Port)
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go answer(c, gated)
	}
}

func answer(c net.Conn, gated bool) {
	defer c.Close()
	ok := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", bodySize, bytes.Repeat([]byte("x"), bodySize))
	busy := []byte("HTTP/1.1 503 Busy\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n")
	r := bufio.NewReader(c)
	for first := true; ; {
		odd := false
		for {
			line, err := r.ReadSlice('\n')
			if err != nil {
				return
			}
			if name, host, ok := bytes.Cut(line, []byte(": 127.0.0.")); ok && bytes.EqualFold(name, []byte("host")) {
				number, _, _ := bytes.Cut(host, []byte(":"))
				odd = len(number) > 0 && number[len(number)-1]%2 == 1
			}
			if len(line) <= 2 {
				break
			}
		}
		text := ok
		if gated && first && odd {
			text = busy
		}
		first = false
		if _, err := c.Write(text); err != nil {
			return
		}
	}
}
