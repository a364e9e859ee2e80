package datastore

import (
	"bytes"
	"cmp"

	"github.com/cespare/xxhash/v2"
)

// reset says that everything born up to upto is dead; stamp is that of the
// command that said so.
type reset struct{ upto, stamp Version }

func (r reset) less(o reset) bool {
	c := r.upto.Compare(o.upto)
	return c < 0 || c == 0 && r.stamp.Less(o.stamp)
}

// header holds the atoms that a record has at most one of (per kind).
type header struct {
	reset    reset
	kreset   [kinds]reset
	expiry   Version // its stamp; zero: no expiry atom
	expireAt int64   // Unix milliseconds; zero: "none" (PERSIST)
	removal  Version // remstamp: the newest removal of list elements
}

// cut is the version up to which every birth is dead, whatever its kind.
func (h *header) cut(outside Version) Version { return later(outside, h.reset.upto) }

// kindCut is cut for one kind.
func (h *header) kindCut(outside Version, k Kind) Version {
	return later(h.cut(outside), h.kreset[k].upto)
}

// newest is the greatest version in the header.
func (h *header) newest() Version {
	v := later(later(h.reset.upto, h.reset.stamp), later(h.expiry, h.removal))
	for i := range h.kreset {
		v = later(v, later(h.kreset[i].upto, h.kreset[i].stamp))
	}
	return v
}

// class tells the cells of one field apart.
type class uint8

const (
	register  class = iota // a value
	tombstone              // a removed value
	slot                   // one node's sum of increments
)

// cell is a reg or slot atom. Its slices alias what it was decoded from.
type cell struct {
	kind  Kind
	class class
	node  uint32 // slot: whose
	hash  uint64 // fieldHash(kind, field): cells are ordered by it
	field []byte
	value []byte
	stamp Version
	born  Version // slot; for a register it is the stamp
	sum   int64   // slot
}

// fieldHash orders fields. It is part of the encoding (cells are sorted by it)
// and of the cursors of [View.EachFrom].
func fieldHash(k Kind, field []byte) uint64 {
	if k == String {
		return 0
	}
	return xxhash.Sum64(field)
}

// place orders the cells of a field: the register, then the slots by node.
func (c *cell) place() uint64 {
	if c.class == slot {
		return uint64(c.node) + 1
	}
	return 0
}

// compareField orders the fields of a record.
func (c *cell) compareField(o *cell) int {
	if c.kind != o.kind {
		return cmp.Compare(c.kind, o.kind)
	}
	if c.hash != o.hash {
		return cmp.Compare(c.hash, o.hash)
	}
	return bytes.Compare(c.field, o.field)
}

// compare orders the cells of a record.
func (c *cell) compare(o *cell) int {
	if f := c.compareField(o); f != 0 {
		return f
	}
	return cmp.Compare(c.place(), o.place())
}

// supersedes says whether c wins over o, another atom of the same cell. Equal
// stamps mean equal atoms, unless some node is at fault; the greater content
// wins then, so that replicas agree all the same.
func (c *cell) supersedes(o *cell) bool {
	if r := c.stamp.Compare(o.stamp); r != 0 {
		return r > 0
	}
	if c.class != o.class {
		return c.class < o.class
	}
	if r := bytes.Compare(c.value, o.value); r != 0 {
		return r > 0
	}
	if r := c.born.Compare(o.born); r != 0 {
		return r > 0
	}
	return c.sum > o.sum
}

// birth is what decides whether a reset kills the cell.
func (c *cell) birth() Version {
	if c.class == slot {
		return c.born
	}
	return c.stamp
}

// element is an el atom: one element of a list.
type element struct {
	id    Version // the version of its push: its birth
	prev  Version // the pusher's element before, or what is below id
	stamp Version // of the push, or of the LSET that changed it
	pos   int64
	value []byte
}

// supersedes is as for cells.
func (x *element) supersedes(o *element) bool {
	if r := x.stamp.Compare(o.stamp); r != 0 {
		return r > 0
	}
	if r := bytes.Compare(x.value, o.value); r != 0 {
		return r > 0
	}
	if r := x.prev.Compare(o.prev); r != 0 {
		return r > 0
	}
	return x.pos > o.pos
}

// interval is a rem atom: the ids in (lo, hi] that node pushed are removed.
type interval struct {
	node   uint32
	lo, hi Version
}

func (x *interval) compare(o *interval) int {
	if x.node != o.node {
		return cmp.Compare(x.node, o.node)
	}
	if c := x.lo.Compare(o.lo); c != 0 {
		return c
	}
	return x.hi.Compare(o.hi)
}

// atoms is a decoded record or delta.
type atoms struct {
	header
	cells     []cell     // sorted by compare
	elements  []element  // sorted by id
	intervals []interval // sorted; those of one node neither overlap nor touch
}

// maxScratch is how many decoded cells or elements an engine keeps room for between
// calls; a rare giant shall not hold its memory for ever.
const maxScratch = 4096

// clear empties a and keeps its room.
func (a *atoms) clear() {
	a.header = header{}
	a.cells = emptied(a.cells)
	a.elements = emptied(a.elements)
	a.intervals = emptied(a.intervals)
}

func emptied[T any](s []T) []T {
	if cap(s) > maxScratch {
		return nil
	}
	return s[:0]
}

// empty says that a holds nothing.
func (a *atoms) empty() bool {
	return a.header == header{} && len(a.cells) == 0 && len(a.elements) == 0 && len(a.intervals) == 0
}

// newest is the greatest version in a.
func (a *atoms) newest() Version {
	v := a.header.newest()
	for i := range a.cells {
		v = later(v, a.cells[i].stamp)
	}
	for i := range a.elements {
		v = later(v, later(a.elements[i].id, a.elements[i].stamp))
	}
	for i := range a.intervals {
		v = later(v, a.intervals[i].hi)
	}
	return v
}
