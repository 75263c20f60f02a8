package journal

import (
	"encoding/hex"
	"hash/crc32"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast/internal/vfs"
	"holdfast/record/seq"
)

const (
	goldenHeader = "48464a524e4c0d0a01004000000000000100000000000000010000000000000000000000000000008eab7f503a89e182000000000000000000000000293c9c2f"
	goldenPacket = "34000000030000000100000000000000400000000000000001000000000000003c3b48dfa8d5503f0000000000000000f6410cf5000000007061636b65745f3030303030315f3737373537329457a4c5"
	goldenWrote  = "200000000400000002000000000000004000000000000000430000000000000080fd9d6201000000010000000000000001000000000000002c35033500000000"
	goldenLine   = "1,0.001027502931836912,7061636b65745f3030303030315f373737353732,OK\n"
)

func goldenFrames() []seq.Frame {
	payload := []byte("packet_000001_777572")
	return []seq.Frame{
		{Type: seq.FramePacket, Packet: seq.PacketFrame{Packet: seq.Packet{
			Sequence: 1, Timestamp: 0.001027502931836912, Payload: payload, Checksum: crc32.ChecksumIEEE(payload)}}},
		{Type: seq.FrameWrote, Wrote: seq.WroteFrame{End: uint64(len(goldenLine)), CRC: crc32.Checksum([]byte(goldenLine), castagnoli),
			Runs: []seq.LineRun{{First: 1, Count: 1, Status: 0}}}},
	}
}

// Section 6.3: the bytes of a journal. Its example has a line of status 0,
// which its table does not know: it is written if it is given, and read as OK.
func TestGolden(t *testing.T) {
	t.Parallel()
	disk := vfs.NewCrash(1, 0)
	j, _, err := Open(disk, "d/lab-42.journal", Config{Session: "lab-42"})
	if err != nil {
		t.Fatal(err)
	}
	if lsn, err := j.Append(goldenFrames()...); lsn != 2 || err != nil {
		t.Fatalf("Append: %d, %v", lsn, err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	got := contents(t, disk, "d/lab-42.journal/0000000000000001.seg")
	if want := goldenHeader + goldenPacket + goldenWrote; hex.EncodeToString(got) != want {
		t.Errorf("got  %x (%d)\nwant %s (%d)", got, len(got)*2, want, len(want))
	}
	r, err := NewReader(disk, "d/lab-42.journal", "lab-42")
	if err != nil {
		t.Fatal(err)
	}
	want := goldenFrames()
	want[1].Wrote.Runs[0].Status = seq.OK
	for i := range want {
		e, err := r.Next()
		if err != nil || e.LSN != LSN(i+1) || e.Watermark != 64 {
			t.Fatalf("%+v, %v", e, err)
		}
		if diff := cmp.Diff(want[i], only(*e.Frame)); diff != "" {
			t.Errorf("frame %d (-want +got):\n%s", i+1, diff)
		}
	}
}

func TestChecksumCoversThePlace(t *testing.T) {
	t.Parallel()
	f := goldenFrames()[0]
	n, err := bodySize(&f)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []struct {
		segment uint64
		offset  int64
		end     string
	}{{1, 64, "9457a4c5"}, {2, 64, "2a0b0b90"}, {1, 128, "ad27f0de"}} {
		var e encoder
		e.frame(&place{segment: at.segment, offset: at.offset, lsn: 1, watermark: 64}, &f, n)
		if got := hex.EncodeToString(e.buf[len(e.buf)-4:]); got != at.end {
			t.Errorf("segment %d offset %d: ends %s, want %s", at.segment, at.offset, got, at.end)
		}
	}
}

func TestHeader(t *testing.T) {
	t.Parallel()
	good, err := hex.DecodeString(goldenHeader)
	if err != nil {
		t.Fatal(err)
	}
	h, err := parseHeader(good)
	if want := (header{id: 1, first: 1, session: sessionID("lab-42")}); h != want || err != nil {
		t.Errorf("got %+v, %v", h, err)
	}
	for bit := range len(good) * 8 {
		b := append([]byte(nil), good...)
		b[bit/8] ^= 1 << (bit % 8)
		if _, err := parseHeader(b); err != errDamaged {
			t.Errorf("bit %d flipped: %v", bit, err)
		}
	}
	for n := range len(good) {
		if _, err := parseHeader(good[:n]); err != errDamaged {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
}

// One frame of each type, at the edges of its fields.
func someFrames() []seq.Frame {
	const most = math.MaxUint64
	return []seq.Frame{
		{Type: seq.FrameSession, Session: &seq.SessionFrame{First: seq.FirstOfStream, Source: 3, Name: "lab-42", Log: "dir/events.log"}},
		{Type: seq.FrameSession, Session: &seq.SessionFrame{}},
		{Type: seq.FrameStart, Start: &seq.StartFrame{Run: most, Wall: -1, Cursor: most, Depth: math.MaxUint32}},
		{Type: seq.FramePacket, Packet: seq.PacketFrame{Packet: seq.Packet{Sequence: most, Timestamp: math.Inf(-1), Payload: []byte{}, Checksum: math.MaxUint32},
			At: -1, Origin: seq.Answer, Line: 1}},
		{Type: seq.FramePacket, Packet: seq.PacketFrame{Packet: seq.Packet{Timestamp: math.Copysign(0, -1), Payload: []byte("a,b\n\x00")}}},
		{Type: seq.FrameWrote, Wrote: seq.WroteFrame{End: most, CRC: 7, Synced: true, Runs: []seq.LineRun{{First: 1, Count: 2, Status: seq.Late}, {First: most, Count: math.MaxUint32, Status: seq.Retransmit}}}},
		{Type: seq.FrameWrote, Wrote: seq.WroteFrame{Runs: []seq.LineRun{}}},
		{Type: seq.FrameRequest, Request: seq.Range{First: 9, Count: 65_534, Cause: seq.Background, Try: 255}},
		{Type: seq.FrameGap, Gap: seq.GapFrame{First: 1, Last: most, State: seq.GapClosed, Cause: seq.Sweep, Tries: math.MaxUint16}},
		{Type: seq.FrameTally, Tally: seq.TallyFrame{Cursor: most, Held: math.MaxUint32, Deltas: []seq.Delta{{Counter: 255, By: most}, {Counter: 1}, {Counter: 2, By: 127}, {Counter: 3, By: 128}}}},
		{Type: seq.FrameTally, Tally: seq.TallyFrame{Deltas: []seq.Delta{}}},
		{Type: seq.FramePolicy, Policy: &seq.PolicyFrame{Extent: most, Delay: -1, SRTT: 2, RTTVar: 3, Backoff: 4, Tokens: 5, Misses: 6, Skipped: 7,
			Quarantined: 8, Windows: []seq.Window{{First: 9, Last: 10}, {First: 11, Last: most}}}},
		{Type: seq.FramePolicy, Policy: &seq.PolicyFrame{}},
		{Type: seq.FrameStop, Stop: seq.StopDiskFull},
	}
}
