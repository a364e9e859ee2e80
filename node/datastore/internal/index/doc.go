// Package index maps 64-bit tokens to 32-bit references, in token order, in
// memory that the garbage collector does not scan.
//
// An [Index] is a B+tree of two levels: a directory, sorted by least token,
// over leaves of 128 entries. Leaves lie outside the Go heap and hold two plain
// arrays, so a lookup is two binary searches and touches a few cache lines:
//
//	directory  | 0 | 512 | 900 | ...        least token, leaf
//	leaf       tokens [128]uint64  refs [128]uint32
//
// A full leaf first gives entries to a neighbour with room, and is split only
// when both are full; underfull ones are merged. Under random tokens leaves
// are four fifths full: about 15 bytes per entry. The tree is balanced by
// position and never by value, so no distribution of tokens degrades it, except
// that equal tokens are searched one after the other: they are kept adjacent,
// in no particular order, and told apart by the caller, who compares keys.
//
// Insert and delete move at most a leaf's entries, and every 64th or so a part
// of the directory (12 MB at 100 million entries).
package index
