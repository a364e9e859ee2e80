package tokenring

import (
	"crypto/md5"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/dynomite-go/dynomite/hashkit"
)

// The validator of all: the ranges of every rack cover the space once, and
// belong to the rack's own nodes.
func TestDistributions_EveryTokenOwnedOnceInEachRack(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	for _, name := range Distributions() {
		for range 40 {
			cfg := Config{Nodes: layout(1+rng.IntN(30), 1+rng.IntN(4)), Distribution: name, TokensPerNode: rng.IntN(40)}
			for i := range cfg.Nodes {
				if name == RandomSlicing || name == Ketama {
					cfg.Nodes[i].Weight = rng.Int64N(20)
				}
			}
			ring := mustNew(t, cfg)
			for _, rack := range ring.datacenters[0].racks {
				for i, end := range rack.ends {
					if i > 0 && (end <= rack.ends[i-1] || rack.nodes[i] == rack.nodes[i-1]) {
						t.Fatalf("%s: range %d ends at %v after %v, of nodes %d and %d", name, i, end, rack.ends[i-1], rack.nodes[i], rack.nodes[i-1])
					}
					if node := ring.Nodes()[rack.nodes[i]]; node.Rack != rack.name {
						t.Fatalf("%s: a range of rack %s belongs to %s of rack %s", name, rack.name, node.ID, node.Rack)
					}
				}
				if last := rack.ends[len(rack.ends)-1]; last != hashkit.MaxToken {
					t.Fatalf("%s: the last range ends at %v", name, last)
				}
			}
		}
	}
}

// Shares are exact by weight, to one slot, also where weights differ much.
func TestRandomSlicing_SharesByWeightToOneSlot(t *testing.T) {
	cfg := Config{Nodes: layout(9, 3)}
	weights := []int64{1, 2, 3, 5, 0, 1, 40, 2, 1} // 0 means 1
	sums := make(map[string]float64)
	for i := range cfg.Nodes {
		cfg.Nodes[i].Weight = weights[i]
		sums[cfg.Nodes[i].Rack] += float64(max(1, weights[i]))
	}
	ring := mustNew(t, cfg)
	if !ring.WholeSlots() {
		t.Error("slots are split")
	}
	for i, share := range ring.Shares() {
		node := ring.Nodes()[i]
		want := float64(max(1, node.Weight)) / sums[node.Rack]
		if off := math.Abs(share.Owned-want) * hashkit.Slots; off >= 1 {
			t.Errorf("%s of weight %d owns %.5f, want %.5f", node.ID, node.Weight, share.Owned, want)
		}
	}
}

// The rule in its plainest form: of all points the least that is not below the
// hash, or the least of all; points are the words of the digests in hex, the
// last byte first.
func TestKetama_AsLibketama(t *testing.T) {
	nodes := layout(5, 1)
	ring := mustNew(t, Config{Nodes: nodes, Distribution: Ketama})
	owner := make(map[uint32]string)
	for _, node := range nodes {
		for i := range 40 {
			digest := fmt.Sprintf("%x", md5.Sum([]byte(node.ID+"-"+strconv.Itoa(i))))
			for w := range 4 {
				word := digest[8*w : 8*w+8]
				point, err := strconv.ParseUint(word[6:8]+word[4:6]+word[2:4]+word[0:2], 16, 32)
				if err != nil {
					t.Fatal(err)
				}
				owner[uint32(point)] = node.ID
			}
		}
	}
	if len(owner) != 5*160 {
		t.Fatalf("%d points, want 160 for each node", len(owner))
	}
	rng := rand.New(rand.NewPCG(8, 8))
	hashes := []uint32{0, math.MaxUint32}
	for point := range owner {
		hashes = append(hashes, point-1, point, point+1, rng.Uint32())
	}
	for _, hash := range hashes {
		least, next, found := uint32(math.MaxUint32), uint32(math.MaxUint32), false
		for point := range owner {
			least = min(least, point)
			if point >= hash && point <= next {
				next, found = point, true
			}
		}
		if !found {
			next = least
		}
		for _, token := range []hashkit.Token{hashkit.Token32(hash), hashkit.Token32(hash) | hashkit.Token(rng.Uint32())} {
			if got := ring.Owners("dc1", token)[0].ID; got != owner[next] {
				t.Fatalf("%v belongs to %s, want %s", token, got, owner[next])
			}
		}
	}
}

func TestKetama_SharesFollowWeightsRoughly(t *testing.T) {
	nodes := layout(6, 1)
	nodes[0].Weight, nodes[1].Weight = 4, 9
	ring := mustNew(t, Config{Nodes: nodes, Distribution: Ketama})
	sum := 4.0 + 9 + 4
	for i, share := range ring.Shares() {
		want := float64(ring.Nodes()[i].weight()) / sum
		if share.Owned < 0.6*want || share.Owned > 1.5*want {
			t.Errorf("%s owns %.3f, want about %.3f", ring.Nodes()[i].ID, share.Owned, want)
		}
	}
	// A node of next to no weight still has one digest.
	nodes[1].Weight = 1 << 40
	ring = mustNew(t, Config{Nodes: nodes, Distribution: Ketama})
	if share := ring.Shares()[5]; share.Owned == 0 {
		t.Error("a node with a weight owns nothing")
	}
}

