package hints

import "slices"

// Range is a run of tokens, both ends included. All is the whole space.
type Range struct{ From, To uint64 }

// All is every token.
var All = Range{0, ^uint64(0)}

// maxRanges bounds what is remembered of one node: beyond it the two ranges
// with the least gap between them become one, so that too much is compared in
// the end, and never too little. A thousand ranges are 16 KB.
const maxRanges = 1024

// ranges are sorted, and neither overlap nor touch.
type ranges []Range

// add joins r to the set.
func (s ranges) add(r Range) ranges {
	if r.From > r.To {
		return s
	}
	// i is the first that ends at r or after it, or touches it.
	i, _ := slices.BinarySearchFunc(s, r.From, func(x Range, from uint64) int {
		if x.To < from && x.To+1 < from {
			return -1
		}
		return 1
	})
	j := i
	for ; j < len(s) && (s[j].From <= r.To || s[j].From == r.To+1); j++ {
		r = Range{min(r.From, s[j].From), max(r.To, s[j].To)}
	}
	s = slices.Replace(s, i, j, r)
	if len(s) <= maxRanges {
		return s
	}
	near := 1
	for k := 2; k < len(s); k++ {
		if s[k].From-s[k-1].To < s[near].From-s[near-1].To {
			near = k
		}
	}
	return slices.Replace(s, near-1, near+1, Range{s[near-1].From, s[near].To})
}

// remove takes r out of the set.
func (s ranges) remove(r Range) ranges {
	var out ranges
	for _, x := range s {
		if x.To < r.From || x.From > r.To {
			out = append(out, x)
			continue
		}
		if x.From < r.From {
			out = append(out, Range{x.From, r.From - 1})
		}
		if x.To > r.To {
			out = append(out, Range{r.To + 1, x.To})
		}
	}
	return out
}
