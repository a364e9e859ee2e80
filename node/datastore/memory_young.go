package datastore

import (
	"math/bits"

	"github.com/cespare/xxhash/v2"
)

// What is compared with other replicas is what records were some seconds ago:
// writes reach replicas at different moments, so two busy copies are never equal
// now. Stamps divide time into generations, for every replica alike. A store
// that is tracked shows, in ScanSettled, its records without what was stamped
// after the generation shown: for a record that was changed since, its digest
// from before the first change, which is remembered until Settle shows more.
//
//	generation      shown-1     shown    |  shown+1    shown+2    shown+3
//	                  seen by ScanSettled |   digests from before are kept
//
// The generation shown is at least one whole generation behind the clock; so a
// write is seen when it is 2 to 4 seconds old.

// generationMillis is how long a generation of stamps is.
const generationMillis = 2000

// kept is how many generations behind the one shown are told apart; one more
// than pass before Settle shows them, for clocks that are ahead of ours.
const kept = 3

// leafBits is how many parts of the token space are told apart when something
// changed: 65,536.
const leafBits = 16

// young is a shard's part of it, and all zero until the store is tracked.
type young struct {
	shift uint // of a token's distance from the shard's first, to its leaf
	shown uint64
	// before has for each generation the digests that records had before the
	// first change of that generation or a later one, by the hash of the key.
	before [kept]map[uint64]uint64
	// changed are the leaves with a change in each generation; stale those in
	// which ScanSettled may show something else than when they were taken.
	changed [kept]leafSet
	stale   leafSet
}

// leafSet is a set of leaves of one shard.
type leafSet []uint64

func (l leafSet) add(leaf uint64) { l[leaf/64] |= 1 << (leaf % 64) }

func (l leafSet) move(from leafSet) {
	for i, w := range from {
		l[i] |= w
		from[i] = 0
	}
}

func (l leafSet) addAll(from, to uint64) {
	for i := from; i <= to; i++ {
		l.add(i)
	}
}

// track begins to remember. What came before is shown as it is.
func (s *shard) track(shown uint64) {
	y := &s.young
	leaves := max(1, 1<<leafBits/len(s.m.shards))
	y.shift = s.m.shift - uint(bits.TrailingZeros(uint(leaves)))
	y.shown = shown
	words := (leaves + 63) / 64
	for i := range y.before {
		y.before[i] = map[uint64]uint64{}
		y.changed[i] = make(leafSet, words)
	}
	y.stale = make(leafSet, words)
	y.stale.addAll(0, uint64(leaves-1))
}

func (s *shard) tracked() bool { return s.young.stale != nil }

// leaf is the leaf of a token of this shard.
func (s *shard) leaf(token uint64) uint64 { return (token - s.from) >> s.young.shift }

// generation is where a stamp belongs among those that are kept: 0 is the first
// behind the one shown, -1 what is shown already.
func (y *young) generation(stamp Version) int {
	g := uint64(stamp.Millis()) / generationMillis
	if g <= y.shown {
		return -1
	}
	return int(min(g-y.shown, kept)) - 1
}

// past is the digest that a record had before what is not shown yet.
func (y *young) past(key uint64) (digest uint64, ok bool) {
	for _, m := range y.before {
		if digest, ok = m[key]; ok {
			return digest, true
		}
	}
	return 0, false
}

// changing is called before the record at hand changes, with the newest stamp
// of what changes it and a function that gives its digest so far.
func (s *shard) changing(stamp Version, digest func() uint64) {
	y := &s.young
	i := y.generation(stamp)
	leaf := s.leaf(s.at.token)
	if i < 0 {
		y.stale.add(leaf)
		return
	}
	key := xxhash.Sum64(s.at.key)
	if _, ok := y.before[i][key]; ok {
		return
	}
	// Something later may have come before it.
	var before uint64
	found := false
	for j := i + 1; j < kept && !found; j++ {
		before, found = y.before[j][key]
	}
	if !found {
		before = digest()
	}
	y.before[i][key] = before
	y.changed[i].add(leaf)
}

// changed is called when the record at hand changes without a stamp: by a purge.
func (s *shard) changed() {
	if s.tracked() {
		s.young.stale.add(s.leaf(s.at.token))
	}
}

// forgetYoung shows everything in [from, to] as it is from now on: a reset of
// many records is not held back.
func (s *shard) forgetYoung(from, to uint64) {
	if !s.tracked() {
		return
	}
	for i := range s.young.before {
		s.young.before[i] = map[uint64]uint64{}
		s.young.stale.move(s.young.changed[i])
	}
	s.young.stale.addAll(s.leaf(from), s.leaf(to))
}

// show makes the generation shown a later one.
func (s *shard) show(shown uint64) {
	y := &s.young
	for ; y.shown < shown; y.shown++ {
		first := y.before[0]
		y.stale.move(y.changed[0])
		if len(first) > 1<<12 {
			first = map[uint64]uint64{} // the memory of a busy time is not kept
		} else {
			clear(first)
		}
		spent := y.changed[0]
		copy(y.before[:], y.before[1:])
		copy(y.changed[:], y.changed[1:])
		y.before[kept-1], y.changed[kept-1] = first, spent
		if shown-y.shown > 2*kept {
			y.shown = shown - kept - 1 // all are empty after kept rounds
		}
	}
}
