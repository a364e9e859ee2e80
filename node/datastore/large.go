package datastore

import (
	"bytes"
	"encoding/binary"

	"github.com/tidwall/btree"
)

// large is a record of many cells: the cells of each field are one item of an
// ordered tree, encoded as in a record, so that a command touches only the
// fields that it names. What a view needs of the whole is kept as it changes:
// how many fields are shown, the digest, the greatest birth. It is changed in
// place, by the engine's methods that begin with l.
//
// Elements and intervals of lists are plain slices: a command on them costs
// O(n).
type large struct {
	header
	groups    *btree.BTreeG[group]
	elements  []element
	intervals []interval

	shown      [kinds]int // fields that are shown, as long as no time passes
	cells      int        // of all groups
	tombstones int
	size       int           // bytes of the groups and elements
	text       int           // bytes of the String group among them
	sum        [kinds]uint64 // digest of the cells, and of the elements, by kind
	born       Version       // no birth is greater
	high       Version       // no version is or was greater
	dropped    Version       // the greatest cut applied so far
	purged     Version       // the greatest floor that tombstones were purged at
	limits     limits
}

// group is the cells of one field, encoded with base 0. Groups have the order
// of cells. The bytes of data never change.
type group struct {
	hash uint64
	kind Kind
	data []byte
}

func groupLess(a, b group) bool {
	if a.kind != b.kind {
		return a.kind < b.kind
	}
	if a.hash != b.hash {
		return a.hash < b.hash
	}
	return bytes.Compare(a.field(), b.field()) < 0
}

// field is the field of the group's first cell; nil for a pivot without cells,
// which is below all groups of its hash.
func (g *group) field() []byte {
	if len(g.data) == 0 || g.kind == String {
		return nil
	}
	n, size := binary.Uvarint(g.data[1:])
	return g.data[1+size : 1+size+int(n)]
}

// decode appends the group's cells to dst.
func (g *group) decode(dst []cell) []cell {
	r := reader{buf: g.data, flags: flagCells}
	dst = r.cells(dst)
	if r.err != nil {
		panic("datastore: a record in memory is damaged: " + r.err.Error())
	}
	return dst
}

// newGroup encodes the cells of one field.
func newGroup(cells []cell) group {
	g := group{hash: cells[0].hash, kind: cells[0].kind}
	size := 0
	for i := range cells {
		size += 32 + len(cells[i].value)
	}
	g.data = make([]byte, 0, size+len(cells[0].field))
	g.data = appendCells(g.data, cells, 0)
	g.data = bytes.Clone(g.data) // to its own length
	return g
}

func newLarge(l limits) *large {
	return &large{
		groups: btree.NewBTreeGOptions(groupLess, btree.Options{NoLocks: true}),
		limits: l,
	}
}

// empty says that nothing is left: remove the record.
func (l *large) empty() bool {
	return l.header == header{} && l.groups.Len() == 0 && len(l.elements) == 0 && len(l.intervals) == 0
}

// shrunk says that the record became so small that it should be encoded again.
// A quarter of the limits keeps it from growing again at the next write.
func (l *large) shrunk() bool {
	return l.cells+len(l.elements) <= l.limits.maxCells/4 && l.size-l.text <= l.limits.maxBytes/4
}

// groupOverhead is what the tree takes for a group, besides its data.
const groupOverhead = 64

// bytes is about how much memory the record takes.
func (l *large) bytes() int {
	return l.size + l.groups.Len()*groupOverhead + len(l.elements)*96 + len(l.intervals)*40
}

// newest is the greatest version in the record, or one that was there.
func (l *large) newest() Version { return l.high }

// append appends the encoded record. It costs O(n).
func (l *large) append(dst []byte) []byte {
	if l.empty() {
		return dst
	}
	a := atoms{header: l.header, elements: l.elements, intervals: l.intervals}
	if l.cells <= l.limits.maxCells {
		l.each(func(g group) bool { a.cells = g.decode(a.cells); return true })
		return a.append(dst)
	}
	dst = a.appendHeader(dst, 0, true)
	l.each(func(g group) bool { dst = append(dst, g.data...); return true })
	return dst
}

func (l *large) each(fn func(group) bool) { l.groups.Scan(fn) }

// field appends the cells of one field to dst.
func (l *large) field(dst []cell, k Kind, hash uint64, field []byte) []cell {
	if g, ok := l.find(k, hash, field); ok {
		return g.decode(dst)
	}
	return dst
}

// find finds the group of a field. The tree is asked for the first group of
// the hash; that another one follows is next to impossible.
func (l *large) find(k Kind, hash uint64, field []byte) (found group, ok bool) {
	l.groups.Ascend(group{kind: k, hash: hash}, func(g group) bool {
		if g.kind != k || g.hash != hash {
			return false
		}
		if bytes.Equal(g.field(), field) {
			found, ok = g, true
		}
		return !ok
	})
	return found, ok
}

// eachFrom calls fn with the cells of each field of a kind, from a hash on.
func (l *large) eachFrom(k Kind, hash uint64, scratch *[]cell, fn func([]cell) bool) {
	l.groups.Ascend(group{kind: k, hash: hash}, func(g group) bool {
		if g.kind != k {
			return false
		}
		*scratch = g.decode((*scratch)[:0])
		return fn(*scratch)
	})
}

// lview shows a large record at a time. It costs O(1), or O(n) if an expiry or
// a range reset has hidden a part of the record and no write has followed, or
// if cells of two kinds live.
func (e *engine) lview(l *large, cut Version, now int64) *View {
	v := &e.shown
	l.show(v, cut, now)
	return v
}

func (l *large) show(v *View, cut Version, now int64) {
	v.reset(now)
	v.large = l
	v.lapse(&l.header, cut)
	if !v.cuts[None].Less(l.born) {
		return
	}
	several := 0
	for k := range l.shown {
		v.alive[k].n = l.shown[k]
		if k == int(List) {
			v.alive[k].n = len(l.elements)
		}
		several += min(v.alive[k].n, 1)
	}
	if v.lapsed.IsZero() && !l.dropped.Less(cut) && several < 2 {
		v.choose()
		return
	}
	v.alive = [kinds]alive{}
	l.each(func(g group) bool {
		v.scratch = g.decode(v.scratch[:0])
		v.count(v.scratch)
		return true
	})
	for i := range l.elements {
		v.countElement(&l.elements[i])
	}
	v.choose()
}

func (e *engine) lstat(l *large, cut Version, now int64) (exists bool, kind Kind, expiry int64) {
	return e.lview(l, cut, now).stat()
}

// ldigest is the digest of a large record, as that of its encoding would be.
func (e *engine) ldigest(l *large, key []byte, cut Version) uint64 {
	e.ldrop(l, key, cut)
	if l.tombstones > 0 && l.purged.Less(e.floor) {
		// The sum of the cells is of all of them.
		e.purgeTombstones(l, key, e.floor)
	}
	if l.empty() {
		return 0
	}
	e.begin(key)
	sum := e.hash.header(&l.header) + e.hash.intervals(l.intervals, l.removal)
	for _, s := range l.sum {
		sum += s
	}
	return sum
}

// growLarge makes a large record of an encoded one (which may be empty).
func (e *engine) growLarge(key, rec []byte, cut Version) *large {
	l := newLarge(e.limits)
	e.load(&e.before, rec, cut)
	e.lapply(l, key, &e.before, cut)
	return l
}
