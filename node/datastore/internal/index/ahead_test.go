package index

import (
	"math/rand/v2"
	"testing"
)

// TestIndex_ReachIsFind: the three steps lead to the entry that Find finds, but
// for a token with which a leaf begins: Find comes to that from the leaf before.
func TestIndex_ReachIsFind(t *testing.T) {
	for _, d := range distributions {
		t.Run(d.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(rand.Uint64(), 1))
			var x Index
			if leaf := x.Leaf(7); leaf >= 0 {
				t.Fatalf("an empty index has leaf %d", leaf)
			}
			var tokens []uint64
			for i := range 3000 {
				tokens = append(tokens, d.next(rng, i))
				x.Insert(tokens[i], uint32(i+1))
			}
			reach := func(token uint64) (uint32, bool) {
				leaf := x.Leaf(token)
				x.Approach(leaf, token)
				return x.Reach(leaf, token)
			}
			missed := 0
			for _, token := range tokens {
				_, want, _ := x.Find(token, func(uint32) bool { return true })
				switch ref, ok := reach(token); {
				case !ok:
					missed++
				case ref != want:
					t.Fatalf("reached %d for token %d, Find finds %d", ref, token, want)
				}
			}
			if d.name == "random" && missed >= len(x.leaves) {
				t.Errorf("missed %d of %d in %d leaves", missed, len(tokens), len(x.leaves))
			}
			for range 1000 {
				token := rng.Uint64()
				_, want, found := x.Find(token, func(uint32) bool { return true })
				if ref, ok := reach(token); ok && (!found || ref != want) {
					t.Fatalf("reached %d for token %d, Find finds %d, %v", ref, token, want, found)
				}
			}
		})
	}
}
