package tokenring

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dynomite-go/dynomite/hashkit"
)

func TestArcs_CoverTheSpaceWithConstantOwners(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for range 60 {
		ring := mustNew(t, randomLayout(rng))
		for _, dc := range ring.Datacenters() {
			arcs := ring.Arcs(dc)
			next := hashkit.Token(0)
			for i, arc := range arcs {
				if arc.From != next || arc.To < arc.From {
					t.Fatalf("arc %d is [%v, %v], want it to start at %v", i, arc.From, arc.To, next)
				}
				next = arc.To + 1
				if i > 0 && slices.Equal(arcs[i-1].Owners, arc.Owners) {
					t.Fatalf("arcs %d and %d have the same owners", i-1, i)
				}
				width := uint64(arc.To - arc.From)
				inside := arc.From
				if width > 0 {
					inside += hashkit.Token(rng.Uint64N(width))
				}
				for _, token := range []hashkit.Token{arc.From, inside, arc.To} {
					owners := ring.AppendOwners(nil, dc, token)
					slices.Sort(owners)
					if !slices.Equal(owners, arc.Owners) {
						t.Fatalf("%v in arc %d [%v, %v] of %v belongs to %v", token, i, arc.From, arc.To, arc.Owners, owners)
					}
				}
			}
			if next != 0 || arcs[len(arcs)-1].To != hashkit.MaxToken {
				t.Fatalf("the last arc ends before %v", next)
			}
		}
	}
}

func TestArcs_OneNodePerRack_OneArc(t *testing.T) {
	arcs := mustNew(t, Config{Nodes: layout(3, 3)}).Arcs("dc1")
	if len(arcs) != 1 || arcs[0].From != 0 || arcs[0].To != hashkit.MaxToken || !slices.Equal(arcs[0].Owners, []int{0, 1, 2}) {
		t.Errorf("arcs = %v", arcs)
	}
}

func TestRanges_CoverTheSpaceAsTheRackOwnsIt(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for i := range 30 {
		cfg := randomLayout(rng)
		if i%2 == 0 {
			cfg = Config{Nodes: layout(2+rng.IntN(12), 2), Distribution: Distributions()[i/2%6]}
		}
		cfg.Replicas = nil // a copy in every rack
		ring := mustNew(t, cfg)
		for _, dc := range ring.Datacenters() {
			for _, rack := range ring.Racks(dc) {
				next, last := hashkit.Token(0), -1
				ranges := ring.Ranges(Place{dc, rack})
				for _, r := range ranges {
					if r.From != next || r.To < r.From || r.Node == last || ring.Nodes()[r.Node].place() != (Place{dc, rack}) {
						t.Fatalf("%s/%s: %+v after %v and node %d", dc, rack, r, next, last)
					}
					if !ring.Owns(r.Node, r.From) || !ring.Owns(r.Node, r.To) {
						t.Fatalf("%s/%s: %+v is not what the node owns", dc, rack, r)
					}
					next, last = r.To+1, r.Node
				}
				if len(ranges) == 0 || next != 0 {
					t.Fatalf("%s/%s: %d ranges end before %v", dc, rack, len(ranges), next)
				}
			}
		}
	}
	if got := mustNew(t, Config{Nodes: layout(2, 2)}).Ranges(Place{"dc1", "none"}); got != nil {
		t.Errorf("no rack: %v", got)
	}
}

func TestShares_SumToReplicasAndOne(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for range 30 {
		ring := mustNew(t, randomLayout(rng))
		owned, primary := map[string]float64{}, map[string]float64{}
		for i, share := range ring.Shares() {
			owned[ring.Nodes()[i].Datacenter] += share.Owned
			primary[ring.Nodes()[i].Datacenter] += share.Primary
		}
		for _, dc := range ring.Datacenters() {
			if math.Abs(owned[dc]-float64(ring.Replicas(dc))) > 1e-9 || math.Abs(primary[dc]-1) > 1e-9 {
				t.Errorf("%s: shares sum to %v owned and %v primary", dc, owned[dc], primary[dc])
			}
		}
	}
}
