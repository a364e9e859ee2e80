package slicing

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/dynomite-go/dynomite/hashkit"
)

// The encoding, version 1. Numbers are unsigned varints in their shortest form.
//
//	"slicing" 0x01
//	grain, one byte
//	number of owners; for each, by name: length of the name, name, weight
//	number of intervals; for each, by token: its units less one, index of its owner
//	xxhash64 of everything before, 8 bytes, big-endian
const (
	magic       = "slicing"
	version     = 1
	checksumLen = 8
	// An owner takes a length, a name of a byte and a weight at least, an
	// interval its units and its owner. They bound what a count may claim.
	minOwnerLen    = 3
	minIntervalLen = 2
)

// ErrCorrupt is what the errors of [Decode] wrap, but for those of versions that
// are too new: the bytes are not what [Table.AppendBinary] wrote.
var ErrCorrupt = errors.New("slicing: corrupt table")

// AppendBinary appends the table's encoding: versioned, checksummed, and the
// same bytes for equal tables. An interval takes 2 to 13 bytes. The error is
// always nil; it is there for encoding.BinaryAppender.
func (t *Table) AppendBinary(dst []byte) ([]byte, error) {
	start := len(dst)
	dst = append(dst, magic...)
	dst = append(dst, version, byte(t.grain))
	dst = binary.AppendUvarint(dst, uint64(len(t.owners)))
	for _, owner := range t.owners {
		dst = binary.AppendUvarint(dst, uint64(len(owner.Name)))
		dst = append(dst, owner.Name...)
		dst = binary.AppendUvarint(dst, uint64(owner.Weight))
	}
	dst = binary.AppendUvarint(dst, uint64(t.Len()))
	for i := range t.Len() {
		interval := t.Interval(i)
		dst = binary.AppendUvarint(dst, uint64(interval.To-interval.From)>>t.grain)
		dst = binary.AppendUvarint(dst, uint64(interval.Owner))
	}
	return binary.BigEndian.AppendUint64(dst, uint64(hashkit.XXHash64(dst[start:]))), nil
}

// MarshalBinary is [Table.AppendBinary] to a slice of its own. It never fails.
func (t *Table) MarshalBinary() ([]byte, error) { return t.AppendBinary(nil) }

// Decode reads what [Table.AppendBinary] wrote, and nothing else: any other
// bytes are an error. It allocates at most some 50 bytes for each byte given,
// whatever they claim, and keeps none of them.
func Decode(data []byte) (*Table, error) {
	if len(data) < len(magic)+2+checksumLen || string(data[:len(magic)]) != magic {
		return nil, corrupt("%d bytes do not begin as one does", len(data))
	}
	if v := data[len(magic)]; v > version {
		return nil, fmt.Errorf("slicing: table of version %d, at most %d can be read", v, version)
	} else if v != version {
		return nil, corrupt("version %d", v)
	}
	body := data[:len(data)-checksumLen]
	if sum := hashkit.XXHash64(body); uint64(sum) != binary.BigEndian.Uint64(data[len(body):]) {
		return nil, corrupt("the checksum is not that of the %d bytes before it", len(body))
	}
	d := decoder{rest: body[len(magic)+2:]}
	grain := Grain(body[len(magic)+1])
	owners := d.owners()
	if d.err != nil {
		return nil, d.err
	}
	if err := validate(grain, owners); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	intervals := d.intervals(grain)
	if d.err != nil {
		return nil, d.err
	}
	t, err := FromIntervals(grain, owners, intervals)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	// One table has one encoding: long varints, owners out of order and equal
	// neighbours, which FromIntervals puts right, are not it.
	if again, _ := t.AppendBinary(make([]byte, 0, len(data))); !bytes.Equal(again, data) {
		return nil, corrupt("not in its shortest form")
	}
	return t, nil
}

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrCorrupt}, args...)...)
}

// decoder reads from the front of rest until the first error.
type decoder struct {
	rest []byte
	err  error
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = corrupt(format, args...)
	}
	d.rest = nil
}

func (d *decoder) number(what string) uint64 {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 {
		d.fail("it ends in the %s", what)
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

// count reads a number of things that take least bytes each.
func (d *decoder) count(what string, least int) int {
	n := d.number("number of " + what)
	if n > uint64(len(d.rest)/least) {
		d.fail("%d %s in %d bytes", n, what, len(d.rest))
		return 0
	}
	return int(n)
}

func (d *decoder) owners() []Owner {
	n := d.count("owners", minOwnerLen)
	if n > MaxOwners {
		d.fail("%d owners", n)
		return nil
	}
	owners := make([]Owner, 0, n)
	for range n {
		size := d.number("length of a name")
		if size > uint64(len(d.rest)) || size > MaxNameBytes {
			d.fail("a name of %d bytes with %d to come", size, len(d.rest))
			return nil
		}
		name := string(d.rest[:size])
		d.rest = d.rest[size:]
		weight := d.number("weight")
		owners = append(owners, Owner{name, int64(weight)}) // beyond 2^63 it is negative, and refused
	}
	return owners
}

func (d *decoder) intervals(grain Grain) []Interval {
	n := d.count("intervals", minIntervalLen)
	intervals := make([]Interval, 0, n)
	var from hashkit.Token
	for i := range n {
		units := d.number("units of an interval")
		owner := d.number("owner of an interval")
		to := from + hashkit.Token(units<<grain|(1<<grain-1))
		if d.err != nil || units>>(64-grain) != 0 && grain > 0 || to < from || owner > MaxOwners {
			d.fail("interval %d has %d units and owner %d", i, units, owner)
			return nil
		}
		intervals = append(intervals, Interval{From: from, To: to, Owner: int(owner)})
		from = to + 1
	}
	if len(d.rest) > 0 {
		d.fail("%d bytes after the last interval", len(d.rest))
	}
	return intervals
}
