package merkle

import "fmt"

// Symbol is a coded symbol: the sum of the items that are mapped to it. Symbols
// of one index add and subtract; what is left of two sides' symbols when one is
// taken from the other are the items that only one of them has.
type Symbol struct {
	// Token and Digest are those of all items, each combined by exclusive or.
	Token, Digest uint64
	// Check is the exclusive or of the items' keyed hashes.
	Check uint64
	// Count is the number of items; negative ones were taken away.
	Count int64
}

// Minus is what only one of two symbols of the same index holds.
func (s Symbol) Minus(other Symbol) Symbol {
	return Symbol{s.Token ^ other.Token, s.Digest ^ other.Digest, s.Check ^ other.Check, s.Count - other.Count}
}

// toggle adds (sign 1) or takes away (sign -1) one item.
func (s *Symbol) toggle(it Item, hash uint64, sign int64) {
	s.Token ^= uint64(it.Token)
	s.Digest ^= it.Digest
	s.Check ^= hash
	s.Count += sign
}

// Sketch is a run of a set's coded symbols, computed in one pass over its items:
// as much of the endless sequence as somebody wants to see. It takes 32 bytes for
// a symbol. It is not safe for concurrent use.
type Sketch struct {
	key     sipKey
	first   int64
	symbols []Symbol
	sum     Sum
}

// NewSketch makes the symbols [first, first+n) of an empty set. Two sketches
// are about the same sequence if key and salt are equal; another salt is worth
// another try. It panics unless first and n are between 0 and 2^29.
func NewSketch(key Key, salt uint64, first, n int) *Sketch {
	if first < 0 || n < 0 || first > maxIndex/2 || n > maxIndex/2 {
		panic(fmt.Sprintf("merkle: a sketch of %d symbols from %d", n, first))
	}
	return &Sketch{key: key.derive(forItems, salt), first: int64(first), symbols: make([]Symbol, n)}
}

// Add puts an item in. It is in 2 ln(n/2)+1 of the first n symbols or so: 14 of
// 1,350.
func (s *Sketch) Add(it Item) {
	s.sum = s.sum.Plus(of(it))
	s.toggle(it, 1)
}

// Remove takes an item out: all symbols are again as they were before its Add.
func (s *Sketch) Remove(it Item) {
	s.sum = s.sum.Minus(of(it))
	s.toggle(it, -1)
}

func (s *Sketch) toggle(it Item, sign int64) {
	if len(s.symbols) == 0 {
		return
	}
	hash := s.key.pair(uint64(it.Token), it.Digest)
	m := mappingOf(hash)
	for m.at < s.first {
		m.next()
	}
	for i := m.at - s.first; i < int64(len(s.symbols)); i = m.at - s.first {
		s.symbols[i].toggle(it, hash, sign)
		m.next()
	}
}

// Symbols are the symbols, the first of which has index first. The slice is the
// sketch's own: it changes with the next Add.
func (s *Sketch) Symbols() []Symbol { return s.symbols }

// Sum is the sum of what was added.
func (s *Sketch) Sum() Sum { return s.sum }
