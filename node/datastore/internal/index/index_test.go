package index

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// naive is the oracle: entries sorted by token, compared as sets within equal
// tokens.
type naive struct{ entries []pair }

type pair struct {
	token uint64
	ref   uint32
}

func byTokenThenRef(a, b pair) int {
	switch {
	case a.token < b.token || a.token == b.token && a.ref < b.ref:
		return -1
	case a == b:
		return 0
	}
	return 1
}

func (n *naive) insert(p pair) {
	i, _ := slices.BinarySearchFunc(n.entries, p, byTokenThenRef)
	n.entries = slices.Insert(n.entries, i, p)
}

func (n *naive) from(token uint64) []pair {
	i, _ := slices.BinarySearchFunc(n.entries, pair{token, 0}, byTokenThenRef)
	return n.entries[i:]
}

// collect returns what Ascend shows, equal tokens sorted by reference.
func collect(x *Index, from uint64) []pair {
	var got []pair
	x.Ascend(from, func(token uint64, ref uint32) bool {
		got = append(got, pair{token, ref})
		return true
	})
	for i := 1; i < len(got); i++ {
		if got[i].token < got[i-1].token {
			return nil // out of order: equal to no oracle
		}
	}
	slices.SortFunc(got, byTokenThenRef)
	return got
}

// check verifies the tree's own rules.
func (x *Index) check(t *testing.T) {
	t.Helper()
	n := 0
	for i, l := range x.leaves {
		n += l.n
		if l.n == 0 && len(x.leaves) > 1 {
			t.Fatalf("leaf %d is empty", i)
		}
		for _, tok := range l.tokens[:l.n] {
			if tok < x.mins[i] || i+1 < len(x.mins) && tok > x.mins[i+1] {
				t.Fatalf("token %d is in leaf %d, which begins at %d", tok, i, x.mins[i])
			}
		}
		if i > 0 && l.n+x.leaves[i-1].n < leafLen/4 {
			t.Fatalf("leaves %d and %d hold %d and %d entries and were not merged", i-1, i, x.leaves[i-1].n, l.n)
		}
	}
	if n != x.n {
		t.Fatalf("leaves hold %d entries, Len is %d", n, x.n)
	}
}

// distributions of tokens, the adversarial ones included.
var distributions = []struct {
	name string
	next func(rng *rand.Rand, i int) uint64
}{
	{"random", func(rng *rand.Rand, _ int) uint64 { return rng.Uint64() }},
	{"one slot", func(rng *rand.Rand, _ int) uint64 { return 0x2a5<<50 | rng.Uint64()>>14 }},
	{"ascending", func(_ *rand.Rand, i int) uint64 { return uint64(i) }},
	{"descending", func(_ *rand.Rand, i int) uint64 { return ^uint64(i) }},
	{"few", func(rng *rand.Rand, _ int) uint64 { return rng.Uint64N(20) * 0x0ccccccccccccccc }},
	{"all equal", func(*rand.Rand, int) uint64 { return ^uint64(0) }},
	{"equal to zero", func(*rand.Rand, int) uint64 { return 0 }},
	{"exponential", func(rng *rand.Rand, _ int) uint64 { return 1<<rng.IntN(64) | rng.Uint64N(4) }},
}

