package tokenring

import (
	"fmt"
	"maps"
	"slices"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/slicing"
)

// randomSlicing divides by a table of package slicing.
type randomSlicing struct{}

func (randomSlicing) divide(cfg *Config, nodes []*Node) (division, error) {
	table := cfg.Tables[nodes[0].place()]
	if table == nil {
		var err error
		if table, err = firstTable(nodes, cfg.tokensPerNode()); err != nil {
			return division{}, err
		}
	} else if err := agrees(table, nodes); err != nil {
		return division{}, err
	}
	// A table's owners are sorted by name as the nodes are by ID.
	d := division{table: table}
	for i := range table.Len() {
		interval := table.Interval(i)
		d.add(interval.To, interval.Owner)
	}
	return d, nil
}

// intervals are the ranges in the terms of package slicing.
func (d *division) intervals() []slicing.Interval {
	intervals := make([]slicing.Interval, len(d.ends))
	var from hashkit.Token
	for i, end := range d.ends {
		intervals[i] = slicing.Interval{From: from, To: end, Owner: int(d.nodes[i])}
		from = end + 1
	}
	return intervals
}

// slicers are the nodes as owners of a table.
func slicers(nodes []*Node) []slicing.Owner {
	owners := make([]slicing.Owner, len(nodes))
	for i, node := range nodes {
		owners[i] = slicing.Owner{Name: node.ID, Weight: node.weight()}
	}
	return owners
}

// firstTable is the table of a rack that has none yet: the generated tokens of
// vnode, brought to the weights. So the nodes interleave, unlike in the first
// table of package slicing, and a lost node's work falls on several of each
// other rack.
func firstTable(nodes []*Node, tokensPerNode int) (*slicing.Table, error) {
	if len(nodes) > hashkit.Slots {
		return nil, fmt.Errorf("%d nodes share %d slots", len(nodes), hashkit.Slots)
	}
	copies := make([]*Node, len(nodes)) // the tokens are not to stay
	for i, node := range nodes {
		copies[i] = &Node{ID: node.ID, Datacenter: node.Datacenter, Rack: node.Rack}
	}
	balance(copies, min(tokensPerNode, hashkit.Slots/len(nodes)))
	dealt := byTokens(copies)
	owners := slicers(nodes)
	table, err := slicing.FromIntervals(slicing.Slots, owners, dealt.intervals())
	if err != nil {
		return nil, err
	}
	return table.Change(owners...)
}

// agrees reports whether a table is one of these nodes and their weights.
func agrees(table *slicing.Table, nodes []*Node) error {
	weights := make(map[string]int64)
	for _, owner := range table.Owners() {
		weights[owner.Name] = owner.Weight
	}
	for _, node := range nodes {
		switch weight, known := weights[node.ID]; {
		case !known:
			return fmt.Errorf("the slicing table knows no node %q", node.ID)
		case weight != node.weight():
			return fmt.Errorf("the slicing table gives node %q the weight %d, the layout %d", node.ID, weight, node.weight())
		}
		delete(weights, node.ID)
	}
	for _, name := range slices.Sorted(maps.Keys(weights)) {
		return fmt.Errorf("the slicing table gives a part to %q, which is no node of the rack", name)
	}
	return nil
}
