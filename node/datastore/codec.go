package datastore

import (
	"encoding/binary"
	"errors"
	"fmt"
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
