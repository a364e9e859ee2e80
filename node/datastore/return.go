package datastore

import (
	"bytes"

	"github.com/dynomite-go/dynomite/node/datastore/internal/oplog"
)

// Return is for an old copy: a store whose floor is below g, the floor of the
// other owners (it was restored, lost its tail, or left the owners behind). What
// killed some of its atoms may have been purged by the others, so it drops of
// the record of key whatever is up to g and not in theirs, the record of an
// owner that is complete at g (empty if that holds nothing), and joins theirs.
// What goes on under a stamp above g stays if its birth is above g too or is
// held by theirs.
//
// It is called for each key that either side holds, after SetFloor at g, which
// forgets the range resets that are too old, and before anything is served, sent or
// voted on. What the remaining owners hold is merged afterwards, by the
// exchange's road. It is logged as what it left, so it survives a restart once
// Commit has returned; until all keys are done, it is begun again after one.
func (m *Memory) Return(key, theirs []byte, g Version) error {
	if err := m.writable(); err != nil {
		return err
	}
	s, err := m.enter(key)
	if err != nil {
		return err
	}
	defer s.exit()
	cut := s.cut(s.at.token)
	rec, l := s.dropped(key, s.at.entry, cut)
	if l != nil {
		rec = l.append(nil)
	}
	out, dropped, err := s.engine.unlearn(rec, cut, theirs, g)
	if err != nil || out == nil {
		return err
	}
	if len(key)+len(out) > oplog.MaxOperation {
		return ErrMalformed
	}
	out = bytes.Clone(out)
	s.changed()
	if err := s.put(out, cut, m.clock.Now()); err != nil {
		return err
	}
	s.newest = later(s.newest, s.engine.newest(out))
	switch {
	case m.log == nil:
	case dropped:
		m.log.Append(oplog.Replace, key, out)
	default:
		m.log.Append(oplog.Delta, key, theirs)
	}
	return nil
}

// restore makes rec, which comes from the log, the record of the key at hand.
func (s *shard) restore(rec []byte) error {
	if len(rec) == 0 {
		s.remove()
		return nil
	}
	if err := s.engine.check(rec); err != nil {
		return err
	}
	cut := s.cut(s.at.token)
	if out := s.engine.drop(rec, cut); out != nil {
		rec = bytes.Clone(out)
	}
	newest := s.engine.newest(rec)
	s.m.clock.Observe(newest)
	s.newest = later(s.newest, newest)
	return s.put(rec, cut, s.m.clock.Now())
}

// unlearn drops from a record what is up to g and not in theirs, and joins
// theirs. dropped says that the result is less than the join of the two.
func (e *engine) unlearn(rec []byte, cut Version, theirs []byte, g Version) (out []byte, dropped bool, err error) {
	e.wrote.clear()
	if len(theirs) > 0 {
		if err := e.wrote.decode(theirs); err != nil {
			return nil, false, err
		}
	}
	e.clock.Observe(e.wrote.newest())
	e.load(&e.before, rec, cut)
	join(&e.after, &e.before, &e.wrote, cut)
	whole := e.after.append(nil)
	e.before.unlearn(&e.wrote, g)
	join(&e.after, &e.before, &e.wrote, cut)
	out = e.encode(&e.after, rec)
	return out, out != nil && !bytes.Equal(out, whole), nil
}

// unlearn drops what is up to g, and what goes on from there unless theirs
// holds it. What theirs has of it will be joined.
func (a *atoms) unlearn(theirs *atoms, g Version) {
	a.header.purge(g)
	if !g.Less(a.expiry) {
		a.expiry, a.expireAt = Version{}, 0
	}
	if a.removal.IsZero() {
		a.intervals = a.intervals[:0]
	}
	cells := a.cells[:0]
	for i := range a.cells {
		c := &a.cells[i]
		if c.class == slot && g.Less(c.stamp) {
			x := find(theirs.field(c.kind, c.field), c)
			if x != nil && x.class == slot && x.born == c.born {
				cells = append(cells, *c)
				continue
			}
		}
		if g.Less(c.birth()) {
			cells = append(cells, *c)
		}
	}
	a.cells = cells
	elements := a.elements[:0]
	for i := range a.elements {
		x := &a.elements[i]
		if g.Less(x.id) || g.Less(x.stamp) && theirs.holds(x.id) {
			elements = append(elements, *x)
		}
	}
	a.elements = elements
}

// holds says whether a has the element of an id.
func (a *atoms) holds(id Version) bool {
	for i := range a.elements {
		if a.elements[i].id == id {
			return true
		}
	}
	return false
}
