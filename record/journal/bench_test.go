package journal

import (
	"fmt"
	"io"
	"testing"

	"holdfast/internal/vfs"
	"holdfast/record/seq"
)

// records is packets whose payload is 64 bytes long.
func records(n int) []seq.Frame {
	fs := make([]seq.Frame, n)
	for i := range fs {
		fs[i] = seq.Frame{Type: seq.FramePacket, Packet: seq.PacketFrame{Packet: seq.Packet{Sequence: uint64(i), Payload: make([]byte, 64)}}}
	}
	return fs
}

// BenchmarkAppend is 64-byte records, at each level and in batches.
func BenchmarkAppend(b *testing.B) {
	for _, c := range []struct {
		level Level
		batch int
	}{{Always, 1}, {Group, 64}, {Group, 1024}, {None, 1}, {None, 64}, {None, 1024}} {
		b.Run(fmt.Sprintf("%v/%d", c.level, c.batch), func(b *testing.B) {
			j, _, err := Open(vfs.OS{}, b.TempDir(), Config{Session: "s", Level: c.level})
			if err != nil {
				b.Fatal(err)
			}
			defer j.Close()
			batch := records(c.batch)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				lsn, err := j.Append(batch...)
				if err == nil {
					err = j.Commit(lsn)
				}
				if err != nil {
					b.Fatal(err)
				}
				n += c.batch
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

// BenchmarkStage is 64-byte records into the journal's memory, one a call.
func BenchmarkStage(b *testing.B) {
	j, _, err := Open(vfs.NewCrash(1, 1), "/j", Config{Session: "s", Level: None})
	if err != nil {
		b.Fatal(err)
	}
	one := records(1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := j.Stage(one...); err != nil {
			b.Fatal(err)
		}
		if len(j.enc.buf) > piece/2 {
			j.pending, j.enc.buf = 0, j.enc.buf[:0]
		}
	}
}

// BenchmarkSync is the floor of Append with a sync each.
func BenchmarkSync(b *testing.B) {
	f, _, err := vfs.CreateTemp(vfs.OS{}, b.TempDir(), 0o666)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 4096)
	data, ok := f.(interface {
		WriteAt([]byte, int64) (int, error)
		Sync() error
	})
	if !ok {
		b.Fatal("not a file")
	}
	for b.Loop() {
		if _, err := data.WriteAt(block, 0); err != nil {
			b.Fatal(err)
		}
		if err := data.Sync(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkScan is the recovery of 2 million records.
func BenchmarkScan(b *testing.B) {
	const n = 2_000_000
	dir := b.TempDir()
	j, _, err := Open(vfs.OS{}, dir, Config{Session: "s", Level: None})
	if err != nil {
		b.Fatal(err)
	}
	batch := records(1000)
	for range n / len(batch) {
		if _, err := j.Append(batch...); err != nil {
			b.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		r, err := NewReader(vfs.OS{}, dir, "s")
		if err != nil {
			b.Fatal(err)
		}
		for err == nil {
			_, err = r.Next()
		}
		if report := r.Report(); err != io.EOF || report.Frames != n {
			b.Fatal(err, report)
		}
		b.SetBytes(r.Report().Bytes)
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
