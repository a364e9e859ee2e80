package layout

import (
	"fmt"
	"testing"

	"github.com/dynomite-go/dynomite/hashkit"
)

// of are nodes dealt out over three racks.
func of(nodes int) []Node {
	var all []Node
	for i := range nodes {
		n := node(fmt.Sprint(1000 + i))
		n.Rack = fmt.Sprint("rack", i%3)
		all = append(all, n)
	}
	return all
}

// What a start pays for the layout, besides reading a file.
func BenchmarkDecode(b *testing.B) {
	for _, nodes := range []int{3, 30, 255} {
		b.Run(fmt.Sprintf("%d nodes", nodes), func(b *testing.B) {
			l, err := First(settings, of(nodes))
			if err != nil {
				b.Fatal(err)
			}
			text := l.Encode()
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Decode(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// What every command pays.
func BenchmarkOwners(b *testing.B) {
	for _, nodes := range []int{3, 30, 255} {
		b.Run(fmt.Sprintf("%d nodes", nodes), func(b *testing.B) {
			l, err := First(settings, of(nodes))
			if err != nil {
				b.Fatal(err)
			}
			ring, err := l.Ring()
			if err != nil {
				b.Fatal(err)
			}
			owners := make([]int, 0, 3)
			var token hashkit.Token
			b.ReportAllocs()
			for b.Loop() {
				owners = ring.AppendOwners(owners[:0], "dc1", token)
				token += 0x9e3779b97f4a7c15
			}
		})
	}
}
