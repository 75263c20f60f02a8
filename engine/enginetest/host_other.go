//go:build !linux

package enginetest

// Host is the only loopback address that is there without being set up.
const Host = "127.0.0.1"
