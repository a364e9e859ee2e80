package datastore

import "bytes"

// lupdate is update for a large record.
func (e *engine) lupdate(l *large, key []byte, cut Version, u Updater, dst []byte) Update {
	before := e.ldigest(l, key, cut)
	stamp := e.stamp(later(cut, l.high))
	l.show(&e.shown, cut, stamp.Millis())
	up := Update{Delta: dst, Stamp: stamp, Before: before}
	if !e.run(u, &up) {
		return up
	}
	e.delta.atoms(&e.wrote, &e.shown)
	up.Delta = e.wrote.append(up.Delta)
	e.lapply(l, key, &e.wrote, cut)
	return up
}

// lmerge is merge for a large record.
func (e *engine) lmerge(l *large, key []byte, cut Version, delta []byte, opt MergeOptions, dst []byte) (Answer, error) {
	ans := Answer{Beat: dst}
	if err := e.wrote.decode(delta); err != nil {
		return ans, err
	}
	ans.Newest = later(e.wrote.newest(), cut)
	e.clock.Observe(ans.Newest)
	e.bygone(cut)
	j := e.judge(cut)
	if before := e.ldigest(l, key, cut); opt.Check && before != opt.Before {
		ans.Differs = true
		ans.Beat = l.appendBeaten(ans.Beat, cut, j.cut)
	}
	if e.lapses(&l.header, opt.lapsed) {
		e.lkillExpired(l, key)
		ans.lapsed = true
	}
	l.show(&e.shown, cut, j.now)
	if !opt.closed.IsZero() {
		ans.Refused = e.refuse(&e.shown, &l.header, cut, opt.closed)
	}
	replaced := e.lapply(l, key, &e.wrote, cut)
	ans.Conflict = ans.Differs && replaced
	l.show(&e.answer, cut, j.now)
	ans.Won = ans.Refused == 0 && j.won(&l.header, l.cells+len(l.elements))
	ans.Newest = later(ans.Newest, l.high)
	if !ans.Won && !ans.Differs {
		// Nothing beat what was refused: what is shown is as good as any.
		j.values = j.values && ans.Refused == 0
		ans.Beat = e.appendBeat(ans.Beat, l, cut, &j)
	}
	return ans, nil
}

// appendBeaten appends the whole record, with a reset in the place of cut if
// that killed a part of the delta: its writer may not know of it.
func (l *large) appendBeaten(dst []byte, cut Version, killed bool) []byte {
	kept := l.reset
	if killed {
		l.include(cut)
	}
	dst = l.append(dst)
	l.reset = kept
	return dst
}

// appendBeat appends what beat a delta: the header, the fields of the delta,
// all of a list that the delta is about, and if something else is shown
// than the delta's kind, the newest field of that.
func (e *engine) appendBeat(dst []byte, l *large, cut Version, j *judge) []byte {
	beat := &e.before
	beat.clear()
	beat.header = l.header
	if j.cut {
		beat.include(cut)
	}
	other := !j.values
	for cells := e.wrote.cells; len(cells) > 0; {
		n := fieldLen(cells)
		c := &cells[0]
		other = other || c.kind != e.answer.kind
		beat.cells = l.field(beat.cells, c.kind, c.hash, c.field)
		cells = cells[n:]
	}
	if len(e.wrote.elements) > 0 {
		other = other || e.answer.kind != List
		beat.elements = append(beat.elements, l.elements...)
		beat.intervals = append(beat.intervals, l.intervals...)
	}
	if other {
		e.addNewest(beat, l)
	}
	return beat.append(dst)
}

// addNewest adds to beat the field or element with the greatest stamp of those
// that e.answer shows, or the newest tombstone if it shows nothing.
func (e *engine) addNewest(beat *atoms, l *large) {
	v := &e.answer
	var newest Version
	var field []cell
	for k := String; k < kinds; k++ {
		if v.kind != None && k != v.kind {
			continue
		}
		l.eachFrom(k, 0, &v.scratch, func(cells []cell) bool {
			for i := range cells {
				if c := &cells[i]; (c.class != tombstone || v.kind == None) && v.lives(c) && newest.Less(c.stamp) {
					newest = c.stamp
					field = append(field[:0], cells...)
				}
			}
			return true
		})
	}
	beat.cells = joinCells(nil, beat.cells, field)
	if v.kind != List || len(beat.elements) > 0 {
		return
	}
	for i := range l.elements {
		if x := &l.elements[i]; v.cuts[List].Less(x.id) && newest.Less(x.stamp) {
			newest = x.stamp
			beat.elements = append(beat.elements[:0], *x)
		}
	}
}

// ldrop applies cut to the record.
func (e *engine) ldrop(l *large, key []byte, cut Version) {
	if l.dropped.Less(cut) {
		e.lapply(l, key, &atoms{}, cut)
	}
}

// lapply joins d and drops what dies. It says whether something died, or was
// replaced, that e.shown shows.
func (e *engine) lapply(l *large, key []byte, d *atoms, cut Version) (replaced bool) {
	e.hash.start(e.seed, key)
	old := l.cuts(l.dropped)
	l.dropped = later(l.dropped, cut)
	l.high = later(l.high, d.newest())
	l.header.join(&d.header)
	l.header.drop(l.dropped)
	cuts := l.cuts(l.dropped)
	if cuts != old {
		replaced = e.sweep(l, &cuts)
	}
	e.joinList(l, d, cuts[List])
	for cells := d.cells; len(cells) > 0; {
		n := fieldLen(cells)
		replaced = e.joinGroup(l, cells[:n], &cuts) || replaced
		cells = cells[n:]
	}
	return replaced
}

