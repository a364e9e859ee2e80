package main

import "github.com/dynomite-go/dynomite/merkle"

const idSize = 16

// sums are the digest and the number of items of each of 2^bits equal pieces of
// the token space.
func sums(items merkle.Items, bits uint) []merkle.Sum {
	out := make([]merkle.Sum, 1<<bits)
	for _, it := range items {
		i := it.Token >> (64 - bits)
		out[i] = out[i].Plus(merkle.Sum{Count: 1, Digest: it.Digest})
	}
	return out
}

// above sums up groups of 2^bits.
func above(level []merkle.Sum, bits uint) []merkle.Sum {
	out := make([]merkle.Sum, len(level)>>bits)
	for i, s := range level {
		out[i>>bits] = out[i>>bits].Plus(s)
	}
	return out
}

// grid is what Riak's kind of tree exchanges: the hashes of all segments, then
// those of the buckets of every segment that differs, then the items of every
// bucket that differs, of one side.
func grid(ours, theirs merkle.Items) cost {
	const bits, hash = 10, 4
	a, b := sums(ours, 2*bits), sums(theirs, 2*bits)
	top, other := above(a, bits), above(b, bits)
	c := cost{bytes: hash << bits, trips: 1}
	for segment := range top {
		if top[segment] == other[segment] {
			continue
		}
		c.trips = 3
		c.bytes += hash << bits
		for i := segment << bits; i < (segment+1)<<bits; i++ {
			if a[i] != b[i] {
				c.bytes += 4 + idSize*int(b[i].Count) // the bucket's number, its items
			}
		}
	}
	return c
}

// walk is what a 16-way tree exchanges that is compared level by level from the
// root: the hashes of the children of each node that differs, and the items of
// each leaf that does, of one side.
func walk(ours, theirs merkle.Items) cost {
	const bits, fan, hash = 16, 4, 8
	a, b := [][]merkle.Sum{sums(ours, bits)}, [][]merkle.Sum{sums(theirs, bits)}
	for len(a[0]) > 1 {
		a, b = append([][]merkle.Sum{above(a[0], fan)}, a...), append([][]merkle.Sum{above(b[0], fan)}, b...)
	}
	c := cost{bytes: hash, trips: 1}
	for l := range a {
		for i := range a[l] {
			switch {
			case a[l][i] == b[l][i]:
			case l+1 < len(a):
				c.bytes += hash << fan
				c.trips = l + 2
			default:
				c.bytes += idSize * int(b[l][i].Count)
				c.trips = l + 2
			}
		}
	}
	return c
}
