package tokenring

import (
	"errors"
	"fmt"
	"slices"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/slicing"
)

// Ring says who owns a token. It never changes: a new layout is a new Ring. All
// methods are safe for concurrent use and take no lock.
type Ring struct {
	nodes       []*Node
	index       map[string]int
	datacenters []*datacenter
}

// New builds the ring of a layout, or reports what [Config.Validate] finds wrong
// with it. Equal layouts, tables included, give equal rings on every machine, whatever the order
// of their nodes. The ring keeps nothing of cfg but its tables, which do not
// change. Cost: about a millisecond, and 3 bytes for each slot and replica of a
// datacenter.
func New(cfg Config) (*Ring, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	distribution := distributions[cfg.distribution()]
	r := &Ring{index: make(map[string]int, len(cfg.Nodes))}
	for _, node := range cfg.Nodes {
		node.Tokens = slices.Sorted(slices.Values(node.Tokens))
		r.nodes = append(r.nodes, &node)
	}
	slices.SortFunc(r.nodes, compareNodes)
	for i, node := range r.nodes {
		r.index[node.ID] = i
	}
	var wrong []error
	racks := make(map[string][]rack)
	eachRun(r.nodes, (*Node).place, func(first int, nodes []*Node) {
		at := nodes[0].place()
		division, err := distribution.divide(&cfg, nodes)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("tokenring: %v: %w", at, err))
			return
		}
		for i := range division.nodes {
			division.nodes[i] += uint16(first)
		}
		racks[at.Datacenter] = append(racks[at.Datacenter], rack{at.Rack, division})
	})
	if err := errors.Join(wrong...); err != nil {
		return nil, err
	}
	eachRun(r.nodes, func(n *Node) string { return n.Datacenter }, func(_ int, nodes []*Node) {
		name := nodes[0].Datacenter
		r.datacenters = append(r.datacenters, newDatacenter(name, racks[name], cfg.Replicas[name]))
	})
	return r, nil
}

// eachRun calls do for each longest run of nodes with one key.
func eachRun[K comparable](nodes []*Node, key func(*Node) K, do func(first int, run []*Node)) {
	for first := 0; first < len(nodes); {
		end := first + 1
		for end < len(nodes) && key(nodes[end]) == key(nodes[first]) {
			end++
		}
		do(first, nodes[first:end])
		first = end
	}
}

// Nodes gives all nodes, sorted by datacenter, rack and ID. A node's place in
// this slice is its index, which [Ring.AppendOwners] speaks of. The slice and
// the nodes belong to the ring: read only.
func (r *Ring) Nodes() []*Node { return r.nodes }

// Node finds a node by its ID. The node belongs to the ring: read only.
func (r *Ring) Node(id string) (*Node, bool) {
	i, ok := r.index[id]
	if !ok {
		return nil, false
	}
	return r.nodes[i], true
}

// Index finds the index of a node in [Ring.Nodes]. An index is good for this
// ring only; the next layout may number its nodes otherwise.
func (r *Ring) Index(id string) (int, bool) {
	i, ok := r.index[id]
	return i, ok
}

// Datacenters gives the names of the datacenters, sorted. The caller owns the slice.
func (r *Ring) Datacenters() []string {
	names := make([]string, len(r.datacenters))
	for i, d := range r.datacenters {
		names[i] = d.name
	}
	return names
}

// Racks gives the names of a datacenter's racks, sorted; none if there is no
// such datacenter. The caller owns the slice.
func (r *Ring) Racks(dc string) []string {
	d := r.datacenter(dc)
	if d == nil {
		return nil
	}
	names := make([]string, len(d.racks))
	for i := range d.racks {
		names[i] = d.racks[i].name
	}
	return names
}

// Replicas is the number of owners that every token has in a datacenter, 0 if
// there is no such datacenter.
func (r *Ring) Replicas(dc string) int {
	if d := r.datacenter(dc); d != nil {
		return d.replicas
	}
	return 0
}

// Table is the slicing table of a rack: state that the next layout has to carry,
// in Config.Tables or through [Ring.Change]. It is nil if there is no such rack, or
// another distribution.
func (r *Ring) Table(at Place) *slicing.Table {
	if rack := r.rack(at); rack != nil {
		return rack.table
	}
	return nil
}

// AppendOwners appends the indices of the token's owners in a datacenter, in
// preference order, one of each rack that keeps a copy: [Ring.Replicas] of them,
// none if there is no such datacenter. The order is a function of the layout
// and the token's slot alone. It allocates nothing if dst has room.
func (r *Ring) AppendOwners(dst []int, dc string, t hashkit.Token) []int {
	if d := r.datacenter(dc); d != nil {
		return d.appendOwners(dst, t)
	}
	return dst
}

// AppendAllOwners appends the token's owners in all datacenters, these in the
// order of [Ring.Datacenters], each as [Ring.AppendOwners] does.
func (r *Ring) AppendAllOwners(dst []int, t hashkit.Token) []int {
	for _, d := range r.datacenters {
		dst = d.appendOwners(dst, t)
	}
	return dst
}

// Owners is [Ring.AppendOwners] for who prefers nodes to indices: it allocates
// the slice, which the caller owns; the nodes are read only.
func (r *Ring) Owners(dc string, t hashkit.Token) []*Node {
	var owners []*Node
	for _, i := range r.AppendOwners(nil, dc, t) {
		owners = append(owners, r.nodes[i])
	}
	return owners
}

// Owns reports whether the node with this index is an owner of the token. It
// panics if there is no such node.
func (r *Ring) Owns(node int, t hashkit.Token) bool {
	d := r.datacenter(r.nodes[node].Datacenter)
	from, to := d.slot(t)
	if d.isSplit(t) {
		for _, rack := range d.orders[from:to] {
			if int(d.racks[rack].owner(t)) == node {
				return true
			}
		}
		return false
	}
	return slices.Contains(d.owners[from:to], uint16(node))
}

// WholeSlots reports whether every slot has the same owners for all its tokens,
// so that keys with one hash tag, which share no more than their slot, share
// their owners, and slots can be told to Redis Cluster's clients. It is so with
// every distribution but Ketama, VNode if given tokens are not the last of a slot,
// and RandomSlicing if a given table is of a finer grain than slicing.Slots.
func (r *Ring) WholeSlots() bool {
	for _, d := range r.datacenters {
		for _, word := range d.split {
			if word != 0 {
				return false
			}
		}
	}
	return true
}

func (r *Ring) rack(at Place) *rack {
	d := r.datacenter(at.Datacenter)
	if d == nil {
		return nil
	}
	for i := range d.racks {
		if d.racks[i].name == at.Rack {
			return &d.racks[i]
		}
	}
	return nil
}

// datacenter walks the list: there are few, and comparing their names takes less
// than hashing one.
func (r *Ring) datacenter(name string) *datacenter {
	for _, d := range r.datacenters {
		if d.name == name {
			return d
		}
	}
	return nil
}
