package merkle

import (
	"encoding/binary"
	"math/bits"
)

// Key is the secret that two sides share: it keys the hashes of the sketch and
// the checksums of messages. Who does not know it cannot choose items that a
// sketch fails on. Sides with different keys refuse each other's messages.
type Key [16]byte

// sipKey is a key in the form that the hash takes.
type sipKey struct{ k0, k1 uint64 }

// Purposes keep the hashes that one key is used for apart.
const (
	forItems uint64 = 1 + iota
	forParts
	forMessages
)

// derive is the key for a purpose and a salt.
func (k Key) derive(purpose, salt uint64) sipKey {
	base := sipKey{binary.LittleEndian.Uint64(k[:8]), binary.LittleEndian.Uint64(k[8:])}
	return sipKey{base.pair(purpose, salt), base.pair(^purpose, salt)}
}

// sip is the state of SipHash-2-4 (Aumasson and Bernstein, 2012).
type sip struct{ v0, v1, v2, v3 uint64 }

func (k sipKey) start() sip {
	return sip{
		k.k0 ^ 0x736f6d6570736575, k.k1 ^ 0x646f72616e646f6d,
		k.k0 ^ 0x6c7967656e657261, k.k1 ^ 0x7465646279746573,
	}
}

func (s *sip) round() {
	s.v0 += s.v1
	s.v1 = bits.RotateLeft64(s.v1, 13) ^ s.v0
	s.v0 = bits.RotateLeft64(s.v0, 32)
	s.v2 += s.v3
	s.v3 = bits.RotateLeft64(s.v3, 16) ^ s.v2
	s.v0 += s.v3
	s.v3 = bits.RotateLeft64(s.v3, 21) ^ s.v0
	s.v2 += s.v1
	s.v1 = bits.RotateLeft64(s.v1, 17) ^ s.v2
	s.v2 = bits.RotateLeft64(s.v2, 32)
}

func (s *sip) word(w uint64) {
	s.v3 ^= w
	s.round()
	s.round()
	s.v0 ^= w
}

func (s *sip) finish() uint64 {
	s.v2 ^= 0xff
	s.round()
	s.round()
	s.round()
	s.round()
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3
}

// pair is the hash of two words, which is that of their 16 bytes in
// little-endian order.
func (k sipKey) pair(a, b uint64) uint64 {
	s := k.start()
	s.word(a)
	s.word(b)
	s.word(16 << 56)
	return s.finish()
}

// bytes is the hash of b.
func (k sipKey) bytes(b []byte) uint64 {
	s := k.start()
	length := uint64(len(b)) << 56
	for ; len(b) >= 8; b = b[8:] {
		s.word(binary.LittleEndian.Uint64(b))
	}
	var last [8]byte
	copy(last[:], b)
	s.word(binary.LittleEndian.Uint64(last[:]) | length)
	return s.finish()
}
