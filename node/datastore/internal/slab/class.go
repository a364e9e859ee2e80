package slab

import "math/bits"

const (
	// MaxSize is the largest slot. Beyond it a mapping or the Go heap wastes
	// little, and a copy costs more than an allocation.
	MaxSize = 64 << 10
	// minSize is the smallest slot: a free one holds a link.
	minSize = 16
	// fineMax is where steps of 8 bytes end.
	fineMax = 256
	// fine is the number of classes up to fineMax.
	fine = (fineMax-minSize)/8 + 1
	// numClasses adds eight classes for each doubling from fineMax to MaxSize.
	numClasses = fine + 8*8
)

// class describes the slots of one size.
type class struct {
	size  uint32
	slots uint16 // per run
	order uint8  // the run has 1<<order pages
}

var classes = func() (cs [numClasses]class) {
	for i := range cs {
		cs[i].size = classSize(i)
		cs[i].order = runOrder(int(cs[i].size))
		cs[i].slots = uint16((pageSize << cs[i].order) / int(cs[i].size))
	}
	return cs
}()

// classOf returns the smallest class whose slots hold n bytes.
func classOf(n int) int {
	if n <= minSize {
		return 0
	}
	if n <= fineMax {
		return (n - minSize + 7) >> 3
	}
	// n-1 has its top bit at 2^k; the three bits below it choose the eighth.
	k := bits.Len(uint(n-1)) - 1
	return fine + (k-8)<<3 + int(uint(n-1)>>(k-3))&7
}

func classSize(c int) uint32 {
	if c < fine {
		return uint32(minSize + 8*c)
	}
	c -= fine
	k, eighth := 8+c>>3, c&7
	return uint32((8 + eighth + 1) << (k - 3))
}

// runOrder picks the smallest run that holds at least eight slots and wastes at
// most a thirty-second of itself; for the largest slots, the largest run.
func runOrder(size int) uint8 {
	for o := range maxOrder {
		run := pageSize << o
		if run/size >= 8 && run%size <= run/32 {
			return uint8(o)
		}
	}
	return maxOrder
}
