package frontend

import (
	"bytes"
	"math"
	"strconv"

	"github.com/dynomite-go/dynomite/respserver"
)

const (
	errSyntax     = "ERR syntax error"
	errNotInteger = "ERR value is not an integer or out of range"
	errNoCluster  = "ERR This instance has cluster support disabled"
)

// quotedBytes is how much of a client's words is quoted in an error.
const quotedBytes = 128

// appendError appends an error; line breaks in it become spaces.
func appendError(out []byte, text string) []byte { return respserver.AppendError(out, text) }

// appendArity is for what the arity alone does not say.
func appendArity(out []byte, name string) []byte {
	return appendError(out, "ERR wrong number of arguments for '"+name+"' command")
}

// quoted cuts a client's word to n bytes, and at a zero byte as Redis, whose
// strings end there.
func quoted(word []byte, n int) string {
	word = word[:min(n, len(word))]
	if zero := bytes.IndexByte(word, 0); zero >= 0 {
		word = word[:zero]
	}
	return string(word)
}

// replyLen is the length of the first whole reply in b; 0 if there is none.
func replyLen(b []byte) int {
	pos := 0
	for left := 1; left > 0; left-- {
		if pos >= len(b) {
			return 0
		}
		line := bytes.IndexByte(b[pos:], '\n')
		if line < 2 {
			return 0
		}
		marker, count := b[pos], b[pos+1:pos+line-1]
		pos += line + 1
		switch marker {
		case '$', '=', '!':
			if n := atoi(count); n >= 0 {
				pos += n + 2
			}
		case '*', '~', '>':
			left += max(atoi(count), 0)
		case '%', '|':
			left += 2 * max(atoi(count), 0)
			if marker == '|' {
				left++ // the reply that the attributes belong to
			}
		}
	}
	if pos > len(b) {
		return 0
	}
	return pos
}

// atoi reads the count of a reply, -1 if it is null.
func atoi(digits []byte) int {
	n := 0
	for _, c := range digits {
		if c < '0' || c > '9' || n > math.MaxInt32/10 {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// errorCode is the first word of an error reply: ERR, WRONGTYPE, ...
func errorCode(reply []byte) []byte {
	code := reply[1:]
	if i := bytes.IndexAny(code, " \r"); i >= 0 {
		code = code[:i]
	}
	return code
}

// parseInt reads an integer as strictly as Redis: no sign but a minus, no
// leading zero, no space.
func parseInt(word []byte) (int64, bool) {
	if len(word) == 0 || len(word) > 20 {
		return 0, false
	}
	n, err := strconv.ParseInt(string(word), 10, 64)
	if err != nil || word[0] == '+' {
		return 0, false
	}
	if digits := bytes.TrimPrefix(word, []byte{'-'}); digits[0] == '0' && len(word) > 1 {
		return 0, false
	}
	return n, true
}

// onOff reads "on" or "off", yesNo "yes" or "no", in any case.
func onOff(word []byte) (on, ok bool) { return either(word, "on", "off") }

func yesNo(word []byte) (yes, ok bool) { return either(word, "yes", "no") }

func either(word []byte, yes, no string) (isYes, ok bool) {
	return equalFold(word, yes), equalFold(word, yes) || equalFold(word, no)
}

// helper answers HELP for a container with Redis's heading.
func helper(container string, lines []string) handler {
	return func(_ *Session, _ [][]byte, out []byte) []byte {
		out = respserver.AppendArray(out, len(lines)+3)
		out = respserver.AppendSimple(out, container+
			" <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")
		for _, line := range lines {
			out = respserver.AppendSimple(out, line)
		}
		out = respserver.AppendSimple(out, "HELP")
		return respserver.AppendSimple(out, "    Prints this help.")
	}
}
