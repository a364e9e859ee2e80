package hints

// list holds slots in the order of their ids, which is the order in which they
// came.
type list struct{ head, tail *slot }

// insert puts s after the last of the slots before near, near included, whose id
// is less; near nil means the end. It takes a step for each slot in between.
func (l *list) insert(s, near *slot) {
	prev := near
	if prev == nil {
		prev = l.tail
	}
	for prev != nil && prev.id > s.id {
		prev = prev.prev
	}
	next := l.head
	if prev != nil {
		next = prev.next
	}
	for next != nil && next.id < s.id {
		prev, next = next, next.next
	}
	s.prev, s.next = prev, next
	if prev != nil {
		prev.next = s
	} else {
		l.head = s
	}
	if next != nil {
		next.prev = s
	} else {
		l.tail = s
	}
}

func (l *list) remove(s *slot) {
	if s.prev != nil {
		s.prev.next = s.next
	} else {
		l.head = s.next
	}
	if s.next != nil {
		s.next.prev = s.prev
	} else {
		l.tail = s.prev
	}
	s.prev, s.next = nil, nil
}
