package tokenring

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dynomite-go/dynomite/hashkit"
)

// layout deals nodes out over the racks of one datacenter in turn.
func layout(nodes, racks int) []Node {
	var all []Node
	for i := range nodes {
		all = append(all, Node{
			ID: fmt.Sprintf("node%d", i+1), Datacenter: "dc1", Rack: fmt.Sprintf("rack%d", i%racks+1),
		})
	}
	return all
}

func mustNew(t testing.TB, cfg Config) *Ring {
	t.Helper()
	ring, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// randomLayout draws up to three datacenters of up to five racks of up to five
// nodes, with generated or given tokens; given ones crowd into few slots half of
// the time, and lie at the ends of the space often.
func randomLayout(rng *rand.Rand) Config {
	cfg := Config{Distribution: VNode, TokensPerNode: rng.IntN(20), Replicas: map[string]int{}}
	for d := range 1 + rng.IntN(3) {
		dc, racks := fmt.Sprintf("dc%d", d), 1+rng.IntN(5)
		cfg.Replicas[dc] = rng.IntN(racks + 1)
		for k := range racks {
			given, crowd := rng.IntN(2) == 0, rng.IntN(2) == 0
			taken := map[hashkit.Token]bool{}
			for n := range 1 + rng.IntN(5) {
				node := Node{ID: fmt.Sprintf("n%d-%d-%d", d, k, n), Datacenter: dc, Rack: fmt.Sprintf("r%d", k)}
				for range rng.IntN(8) + 1 {
					token := edgeToken(rng)
					if crowd {
						token = token &^ (0xfff << 52)
					}
					if given && !taken[token] {
						taken[token] = true
						node.Tokens = append(node.Tokens, token)
					}
				}
				if !given || len(node.Tokens) > 0 {
					cfg.Nodes = append(cfg.Nodes, node)
				}
			}
			if given && len(taken) == 0 {
				panic("a rack got no token")
			}
		}
	}
	rng.Shuffle(len(cfg.Nodes), func(i, j int) { cfg.Nodes[i], cfg.Nodes[j] = cfg.Nodes[j], cfg.Nodes[i] })
	return cfg
}

// edgeToken draws a token, often one at an end of the space or of a slot.
func edgeToken(rng *rand.Rand) hashkit.Token {
	from, to := hashkit.SlotRange(uint16(rng.IntN(hashkit.Slots)))
	return [...]hashkit.Token{
		0, 1, hashkit.MaxToken, from, to, from + 1,
		hashkit.Token(rng.Uint64()), hashkit.Token(rng.Uint64()), hashkit.Token32(rng.Uint32()),
	}[rng.IntN(9)]
}

// naiveOwner is the rule of vnodes by walking all tokens of the rack: the least
// token that is not below t, or the least of all.
func naiveOwner(ring *Ring, dc, rack string, t hashkit.Token) int {
	owner, best := -1, hashkit.Token(0)
	for _, above := range []bool{true, false} {
		for i, node := range ring.Nodes() {
			for _, token := range node.Tokens {
				if node.Datacenter == dc && node.Rack == rack && (!above || token >= t) && (owner < 0 || token < best) {
					owner, best = i, token
				}
			}
		}
		if owner >= 0 {
			break
		}
	}
	return owner
}

func TestOwners_ExactlyTheRacksOwners(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 60 {
		cfg := randomLayout(rng)
		ring := mustNew(t, cfg)
		for _, dc := range ring.Datacenters() {
			racks := ring.Racks(dc)
			want := cfg.Replicas[dc]
			if want == 0 {
				want = len(racks)
			}
			if ring.Replicas(dc) != want {
				t.Fatalf("Replicas(%s) = %d, want %d", dc, ring.Replicas(dc), want)
			}
			for _, token := range probes(ring, rng) {
				owners := ring.AppendOwners(nil, dc, token)
				if len(owners) != want {
					t.Fatalf("%d owners of %v in %s, want %d", len(owners), token, dc, want)
				}
				seen := map[string]bool{}
				for _, i := range owners {
					node := ring.Nodes()[i]
					if seen[node.Rack] {
						t.Fatalf("two owners of %v in rack %s", token, node.Rack)
					}
					seen[node.Rack] = true
					if i != naiveOwner(ring, dc, node.Rack, token) {
						t.Fatalf("%s owns %v in %+v, want node %d", node.ID, token, cfg, naiveOwner(ring, dc, node.Rack, token))
					}
				}
				for i, node := range ring.Nodes() {
					if node.Datacenter == dc && ring.Owns(i, token) != slices.Contains(owners, i) {
						t.Fatalf("Owns(%s, %v) = %v, owners %v", node.ID, token, ring.Owns(i, token), owners)
					}
				}
			}
		}
	}
}

// probes are random tokens, and every given or generated token with its neighbours.
func probes(ring *Ring, rng *rand.Rand) []hashkit.Token {
	var tokens []hashkit.Token
	for range 100 {
		tokens = append(tokens, edgeToken(rng))
	}
	for _, node := range ring.Nodes() {
		for _, token := range node.Tokens[:min(8, len(node.Tokens))] {
			tokens = append(tokens, token-1, token, token+1)
		}
	}
	return tokens
}

func TestNew_OrderOfNodesDoesNotMatter(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for range 20 {
		cfg := randomLayout(rng)
		a := mustNew(t, cfg)
		rng.Shuffle(len(cfg.Nodes), func(i, j int) { cfg.Nodes[i], cfg.Nodes[j] = cfg.Nodes[j], cfg.Nodes[i] })
		b := mustNew(t, cfg)
		for i, node := range a.Nodes() {
			if other := b.Nodes()[i]; node.ID != other.ID || !slices.Equal(node.Tokens, other.Tokens) {
				t.Fatalf("node %d is %+v and %+v", i, node, other)
			}
		}
		for range 200 {
			token := edgeToken(rng)
			if !slices.Equal(a.AppendAllOwners(nil, token), b.AppendAllOwners(nil, token)) {
				t.Fatalf("two rings of one layout disagree on %v", token)
			}
		}
	}
}

// frozen is the hash of the table that TestNew_PlacementIsFrozen builds.
const frozen = 0x31c3fa3b8807ee6d

// A cluster upgrades node by node: two releases that place keys differently lose
// data. If this fails, placement has changed; that needs a new distribution.
func TestNew_PlacementIsFrozen(t *testing.T) {
	ring := mustNew(t, Config{Nodes: layout(7, 3), Distribution: VNode, TokensPerNode: 8, Replicas: map[string]int{"dc1": 2}})
	var table []byte
	for slot := range hashkit.Slots {
		from, _ := hashkit.SlotRange(uint16(slot))
		for _, node := range ring.AppendOwners(nil, "dc1", from) {
			table = append(table, byte(node))
		}
	}
	if sum := hashkit.XXHash64(table); sum != frozen {
		t.Errorf("the owners of all slots hash to %v, want %v", sum, hashkit.Token(frozen))
	}
}

func TestNew_KeepsNothingOfItsConfig(t *testing.T) {
	tokens := []hashkit.Token{300, 100, 200}
	cfg := Config{Nodes: []Node{{ID: "a", Datacenter: "d", Rack: "r", Tokens: tokens}, {ID: "b", Datacenter: "d", Rack: "r", Tokens: []hashkit.Token{150}}}}
	ring := mustNew(t, cfg)
	if !slices.Equal(tokens, []hashkit.Token{300, 100, 200}) {
		t.Errorf("New reordered the caller's tokens: %v", tokens)
	}
	tokens[1] = 160
	cfg.Nodes[0].ID = "x"
	if node, ok := ring.Node("a"); !ok || !slices.Equal(node.Tokens, []hashkit.Token{100, 200, 300}) {
		t.Errorf("the ring's node is %+v", node)
	}
}

func TestOwners_KeysWithOneTag_SameOwnersSameOrder(t *testing.T) {
	ring := mustNew(t, Config{Nodes: layout(12, 3)})
	if !ring.WholeSlots() {
		t.Fatal("generated tokens do not keep slots whole")
	}
	for tag := range 2000 {
		a := hashkit.SlotHash(fmt.Appendf(nil, "{%d}.name", tag))
		b := hashkit.SlotHash(fmt.Appendf(nil, "{%d}.mail", tag))
		if !slices.Equal(ring.AppendOwners(nil, "dc1", a), ring.AppendOwners(nil, "dc1", b)) {
			t.Fatalf("tag %d: owners of %v and %v differ", tag, a, b)
		}
	}
}

func TestWholeSlots_GivenTokens(t *testing.T) {
	_, last := hashkit.SlotRange(7)
	for _, c := range []struct {
		tokens []hashkit.Token
		want   bool
	}{
		{[]hashkit.Token{last, hashkit.MaxToken}, true},
		{[]hashkit.Token{last - 1, hashkit.MaxToken}, false},
		{[]hashkit.Token{last, last + 1}, false},
		{[]hashkit.Token{last}, true},
	} {
		var nodes []Node
		for i, token := range c.tokens {
			nodes = append(nodes, Node{ID: fmt.Sprint(i), Datacenter: "d", Rack: "r", Tokens: []hashkit.Token{token}})
		}
		if got := mustNew(t, Config{Nodes: nodes}).WholeSlots(); got != c.want {
			t.Errorf("WholeSlots with tokens %v = %v, want %v", c.tokens, got, c.want)
		}
	}
}

// Dynomite's own example ring: two racks, tokens of 32 bits.
func TestOwners_RingBuiltForDynomite(t *testing.T) {
	var nodes []Node
	for _, n := range []struct {
		id, rack string
		token    uint32
	}{{"a1", "a", 1383429731}, {"a2", "a", 3530913378}, {"b1", "b", 1383429731}, {"b2", "b", 3530913378}} {
		nodes = append(nodes, Node{ID: n.id, Datacenter: "d", Rack: n.rack, Tokens: []hashkit.Token{hashkit.Token32(n.token)}})
	}
	ring := mustNew(t, Config{Nodes: nodes})
	for hash, want := range map[uint32]string{
		0: "1", 1383429731: "1", 1383429732: "2", 3530913378: "2", 3530913379: "1", 1<<32 - 1: "1",
	} {
		for _, owner := range ring.Owners("d", hashkit.Token32(hash)) {
			if owner.ID[1:] != want {
				t.Errorf("hash %d belongs to %s, want node %s of the rack", hash, owner.ID, want)
			}
		}
	}
}

func TestRing_Names(t *testing.T) {
	cfg := Config{Nodes: append(layout(4, 2), Node{ID: "far", Datacenter: "dc0", Rack: "rack9", Addr: "far:1", Number: 7})}
	ring := mustNew(t, cfg)
	if got := ring.Datacenters(); !slices.Equal(got, []string{"dc0", "dc1"}) {
		t.Errorf("Datacenters = %v", got)
	}
	if got := ring.Racks("dc1"); !slices.Equal(got, []string{"rack1", "rack2"}) {
		t.Errorf("Racks = %v", got)
	}
	if node, ok := ring.Node("far"); !ok || node.Addr != "far:1" || node.Number != 7 {
		t.Errorf("Node(far) = %+v, %v", node, ok)
	}
	for i, node := range ring.Nodes() {
		if at, ok := ring.Index(node.ID); !ok || at != i {
			t.Errorf("Index(%s) = %d, %v, want %d", node.ID, at, ok, i)
		}
	}
	if all := ring.AppendAllOwners(nil, 0); len(all) != 3 || all[0] != 0 {
		t.Errorf("AppendAllOwners = %v, want that of dc0 and two of dc1", all)
	}
	if _, ok := ring.Node("nobody"); ok {
		t.Error("Node(nobody) was found")
	}
	if _, ok := ring.Index("nobody"); ok {
		t.Error("Index(nobody) was found")
	}
	if ring.Racks("no") != nil || ring.Replicas("no") != 0 || ring.Arcs("no") != nil ||
		len(ring.AppendOwners(nil, "no", 0)) != 0 || ring.Owners("no", 0) != nil {
		t.Error("a datacenter that is not there has something")
	}
}

func TestAppendOwners_AllocatesNothing(t *testing.T) {
	split := layout(6, 3)
	for i := range split {
		split[i].Tokens = []hashkit.Token{hashkit.Token(i/3+1) << 32}
	}
	for name, nodes := range map[string][]Node{"generated": layout(12, 3), "inside a slot": split} {
		ring := mustNew(t, Config{Nodes: nodes})
		dst := make([]int, 0, 9)
		token := hashkit.Token(1 << 31)
		if n := testing.AllocsPerRun(100, func() {
			dst = ring.AppendOwners(dst[:0], "dc1", token)
			dst = ring.AppendAllOwners(dst[:0], token)
			ring.Owns(0, token)
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
