package datastore

import (
	"cmp"
	"slices"
	"strconv"
)

// Delta collects what one command writes, all of it at the command's stamp.
// Arguments are copied at once. What every write owes to the join besides is
// added by the store: that a key which did not exist begins without an expiry,
// that what an expiry or a newer kind hid from the command is gone for good.
//
// Where one delta writes a field twice, the later call wins; an Add after a
// Put adds to the value put.
type Delta struct {
	stamp  Version
	wipe   bool // Overwrite, Clear
	gone   bool // Delete
	expiry expiryWrite
	at     int64
	writes []write
	buf    []byte // copies of arguments
	unseen bool   // WithoutBefore
}

type expiryWrite uint8

const (
	leaveExpiry expiryWrite = iota
	setExpiry
	voidExpiry
)

// write is one call of Put, Remove or Add.
type write struct {
	kind  Kind
	class class
	hash  uint64
	field []byte
	value []byte
	by    int64
}

// Stamp is the version that the command runs at.
func (d *Delta) Stamp() Version { return d.stamp }

// Now is the stamp's time in Unix milliseconds: the command's own time.
func (d *Delta) Now() int64 { return d.stamp.Millis() }

// WithoutBefore says that whoever called Update has no use for the digest of the
// record as it was: Update.Before may be zero. Hashing it is 6 % of what a
// SET costs.
func (d *Delta) WithoutBefore() { d.unseen = true }

// Empty says that nothing was written yet.
func (d *Delta) Empty() bool {
	return !d.wipe && !d.gone && d.expiry == leaveExpiry && len(d.writes) == 0
}

// Overwrite replaces whatever the key is, its expiry too, by a string (SET).
// Call ExpireAt as well to give it an expiry, or to keep the one that the View
// shows (SET KEEPTTL).
func (d *Delta) Overwrite(value []byte) {
	d.Clear()
	d.write(write{kind: String, class: register, value: d.keep(value)})
}

// Clear removes whatever the key is, its expiry too, and what was put into
// this delta so far, to make room for what is put next (RESTORE, SINTERSTORE).
// With nothing put next it is a Delete.
func (d *Delta) Clear() {
	d.wipe = true
	d.expiry = leaveExpiry
	d.writes = d.writes[:0]
}

// Put sets a hash field, a set member (value empty) or a sorted-set member
// (value: its score). For String the field is ignored, and the key keeps its
// expiry (APPEND, GETSET-like edits). It replaces what was added by increments:
// the value holds them. It panics if k is None or List.
func (d *Delta) Put(k Kind, field, value []byte) {
	d.write(write{kind: k, class: register, field: d.keepField(k, field), value: d.keep(value)})
}

// Remove deletes a field that the View shows. It panics if k is None or List.
func (d *Delta) Remove(k Kind, field []byte) {
	d.write(write{kind: k, class: tombstone, field: d.keepField(k, field)})
}

// Add adds to the integer that a field shows (0 if it is absent). Concurrent
// additions by other nodes add up, and one that is retried counts once. The
// caller has made sure that the field shows an integer and that the sum
// fits, for what is stored and shown saturates. It panics if k is None or List.
func (d *Delta) Add(k Kind, field []byte, by int64) {
	d.write(write{kind: k, class: slot, field: d.keepField(k, field), by: by})
}

// ExpireAt sets the time, in Unix milliseconds, after which the key is gone; a
// time before Now deletes the key.
func (d *Delta) ExpireAt(ms int64) {
	if ms < d.Now() {
		d.Delete()
		return
	}
	d.expiry, d.at = setExpiry, ms
}

// Persist removes the expiry.
func (d *Delta) Persist() { d.expiry = voidExpiry }

// Delete removes the key. It wins over everything else in this delta, whatever
// the order of the calls.
func (d *Delta) Delete() { d.gone = true }

// begin makes d ready for the next command.
func (d *Delta) begin(stamp Version) {
	*d = Delta{stamp: stamp, writes: emptied(d.writes), buf: d.buf[:0]}
	if cap(d.buf) > maxBuffer {
		d.buf = nil
	}
}

func (d *Delta) write(w write) {
	if w.kind < String || w.kind > ZSet {
		panic("datastore: Delta: kind " + w.kind.String() + " has no fields")
	}
	w.hash = fieldHash(w.kind, w.field)
	d.writes = append(d.writes, w)
}

