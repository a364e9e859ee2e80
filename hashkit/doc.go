// Package hashkit maps a key to a [Token], its place in a 64-bit token space.
//
// Systems that partition by consistent hashing cut the token space into ranges
// and give every range its owners. This package does the first half, from a key
// to a token; package tokenring does the second.
//
// # Choosing a function
//
// Functions go by the name that a configuration file uses. For a new cluster:
//
//	slot            Redis Cluster slot, then xxhash64: cluster-aware clients can route
//	xxhash64        XXH64 of the key, seed 0: the best spread and speed
//	murmur3_x64_64  the first 64 bits of MurmurHash3_x64_128, seed 0xc0a1e5ce
//
// To keep the owners of a ring that was built for Dynomite, the thirteen of its
// family, bit for bit. Several are not what their names say:
//
//	one_at_a_time   Bob Jenkins's, from 0
//	md5             the first 4 bytes of the digest, little-endian
//	crc16           CRC-16/XMODEM whose accumulator is never cut: bits above 15 stay
//	crc32           bits 16 to 30 of CRC-32, no more
//	crc32a          CRC-32, as zlib has it
//	fnv1_64         the low half of FNV-1 with 64 bits
//	fnv1a_64        the low half of FNV-1a with 64 bits
//	fnv1_32         FNV-1
//	fnv1a_32        FNV-1a
//	hsieh           SuperFastHash, from 0 and not from the length
//	murmur          MurmurHash2, seed 0xdeadbeef times the length
//	jenkins         lookup3's hashlittle, initial value 13
//	murmur3         the first two words of MurmurHash3_x86_128, seed 0xc0a1e5ce
//
// [Lookup] turns a name into a [Func]. Three are also exported for a program that
// knows what it wants: [SlotHash], [XXHash64] and [Murmur]. All are pure, safe
// for concurrent use, allocate nothing, and never keep or change the key. A nil
// key is an empty key. A program that runs with GODEBUG=fips140=only cannot use
// md5: the standard library panics there.
//
// Figures of each are in docs/hashes.md of the repository. Not all of them spread
// well: crc32 has 15 bits and crc16 fills 24 or 32 badly, hsieh and the FNV
// functions mix the last bytes of a key too little. [LookupSpread] puts a finisher
// behind functions of 32 bits or fewer, for schemes that need keys all over the
// space.
//
// # The layout of a token
//
//	bit   63          50 49                                     0
//	      +-------------+----------------------------------------+
//	slot  | slot of key |  top 50 bits of xxhash64(whole key)    |
//	      +-------------+----------------------------------------+
//	      63                        32 31                        0
//	      +---------------------------+--------------------------+
//	murmur| MurmurHash2(key)          |  0                       |
//	      +---------------------------+--------------------------+
//
// All hashes of 32 bits are placed as murmur's is. A 32-bit hash fills the high
// half (see [Token32]), because order, and with it
// ownership, is decided from the top: a ring whose node tokens are shifted in
// the same way keeps every key where it was.
//
// Whatever the function, the top 14 bits of a token are its slot: [Token.Slot]
// cuts the token space into [Slots] equal pieces. With the function slot, and
// only with it, Token.Slot is the slot that Redis Cluster gives to the key.
//
// # Hash tags
//
// Keys that must live together carry a common tag, as in {user7}.name and
// {user7}.mail. [Tag] finds it by Redis's rule: the first opening byte, then the
// first closing byte after it; if there is something between the two, that is
// hashed, otherwise the whole key is. The function slot applies the rule with
// braces to its top 14 bits, so that keys with one tag share a slot and still
// have tokens of their own. Other functions see the whole key, unless a tag is
// bound to them with [Tag.Bind]; then keys with one tag have one token.
//
// # The ring
//
// Tokens are integers and compare as such. Their space is a ring, and arithmetic
// wraps around its end: [Token.Distance] and [Token.Between].
//
// # Tokens as text
//
// [ParseToken] reads a decimal or a 0x-prefixed hexadecimal number of up to 64
// bits, and nothing else: no sign, no space, no underscore. [Token.String]
// writes 0x and 16 digits, so that texts sort as tokens do. Token implements
// encoding.TextMarshaler and TextUnmarshaler with these forms.
package hashkit
