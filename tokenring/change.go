package tokenring

import (
	"fmt"
	"maps"
	"slices"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/slicing"
)

// Change gives the ring of another layout. With RandomSlicing each rack that both
// layouts have keeps its table, changed to the nodes and weights of the new one
// with the least movement that there is; a rack that was divided otherwise is
// taken over as it is, and then changed. Tables in cfg go before. With other
// distributions this is [New]: they know no history.
func (r *Ring) Change(cfg Config) (*Ring, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if distributions[cfg.distribution()].name != RandomSlicing {
		return New(cfg)
	}
	tables := maps.Clone(cfg.Tables)
	if tables == nil {
		tables = make(map[Place]*slicing.Table)
	}
	for at, nodes := range cfg.racks() {
		had := r.rack(at)
		if had == nil || tables[at] != nil {
			continue
		}
		table, err := had.asTable(r.nodes)
		if err != nil {
			return nil, fmt.Errorf("tokenring: %v: %w", at, err)
		}
		if tables[at], err = table.Change(slicers(nodes)...); err != nil {
			return nil, fmt.Errorf("tokenring: %v: %w", at, err)
		}
	}
	cfg.Tables = tables
	return New(cfg)
}

// asTable is the rack's division as a slicing table, with as coarse a grain as it
// has. Nodes that own nothing are not in it.
func (r *rack) asTable(nodes []*Node) (*slicing.Table, error) {
	if r.table != nil {
		return r.table, nil
	}
	grain := slicing.Slots
	for _, end := range r.ends {
		if _, last := hashkit.SlotRange(end.Slot()); end != last {
			grain = slicing.Tokens
		}
	}
	var owners []slicing.Owner
	index := make(map[int]int)
	intervals := r.intervals()
	for i := range intervals {
		node := intervals[i].Owner
		if _, known := index[node]; !known {
			index[node] = len(owners)
			owners = append(owners, slicing.Owner{Name: nodes[node].ID, Weight: nodes[node].weight()})
		}
		intervals[i].Owner = index[node]
	}
	return slicing.FromIntervals(grain, owners, intervals)
}

// Move is a run of tokens of which a node gets a copy when one ring follows
// another.
type Move struct {
	// From and To are the first and the last token; From <= To.
	From, To hashkit.Token
	// Place is the rack that keeps the copy.
	Place Place
	// Donor is the ID of the node of this rack that had it, and Receiver of the
	// one that gets it. There is no donor, "", if the rack kept no copy before:
	// another rack must provide it.
	Donor, Receiver string
}

// Size is how many tokens move.
func (m Move) Size() slicing.Size { return slicing.SizeOf(m.From, m.To) }

// Diff lists which copies a node of the ring after has and did not have in the
// ring before: by rack, ascending, in the longest runs of one donor and one
// receiver. What is only given up is not listed. Nodes are told apart by rack and
// ID.
func Diff(before, after *Ring) []Move {
	var moves []Move
	for _, d := range after.datacenters {
		b := before.datacenter(d.name)
		ends := d.ends(d.replicas < len(d.racks))
		if b != nil {
			ends = append(ends, b.ends(b.replicas < len(b.racks))...)
			slices.Sort(ends)
			ends = slices.Compact(ends)
		}
		for k := range d.racks {
			at := Place{d.name, d.racks[k].name}
			had := -1
			if b != nil {
				had = slices.IndexFunc(b.racks, func(r rack) bool { return r.name == at.Rack })
			}
			first := len(moves)
			var from hashkit.Token
			for _, to := range ends {
				receiver, donor := after.holder(d, k, from), ""
				if had >= 0 {
					donor = before.holder(b, had, from)
				}
				if receiver != "" && receiver != donor {
					last := len(moves) - 1
					if last >= first && moves[last].To+1 == from && moves[last].Donor == donor && moves[last].Receiver == receiver {
						moves[last].To = to
					} else {
						moves = append(moves, Move{from, to, at, donor, receiver})
					}
				}
				from = to + 1
			}
		}
	}
	return moves
}

// holder is the ID of the node in a rack that has a copy of the token, "" if the
// rack keeps none.
func (r *Ring) holder(d *datacenter, rack int, t hashkit.Token) string {
	from, to := d.slot(t)
	if !slices.Contains(d.orders[from:to], uint8(rack)) {
		return ""
	}
	return r.nodes[d.racks[rack].owner(t)].ID
}

// Minimum is the least that must be copied to get from the shares of one ring to
// those of another, as a part of the token space: what growing nodes gain. Whole
// rings with three copies of each token hold 3.
func Minimum(before, after *Ring) float64 {
	type key struct {
		Place
		id string
	}
	had := make(map[key]float64)
	for i, share := range before.Shares() {
		had[key{before.nodes[i].place(), before.nodes[i].ID}] = share.Owned
	}
	sum := 0.0
	for i, share := range after.Shares() {
		sum += max(0, share.Owned-had[key{after.nodes[i].place(), after.nodes[i].ID}])
	}
	return sum
}
