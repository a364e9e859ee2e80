package tokenring

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/dynomite-go/dynomite/hashkit"
)

// everyShape runs do for 3 to 12 nodes in 2 to 5 racks.
func everyShape(do func(nodes, racks int)) {
	for nodes := 3; nodes <= 12; nodes++ {
		for racks := 2; racks <= min(5, nodes); racks++ {
			do(nodes, racks)
		}
	}
}

// perRack counts the nodes that share a rack with the node of this index.
func perRack(ring *Ring, index int) int {
	count := 0
	for _, node := range ring.Nodes() {
		if sameRack(node, ring.Nodes()[index]) {
			count++
		}
	}
	return count
}

// tokensOf gives the tokens of a ring of one rack in ascending order, and whose
// they are.
func tokensOf(ring *Ring) (tokens []hashkit.Token, owner map[hashkit.Token]int) {
	owner = make(map[hashkit.Token]int)
	for i, node := range ring.Nodes() {
		for _, token := range node.Tokens {
			owner[token] = i
		}
	}
	return slices.Sorted(maps.Keys(owner)), owner
}

func TestBalance_SharesAndArcsEqualToOneSlot(t *testing.T) {
	for _, tokens := range []int{1, 2, 3, 16, 100, 256} {
		for nodes := 1; nodes <= 64; nodes += 1 + nodes/8 {
			ring := mustNew(t, Config{Nodes: layout(nodes, 1), Distribution: VNode, TokensPerNode: tokens})
			slots, previous := make([]int, nodes), 0
			least, most := hashkit.Slots, 0
			dealt, owner := tokensOf(ring)
			for _, token := range dealt {
				if _, last := hashkit.SlotRange(token.Slot()); token != last {
					t.Fatalf("%d nodes of %d tokens: token %v does not end a slot", nodes, tokens, token)
				}
				arc := int(token.Slot()) + 1 - previous
				previous += arc
				slots[owner[token]] += arc
				least, most = min(least, arc), max(most, arc)
			}
			if previous != hashkit.Slots || len(dealt) != nodes*tokens {
				t.Fatalf("%d nodes of %d tokens: %d tokens, up to slot %d", nodes, tokens, len(dealt), previous)
			}
			if most-least > 1 {
				t.Errorf("%d nodes of %d tokens: arcs of %d to %d slots", nodes, tokens, least, most)
			}
			for i, n := range slots {
				if n < hashkit.Slots/nodes || n > (hashkit.Slots+nodes-1)/nodes {
					t.Errorf("%d nodes of %d tokens: node %d has %d slots", nodes, tokens, i, n)
				}
			}
		}
	}
}

// Interleaved: in every round each node has one arc, so no node is away from any
// stretch of the ring that is two rounds long.
func TestBalance_EachRoundHasEachNodeOnce(t *testing.T) {
	const nodes, tokens = 7, 16
	ring := mustNew(t, Config{Nodes: layout(nodes, 1), Distribution: VNode, TokensPerNode: tokens})
	dealt, owner := tokensOf(ring)
	orders := map[string]bool{}
	for round := range tokens {
		seen := map[int]bool{}
		var order []int
		for _, token := range dealt[round*nodes : (round+1)*nodes] {
			seen[owner[token]] = true
			order = append(order, owner[token])
		}
		if len(seen) != nodes {
			t.Errorf("round %d has %d of %d nodes", round, len(seen), nodes)
		}
		orders[fmt.Sprint(order)] = true
	}
	if len(orders) < tokens/2 {
		t.Errorf("%d rounds have %d orders: they are not shuffled", tokens, len(orders))
	}
}

// The share of primaries is even as computed, for every key there could be.
// The rotation is exact but for the ends of arcs: an end leaves at most a part
// of a group, so the error of an arc is below one slot on the average, and the
// errors of arcs are independent.
func TestShares_PrimariesEven(t *testing.T) {
	for _, distribution := range []string{VNode, RandomSlicing} {
		everyShape(func(nodes, racks int) {
			for _, tokens := range []int{1, 16, 64} {
				ring := mustNew(t, Config{Nodes: layout(nodes, racks), Distribution: distribution, TokensPerNode: tokens})
				for i, share := range ring.Shares() {
					owned := 1 / float64(perRack(ring, i))
					slots := func(part float64) float64 { return part * hashkit.Slots }
					if off := math.Abs(slots(share.Owned - owned)); off > 1 {
						t.Errorf("%s, %d nodes, %d racks, %d tokens: node %d owns %.1f slots more or less than its part", distribution, nodes, racks, tokens, i, off)
					}
					off := math.Abs(slots(share.Primary - owned/float64(racks)))
					if limit := 2 + 3*math.Sqrt(float64(tokens)); off > limit {
						t.Errorf("%s, %d nodes, %d racks, %d tokens: node %d is primary for %.1f slots more or less than its part, want at most %.1f", distribution, nodes, racks, tokens, i, off, limit)
					}
				}
			}
		})
	}
}

