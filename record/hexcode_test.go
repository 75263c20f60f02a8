package record

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// TestHexOfEveryByte tries every byte value at every place of a word, as a byte
// and as a digit.
func TestHexOfEveryByte(t *testing.T) {
	t.Parallel()
	for place := range 11 {
		for v := range 256 {
			b := bytes.Repeat([]byte{0x5a}, 11)
			b[place] = byte(v)
			sameHex(t, b)
			text := []byte("0123456789abcdefABCDEF")
			text[place], text[place+11] = byte(v), byte(v)
			sameUnhex(t, text)
		}
	}
}

func FuzzHex(f *testing.F) {
	f.Add([]byte("00ffA0Fa"))
	f.Fuzz(func(t *testing.T, b []byte) {
		sameHex(t, b)
		sameUnhex(t, b)
	})
}

func sameHex(t *testing.T, b []byte) {
	t.Helper()
	if got, want := appendHex([]byte("x"), b), "x"+hex.EncodeToString(b); string(got) != want {
		t.Fatalf("%x: %s, want %s", b, got, want)
	}
}

func sameUnhex(t *testing.T, text []byte) {
	t.Helper()
	want, wantErr := hex.DecodeString(string(text))
	got, err := appendUnhex([]byte("x"), text)
	if (err == nil) != (wantErr == nil) || err == nil && !bytes.Equal(got, append([]byte("x"), want...)) {
		t.Fatalf("%q: %x, %v, want %x, %v", text, got, err, want, wantErr)
	}
}
