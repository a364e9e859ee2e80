package slicing

import (
	"cmp"
	"math/bits"
	"strconv"

	"github.com/dynomite-go/dynomite/hashkit"
)

// Size is a number of tokens, from none to all 2^64 of them: one more than a
// uint64 can hold. The zero value is none. Sizes are comparable with ==.
type Size struct{ hi, lo uint64 }

// whole is the size of the token space.
var whole = Size{hi: 1}

// SizeOf is the number of tokens from one token to another, both included. It
// is 0 if to is the token before from, and meaningless below that.
func SizeOf(from, to hashkit.Token) Size {
	lo, hi := bits.Add64(uint64(to-from), 1, 0)
	if from > to {
		hi = 0
	}
	return Size{hi, lo}
}

// Plus is the sum of two sizes.
func (s Size) Plus(other Size) Size {
	lo, carry := bits.Add64(s.lo, other.lo, 0)
	hi, _ := bits.Add64(s.hi, other.hi, carry)
	return Size{hi, lo}
}

// minus is the difference; other must not be larger.
func (s Size) minus(other Size) Size {
	lo, borrow := bits.Sub64(s.lo, other.lo, 0)
	hi, _ := bits.Sub64(s.hi, other.hi, borrow)
	return Size{hi, lo}
}

// Compare is -1, 0 or 1 as s is smaller than, equal to or larger than other.
func (s Size) Compare(other Size) int {
	return cmp.Or(cmp.Compare(s.hi, other.hi), cmp.Compare(s.lo, other.lo))
}

// Fraction is the size as a part of the whole space, 1 at most, rounded as
// float64 does.
func (s Size) Fraction() float64 { return float64(s.hi) + float64(s.lo)/(1<<64) }

// Uint64 is the size as an integer, and false if it is the whole space, which
// does not fit.
func (s Size) Uint64() (uint64, bool) { return s.lo, s.hi == 0 }

// String is the size in decimal digits, up to 18446744073709551616.
func (s Size) String() string {
	if s.hi == 0 {
		return strconv.FormatUint(s.lo, 10)
	}
	const billion = 1_000_000_000
	high, low := bits.Div64(s.hi, s.lo, billion)
	digits := strconv.FormatUint(low, 10)
	return strconv.FormatUint(high, 10) + "000000000"[len(digits):] + digits
}

func (s Size) isZero() bool { return s == Size{} }
