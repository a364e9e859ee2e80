package slicing

import (
	"cmp"
	"slices"

	"github.com/dynomite-go/dynomite/hashkit"
)

// gap is a longest run of free cells, or what is left of one.
type gap struct {
	from, to    hashkit.Token
	left, right int // who owns what lies beside it, free at the ends of the space
	gone        bool
}

func (g *gap) size() Size { return SizeOf(g.from, g.to) }

// dealer gives gaps to those who have less than they want.
type dealer struct {
	gaps  []gap
	need  []Size
	given []cell
}

// preference says what comes after whole gaps to a neighbour, which spares a
// boundary.
type preference bool

const (
	// wholeGaps gives them to anybody first, so that each takes few.
	wholeGaps preference = false
	// growNeighbours gives parts to neighbours first, so that few cells begin.
	growNeighbours preference = true
)

// deal gives the free cells to the receivers, and returns all cells in order.
// The gaps add up to what the receivers lack. Whole gaps go to a neighbour where
// one lacks as much, then to anybody, the largest that fits first; what is left
// is cut, for a neighbour where there is one.
func deal(cells []cell, current, want []Size, then preference) []cell {
	d := &dealer{need: make([]Size, len(want))}
	for i := range want {
		if want[i].Compare(current[i]) > 0 {
			d.need[i] = want[i].minus(current[i])
		}
	}
	previous := free
	for _, c := range cells {
		n := len(d.gaps)
		switch {
		case c.owner != free:
			d.given = append(d.given, c)
			if n > 0 && d.gaps[n-1].to+1 == c.from {
				d.gaps[n-1].right = c.owner
			}
		case n > 0 && d.gaps[n-1].to+1 == c.from:
			d.gaps[n-1].to = c.to
		default:
			d.gaps = append(d.gaps, gap{c.from, c.to, previous, free, false})
		}
		previous = c.owner
	}
	order := make([]int, len(d.gaps)) // the gaps by size, the largest first
	for i := range order {
		order[i] = i
	}
	largest := func(a, b int) int {
		return cmp.Or(d.gaps[b].size().Compare(d.gaps[a].size()), cmp.Compare(a, b))
	}
	slices.SortFunc(order, largest)
	d.wholeToNeighbours(order)
	if then == growNeighbours {
		d.partsToNeighbours(order)
		slices.SortFunc(order, largest) // parts are gone
	}
	d.wholeToAnybody(order)
	d.partsToNeighbours(order)
	d.parts(order)
	slices.SortFunc(d.given, func(a, b cell) int { return cmp.Compare(a.from, b.from) })
	return d.given
}

// give hands a gap, or the part of the size at its left or right end, to a
// receiver.
func (d *dealer) give(g *gap, receiver int, size Size, right bool) {
	d.need[receiver] = d.need[receiver].minus(size)
	if size == g.size() {
		d.given = append(d.given, cell{g.from, g.to, receiver})
		g.gone = true
		return
	}
	part := hashkit.Token(size.lo)
	if right {
		d.given = append(d.given, cell{g.to - part + 1, g.to, receiver})
		g.to -= part
		g.right = receiver
		return
	}
	d.given = append(d.given, cell{g.from, g.from + part - 1, receiver})
	g.from += part
	g.left = receiver
}

// needs is what an owner lacks; nothing for no owner.
func (d *dealer) needs(owner int) Size {
	if owner == free {
		return Size{}
	}
	return d.need[owner]
}

func (d *dealer) wholeToNeighbours(order []int) {
	for _, i := range order {
		g := &d.gaps[i]
		receiver := g.left
		if d.needs(g.right).Compare(d.needs(g.left)) > 0 {
			receiver = g.right
		}
		if d.needs(receiver).Compare(g.size()) >= 0 {
			d.give(g, receiver, g.size(), false)
		}
	}
}

func (d *dealer) wholeToAnybody(order []int) {
	next := make([]int, len(order)+1) // next[k] leads to the first gap from k on that is not gone
	for k := range next {
		next[k] = k
	}
	find := func(k int) int {
		for next[k] != k {
			next[k] = next[next[k]]
			k = next[k]
		}
		return k
	}
	for k, i := range order {
		if d.gaps[i].gone {
			next[k] = k + 1
		}
	}
	for _, receiver := range d.receivers() {
		for need := d.need[receiver]; !need.isZero(); need = d.need[receiver] {
			k, _ := slices.BinarySearchFunc(order, need, func(i int, need Size) int { return need.Compare(d.gaps[i].size()) })
			k = find(k)
			if k == len(order) {
				break
			}
			d.give(&d.gaps[order[k]], receiver, d.gaps[order[k]].size(), false)
			next[k] = k + 1
		}
	}
}

func (d *dealer) partsToNeighbours(order []int) {
	for _, i := range order {
		for _, right := range []bool{false, true} {
			g := &d.gaps[i]
			receiver := g.left
			if right {
				receiver = g.right
			}
			if need := d.needs(receiver); !g.gone && !need.isZero() {
				d.give(g, receiver, smaller(need, g.size()), right)
			}
		}
	}
}

// parts fills what is left gap by gap. Every step satisfies a receiver or ends
// a gap, so there are no more steps than both together.
func (d *dealer) parts(order []int) {
	receivers := d.receivers()
	slices.Reverse(receivers) // the smallest need first
	place := func(size Size) int {
		k, _ := slices.BinarySearchFunc(receivers, size, func(r int, size Size) int {
			if d.need[r].Compare(size) <= 0 {
				return -1
			}
			return 1
		})
		return k // the first who needs more than the size
	}
	for _, i := range order {
		for g := &d.gaps[i]; !g.gone; {
			k := place(g.size()) - 1
			if k < 0 { // nobody is satisfied by it: who needs most takes it all
				k = len(receivers) - 1
			}
			receiver := receivers[k]
			receivers = slices.Delete(receivers, k, k+1)
			d.give(g, receiver, smaller(d.need[receiver], g.size()), false)
			if need := d.need[receiver]; !need.isZero() {
				receivers = slices.Insert(receivers, place(need), receiver)
			}
		}
	}
}

// receivers are those who lack something, the neediest first.
func (d *dealer) receivers() []int {
	var all []int
	for i, need := range d.need {
		if !need.isZero() {
			all = append(all, i)
		}
	}
	slices.SortFunc(all, func(a, b int) int { return cmp.Or(d.need[b].Compare(d.need[a]), cmp.Compare(a, b)) })
	return all
}

func smaller(a, b Size) Size {
	if a.Compare(b) < 0 {
		return a
	}
	return b
}
