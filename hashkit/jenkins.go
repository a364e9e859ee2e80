package hashkit

import (
	"encoding/binary"
	"math/bits"
)

// oneAtATime is Bob Jenkins's function of that name, from 0.
func oneAtATime(key []byte) Token {
	var h uint32
	for _, b := range key {
		h += uint32(b)
		h += h << 10
		h ^= h >> 6
	}
	h += h << 3
	h ^= h >> 11
	h += h << 15
	return Token32(h)
}

const (
	lookup3Golden = 0xdeadbeef
	// jenkinsInitial is the initial value that libmemcached gives to hashlittle.
	jenkinsInitial = 13
)

// jenkins is hashlittle of Bob Jenkins's lookup3.c (2006).
func jenkins(key []byte) Token {
	a := uint32(lookup3Golden) + uint32(len(key)) + jenkinsInitial
	b, c := a, a
	if len(key) == 0 {
		return Token32(c)
	}
	for len(key) > 12 {
		a += binary.LittleEndian.Uint32(key)
		b += binary.LittleEndian.Uint32(key[4:])
		c += binary.LittleEndian.Uint32(key[8:])
		a, b, c = lookup3Mix(a, b, c)
		key = key[12:]
	}
	var last [12]byte // bytes that are missing count as 0
	copy(last[:], key)
	a += binary.LittleEndian.Uint32(last[:])
	b += binary.LittleEndian.Uint32(last[4:])
	c += binary.LittleEndian.Uint32(last[8:])
	return Token32(lookup3Final(a, b, c))
}

func lookup3Mix(a, b, c uint32) (uint32, uint32, uint32) {
	a -= c
	a ^= bits.RotateLeft32(c, 4)
	c += b
	b -= a
	b ^= bits.RotateLeft32(a, 6)
	a += c
	c -= b
	c ^= bits.RotateLeft32(b, 8)
	b += a
	a -= c
	a ^= bits.RotateLeft32(c, 16)
	c += b
	b -= a
	b ^= bits.RotateLeft32(a, 19)
	a += c
	c -= b
	c ^= bits.RotateLeft32(b, 4)
	b += a
	return a, b, c
}

func lookup3Final(a, b, c uint32) uint32 {
	c ^= b
	c -= bits.RotateLeft32(b, 14)
	a ^= c
	a -= bits.RotateLeft32(c, 11)
	b ^= a
	b -= bits.RotateLeft32(a, 25)
	c ^= b
	c -= bits.RotateLeft32(b, 16)
	a ^= c
	a -= bits.RotateLeft32(c, 4)
	b ^= a
	b -= bits.RotateLeft32(a, 14)
	c ^= b
	c -= bits.RotateLeft32(b, 24)
	return c
}
