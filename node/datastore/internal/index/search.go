package index

import "math/bits"

// lowerBound returns the position of the first element that is at least x. It
// halves without a branch that could be mispredicted: the borrow of s-x, and
// not a jump, says which half.
func lowerBound(s []uint64, x uint64) int {
	base, n := 0, len(s)
	for n > 1 {
		half := n >> 1
		_, below := bits.Sub64(s[base+half-1], x, 0)
		base += half & -int(below)
		n -= half
	}
	if n == 1 && s[base] < x {
		base++
	}
	return base
}

// upperBound returns the position of the first element above x.
func upperBound(s []uint64, x uint64) int {
	if x == ^uint64(0) {
		return len(s)
	}
	return lowerBound(s, x+1)
}

// interpolate is lowerBound for elements that are probably spread evenly from
// lo to hi: it looks first where x would be then, and from there in steps that
// double, so it touches one or two cache lines for hashed tokens, and no more
// than twice a binary search's for any others.
func interpolate(s []uint64, x, lo, hi uint64) int {
	n := len(s)
	if n == 0 {
		return 0
	}
	g := guess(n, x, lo, hi)
	// The spread of the guess's error is about half of the square root of n:
	// 5 in a leaf. So a window of 8 is mostly enough.
	step := 8
	if s[g] < x {
		from := g + 1
		for from+step <= n && s[from+step-1] < x {
			from += step
			step *= 2
		}
		return from + lowerBound(s[from:min(from+step, n)], x)
	}
	to := g
	for to >= step && s[to-step] >= x {
		to -= step
		step *= 2
	}
	from := max(to-step, 0)
	return from + lowerBound(s[from:to], x)
}

// guess is where x would be among n elements, at least one, that are spread
// evenly from lo to hi.
func guess(n int, x, lo, hi uint64) int {
	if x <= lo {
		return 0
	}
	return int(min((x-lo)/((hi-lo)/uint64(n)+1), uint64(n-1)))
}