func TestModula_SlotsInTurn(t *testing.T) {
	ring := mustNew(t, Config{Nodes: layout(5, 1), Distribution: Modula})
	for slot := range hashkit.Slots {
		from, to := hashkit.SlotRange(uint16(slot))
		for _, token := range []hashkit.Token{from, to} {
			if owners := ring.AppendOwners(nil, "dc1", token); owners[0] != slot%5 {
				t.Fatalf("slot %d belongs to node %d", slot, owners[0])
			}
		}
	}
}

func TestSingle_FirstNodeOwnsAll(t *testing.T) {
	ring := mustNew(t, Config{Nodes: layout(5, 1), Distribution: Single})
	if shares := ring.Shares(); shares[0].Owned != 1 || shares[1].Owned != 0 {
		t.Errorf("shares %v", shares)
	}
	if arcs := ring.Arcs("dc1"); len(arcs) != 1 {
		t.Errorf("%d arcs", len(arcs))
	}
}

// A node whose ID comes last takes its part from all others, and nothing else
// moves; how many slots it gets is chance.
func TestJump_GrowingAtTheEnd_MovesToTheNewNodeAlone(t *testing.T) {
	for n := 1; n <= 12; n++ {
		nodes := layout(n+1, 1)
		for i := range nodes {
			nodes[i].ID = fmt.Sprintf("node%02d", i)
		}
		before := mustNew(t, Config{Nodes: nodes[:n], Distribution: Jump})
		after := mustNew(t, Config{Nodes: nodes, Distribution: Jump})
		moved := 0.0
		for _, move := range Diff(before, after) {
			if move.Receiver != nodes[n].ID {
				t.Fatalf("%d nodes: %+v", n, move)
			}
			moved += move.Size().Fraction()
		}
		p := 1 / float64(n+1)
		if off := math.Abs(moved-p) * hashkit.Slots; off > 4.5*math.Sqrt(hashkit.Slots*p*(1-p)) {
			t.Errorf("%d nodes: one more takes %.4f, want about %.4f", n, moved, p)
		}
	}
}

// The owners of all slots with each distribution. A cluster upgrades node by
// node, and two releases that place keys differently lose data.
func TestDistributions_PlacementIsFrozen(t *testing.T) {
	frozen := map[string]hashkit.Token{
		RandomSlicing: 0x5c904aff324ea3d7, // the first tables are those of vnode
		VNode:         0x5c904aff324ea3d7,
		Ketama:        0x70886dd972e97759,
		Modula:        0x4d41a9cb60aad8ea,
		Single:        0x73e2a02ee27aa148,
		Jump:          0xa0a9c15eda03ac93,
	}
	for _, name := range Distributions() {
		ring := mustNew(t, Config{Nodes: layout(8, 3), Distribution: name})
		var table []byte
		for slot := range hashkit.Slots {
			from, _ := hashkit.SlotRange(uint16(slot))
			for _, node := range ring.AppendOwners(nil, "dc1", from) {
				table = append(table, byte(node))
			}
		}
		if sum := hashkit.XXHash64(table); sum != frozen[name] {
			t.Errorf("%s: the owners of all slots hash to %v, want %v", name, sum, frozen[name])
		}
	}
}

// And after a history, which is agreed state as well.
func TestChange_TablesAreFrozen(t *testing.T) {
	ring := mustNew(t, Config{Nodes: layout(6, 2)})
	nodes := layout(11, 2)
	nodes[2].Weight, nodes[7].Weight = 3, 2
	ring = mustChange(t, ring, Config{Nodes: nodes})
	ring = mustChange(t, ring, Config{Nodes: nodes[3:]})
	var all []byte
	for _, rack := range ring.Racks("dc1") {
		data, err := ring.Table(Place{"dc1", rack}).MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, data...)
	}
	if sum := hashkit.XXHash64(all); sum != 0x7801eaf87719a74f {
		t.Errorf("the tables of the history hash to %v", sum)
	}
}

func TestConfig_NoDistribution_TokensMeanVNode(t *testing.T) {
	tokens := []Node{{ID: "a", Datacenter: "d", Rack: "r", Tokens: []hashkit.Token{7}}}
	if ring := mustNew(t, Config{Nodes: tokens}); ring.Table(Place{"d", "r"}) != nil {
		t.Error("given tokens are not used")
	}
	if ring := mustNew(t, Config{Nodes: layout(2, 1)}); ring.Table(Place{"dc1", "rack1"}) == nil {
		t.Error("without tokens it is not random slicing")
	}
	if ring := mustNew(t, Config{Nodes: layout(2, 1)}); ring.Table(Place{"dc1", "rack7"}) != nil || ring.Table(Place{"dc7", "rack1"}) != nil {
		t.Error("a rack that is not there has a table")
	}
}

func TestDistributions_NamesBelongToTheCaller(t *testing.T) {
	Distributions()[0] = "x"
	if got := Distributions(); !slices.Equal(got, []string{"random-slicing", "vnode", "ketama", "modula", "single", "jump"}) {
		t.Errorf("names %v", got)
	}
}
