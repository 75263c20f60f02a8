package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"time"

	recorder "holdfast/record"
	"holdfast/record/journal"
	"holdfast/record/seq"
)

// A stream is packets in memory, framed as u64 sequence, f64 timestamp, u32
// checksum, u32 length, payload. It has duplicates and is out of order.
type stream struct {
	bytes []byte
	next  int
}

const (
	streamHead   = 24
	streamWindow = 10 // most places that a packet is late
)

func makeStream(packets int) []byte {
	draw := rand.New(rand.NewPCG(42, 42))
	type arrival struct{ at, sequence uint64 }
	var order []arrival
	for i := range uint64(packets) {
		order = append(order, arrival{i + draw.Uint64N(streamWindow), i})
		if draw.Float64() < .05 {
			order = append(order, arrival{i + draw.Uint64N(streamWindow), i})
		}
	}
	slices.SortStableFunc(order, func(a, b arrival) int { return cmp.Compare(a.at, b.at) })
	var b, payload []byte
	for _, a := range order {
		s := a.sequence
		payload = record(payload[:0], s)
		b = binary.LittleEndian.AppendUint64(b, s)
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(float64(s)*1e-6))
		b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(payload))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(payload)))
		b = append(b, payload...)
	}
	return b
}

func (s *stream) Receive(context.Context) (seq.Delivery, error) {
	b := s.bytes[s.next:]
	if len(b) < streamHead {
		return seq.Delivery{}, io.EOF
	}
	le := binary.LittleEndian
	n := int(le.Uint32(b[20:]))
	p := seq.Packet{Sequence: le.Uint64(b), Timestamp: math.Float64frombits(le.Uint64(b[8:])), Checksum: le.Uint32(b[16:]), Payload: b[streamHead : streamHead+n]}
	s.next += streamHead + n
	return seq.Delivery{Packet: p, Valid: p.Valid(), HeaderTrusted: true, Cursor: uint64(s.next)}, nil
}

func (s *stream) RequestRetransmit(uint64, int) error { return nil }

func (s *stream) Ready() bool { return s.next < len(s.bytes) }

// jsonLines is the stream as the recorder's files spell packets.
func jsonLines(framed []byte) (text []byte) {
	for s := (stream{bytes: framed}); s.Ready(); {
		d, _ := s.Receive(context.Background())
		text = fmt.Appendf(text, "{\"sequence\": %d, \"timestamp\": %v, \"payload\": \"%x\", \"checksum\": %d}\n", d.Sequence, d.Timestamp, d.Payload, d.Checksum)
	}
	return text
}

// A memoryFile is a file that is read at once.
type memoryFile struct{ *bytes.Reader }

func (memoryFile) Close() error { return nil }

// endToEnd runs the whole recorder on a stream.
func endToEnd(c *config, _ []*contestant, r *report) error {
	packets := c.records / 2
	framed := makeStream(packets)
	text := jsonLines(framed)
	names := []string{"packets in memory, 24 bytes of header each", "JSON lines in memory"}
	open := []func() recorder.Source{
		func() recorder.Source { return &stream{bytes: framed} },
		func() recorder.Source {
			return recorder.NewJSONL(recorder.JSONLConfig{Name: "memory", Open: func() (io.ReadCloser, error) { return memoryFile{bytes.NewReader(text)}, nil }})
		},
	}
	deliveries := float64(len(framed) / (streamHead + recordSize))
	wall, cpu := make([]sample, len(open)), make([]sample, len(open))
	for range c.rounds {
		for i := range open {
			took, busy, err := recordOne(c, open[i](), packets)
			if err != nil {
				return fmt.Errorf("end to end: %w", err)
			}
			wall[i], cpu[i] = append(wall[i], deliveries/took.Seconds()), append(cpu[i], deliveries/busy.Seconds())
		}
	}
	r.whole(packets, names, wall, cpu)
	return nil
}

func recordOne(c *config, src recorder.Source, packets int) (took, busy time.Duration, err error) {
	err = fresh(c, func(dir string) error {
		took, busy, err = recordIn(dir, src, packets)
		return err
	})
	return took, busy, err
}

func recordIn(dir string, src recorder.Source, packets int) (took, busy time.Duration, err error) {
	l, err := recorder.NewLogger(src, filepath.Join(dir, "events.log"), recorder.Config{
		Session: session, StateDir: dir, Policy: seq.Config{Window: streamWindow}, Journal: journal.Config{Level: journal.None}})
	if err != nil {
		return 0, 0, err
	}
	runtime.GC()
	start, used := time.Now(), cpuTime()
	stats, err := l.Run(context.Background())
	took, busy = time.Since(start), cpuTime()-used
	if err == nil && (stats.PacketsWritten != uint64(packets) || stats.Inversions != 0) {
		err = fmt.Errorf("%d of %d packets written, %d inversions", stats.PacketsWritten, packets, stats.Inversions)
	}
	return took, busy, err
}

// askedPerNeeded runs the simulation that the machine's own test makes.
func askedPerNeeded(_ *config, _ []*contestant, r *report) error {
	cmd := exec.Command("go", "test", "-short", "-count=1", "-v", "-run", "^TestLossModel$", "./record/seq")
	cmd.Dir, cmd.Env = "..", append(os.Environ(), "GOMAXPROCS=2")
	out, err := cmd.CombinedOutput()
	line := regexp.MustCompile(`coverage [0-9.]+, inverted .*`).Find(out)
	if line == nil {
		line = fmt.Appendf(nil, "not measured: %v", err)
	}
	r.asked(string(bytes.TrimSpace(line)), err == nil)
	return nil
}
