package hashkit

import "encoding/binary"

// MurmurHash2, 32 bit, by Austin Appleby.
const (
	murmurMultiplier = 0x5bd1e995
	murmurShift      = 24
	murmurSeed       = 0xdeadbeef // times the length of the key: Dynomite's choice, after libmemcached
)

// Murmur is Dynomite's murmur: MurmurHash2 with 32 bits, whose seed is
// 0xdeadbeef times the length of the key. The hash fills the high half of the
// token (see [Token32]).
func Murmur(key []byte) Token { return Token32(murmur2(key)) }

func murmur2(key []byte) uint32 {
	length := uint32(len(key))
	seed := uint32(murmurSeed)
	seed *= length
	h := seed ^ length
	for len(key) >= 4 {
		k := binary.LittleEndian.Uint32(key)
		k *= murmurMultiplier
		k ^= k >> murmurShift
		k *= murmurMultiplier
		h *= murmurMultiplier
		h ^= k
		key = key[4:]
	}
	switch len(key) {
	case 3:
		h ^= uint32(key[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(key[1]) << 8
		fallthrough
	case 1:
		h ^= uint32(key[0])
		h *= murmurMultiplier
	}
	h ^= h >> 13
	h *= murmurMultiplier
	h ^= h >> 15
	return h
}
