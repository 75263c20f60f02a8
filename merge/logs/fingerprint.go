package logs

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"slices"
)

// A fingerprint stands for the KEY of a record: 128 bits of a keyed hash. The
// zero value stands for a record that has no KEY and equals none.
type fingerprint struct{ a, b uint64 }

func (f fingerprint) append(dst []byte) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(dst, f.a), f.b)
}

func readFingerprint(b []byte) (f fingerprint, rest []byte) {
	return fingerprint{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}, b[16:]
}

// A printer makes fingerprints. The hash is GHASH (NIST SP 800-38D) under a
// random key: two different KEYs of up to n blocks of 16 bytes have the same
// one with a probability of at most n+1 in 2^128, whoever chose them, as long
// as they were chosen without knowing the key. AES only masks the result, with
// the same mask for all. A hash without a key would have to be several times
// slower to promise as much.
type printer struct {
	hash    cipher.AEAD
	columns []column // nil: the whole line
	skip    int      // fields before those of the columns
	keep    bool     // a record without KEY is kept, rather than a fault
}

func newPrinter(columns []column, skip int, keep bool) (*printer, error) {
	var key [16]byte
	rand.Read(key[:]) // never fails
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	hash, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &printer{hash, columns, skip, keep}, nil
}

var noNonce [12]byte

// of is the fingerprint of a record. scratch is the caller's, to be used again.
func (p *printer) of(line []byte, fields []field, scratch *[]byte) (fingerprint, error) {
	text := line
	if p.columns != nil {
		key := slices.Grow((*scratch)[:0], 64)
		for i, c := range p.columns {
			f := fields[p.skip+i]
			ok := false
			if !f.missing {
				key, ok = appendPart(key, c.kind, f.text, len(p.columns) == 1)
			}
			switch {
			case ok:
			case !f.missing && len(f.text) > 0:
				return fingerprint{}, fmt.Errorf("%s is %s, which is no %s", c.name, clip(f.text), c.kind)
			case p.keep:
				return fingerprint{}, nil
			default:
				return fingerprint{}, fmt.Errorf("%s is missing", c.name)
			}
		}
		*scratch, text = key, key
	}
	var tag [16]byte
	p.hash.Seal(tag[:0], noNonce[:], nil, text)
	f, _ := readFingerprint(tag[:])
	if f == (fingerprint{}) {
		f.b = 1
	}
	return f, nil
}

// A printSet is a set of fingerprints in bounded memory: open addressing,
// linear probing, at most three quarters full.
type printSet struct {
	slots []fingerprint
	n     int
	most  int // slots
}

const leastSlots = 16

// newPrintSet makes a set that takes about so many bytes at most, also while
// it grows.
func newPrintSet(memory int64) *printSet {
	s := &printSet{most: leastSlots}
	for int64(s.most)*2*16*3/2 <= memory {
		s.most *= 2
	}
	s.reset()
	return s
}

func (s *printSet) reset() {
	if len(s.slots) == leastSlots {
		clear(s.slots)
	} else {
		s.slots = make([]fingerprint, leastSlots)
	}
	s.n = 0
}

// slot is where f is, or where it would be.
func (s *printSet) slot(f fingerprint) *fingerprint {
	mask := uint64(len(s.slots) - 1)
	for i := f.b & mask; ; i = (i + 1) & mask {
		if s.slots[i] == f || s.slots[i] == (fingerprint{}) {
			return &s.slots[i]
		}
	}
}

func (s *printSet) has(f fingerprint) bool { return *s.slot(f) == f }

// add adds f and reports whether it is new; ok is false if it is new and there
// is no room.
func (s *printSet) add(f fingerprint) (fresh, ok bool) {
	at := s.slot(f)
	if *at == f {
		return false, true
	}
	if (s.n+1)*4 > len(s.slots)*3 {
		if len(s.slots) == s.most {
			return true, false
		}
		old := s.slots
		s.slots = make([]fingerprint, 2*len(old))
		for _, o := range old {
			if o != (fingerprint{}) {
				*s.slot(o) = o
			}
		}
		at = s.slot(f)
	}
	*at = f
	s.n++
	return true, true
}
