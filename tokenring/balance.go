package tokenring

import (
	"encoding/binary"
	"slices"

	"github.com/dynomite-go/dynomite/hashkit"
)

// balance generates the tokens of a rack's nodes, which come sorted by ID. It
// deals the slots out in rounds, one arc a node and round:
//
//	round 0      round 1      round 2
//	|B  |A  |C  |A  |C  |B  |C  |B  |A  |
//
// A node's slots are the ring's divided by the number of nodes, its arcs are
// those divided by the number of rounds, and what a division leaves over is one
// slot at most: so all shares are equal to one slot, and all arcs too. The order
// within a round comes from a hash of the names, so that the neighbours of one
// rack are not those of another and a lost node's work falls on many.
func balance(nodes []*Node, tokensPerNode int) {
	shares := make(map[*Node]int, len(nodes))
	for i, node := range shuffled(nodes, ^uint64(0)) {
		shares[node] = portion(hashkit.Slots, len(nodes), i)
	}
	next := 0 // the first slot that is not dealt out
	for round := range tokensPerNode {
		for _, node := range shuffled(nodes, uint64(round)) {
			next += portion(shares[node], tokensPerNode, round)
			_, last := hashkit.SlotRange(uint16(next - 1))
			node.Tokens = append(node.Tokens, last)
		}
	}
}

// portion is the size of part i when n things are divided into parts.
func portion(n, parts, i int) int { return (i+1)*n/parts - i*n/parts }

// shuffled puts the nodes into an order that depends on their names and the
// round alone.
func shuffled(nodes []*Node, round uint64) []*Node {
	type ranked struct {
		rank uint64
		node *Node
	}
	ranks := make([]ranked, len(nodes))
	for i, node := range nodes {
		ranks[i] = ranked{mix(nameHash(node) + mix(round)), node}
	}
	slices.SortStableFunc(ranks, func(a, b ranked) int {
		switch {
		case a.rank < b.rank:
			return -1
		case a.rank > b.rank:
			return 1
		}
		return 0 // equal ranks keep the order of the IDs
	})
	order := make([]*Node, len(nodes))
	for i := range ranks {
		order[i] = ranks[i].node
	}
	return order
}

// nameHash separates the names by their lengths, so that no two triples of names
// are the same bytes.
func nameHash(node *Node) uint64 {
	var key []byte
	for _, name := range []string{node.Datacenter, node.Rack, node.ID} {
		key = binary.AppendUvarint(key, uint64(len(name)))
		key = append(key, name...)
	}
	return uint64(hashkit.XXHash64(key))
}

// mix is the finalizer of splitmix64 (Steele, Lea, Flood, 2014): every bit of the
// input changes every bit of the output.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
