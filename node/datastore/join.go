package datastore

import "sort"

// join sets out to the join of a and b, and drops what is dead in it. Nothing
// here knows the time or which kind is shown: that is for reads. out must be
// neither a nor b; its slices alias what theirs do.
func join(out, a, b *atoms, cut Version) {
	out.header = a.header
	out.header.join(&b.header)
	out.cells = joinCells(emptied(out.cells), a.cells, b.cells)
	out.elements = joinElements(emptied(out.elements), a.elements, b.elements)
	out.intervals = joinIntervals(emptied(out.intervals), a.intervals, b.intervals)
	out.drop(cut)
}

// join takes the greater of each atom.
func (h *header) join(o *header) {
	if h.reset.less(o.reset) {
		h.reset = o.reset
	}
	for k := range h.kreset {
		if h.kreset[k].less(o.kreset[k]) {
			h.kreset[k] = o.kreset[k]
		}
	}
	if c := h.expiry.Compare(o.expiry); c < 0 || c == 0 && h.expireAt < o.expireAt {
		h.expiry, h.expireAt = o.expiry, o.expireAt
	}
	h.removal = later(h.removal, o.removal)
}

func joinCells(dst, a, b []cell) []cell {
	for len(a) > 0 && len(b) > 0 {
		switch c := a[0].compare(&b[0]); {
		case c < 0:
			dst = append(dst, a[0])
			a = a[1:]
		case c > 0:
			dst = append(dst, b[0])
			b = b[1:]
		default:
			if b[0].supersedes(&a[0]) {
				dst = append(dst, b[0])
			} else {
				dst = append(dst, a[0])
			}
			a, b = a[1:], b[1:]
		}
	}
	return append(append(dst, a...), b...)
}

func joinElements(dst, a, b []element) []element {
	for len(a) > 0 && len(b) > 0 {
		switch c := a[0].id.Compare(b[0].id); {
		case c < 0:
			dst = append(dst, a[0])
			a = a[1:]
		case c > 0:
			dst = append(dst, b[0])
			b = b[1:]
		default:
			if b[0].supersedes(&a[0]) {
				dst = append(dst, b[0])
			} else {
				dst = append(dst, a[0])
			}
			a, b = a[1:], b[1:]
		}
	}
	return append(append(dst, a...), b...)
}

func joinIntervals(dst, a, b []interval) []interval {
	for len(a) > 0 || len(b) > 0 {
		var x interval
		if len(b) == 0 || len(a) > 0 && a[0].compare(&b[0]) <= 0 {
			x, a = a[0], a[1:]
		} else {
			x, b = b[0], b[1:]
		}
		dst = appendInterval(dst, x)
	}
	return dst
}

// appendInterval appends x, which begins at or above the last of s, and fuses
// the two if they touch.
func appendInterval(s []interval, x interval) []interval {
	if n := len(s); n > 0 && s[n-1].node == x.node && !s[n-1].hi.Less(x.lo) {
		s[n-1].hi = later(s[n-1].hi, x.hi)
		return s
	}
	return append(s, x)
}

// removed says whether an element was removed for ever.
func removed(intervals []interval, id Version) bool {
	i := sort.Search(len(intervals), func(i int) bool {
		x := &intervals[i]
		return x.node > id.Node || x.node == id.Node && !x.hi.Less(id)
	})
	return i < len(intervals) && intervals[i].node == id.Node && intervals[i].lo.Less(id)
}

// drop removes what is dead. It loses nothing: whatever died stays dead by the
// atom that killed it.
func (a *atoms) drop(cut Version) {
	a.header.drop(cut)
	cuts := a.header.cuts(cut)
	a.cells = dropCells(a.cells, &cuts)
	a.intervals = clipIntervals(a.intervals, cuts[List])
	a.elements = dropElements(a.elements, a.intervals, cuts[List])
}

// drop removes the atoms of the header that are dead.
func (h *header) drop(cut Version) {
	if !cut.Less(h.reset.upto) {
		h.reset = reset{}
	}
	top := h.cut(cut)
	for k := range h.kreset {
		if !top.Less(h.kreset[k].upto) {
			h.kreset[k] = reset{}
		}
	}
	if !top.Less(h.expiry) {
		h.expiry, h.expireAt = Version{}, 0
	}
	if !h.kindCut(cut, List).Less(h.removal) {
		h.removal = Version{}
	}
}

// cuts is kindCut of every kind; that of None is cut.
func (h *header) cuts(outside Version) (cuts [kinds]Version) {
	cut := h.cut(outside)
	for k := range cuts {
		cuts[k] = later(cut, h.kreset[k].upto)
	}
	return cuts
}

// dropCells removes the cells that a reset killed, and the slots that were
// born before the register of their field. It works in place.
func dropCells(cells []cell, cuts *[kinds]Version) []cell {
	kept := 0
	var reg Version // the register's stamp, of the field at hand
	for i := range cells {
		c := &cells[i]
		if i == 0 || c.class != slot || c.compareField(&cells[i-1]) != 0 {
			reg = Version{}
		}
		if c.class != slot {
			reg = c.stamp
		}
		birth := c.birth()
		if !cuts[c.kind].Less(birth) || c.class == slot && !reg.Less(birth) {
			continue
		}
		if kept != i {
			cells[kept] = *c
		}
		kept++
	}
	return cells[:kept]
}

func clipIntervals(intervals []interval, cut Version) []interval {
	kept := intervals[:0]
	for _, x := range intervals {
		if cut.Less(x.hi) {
			x.lo = later(x.lo, cut)
			kept = append(kept, x)
		}
	}
	return kept
}

func dropElements(elements []element, intervals []interval, cut Version) []element {
	kept := elements[:0]
	for i := range elements {
		if x := &elements[i]; cut.Less(x.id) && !removed(intervals, x.id) {
			kept = append(kept, *x)
		}
	}
	return kept
}
