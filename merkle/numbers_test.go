package merkle

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// goal is what an exchange may cost at d differences.
type goal struct {
	d, bytes, roundTrips int
}

var goals = []goal{
	{0, 64, 1}, {1, 1 << 10, 3}, {100, 8 << 10, 3}, {1000, 50 << 10, 3}, {100000, 5 << 20, 1 << 16},
}

// bill is what some exchanges cost at most, and how many symbols they took.
func bill(t testing.TB, r *rand.Rand, base Items, d, kind, times int) (worst Stats, symbols int) {
	for range times {
		a, b := apart(r, base, d, kind)
		here, there, s, err := Diff(treeOf(t, a, 16), treeOf(t, b, 16), Config{Key: testKey, Salt: r.Uint64()})
		if err != nil || len(here)+len(there) != d || !s.Exact {
			t.Fatalf("d %d: found %d and %d, %+v, %v", d, len(here), len(there), s, err)
		}
		worst.Sent = max(worst.Sent, s.Sent)
		worst.Received = max(worst.Received, s.Received)
		worst.RoundTrips = max(worst.RoundTrips, s.RoundTrips)
		symbols += s.Symbols
	}
	return worst, symbols
}

// The goals with few items, for what an exchange costs hardly depends on how many
// are equal: BenchmarkExchange has the million. The seed is
// fixed, since a few times in a thousand a fourth round trip is needed.
func TestExchange_BytesAndRoundTrips_AreWithinTheGoals(t *testing.T) {
	r := rand.New(rand.NewPCG(2024, 2402))
	base := randomItems(r, 40000)
	for _, g := range goals[:4] {
		for kind := range kinds {
			if g.d == 1 && kind == overwritten {
				continue
			}
			worst, _ := bill(t, r, base, g.d, kind, 1)
			if n := worst.Sent + worst.Received; n > g.bytes || worst.RoundTrips > g.roundTrips {
				t.Errorf("d %d, kind %d: %d bytes in %d round trips, want %d in %d", g.d, kind, n, worst.RoundTrips, g.bytes, g.roundTrips)
			}
		}
	}
	// A tenth of the last one.
	last := goals[4]
	worst, symbols := bill(t, r, base, last.d/10, overwritten, 1)
	if n := worst.Sent + worst.Received; n > last.bytes/10 || float64(symbols) > 1.45*float64(last.d/10) {
		t.Errorf("d %d: %d bytes, %d symbols", last.d/10, n, symbols)
	}
}

// The estimate asks for enough symbols, and not for many more.
func TestEstimate_WithinItsDeviation(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for _, d := range []int{20, 100, 1000, 5000} {
		for _, sided := range []bool{false, true} {
			off := 0
			for range 100 {
				s := NewSketch(testKey, r.Uint64(), 0, aheadMost)
				for i := range d {
					if sided || i%2 == 0 {
						s.Add(randomItem(r))
					} else {
						s.Remove(randomItem(r))
					}
				}
				counts := make([]int64, aheadMost)
				for i, symbol := range s.Symbols() {
					counts[i] = symbol.Count
				}
				got, deviation := estimate(counts, float64(counts[0]))
				if deviation > 0.25 || d >= 1000 && deviation > 0.06 {
					t.Fatalf("d %d: a deviation of %.3f", d, deviation)
				}
				if got > float64(d)*(1+2*deviation) || got < float64(d)*(1-2*deviation) {
					off++
				}
			}
			// 5 in 100 lie beyond two deviations.
			if off > 15 {
				t.Errorf("d %d: %d of 100 guesses are more than two deviations off", d, off)
			}
		}
	}
}

func TestEstimate_Nonsense_IsBounded(t *testing.T) {
	counts := make([]int64, 100)
	for i := range counts {
		counts[i] = -1 << 63
	}
	for _, delta := range []float64{0, 1 << 62, -1 << 62} {
		for n := range counts {
			if d, _ := estimate(counts[:n], delta); d < 0 || d > 1e12 {
				t.Fatal(n, delta, d)
			}
		}
	}
}

// BenchmarkExchange is a whole exchange among a million items, both sides on one
// core, and holds it to the goals.
func BenchmarkExchange(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	base := randomItems(r, 1000000)
	for _, g := range goals {
		b.Run(fmt.Sprintf("d=%d", g.d), func(b *testing.B) {
			ours, theirs := apart(r, base, g.d, missingBoth)
			one, two := treeOf(b, ours, 16), treeOf(b, theirs, 16)
			var n, trips, symbols int
			for b.Loop() {
				here, there, s, err := Diff(one, two, Config{Key: testKey, Salt: r.Uint64()})
				if err != nil || len(here)+len(there) != g.d {
					b.Fatal(len(here), len(there), err)
				}
				n, trips, symbols = max(n, s.Sent+s.Received), max(trips, s.RoundTrips), symbols+s.Symbols
			}
			if n > g.bytes || trips > g.roundTrips {
				b.Errorf("%d bytes in %d round trips, want %d in %d", n, trips, g.bytes, g.roundTrips)
			}
			b.ReportMetric(float64(n), "wire-B")
			b.ReportMetric(float64(trips), "round-trips")
			b.ReportMetric(float64(symbols)/float64(b.N*max(1, g.d)), "symbols/diff")
		})
	}
}

// BenchmarkSketch is what either side does once for an exchange that finds
// differences in all parts: goal 300 ms.
func BenchmarkSketch(b *testing.B) {
	items := randomItems(rand.New(rand.NewPCG(1, 1)), 1000000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sketchOf(items, testKey, 1, whole); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecode decodes symbols as they come: goal 500,000 differences a second.
func BenchmarkDecode(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, d := range []int{100, 1500, 100000} {
		b.Run(fmt.Sprintf("d=%d", d), func(b *testing.B) {
			s := NewSketch(testKey, 0, 0, 2*d+100)
			for i := range d {
				if i%2 == 0 {
					s.Add(randomItem(r))
				} else {
					s.Remove(randomItem(r))
				}
			}
			needed := 0
			b.ReportAllocs()
			for b.Loop() {
				decoder := NewDecoder(testKey, 0)
				for _, symbol := range s.Symbols() {
					if err := decoder.Push(symbol); err != nil {
						b.Fatal(err)
					}
					if decoder.Done() {
						break
					}
				}
				needed = decoder.Len()
			}
			b.ReportMetric(float64(d)*float64(b.N)/b.Elapsed().Seconds(), "diffs/s")
			b.ReportMetric(float64(needed)/float64(d), "symbols/diff")
		})
	}
}

func BenchmarkTree_Update(b *testing.B) {
	tree := treeOf(b, Items{}, 16)
	r := rand.New(rand.NewPCG(1, 1))
	items := randomItems(r, 1<<16)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		it := items[i&(1<<16-1)]
		tree.Update(it.Token, 0, it.Digest)
		i++
	}
}

func BenchmarkTree_Sum(b *testing.B) {
	items := randomItems(rand.New(rand.NewPCG(1, 1)), 1000000)
	tree := treeOf(b, items, 16)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tree.Sum(items[i%1000].Token, items[len(items)-1-i%1000].Token); err != nil {
			b.Fatal(err)
		}
		i++
	}
}
