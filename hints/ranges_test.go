package hints

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestRanges_AreTheSetOfTheirTokens(t *testing.T) {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	for range 2000 {
		var s ranges
		var want [64]bool
		for range rng.IntN(30) {
			from := rng.Uint64N(64)
			r := Range{from, from + rng.Uint64N(64-from)}
			adds := rng.IntN(3) > 0
			for i := r.From; i <= r.To; i++ {
				want[i] = adds
			}
			if adds {
				s = s.add(r)
			} else {
				s = s.remove(r)
			}
		}
		var got [64]bool
		for i, r := range s {
			if r.From > r.To || i > 0 && s[i-1].To+1 >= r.From {
				t.Fatalf("seed %#x: not sorted and apart: %v", seed, s)
			}
			for k := r.From; k <= r.To; k++ {
				got[k] = true
			}
		}
		if got != want {
			t.Fatalf("seed %#x: %v", seed, s)
		}
	}
}

func TestRanges_AtTheEndsOfTheSpace(t *testing.T) {
	last := ^uint64(0)
	var s ranges
	s = s.add(Range{last, last}).add(Range{0, 0}).add(Range{last - 1, last - 1})
	if want := (ranges{{0, 0}, {last - 1, last}}); !slices.Equal(s, want) {
		t.Errorf("%v", s)
	}
	if s = s.add(All); !slices.Equal(s, ranges{All}) {
		t.Errorf("%v", s)
	}
	if s = s.remove(All); len(s) != 0 {
		t.Errorf("%v", s)
	}
}

func TestRanges_TooMany_TheNearestBecomeOne(t *testing.T) {
	var s ranges
	for i := range uint64(maxRanges) {
		s = s.add(Range{1000 * i, 1000 * i})
	}
	s = s.add(Range{5010, 5010})
	if len(s) != maxRanges || !slices.Contains(s, Range{5000, 5010}) {
		t.Errorf("%d ranges, %v", len(s), s[:8])
	}
}
