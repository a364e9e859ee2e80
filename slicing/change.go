package slicing

import (
	"cmp"
	"slices"
	"strings"

	"github.com/dynomite-go/dynomite/hashkit"
)

// free is the owner of cells that are to be given away.
const free = -1

// cell is an interval while a table is made.
type cell struct {
	from, to hashkit.Token
	owner    int
}

func (c cell) size() Size { return SizeOf(c.from, c.to) }

// Change makes the table for the owners as they shall be: those who are not
// named leave, new names join, weights may differ, all at once. Every share
// becomes exact to one unit, and what moves is exactly [Minimum]: nobody takes
// and gives at once. Equal histories give equal tables on every machine. With
// the owners and weights that the table has, nothing moves.
//
// The cost is that of sorting the intervals.
func (t *Table) Change(owners ...Owner) (*Table, error) {
	if err := validate(t.grain, owners); err != nil {
		return nil, err
	}
	owners = sorted(owners)
	cells, current := t.carryOver(owners)
	want, err := targets(t.grain, owners, current)
	if err != nil {
		return nil, err
	}
	return build(t.grain, owners, deal(openGaps(cells, current, want), current, want, wholeGaps)), nil
}

// carryOver gives the intervals under the indices of other owners, free where
// the owner has left, and what each of them has now.
func (t *Table) carryOver(owners []Owner) (cells []cell, current []Size) {
	rank := make([]int, len(t.owners))
	current = make([]Size, len(owners))
	for i, owner := range t.owners {
		k, stays := slices.BinarySearchFunc(owners, owner.Name, func(o Owner, name string) int { return strings.Compare(o.Name, name) })
		rank[i] = free
		if stays {
			rank[i] = k
			current[k] = t.shares[i]
		}
	}
	cells = make([]cell, len(t.ends))
	for i := range cells {
		interval := t.Interval(i)
		cells[i] = cell{interval.From, interval.To, rank[interval.Owner]}
	}
	return cells, current
}

// openGaps frees what the donors have above their targets, with as few new
// boundaries as it can: whole intervals, the smallest first, then one cut for
// each donor (see placeCuts).
func openGaps(cells []cell, current, want []Size) []cell {
	surplus := make([]Size, len(want))
	for i := range want {
		if current[i].Compare(want[i]) > 0 {
			surplus[i] = current[i].minus(want[i])
		}
	}
	var donated []int // the cells of donors
	for i, c := range cells {
		if c.owner != free && !surplus[c.owner].isZero() {
			donated = append(donated, i)
		}
	}
	slices.SortFunc(donated, func(a, b int) int {
		return cmp.Or(cells[a].size().Compare(cells[b].size()), cmp.Compare(a, b))
	})
	for _, i := range donated {
		owner, size := cells[i].owner, cells[i].size()
		if size.Compare(surplus[owner]) <= 0 {
			surplus[owner] = surplus[owner].minus(size)
			cells[i].owner = free
		}
	}
	return cut(cells, surplus, placeCuts(cells, surplus, current, want))
}

// side is an edge of a cell at which a donor cuts.
type side struct {
	cell  int
	right bool
}

// cut takes each donor's surplus off the cell and edge of its site.
func cut(cells []cell, surplus []Size, sites map[int]side) []cell {
	result := make([]cell, 0, len(cells)+len(sites))
	for i, c := range cells {
		site, cuts := side{}, false
		if c.owner != free {
			site, cuts = sites[c.owner]
		}
		if !cuts || site.cell != i {
			result = append(result, c)
			continue
		}
		size := hashkit.Token(surplus[c.owner].lo)
		if site.right {
			result = append(result, cell{c.from, c.to - size, c.owner}, cell{c.to - size + 1, c.to, free})
		} else {
			result = append(result, cell{c.from, c.from + size - 1, free}, cell{c.from + size, c.to, c.owner})
		}
	}
	return result
}

// placeCuts chooses where each donor that has surplus left, which is less than
// any of its cells, cuts one of them. What a cut costs in boundaries:
//
//	none: beside a gap, or beside a receiver who can take it all
//
//	    |  gap  |  A  |   ->   |  gap   | A  |
//
//	half: where the cells of two donors meet, the tail of one and the head of
//	the other make one gap
//
//	    |  A  |  B  |     ->   |  A |gap|  B |
//
//	one: anywhere else; then the largest cell is cut
func placeCuts(cells []cell, surplus, current, want []Size) map[int]side {
	sites := make(map[int]side)
	open := func(owner int) bool {
		if owner == free || surplus[owner].isZero() {
			return false
		}
		_, placed := sites[owner]
		return !placed
	}
	takesAll := func(receiver, donor int) bool {
		if receiver == free {
			return true
		}
		need := current[receiver].Plus(surplus[donor])
		return surplus[receiver].isZero() && need.Compare(want[receiver]) <= 0
	}
	for i := 1; i < len(cells); i++ {
		left, right := cells[i-1].owner, cells[i].owner
		if open(left) && takesAll(right, left) {
			sites[left] = side{i - 1, true}
		} else if open(right) && takesAll(left, right) {
			sites[right] = side{i, false}
		}
	}
	for _, p := range pairs(cells, open) {
		sites[cells[p].owner] = side{p, true}
		sites[cells[p+1].owner] = side{p + 1, false}
	}
	largest := make(map[int]int) // the largest cell of each donor without a site
	for i, c := range cells {
		if !open(c.owner) {
			continue
		}
		if best, seen := largest[c.owner]; !seen || c.size().Compare(cells[best].size()) > 0 {
			largest[c.owner] = i
		}
	}
	for owner, i := range largest {
		sites[owner] = side{i, true}
	}
	return sites
}

// pairs matches donors whose cells meet, each with one other at most, and gives
// for each pair the left one of two cells that meet. A greedy matching that
// serves the donor with the fewest partners first leaves few alone.
func pairs(cells []cell, open func(owner int) bool) []int {
	meet := make(map[int]map[int]int) // donor, partner, the left one of their cells
	var donors []int
	link := func(a, b, at int) {
		if meet[a] == nil {
			meet[a] = make(map[int]int)
			donors = append(donors, a)
		}
		if _, known := meet[a][b]; !known {
			meet[a][b] = at
		}
	}
	for i := 1; i < len(cells); i++ {
		a, b := cells[i-1].owner, cells[i].owner
		if a != b && open(a) && open(b) {
			link(a, b, i-1)
			link(b, a, i-1)
		}
	}
	fewest := func(a, b int) int { return cmp.Or(cmp.Compare(len(meet[a]), len(meet[b])), cmp.Compare(a, b)) }
	slices.SortFunc(donors, fewest)
	matched := make(map[int]bool)
	var chosen []int
	for _, a := range donors {
		if matched[a] {
			continue
		}
		best := free
		for b := range meet[a] {
			if !matched[b] && (best == free || fewest(b, best) < 0) {
				best = b
			}
		}
		if best == free {
			continue
		}
		matched[a], matched[best] = true, true
		chosen = append(chosen, meet[a][best])
	}
	return chosen
}
