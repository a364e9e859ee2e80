package slicing

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"github.com/dynomite-go/dynomite/hashkit"
)

// Interval is a run of tokens with one owner.
type Interval struct {
	// From and To are the first and the last token; From <= To.
	From, To hashkit.Token
	// Owner is an index into [Table.Owners].
	Owner int
}

// Table says which owner has a token. It never changes, its methods are safe
// for concurrent use, and what they give is the caller's.
type Table struct {
	grain  Grain
	owners []Owner         // by name
	shares []Size          // beside owners
	ends   []hashkit.Token // the last token of each interval, ascending; MaxToken closes
	who    []uint16        // the owner of each interval
	// index narrows the search: tokens with the top bits b lie in the intervals
	// index[b] to index[b+1]. There are at least as many values of b as
	// intervals, so that there is little left to search.
	index []uint32
	shift uint
}

// New makes the first table of some owners: one interval each, in the order of
// names, exact by weight. The order of the arguments does not matter. Errors
// name the owners with whom something is wrong.
func New(grain Grain, owners ...Owner) (*Table, error) {
	if err := validate(grain, owners); err != nil {
		return nil, err
	}
	owners = sorted(owners)
	sizes, err := targets(grain, owners, nil)
	if err != nil {
		return nil, err
	}
	return contiguous(grain, owners, sizes, nil), nil
}

// contiguous gives each owner one interval, in the given order, or that of
// names if it is nil.
func contiguous(grain Grain, owners []Owner, sizes []Size, order []int) *Table {
	cells := make([]cell, 0, len(owners))
	var from hashkit.Token
	for k := range owners {
		i := k
		if order != nil {
			i = order[k]
		}
		to := from + hashkit.Token(sizes[i].lo) - 1
		cells = append(cells, cell{from, to, i})
		from = to + 1
	}
	return build(grain, owners, cells)
}

// FromIntervals makes a table of what is there already, such as the ranges of
// another scheme. Shares are as the intervals say; the first [Table.Change]
// brings them to the weights. Intervals come in ascending order and cover the
// space; Owner is an index into owners as given; every owner has some, and all
// begin at multiples of 2^grain.
func FromIntervals(grain Grain, owners []Owner, intervals []Interval) (*Table, error) {
	if err := validate(grain, owners); err != nil {
		return nil, err
	}
	names := sorted(owners)
	rank := make([]int, len(owners))
	for i, owner := range owners {
		rank[i], _ = slices.BinarySearchFunc(names, owner.Name, func(o Owner, name string) int { return strings.Compare(o.Name, name) })
	}
	cells := make([]cell, len(intervals))
	var next hashkit.Token
	for i, interval := range intervals {
		switch {
		case interval.Owner < 0 || interval.Owner >= len(owners):
			return nil, fmt.Errorf("slicing: interval %d belongs to owner %d of %d", i, interval.Owner, len(owners))
		case interval.From != next || interval.To < interval.From || i > 0 && next == 0:
			return nil, fmt.Errorf("slicing: interval %d of owner %s is [%v, %v], want it to begin at %v",
				i, quote(owners[interval.Owner].Name), interval.From, interval.To, next)
		case uint64(interval.From)<<(64-grain) != 0 && grain > 0:
			return nil, fmt.Errorf("slicing: interval %d of owner %s begins at %v, not at a multiple of 2^%d",
				i, quote(owners[interval.Owner].Name), interval.From, grain)
		}
		cells[i] = cell{interval.From, interval.To, rank[interval.Owner]}
		next = interval.To + 1
	}
	if len(cells) == 0 || next != 0 {
		return nil, fmt.Errorf("slicing: the intervals end before %v", next)
	}
	t := build(grain, names, cells)
	for i, share := range t.shares {
		if share.isZero() {
			return nil, fmt.Errorf("slicing: owner %s has no interval", quote(names[i].Name))
		}
	}
	return t, nil
}

// build makes a table of cells that are sorted and cover the space; equal
// neighbours become one interval.
func build(grain Grain, owners []Owner, cells []cell) *Table {
	t := &Table{grain: grain, owners: owners, shares: make([]Size, len(owners))}
	t.ends = make([]hashkit.Token, 0, len(cells))
	t.who = make([]uint16, 0, len(cells))
	for _, c := range cells {
		t.shares[c.owner] = t.shares[c.owner].Plus(c.size())
		if n := len(t.who); n > 0 && int(t.who[n-1]) == c.owner {
			t.ends[n-1] = c.to
			continue
		}
		t.ends = append(t.ends, c.to)
		t.who = append(t.who, uint16(c.owner))
	}
	width := bits.Len(uint(len(t.ends) - 1))
	t.shift = 64 - uint(width)
	t.index = make([]uint32, 1<<width+1)
	i := 0
	for b := range 1 << width {
		for t.ends[i] < hashkit.Token(b)<<t.shift {
			i++
		}
		t.index[b] = uint32(i)
	}
	t.index[1<<width] = uint32(len(t.ends) - 1)
	return t
}

// Lookup gives the index, in [Table.Owners], of the token's owner. It allocates
// nothing.
func (t *Table) Lookup(token hashkit.Token) int {
	return int(t.who[t.interval(token)])
}

// Owner gives the name of the token's owner. It allocates nothing.
func (t *Table) Owner(token hashkit.Token) string { return t.owners[t.Lookup(token)].Name }

// interval is the first whose end is not below the token.
func (t *Table) interval(token hashkit.Token) int {
	b := token >> t.shift
	low, high := int(t.index[b]), int(t.index[b+1])
	for low < high {
		middle := int(uint(low+high) >> 1)
		if t.ends[middle] < token {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

// Owners gives the owners with their weights, sorted by name.
func (t *Table) Owners() []Owner { return slices.Clone(t.owners) }

// Grain is what the table was made with.
func (t *Table) Grain() Grain { return t.grain }

// Len is the number of intervals.
func (t *Table) Len() int { return len(t.ends) }

// Interval gives the i-th interval in the order of tokens. It panics unless
// 0 <= i < Len.
func (t *Table) Interval(i int) Interval {
	var from hashkit.Token
	if i > 0 {
		from = t.ends[i-1] + 1
	}
	return Interval{From: from, To: t.ends[i], Owner: int(t.who[i])}
}

// Share is the exact number of tokens of the owner with this index.
func (t *Table) Share(owner int) Size { return t.shares[owner] }

// Bytes is the memory that the table takes, names aside: about 16 bytes for an
// interval and 40 for an owner.
func (t *Table) Bytes() int {
	return 8*len(t.ends) + 2*len(t.who) + 4*len(t.index) + (24+16)*len(t.owners)
}

// Equal reports whether two tables have the same grain, owners, weights and
// intervals.
func (t *Table) Equal(other *Table) bool {
	return t.grain == other.grain && slices.Equal(t.owners, other.owners) &&
		slices.Equal(t.ends, other.ends) && slices.Equal(t.who, other.who)
}
