// Package slab is an allocator of small byte slices outside the Go heap, named
// by 32-bit references.
//
// A [Slab] maps memory in chunks that grow with use and cuts it into runs of
// 16 to 256 KiB; a run holds slots of one size. Slot sizes go in steps of 8
// bytes up to 256, then eight to a doubling up to [MaxSize], so that at most an
// eighth of a slot is slack:
//
//	chunk   |            256 KiB block            |        block ...
//	run     | 16K | 16K |   32K   |     64K       |
//	slot    |s|s|s|s|..|
//
// Runs are powers of two of a page, split and fused like buddies; a run whose
// last slot is freed goes back and serves any size. Slots of a run are handed
// out from its start, so that its untouched tail is not even resident. New
// slots come from the fullest run. When more than a fifth of a size's slots
// are free, the emptiest run is emptied a few slots at a time, see
// [Slab.Compact]: the owner is told where each slot went. Free runs beyond a
// quarter of what is in use are given back to the system.
//
// The caller's duties: a slice from [Slab.Alloc] or [Slab.Bytes] is valid until
// its slot is freed, or until Compact or Reset; no slot is freed twice; a Slab
// is used by one goroutine at a time. Builds with the race detector keep the
// memory on the Go heap, overwrite freed slots, and panic when one was written
// to after it was freed.
//
// Alloc and Free cost some 20 ns, Bytes two loads.
package slab
