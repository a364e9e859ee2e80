package tokenring_test

import (
	"fmt"
	"os"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/tokenring"
)

func Example() {
	ring, err := tokenring.New(tokenring.Config{Nodes: []tokenring.Node{
		{ID: "ann", Datacenter: "oslo", Rack: "r1"},
		{ID: "bob", Datacenter: "oslo", Rack: "r2"},
		{ID: "cyd", Datacenter: "oslo", Rack: "r3"},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, key := range []string{"apple", "banana", "cherry"} {
		fmt.Print(key, ":")
		for _, node := range ring.Owners("oslo", hashkit.SlotHash([]byte(key))) {
			fmt.Print(" ", node.ID)
		}
		fmt.Println()
	}
	// Output:
	// apple: cyd bob ann
	// banana: bob cyd ann
	// cherry: cyd ann bob
}

// A program that routes every request keeps its buffer and speaks of indices.
func ExampleRing_AppendOwners() {
	ring, err := tokenring.New(tokenring.Config{
		Nodes: []tokenring.Node{
			{ID: "ann", Datacenter: "oslo", Rack: "r1"}, {ID: "bob", Datacenter: "oslo", Rack: "r2"},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	owners := make([]int, 0, 2)
	for slot := range 3 {
		token, _ := hashkit.SlotRange(uint16(slot))
		owners = ring.AppendOwners(owners[:0], "oslo", token)
		fmt.Println(slot, owners)
	}
	// Output:
	// 0 [0 1]
	// 1 [1 0]
	// 2 [1 0]
}

// A rack grows: the dry run first.
func ExampleRing_Change() {
	nodes := []tokenring.Node{
		{ID: "ann", Datacenter: "oslo", Rack: "r1"}, {ID: "bob", Datacenter: "oslo", Rack: "r1"},
	}
	ring, err := tokenring.New(tokenring.Config{Nodes: nodes})
	if err != nil {
		fmt.Println(err)
		return
	}
	nodes = append(nodes, tokenring.Node{ID: "cyd", Datacenter: "oslo", Rack: "r1", Weight: 2})
	next, err := ring.Change(tokenring.Config{Nodes: nodes})
	if err != nil {
		fmt.Println(err)
		return
	}
	share := make(map[string]float64)
	for _, move := range tokenring.Diff(ring, next) {
		share[move.Donor+" to "+move.Receiver] += move.Size().Fraction()
	}
	fmt.Println(share, "minimum", tokenring.Minimum(ring, next))
	// Output:
	// map[ann to cyd:0.25 bob to cyd:0.25] minimum 0.5
}

func ExampleRing_Arcs() {
	ring, err := tokenring.New(tokenring.Config{Nodes: []tokenring.Node{
		{ID: "ann", Datacenter: "oslo", Rack: "r1", Tokens: []hashkit.Token{1 << 62}},
		{ID: "bob", Datacenter: "oslo", Rack: "r1", Tokens: []hashkit.Token{3 << 62}},
		{ID: "cyd", Datacenter: "oslo", Rack: "r2", Tokens: []hashkit.Token{0}},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, arc := range ring.Arcs("oslo") {
		fmt.Print(arc.From, " ", arc.To)
		for _, i := range arc.Owners {
			fmt.Print(" ", ring.Nodes()[i].ID)
		}
		fmt.Println()
	}
	// Output:
	// 0x0000000000000000 0x4000000000000000 ann cyd
	// 0x4000000000000001 0xc000000000000000 bob cyd
	// 0xc000000000000001 0xffffffffffffffff ann cyd
}

func ExampleRing_Describe() {
	ring, err := tokenring.New(tokenring.Config{
		Nodes: []tokenring.Node{
			{ID: "ann", Datacenter: "oslo", Rack: "r1", Addr: "10.0.0.1:8101"},
			{ID: "bob", Datacenter: "oslo", Rack: "r1", Addr: "10.0.0.2:8101"},
			{ID: "cyd", Datacenter: "oslo", Rack: "r2", Addr: "10.0.0.3:8101"},
			{ID: "dee", Datacenter: "rome", Rack: "r1", Addr: "10.1.0.1:8101"},
		},
		Distribution:  tokenring.VNode,
		TokensPerNode: 4,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := ring.Describe(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// datacenter oslo: racks 2, replicas 2
	//
	//   rack r1
	//     A ann  10.0.0.1:8101  owns 50.00 %  primary 25.00 %  tokens 4
	//     B bob  10.0.0.2:8101  owns 50.00 %  primary 25.00 %  tokens 4
	//     0 |AAAAAAAABBBBBBBBAAAAAAAABBBBBBBBAAAAAAAABBBBBBBBBBBBBBBBAAAAAAAA| 2^64
	//
	//   rack r2
	//     A cyd  10.0.0.3:8101  owns 100.00 %  primary 50.00 %  tokens 4
	//     0 |AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA| 2^64
	//
	// datacenter rome: racks 1, replicas 1
	//
	//   rack r1
	//     A dee  10.1.0.1:8101  owns 100.00 %  primary 100.00 %  tokens 4
	//     0 |AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA| 2^64
}
