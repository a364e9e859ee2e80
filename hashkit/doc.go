// Package hashkit maps a key to a [Token], its place in a 64-bit token space.
//
// Systems that partition by consistent hashing cut the token space into ranges
// and give every range its owners. This package does the first half, from a key
// to a token; package tokenring does the second.
//
// # Choosing a function
//
// Functions go by the name that a configuration file uses:
//
//	name      token                                    use it
//	slot      Redis Cluster slot, then xxhash64        so that cluster-aware clients can route
//	xxhash64  XXH64 of the key, seed 0                 for the best spread and speed
//	murmur    MurmurHash2 in the high half, 0 below    to keep the owners of a ring built for Dynomite
//
// [Lookup] turns a name into a [Func]. The functions are also exported as
// [SlotHash], [XXHash64] and [Murmur] for a program that knows what it wants.
// They are pure, safe for concurrent use, allocate nothing, and never keep or
// change the key. A nil key is an empty key.
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
// A 32-bit hash fills the high half (see [Token32]), because order, and with it
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
// # Tokens as text
//
// [ParseToken] reads a decimal or a 0x-prefixed hexadecimal number of up to 64
// bits, and nothing else: no sign, no space, no underscore. [Token.String]
// writes 0x and 16 digits, so that texts sort as tokens do. Token implements
// encoding.TextMarshaler and TextUnmarshaler with these forms.
package hashkit
