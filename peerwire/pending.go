package peerwire

import "time"

// pending holds the requests of one connection that wait for their reply. A
// request's id is its slot and the slot's generation, so that a reply finds it
// without a map and a late reply finds nobody. Its owner holds a mutex.
type pending struct {
	slots []slot
	free  int32 // index of the first free slot, -1 when all are taken
	n     int
}

type slot struct {
	done   func([]byte, error) // nil when the slot is free
	due    time.Duration       // deadline since the Peer's base, 0 for none
	place  place               // where it lies in the outbox, when it is small
	stream *stream             // when it is large
	gen    uint32
	next   int32 // the next free slot
}

// maxGen leaves the highest bit of an id to oneWayID.
const maxGen = 1<<31 - 1

func newPending() pending { return pending{free: -1} }

// add takes a slot and returns it with its request id.
func (p *pending) add(done func([]byte, error), due time.Duration) (*slot, uint64) {
	i := p.free
	if i < 0 {
		p.slots = append(p.slots, slot{})
		i = int32(len(p.slots) - 1)
	} else {
		p.free = p.slots[i].next
	}
	s := &p.slots[i]
	s.done, s.due = done, due
	p.n++
	return s, uint64(s.gen)<<32 | uint64(uint32(i))
}

// find returns the slot of a request id that still waits, or nil.
func (p *pending) find(id uint64) *slot {
	i := uint32(id)
	if int(i) >= len(p.slots) {
		return nil
	}
	if s := &p.slots[i]; s.gen == uint32(id>>32) && s.done != nil {
		return s
	}
	return nil
}

// remove frees the slot of a request that still waits and returns its callback.
func (p *pending) remove(id uint64) func([]byte, error) {
	s := p.find(id)
	if s == nil {
		return nil
	}
	done := s.done
	*s = slot{gen: (s.gen + 1) & maxGen, next: p.free}
	p.free = int32(uint32(id))
	p.n--
	return done
}

// each calls fn for every request that waits; fn may remove it.
func (p *pending) each(fn func(id uint64, s *slot)) {
	for i := range p.slots {
		if s := &p.slots[i]; s.done != nil {
			fn(uint64(s.gen)<<32|uint64(i), s)
		}
	}
}
