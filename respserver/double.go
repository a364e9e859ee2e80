package respserver

import (
	"math"
	"strconv"
)

// AppendDouble appends a number of double precision in the format of Redis
// up to 7.0, which is C's "%.17g": 3.1 is 3.1000000000000001. In RESP2 it is
// a bulk string.
func AppendDouble(dst []byte, proto int, f float64) []byte {
	var scratch [32]byte
	text := specialDouble(scratch[:0], f)
	if len(text) == 0 {
		text = strconv.AppendFloat(text, f, 'g', 17, 64)
	}
	return appendNumber(dst, proto, ',', text)
}

// AppendShortDouble is AppendDouble with the fewest digits that give f back,
// as Redis writes them since 7.2: 3.1 is 3.1.
func AppendShortDouble(dst []byte, proto int, f float64) []byte {
	var scratch [48]byte
	text := specialDouble(scratch[:0], f)
	if len(text) == 0 {
		text = shortDouble(text, f)
	}
	return appendNumber(dst, proto, ',', text)
}

// specialDouble writes what is not a finite number.
func specialDouble(dst []byte, f float64) []byte {
	switch {
	case math.IsInf(f, 1):
		return append(dst, "inf"...)
	case math.IsInf(f, -1):
		return append(dst, "-inf"...)
	case math.IsNaN(f):
		return append(dst, "nan"...)
	}
	return dst
}

// shortDouble chooses between plain and exponent form by the rules of Redis
// 7.2: integers up to 2^52 are plain; else fpconv_dtoa's thresholds decide.
func shortDouble(dst []byte, f float64) []byte {
	if f == 0 || math.Abs(f) <= 1<<52 && f == math.Trunc(f) {
		if f == 0 && math.Signbit(f) {
			return append(dst, "-0"...)
		}
		return strconv.AppendInt(dst, int64(f), 10)
	}
	// d.ddddde±xx gives the digits and the position of the point.
	var scratch [32]byte
	e := strconv.AppendFloat(scratch[:0], math.Abs(f), 'e', -1, 64)
	var digits [17]byte
	count, i := 0, 0
	for ; e[i] != 'e'; i++ {
		if e[i] != '.' {
			digits[count] = e[i]
			count++
		}
	}
	exp := 0 // of the first digit
	for _, c := range e[i+2:] {
		exp = exp*10 + int(c-'0')
	}
	if e[i+1] == '-' {
		exp = -exp
	}
	if f < 0 {
		dst = append(dst, '-')
	}
	d := digits[:count]
	last := exp - count + 1 // exponent of the last digit
	switch {
	case last >= 0 && exp < count+7:
		dst = append(dst, d...)
		return appendZeros(dst, last)
	case last < 0 && (last > -7 || exp > -4 && exp < 4):
		if exp < 0 {
			dst = append(dst, '0', '.')
			dst = appendZeros(dst, -exp-1)
			return append(dst, d...)
		}
		dst = append(dst, d[:exp+1]...)
		dst = append(dst, '.')
		return append(dst, d[exp+1:]...)
	}
	dst = append(dst, d[0])
	if count > 1 {
		dst = append(dst, '.')
		dst = append(dst, d[1:]...)
	}
	dst = append(dst, 'e', e[i+1])
	return strconv.AppendInt(dst, int64(max(exp, -exp)), 10)
}

func appendZeros(dst []byte, n int) []byte {
	for range n {
		dst = append(dst, '0')
	}
	return dst
}