// keep copies b. Earlier copies stay where they are when buf moves.
func (d *Delta) keep(b []byte) []byte {
	mark := len(d.buf)
	d.buf = append(d.buf, b...)
	return d.buf[mark:len(d.buf):len(d.buf)]
}

func (d *Delta) keepField(k Kind, field []byte) []byte {
	if k == String {
		return nil
	}
	return d.keep(field)
}

// plain says whether d is a SET: the shapes that hold nothing but a string.
func (d *Delta) plain() (value []byte, expireAt int64, ok bool) {
	if !d.wipe || d.gone || len(d.writes) != 1 {
		return nil, 0, false
	}
	w := &d.writes[0]
	if w.kind != String || w.class != register {
		return nil, 0, false
	}
	if d.expiry == setExpiry {
		expireAt = d.at
	}
	return w.value, expireAt, true
}

// atoms sets out to what d writes on top of what s showed it.
func (d *Delta) atoms(out *atoms, s *View) {
	out.clear()
	v := d.stamp
	if d.gone || d.wipe && len(d.writes) == 0 {
		out.reset = reset{upto: v, stamp: v}
		return
	}
	if d.wipe {
		out.reset = reset{upto: v.Pred(), stamp: v}
	} else {
		d.heal(out, s)
	}
	switch {
	case d.expiry == setExpiry:
		out.expiry, out.expireAt = v, d.at
	case d.expiry == voidExpiry && !d.wipe, s.kind == None && !d.wipe:
		out.expiry, out.expireAt = v, 0
	}
	out.cells = d.cells(out.cells, s)
}

// heal makes permanent what s had as gone or hidden: else a new expiry would
// bring back cells that an older one had ended, and a hidden kind could come
// to light again.
func (d *Delta) heal(out *atoms, s *View) {
	if !s.lapsed.IsZero() {
		out.reset = reset{upto: s.lapsed, stamp: d.stamp}
	}
	for k := String; k < kinds; k++ {
		if a := &s.alive[k]; k != s.kind && a.n > 0 && out.reset.upto.Less(a.born) {
			out.kreset[k] = reset{upto: a.born, stamp: d.stamp}
		}
	}
}

// cells appends the cells that the writes come to, in order.
func (d *Delta) cells(dst []cell, s *View) []cell {
	if len(d.writes) > 1 {
		slices.SortStableFunc(d.writes, func(a, b write) int { return a.compare(&b) })
	}
	for ws := d.writes; len(ws) > 0; {
		w := ws[0]
		for ws = ws[1:]; len(ws) > 0 && ws[0].compare(&w) == 0; ws = ws[1:] {
			w = d.fold(w, ws[0])
		}
		c := cell{kind: w.kind, class: w.class, hash: w.hash, field: w.field, value: w.value, stamp: d.stamp}
		if c.class == slot {
			c.node, c.born, c.sum = d.stamp.Node, d.stamp, w.by
			// A slot that went on through a reset would die of it.
			if own, ok := s.slot(&c); ok && !d.wipe {
				c.born, c.sum = own.born, addSaturating(own.sum, w.by)
			}
		}
		dst = append(dst, c)
	}
	return dst
}

func (w *write) compare(o *write) int {
	if c := cmp.Compare(w.kind, o.kind); c != 0 {
		return c
	}
	if c := cmp.Compare(w.hash, o.hash); c != 0 {
		return c
	}
	return slices.Compare(w.field, o.field)
}

// fold is what two writes to one field come to. One command writes a cell
// once; and a slot that is born with a register would die of it.
func (d *Delta) fold(first, second write) write {
	if second.class != slot {
		return second
	}
	switch first.class {
	case slot:
		first.by = addSaturating(first.by, second.by)
	case tombstone:
		first.class, first.value = register, d.number(second.by)
	case register:
		if n, ok := parseInt(first.value); ok {
			first.value = d.number(addSaturating(n, second.by))
		}
	}
	return first
}

func (d *Delta) number(n int64) []byte {
	mark := len(d.buf)
	d.buf = strconv.AppendInt(d.buf, n, 10)
	return d.buf[mark:len(d.buf):len(d.buf)]
}

// slot finds the living slot of c's field and node.
func (v *View) slot(c *cell) (own cell, ok bool) {
	if v.plain {
		return own, false
	}
	cells := v.cells(c.kind, c.field)
	for i := range cells {
		if x := &cells[i]; x.class == slot && x.node == c.node && v.cuts[x.kind].Less(x.born) {
			return *x, true
		}
	}
	return own, false
}
