package hints

// list holds slots in the order of their ids, which is the order in which they
// came.
type list struct {
	slots      *slab
	head, tail handle
}

func (l *list) first() *slot        { return l.slots.at(l.head) }
func (l *list) after(s *slot) *slot { return l.slots.at(s.next) }

// insert puts s after the last of the slots before near, near included, whose id
// is less; near nil means the end. It takes a step for each slot in between.
func (l *list) insert(s, near *slot) {
	prev := near
	if prev == nil {
		prev = l.slots.at(l.tail)
	}
	for prev != nil && prev.id > s.id {
		prev = l.slots.at(prev.prev)
	}
	next := l.first()
	if prev != nil {
		next = l.after(prev)
	}
	for next != nil && next.id < s.id {
		prev, next = next, l.after(next)
	}
	s.prev, s.next = 0, 0
	if prev != nil {
		s.prev, prev.next = prev.self, s.self
	} else {
		l.head = s.self
	}
	if next != nil {
		s.next, next.prev = next.self, s.self
	} else {
		l.tail = s.self
	}
}

func (l *list) remove(s *slot) {
	if prev := l.slots.at(s.prev); prev != nil {
		prev.next = s.next
	} else {
		l.head = s.next
	}
	if next := l.slots.at(s.next); next != nil {
		next.prev = s.prev
	} else {
		l.tail = s.prev
	}
	s.prev, s.next = 0, 0
}
