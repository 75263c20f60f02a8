package lossy

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"

	"holdfast/record/seq"
)

// A byteError is damage of a file: of the value that begins at a byte, or
// after a comma and spaces there.
type byteError struct {
	at  int64
	err error
}

func (e *byteError) Error() string { return fmt.Sprintf("byte %d: %v", e.at, e.err) }
func (e *byteError) Unwrap() error { return e.err }

// A decoder reads a JSON file value by value, so that memory is bounded by
// what is kept of it, which is of the order of its size.
type decoder struct {
	*json.Decoder
	src *input
}

// input keeps the errors of the reader apart from those of its contents.
type input struct {
	io.Reader
	n   int64 // bytes read
	err error
}

func (in *input) Read(p []byte) (int, error) {
	n, err := in.Reader.Read(p)
	in.n += int64(n)
	if err != nil && err != io.EOF {
		in.err = err
	}
	return n, err
}

func newDecoder(r io.Reader) *decoder {
	src := &input{Reader: r}
	return &decoder{json.NewDecoder(src), src}
}

// at says that what is wrong lies behind offset, unless err is one of the disk
// or has its place already.
func (d *decoder) at(offset int64, err error) error {
	var place *byteError
	switch {
	case d.src.err != nil:
		return &readError{d.src.err}
	case errors.As(err, &place):
		return err
	case err == io.EOF, err == io.ErrUnexpectedEOF:
		return &byteError{d.src.n, errors.New("the file ends too early")}
	}
	return &byteError{offset, err}
}

// readError is a file that could not be read, whatever it holds.
type readError struct{ err error }

func (e *readError) Error() string { return e.err.Error() }
func (e *readError) Unwrap() error { return e.err }

// list reads a JSON array, each element with one.
func (d *decoder) list(one func() error) error {
	if err := d.delim('['); err != nil {
		return err
	}
	for d.More() {
		at := d.InputOffset()
		if err := one(); err != nil {
			return d.at(at, err)
		}
	}
	return d.delim(']')
}

func (d *decoder) delim(want json.Delim) error {
	at := d.InputOffset()
	t, err := d.Token()
	if err == nil && t != want {
		err = fmt.Errorf("%q expected", want.String())
	}
	if err != nil {
		return d.at(at, err)
	}
	return nil
}

// end checks that nothing but space follows.
func (d *decoder) end() error {
	at := d.InputOffset()
	if _, err := d.Token(); err != io.EOF {
		return d.at(at, errors.New("something follows what should be the whole file"))
	}
	return nil
}

// number reads an integer that JSON and Python agree on.
func (d *decoder) number() (uint64, error) {
	var n *uint64
	if err := d.Decode(&n); err != nil {
		return 0, err
	}
	if n == nil {
		return 0, errors.New("null is no sequence")
	}
	return *n, nil
}

// readStream reads a packets file. Unknown keys are passed over; of repeated
// ones the last counts.
func readStream(r io.Reader, seed *big.Int) (*Stream, error) {
	d, s := newDecoder(r), &Stream{Seed: seed, Total: -1}
	if err := d.delim('{'); err != nil {
		return nil, err
	}
	missing := map[string]bool{"generated_sequences": true, "delivery_queue": true}
	for d.More() {
		at := d.InputOffset()
		key, err := d.Token()
		if err == nil {
			delete(missing, key.(string)) // the decoder takes only strings for keys
			err = s.readField(d, key.(string))
		}
		if err != nil {
			return nil, d.at(at, err)
		}
	}
	if err := d.delim('}'); err != nil {
		return nil, err
	}
	for _, key := range []string{"generated_sequences", "delivery_queue"} {
		if missing[key] {
			return nil, d.at(d.InputOffset(), fmt.Errorf("%q is missing", key))
		}
	}
	slices.Sort(s.Sequences)
	s.Sequences = slices.Compact(s.Sequences)
	return s, d.end()
}

func (s *Stream) readField(d *decoder, key string) error {
	switch key {
	case "total_packets":
		return s.readTotal(d)
	case "generated_sequences":
		s.Sequences = s.Sequences[:0]
		return d.list(func() error {
			n, err := d.number()
			s.Sequences = append(s.Sequences, n)
			return err
		})
	case "delivery_queue":
		s.Queue = s.Queue[:0]
		return d.list(func() error {
			item, err := readItem(d)
			s.Queue = append(s.Queue, item)
			return err
		})
	}
	var skipped json.RawMessage
	return d.Decode(&skipped)
}

// readTotal reads a field that nothing depends on: anything but an integer is
// as good as none.
func (s *Stream) readTotal(d *decoder) error {
	var raw json.RawMessage
	if err := d.Decode(&raw); err != nil {
		return err
	}
	var n *int
	s.Total = -1
	if json.Unmarshal(raw, &n) == nil && n != nil {
		s.Total = *n
	}
	return nil
}

// readItem reads one element of the queue. A field that is missing or null is
// as fatal as it is to the reference.
func readItem(d *decoder) (Item, error) {
	var raw struct {
		Priority  *int64
		Corrupted *bool
		Packet    struct {
			Sequence  *uint64
			Timestamp *float64
			Payload   *string
			Checksum  *uint32
		}
	}
	if err := d.Decode(&raw); err != nil {
		return Item{}, err
	}
	p := raw.Packet
	for _, f := range []struct {
		name    string
		missing bool
	}{
		{"priority", raw.Priority == nil},
		{"corrupted", raw.Corrupted == nil},
		{"sequence", p.Sequence == nil},
		{"timestamp", p.Timestamp == nil},
		{"payload", p.Payload == nil},
		{"checksum", p.Checksum == nil},
	} {
		if f.missing {
			return Item{}, fmt.Errorf("%q is missing", f.name)
		}
	}
	payload, err := hex.DecodeString(*p.Payload)
	if err != nil {
		return Item{}, fmt.Errorf("payload of packet %d: %w", *p.Sequence, err)
	}
	return Item{
		Priority:  *raw.Priority,
		Packet:    seq.Packet{Sequence: *p.Sequence, Timestamp: *p.Timestamp, Payload: payload, Checksum: *p.Checksum},
		Corrupted: *raw.Corrupted,
	}, nil
}
