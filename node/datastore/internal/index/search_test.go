package index

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestSearches_AgreeWithBinarySearch(t *testing.T) {
	rng := rand.New(rand.NewPCG(rand.Uint64(), 1))
	for range 3000 {
		d := distributions[rng.IntN(len(distributions))]
		s := make([]uint64, rng.IntN(200))
		for i := range s {
			s[i] = d.next(rng, i)
		}
		slices.Sort(s)
		probes := []uint64{0, ^uint64(0), rng.Uint64(), d.next(rng, 17)}
		if len(s) > 0 {
			x := s[rng.IntN(len(s))]
			probes = append(probes, x, x+1, x-1, s[0], s[len(s)-1])
		}
		for _, x := range probes {
			want, _ := slices.BinarySearch(s, x)
			if got := lowerBound(s, x); got != want {
				t.Fatalf("%s: lowerBound(%d) = %d, want %d in %v", d.name, x, got, want, s)
			}
			// Whatever the bounds say, true or not.
			lo, hi := rng.Uint64(), rng.Uint64()
			if len(s) > 0 && rng.IntN(2) == 0 {
				lo, hi = s[0], s[len(s)-1]
			}
			if hi < lo {
				lo, hi = hi, lo
			}
			if got := interpolate(s, x, lo, hi); got != want {
				t.Fatalf("%s: interpolate(%d) = %d, want %d in %v", d.name, x, got, want, s)
			}
			above, _ := slices.BinarySearchFunc(s, x, func(e, x uint64) int {
				if e <= x {
					return -1
				}
				return 1
			})
			if got := upperBound(s, x); got != above {
				t.Fatalf("%s: upperBound(%d) = %d, want %d", d.name, x, got, above)
			}
		}
	}
}
