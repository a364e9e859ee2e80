package slab

import "unsafe"

// Ref names a slot of one Slab. The zero Ref names none.
type Ref uint32

// Slab is a set of slots. The zero value is empty and ready for use. It is not
// safe for concurrent use.
type Slab struct {
	arena
	sizes [numClasses]*runs // nil until a size is first used
	drain drain
	stats Stats
}

// runs are the runs of one class that have a free slot, listed by how full
// they are.
type runs struct {
	bucket [buckets]uint32
	// all counts the class's runs, full ones included; used its slots in use.
	all, used int
}

// buckets is how finely runs are told apart by how full they are.
const buckets = 4

// Stats tells what a Slab holds.
type Stats struct {
	// Slots is the number of slots in use, and SlotBytes their sizes' sum:
	// what was asked for, and the slack.
	Slots, SlotBytes int
	// Resident is about what the system holds for the Slab: runs in use or
	// waiting for their next use. Mapped is the address space taken.
	Resident, Mapped int
	// Moved counts the slots that compaction has moved since the last Reset.
	Moved int
}

// Stats costs nothing worth mention.
func (s *Slab) Stats() Stats {
	st := s.stats
	st.Mapped = s.mapped
	st.Resident = s.touched << pageShift
	return st
}

// Alloc returns a slot for n bytes, at most MaxSize, and the first n of them,
// which hold anything. The Ref is zero when the system has no memory or the
// Slab has its full 32 GiB. A larger n, or a negative one, panics.
func (s *Slab) Alloc(n int) (Ref, []byte) {
	if uint(n) > MaxSize {
		panic("slab: a slot of more than MaxSize bytes was asked for")
	}
	c := classOf(n)
	r := s.sizes[c]
	if r == nil {
		r = new(runs)
		s.sizes[c] = r
	}
	return s.alloc(c, r, n)
}

func (s *Slab) alloc(c int, r *runs, n int) (Ref, []byte) {
	b := buckets - 1
	for b >= 0 && r.bucket[b] == 0 {
		b--
	}
	if b < 0 {
		p, ok := s.run(classes[c].order)
		if !ok {
			return 0, nil
		}
		for i := range uint32(1) << classes[c].order {
			s.pages[p+i].class = uint8(c)
		}
		h := &s.pages[p]
		h.bucket, h.used, h.fresh, h.free = 0, 0, 0, 0
		s.link(&r.bucket[0], p)
		r.all++
		b = 0
	}
	p := r.bucket[b]
	h := &s.pages[p]
	size := classes[c].size
	var slot uint16
	if h.free != 0 {
		slot = h.free - 1
		mem := unsafe.Slice((*byte)(unsafe.Add(h.base, uintptr(slot)*uintptr(size))), size)
		h.free = nextFree(&mem[0])
		checkPoison(mem[2:])
	} else {
		slot = h.fresh
		h.fresh++
	}
	h.used++
	r.used++
	s.rebucket(r, p, h)
	s.stats.Slots++
	s.stats.SlotBytes += int(size)
	off := uintptr(slot) * uintptr(size)
	ref := Ref(p+uint32(off>>pageShift))<<unitBits | Ref(off&(pageSize-1)>>unitShift)
	return ref, unsafe.Slice((*byte)(unsafe.Add(h.base, off)), int(size))[:n]
}

// rebucket puts the run into the list that its use asks for; a full run is in
// none.
func (s *Slab) rebucket(r *runs, p uint32, h *page) {
	slots := classes[h.class].slots
	b := uint8(uint32(h.used) * buckets / uint32(slots))
	if b == h.bucket {
		return
	}
	if h.bucket < buckets {
		s.unlink(&r.bucket[h.bucket], p)
	}
	h.bucket = b
	if b < buckets {
		s.link(&r.bucket[b], p)
	}
}

// Bytes returns the whole slot: at least the bytes that were asked for, with
// the slack behind them.
func (s *Slab) Bytes(ref Ref) []byte {
	pg := &s.pages[ref>>unitBits]
	size := classes[pg.class].size
	return unsafe.Slice((*byte)(unsafe.Add(pg.base, uintptr(ref&unitMask)<<unitShift)), size)
}

// Pointer returns the address of the slot's first byte: Bytes for a caller
// that knows the length.
func (s *Slab) Pointer(ref Ref) unsafe.Pointer {
	return unsafe.Add(s.pages[ref>>unitBits].base, uintptr(ref&unitMask)<<unitShift)
}

// Fits says whether n bytes are kept in a slot of the same size as m bytes: a
// value that changes from m bytes to n stays where it is.
func Fits(n, m int) bool { return n <= MaxSize && classOf(n) == classOf(m) }

// Size returns the size of the slot that holds n bytes.
func Size(n int) int { return int(classes[classOf(n)].size) }

// Free takes the slot back. Freeing what is not in use corrupts the Slab.
func (s *Slab) Free(ref Ref) {
	pg := uint32(ref >> unitBits)
	p := s.pages[pg].head
	h := &s.pages[p]
	c := &classes[h.class]
	off := (pg-p)<<pageShift + uint32(ref&unitMask)<<unitShift
	slot := uint16(off / c.size)

	mem := unsafe.Slice((*byte)(unsafe.Add(h.base, off)), c.size)
	poison(mem[2:])
	*(*uint16)(unsafe.Pointer(&mem[0])) = h.free
	h.free = slot + 1
	h.used--
	s.stats.Slots--
	s.stats.SlotBytes -= int(c.size)
	r := s.sizes[h.class]
	r.used--

	if h.state == pageDrain {
		s.drain.dead(slot)
		if h.used == 0 {
			s.drain = drain{}
			r.all--
			s.release(p)
			s.startDrain(r, int(h.class))
		}
		return
	}
	if h.used == 0 {
		if h.bucket < buckets {
			s.unlink(&r.bucket[h.bucket], p)
		}
		r.all--
		s.release(p)
		return
	}
	s.rebucket(r, p, h)
	if s.drain.run == 0 {
		s.startDrain(r, int(h.class))
	}
}

// nextFree reads the link that a free slot begins with.
func nextFree(slot *byte) uint16 { return *(*uint16)(unsafe.Pointer(slot)) }

// Reset frees all slots and returns the memory to the system.
func (s *Slab) Reset() {
	s.reset()
	*s = Slab{}
}
