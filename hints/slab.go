package hints

// handle names a slot of a slab, or a segment of a queue; 0 is none.
type handle uint32

// slab holds the slots of a queue. They name each other, and their segments, by
// handle and not by pointer: a million pointers are followed by the garbage collector each
// time, on all processors, while clients wait.
type slab struct {
	chunks []*[chunkSlots]slot
	made   handle // the greatest handle that was given out
	free   handle // the first of those given back, linked by next
}

// chunkSlots is how many slots are made at a time.
const chunkSlots = 1 << 10

func (b *slab) at(h handle) *slot {
	if h == 0 {
		return nil
	}
	return &b.chunks[h/chunkSlots][h%chunkSlots]
}

// take returns an empty slot.
func (b *slab) take() *slot {
	h := b.free
	if h != 0 {
		b.free = b.at(h).next
	} else {
		b.made++
		if h = b.made; int(h/chunkSlots) == len(b.chunks) {
			b.chunks = append(b.chunks, new([chunkSlots]slot))
		}
	}
	s := b.at(h)
	*s = slot{self: h}
	return s
}

// give takes a slot back. Whoever has a pointer to it still may find another
// record in it.
func (b *slab) give(s *slot) {
	h := s.self
	*s = slot{next: b.free}
	b.free = h
}
