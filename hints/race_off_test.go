//go:build !race

package hints

const coalescedWrites = 1_000_000
