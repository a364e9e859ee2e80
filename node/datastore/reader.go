package datastore

import (
	"encoding/binary"
	"math"
)

// reader decodes the general shape piece by piece: newReader, header,
// elements, intervals, cells. After an error it returns zeros.
type reader struct {
	buf   []byte
	pos   int
	base  uint64
	flags byte
	err   error
}

func newReader(rec []byte) (r reader, err error) {
	if len(rec) < generalHeader {
		return r, malformed("truncated", len(rec))
	}
	if rec[0] != shapeGeneral {
		return r, malformed("unknown format", 0)
	}
	if rec[1] == 0 || rec[1]&^knownFlags != 0 {
		return r, malformed("unknown flags", 1)
	}
	r = reader{buf: rec, pos: generalHeader, base: binary.BigEndian.Uint64(rec[2:]), flags: rec[1]}
	return r, nil
}

// fail keeps the first error and ends the input.
func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = malformed(what, r.pos)
	}
	r.pos = len(r.buf)
}

func (r *reader) byte() byte {
	if r.pos >= len(r.buf) {
		r.fail("truncated")
		return 0
	}
	b := r.buf[r.pos]
	r.pos++
	return b
}

func (r *reader) uvarint() uint64 {
	if r.pos < len(r.buf) && r.buf[r.pos] < 0x80 {
		r.pos++
		return uint64(r.buf[r.pos-1])
	}
	n, size := binary.Uvarint(r.buf[r.pos:])
	if size <= 0 {
		r.fail("bad number")
		return 0
	}
	r.pos += size
	return n
}

func (r *reader) varint() int64 {
	u := r.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

func (r *reader) bytes() []byte {
	n := r.uvarint()
	if n > uint64(len(r.buf)-r.pos) {
		r.fail("truncated")
		return nil
	}
	b := r.buf[r.pos : r.pos+int(n) : r.pos+int(n)]
	r.pos += int(n)
	return b
}

func (r *reader) node() uint32 {
	n := r.uvarint()
	if n > math.MaxUint32 {
		r.fail("node out of range")
		return 0
	}
	return uint32(n)
}

// time reads a version's time; it is below maxTime.
func (r *reader) time() uint64 {
	d := r.uvarint()
	if t := r.base + d; t >= d && t < maxTime {
		return t
	}
	r.fail("version out of range")
	return 0
}

// version reads a version that may be zero.
func (r *reader) version() Version {
	t := r.time()
	return Version{Time: t, Node: r.node()}
}

// stamp reads a version that may not be zero.
func (r *reader) stamp() Version {
	v := r.version()
	if v.IsZero() {
		r.fail("no version")
	}
	return v
}

func (r *reader) header(h *header) {
	if r.flags&flagReset != 0 {
		h.reset = reset{upto: r.stamp(), stamp: r.stamp()}
	}
	if r.flags&flagKindResets != 0 {
		set := r.byte()
		if set == 0 || set&^(1<<kinds-2) != 0 {
			r.fail("unknown kind")
		}
		for k := String; k < kinds; k++ {
			if set>>k&1 != 0 {
				h.kreset[k] = reset{upto: r.stamp(), stamp: r.stamp()}
			}
		}
	}
	if r.flags&flagExpiry != 0 {
		h.expiry = r.stamp()
		at := r.uvarint()
		if at > math.MaxInt64 {
			r.fail("expiry out of range")
		}
		h.expireAt = int64(at)
	}
	if r.flags&flagRemoval != 0 {
		h.removal = r.stamp()
	}
}

// count reads how many items follow, each of at least size bytes.
func (r *reader) count(size int) int {
	n := r.uvarint()
	if n == 0 || n > uint64(len(r.buf)-r.pos)/uint64(size) {
		r.fail("bad count")
		return 0
	}
	return int(n)
}

// minElement and minInterval are the least lengths of their encodings.
const (
	minElement  = 2 + 2 + 2 + 1 + 1
	minInterval = 1 + 2 + 2
)

func (r *reader) elements(dst []element) []element {
	if r.flags&flagElements == 0 {
		return dst
	}
	var last Version
	for n := r.count(minElement); n > 0 && r.err == nil; n-- {
		x := element{id: r.stamp(), stamp: r.stamp(), prev: r.version(), pos: r.varint(), value: r.bytes()}
		if !last.Less(x.id) {
			r.fail("elements out of order")
		}
		last = x.id
		dst = append(dst, x)
	}
	return dst
}

func (r *reader) intervals(dst []interval) []interval {
	if r.flags&flagIntervals == 0 {
		return dst
	}
	for n := r.count(minInterval); n > 0 && r.err == nil; n-- {
		x := interval{node: r.node(), lo: r.version(), hi: r.stamp()}
		if !x.lo.Less(x.hi) {
			r.fail("empty interval")
		}
		if k := len(dst); k > 0 {
			if y := dst[k-1]; y.node > x.node || y.node == x.node && !y.hi.Less(x.lo) {
				r.fail("intervals out of order")
			}
		}
		dst = append(dst, x)
	}
	return dst
}

// cells appends the cells to dst.
func (r *reader) cells(dst []cell) []cell {
	if r.flags&flagCells == 0 {
		if r.pos != len(r.buf) {
			r.fail("trailing bytes")
		}
		return dst
	}
	if r.pos == len(r.buf) {
		r.fail("no cells")
	}
	for start := len(dst); r.pos < len(r.buf); {
		n := len(dst)
		dst = append(dst, cell{})
		var last *cell
		if n > start {
			last = &dst[n-1]
		}
		if r.cell(&dst[n], last); r.err != nil {
			return dst[:n]
		}
	}
	return dst
}

// cell reads a cell into c, which is zero; last is the one before, or nil.
func (r *reader) cell(c, last *cell) {
	tag := r.byte()
	c.kind, c.class = Kind(tag&tagKind), class(tag>>tagClass&3)
	if c.kind < String || c.kind > ZSet || c.class > slot || tag&tagUnknown != 0 || c.class != slot && tag&tagFresh != 0 {
		r.fail("unknown cell")
		return
	}
	switch {
	case tag&tagSameField != 0:
		if last == nil || last.kind != c.kind {
			r.fail("no field before")
			return
		}
		c.field, c.hash = last.field, last.hash
	case c.kind != String:
		c.field = r.bytes()
		c.hash = fieldHash(c.kind, c.field)
	}
	switch c.class {
	case slot:
		r.slot(c, tag&tagFresh != 0)
	case register:
		c.stamp = r.stamp()
		c.value = r.bytes()
	case tombstone:
		c.stamp = r.stamp()
	}
	if last != nil && last.compare(c) >= 0 {
		r.fail("cells out of order")
	}
}

// slot reads the rest of a slot. Whose it is stamped it: the node stands for
// those of its versions.
func (r *reader) slot(c *cell, fresh bool) {
	c.node = r.node()
	c.stamp = Version{Time: r.time(), Node: c.node}
	c.born = c.stamp
	if !fresh {
		age := r.uvarint()
		if age > c.stamp.Time {
			r.fail("version out of range")
			return
		}
		c.born.Time -= age
	}
	if c.born.IsZero() {
		r.fail("no version")
	}
	c.sum = r.varint()
}
