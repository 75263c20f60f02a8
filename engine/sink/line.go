package sink

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"holdfast/record"
	"holdfast/record/publish"
)

// A line is one of the log, ready to be published.
type line struct {
	seq       uint64
	timestamp string // as it stands in the log
	status    string
	payload   []byte
	to        publish.Place // behind it
}

// A logReader reads a log that grows, up to where it is known to have lines.
type logReader struct {
	path string
	file *os.File
	in   *bufio.Reader
	at   publish.Place
	end  uint64 // bytes
}

func openReader(path string) (*logReader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return &logReader{path: path, file: f, in: bufio.NewReaderSize(f, 256<<10)}, nil
}

func (r *logReader) close() { r.file.Close() }

// more reports whether there is another line.
func (r *logReader) more() bool { return r.at.Bytes < r.end }

func (r *logReader) seek(to publish.Place) error {
	if to == r.at {
		return nil
	}
	_, err := r.file.Seek(int64(to.Bytes), io.SeekStart)
	r.in.Reset(r.file)
	r.at = to
	return err
}

// next gives the next line; its payload is its own.
func (r *logReader) next() (*line, error) {
	text, err := r.in.ReadBytes('\n')
	if err != nil {
		if err == io.EOF {
			err = errors.New("it is shorter than it was: is another program writing to it?")
		}
		return nil, fmt.Errorf("%s: %w", r.path, err)
	}
	r.at.Lines++
	r.at.Bytes += uint64(len(text))
	return parseLine(r.path, r.at, text[:len(text)-1])
}

func parseLine(path string, to publish.Place, text []byte) (*line, error) {
	l, err := record.ParseLine(text)
	if err != nil {
		return nil, &record.InputError{Path: path, Line: int64(to.Lines), Err: err}
	}
	_, rest, _ := bytes.Cut(text, []byte{','})
	timestamp, _, _ := bytes.Cut(rest, []byte{','})
	return &line{seq: l.Sequence, timestamp: string(timestamp), status: l.Status.String(), payload: l.Payload, to: to}, nil
}
