package slicing

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dynomite-go/dynomite/hashkit"
)

// The moves are what a walk over both tables finds: ascending, as long as they
// can be, and in agreement with both tables at every edge and beside it.
func TestDiff_IsWhatLookupsShow(t *testing.T) {
	for seed := range uint64(200) {
		h := newHistory(rand.New(rand.NewPCG(seed, 2)))
		before := mustNew(t, Tokens, h.owners...)
		after := mustChange(t, before, h.step()...)
		moves := Diff(before, after)
		var probes []hashkit.Token
		for i, move := range moves {
			probes = append(probes, move.From-1, move.From, move.To, move.To+1)
			if i > 0 && moves[i-1].To >= move.From {
				t.Fatalf("seed %d: move %d begins before the one before ends", seed, i)
			}
			if i > 0 && moves[i-1].To+1 == move.From && moves[i-1].Donor == move.Donor && moves[i-1].Receiver == move.Receiver {
				t.Fatalf("seed %d: moves %d and %d are one", seed, i-1, i)
			}
		}
		for range 50 {
			probes = append(probes, hashkit.Token(h.rng.Uint64()))
		}
		for _, token := range probes {
			a, b := before.Owner(token), after.Owner(token)
			i := slices.IndexFunc(moves, func(m Move) bool { return m.From <= token && token <= m.To })
			if (i >= 0) != (a != b) || i >= 0 && (moves[i].Donor != a || moves[i].Receiver != b) {
				t.Fatalf("seed %d: %v goes from %s to %s, move %d of %v", seed, token, a, b, i, moves)
			}
		}
	}
}

func TestDiff_SameTable_Nothing(t *testing.T) {
	table := grown(t, Tokens, 9)
	if moves := Diff(table, table); moves != nil || !Moved(moves).isZero() || !Minimum(table, table).isZero() {
		t.Errorf("moves = %v", moves)
	}
}

func TestDiff_DifferentGrains(t *testing.T) {
	a, b := mustNew(t, Tokens, equals(3)...), mustNew(t, Slots, equals(3)...)
	if moved := Moved(Diff(a, b)); moved.isZero() || moved.Compare(Slots.unit()) > 0 {
		t.Errorf("%v tokens between a table and its rounding to slots", moved)
	}
}
