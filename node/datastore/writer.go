package datastore

import (
	"encoding/binary"
	"math"
)

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
