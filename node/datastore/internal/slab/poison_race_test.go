//go:build race

package slab

import "testing"

func TestFreedSlots_ArePoisonedAndGuarded(t *testing.T) {
	var s Slab
	s.Alloc(64) // keeps the run
	ref, b := s.Alloc(64)
	s.Free(ref)
	for i, x := range b[2:] {
		if x != poisoned {
			t.Fatalf("byte %d of a freed slot is %#x", i, x)
		}
	}
	b[10] = 1 // a write after the free
	defer func() {
		if recover() == nil {
			t.Error("a slot that was written to after it was freed was handed out")
		}
	}()
	s.Alloc(64)
}
