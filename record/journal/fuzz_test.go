package journal

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"testing"

	"holdfast/internal/vfs"
	"holdfast/record/seq"
)

// What a decoder accepts, an encoder makes again, but for a status of 0.
func FuzzBody(f *testing.F) {
	for _, frame := range someFrames() {
		f.Add(byte(frame.Type), appendBody(nil, &frame))
	}
	f.Fuzz(func(t *testing.T, typ byte, b []byte) {
		var d decoder
		frame, ok := d.decode(seq.FrameType(typ), b)
		if !ok {
			return
		}
		n, err := bodySize(frame)
		if err != nil || n != len(b) {
			t.Fatalf("%d bytes, then %d: %v", len(b), n, err)
		}
		again := appendBody(nil, frame)
		if frame.Type == seq.FrameWrote {
			b = bytes.Clone(b)
			for at := wroteHead; at < len(b); at += lineRun {
				if b[at+12] == 0 {
					b[at+12] = byte(seq.OK)
				}
			}
		}
		if !bytes.Equal(again, b) {
			t.Fatalf("%x\n%x", b, again)
		}
	})
}

// Any bytes as the last segment, or as one that others follow: no panic, LSNs
// that grow, an end, and an opening that a second one confirms.
func FuzzSegment(f *testing.F) {
	for _, text := range []string{"", goldenHeader, goldenHeader + goldenPacket, goldenHeader + goldenPacket + goldenWrote} {
		b, err := hex.DecodeString(text)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, false)
		f.Add(append(b, 0xFF, 0, 0, 0, 3), true)
	}
	f.Fuzz(func(t *testing.T, b []byte, followed bool) {
		disk := vfs.NewCrash(1, 0)
		if err := disk.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		put(t, disk, seg1, b)
		if followed {
			next := header{id: 2, first: 3, session: sessionID("lab-42")}.append(nil)
			put(t, disk, segmentPath(2), next)
		}
		first, _, err := readAll(disk)
		if errors.Is(err, ErrVersion) || errors.Is(err, ErrForeign) {
			return
		}
		j, _, err := Open(disk, dir, Config{Session: "lab-42"})
		if err != nil {
			t.Fatal(err)
		}
		mustClose(t, j)
		second, report, err := readAll(disk)
		if err != nil || second < first || report.Torn != nil {
			t.Fatalf("%d frames, then %d, %+v, %v", first, second, report, err)
		}
	})
}

func readAll(disk vfs.Disk) (frames int, report Report, err error) {
	r, err := NewReader(disk, dir, "lab-42")
	if err != nil {
		return 0, report, err
	}
	defer r.Close()
	var last LSN
	for {
		e, err := r.Next()
		if err == io.EOF {
			return frames, r.Report(), nil
		}
		if err != nil {
			return frames, report, err
		}
		if e.LSN <= last {
			return frames, report, errors.New("LSN does not grow")
		}
		last = e.LSN
		frames++
	}
}
