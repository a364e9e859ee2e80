package hashkit

import (
	"crypto/md5"
	"encoding/binary"
	"hash/crc32"
)

// md5First is the first word of the MD5 digest, little-endian. It is here for
// the rings that were built with it, and protects nothing.
func md5First(key []byte) Token {
	sum := md5.Sum(key)
	return Token32(binary.LittleEndian.Uint32(sum[:]))
}

// crc32Whole is CRC-32/ISO-HDLC, the one of zlib.
func crc32Whole(key []byte) Token { return Token32(crc32.ChecksumIEEE(key)) }

// crc32Fifteen is the crc32 of libmemcached: 15 bits out of the middle of the
// same checksum.
func crc32Fifteen(key []byte) Token { return Token32(crc32.ChecksumIEEE(key) >> 16 & 0x7fff) }
