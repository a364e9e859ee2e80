package tokenring

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/slicing"
)

func mustChange(t testing.TB, ring *Ring, cfg Config) *Ring {
	t.Helper()
	next, err := ring.Change(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

// moved is the part of the space that the moves cover, copies counted each.
func moved(moves []Move) float64 {
	sum := 0.0
	for _, move := range moves {
		sum += move.Size().Fraction()
	}
	return sum
}

// randomStep changes a layout of up to three racks: nodes join, leave and change
// their weight, several at once.
func randomStep(rng *rand.Rand, nodes []Node, next *int) []Node {
	nodes = slices.Clone(nodes)
	for range rng.IntN(3) {
		if len(nodes) > 4 {
			k := rng.IntN(len(nodes))
			nodes = slices.Delete(nodes, k, k+1)
		}
	}
	for i := range nodes {
		if rng.IntN(4) == 0 {
			nodes[i].Weight = 1 + rng.Int64N(5)
		}
	}
	for range rng.IntN(4) {
		*next++
		nodes = append(nodes, Node{ID: fmt.Sprintf("n%d", rng.IntN(9)*1000+*next), Datacenter: "dc1", Rack: fmt.Sprintf("rack%d", 1+rng.IntN(3)), Weight: rng.Int64N(3)})
	}
	return nodes
}

// What moves is what shares ask for and no more, over any history; the moves are
// what a recount of single tokens says, with fewer copies than racks as well.
func TestChange_RandomHistories_MovesTheMinimum(t *testing.T) {
	for seed := range uint64(24) {
		rng := rand.New(rand.NewPCG(seed, 9))
		next := 100
		cfg := Config{Nodes: layout(4+rng.IntN(12), 3)}
		ring := mustNew(t, cfg)
		for range 5 {
			cfg.Nodes = randomStep(rng, cfg.Nodes, &next)
			racks := len(cfg.racks())
			cfg.Replicas = map[string]int{"dc1": 1 + int(seed)%racks}
			if seed%4 == 0 {
				cfg.Replicas = nil
			}
			before := ring
			if before.Replicas("dc1") != max(cfg.Replicas["dc1"], 0) && cfg.Replicas != nil {
				before = mustChange(t, ring, Config{Nodes: nodesOf(ring), Replicas: map[string]int{"dc1": min(cfg.Replicas["dc1"], len(ring.Racks("dc1")))}})
			}
			after := mustChange(t, before, cfg)
			moves := Diff(before, after)
			if before.Replicas("dc1") == after.Replicas("dc1") && after.Replicas("dc1") == racks && len(before.Racks("dc1")) == racks {
				if got, want := moved(moves), Minimum(before, after); math.Abs(got-want) > 1e-9 {
					t.Fatalf("seed %d: %.6f of the space moves, the least is %.6f", seed, got, want)
				}
			}
			recount(t, rng, before, after, moves)
			ring = after
		}
	}
}

// nodesOf is a ring's layout.
func nodesOf(ring *Ring) []Node {
	var nodes []Node
	for _, node := range ring.Nodes() {
		nodes = append(nodes, *node)
	}
	return nodes
}

// recount asks both rings for the owners of tokens, at the ends of moves and
// anywhere, and compares them with what the moves say.
func recount(t *testing.T, rng *rand.Rand, before, after *Ring, moves []Move) {
	t.Helper()
	var tokens []hashkit.Token
	for _, move := range moves[:min(len(moves), 15)] {
		tokens = append(tokens, move.From-1, move.From, move.To, move.To+1)
	}
	for range 40 {
		tokens = append(tokens, hashkit.Token(rng.Uint64()))
	}
	for _, token := range tokens {
		had := make(map[string]string) // by rack
		for _, node := range before.Owners("dc1", token) {
			had[node.Rack] = node.ID
		}
		gains := make(map[string]Move)
		for _, move := range moves {
			if token >= move.From && token <= move.To {
				if _, twice := gains[move.Place.Rack]; twice {
					t.Fatalf("%v moves twice in rack %s", token, move.Place.Rack)
				}
				gains[move.Place.Rack] = move
			}
		}
		for _, node := range after.Owners("dc1", token) {
			move, gained := gains[node.Rack]
			if gained != (had[node.Rack] != node.ID) || gained && (move.Receiver != node.ID || move.Donor != had[node.Rack]) {
				t.Fatalf("%v in rack %s goes from %q to %q, the moves say %+v", token, node.Rack, had[node.Rack], node.ID, move)
			}
			delete(gains, node.Rack)
		}
		if len(gains) > 0 {
			t.Fatalf("%v moves to who does not own it: %+v", token, gains)
		}
	}
}

// Keys, counted one by one: a node more takes its part of its rack and no other
// key moves; other racks keep everything.
func TestChange_NodeJoins_KeysCounted(t *testing.T) {
	cfg := Config{Nodes: layout(9, 3)}
	before := mustNew(t, cfg)
	cfg.Nodes = append(cfg.Nodes, Node{ID: "another", Datacenter: "dc1", Rack: "rack2"})
	after := mustChange(t, before, cfg)
	const keys = 100_000
	count := 0
	for i := range keys {
		token := hashkit.SlotHash(fmt.Appendf(nil, "user:%d", i))
		had := make(map[string]bool)
		for _, node := range before.Owners("dc1", token) {
			had[node.ID] = true
		}
		for _, node := range after.Owners("dc1", token) {
			if had[node.ID] {
				continue
			}
			if node.ID != "another" {
				t.Fatalf("token %v moves to %s", token, node.ID)
			}
			count++
		}
	}
	if limit := 4.5 * math.Sqrt(keys*0.25*0.75); math.Abs(float64(count)-keys/4) > limit {
		t.Errorf("%d of %d keys move, want a quarter within %.0f", count, keys, limit)
	}
}

// What a layout carries: tables make the ring that they came from, on every
// machine, through their encoding.
func TestTables_CarriedByALayout_GiveTheSameRing(t *testing.T) {
	ring := mustNew(t, Config{Nodes: layout(10, 2)})
	cfg := Config{Nodes: layout(12, 2)}
	ring = mustChange(t, ring, cfg)
	fresh := mustNew(t, cfg)
	cfg.Tables = make(map[Place]*slicing.Table)
	for _, rack := range ring.Racks("dc1") {
		at := Place{"dc1", rack}
		data, err := ring.Table(at).MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if cfg.Tables[at], err = slicing.Decode(data); err != nil {
			t.Fatal(err)
		}
	}
	again := mustNew(t, cfg)
	if moves := Diff(ring, again); len(moves) != 0 {
		t.Errorf("%d moves between a ring and its copy", len(moves))
	}
	if moves := Diff(ring, fresh); len(moves) == 0 {
		t.Error("history does not matter: the test shows nothing")
	}
}

// A rack that was divided by tokens, or any other way, is taken over as it is.
func TestChange_FromAnotherDistribution_MovesTheMinimum(t *testing.T) {
	for _, name := range Distributions() {
		before := mustNew(t, Config{Nodes: layout(8, 2), Distribution: name})
		same := mustChange(t, before, Config{Nodes: layout(8, 2)})
		for _, after := range []*Ring{same, mustChange(t, before, Config{Nodes: layout(11, 2)})} {
			if got, want := moved(Diff(before, after)), Minimum(before, after); math.Abs(got-want) > 1e-9 {
				t.Errorf("from %s: %.6f of the space moves, the least is %.6f", name, got, want)
			}
		}
		if got := moved(Diff(before, same)); name == VNode && got != 0 {
			t.Errorf("from %s with equal shares: %.6f of the space moves", name, got)
		}
		if whole := name != Ketama; same.WholeSlots() != whole {
			t.Errorf("from %s: whole slots: %v", name, !whole)
		}
		back, err := same.Change(Config{Nodes: layout(8, 2), Distribution: name})
		if err != nil || len(Diff(before, back)) != 0 && name != RandomSlicing {
			t.Errorf("back to %s: %v", name, err)
		}
	}
}

func TestDiff_NewRack_HasNoDonor(t *testing.T) {
	nodes := append(layout(4, 2), Node{ID: "node9", Datacenter: "dc1", Rack: "rack3"})
	before, after := mustNew(t, Config{Nodes: nodes[:4]}), mustNew(t, Config{Nodes: nodes})
	want := []Move{{0, hashkit.MaxToken, Place{"dc1", "rack3"}, "", "node9"}} // one, though the other racks' ranges end within it
	if got := Diff(before, after); !slices.Equal(got, want) {
		t.Errorf("moves %+v, want %+v", got, want)
	}
	if got := Diff(after, before); len(got) != 0 {
		t.Errorf("giving up a rack moves %+v", got)
	}
	far := mustNew(t, Config{Nodes: []Node{{ID: "x", Datacenter: "far", Rack: "rack1"}}})
	if got := Diff(before, far); len(got) != 1 || got[0].Donor != "" || Minimum(before, far) != 1 {
		t.Errorf("another datacenter: %+v", got)
	}
}

func TestChange_WrongLayout_Error(t *testing.T) {
	ring := mustNew(t, Config{Nodes: layout(4, 2)})
	for name, cfg := range map[string]Config{
		"nobody":       {},
		"distribution": {Nodes: layout(4, 2), Distribution: "best"},
		"no room":      {Nodes: append(layout(3, 2), Node{ID: "x", Datacenter: "dc1", Rack: "rack1", Weight: 1 << 40})},
	} {
		if next, err := ring.Change(cfg); err == nil || next != nil {
			t.Errorf("%s: ring %v, error %v", name, next != nil, err)
		}
	}
}
