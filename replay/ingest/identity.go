package ingest

import (
	"os"

	"holdfast/internal/stream"
)

// Identity is what tells whether a file is still the one that was read.
type Identity struct {
	path string
	info os.FileInfo // nil: standard input, which cannot be looked at twice
}

// Identify looks at the file of that path; "-" is standard input. The error is
// an *InputError.
func Identify(path string) (Identity, error) {
	if path == "-" {
		return Identity{path: path}, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return Identity{}, unusable(stream.Unreadable(path, err))
	}
	return Identity{path, info}, nil
}

// Changed returns an *InputError if the path now names another file, or one of
// another size or modification time (R12). Pipes and devices never change.
func (id Identity) Changed() error {
	if id.info == nil || !id.info.Mode().IsRegular() {
		return nil
	}
	now, err := os.Stat(id.path)
	if err == nil && os.SameFile(id.info, now) && now.Size() == id.info.Size() && now.ModTime().Equal(id.info.ModTime()) {
		return nil
	}
	return &InputError{File: id.path, Reason: "changed while it was read", Hint: "stop its writer or copy it, and run again", Err: err}
}
