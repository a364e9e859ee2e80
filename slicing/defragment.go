package slicing

import (
	"cmp"
	"fmt"
	"slices"
)

// tries is how many numbers of kept intervals a plan looks at. More find little
// that is better: what moves changes smoothly with the number.
const tries = 32

// Defragmentation is a table with fewer intervals and the same shares, and what
// it would cost to go there.
type Defragmentation struct {
	// Before and After are the numbers of intervals.
	Before, After int
	// Moves are what would change hands, Moved the sum of their sizes. Unlike a
	// change, a defragmentation moves tokens that nobody needs to have moved.
	Moves []Move
	Moved Size

	table *Table
}

// Table is the table with fewer intervals, to be used once the cost is accepted.
func (d *Defragmentation) Table() *Table { return d.table }

// PlanDefragment looks for a way to as many intervals or fewer, and shows its
// cost. Nothing changes by it, and nothing ever defragments by itself: removals
// leave fragments, which cost memory but no movement. The least possible number
// is one interval for each owner. The way found is cheap, not proven cheapest.
func (t *Table) PlanDefragment(intervals int) (*Defragmentation, error) {
	if intervals < len(t.owners) {
		return nil, fmt.Errorf("slicing: %d intervals for %d owners, want one for each or more", intervals, len(t.owners))
	}
	if t.Len() <= intervals {
		return &Defragmentation{Before: t.Len(), After: t.Len(), table: t}, nil
	}
	cells, _ := t.carryOver(t.owners)
	ranked := byImportance(cells, len(t.owners))
	best := t.planned(contiguous(t.grain, t.owners, t.shares, owners(cells, ranked[:len(t.owners)])))
	for i := range tries {
		keep := intervals - i*(intervals-len(t.owners))/tries
		if plan := t.planned(t.keeping(cells, ranked[:keep])); plan.After <= intervals && plan.Moved.Compare(best.Moved) < 0 {
			best = plan
		}
	}
	return best, nil
}

func (t *Table) planned(table *Table) *Defragmentation {
	moves := Diff(t, table)
	return &Defragmentation{Before: t.Len(), After: table.Len(), Moves: moves, Moved: Moved(moves), table: table}
}

// byImportance puts the largest cell of each owner first, then all others, the
// largest first.
func byImportance(cells []cell, owners int) []int {
	ranked := make([]int, len(cells))
	for i := range ranked {
		ranked[i] = i
	}
	slices.SortFunc(ranked, func(a, b int) int {
		return cmp.Or(cells[b].size().Compare(cells[a].size()), cmp.Compare(a, b))
	})
	first, others := make([]int, 0, owners), make([]int, 0, len(cells))
	seen := make([]bool, owners)
	for _, i := range ranked {
		if owner := cells[i].owner; !seen[owner] {
			seen[owner] = true
			first = append(first, i)
		} else {
			others = append(others, i)
		}
	}
	return append(first, others...)
}

// owners lists whose cells these are, in the order of the cells.
func owners(cells []cell, which []int) []int {
	which = slices.Sorted(slices.Values(which))
	for k, i := range which {
		which[k] = cells[i].owner
	}
	return which
}

// keeping is the table that keeps some of the cells and grows them into the
// rest, so far as shares allow.
func (t *Table) keeping(cells []cell, kept []int) *Table {
	loose := slices.Clone(cells)
	for i := range loose {
		loose[i].owner = free
	}
	current := make([]Size, len(t.owners))
	for _, i := range kept {
		loose[i] = cells[i]
		current[cells[i].owner] = current[cells[i].owner].Plus(cells[i].size())
	}
	return build(t.grain, t.owners, deal(loose, current, t.shares, growNeighbours))
}
