package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/bits"

	"holdfast/replay"
)

// fingerprint is the sum modulo 2^256 of the SHA-256 of each record's
// canonical form: the same for the same records in any order, and, unlike an
// exclusive or, different when a record comes twice.
type fingerprint struct {
	sum [4]uint64 // least significant word first
	buf encoder
}

func (f *fingerprint) add() {
	h := sha256.Sum256(f.buf)
	var carry uint64
	for i := range f.sum {
		word := binary.BigEndian.Uint64(h[24-8*i:])
		f.sum[i], carry = bits.Add64(f.sum[i], word, carry)
	}
	f.buf = f.buf[:0]
}

func (f *fingerprint) event(v replay.Event) { encodeEvent(&f.buf, v); f.add() }

func (f *fingerprint) attempt(v replay.Attempt) {
	f.buf.str(v.Event)
	f.buf.str(v.Worker)
	f.buf.time(v.Start)
	f.buf.bool(v.Open)
	if !v.Open {
		f.buf.time(v.End)
	}
	f.buf.uint(uint64(v.Status))
	f.add()
}

func (f *fingerprint) row(v replay.Row) {
	f.buf.str(v.Symbol)
	f.buf.time(v.Time)
	f.buf.price(v.Price)
	f.add()
}

// String is the sum in hexadecimal, most significant digit first.
func (f *fingerprint) String() string {
	var b [32]byte
	for i, word := range f.sum {
		binary.BigEndian.PutUint64(b[24-8*i:], word)
	}
	return hex.EncodeToString(b[:])
}