func TestIndex_EqualsSortedSlice(t *testing.T) {
	for _, d := range distributions {
		t.Run(d.name, func(t *testing.T) {
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			rng := rand.New(rand.NewPCG(seed, 1))
			var x Index
			var want naive
			next := uint32(0)
			for step := range 6000 {
				grow := 70
				if step/1500%2 == 1 {
					grow = 25
				}
				if rng.IntN(100) < grow || len(want.entries) == 0 {
					next++
					p := pair{d.next(rng, step), next}
					x.Insert(p.token, p.ref)
					want.insert(p)
				} else {
					i := rng.IntN(len(want.entries))
					p := want.entries[i]
					pos, ref, ok := x.Find(p.token, func(r uint32) bool { return r == p.ref })
					if !ok || ref != p.ref {
						t.Fatalf("step %d: entry %v is not found", step, p)
					}
					x.Delete(pos)
					want.entries = slices.Delete(want.entries, i, i+1)
				}
				if step%500 == 0 {
					x.check(t)
					from := d.next(rng, step)
					if got, want := collect(&x, from), want.from(from); !slices.Equal(got, want) {
						t.Fatalf("step %d: Ascend(%d) shows %d entries, want %d", step, from, len(got), len(want))
					}
				}
			}
			x.check(t)
			if got := collect(&x, 0); !slices.Equal(got, want.entries) {
				t.Fatal("Ascend does not show what was inserted")
			}
			for range 100 {
				from, to := d.next(rng, rng.IntN(6000)), d.next(rng, rng.IntN(6000))
				n := 0
				for _, p := range want.entries {
					if p.token >= from && p.token <= to {
						n++
					}
				}
				if got := x.CountRange(from, to); got != n {
					t.Fatalf("CountRange(%d, %d) = %d, want %d", from, to, got, n)
				}
			}
			for _, p := range want.entries {
				if !x.Replace(p.token, p.ref, p.ref|1<<31) {
					t.Fatalf("entry %v is not found", p)
				}
				if x.Replace(p.token, p.ref, 1) {
					t.Fatalf("entry %v is found after it was replaced", p)
				}
			}
			for _, p := range want.entries {
				pos, _, ok := x.Find(p.token, func(r uint32) bool { return r == p.ref|1<<31 })
				if !ok {
					t.Fatalf("entry %v is lost", p)
				}
				x.Delete(pos)
			}
			if x.Len() != 0 || len(collect(&x, 0)) != 0 {
				t.Fatal("entries are left")
			}
		})
	}
}

func TestIndex_Find_AbsentToken(t *testing.T) {
	var x Index
	never := func(uint32) bool { t.Fatal("match was called for an absent token"); return true }
	if _, _, ok := x.Find(7, never); ok {
		t.Fatal("found in an empty index")
	}
	for i := range uint64(1000) {
		x.Insert(i*2, uint32(i))
	}
	for i := range uint64(1001) {
		if _, _, ok := x.Find(i*2+1, never); ok {
			t.Fatalf("found %d", i*2+1)
		}
	}
}

func TestIndex_RandomLoad_TakesAtMost18BytesPerEntry(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{16_000, 100_000, 300_000} {
		var x Index
		for i := range n {
			x.Insert(rng.Uint64(), uint32(i))
		}
		per := float64(x.Bytes()) / float64(n)
		t.Logf("%d entries: %.2f bytes each", n, per)
		if per > 18 {
			t.Errorf("%d entries take %.2f bytes each", n, per)
		}
	}
}

func TestIndex_Ascending_FillsLeaves(t *testing.T) {
	var x Index
	const n = 100_000
	for i := range n {
		x.Insert(uint64(i)<<20, uint32(i))
	}
	if per := float64(x.Bytes()) / n; per > 13 {
		t.Errorf("ascending tokens take %.2f bytes each", per)
	}
}

func TestIndex_Reset(t *testing.T) {
	var x Index
	for i := range uint64(1000) {
		x.Insert(i, 1)
	}
	x.Reset()
	if x.Len() != 0 || x.Bytes() != 0 {
		t.Fatalf("after Reset: %d entries, %d bytes", x.Len(), x.Bytes())
	}
	x.Insert(1, 2)
	if got := collect(&x, 0); len(got) != 1 {
		t.Fatal("not usable after Reset")
	}
}

func BenchmarkIndex(b *testing.B) {
	for _, n := range []int{16_000, 1_000_000} {
		rng := rand.New(rand.NewPCG(3, 4))
		tokens := make([]uint64, n)
		var x Index
		for i := range tokens {
			tokens[i] = rng.Uint64()
			x.Insert(tokens[i], uint32(i))
		}
		b.Run(fmt.Sprintf("Find/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				want := uint32(i)
				if _, _, ok := x.Find(tokens[i], func(r uint32) bool { return r == want }); !ok {
					b.Fatal("lost")
				}
				if i += 7919; i >= n {
					i -= n
				}
			}
		})
		b.Run(fmt.Sprintf("InsertDelete/%d", n), func(b *testing.B) {
			i := 0
			for b.Loop() {
				pos, ref, _ := x.Find(tokens[i], func(uint32) bool { return true })
				x.Delete(pos)
				tokens[i] = rng.Uint64()
				x.Insert(tokens[i], ref)
				if i += 7919; i >= n {
					i -= n
				}
			}
		})
	}
}
