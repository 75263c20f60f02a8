package record_test

import (
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"math"
	"strings"
	"testing"

	"holdfast/lab/lossy"
	"holdfast/record"
	"holdfast/record/journal"
	"holdfast/record/seq"
)

// Section 8, sequencing tables: payloads and timestamps of every kind go from
// the source through journal and log unchanged, whether the packet comes in its
// turn, waits behind a gap or is read again from the journal by another process.
func TestContents(t *testing.T) {
	t.Parallel()
	long := func(n int) []byte { return bytes.Repeat([]byte("x,\n\x00\xff\"0"), n/7+1)[:n] }
	payloads := map[string][]byte{
		"empty": {}, "one byte": {0}, "65,535 bytes": long(65535), "65,536 bytes": long(65536), "1 MiB": long(1 << 20),
		"commas and newlines": []byte("a,b\nc,OK\r\n,,\n"), "NULs": make([]byte, 100), "not UTF-8": {0xff, 0xfe, 0x80},
	}
	timestamps := map[string][]float64{
		"equal": {1.5, 1.5, 1.5, 1.5}, "falling": {4, 3, 2, 1}, "negative": {-1, -0.25, -1e300, math.Copysign(0, -1)},
		"NaN": {math.NaN(), 1, math.NaN(), math.NaN()}, "inf": {math.Inf(1), math.Inf(-1), 0, math.MaxFloat64},
		"1e16": {1e16, 1e15, 9.999e-5, 1e22}, "subnormal": {5e-324, 2.2250738585072009e-308, -5e-324, 0},
	}
	cases := map[string][4]seq.Packet{}
	for name, b := range payloads {
		for i := range uint64(4) {
			c := cases["payload: "+name]
			c[i] = checked(i, float64(i), b)
			cases["payload: "+name] = c
		}
	}
	for name, times := range timestamps {
		var c [4]seq.Packet
		for i, at := range times {
			c[i] = checked(uint64(i), at, []byte("hi"))
		}
		cases["timestamps: "+name] = c
	}
	for name, p := range cases {
		for how, order := range map[string][]int{"in its turn": {0, 1, 2, 3}, "waiting": {3, 2, 1, 0}, "twice": {0, 0, 3, 1, 3, 2, 1}} {
			if testing.Short() && how != "waiting" {
				continue
			}
			for _, killed := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, %s, killed %t", name, how, killed), func(t *testing.T) {
					t.Parallel()
					r := newRig(t, 0)
					r.c.Session, r.c.Disk, r.c.Journal.Level = "contents", r.disk, journal.Group
					var packets []seq.Packet
					var want strings.Builder
					for _, i := range order {
						packets = append(packets, p[i])
					}
					for i := range p {
						want.Write(record.AppendLine(nil, p[i], seq.OK))
					}
					if killed { // when the first of them are in the journal
						src := &dyingSource{packetSource{packets: packets}, len(packets) - 1}
						if _, err := r.recordFrom(src); err != lossy.ErrTerminated {
							t.Fatal(err)
						}
						r.crash.Cut()
					}
					s, err := r.recordFrom(&packetSource{packets: packets})
					if err != nil {
						t.Fatal(err)
					}
					if log := string(r.read(rigLog)); log != want.String() {
						t.Errorf("log:\n%.200q\nwant\n%.200q", log, want.String())
					}
					if s.Total.PacketsWritten != 4 || s.Total.Extra["conflicts"] != 0 || len(r.warns) > 0 {
						t.Errorf("%+v, warnings %v", s.Total, r.warns)
					}
					r.verified(name)
					var again bytes.Buffer
					reader, err := journal.NewReader(r.crash, record.JournalDir(rigState, "contents"), "contents")
					if err != nil {
						t.Fatal(err)
					}
					if _, err := record.Rebuild(&again, reader); err != nil || again.String() != want.String() {
						t.Errorf("from the journal: %.200q, %v", again.String(), err)
					}
				})
			}
		}
	}
}

func checked(sequence uint64, timestamp float64, payload []byte) seq.Packet {
	return seq.Packet{Sequence: sequence, Timestamp: timestamp, Payload: payload, Checksum: crc32.ChecksumIEEE(payload)}
}

// A dyingSource ends the process instead of its n-th packet.
type dyingSource struct {
	packetSource
	n int
}

func (s *dyingSource) Caps() seq.Caps { return seq.Caps{MayExit: true} }
func (s *dyingSource) Ready() bool    { return false }

func (s *dyingSource) Receive(ctx context.Context) (seq.Delivery, error) {
	if s.next == s.n {
		return seq.Delivery{}, lossy.ErrTerminated
	}
	return s.packetSource.Receive(ctx)
}

func (r *rig) recordFrom(src record.Source) (record.Stats, error) {
	r.t.Helper()
	r.c.Policy = seq.Config{Window: 8, Ask: seq.AskNever}
	l, err := record.NewLogger(src, rigLog, r.c)
	if err != nil {
		r.t.Fatal(err)
	}
	return l.Run(r.t.Context())
}
