//go:build race

package slab

// poisoned is what a freed byte reads as: no record and no length starts so.
const poisoned = 0xDB

func poison(b []byte) {
	for i := range b {
		b[i] = poisoned
	}
}

func checkPoison(b []byte) {
	for _, x := range b {
		if x != poisoned {
			panic("slab: a slot was written to after it was freed")
		}
	}
}
