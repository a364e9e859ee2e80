package merkle

import (
	"cmp"

	"github.com/dynomite-go/dynomite/hashkit"
)

// Item is one member of a set: where it is and what it is. Both together are its
// 16-byte id. The digest covers whatever makes two copies different, the key
// included, so that no two members of a set are equal; it must be a keyed hash
// (or a sum of such) if strangers choose what is hashed.
type Item struct {
	// Token places the item; it is a function of its key.
	Token hashkit.Token
	// Digest is opaque: digests are only added up and compared.
	Digest uint64
}

// Compare orders items by token, then by digest, as cmp.Compare does.
func (it Item) Compare(other Item) int {
	if c := cmp.Compare(it.Token, other.Token); c != 0 {
		return c
	}
	return cmp.Compare(it.Digest, other.Digest)
}

// Sum says what a range holds, in 16 bytes: how many items, and the sum of
// their digests modulo 2^64. Sums of ranges that do not overlap add up, and do
// not depend on the order in which the items came.
type Sum struct {
	Count, Digest uint64
}

// Plus is the sum of two disjoint ranges.
func (s Sum) Plus(other Sum) Sum { return Sum{s.Count + other.Count, s.Digest + other.Digest} }

// Minus takes away the sum of a part. Of two unrelated sums it is their
// difference modulo 2^64, field by field.
func (s Sum) Minus(other Sum) Sum { return Sum{s.Count - other.Count, s.Digest - other.Digest} }

// of is the sum of one item.
func of(it Item) Sum { return Sum{1, it.Digest} }

// Source lists the items of somebody's store. It is asked when a range cuts a
// leaf of a [Tree], and when a sketch or a list is made.
type Source interface {
	// Scan calls fn for each item whose token is in [from, to], in ascending
	// order of tokens, until fn returns false. Items with equal tokens come in
	// any order. What changes meanwhile may be shown or not; what does not is
	// shown once. An error ends whatever asked, and is returned by it.
	Scan(from, to hashkit.Token, fn func(Item) bool) error
}

// Set is one side of a comparison: items, and the sums of their ranges. A
// [Tree] is one that answers Sum without a scan, [Items] is one for sets that fit
// into a slice.
type Set interface {
	Source
	// Sum says what [from, to] holds, both ends included.
	Sum(from, to hashkit.Token) (Sum, error)
}
