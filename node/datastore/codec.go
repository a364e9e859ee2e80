package datastore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// ErrMalformed is wrapped by the errors about bytes that are no delta.
var ErrMalformed = errors.New("datastore: malformed delta")

// The first byte of a record or delta. The upper four bits are the version of
// the format, the lower ones the shape.
//
//	plain strings   [shape][version 12][expiry 8, if the shape says so][value]
//	general         [shape][flags][base 8][header][elements][intervals][cells]
const (
	shapePlain       byte = 0x10 // a register of kind String at v, and reset(pred v, v)
	shapePlainExpiry byte = 0x11 // and expiry(v, E)
	shapeBare        byte = 0x12 // as plain, without the reset
	shapeBareExpiry  byte = 0x13
	shapeGeneral     byte = 0x14

	withExpiry  byte = 1 // bits of the plain shapes
	withoutWipe byte = 2
)

// Lengths of what stands before a plain string's value.
const (
	plainHeader       = 1 + versionSize
	plainExpiryHeader = plainHeader + 8
)

// Flags of the general shape, in the order in which their parts follow.
const (
	flagReset byte = 1 << iota
	flagKindResets
	flagExpiry
	flagRemoval
	flagElements
	flagIntervals
	flagCells
	knownFlags = flagCells<<1 - 1
)

// The tag byte of a cell: kind in the lower three bits, then the class, then
// what is left out.
const (
	tagKind      byte = 0x07
	tagClass          = 3    // shift; two bits
	tagSameField byte = 0x20 // the field is that of the cell before
	tagFresh     byte = 0x40 // a slot whose birth is its stamp
	tagUnknown   byte = 0x80
)

// maxTime keeps versions far from the end of their range, so that a clock that
// observed one can always stamp above it. It is the year 6429.
const maxTime = 1 << 63

// generalHeader is the least length of a general shape: shape, flags, base.
const generalHeader = 1 + 1 + 8

// isPlain says whether rec has one of the plain shapes.
func isPlain(rec []byte) bool { return len(rec) > 0 && rec[0]&^3 == shapePlain }

// plain takes a plain shape apart; the lengths must have been checked.
func plain(rec []byte) (v Version, expireAt int64, value []byte) {
	v = loadVersion(rec[1:])
	if rec[0]&withExpiry == 0 {
		return v, 0, rec[plainHeader:]
	}
	return v, int64(binary.BigEndian.Uint64(rec[plainHeader:])), rec[plainExpiryHeader:]
}

// appendPlain appends a plain shape without its value.
func appendPlain(dst []byte, shape byte, v Version, expireAt int64) []byte {
	if expireAt != 0 {
		dst = v.Append(append(dst, shape|withExpiry))
		return binary.BigEndian.AppendUint64(dst, uint64(expireAt))
	}
	return v.Append(append(dst, shape))
}

// checkPlain checks what plain relies on.
func checkPlain(rec []byte) error {
	need := plainHeader
	if rec[0]&withExpiry != 0 {
		need = plainExpiryHeader
	}
	if len(rec) < need {
		return malformed("truncated", len(rec))
	}
	v, at, _ := plain(rec)
	if v.IsZero() || v.Time >= maxTime {
		return malformed("version out of range", 1)
	}
	if rec[0]&withExpiry != 0 && at <= 0 {
		return malformed("expiry out of range", plainHeader)
	}
	return nil
}

func malformed(what string, at int) error {
	return fmt.Errorf("%w: %s at byte %d", ErrMalformed, what, at)
}

// decode sets a to what rec holds; the slices of a alias rec. It accepts any
// bytes, and allocates in proportion to their number.
func (a *atoms) decode(rec []byte) error {
	a.clear()
	if len(rec) == 0 {
		return malformed("nothing", 0)
	}
	if isPlain(rec) {
		if err := checkPlain(rec); err != nil {
			return err
		}
		a.setPlain(rec)
		return nil
	}
	r, err := newReader(rec)
	if err != nil {
		return err
	}
	r.header(&a.header)
	a.elements = r.elements(a.elements)
	a.intervals = r.intervals(a.intervals)
	a.cells = r.cells(a.cells)
	return r.err
}

// setPlain is decode for a plain shape.
func (a *atoms) setPlain(rec []byte) {
	v, at, value := plain(rec)
	if rec[0]&withoutWipe == 0 {
		a.reset = reset{upto: v.Pred(), stamp: v}
	}
	if at != 0 {
		a.expiry, a.expireAt = v, at
	}
	a.cells = append(a.cells, cell{kind: String, value: value, stamp: v})
}

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

// append appends the encoding of a; nothing if a is empty.
func (a *atoms) append(dst []byte) []byte {
	if a.empty() {
		return dst
	}
	if shape, ok := a.plainShape(); ok {
		return append(appendPlain(dst, shape, a.cells[0].stamp, a.expireAt), a.cells[0].value...)
	}
	base := a.base()
	return appendCells(a.appendHeader(dst, base, len(a.cells) > 0), a.cells, base)
}

// appendCells appends sorted cells.
func appendCells(dst []byte, cells []cell, base uint64) []byte {
	for i := range cells {
		var before *cell
		if i > 0 {
			before = &cells[i-1]
		}
		dst = appendCell(dst, &cells[i], before, base)
	}
	return dst
}

