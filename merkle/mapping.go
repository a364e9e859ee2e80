package merkle

import "math"

// mapping walks through the indices of the symbols that an item is part of: 0,
// then ever sparser. It is in symbol i with probability p(i) = 1/(1+i/2), which
// gives a prefix of any length the mix of crowded and lonely symbols that
// peeling needs (Yang, Gilad, Alizadeh, sections 4.1 and 4.2).
//
// From i, the chance to stay out of the next g symbols is the product of
// 1-p(i+1) ... 1-p(i+g), which is (i+1)(i+2)/((i+g+1)(i+g+2)), about
// ((i+1.5)/(i+g+1.5))^2. With u uniform in (0,1] the gap is therefore
// (i+1.5)(1/sqrt(u)-1), rounded up: one square root, and not one coin for each
// symbol.
//
// Both sides must come to the same indices on every machine. Square root,
// division and rounding are exact in IEEE 754, and no product here is followed
// by a sum that a compiler might fuse with it.
type mapping struct {
	state uint64
	at    int64
}

// mappingOf begins at symbol 0, which holds every item.
func mappingOf(hash uint64) mapping { return mapping{state: hash} }

// maxIndex keeps an index in 62 bits after one more step: a gap is at most 2^31
// times the index.
const maxIndex = 1 << 30

// next goes on to the following index. It must not be called behind maxIndex.
func (m *mapping) next() {
	// SplitMix64: a Weyl sequence and a finisher.
	m.state += 0x9e3779b97f4a7c15
	z := m.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	z ^= z >> 31
	// u = (z/4+1)/2^62; conversions of signed integers are the cheap ones.
	m.at += 1 + int64((float64(m.at)+1.5)*((1<<31)/math.Sqrt(float64(int64(z>>2)+1))-1))
}
