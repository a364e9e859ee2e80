package merkle

import (
	"fmt"
	"math/bits"
	"slices"

	"github.com/dynomite-go/dynomite/hashkit"
)

// Range is a run of tokens, both ends included.
type Range struct{ From, To hashkit.Token }

// whole is every token.
var whole = []Range{{0, hashkit.MaxToken}}

const (
	// groupRuns is how many ranges are compared by one sum: a node that shares
	// short ranges with another shares hundreds of them. They take 18 KB.
	groupRuns = 1024
	// maxRuns is how many a message names: those, and some more where a part
	// of them begins or ends.
	maxRuns = groupRuns + parts
)

// checkRuns says what is wrong with ranges that are not sorted, disjoint and few.
func checkRuns(runs []Range, most int) error {
	if len(runs) == 0 || len(runs) > most {
		return fmt.Errorf("%d ranges, want 1 to %d", len(runs), most)
	}
	for i, r := range runs {
		if r.From > r.To || i > 0 && r.From <= runs[i-1].To {
			return fmt.Errorf("range %d, %v to %v, is out of order", i, r.From, r.To)
		}
	}
	return nil
}

// tokens is the number of tokens in runs, less one so that it fits.
func tokens(runs []Range) uint64 {
	n := ^uint64(0)
	for _, r := range runs {
		n += uint64(r.To-r.From) + 1
	}
	return n
}

// split cuts runs into n pieces of equally many tokens, so that two sides that
// know the runs know the pieces. A piece is empty if there are fewer tokens than
// pieces.
func split(runs []Range, n int) [][]Range {
	last := tokens(runs)
	pieces := make([][]Range, n)
	var passed uint64 // tokens of the pieces so far
	for i := range pieces {
		// The end of piece i is at (last+1)(i+1)/n, which may be 2^64: less one.
		hi, lo := bits.Mul64(last, uint64(i+1))
		lo, carry := bits.Add64(lo, uint64(i+1), 0)
		hi += carry
		end := last
		if hi < uint64(n) {
			end, _ = bits.Div64(hi, lo, uint64(n))
			end--
		}
		if len(runs) == 0 || end+1 == passed && i < n-1 {
			continue
		}
		for {
			r := runs[0]
			size := uint64(r.To - r.From) // less one
			room := end - passed          // less one
			if size > room {
				cut := r.From + hashkit.Token(room)
				pieces[i] = append(pieces[i], Range{r.From, cut})
				runs = append([]Range{{cut + 1, r.To}}, runs[1:]...)
				passed += room + 1
				break
			}
			pieces[i] = append(pieces[i], r)
			runs = runs[1:]
			passed += size + 1
			if size == room {
				break
			}
		}
	}
	return pieces
}

// clip is what of runs lies in [from, to].
func clip(runs []Range, from, to hashkit.Token) []Range {
	var out []Range
	for _, r := range runs {
		if r = (Range{max(r.From, from), min(r.To, to)}); r.From <= r.To {
			out = append(out, r)
		}
	}
	return out
}

// masked joins the pieces of runs that the mask names.
func masked(runs []Range, mask uint64) []Range {
	if mask == 0 {
		return runs
	}
	var out []Range
	for i, piece := range split(runs, parts) {
		if mask>>i&1 == 0 {
			continue
		}
		for _, r := range piece {
			out = join(out, r)
		}
	}
	return out
}

// join appends a range to those before it, to the last one if it follows at once.
func join(runs []Range, r Range) []Range {
	if n := len(runs); n > 0 && runs[n-1].To+1 == r.From {
		runs[n-1].To = r.To
		return runs
	}
	return append(runs, r)
}

func sumRuns(set Set, runs []Range) (sum Sum, err error) {
	for _, r := range runs {
		s, err := set.Sum(r.From, r.To)
		if err != nil {
			return sum, err
		}
		sum = sum.Plus(s)
	}
	return sum, nil
}

// scanRuns is Source.Scan over several ranges.
func scanRuns(set Source, runs []Range, fn func(Item) bool) error {
	more := true
	for _, r := range runs {
		err := set.Scan(r.From, r.To, func(it Item) bool {
			more = fn(it)
			return more
		})
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// sorted shows the items of runs in the order of Item.Compare. What has one
// token is held until it is shown.
func sorted(set Source, runs []Range, fn func(Item) bool) error {
	var group []Item
	flush := func() bool {
		slices.SortFunc(group, Item.Compare)
		for _, it := range group {
			if !fn(it) {
				return false
			}
		}
		group = group[:0]
		return true
	}
	more := true
	err := scanRuns(set, runs, func(it Item) bool {
		if len(group) > 0 && group[0].Token != it.Token {
			more = flush()
		}
		if more {
			group = append(group, it)
		}
		return more
	})
	if err == nil && more {
		flush()
	}
	return err
}
