package lossy

import (
	"bytes"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzStream: what is accepted as a packets file is written so that it reads
// back as the same stream.
func FuzzStream(f *testing.F) {
	small := Default(42)
	small.TotalPackets = 4
	s, err := Generate(small)
	if err != nil {
		f.Fatal(err)
	}
	var file bytes.Buffer
	if err := s.writeFile(&file); err != nil {
		f.Fatal(err)
	}
	f.Add(file.Bytes())
	f.Add([]byte(`{"generated_sequences": [2, 1, 1], "delivery_queue": [], "total_packets": null}`))
	f.Add([]byte(`{"delivery_queue": [{"packet": {"sequence": 18446744073709551615, "timestamp": -0.0, "payload": "", "checksum": 0}, "priority": -1, "corrupted": true}], "generated_sequences": []}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		seed := big.NewInt(42)
		s, err := readStream(bytes.NewReader(text), seed)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\x00") {
				t.Fatalf("more than a line: %q", err)
			}
			return
		}
		var file bytes.Buffer
		if err := s.writeFile(&file); err != nil {
			t.Fatal(err)
		}
		again, err := readStream(&file, seed)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(s.Queue, again.Queue) + cmp.Diff(s.Sequences, again.Sequences); diff != "" || s.Total != again.Total {
			t.Fatalf("%s total %d, %d", diff, s.Total, again.Total)
		}
	})
}

// FuzzRequests: an accepted list reads back from what is saved for it.
func FuzzRequests(f *testing.F) {
	for _, text := range []string{"[]", "[3, 17]", "", "[-1]", "[1e3]", "[1,]", "[18446744073709551615]", "[[]]", "[1] [2]"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		list, _, err := readRequests(bytes.NewReader(text))
		if err != nil {
			return
		}
		again, left, err := readRequests(bytes.NewReader(appendList(nil, list)))
		if err != nil || left != 0 || !cmp.Equal(list, again) {
			t.Fatalf("%v became %v (%v)", list, again, err)
		}
	})
}

// FuzzPosition: a position lies within the queue.
func FuzzPosition(f *testing.F) {
	for _, text := range []string{"0", "20\n", "", "-1", "21", "99999999999999999999", "+1", "0x1"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if n, err := readPosition(bytes.NewReader(text), 20); err == nil && (n < 0 || n > 20) {
			t.Fatalf("%q: %d", text, n)
		}
	})
}
