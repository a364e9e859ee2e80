package datastore

import "bytes"

// merge joins a delta of unknown origin and observes its versions.
func (e *engine) merge(key, rec []byte, cut Version, delta []byte, opt MergeOptions, dst []byte) (out []byte, ans Answer, err error) {
	ans.Beat = dst
	if out, done, err := e.mergePlain(key, rec, cut, delta, opt, &ans); done {
		return out, ans, err
	}
	if err := e.wrote.decode(delta); err != nil {
		return nil, ans, err
	}
	e.clock.Observe(e.wrote.newest())
	ans.Newest = e.wrote.newest()
	e.bygone(cut)
	e.load(&e.before, rec, cut)
	if e.lapses(&e.before.header, opt.lapsed) {
		e.before.killExpired(cut)
		ans.lapsed = true
	}
	j := e.judge(cut)
	ans.Newest = later(later(e.before.newest(), ans.Newest), cut)
	if !opt.closed.IsZero() {
		e.shown.reset(0)
		e.shown.small = &e.before
		ans.Refused = e.refuse(&e.shown, &e.before.header, cut, opt.closed)
	}
	join(&e.after, &e.before, &e.wrote, cut)

	e.answer.show(&e.after, cut, j.now)
	ans.Won = ans.Refused == 0 && j.won(&e.after.header, len(e.after.cells)+len(e.after.elements))
	if opt.Check && e.digestAtoms(key, &e.before) != opt.Before {
		ans.Differs = true
		e.shown.show(&e.before, cut, j.now)
		ans.Conflict = e.shown.lost(e.before.cells, e.after.cells)
	}
	out = e.encode(&e.after, rec)
	if !ans.Won || ans.Differs {
		if j.cut {
			e.before.include(cut)
		}
		ans.Beat = e.before.append(ans.Beat)
	}
	return out, ans, nil
}

// bygone takes out of e.wrote what the floor lets go: it has had its effect
// here, for all owners have joined it.
func (e *engine) bygone(cut Version) {
	if !e.floor.IsZero() {
		e.wrote.purge(cut, e.floor, Version{})
	}
}

// lapses says that e.wrote brings a newer expiry than one that has ended for good
// what it ended.
func (e *engine) lapses(held *header, lapsed Version) bool {
	return held.expiry.Less(e.wrote.expiry) && held.lapsedAt(lapsed)
}

// stampOf is the newest version of a delta that was merged just now.
func (e *engine) stampOf(delta []byte) Version {
	if isPlain(delta) {
		return loadVersion(delta[1:])
	}
	return e.wrote.newest()
}

// mergePlain merges a SET's delta into nothing or into a plain string, without
// decoding either; done is false if the case is not that simple.
func (e *engine) mergePlain(key, rec []byte, cut Version, delta []byte, opt MergeOptions, ans *Answer) (out []byte, done bool, err error) {
	if !isPlain(delta) || delta[0]&withoutWipe != 0 || len(rec) > 0 && !isPlain(rec) {
		return nil, false, nil
	}
	if err := checkPlain(delta); err != nil {
		return nil, true, err
	}
	if !clearOf(cut, delta) || len(rec) > 0 && !clearOf(cut, rec) {
		return nil, false, nil
	}
	v := loadVersion(delta[1:])
	var held Version
	if len(rec) > 0 {
		held = loadVersion(rec[1:])
	}
	same := bytes.Equal(rec, delta)
	switch {
	case same:
		ans.Won = true
	case !opt.closed.Less(v):
		return nil, false, nil
	case held.Less(v):
		ans.Won, out = true, delta
	case held == v || rec[0]&withoutWipe != 0:
		return nil, false, nil
	}
	e.clock.Observe(v)
	ans.Newest = later(v, held) // both are above cut
	if opt.Check && !same && e.digest(key, rec, cut) != opt.Before {
		ans.Differs = true
		exists, _, _ := e.stat(rec, cut, v.Millis())
		ans.Conflict = ans.Won && exists
	}
	if !ans.Won || ans.Differs {
		ans.Beat = append(ans.Beat, rec...)
	}
	return out, true, nil
}

// lost says whether something that lives in before, as v shows it, did not
// survive into after. A slot that goes on in a later sum survives.
func (v *View) lost(before, after []cell) bool {
	for i := range before {
		c := &before[i]
		for len(after) > 0 && after[0].compare(c) < 0 {
			after = after[1:]
		}
		if c.class == tombstone || !v.lives(c) {
			continue
		}
		if len(after) == 0 || after[0].compare(c) != 0 || c.class == register && after[0].stamp != c.stamp {
			return true
		}
	}
	return false
}

// lives says that no reset and no lapsed expiry has killed c at the view's time.
func (v *View) lives(c *cell) bool { return v.cuts[c.kind].Less(c.birth()) }

// judge finds out whether a delta won. It looks at the record after the merge
// as it is at the time of the delta itself: what ends later (an expiry that the
// command knew, say) has not beaten it.
type judge struct {
	delta  *atoms
	view   *View // of the record after the merge
	now    int64
	values bool // the delta holds values
	cut    bool // a range reset killed a part of it
}

