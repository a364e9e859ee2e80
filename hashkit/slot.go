package hashkit

import "github.com/cespare/xxhash/v2"

const (
	slotBits  = 14
	slotShift = 64 - slotBits

	// Slots is the number of hash slots of a Redis Cluster, and of the equal
	// pieces that [Token.Slot] cuts the token space into.
	Slots = 1 << slotBits
)

// Slot is the hash slot, below [Slots], that Redis Cluster gives to the key:
// CRC-16/XMODEM, modulo 16384, of the key's {tag} or of the whole key.
func Slot(key []byte) uint16 { return crc16(Braces.Of(key)) % Slots }

// SlotHash is the function named slot. The top 14 bits of the token are the
// key's [Slot]; the other 50 are the top bits of xxhash64 of the whole key, tag
// included, so that the keys of a slot spread over its part of the token space.
func SlotHash(key []byte) Token {
	return Token(Slot(key))<<slotShift | Token(xxhash.Sum64(key)>>slotBits)
}

// XXHash64 is the function named xxhash64: XXH64 of the whole key with seed 0.
func XXHash64(key []byte) Token { return Token(xxhash.Sum64(key)) }

// Slot is the top 14 bits of the token: which of the [Slots] equal pieces of the
// token space it lies in. For a token of [SlotHash] this is the key's slot.
func (t Token) Slot() uint16 { return uint16(t >> slotShift) }

// SlotRange gives the first and the last token of a slot. It panics if the slot
// is not below [Slots].
func SlotRange(slot uint16) (from, to Token) {
	if slot >= Slots {
		panic("hashkit: slot out of range")
	}
	from = Token(slot) << slotShift
	return from, from | (1<<slotShift - 1)
}
