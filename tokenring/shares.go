package tokenring

// Share is what falls to a node, as fractions of the token space.
type Share struct {
	// Owned is the part of the tokens that the node has a copy of. The shares
	// of a datacenter's nodes sum to its replicas.
	Owned float64
	// Primary is the part of the tokens that the node is first in preference
	// order for. The shares of a datacenter's nodes sum to 1.
	Primary float64
}

// Shares gives every node's share, in the order of [Ring.Nodes]. It is computed
// from the whole table at every call: a look at a ring, not a step of a request.
func (r *Ring) Shares() []Share {
	const space = 1 << 64
	shares := make([]Share, len(r.nodes))
	var owners []int
	for _, d := range r.datacenters {
		for from, to := range d.segments(true) {
			part := (float64(to-from) + 1) / space
			owners = d.appendOwners(owners[:0], from)
			shares[owners[0]].Primary += part
			for _, node := range owners {
				shares[node].Owned += part
			}
		}
	}
	return shares
}
