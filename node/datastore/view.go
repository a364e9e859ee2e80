package datastore

import "strconv"

// View is what a record shows at one moment. It is valid, with everything
// that its methods return, until the function that it was handed to returns;
// copy what is to be kept. Methods do not change the record.
//
// Reading a field of a small record or of a large one costs a scan of a few
// cells or O(log n); Len costs nothing, unless an expiry or a second kind
// hides a part of a large record.
type View struct {
	now int64
	// What the record holds is in text (a plain string), in small or in large.
	text  []byte
	plain bool
	small *atoms
	large *large

	kind     Kind
	expireAt int64 // shown; zero if none
	// lapsed is End(E) if the record holds an expiry E that has passed.
	lapsed Version
	// cuts is, per kind, the version up to which births are dead at this time.
	cuts  [kinds]Version
	alive [kinds]alive

	buf     []byte // formatted numbers
	order   []int  // scratch of Each for lists
	scratch []cell // the cells of one field of a large record
}

// alive is what a kind has that lives.
type alive struct {
	n      int     // fields or elements that are shown
	newest Version // the greatest stamp among what lives
	born   Version // the greatest birth among all its cells, tombstones too
}

// Now is the moment, in Unix milliseconds; for a command, that of its stamp.
func (v *View) Now() int64 { return v.now }

// Kind is what the key shows itself as; None if it does not exist.
func (v *View) Kind() Kind { return v.kind }

// Expiry is the time, in Unix milliseconds, after which the key is gone; ok is
// false if there is none.
func (v *View) Expiry() (at int64, ok bool) {
	if v.kind == None || v.expireAt == 0 {
		return 0, false
	}
	return v.expireAt, true
}

// Text is the string that the key shows, with its increments added; ok is
// false unless the kind is String.
func (v *View) Text() (value []byte, ok bool) {
	if v.plain {
		return v.text, v.kind == String
	}
	return v.Field(String, nil)
}

// Field is the value of a hash field, of a set member (empty, by custom) or of
// a sorted-set member (its score), with its increments added; ok is false if it
// is absent or if k is not the kind that is shown.
func (v *View) Field(k Kind, field []byte) (value []byte, ok bool) {
	if k != v.kind || k == None || k == List {
		return nil, false
	}
	if k == String {
		if v.plain {
			return v.text, true
		}
		field = nil
	}
	return v.fold(v.cells(k, field))
}

// Len is the number of fields, members or elements, and 1 for a string; zero
// unless k is the kind that is shown.
func (v *View) Len(k Kind) int {
	if k != v.kind {
		return 0
	}
	return v.alive[k].n
}

// Each calls fn for each field of kind k, or for each element of a list in
// order (its field is nil), until fn returns false. What fn is handed is valid until
// it returns. Nothing is called unless k is the kind that is shown.
func (v *View) Each(k Kind, fn func(field, value []byte) bool) {
	if k == List && v.kind == List {
		v.eachElement(func(value []byte) bool { return fn(nil, value) })
		return
	}
	v.EachFrom(k, 0, func(_ uint64, field, value []byte) bool { return fn(field, value) })
}

// EachFrom calls fn for each field of kind k in the order of a 64-bit hash of
// the field, from the first hash that is not below cursor, until fn returns
// false. The hash of a field never changes, so a caller that stops and later
// goes on from the hash it stopped at misses no field that stayed. To split
// no group of equal hashes, stop when the hash changes.
func (v *View) EachFrom(k Kind, cursor uint64, fn func(hash uint64, field, value []byte) bool) {
	if k != v.kind || k == None || k == List {
		return
	}
	mark := len(v.buf)
	visit := func(cells []cell) bool {
		v.buf = v.buf[:mark]
		value, ok := v.fold(cells)
		return !ok || fn(cells[0].hash, cells[0].field, value)
	}
	switch {
	case v.plain:
		if cursor == 0 {
			fn(0, nil, v.text)
		}
	case v.large != nil:
		v.large.eachFrom(k, cursor, &v.scratch, visit)
	default:
		for cells := v.small.cells; len(cells) > 0; {
			n := fieldLen(cells)
			if c := &cells[0]; c.kind == k && c.hash >= cursor && !visit(cells[:n:n]) {
				return
			}
			cells = cells[n:]
		}
	}
}

// reset makes v ready for another record.
func (v *View) reset(now int64) {
	*v = View{now: now, buf: emptied(v.buf), order: emptied(v.order), scratch: emptied(v.scratch)}
}

