package datastore

import "slices"

// Shape is what a record is made of, for replicas that compare it in parts.
type Shape struct {
	// Large says that the record is an ordered tree, of which a part costs
	// less than the whole.
	Large bool
	// Newest is no older than any version in the record.
	Newest Version
	// Digest is the record's, and Members that of the fields of each kind; the
	// rest of Digest is what every [Memory.Part] has.
	Digest  uint64
	Members [NumKinds]uint64
}

// NumKinds is the number of kinds, None included.
const NumKinds = int(kinds)

// Shape returns the shape of key's record, zero if there is none. It costs
// O(1) for a large record, O(n) for others.
func (m *Memory) Shape(key []byte) (Shape, error) {
	s, err := m.enter(key)
	if err != nil || !s.at.found {
		if err == nil {
			s.exit()
		}
		return Shape{}, err
	}
	defer s.exit()
	cut := s.cut(s.at.token)
	if l := s.at.large; l != nil {
		d := s.engine.ldigest(l, key, cut)
		shape := Shape{Large: true, Newest: l.newest(), Digest: d, Members: l.sum}
		shape.Members[List] = 0 // elements are in every part
		return shape, nil
	}
	a := &s.engine.before
	s.engine.load(a, s.at.rec, cut)
	if a.empty() {
		return Shape{}, nil
	}
	shape := Shape{Newest: a.newest(), Digest: s.engine.digestAtoms(key, a)}
	for i := range a.cells {
		s.engine.begin(key)
		shape.Members[a.cells[i].kind] += s.engine.hash.cells(a.cells[i : i+1])
	}
	return shape, nil
}

// Members calls fn for each field of a kind that key holds, shown or not, whose
// XXH64 is in [from, to], in the order of these, until fn returns false. The
// digests of all fields add up to that of [Shape]. The lock is let go between
// batches, as in Scan.
func (m *Memory) Members(key []byte, k Kind, from, to uint64, fn func(hash, digest uint64) bool) error {
	for {
		next, more, err := m.members(key, k, from, to, fn)
		if !more || err != nil {
			return err
		}
		from = next
	}
}

func (m *Memory) members(key []byte, k Kind, from, to uint64, fn func(hash, digest uint64) bool) (next uint64, more bool, err error) {
	s, err := m.enter(key)
	if err != nil {
		return 0, false, err
	}
	defer s.exit()
	if !s.at.found {
		return 0, false, nil
	}
	e, n, last := s.engine, 0, uint64(0)
	if l := s.at.large; l != nil {
		e.ldigest(l, key, s.cut(s.at.token)) // purges
	}
	visit := func(cells []cell) bool {
		h := cells[0].hash
		if h > to {
			return false
		}
		if n >= scanBatch && h != last {
			next, more = h, true
			return false
		}
		n, last = n+1, h
		e.begin(key)
		if digest := e.hash.cells(cells); digest != 0 {
			return fn(h, digest)
		}
		return true
	}
	s.eachMember(k, from, visit)
	return next, more, nil
}

// eachMember calls fn with the cells of each field of a kind of the record at
// hand, from a hash on.
func (s *shard) eachMember(k Kind, from uint64, fn func([]cell) bool) {
	e, cut := s.engine, s.cut(s.at.token)
	if l := s.at.large; l != nil {
		e.ldrop(l, s.at.key, cut)
		l.eachFrom(k, from, &e.group[0], fn)
		return
	}
	e.load(&e.before, s.at.rec, cut)
	for cells := e.before.cells; len(cells) > 0; {
		n := fieldLen(cells)
		if c := &cells[0]; c.kind == k && c.hash >= from && !fn(cells[:n]) {
			return
		}
		cells = cells[n:]
	}
}

// Part appends a delta with everything that key holds, except for fields: of
// these only those of a kind whose XXH64 is named. dst comes back as it was if
// that is nothing.
func (m *Memory) Part(key []byte, k Kind, hashes []uint64, dst []byte) ([]byte, error) {
	s, err := m.enter(key)
	if err != nil {
		return dst, err
	}
	defer s.exit()
	if !s.at.found {
		return dst, nil
	}
	hashes = slices.Compact(slices.Sorted(slices.Values(hashes)))
	var part atoms
	for _, h := range hashes {
		s.eachMember(k, h, func(cells []cell) bool {
			if cells[0].hash == h {
				part.cells = append(part.cells, cells...)
			}
			return cells[0].hash == h
		})
	}
	cut := s.cut(s.at.token)
	if l := s.at.large; l != nil {
		s.engine.ldrop(l, key, cut)
		part.header, part.elements, part.intervals = l.header, l.elements, l.intervals
	} else {
		s.engine.load(&s.engine.before, s.at.rec, cut)
		part.header, part.elements, part.intervals = s.engine.before.header, s.engine.before.elements, s.engine.before.intervals
	}
	if part.empty() {
		return dst, nil
	}
	return part.append(dst), nil
}
