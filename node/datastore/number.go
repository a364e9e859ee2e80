package datastore

import (
	"math"
	"math/bits"
)

// parseInt reads an integer exactly as Redis does: decimal digits, a minus sign if
// negative, nothing else. Not "+1", not "01", not "-0", not " 1"; it must fit
// 64 bits.
func parseInt(b []byte) (n int64, ok bool) {
	if len(b) == 1 && b[0] == '0' {
		return 0, true
	}
	neg := len(b) > 0 && b[0] == '-'
	if neg {
		b = b[1:]
	}
	// 19 digits are all that an int64 has, and 10^19 still fits a uint64.
	if len(b) == 0 || len(b) > 19 || b[0] == '0' {
		return 0, false
	}
	var u uint64
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		u = u*10 + uint64(c-'0')
	}
	if neg {
		if u > -math.MinInt64 {
			return 0, false
		}
		return -int64(u), true
	}
	if u > math.MaxInt64 {
		return 0, false
	}
	return int64(u), true
}

// total adds int64s without overflow (it has 128 bits), so that the result
// does not depend on the order; only what is shown saturates.
type total struct {
	high int64
	low  uint64
}

func (t *total) add(n int64) {
	low, carry := bits.Add64(t.low, uint64(n), 0)
	t.low = low
	t.high += n>>63 + int64(carry)
}

// saturated is the total, or the int64 nearest to it.
func (t *total) saturated() int64 {
	n := int64(t.low)
	switch {
	case t.high == n>>63:
		return n
	case t.high < 0:
		return math.MinInt64
	}
	return math.MaxInt64
}

// addSaturating is a+b, or the int64 nearest to it.
func addSaturating(a, b int64) int64 {
	var t total
	t.add(a)
	t.add(b)
	return t.saturated()
}
