package command

import (
	"bytes"
	"math/big"
	"strconv"
)

// Redis computes INCRBYFLOAT and HINCRBYFLOAT in C's long double, which on
// x86-64 has a mantissa of 64 bits, and prints 17 decimals without the zeros
// at the end. A big.Float of that precision rounds alike; what it lacks are the
// limits of the exponent, checked here. Denormal numbers print as zeros, so
// their smaller precision shows nowhere.

const (
	longBits = 64
	// A finite long double is less than 2^longMaxExp. What is at most
	// 2^longVanish rounds to zero.
	longMaxExp = 16384
	longVanish = -16446
	// maxFloat bounds the text of a number, as in Redis.
	maxFloat = 5*1024 - 1
	// No number with as many digits before the point, or zeros behind it, is
	// a long double. It bounds the work on an exponent.
	longDigits = 5000
)

// float is a long double; the zero value is zero. It may be infinite.
type float struct{ big.Float }

// parse reads what C's strtold reads, all of it: decimal or hexadecimal, with
// an exponent, or infinite. It refuses NaN and what overflows, or vanishes, on
// rounding.
func (f *float) parse(text []byte) bool {
	f.SetPrec(longBits).SetInt64(0)
	if n, ok := parseInt(text); ok {
		f.SetInt64(n)
		return true
	}
	if len(text) == 0 || len(text) > maxFloat {
		return false
	}
	negative := text[0] == '-'
	if negative || text[0] == '+' {
		text = text[1:]
	}
	var ok bool
	switch {
	case fold(text, "inf") || fold(text, "infinity"):
		f.SetInf(negative)
		return true
	case len(text) > 2 && fold(text[:2], "0x"):
		ok = f.parseDigits(text[2:], 16)
	default:
		ok = f.parseDigits(text, 10)
	}
	if !ok {
		return false
	}
	if !f.representable() {
		return false
	}
	if negative {
		f.Neg(&f.Float)
	}
	return true
}

// representable says whether a long double can be this large, and this small.
func (f *float) representable() bool {
	if f.Sign() == 0 {
		return true
	}
	exp := f.MantExp(nil) // f is below 2^exp, and at least half of that
	if exp == longVanish+1 {
		return f.MinPrec() > 1 // not exactly half
	}
	return exp <= longMaxExp && exp > longVanish+1
}

// parseDigits reads an unsigned number: digits with or without a point, then
// perhaps an exponent.
func (f *float) parseDigits(text []byte, base int) bool {
	digits := make([]byte, 0, 32)
	scale := 0 // how many of the digits are behind the point
	any, point := false, false
	i := 0
scan:
	for ; i < len(text); i++ {
		switch c := text[i]; {
		case c == '.' && !point:
			point = true
			continue
		case c >= '0' && c <= '9':
		case base == 16 && (c|0x20) >= 'a' && (c|0x20) <= 'f':
		default:
			break scan
		}
		any = true
		if text[i] != '0' || len(digits) > 0 {
			digits = append(digits, text[i])
		}
		if point {
			scale++
		}
	}
	exp, ok := parseExponent(text[i:], base)
	if !any || !ok {
		return false
	}
	if len(digits) == 0 {
		return true
	}
	if base == 16 {
		f.setHex(digits, exp-4*scale)
		return true
	}
	exp -= scale
	if size := len(digits) + exp; size > longDigits || size < -longDigits {
		return false
	}
	f.setDecimal(digits, exp)
	return true
}

// parseExponent reads an exponent, or nothing. Huge ones are cut: they are too
// large anyway, whatever the digits.
func parseExponent(text []byte, base int) (exp int, ok bool) {
	if len(text) == 0 {
		return 0, true
	}
	marker := byte('e')
	if base == 16 {
		marker = 'p'
	}
	if text[0]|0x20 != marker {
		return 0, false
	}
	text = text[1:]
	negative := len(text) > 0 && text[0] == '-'
	if negative || len(text) > 0 && text[0] == '+' {
		text = text[1:]
	}
	if len(text) == 0 {
		return 0, false
	}
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		exp = min(exp*10+int(c-'0'), 1<<20)
	}
	if negative {
		exp = -exp
	}
	return exp, true
}

// setDecimal sets f to digits * 10^exp, rounded once.
func (f *float) setDecimal(digits []byte, exp int) {
	if len(digits) <= 19 && exp <= 0 && exp >= -19 {
		// Both operands are exact.
		n, _ := strconv.ParseUint(string(digits), 10, 64)
		f.SetUint64(n)
		if exp < 0 {
			var power big.Float
			pow := uint64(1)
			for range -exp {
				pow *= 10
			}
			f.Quo(&f.Float, power.SetUint64(pow))
		}
		return
	}
	var number, power big.Int
	number.SetString(string(digits), 10)
	power.Exp(big.NewInt(10), big.NewInt(int64(max(exp, -exp))), nil)
	if exp >= 0 {
		f.SetInt(number.Mul(&number, &power))
		return
	}
	var ratio big.Rat
	f.SetRat(ratio.SetFrac(&number, &power))
}

// setHex sets f to digits * 2^exp, rounded once.
func (f *float) setHex(digits []byte, exp int) {
	var number big.Int
	number.SetString(string(digits), 16)
	f.SetInt(&number)
	f.SetMantExp(&f.Float, exp)
}

// add adds g; it returns false if the result is not finite.
func (f *float) add(g *float) bool {
	if f.IsInf() || g.IsInf() {
		return false
	}
	f.Add(&f.Float, &g.Float)
	return f.Sign() == 0 || f.MantExp(nil) <= longMaxExp // rounding may reach it
}

// append appends the text that Redis replies and stores.
func (f *float) append(dst []byte) []byte {
	from := len(dst)
	dst = f.Append(dst, 'f', 17)
	dst = bytes.TrimRight(dst, "0")
	dst = bytes.TrimSuffix(dst, []byte{'.'})
	if string(dst[from:]) == "-0" {
		dst = append(dst[:from], '0')
	}
	return dst
}
