//go:build unix

package http1

import (
	"net"
	"syscall"
)

// A probe looks whether a connection that waits is as it was left. Its functions
// are made once: this is done for each request.
type probe struct {
	raw  syscall.RawConn // nil: it is no socket, and its state is seen when it is used
	read func(fd uintptr) bool
	ok   bool
	room [1]byte
}

func (p *probe) init(nc net.Conn) {
	s, ok := nc.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return
	}
	p.raw = raw
	p.read = func(fd uintptr) bool {
		_, err := syscall.Read(int(fd), p.room[:])
		p.ok = err == syscall.EAGAIN // neither its end, nor an answer that nobody asked for
		return true
	}
}

func (p *probe) silent() bool {
	if p.raw == nil {
		return true
	}
	p.ok = false
	return p.raw.Read(p.read) == nil && p.ok
}
