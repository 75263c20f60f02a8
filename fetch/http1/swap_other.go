//go:build !unix

package http1

import "net"

// A swap would write a request and read an answer in one. Here both are done by
// the connection's own means, and that it is not as it was left is seen when an
// answer does not come.
type swap struct{}

func (*swap) init(net.Conn) {}

func (*swap) can() bool { return false }

func (*swap) do(_, _ []byte, _ bool, _ func()) (sent, n int, err error) { panic("not here") }
