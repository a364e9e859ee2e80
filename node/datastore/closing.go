package datastore

// refuse takes out of e.wrote, which is about to be joined to the record that v
// holds, the atoms that come too late: all owners have promised to stamp no
// more up to closed, and from now on take what is older from each other
// only. It returns how many there were. What is held already, or
// superseded, or dead in the record, is left alone: joining it changes nothing.
//
// The stamp decides. A slot and an element have a birth as well: under a newer
// stamp they go on only where they are held, for here what killed them
// may have been purged.
func (e *engine) refuse(v *View, held *header, cut, closed Version) (n int) {
	d := &e.wrote
	n = d.header.refuse(held, cut, closed)
	cuts := held.cuts(cut)
	if d.removesLate(v, held, cuts[List], closed) {
		n += 1 + len(d.intervals)
		d.removal, d.intervals = Version{}, d.intervals[:0]
	}
	cells := d.cells[:0]
	for i := range d.cells {
		if c := &d.cells[i]; !c.late(v, cuts[c.kind], closed) {
			cells = append(cells, *c)
		}
	}
	elements := d.elements[:0]
	for i := range d.elements {
		if x := &d.elements[i]; !x.late(v, cuts[List], closed) {
			elements = append(elements, *x)
		}
	}
	n += len(d.cells) - len(cells) + len(d.elements) - len(elements)
	d.cells, d.elements = cells, elements
	return n
}

// refuse is for the atoms of the header but the removal. A reset is as old as
// its stamp, however far it reaches back.
func (h *header) refuse(held *header, cut, closed Version) (n int) {
	if h.reset != (reset{}) && !closed.Less(h.reset.stamp) && held.reset.less(h.reset) && cut.Less(h.reset.upto) {
		h.reset = reset{}
		n++
	}
	top := held.cut(cut)
	for k := range h.kreset {
		x := &h.kreset[k]
		if *x != (reset{}) && !closed.Less(x.stamp) && held.kreset[k].less(*x) && top.Less(x.upto) {
			*x = reset{}
			n++
		}
	}
	if !h.expiry.IsZero() && !closed.Less(h.expiry) && held.expiry.Less(h.expiry) && top.Less(h.expiry) {
		h.expiry, h.expireAt = Version{}, 0
		n++
	}
	return n
}

// late says whether a cell is to be refused; cut is what kills its kind.
func (c *cell) late(v *View, cut, closed Version) bool {
	fresh := closed.Less(c.stamp)
	if fresh && closed.Less(c.birth()) || !cut.Less(c.birth()) {
		return false
	}
	cells := v.cells(c.kind, c.field)
	x := find(cells, c)
	if c.class == slot {
		if fresh && x != nil && x.born == c.born {
			return false
		}
		if len(cells) > 0 && cells[0].class != slot && !cells[0].stamp.Less(c.born) {
			return false
		}
	}
	return x == nil || c.supersedes(x)
}

// late is as for cells.
func (x *element) late(v *View, cut, closed Version) bool {
	fresh := closed.Less(x.stamp)
	if fresh && closed.Less(x.id) || !cut.Less(x.id) || removed(v.intervals(), x.id) {
		return false
	}
	held := v.element(x.id)
	if held == nil {
		return true
	}
	return !fresh && x.supersedes(held)
}

// removesLate says whether the removals in a are to be refused: they are as old
// as the newest of them.
func (a *atoms) removesLate(v *View, held *header, cut, closed Version) bool {
	if a.removal.IsZero() && len(a.intervals) == 0 || closed.Less(a.removal) {
		return false
	}
	if held.removal.Less(a.removal) && cut.Less(a.removal) {
		return true
	}
	for _, x := range a.intervals {
		if x.lo = later(x.lo, cut); cut.Less(x.hi) && !covered(v.intervals(), x) {
			return true
		}
	}
	return false
}

// covered says whether one of the intervals holds all of x.
func covered(intervals []interval, x interval) bool {
	for i := range intervals {
		if o := &intervals[i]; o.node == x.node && !x.lo.Less(o.lo) && !o.hi.Less(x.hi) {
			return true
		}
	}
	return false
}
