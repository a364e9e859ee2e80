package respserver

import (
	"strconv"

	"github.com/tidwall/redcon"
)

// The Append functions write one reply, or the head of one, behind dst and
// return the extended slice, as append does. Where the protocols differ,
// proto decides: 3 for RESP3, anything else for RESP2.

// AppendOK appends the reply of commands that have nothing else to say.
func AppendOK(dst []byte) []byte { return redcon.AppendOK(dst) }

// AppendSimple appends a simple string. It is for fixed words: CR and LF
// become spaces, for they would end the reply; use AppendBulk for data.
func AppendSimple(dst []byte, s string) []byte { return redcon.AppendString(dst, s) }

// AppendError appends an error. The text begins with its code, as in
// "ERR syntax error". CR and LF become spaces, so that data quoted in an
// error cannot forge a reply.
func AppendError(dst []byte, text string) []byte { return redcon.AppendError(dst, text) }

// AppendInt appends an integer.
func AppendInt(dst []byte, n int64) []byte { return redcon.AppendInt(dst, n) }

// AppendBulk appends a string of any bytes; b is copied. A nil b is an empty
// string: see AppendNull.
func AppendBulk(dst, b []byte) []byte { return redcon.AppendBulk(dst, b) }

// AppendBulkString is AppendBulk for a string, without a conversion.
func AppendBulkString(dst []byte, s string) []byte { return redcon.AppendBulkString(dst, s) }

// AppendArray appends the head of an array; its n elements follow.
func AppendArray(dst []byte, n int) []byte { return redcon.AppendArray(dst, n) }

// AppendNull appends what stands for a missing value: "_", in RESP2 the null
// bulk string.
func AppendNull(dst []byte, proto int) []byte {
	if proto == 3 {
		return append(dst, "_\r\n"...)
	}
	return append(dst, "$-1\r\n"...)
}

// AppendNullArray appends what stands for a missing array: "_", in RESP2 the
// null array. Commands like BLPOP and EXEC answer it.
func AppendNullArray(dst []byte, proto int) []byte {
	if proto == 3 {
		return append(dst, "_\r\n"...)
	}
	return append(dst, "*-1\r\n"...)
}

// AppendMap appends the head of a map; n keys, each with its value, follow.
// In RESP2 it is an array of 2n elements.
func AppendMap(dst []byte, proto, n int) []byte {
	if proto == 3 {
		return appendHead(dst, '%', n)
	}
	return appendHead(dst, '*', 2*n)
}

// AppendSet appends the head of a set; its n members follow. In RESP2 it is
// an array.
func AppendSet(dst []byte, proto, n int) []byte {
	if proto == 3 {
		return appendHead(dst, '~', n)
	}
	return appendHead(dst, '*', n)
}

// AppendPush appends the head of a push frame, which is no reply to any
// request; its n elements follow. In RESP2 it is an array, as its
// subscribers expect.
func AppendPush(dst []byte, proto, n int) []byte {
	if proto == 3 {
		return appendHead(dst, '>', n)
	}
	return appendHead(dst, '*', n)
}

// AppendBool appends a truth value, in RESP2 the integer 1 or 0.
func AppendBool(dst []byte, proto int, v bool) []byte {
	switch {
	case proto == 3 && v:
		return append(dst, "#t\r\n"...)
	case proto == 3:
		return append(dst, "#f\r\n"...)
	case v:
		return append(dst, ":1\r\n"...)
	}
	return append(dst, ":0\r\n"...)
}

// AppendVerbatim appends text for people in a format of three letters, "txt"
// or "mkd"; other lengths are cut or filled with spaces. In RESP2 it is a
// bulk string.
func AppendVerbatim(dst []byte, proto int, format, s string) []byte {
	if proto != 3 {
		return AppendBulkString(dst, s)
	}
	tag := [4]byte{' ', ' ', ' ', ':'}
	copy(tag[:3], format)
	dst = appendHead(dst, '=', len(s)+len(tag))
	dst = append(dst, tag[:]...)
	dst = append(dst, s...)
	return append(dst, '\r', '\n')
}

// AppendBigNumber appends an integer of any size, given in decimal digits
// (big.Int.Append writes them). In RESP2 it is a bulk string.
func AppendBigNumber(dst []byte, proto int, digits []byte) []byte {
	return appendNumber(dst, proto, '(', digits)
}

// appendNumber appends a number that RESP2 knows as a bulk string only.
func appendNumber(dst []byte, proto int, marker byte, text []byte) []byte {
	if proto != 3 {
		return AppendBulk(dst, text)
	}
	dst = append(dst, marker)
	dst = append(dst, text...)
	return append(dst, '\r', '\n')
}

// appendHead appends a marker and a count.
func appendHead(dst []byte, marker byte, n int) []byte {
	dst = append(dst, marker)
	dst = strconv.AppendInt(dst, int64(n), 10)
	return append(dst, '\r', '\n')
}
