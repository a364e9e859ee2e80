package command

// Match says whether s matches a glob pattern as Redis understands it: ? is
// one byte, * any number of them, [a-c^x] one of a class ([^...] one that is
// not), and a backslash takes the byte behind it literally. A class that is
// not closed ends with the pattern. It takes at most len(pattern) * len(s)
// steps.
//
// One oddity is kept: an empty s is matched by the empty pattern alone, so not
// by "*"; KEYS and SCAN do not ask for a pattern that is just "*".
func Match(pattern, s []byte) bool { return match(pattern, s, false) }

// matchFold is Match in any case.
func matchFold(pattern, s []byte) bool { return match(pattern, s, true) }

// match remembers only the last star: if what stands between two stars matches
// at some place, a later place for it never helps.
func match(pattern, s []byte, nocase bool) bool {
	if len(s) == 0 {
		return len(pattern) == 0
	}
	p, i := 0, 0
	star, from := -1, 0 // where to go on when a try fails
	for i < len(s) {
		if p < len(pattern) && pattern[p] == '*' {
			p++
			star, from = p, i
			if p == len(pattern) {
				return true
			}
			continue
		}
		if p < len(pattern) {
			if next, ok := matchOne(pattern, p, s[i], nocase); ok {
				p, i = next, i+1
				continue
			}
		}
		if star < 0 {
			return false
		}
		from++
		p, i = star, from
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// matchOne matches one byte with what stands at pattern[p]; next is behind it.
func matchOne(pattern []byte, p int, b byte, nocase bool) (next int, ok bool) {
	switch pattern[p] {
	case '?':
		return p + 1, true
	case '[':
		return matchClass(pattern, p+1, b, nocase)
	case '\\':
		if p+1 < len(pattern) {
			p++
		}
	}
	return p + 1, same(pattern[p], b, nocase)
}

// matchClass matches one byte with a class whose first byte is pattern[p].
func matchClass(pattern []byte, p int, b byte, nocase bool) (next int, ok bool) {
	not := p < len(pattern) && pattern[p] == '^'
	if not {
		p++
	}
	found := false
	for ; p < len(pattern) && pattern[p] != ']'; p++ {
		switch {
		case pattern[p] == '\\' && p+1 < len(pattern):
			p++
			found = found || pattern[p] == b
		case p+2 < len(pattern) && pattern[p+1] == '-':
			found = found || inRange(pattern[p], pattern[p+2], b, nocase)
			p += 2
		default:
			found = found || same(pattern[p], b, nocase)
		}
	}
	return min(p+1, len(pattern)), found != not
}

// inRange compares signed bytes, as C's char is on the machines that Redis runs on.
func inRange(from, to, b byte, nocase bool) bool {
	lo, hi, c := int8(from), int8(to), int8(b)
	if lo > hi {
		lo, hi = hi, lo
	}
	if nocase {
		lo, hi, c = int8(lower(byte(lo))), int8(lower(byte(hi))), int8(lower(b))
	}
	return lo <= c && c <= hi
}

func same(a, b byte, nocase bool) bool {
	return a == b || nocase && lower(a) == lower(b)
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}
