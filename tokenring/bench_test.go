package tokenring

import (
	"fmt"
	"testing"

	"github.com/dynomite-go/dynomite/hashkit"
)

func BenchmarkNew(b *testing.B) {
	for _, nodes := range []int{3, 12, 99} {
		for _, name := range Distributions() {
			b.Run(fmt.Sprintf("%s, %d nodes, 3 racks", name, nodes), func(b *testing.B) {
				cfg := Config{Nodes: layout(nodes, 3), Distribution: name}
				b.ReportAllocs()
				for b.Loop() {
					mustNew(b, cfg)
				}
			})
		}
	}
}

func BenchmarkAppendOwners(b *testing.B) {
	given := layout(12, 3)
	for i := range given {
		for k := range hashkit.Token(16) {
			given[i].Tokens = append(given[i].Tokens, k<<60+hashkit.Token(i)<<40)
		}
	}
	for _, c := range []struct {
		name  string
		nodes []Node
		step  hashkit.Token
	}{
		{"whole slots", layout(12, 3), 0x9e3779b97f4a7c15},
		{"split slots", given, 1 << 60}, // meets nothing but slots in which ranges end
	} {
		b.Run(c.name, func(b *testing.B) {
			ring := mustNew(b, Config{Nodes: c.nodes})
			owners := make([]int, 0, 3)
			token := hashkit.Token(5 << 40)
			b.ReportAllocs()
			for b.Loop() {
				owners = ring.AppendOwners(owners[:0], "dc1", token)
				token += c.step
			}
		})
	}
}

func BenchmarkChange(b *testing.B) {
	ring := mustNew(b, Config{Nodes: layout(384, 3)})
	cfg := Config{Nodes: layout(387, 3)}
	b.ReportAllocs()
	for b.Loop() {
		mustChange(b, ring, cfg)
	}
}

func BenchmarkArcs(b *testing.B) {
	ring := mustNew(b, Config{Nodes: layout(12, 3)})
	b.ReportAllocs()
	for b.Loop() {
		ring.Arcs("dc1")
	}
}