// plainShape says whether a plain shape holds a.
func (a *atoms) plainShape() (shape byte, ok bool) {
	if len(a.cells) != 1 || len(a.elements) > 0 || len(a.intervals) > 0 || !a.removal.IsZero() {
		return 0, false
	}
	c := &a.cells[0]
	if c.kind != String || c.class != register || a.kreset != [kinds]reset{} {
		return 0, false
	}
	if !a.expiry.IsZero() && (a.expiry != c.stamp || a.expireAt == 0) {
		return 0, false
	}
	switch a.reset {
	case reset{}:
		return shapeBare, true
	case reset{upto: c.stamp.Pred(), stamp: c.stamp}:
		return shapePlain, true
	}
	return 0, false
}

// base is the least time in a: versions are written as what they are above it.
func (a *atoms) base() uint64 {
	base := uint64(math.MaxUint64)
	least := func(v Version) {
		if !v.IsZero() {
			base = min(base, v.Time)
		}
	}
	least(a.reset.upto)
	least(a.reset.stamp)
	for k := range a.kreset {
		least(a.kreset[k].upto)
		least(a.kreset[k].stamp)
	}
	least(a.expiry)
	least(a.removal)
	for i := range a.cells {
		base = min(base, a.cells[i].stamp.Time)
	}
	for i := range a.elements {
		x := &a.elements[i]
		base = min(base, x.id.Time, x.stamp.Time, x.prev.Time)
	}
	for i := range a.intervals {
		base = min(base, a.intervals[i].lo.Time, a.intervals[i].hi.Time)
	}
	return base
}

// appendHeader appends everything but the cells, in the general shape.
func (a *atoms) appendHeader(dst []byte, base uint64, cells bool) []byte {
	flags := len(dst) + 1
	dst = append(dst, shapeGeneral, 0)
	dst = binary.BigEndian.AppendUint64(dst, base)
	if a.reset != (reset{}) {
		dst[flags] |= flagReset
		dst = appendReset(dst, a.reset, base)
	}
	if a.kreset != [kinds]reset{} {
		dst[flags] |= flagKindResets
		set := len(dst)
		dst = append(dst, 0)
		for k := range a.kreset {
			if a.kreset[k] != (reset{}) {
				dst[set] |= 1 << k
				dst = appendReset(dst, a.kreset[k], base)
			}
		}
	}
	if !a.expiry.IsZero() {
		dst[flags] |= flagExpiry
		dst = binary.AppendUvarint(appendVersion(dst, a.expiry, base), uint64(a.expireAt))
	}
	if !a.removal.IsZero() {
		dst[flags] |= flagRemoval
		dst = appendVersion(dst, a.removal, base)
	}
	if len(a.elements) > 0 {
		dst[flags] |= flagElements
		dst = binary.AppendUvarint(dst, uint64(len(a.elements)))
		for i := range a.elements {
			dst = appendElement(dst, &a.elements[i], base)
		}
	}
	if len(a.intervals) > 0 {
		dst[flags] |= flagIntervals
		dst = binary.AppendUvarint(dst, uint64(len(a.intervals)))
		for _, x := range a.intervals {
			dst = binary.AppendUvarint(dst, uint64(x.node))
			dst = appendVersion(appendVersion(dst, x.lo, base), x.hi, base)
		}
	}
	if cells {
		dst[flags] |= flagCells
	}
	return dst
}

func appendVersion(dst []byte, v Version, base uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(dst, v.Time-base), uint64(v.Node))
}

func appendReset(dst []byte, r reset, base uint64) []byte {
	return appendVersion(appendVersion(dst, r.upto, base), r.stamp, base)
}

func appendElement(dst []byte, x *element, base uint64) []byte {
	dst = appendVersion(dst, x.id, base)
	dst = appendVersion(dst, x.stamp, base)
	dst = appendVersion(dst, x.prev, base)
	dst = binary.AppendVarint(dst, x.pos)
	return append(binary.AppendUvarint(dst, uint64(len(x.value))), x.value...)
}

// appendCell appends a cell; before is the one in front of it, or nil.
func appendCell(dst []byte, c, before *cell, base uint64) []byte {
	tag := byte(c.kind) | byte(c.class)<<tagClass
	same := before != nil && before.compareField(c) == 0
	if same {
		tag |= tagSameField
	}
	if c.class == slot && c.born == c.stamp {
		tag |= tagFresh
	}
	dst = append(dst, tag)
	if !same && c.kind != String {
		dst = append(binary.AppendUvarint(dst, uint64(len(c.field))), c.field...)
	}
	switch c.class {
	case slot:
		dst = binary.AppendUvarint(dst, uint64(c.node))
		dst = binary.AppendUvarint(dst, c.stamp.Time-base)
		if tag&tagFresh == 0 {
			dst = binary.AppendUvarint(dst, c.stamp.Time-c.born.Time)
		}
		return binary.AppendVarint(dst, c.sum)
	case register:
		dst = appendVersion(dst, c.stamp, base)
		return append(binary.AppendUvarint(dst, uint64(len(c.value))), c.value...)
	}
	return appendVersion(dst, c.stamp, base)
}
