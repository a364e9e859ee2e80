package datastore

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"
)

// hasher hashes the atoms of one key. The digest of a record is the sum of its
// atoms' hashes, so that it can be kept while atoms come and go, in any order.
//
// An atom's hash is XXH64 of the key's hash, a type byte, the atom's fixed
// fields big-endian, its field (after the length) and its value. The key's hash
// is XXH64 of the key, seeded by the digest key.
type hasher struct {
	xx  xxhash.Digest
	buf [256]byte // the key's hash, then an atom

	// floor is that of the key: what it lets go is not in the digest, whether it
	// has been purged or not.
	floor Version
}

// keyHash is the length of what stands before an atom in hasher.buf.
const keyHash = 8

// The type bytes of atoms in their hash.
const (
	hashReset byte = 1 + iota
	hashKindReset
	hashExpiry
	hashRegister
	hashTombstone
	hashSlot
	hashElement
	hashInterval
	hashRemoval
)

// start begins the hashing of a key's atoms.
func (h *hasher) start(seed uint64, key []byte) {
	h.xx.ResetWithSeed(seed)
	h.xx.Write(key)
	binary.BigEndian.PutUint64(h.buf[:], h.xx.Sum64())
}

// atom begins an atom: what is appended to the result is hashed by sum.
func (h *hasher) atom(typ byte) []byte { return append(h.buf[:keyHash], typ) }

// sum hashes b, which atom began, and what follows it.
func (h *hasher) sum(b, field, value []byte) uint64 {
	if len(b)+len(field)+len(value) <= len(h.buf) {
		return xxhash.Sum64(append(append(b, field...), value...))
	}
	h.xx.Reset()
	h.xx.Write(b)
	h.xx.Write(field)
	h.xx.Write(value)
	return h.xx.Sum64()
}

// gone says that the floor lets an atom of what is dead go, by its stamp.
func (h *hasher) gone(stamp Version) bool { return !h.floor.Less(stamp) }

func (h *hasher) reset(typ byte, k Kind, r reset) uint64 {
	if r == (reset{}) || h.gone(r.stamp) {
		return 0
	}
	b := append(h.atom(typ), byte(k))
	return h.sum(r.stamp.Append(r.upto.Append(b)), nil, nil)
}

func (h *hasher) expiry(stamp Version, at int64) uint64 {
	b := stamp.Append(h.atom(hashExpiry))
	return h.sum(binary.BigEndian.AppendUint64(b, uint64(at)), nil, nil)
}

func (h *hasher) register(k Kind, stamp Version, field, value []byte) uint64 {
	b := stamp.Append(append(h.atom(hashRegister), byte(k)))
	return h.sum(binary.BigEndian.AppendUint64(b, uint64(len(field))), field, value)
}

func (h *hasher) cell(c *cell) uint64 {
	switch c.class {
	case register:
		return h.register(c.kind, c.stamp, c.field, c.value)
	case tombstone:
		b := c.stamp.Append(append(h.atom(hashTombstone), byte(c.kind)))
		return h.sum(b, c.field, nil)
	}
	b := c.born.Append(c.stamp.Append(append(h.atom(hashSlot), byte(c.kind))))
	b = binary.BigEndian.AppendUint32(b, c.node)
	b = binary.BigEndian.AppendUint64(b, uint64(c.sum))
	return h.sum(b, c.field, nil)
}

func (h *hasher) element(x *element) uint64 {
	b := x.id.Append(h.atom(hashElement))
	b = x.prev.Append(x.stamp.Append(b))
	b = binary.BigEndian.AppendUint64(b, uint64(x.pos))
	return h.sum(b, nil, x.value)
}

func (h *hasher) interval(x *interval) uint64 {
	b := binary.BigEndian.AppendUint32(h.atom(hashInterval), x.node)
	return h.sum(x.hi.Append(x.lo.Append(b)), nil, nil)
}

func (h *hasher) header(a *header) (sum uint64) {
	sum += h.reset(hashReset, None, a.reset)
	for k := String; k < kinds; k++ {
		sum += h.reset(hashKindReset, k, a.kreset[k])
	}
	if a.expireAt != 0 || !h.gone(a.expiry) {
		sum += h.expiry(a.expiry, a.expireAt)
	}
	if !h.gone(a.removal) {
		sum += h.sum(a.removal.Append(h.atom(hashRemoval)), nil, nil)
	}
	return sum
}

// intervals go with the removal that is the newest of them.
func (h *hasher) intervals(s []interval, removal Version) (sum uint64) {
	if !h.floor.IsZero() && h.gone(removal) {
		return 0
	}
	for i := range s {
		sum += h.interval(&s[i])
	}
	return sum
}

func (h *hasher) cells(s []cell) (sum uint64) {
	for i := range s {
		if c := &s[i]; c.class != tombstone || !h.gone(c.stamp) {
			sum += h.cell(c)
		}
	}
	return sum
}

func (h *hasher) atoms(a *atoms) uint64 {
	sum := h.header(&a.header) + h.cells(a.cells) + h.intervals(a.intervals, a.removal)
	for i := range a.elements {
		sum += h.element(&a.elements[i])
	}
	return sum
}

// plain is atoms of a plain shape.
func (h *hasher) plain(rec []byte) uint64 {
	v, at, value := plain(rec)
	sum := h.register(String, v, nil, value)
	if rec[0]&withoutWipe == 0 && !h.gone(v) {
		sum += h.reset(hashReset, None, reset{upto: v.Pred(), stamp: v})
	}
	if at != 0 {
		sum += h.expiry(v, at)
	}
	return sum
}
