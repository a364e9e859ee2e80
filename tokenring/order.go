package tokenring

import "github.com/dynomite-go/dynomite/hashkit"

// rackOrders gives, for each slot, the preference order of a datacenter's racks
// as indices, cut to the number of replicas: the rack order of slot s is
// table[s*replicas : (s+1)*replicas].
//
// As many consecutive slots as there are racks form a group. A group has a
// permutation of its own, drawn by a mix of its number, and its slots take the
// rotations of it:
//
//	slot    0 1 2   3 4 5   6 7 8  ...
//	first   B A C   A B C   C A B
//	second  A C B   B C A   A B C
//	third   C B A   C A B   B C A
//
// So in every group each rack is once at every place: primaries, and copies when
// there are fewer than racks, are even over every stretch of slots, to within
// the ends of the stretch; and because permutations are drawn, nothing can beat
// with the regular arcs of nodes, and who follows a lost primary is even too.
//
// The order takes the slot, the token's top 14 bits, and nothing below: 32-bit
// hashes leave zeros there, and keys with one hash tag have only these in common
// but must have one primary.
func rackOrders(racks, replicas int) []uint8 {
	table := make([]uint8, 0, hashkit.Slots*replicas)
	order := make([]uint8, racks)
	for slot := range hashkit.Slots {
		group, turn := slot/racks, slot%racks
		if turn == 0 {
			permute(order, uint64(group))
		}
		for i := range replicas {
			table = append(table, order[(turn+i)%racks])
		}
	}
	return table
}

// permute fills order with a permutation drawn by the seed (Fisher and Yates).
func permute(order []uint8, seed uint64) {
	for i := range order {
		order[i] = uint8(i)
	}
	state := mix(seed)
	for i := len(order) - 1; i > 0; i-- {
		state = mix(state)
		j := int(state % uint64(i+1)) // at most 256 choices of 2^64: no bias to see
		order[i], order[j] = order[j], order[i]
	}
}
