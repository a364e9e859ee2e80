package respserver

import (
	"bytes"
	"math"
)

// Before AUTH a request may have so many arguments of so many bytes, as in
// Redis since CVE-2021-32675: strangers must not make the server allocate.
const (
	maxArgsUntrusted = 10
	maxBulkUntrusted = 16 << 10
)

// span is an argument's place in its request.
type span struct{ from, to int }

// parser finds requests in a stream that arrives in pieces. It remembers how
// far it came, so no byte is looked at twice however the stream is cut, and
// it never looks at an argument's bytes at all. Offsets are relative to the
// request's first byte: the buffer may move between calls.
//
// The bytes that end a line or an argument are skipped, not compared, as in
// Redis: "\rX" ends a length as well as "\r\n".
type parser struct {
	limits Limits

	pos   int    // first byte not understood yet; 0 = between two requests
	scan  int    // the search for the end of a line continues here
	left  int    // arguments to come
	bulk  int    // length of the argument at pos, -1 when its length line is at pos
	spans []span // arguments found
}

func newParser(l Limits) parser { return parser{limits: l, bulk: -1} }

// next looks for one request at the head of b, which must start with the
// bytes of the call before as long as that found nothing. It returns the
// request's length, 0 when more bytes are needed. The arguments are in
// p.spans, until the next call; none for what Redis ignores ("*0", empty
// lines).
func (p *parser) next(b []byte, trusted bool) (int, error) {
	if p.pos == 0 && p.scan == 0 {
		if len(b) == 0 {
			return 0, nil
		}
		p.spans = p.spans[:0]
	}
	if p.pos == 0 {
		if b[0] != '*' {
			return p.inline(b)
		}
		n, end, state := p.length(b)
		switch {
		case state == lineMore:
			return 0, nil
		case state == lineTooLong:
			return 0, errTooBigMultibulk
		case state == lineBad, n > math.MaxInt32:
			return 0, errMultibulkLength
		case n > maxArgsUntrusted && !trusted:
			return 0, errUnauthMultibulk
		case n > int64(p.limits.MaxArgs):
			return 0, errMultibulkLength
		case n <= 0:
			p.scan = 0
			return end, nil
		}
		p.left, p.pos, p.scan = int(n), end, end
	}
	for {
		if p.bulk < 0 {
			if p.pos >= len(b) {
				return 0, nil
			}
			n, end, state := p.length(b)
			switch {
			case state == lineMore:
				return 0, nil
			case state == lineTooLong:
				return 0, errTooBigBulk
			case b[p.pos] != '$':
				return 0, protocolError("expected '$', got '" + string(b[p.pos:p.pos+1]) + "'")
			case state == lineBad, n < 0, n > int64(p.limits.MaxBulk):
				return 0, errBulkLength
			case n > maxBulkUntrusted && !trusted:
				return 0, errUnauthBulk
			case n > int64(p.limits.MaxQuery-2-end):
				return 0, errTooBigRequest
			}
			p.bulk, p.pos, p.scan = int(n), end, end
		}
		if len(b)-p.pos < p.bulk+2 {
			return 0, nil
		}
		p.spans = append(p.spans, span{p.pos, p.pos + p.bulk})
		p.pos += p.bulk + 2
		p.scan = p.pos
		p.bulk = -1
		if p.left--; p.left == 0 {
			n := p.pos
			p.pos, p.scan = 0, 0
			return n, nil
		}
	}
}

// need returns the length of the request in progress up to the end of the
// argument that is arriving; 0 when that is not known.
func (p *parser) need() int {
	if p.bulk >= 0 {
		return p.pos + p.bulk + 2
	}
	return 0
}

// lineState is what became of a length line.
type lineState int

const (
	lineOK      lineState = iota
	lineMore              // its end did not arrive yet
	lineBad               // not an integer
	lineTooLong           // no end within MaxInline
)

// length reads the line at p.pos: a marker, an integer, two bytes that end
// it. end is the position behind it.
func (p *parser) length(b []byte) (n int64, end int, state lineState) {
	// Lengths below a million need no search for the end of the line.
	i := p.pos + 1
	if i < len(b) && b[i] >= '1' && b[i] <= '9' {
		for ; i < len(b) && i < p.pos+8; i++ {
			d := b[i] - '0'
			if d <= 9 {
				n = n*10 + int64(d)
				continue
			}
			if b[i] == '\r' && i+1 < len(b) {
				return n, i + 2, lineOK
			}
			break
		}
	}
	return p.lengthSlow(b)
}

func (p *parser) lengthSlow(b []byte) (n int64, end int, state lineState) {
	p.scan = max(p.scan, p.pos)
	i := bytes.IndexByte(b[p.scan:], '\r')
	if i < 0 {
		p.scan = len(b)
		if len(b)-p.pos > p.limits.MaxInline {
			return 0, 0, lineTooLong
		}
		return 0, 0, lineMore
	}
	i += p.scan
	if i-p.pos > p.limits.MaxInline {
		return 0, 0, lineTooLong
	}
	if i+1 >= len(b) {
		p.scan = i
		return 0, 0, lineMore
	}
	end = i + 2
	if i == p.pos { // the marker itself is the line's end
		return 0, end, lineBad
	}
	n, ok := parseInteger(b[p.pos+1 : i])
	if !ok {
		return 0, end, lineBad
	}
	return n, end, lineOK
}

// parseInteger reads an integer as Redis's string2ll does: one way to write
// each number, so no plus sign, no leading zeros, no "-0", no spaces.
func parseInteger(b []byte) (int64, bool) {
	if len(b) == 1 && b[0] == '0' {
		return 0, true
	}
	negative := len(b) > 0 && b[0] == '-'
	if negative {
		b = b[1:]
	}
	if len(b) == 0 || len(b) > 19 || b[0] < '1' || b[0] > '9' {
		return 0, false
	}
	var n uint64 // 19 digits fit
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	const limit = 1 << 63
	switch {
	case negative && n <= limit:
		return -int64(n), true
	case !negative && n < limit:
		return int64(n), true
	}
	return 0, false
}