// judge begins to judge e.wrote.
func (e *engine) judge(cut Version) judge {
	j := judge{delta: &e.wrote, view: &e.answer, now: e.wrote.newest().Millis()}
	for i := range e.wrote.cells {
		c := &e.wrote.cells[i]
		j.values = j.values || c.class != tombstone
		j.cut = j.cut || !cut.Less(c.birth())
	}
	for i := range e.wrote.elements {
		j.values = true
		j.cut = j.cut || !cut.Less(e.wrote.elements[i].id)
	}
	h := &e.wrote.header
	j.cut = j.cut || !h.expiry.IsZero() && !cut.Less(h.expiry)
	j.cut = j.cut || h.reset != (reset{}) && !cut.Less(h.reset.upto)
	return j
}

// won is the rule of the answers: everything that the delta wrote is held, and
// nothing hides it that its writer did not know. atoms is how many cells and
// elements are held.
func (j *judge) won(held *header, atoms int) bool {
	d := j.delta
	for cells := d.cells; len(cells) > 0; {
		n := fieldLen(cells)
		if !j.field(cells[:n], j.view.cells(cells[0].kind, cells[0].field)) {
			return false
		}
		cells = cells[n:]
	}
	for i := range d.elements {
		if !j.element(&d.elements[i]) {
			return false
		}
	}
	switch {
	case j.values && d.reset != (reset{}) && d.reset.upto == d.reset.stamp.Pred():
		// A SET ends all that it knew: a field beside its own is unknown to
		// it, and so is an expiry, which would hide it later.
		return held.expiry == d.expiry && j.view.Len(j.view.kind) == d.fields()
	case j.values:
		// What else it wrote came with the values: the first of a key says
		// that there is no expiry, and if that is beaten the values are not.
		return true
	case d.deletes():
		return atoms == 0 && held.reset == d.reset && held.kreset == [kinds]reset{} && held.removal.IsZero()
	case d.reset != reset{}:
		return j.view.kind == None
	case !d.expiry.IsZero():
		return held.expiry == d.expiry
	}
	return true
}

// deletes says that a is what DEL writes. It has won where its reset is all
// that is left. That nothing is shown would not do: what it did not see may have
// been removed there by somebody whom nobody else has heard of yet, and by a
// removal with a newer stamp than its own; then who has not heard of that shows it
// still, next to the reset. The same goes for the tombstone of one field.
func (a *atoms) deletes() bool {
	return a.reset != reset{} && a.reset.upto == a.reset.stamp && len(a.cells) == 0 && a.removal.IsZero()
}

// fields is the number of elements, and of fields that are more than
// tombstones.
func (a *atoms) fields() int {
	n := len(a.elements)
	for cells := a.cells; len(cells) > 0; {
		size := fieldLen(cells)
		if size > 1 || cells[0].class != tombstone {
			n++
		}
		cells = cells[size:]
	}
	return n
}

// field judges the delta's cells of one field, next to those held.
func (j *judge) field(wrote, held []cell) bool {
	for i := range wrote {
		c := &wrote[i]
		switch c.class {
		case register:
			// A slot that was born on top of a register is no part of it.
			x := find(held, c)
			if x == nil || x.class != register || x.stamp != c.stamp || !j.shows(c) || j.shadowed(wrote, held) {
				return false
			}
		case tombstone:
			x := find(held, c)
			if x == nil || x.class != tombstone || x.stamp != c.stamp || c.kind == j.view.kind && j.shadowed(wrote, held) {
				return false
			}
		case slot:
			// A later sum with the same birth has this increment in it.
			x := find(held, c)
			if x == nil || x.born != c.born || x.stamp.Less(c.stamp) || !j.shows(c) {
				return false
			}
		}
	}
	return true
}

// shows says whether the view shows a cell that is held.
func (j *judge) shows(c *cell) bool { return c.kind == j.view.kind && j.view.lives(c) }

// shadowed says whether the field shows something that the delta did not write.
func (j *judge) shadowed(wrote, held []cell) bool {
	for i := range held {
		x := &held[i]
		if x.class == tombstone || !j.view.lives(x) {
			continue
		}
		if c := find(wrote, x); c == nil || c.class != x.class || c.stamp != x.stamp {
			return true
		}
	}
	return false
}

// find returns the cell of c's place among those of its field.
func find(cells []cell, c *cell) *cell {
	for i := range cells {
		if cells[i].place() == c.place() {
			return &cells[i]
		}
	}
	return nil
}

// element judges a pushed or changed element. Who removed a pushed one has
// seen it, so the push took effect before.
func (j *judge) element(x *element) bool {
	held := j.view.element(x.id)
	pushed := x.id == x.stamp
	switch {
	case held == nil:
		return pushed && removed(j.view.intervals(), x.id)
	case !pushed && held.stamp != x.stamp:
		return false
	}
	return j.view.kind == List && j.view.cuts[List].Less(x.id)
}
