package datastore

import (
	"encoding/binary"
	"math/bits"

	"github.com/dynomite-go/dynomite/node/datastore/internal/slab"
)

// An entry is what a shard's slab holds for a key:
//
//	[flags][key length, varint][record length, varint][key][record]
//	[flags][key length, varint][number of the aside, 4 bytes][key]
//	[flags][number of the aside, 4 bytes]
//
// The second form is for records that are kept aside, on the Go heap: trees,
// and what is too long for a slab. The third is for keys that are too long.
const (
	entryLive    byte = 1 << iota // counted in Len
	entryExpires                  // counted in Expires
	entrySettled                  // a purge at any later floor would change nothing
	entryAside                    // the record is aside
	entryLongKey                  // the key too
)

// maxSlabKey is the length up to which keys are in the slab.
const maxSlabKey = 32 << 10

// aside is a record that is kept on the Go heap.
type aside struct {
	key   []byte // if it is too long for the slab
	rec   []byte // encoded, or
	large *large // a tree
	bytes int    // as last counted
}

// entry is a decoded entry. Its slices alias the slab.
type entry struct {
	flags  byte
	key    []byte
	rec    []byte // nil if it is a tree
	large  *large
	number uint32 // of the aside
}

// decode reads the entry in a slot.
func (s *shard) decode(slot []byte) (e entry) {
	e.flags = slot[0]
	if e.flags&(entryAside|entryLongKey) != 0 {
		return s.decodeAside(e, slot)
	}
	kn, i := uvarint(slot, 1)
	rn, i := uvarint(slot, i)
	e.key = slot[i : i+kn : i+kn]
	e.rec = slot[i+kn : i+kn+rn : i+kn+rn]
	return e
}

func (s *shard) decodeAside(e entry, slot []byte) entry {
	kn, i := 0, 1
	if e.flags&entryLongKey == 0 {
		kn, i = uvarint(slot, i)
	}
	e.number = binary.LittleEndian.Uint32(slot[i:])
	e.key = slot[i+4 : i+4+kn : i+4+kn]
	a := &s.asides[e.number]
	if e.flags&entryLongKey != 0 {
		e.key = a.key
	}
	e.rec, e.large = a.rec, a.large
	return e
}

// uvarint reads a length at b[i:]. Lengths below 128 are by far the most.
func uvarint(b []byte, i int) (n, next int) {
	if c := b[i]; c < 0x80 {
		return int(c), i + 1
	}
	x, w := binary.Uvarint(b[i:])
	return int(x), i + w
}

func uvarintLen(n int) int { return (bits.Len(uint(n)|1) + 6) / 7 }

// entrySize is the length of an entry of the first form.
func entrySize(key, rec int) int {
	return 1 + uvarintLen(key) + uvarintLen(rec) + key + rec
}

// inSlab says whether an entry of the first form can be.
func inSlab(key, rec int) bool { return key <= maxSlabKey && entrySize(key, rec) <= slab.MaxSize }

// writeEntry writes an entry of the first form.
func writeEntry(slot []byte, flags byte, key, rec []byte) {
	slot[0] = flags
	i := 1 + binary.PutUvarint(slot[1:], uint64(len(key)))
	i += binary.PutUvarint(slot[i:], uint64(len(rec)))
	i += copy(slot[i:], key)
	copy(slot[i:], rec)
}

// asideSize is the length of an entry whose record is aside.
func asideSize(key int) int {
	if key > maxSlabKey {
		return 1 + 4
	}
	return 1 + uvarintLen(key) + 4 + key
}

func writeAsideEntry(slot []byte, flags byte, key []byte, number uint32) {
	i := 1
	if flags&entryLongKey == 0 {
		i += binary.PutUvarint(slot[i:], uint64(len(key)))
	} else {
		key = nil
	}
	slot[0] = flags
	binary.LittleEndian.PutUint32(slot[i:], number)
	copy(slot[i+4:], key)
}
