package tokenring

import "slices"

// Distance is how far one node is from another, as far as a layout tells.
type Distance int

const (
	// SameNode is no distance.
	SameNode Distance = iota
	// SameRack is a neighbour, as a rule behind the same switch or in the same
	// zone.
	SameRack
	// SameDatacenter is another rack of the datacenter.
	SameDatacenter
	// OtherDatacenter is further than all else.
	OtherDatacenter
)

// Distance between two nodes, given by their indices in Nodes.
func (r *Ring) Distance(a, b int) Distance {
	n, m := r.nodes[a], r.nodes[b]
	switch {
	case a == b:
		return SameNode
	case n.Datacenter != m.Datacenter:
		return OtherDatacenter
	case n.Rack != m.Rack:
		return SameDatacenter
	}
	return SameRack
}

// SortNearest puts nodes, given by their indices in Nodes, in the order of their
// distance from another one. Those that are equally far keep their order, so
// that owners stay in their preference order. Who owns a token never depends on
// who asks; who is asked for it may.
func (r *Ring) SortNearest(nodes []int, from int) {
	slices.SortStableFunc(nodes, func(a, b int) int {
		return int(r.Distance(from, a)) - int(r.Distance(from, b))
	})
}
