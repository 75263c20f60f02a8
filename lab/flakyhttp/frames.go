package flakyhttp

import (
	"net"
	"net/http"
)

func (s *Server) serveFrames(c net.Conn)                                    {}
func clearTextFrames(next http.Handler, frames func(net.Conn)) http.Handler { return next }