// sweep drops the groups that cuts kill. If that is all of them, as after a
// DEL, a SET or a lapsed expiry, it costs O(1).
func (e *engine) sweep(l *large, cuts *[kinds]Version) (replaced bool) {
	if l.groups.Len() == 0 {
		return false
	}
	if !cuts[None].Less(l.born) {
		fresh := newLarge(l.limits)
		fresh.header, fresh.intervals, fresh.dropped, fresh.high = l.header, l.intervals, l.dropped, l.high
		*l = *fresh
		return e.shown.kind != None
	}
	var touched []group
	l.each(func(g group) bool {
		e.after.cells = g.decode(e.after.cells[:0])
		for i := range e.after.cells {
			if c := &e.after.cells[i]; !cuts[c.kind].Less(c.birth()) {
				touched = append(touched, g)
				break
			}
		}
		return true
	})
	for _, g := range touched {
		e.after.cells = g.decode(e.after.cells[:0])
		replaced = e.joinGroup(l, e.after.cells[:1], cuts) || replaced
	}
	return replaced
}

// joinGroup joins cells of one field to those held.
func (e *engine) joinGroup(l *large, wrote []cell, cuts *[kinds]Version) (replaced bool) {
	k := wrote[0].kind
	g, held := l.find(k, wrote[0].hash, wrote[0].field)
	before := e.group[0][:0]
	if held {
		before = g.decode(before)
	}
	after := dropCells(joinCells(e.group[1][:0], before, wrote), cuts)
	e.group = [2][]cell{before, after}
	if held {
		l.account(&e.hash, g, before, -1)
	}
	if len(after) > 0 {
		n := newGroup(after)
		l.groups.Set(n)
		l.account(&e.hash, n, after, 1)
	} else if held {
		l.groups.Delete(g)
	}
	return e.shown.lost(before, after)
}

// account adds the cells of a group to the totals (by 1), or takes them out
// (by -1).
func (l *large) account(h *hasher, g group, cells []cell, by int) {
	l.cells += by * len(cells)
	l.size += by * len(g.data)
	if g.kind == String {
		l.text += by * len(g.data)
	}
	shown := 0
	for i := range cells {
		c := &cells[i]
		l.sum[g.kind] += uint64(by) * h.cell(c)
		l.born = later(l.born, c.birth())
		if c.class == tombstone {
			l.tombstones += by
		} else {
			shown = by
		}
	}
	l.shown[g.kind] += shown
}

// joinList joins elements and intervals. Values are copied, for d's alias the
// delta.
func (e *engine) joinList(l *large, d *atoms, cut Version) {
	if len(l.elements)+len(l.intervals)+len(d.elements)+len(d.intervals) == 0 {
		return
	}
	l.intervals = clipIntervals(joinIntervals(nil, l.intervals, d.intervals), cut)
	before := l.elements
	l.elements = dropElements(joinElements(nil, before, d.elements), l.intervals, cut)
	l.sum[List] = 0
	for i := range before {
		l.size -= len(before[i].value)
	}
	for i := range l.elements {
		x := &l.elements[i]
		x.value = bytes.Clone(x.value)
		l.sum[List] += e.hash.element(x)
		l.size += len(x.value)
		l.born = later(l.born, x.id)
	}
}

// lpurge is purge for a large record.
func (e *engine) lpurge(l *large, key []byte, cut, floor, floorBefore Version) (lapsed bool) {
	e.ldrop(l, key, cut)
	if lapsed = l.header.lapsedAt(floorBefore); lapsed {
		e.lkillExpired(l, key)
	}
	l.header.purge(floor)
	if l.removal.IsZero() {
		l.intervals = nil
	}
	if l.tombstones > 0 {
		e.purgeTombstones(l, key, floor)
	}
	return lapsed
}

// lkillExpired is killExpired for a large record.
func (e *engine) lkillExpired(l *large, key []byte) {
	kept, end := l.reset, End(l.expireAt)
	l.expiry, l.expireAt = Version{}, 0
	l.reset = reset{upto: later(kept.upto, end), stamp: later(kept.stamp, end)}
	l.header.drop(l.dropped)
	cuts := l.cuts(l.dropped)
	e.hash.start(e.seed, key)
	e.sweep(l, &cuts)
	e.joinList(l, &atoms{}, cuts[List])
	l.reset = kept
}

func (e *engine) purgeTombstones(l *large, key []byte, floor Version) {
	l.purged = later(l.purged, floor)
	var touched []group
	l.each(func(g group) bool {
		e.after.cells = g.decode(e.after.cells[:0])
		if c := &e.after.cells[0]; c.class == tombstone && !floor.Less(c.stamp) {
			touched = append(touched, g)
		}
		return true
	})
	e.hash.start(e.seed, key)
	for _, g := range touched {
		cells := g.decode(e.group[0][:0])
		e.group[0] = cells
		l.account(&e.hash, g, cells, -1)
		if len(cells) == 1 {
			l.groups.Delete(g)
			continue
		}
		n := newGroup(cells[1:])
		l.groups.Set(n)
		l.account(&e.hash, n, cells[1:], 1)
	}
}
