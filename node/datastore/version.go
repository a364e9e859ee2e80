package datastore

import (
	"encoding/binary"
	"math"
	"strconv"
)

// Version orders everything that was ever written: the time of a hybrid
// logical clock, then the number of the node that stamped. The zero Version is
// below all others and means none. Versions are comparable with ==.
type Version struct {
	// Time is the Unix time in milliseconds in the upper 48 bits and a
	// counter within the millisecond in the lower 16.
	Time uint64
	// Node is the number of the node that stamped.
	Node uint32
}

// versionSize is the length of an encoded version: 8 bytes of time, 4 of node.
const versionSize = 12

// counterBits is the width of the counter below the milliseconds.
const counterBits = 16

// At returns the version of one moment of one node. Milliseconds below zero
// count as zero, those that do not fit 48 bits as the greatest that do.
func At(ms int64, counter uint16, node uint32) Version {
	return Version{Time: timeOf(ms) | uint64(counter), Node: node}
}

// End returns the greatest version of a millisecond: what an expiry at ms
// kills is everything born up to End(ms).
func End(ms int64) Version {
	return Version{Time: timeOf(ms) | math.MaxUint16, Node: math.MaxUint32}
}

func timeOf(ms int64) uint64 {
	return uint64(min(max(ms, 0), 1<<(64-counterBits)-1)) << counterBits
}

// Millis is the version's Unix time in milliseconds.
func (v Version) Millis() int64 { return int64(v.Time >> counterBits) }

// Counter tells apart the versions of one millisecond of one node.
func (v Version) Counter() uint16 { return uint16(v.Time) }

// Compare is negative if v is below w, zero if they are equal, else positive.
func (v Version) Compare(w Version) int {
	switch {
	case v.Time < w.Time:
		return -1
	case v.Time > w.Time:
		return 1
	case v.Node < w.Node:
		return -1
	case v.Node > w.Node:
		return 1
	}
	return 0
}

// Less says whether v is below w.
func (v Version) Less(w Version) bool {
	return v.Time < w.Time || v.Time == w.Time && v.Node < w.Node
}

// Pred returns the greatest version below v. Nothing is below the zero
// Version: its Pred is itself.
func (v Version) Pred() Version {
	switch {
	case v.Node > 0:
		return Version{Time: v.Time, Node: v.Node - 1}
	case v.Time > 0:
		return Version{Time: v.Time - 1, Node: math.MaxUint32}
	}
	return v
}

// IsZero says whether v is the zero Version, which means none.
func (v Version) IsZero() bool { return v == Version{} }

// Append appends 12 bytes whose order is the order of versions.
func (v Version) Append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint64(dst, v.Time)
	return binary.BigEndian.AppendUint32(dst, v.Node)
}

// String reads milliseconds.counter@node.
func (v Version) String() string {
	b := strconv.AppendInt(nil, v.Millis(), 10)
	b = append(b, '.')
	b = strconv.AppendUint(b, uint64(v.Counter()), 10)
	b = append(b, '@')
	b = strconv.AppendUint(b, uint64(v.Node), 10)
	return string(b)
}

// later returns the greater of two versions.
func later(a, b Version) Version {
	if a.Less(b) {
		return b
	}
	return a
}

// loadVersion reads what Append wrote; b holds at least versionSize bytes.
func loadVersion(b []byte) Version {
	return Version{Time: binary.BigEndian.Uint64(b), Node: binary.BigEndian.Uint32(b[8:])}
}
