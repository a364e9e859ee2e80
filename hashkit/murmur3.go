package hashkit

import (
	"encoding/binary"
	"math/bits"
)

// murmur3Seed is Dynomite's for both functions of MurmurHash3 (Austin Appleby).
const murmur3Seed = 0xc0a1e5ce

// murmur3 is the first two words of MurmurHash3_x86_128, the first word high.
func murmur3(key []byte) Token {
	h := murmur3x86(key)
	return Token(h[0])<<32 | Token(h[1])
}

// murmur3x64 is the first half of MurmurHash3_x64_128.
func murmur3x64(key []byte) Token {
	const c1, c2 = 0x87c37b91114253d5, 0x4cf5ad432745937f
	var h1, h2 uint64 = murmur3Seed, murmur3Seed
	length := uint64(len(key))
	scramble1 := func(k uint64) uint64 { return bits.RotateLeft64(k*c1, 31) * c2 }
	scramble2 := func(k uint64) uint64 { return bits.RotateLeft64(k*c2, 33) * c1 }
	for len(key) >= 16 {
		h1 ^= scramble1(binary.LittleEndian.Uint64(key))
		h1 = (bits.RotateLeft64(h1, 27)+h2)*5 + 0x52dce729
		h2 ^= scramble2(binary.LittleEndian.Uint64(key[8:]))
		h2 = (bits.RotateLeft64(h2, 31)+h1)*5 + 0x38495ab5
		key = key[16:]
	}
	var last [16]byte // missing bytes are 0, and 0 stays 0 when scrambled
	copy(last[:], key)
	h1 ^= scramble1(binary.LittleEndian.Uint64(last[:]))
	h2 ^= scramble2(binary.LittleEndian.Uint64(last[8:]))
	h1 ^= length
	h2 ^= length
	h1 += h2
	h2 += h1
	return Token(finish64(h1) + finish64(h2))
}

func finish64(h uint64) uint64 {
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// murmur3x86 is MurmurHash3_x86_128, all four words.
func murmur3x86(key []byte) [4]uint32 {
	var h1, h2, h3, h4 uint32 = murmur3Seed, murmur3Seed, murmur3Seed, murmur3Seed
	length := uint32(len(key))
	for len(key) >= 16 {
		k1, k2, k3, k4 := scramble86(key[:16:16])
		h1 ^= k1
		h1 = (bits.RotateLeft32(h1, 19)+h2)*5 + 0x561ccd1b
		h2 ^= k2
		h2 = (bits.RotateLeft32(h2, 17)+h3)*5 + 0x0bcaa747
		h3 ^= k3
		h3 = (bits.RotateLeft32(h3, 15)+h4)*5 + 0x96cd1c35
		h4 ^= k4
		h4 = (bits.RotateLeft32(h4, 13)+h1)*5 + 0x32ac3b17
		key = key[16:]
	}
	var last [16]byte
	copy(last[:], key)
	k1, k2, k3, k4 := scramble86(last[:])
	h1, h2, h3, h4 = h1^k1^length, h2^k2^length, h3^k3^length, h4^k4^length
	h1 += h2 + h3 + h4
	h2, h3, h4 = h2+h1, h3+h1, h4+h1
	h1, h2, h3, h4 = finish32(h1), finish32(h2), finish32(h3), finish32(h4)
	h1 += h2 + h3 + h4
	return [4]uint32{h1, h2 + h1, h3 + h1, h4 + h1}
}

// scramble86 prepares the four words of a block of 16 bytes.
func scramble86(block []byte) (k1, k2, k3, k4 uint32) {
	const c1, c2, c3, c4 = 0x239b961b, 0xab0e9789, 0x38b34ae5, 0xa1e38b93
	k1 = bits.RotateLeft32(binary.LittleEndian.Uint32(block)*c1, 15) * c2
	k2 = bits.RotateLeft32(binary.LittleEndian.Uint32(block[4:])*c2, 16) * c3
	k3 = bits.RotateLeft32(binary.LittleEndian.Uint32(block[8:])*c3, 17) * c4
	k4 = bits.RotateLeft32(binary.LittleEndian.Uint32(block[12:])*c4, 18) * c1
	return k1, k2, k3, k4
}

func finish32(h uint32) uint32 {
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	return h ^ h>>16
}
