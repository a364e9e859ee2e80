package command

import (
	"bytes"
	"math"
)

// parseInt reads an integer as strictly as Redis: no space, no plus, no
// leading zero, no overflow; so the text is the only one of its number.
func parseInt(text []byte) (n int64, ok bool) {
	digits := text
	negative := len(text) > 0 && text[0] == '-'
	if negative {
		digits = text[1:]
	}
	if len(digits) == 0 || len(digits) > len("9223372036854775808") {
		return 0, false
	}
	if digits[0] == '0' {
		return 0, len(text) == 1
	}
	var u uint64 // 19 digits cannot overflow it
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		u = u*10 + uint64(c-'0')
	}
	switch {
	case negative && u <= -math.MinInt64:
		return -int64(u), true
	case !negative && u <= math.MaxInt64:
		return int64(u), true
	}
	return 0, false
}

// sum adds without overflow.
func sum(a, b int64) (total int64, ok bool) {
	total = a + b
	return total, (total > a) == (b > 0)
}

// integerArg reads an integer word and replies the error if it is none.
func (c *Call) integerArg(word []byte) (n int64, ok bool) {
	if n, ok = parseInt(word); !ok {
		c.fail(errNotInteger)
	}
	return n, ok
}

// parseCursor reads a SCAN cursor like C's strtoul: an empty one is zero, a sign
// is allowed, and a zero byte ends it.
func parseCursor(word []byte) (cursor uint64, ok bool) {
	word, _, _ = bytes.Cut(word, []byte{0})
	negative := false
	if len(word) > 0 && (word[0] == '-' || word[0] == '+') {
		negative = word[0] == '-'
		word = word[1:]
		if len(word) == 0 {
			return 0, false
		}
	}
	for _, c := range word {
		d := uint64(c - '0')
		if c < '0' || c > '9' || cursor > (math.MaxUint64-d)/10 {
			return 0, false
		}
		cursor = cursor*10 + d
	}
	if negative {
		cursor = -cursor
	}
	return cursor, true
}
