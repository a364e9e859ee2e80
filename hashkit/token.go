package hashkit

import (
	"errors"
	"fmt"
	"strconv"
)

// Token is a place in the token space [0, 2^64). Tokens are ordered as the
// integers that they are: the operators, cmp.Compare and slices.Sort apply.
// The space is a ring; who walks past [MaxToken] arrives at 0: sums and
// differences wrap around.
type Token uint64

// MaxToken is the last token of the ring.
const MaxToken Token = 1<<64 - 1

// maxQuoted bounds how much of a wrong text an error repeats. The longest valid
// text has 20 characters, so 40 show what is wrong with it.
const maxQuoted = 40

// Token32 puts a 32-bit hash, or a 32-bit token of a Dynomite configuration,
// into the 64-bit space: it fills the high half and leaves zeros below.
func Token32(hash uint32) Token { return Token(hash) << 32 }

// Distance is how far it is from t up to another token, around the end of the
// space if need be: 0 for t itself, 2^64-1 for the token before it.
func (t Token) Distance(to Token) uint64 { return uint64(to - t) }

// Between reports whether t lies in the arc above one token, up to and with
// another, as ranges of rings are counted. The arc goes around the end of the
// space if to is below after, and is the whole ring if the two are equal.
func (t Token) Between(after, to Token) bool {
	return after == to || after.Distance(t)-1 < after.Distance(to)
}

// ParseToken reads a decimal number, or a hexadecimal one after 0x, of up to 64
// bits. Leading zeros are allowed. The error names the text.
func ParseToken(text string) (Token, error) {
	digits, base := text, 10
	if len(text) >= 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X') {
		digits, base = text[2:], 16
	}
	value, err := strconv.ParseUint(digits, base, 64)
	if err == nil {
		return Token(value), nil
	}
	reason := "not a decimal or 0x-hexadecimal number"
	if errors.Is(err, strconv.ErrRange) {
		reason = "more than 64 bits"
	}
	if len(text) > maxQuoted {
		return 0, fmt.Errorf("hashkit: token %q... (%d bytes): %s", text[:maxQuoted], len(text), reason)
	}
	return 0, fmt.Errorf("hashkit: token %q: %s", text, reason)
}

// String gives 0x and 16 hexadecimal digits; [ParseToken] reads it back.
func (t Token) String() string { return string(t.append(make([]byte, 0, 18))) }

// MarshalText is [Token.String] for encoders. It never fails.
func (t Token) MarshalText() ([]byte, error) { return t.append(make([]byte, 0, 18)), nil }

// UnmarshalText is [ParseToken] for decoders; on an error the token keeps its value.
func (t *Token) UnmarshalText(text []byte) error {
	parsed, err := ParseToken(string(text))
	if err != nil {
		return err
	}
	*t = parsed
	return nil
}

func (t Token) append(dst []byte) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '0', 'x')
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, digits[t>>shift&15])
	}
	return dst
}
