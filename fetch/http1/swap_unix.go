//go:build unix

package http1

import (
	"io"
	"net"
	"os"
	"syscall"
)

// A swap writes a request and waits for the answer, with as few system calls as
// there can be: it looks whether the connection is as it was left, writes, and
// does not read before the poller says that there is something. Each other order
// would lose what comes in between or ask once in vain. Its function is made
// once: this is done for each request.
type swap struct {
	raw  syscall.RawConn // nil: it is no plain connection of TCP
	step func(fd uintptr) bool

	out, in []byte
	look    bool
	wrote   func()
	sent    int
	n       int
	err     error
}

// init takes no connection that only has a socket in it: it may do more when it
// reads and writes.
func (s *swap) init(nc net.Conn) {
	if c, ok := nc.(*net.TCPConn); ok {
		s.raw, _ = c.SyscallConn()
	}
	s.step = s.next
}

// can reports whether do works here.
func (s *swap) can() bool { return s.raw != nil }

// do writes out and then reads into in, which may give a part of an answer. If
// look is set and something has come already, or the end, nothing is written and
// the error is errStale. wrote is called between writing and reading. If not all
// could be written at once, sent is less than len(out), nothing was read and the
// error is nil.
func (s *swap) do(out, in []byte, look bool, wrote func()) (sent, n int, err error) {
	s.out, s.in, s.look, s.wrote = out, in, look, wrote
	s.sent, s.n, s.err = 0, 0, nil
	err = s.raw.Read(s.step)
	if s.err != nil {
		err = s.err
	}
	s.out, s.in, s.wrote = nil, nil, nil
	return s.sent, s.n, err
}

// next is called until it says that the swap is over, and again when the
// connection becomes readable. The poller has forgotten all that was before the
// first call, and nothing that came since.
func (s *swap) next(fd uintptr) (over bool) {
	if s.sent == 0 {
		if s.look {
			if _, err := again(syscall.Read, fd, s.in[:1]); err != syscall.EAGAIN {
				s.err = errStale // its end, or an answer that nobody asked for
				return true
			}
		}
		n, err := again(syscall.Write, fd, s.out)
		s.sent = max(n, 0)
		switch {
		case err == syscall.EAGAIN:
			return true
		case err != nil:
			s.err = os.NewSyscallError("write", err)
			return true
		case n < len(s.out):
			return true
		}
		s.wrote()
		return false
	}
	n, err := again(syscall.Read, fd, s.in)
	switch {
	case err == syscall.EAGAIN:
		return false
	case err != nil:
		s.err = os.NewSyscallError("read", err)
	case n == 0:
		s.err = io.EOF
	default:
		s.n = n
	}
	return true
}

// again makes a system call until no signal interrupts it.
func again(call func(int, []byte) (int, error), fd uintptr, p []byte) (int, error) {
	for {
		n, err := call(int(fd), p)
		if err != syscall.EINTR {
			return n, err
		}
	}
}