// showPlain makes v show a record of a plain shape.
func (v *View) showPlain(rec []byte, cut Version, now int64) {
	stamp, at, value := plain(rec)
	v.reset(now)
	v.plain, v.text = true, value
	if !cut.Less(stamp) {
		return
	}
	if at != 0 && now > at {
		// A register is older than its own expiry, so it is gone, unless a
		// faulty writer gave it one that had passed.
		v.lapsed = End(at)
		if !v.lapsed.Less(stamp) {
			return
		}
	}
	v.kind, v.expireAt = String, at
	v.alive[String] = alive{n: 1, newest: stamp, born: stamp}
}

// show makes v show a, from which everything dead below cut was dropped.
func (v *View) show(a *atoms, cut Version, now int64) {
	v.reset(now)
	v.small = a
	v.lapse(&a.header, cut)
	for cells := a.cells; len(cells) > 0; {
		n := fieldLen(cells)
		v.count(cells[:n])
		cells = cells[n:]
	}
	for i := range a.elements {
		v.countElement(&a.elements[i])
	}
	v.choose()
}

// lapse works out what time has done: a passed expiry is as if a reset up to
// its end had been written, but only for who looks.
func (v *View) lapse(h *header, cut Version) {
	v.cuts = h.cuts(cut)
	if v.cuts[None].Less(h.expiry) {
		v.expireAt = h.expireAt
	}
	if v.expireAt == 0 || v.now <= v.expireAt {
		return
	}
	v.lapsed = End(v.expireAt)
	for k := range v.cuts {
		v.cuts[k] = later(v.cuts[k], v.lapsed)
	}
	if !v.cuts[None].Less(h.expiry) {
		v.expireAt = 0
	}
}

// count counts the cells of one field.
func (v *View) count(cells []cell) {
	k := cells[0].kind
	a, cut := &v.alive[k], v.cuts[k]
	shown := false
	for i := range cells {
		c := &cells[i]
		birth := c.birth()
		if !cut.Less(birth) {
			continue
		}
		a.born = later(a.born, birth)
		if c.class != tombstone {
			a.newest = later(a.newest, c.stamp)
			shown = true
		}
	}
	if shown {
		a.n++
	}
}

func (v *View) countElement(x *element) {
	if a := &v.alive[List]; v.cuts[List].Less(x.id) {
		a.n++
		a.newest = later(a.newest, x.stamp)
		a.born = later(a.born, x.id)
	}
}

// choose shows the kind with the newest stamp among what lives.
func (v *View) choose() {
	for k := String; k < kinds; k++ {
		if v.alive[k].n > 0 && (v.kind == None || v.alive[v.kind].newest.Less(v.alive[k].newest)) {
			v.kind = k
		}
	}
}

// cells returns the cells of one field, none if there are none.
func (v *View) cells(k Kind, field []byte) []cell {
	if v.large != nil {
		v.scratch = v.large.field(v.scratch[:0], k, fieldHash(k, field), field)
		return v.scratch
	}
	if v.small == nil {
		return nil
	}
	return v.small.field(k, field)
}

// field returns the cells of one field.
func (a *atoms) field(k Kind, field []byte) []cell {
	for i := range a.cells {
		if c := &a.cells[i]; c.kind == k && string(c.field) == string(field) {
			return a.cells[i : i+fieldLen(a.cells[i:])]
		}
	}
	return nil
}

// fieldLen is how many of the cells are of the first one's field.
func fieldLen(cells []cell) int {
	n := 1
	for n < len(cells) && cells[n].class == slot && cells[n].compareField(&cells[0]) == 0 {
		n++
	}
	return n
}

// fold is what the cells of one field show: the register plus the slots; only
// the register if that is no integer.
func (v *View) fold(cells []cell) (value []byte, ok bool) {
	if len(cells) == 0 {
		return nil, false
	}
	cut := v.cuts[cells[0].kind]
	var sum total
	slots := 0
	for i := range cells {
		c := &cells[i]
		if !cut.Less(c.birth()) {
			continue
		}
		switch c.class {
		case register:
			value, ok = c.value, true
		case slot:
			sum.add(c.sum)
			slots++
		}
	}
	if slots == 0 {
		return value, ok
	}
	if ok {
		n, integer := parseInt(value)
		if !integer {
			return value, true
		}
		sum.add(n)
	}
	// Appending leaves the numbers handed out before where they are, also when
	// buf moves.
	mark := len(v.buf)
	v.buf = strconv.AppendInt(v.buf, sum.saturated(), 10)
	return v.buf[mark:len(v.buf):len(v.buf)], true
}