// Whatever the distribution and the number of copies: a rack holds and leads an
// equal part, and a node leads its part of what it holds, as if racks had been
// drawn for each slot, within four and a half standard deviations (4.5 in 100,000
// by chance, and nothing here is drawn anew). Ketama's ends cut slots, which adds
// less than a slot for each.
func TestShares_EveryDistributionAndReplicaCount_PrimariesEven(t *testing.T) {
	for _, distribution := range Distributions() {
		everyShape(func(nodes, racks int) {
			if nodes%3 != 0 {
				return
			}
			for replicas := 1; replicas <= racks; replicas++ {
				cfg := Config{Nodes: layout(nodes, racks), Distribution: distribution, Replicas: map[string]int{"dc1": replicas}}
				ring := mustNew(t, cfg)
				shares := ring.Shares()
				perRack := make(map[string]Share)
				for i, node := range ring.Nodes() {
					sum := perRack[node.Rack]
					perRack[node.Rack] = Share{sum.Owned + shares[i].Owned, sum.Primary + shares[i].Primary}
				}
				for rack, sum := range perRack {
					want := Share{float64(replicas) / float64(racks), 1 / float64(racks)}
					if math.Abs(sum.Owned-want.Owned)*hashkit.Slots > 1.5 || math.Abs(sum.Primary-want.Primary)*hashkit.Slots > 1.5 {
						t.Errorf("%s, %d nodes, %d racks, %d copies: rack %s holds and leads %+v, want %+v", distribution, nodes, racks, replicas, rack, sum, want)
					}
				}
				for i, share := range shares {
					// Of the slots that it holds the node leads one in replicas.
					slots, p := share.Owned*hashkit.Slots, 1/float64(replicas)
					limit := 4.5*math.Sqrt(slots*p*(1-p)) + 2
					if off := math.Abs(share.Primary*hashkit.Slots - slots*p); off > limit {
						t.Errorf("%s, %d nodes, %d racks, %d copies: node %d leads %.1f slots more or less than its part, want at most %.1f",
							distribution, nodes, racks, replicas, i, off, limit)
					}
				}
			}
		})
	}
}

// The same seen through keys: what the keys show must be explained by drawing
// them, within four and a half standard deviations. Functions that put keys on a
// few places of the space are used through LookupSpread, as random slicing needs.
func TestOwners_PrimariesEvenForKeys(t *testing.T) {
	const keys = 20_000
	for _, name := range []string{"slot", "xxhash64", "murmur", "murmur3", "jenkins", "md5", "crc32a"} {
		hash, err := hashkit.LookupSpread(name)
		if err != nil {
			t.Fatal(err)
		}
		tokens := make([]hashkit.Token, keys)
		for i := range tokens {
			tokens[i] = hash(fmt.Appendf(nil, "user:%d", i))
		}
		for _, distribution := range []string{VNode, RandomSlicing} {
			everyShape(func(nodes, racks int) {
				ring := mustNew(t, Config{Nodes: layout(nodes, racks), Distribution: distribution})
				primaries := make([]int, nodes)
				var owners []int
				for _, token := range tokens {
					owners = ring.AppendOwners(owners[:0], "dc1", token)
					primaries[owners[0]]++
				}
				for i, n := range primaries {
					p := 1 / float64(perRack(ring, i)*racks)
					if sigma := math.Sqrt(keys * p * (1 - p)); math.Abs(float64(n)-keys*p) > 4.5*sigma {
						t.Errorf("%s, %s, %d nodes, %d racks: node %d is primary for %d keys, want %.0f within %.0f", name, distribution, nodes, racks, i, n, keys*p, 4.5*sigma)
					}
				}
			})
		}
	}
}

func TestShares_FewerReplicasThanRacks_RacksEven(t *testing.T) {
	for racks := 2; racks <= 5; racks++ {
		for replicas := 1; replicas < racks; replicas++ {
			ring := mustNew(t, Config{Nodes: layout(racks, racks), Replicas: map[string]int{"dc1": replicas}})
			for i, share := range ring.Shares() {
				want := float64(replicas) / float64(racks)
				if off := math.Abs(share.Owned-want) * hashkit.Slots; off > 1.5 {
					t.Errorf("%d of %d racks: rack %d holds %.1f slots more or less than its part", replicas, racks, i, off)
				}
			}
		}
	}
}

// When a primary is lost its work must fall evenly on the other racks, and in
// them on several nodes.
func TestOwners_FollowersOfAPrimaryEven(t *testing.T) {
	for racks := 3; racks <= 5; racks++ {
		ring := mustNew(t, Config{Nodes: layout(racks, racks)})
		follows := make([][]int, racks)
		for i := range follows {
			follows[i] = make([]int, racks)
		}
		for slot := range hashkit.Slots {
			from, _ := hashkit.SlotRange(uint16(slot))
			owners := ring.AppendOwners(nil, "dc1", from)
			follows[owners[0]][owners[1]]++
		}
		for lost, heirs := range follows {
			n, p := float64(hashkit.Slots)/float64(racks), 1/float64(racks-1)
			for heir, count := range heirs {
				if limit := 4.5 * math.Sqrt(n*p*(1-p)); heir != lost && math.Abs(float64(count)-n*p) > limit {
					t.Errorf("%d racks: rack %d inherits %d slots from %d, want %.0f within %.0f", racks, heir, count, lost, n*p, limit)
				}
			}
		}
	}
	// Chance decides who meets whom in a round; a pair of 4 and 4 misses all of
	// 64 rounds once in 10^8.
	ring := mustNew(t, Config{Nodes: layout(12, 3), Distribution: VNode, TokensPerNode: 64})
	partners := make([]map[int]bool, 12)
	for _, arc := range ring.Arcs("dc1") {
		for _, a := range arc.Owners {
			for _, b := range arc.Owners {
				if partners[a] == nil {
					partners[a] = map[int]bool{}
				}
				partners[a][b] = true
			}
		}
	}
	for i, set := range partners {
		if len(set) != 1+8 {
			t.Errorf("node %d shares ranges with %d nodes, want all 8 of the other racks", i, len(set)-1)
		}
	}
}
