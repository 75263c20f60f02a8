package ingest

import (
	"context"
	"errors"
	"io"

	"holdfast/internal/stream"
)

// Open opens a text file: gzip and zstd are recognised by content and undone,
// members and frames that follow each other included; a UTF-8 byte order mark
// is dropped (R2, R3). "-" is standard input. Other encodings and compressions
// are refused. Errors, also those of Read, are *InputError, or ctx's own: neither
// waits for whoever writes a pipe once ctx is done.
func Open(ctx context.Context, path string) (io.ReadCloser, error) {
	s, err := openText(ctx, path, nil)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// text is an open file as its readers see it.
type text struct {
	*stream.Stream
	name string
	id   Identity
}

func openText(ctx context.Context, path string, stdin io.Reader) (*text, error) {
	s, err := stream.Open(ctx, path, stdin)
	if err == nil {
		if err = s.Text(); err != nil {
			s.Close()
		}
	}
	if err != nil {
		return nil, unusable(err)
	}
	return &text{s, s.Name(), Identity{path, s.Info()}}, nil
}

// Read reads the text.
func (t *text) Read(b []byte) (int, error) {
	n, err := t.Stream.Read(b)
	if err != nil && err != io.EOF {
		err = unusable(err)
	}
	return n, err
}

// unusable turns an error of package stream into an *InputError.
func unusable(err error) error {
	var e *stream.Error
	if errors.As(err, &e) {
		return &InputError{File: e.Name, Reason: e.Reason, Hint: e.Hint, Err: e.Err}
	}
	return err
}
