package tokenring

import (
	"cmp"
	"maps"
	"slices"

	"github.com/dynomite-go/dynomite/hashkit"
)

// datacenter holds the owners of every token here as a table over the slots,
// so that a look-up is one index; a slot in which a range ends is marked and
// looked up in its racks.
type datacenter struct {
	name     string
	racks    []rack
	replicas int
	orders   []uint8                    // rack order by slot, see rackOrders
	owners   []uint16                   // nodes by slot, in the order of the racks; of the slot's first token
	split    [hashkit.Slots / 64]uint64 // slots in which a range ends before the slot does
}

// rack is the sorted tokens and, beside each, the node whose range it ends.
type rack struct {
	name   string
	tokens []hashkit.Token
	nodes  []uint16
}

func newRack(nodes []*Node, first int) rack {
	owner := make(map[hashkit.Token]uint16)
	for i, node := range nodes {
		for _, token := range node.Tokens {
			owner[token] = uint16(first + i)
		}
	}
	r := rack{name: nodes[0].Rack, tokens: slices.Sorted(maps.Keys(owner))}
	for _, token := range r.tokens {
		r.nodes = append(r.nodes, owner[token])
	}
	return r
}

// owner is the node of the first token that is not below t, past the last one
// that of the first: the rule of vnodes in Dynomite and Cassandra.
func (r *rack) owner(t hashkit.Token) uint16 {
	i, _ := slices.BinarySearch(r.tokens, t)
	if i == len(r.tokens) {
		i = 0
	}
	return r.nodes[i]
}

// newDatacenter takes nodes that are sorted by rack and ID, with their indices
// starting at first.
func newDatacenter(nodes []*Node, first, replicas int) *datacenter {
	d := &datacenter{name: nodes[0].Datacenter}
	eachRun(nodes, func(n *Node) string { return n.Rack }, func(offset int, nodes []*Node) {
		d.racks = append(d.racks, newRack(nodes, first+offset))
	})
	d.replicas = cmp.Or(replicas, len(d.racks))
	d.orders = rackOrders(len(d.racks), d.replicas)
	d.owners = make([]uint16, len(d.orders))
	for i, rack := range d.orders {
		from, _ := hashkit.SlotRange(uint16(i / d.replicas))
		d.owners[i] = d.racks[rack].owner(from)
	}
	for _, rack := range d.racks {
		for i, token := range rack.tokens {
			_, last := hashkit.SlotRange(token.Slot())
			next := rack.nodes[(i+1)%len(rack.nodes)]
			if token != last && next != rack.nodes[i] {
				d.split[token.Slot()/64] |= 1 << (token.Slot() % 64)
			}
		}
	}
	return d
}

// slot gives the row of a slot, of orders as well as of owners.
func (d *datacenter) slot(t hashkit.Token) (from, to int) {
	from = int(t.Slot()) * d.replicas
	return from, from + d.replicas
}

func (d *datacenter) isSplit(t hashkit.Token) bool {
	return d.split[t.Slot()/64]>>(t.Slot()%64)&1 != 0
}

func (d *datacenter) appendOwners(dst []int, t hashkit.Token) []int {
	from, to := d.slot(t)
	if d.isSplit(t) {
		for _, rack := range d.orders[from:to] {
			dst = append(dst, int(d.racks[rack].owner(t)))
		}
		return dst
	}
	for _, node := range d.owners[from:to] {
		dst = append(dst, int(node))
	}
	return dst
}
