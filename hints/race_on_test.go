//go:build race

package hints

// coalescedWrites are fewer with the race detector, which makes each some ten
// times as slow.
const coalescedWrites = 100_000
