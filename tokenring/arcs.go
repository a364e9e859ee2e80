package tokenring

import (
	"iter"
	"slices"

	"github.com/dynomite-go/dynomite/hashkit"
)

// Arc is a stretch of the ring whose tokens have the same set of owners.
type Arc struct {
	// From and To are the first and the last token; From <= To.
	From, To hashkit.Token
	// Owners are indices into Ring.Nodes, ascending. The preference order
	// changes inside the arc: ask Ring.AppendOwners for that of a token.
	Owners []int
}

// Arcs cuts the token space into the longest arcs on which the set of owners in
// a datacenter is constant. They are sorted, disjoint, and cover [0, 2^64); the
// stretch over the end of the space is two arcs. Without such a datacenter there
// are none. The caller owns the slice.
//
// With a copy in every rack there are at most as many arcs as ranges of its nodes. With fewer copies the choice of racks changes from slot to slot,
// and there may be as many arcs as slots.
func (r *Ring) Arcs(dc string) []Arc {
	d := r.datacenter(dc)
	if d == nil {
		return nil
	}
	var arcs []Arc
	var owners []int
	for from, to := range d.segments(d.replicas < len(d.racks)) {
		owners = d.appendOwners(owners[:0], from)
		slices.Sort(owners)
		if n := len(arcs); n > 0 && slices.Equal(arcs[n-1].Owners, owners) {
			arcs[n-1].To = to
			continue
		}
		arcs = append(arcs, Arc{From: from, To: to, Owners: slices.Clone(owners)})
	}
	return arcs
}

// Range is a run of tokens with one node in a rack.
type Range struct {
	// From and To are the first and the last token; From <= To.
	From, To hashkit.Token
	// Node is an index into Ring.Nodes.
	Node int
}

// Ranges gives how the nodes of one rack divide the token space, in the longest
// runs: sorted, disjoint, and covering it. Where a datacenter keeps fewer copies
// than it has racks, the rack holds only some slots of each. Without such a rack
// there are none. The caller owns the slice.
func (r *Ring) Ranges(at Place) []Range {
	rack := r.rack(at)
	if rack == nil {
		return nil
	}
	ranges := make([]Range, len(rack.ends))
	for i, interval := range rack.intervals() {
		ranges[i] = Range{interval.From, interval.To, interval.Owner}
	}
	return ranges
}

// segments yields the ranges of the datacenter's racks, cut where any of them ends, and
// between slots if asked to, in ascending order.
func (d *datacenter) segments(bySlot bool) iter.Seq2[hashkit.Token, hashkit.Token] {
	ends := d.ends(bySlot)
	return func(yield func(from, to hashkit.Token) bool) {
		var from hashkit.Token
		for _, to := range ends {
			if !yield(from, to) {
				return
			}
			from = to + 1
		}
	}
}

// ends are the last tokens of the segments.
func (d *datacenter) ends(bySlot bool) []hashkit.Token {
	ends := []hashkit.Token{hashkit.MaxToken}
	for _, rack := range d.racks {
		ends = append(ends, rack.ends...)
	}
	if bySlot {
		for slot := range hashkit.Slots {
			_, last := hashkit.SlotRange(uint16(slot))
			ends = append(ends, last)
		}
	}
	slices.Sort(ends)
	return slices.Compact(ends)
}
