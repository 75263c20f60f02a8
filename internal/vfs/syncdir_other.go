//go:build !unix

package vfs

// syncDir does nothing: these systems have no call for it, and write names
// through their own journal.
func syncDir(string) error { return nil }
