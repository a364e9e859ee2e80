package slab

import (
	"math/bits"
	"unsafe"
)

// drain is the run that is being emptied.
type drain struct {
	run  uint32
	next int // the slots below are done
	live [pageSize / minSize / 64]uint64
}

func (d *drain) dead(slot uint16) { d.live[slot>>6] &^= 1 << (slot & 63) }

// startDrain picks the emptiest run of a size when more than a fifth of its
// slots, and more than two runs' worth, are free.
func (s *Slab) startDrain(r *runs, class int) {
	slots := int(classes[class].slots)
	free := r.all*slots - r.used
	if free <= 2*slots || free*5 <= r.all*slots {
		return
	}
	b := 0
	for r.bucket[b] == 0 {
		b++
	}
	p := r.bucket[b]
	h := &s.pages[p]
	s.unlink(&r.bucket[b], p)
	h.bucket = buckets
	h.state = pageDrain
	s.drain = drain{run: p}
	for i := range int(h.fresh) {
		s.drain.live[i>>6] |= 1 << (i & 63)
	}
	size := uintptr(classes[class].size)
	for f := h.free; f != 0; {
		s.drain.dead(f - 1)
		f = nextFree((*byte)(unsafe.Add(h.base, uintptr(f-1)*size)))
	}
}

// Tidy looks for a size that is worth compacting. Free does so for the size of
// what it frees, unless another is being compacted: Tidy, called now and then,
// finds those that were passed over. It also gives memory back that has become
// too much to keep.
func (s *Slab) Tidy() {
	s.tidy()
	for c, r := range s.sizes {
		if r != nil && s.drain.run == 0 {
			s.startDrain(r, c)
		}
	}
}

// Compacting says whether Compact has something to do.
func (s *Slab) Compacting() bool { return s.drain.run != 0 }

// Compact moves at most n slots out of the run that is being emptied. It tells
// the owner by moved, which changes the owner's reference from old to new; b
// are the slot's bytes where they are now. The old slot is freed when moved
// returns; moved must not use the Slab otherwise.
func (s *Slab) Compact(n int, moved func(old, new Ref, b []byte)) {
	for ; n > 0 && s.drain.run != 0; n-- {
		p := s.drain.run
		h := &s.pages[p]
		slot := s.drain.nextLive()
		c := int(h.class)
		size := uint32(classes[c].size)
		off := uint32(slot) * size
		old := Ref(p+off>>pageShift)<<unitBits | Ref(off&(pageSize-1)>>unitShift)
		ref, b := s.alloc(c, s.sizes[c], int(size))
		if ref == 0 {
			return // no memory: as it was
		}
		copy(b, unsafe.Slice((*byte)(s.Pointer(old)), size))
		moved(old, ref, b)
		s.Free(old)
		s.stats.Moved++
	}
}

// nextLive returns the first slot that is still in use; there is one as long as
// the run is not released.
func (d *drain) nextLive() int {
	for d.live[d.next>>6]>>(d.next&63) == 0 {
		d.next = (d.next>>6 + 1) << 6
	}
	d.next += bits.TrailingZeros64(d.live[d.next>>6] >> (d.next & 63))
	return d.next
}
