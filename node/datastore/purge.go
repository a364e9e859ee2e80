package datastore

// purge removes what no owner needs any more, because every owner has joined
// every other one's state up to floor: then nothing that it could kill, and
// nothing that it must outlive, is still to come. Values stay.
//
// What an expiry ended may go one floor later (floorBefore is the floor before
// floor): until the round was over, an owner that did not know of it may have
// written an expiry that brings the cells back.
//
// lapsed says that an expiry went, with what it had ended. That is no join: a
// write that does not see the expiry says that there is none, and would show
// the old cells if they came back.
func (a *atoms) purge(cut, floor, floorBefore Version) (lapsed bool) {
	if lapsed = a.header.lapsedAt(floorBefore); lapsed {
		a.killExpired(cut)
	}
	a.header.purge(floor)
	if a.removal.IsZero() {
		a.intervals = a.intervals[:0]
	}
	kept := a.cells[:0]
	for i := range a.cells {
		if c := &a.cells[i]; c.class != tombstone || floor.Less(c.stamp) {
			kept = append(kept, *c)
		}
	}
	a.cells = kept
	return lapsed
}

// lapsedAt says that the expiry has passed at v and was written before.
func (h *header) lapsedAt(v Version) bool {
	return h.expireAt != 0 && !v.Less(End(h.expireAt)) && !v.Less(h.expiry)
}

// killExpired drops what the expiry ended, and the expiry itself.
func (a *atoms) killExpired(cut Version) {
	kept, end := a.reset, End(a.expireAt)
	a.expiry, a.expireAt = Version{}, 0
	a.drop(later(cut, end))
	a.reset = kept
}

// purge removes the atoms of the header that floor lets go. A reset goes by
// its stamp: its upto may be older than an owner's knowledge of it.
func (h *header) purge(floor Version) {
	if !floor.Less(h.reset.stamp) {
		h.reset = reset{}
	}
	for k := range h.kreset {
		if !floor.Less(h.kreset[k].stamp) {
			h.kreset[k] = reset{}
		}
	}
	if h.expireAt == 0 && !floor.Less(h.expiry) {
		h.expiry = Version{}
	}
	if !floor.Less(h.removal) {
		h.removal = Version{}
	}
}
