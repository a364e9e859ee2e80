package tokenring

import (
	"cmp"

	"github.com/dynomite-go/dynomite/hashkit"
)

// Node is a member of a ring. What a ring gives out is its own copy, with
// Tokens filled in and sorted; it is shared by all readers and not to be changed.
type Node struct {
	// ID names the node; it is unique in the ring.
	ID string
	// Datacenter and Rack say where the node stands. Racks of different
	// datacenters may have the same name.
	Datacenter, Rack string
	// Addr is where peers reach the node. The ring does not interpret it.
	Addr string
	// Tokens end the node's ranges: it owns the tokens above the rack's token
	// before, up to and with its own. Nil asks for generated tokens; within a
	// rack either all nodes give tokens or none does. Only VNode takes tokens.
	Tokens []hashkit.Token
	// Weight says how large the node's share of its rack is, compared with the
	// others': its weight divided by their sum, which is at most 2^63. 0 means 1.
	// Only RandomSlicing and Ketama take other weights than 1, Ketama roughly.
	Weight int64
	// Number is the node's number in version stamps. The ring does not
	// interpret it, but refuses a number other than 0 that two nodes have.
	Number uint32
}

func (n *Node) weight() int64 { return cmp.Or(n.Weight, 1) }

func (n *Node) place() Place { return Place{n.Datacenter, n.Rack} }

// compareNodes puts nodes in the order of their indices: by datacenter, rack and ID.
func compareNodes(a, b *Node) int {
	return cmp.Or(cmp.Compare(a.Datacenter, b.Datacenter), cmp.Compare(a.Rack, b.Rack), cmp.Compare(a.ID, b.ID))
}
