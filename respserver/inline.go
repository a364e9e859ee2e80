package respserver

import "bytes"

// inline looks for a request that a person typed: a line of words.
func (p *parser) inline(b []byte) (int, error) {
	i := bytes.IndexByte(b[p.scan:], '\n')
	if i < 0 {
		p.scan = len(b)
		if len(b) > p.limits.MaxInline {
			return 0, errTooBigInline
		}
		return 0, nil
	}
	i += p.scan
	if i > p.limits.MaxInline {
		return 0, errTooBigInline
	}
	line := b[:i]
	if i > 0 && b[i-1] == '\r' {
		line = b[:i-1]
	}
	spans, ok := splitArgs(line, p.spans)
	p.spans = spans
	if !ok {
		return 0, errUnbalancedQuotes
	}
	p.scan = 0
	return i + 1, nil
}

// splitArgs cuts a line into words as Redis's sdssplitargs does and appends
// their places to dst. Quotes may begin within a word and must end one. The
// words are unescaped in place: none gets longer. It reports false when a
// quote is not closed, or closed within a word. A NUL is a byte like others;
// in Redis, which keeps lines in C strings, it hangs the connection.
func splitArgs(line []byte, dst []span) ([]span, bool) {
	i := 0
	for {
		for i < len(line) && isSpace(line[i]) {
			i++
		}
		if i == len(line) {
			return dst, true
		}
		from := i
		to := i // the word is line[from:to], written behind the reader
		var quote byte
		for done := false; !done; {
			if i == len(line) {
				if quote != 0 {
					return dst, false
				}
				break
			}
			c := line[i]
			i++
			switch {
			case quote == 0:
				switch c {
				case ' ', '\n', '\r', '\t':
					done = true
				case '"', '\'':
					quote = c
				default:
					line[to] = c
					to++
				}
			case c == quote:
				if i < len(line) && !isSpace(line[i]) {
					return dst, false
				}
				done = true
			case c == '\\' && quote == '"' && i < len(line):
				if b, ok := hexEscape(line[i:]); ok {
					line[to] = b
					i += 3
				} else {
					line[to] = unescape(line[i])
					i++
				}
				to++
			case c == '\\' && quote == '\'' && i < len(line) && line[i] == '\'':
				line[to] = '\''
				to++
				i++
			default:
				line[to] = c
				to++
			}
		}
		dst = append(dst, span{from, to})
	}
}

// hexEscape reads "x41", what follows a backslash.
func hexEscape(b []byte) (byte, bool) {
	if len(b) < 3 || b[0] != 'x' {
		return 0, false
	}
	high, ok1 := hexDigit(b[1])
	low, ok2 := hexDigit(b[2])
	return high<<4 | low, ok1 && ok2
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

func unescape(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'b':
		return '\b'
	case 'a':
		return '\a'
	}
	return c
}

// isSpace is C's isspace in the C locale.
func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
