package lossy

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/big"
	"os"
	"strconv"
)

// Trace receives to the end, asks for every packet that comes damaged, and
// writes each delivery as a JSON line, as it came:
//
//	{"sequence": 2, "timestamp": 0.0020…, "payload": "7061…", "checksum": 4, "valid": true}
//
// A source that ends the process ends the trace with [ErrTerminated].
func Trace(ctx context.Context, s *Source, w io.Writer) error {
	out := bufio.NewWriterSize(w, 1<<16)
	var line []byte
	for {
		d, err := s.Receive(ctx)
		if err == io.EOF {
			return out.Flush()
		}
		if err != nil {
			out.Flush() // what came until then; err counts more than a failure here
			return err
		}
		line = appendPacket(append(line[:0], '{'), d.Packet)
		line = append(line, `, "valid": `...)
		line = strconv.AppendBool(line, d.Valid)
		if _, err := out.Write(append(line, "}\n"...)); err != nil {
			return err
		}
		if !d.Valid {
			if err := s.RequestRetransmit(d.Sequence, 1); err != nil {
				return err
			}
		}
	}
}

// Demo runs a source without terminations to its end, asks for every packet
// that comes damaged, and writes the six lines of the reference's run_demo.
// Its files go to a new folder in dir, or in the system's folder for temporary
// files if dir is "", which is gone afterwards.
func Demo(w io.Writer, seed *big.Int, packets int, dir string) (err error) {
	c := Default(0)
	c.Seed, c.TotalPackets, c.TerminationProb = seed, packets, 0
	if c.StateDir, err = os.MkdirTemp(dir, "holdfast-demo-"); err != nil {
		return err
	}
	defer func() {
		if removed := os.RemoveAll(c.StateDir); err == nil {
			err = removed
		}
	}()
	s, err := New(c)
	if err != nil {
		return err
	}
	var received []uint64
	corrupted := 0
	for {
		d, err := s.Receive(context.Background())
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if d.Valid {
			received = append(received, d.Sequence)
			continue
		}
		corrupted++
		if err := s.RequestRetransmit(d.Sequence, 1); err != nil {
			return err
		}
	}
	return summarize(w, s.TotalDeliveries(), corrupted, received)
}

func summarize(w io.Writer, deliveries, corrupted int, received []uint64) error {
	times := map[uint64]int{}
	repeated, falls := 0, 0
	for i, q := range received {
		if times[q]++; times[q] == 2 {
			repeated++
		}
		if i > 0 && received[i-1] > q {
			falls++
		}
	}
	_, err := fmt.Fprintf(w, `Total deliveries: %d
Received: %d packets
Corrupted: %d
Unique sequences: %d
Duplicates: %d
Inversions: %d
`, deliveries, len(received), corrupted, len(times), repeated, falls)
	return err
}
