package merkle

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/dynomite-go/dynomite/hashkit"
)

func TestTree_AnyRange_IsTheSumOfItsItems(t *testing.T) {
	r := seeded(t)
	for _, bits := range []int{0, 1, 3, 4, 5, 8, 11} {
		var held Items
		tree, err := NewTree(sourceFunc(func(from, to hashkit.Token, fn func(Item) bool) error {
			return held.Scan(from, to, fn)
		}), bits)
		if err != nil {
			t.Fatal(err)
		}
		for step := range 400 {
			switch n := len(held); {
			case n > 0 && r.IntN(4) == 0:
				i := r.IntN(n)
				tree.Delete(held[i])
				held = slices.Delete(held, i, i+1)
			case n > 0 && r.IntN(3) == 0:
				i := r.IntN(n)
				digest := r.Uint64()
				tree.Update(held[i].Token, held[i].Digest, digest)
				held[i].Digest = digest
				held = NewItems(held...)
			default:
				it := randomItem(r)
				if r.IntN(3) == 0 { // crowd a leaf, and its bounds
					it.Token = it.Token>>r.IntN(64) - hashkit.Token(r.IntN(2))
				}
				tree.Insert(it)
				held = NewItems(append(held, it)...)
			}
			from, to := hashkit.Token(r.Uint64()), hashkit.Token(r.Uint64())
			switch step % 4 {
			case 0:
				from, to = from>>r.IntN(64), to>>r.IntN(64)
			case 1: // whole leaves
				from, _ = tree.bounds(tree.leaf(from))
				_, to = tree.bounds(tree.leaf(to))
			case 2:
				if n := len(held); n > 0 {
					from, to = held[r.IntN(n)].Token, held[r.IntN(n)].Token
				}
			}
			got, err := tree.Sum(from, to)
			if want, _ := held.Sum(from, to); got != want || err != nil {
				t.Fatalf("bits %d: [%v, %v] holds %v, %v, want %v", bits, from, to, got, err, want)
			}
		}
		all, _ := held.Sum(0, hashkit.MaxToken)
		if tree.Root() != all {
			t.Fatalf("bits %d: the root is %v, want %v", bits, tree.Root(), all)
		}
	}
}

// sourceFunc is a source that is a function.
type sourceFunc func(from, to hashkit.Token, fn func(Item) bool) error

func (f sourceFunc) Scan(from, to hashkit.Token, fn func(Item) bool) error { return f(from, to, fn) }

func TestTree_RangesAddUp(t *testing.T) {
	r := seeded(t)
	tree := treeOf(t, randomItems(r, 3000), 8)
	for range 200 {
		cuts := []hashkit.Token{hashkit.Token(r.Uint64()), hashkit.Token(r.Uint64()), hashkit.MaxToken}
		slices.Sort(cuts)
		var sum Sum
		from := hashkit.Token(0)
		for _, to := range cuts {
			part, err := tree.Sum(from, to)
			if err != nil {
				t.Fatal(err)
			}
			sum, from = sum.Plus(part), to+1
		}
		if sum != tree.Root() {
			t.Fatalf("cut behind %v the ranges hold %v, want %v", cuts, sum, tree.Root())
		}
	}
}

func TestTree_OrderDoesNotMatter(t *testing.T) {
	r := seeded(t)
	items := randomItems(r, 1000)
	one, two := treeOf(t, items, 6), treeOf(t, Items{}, 6)
	two.source = items
	for _, i := range r.Perm(len(items)) {
		two.Insert(Item{items[i].Token, 1})
	}
	for _, i := range r.Perm(len(items)) {
		two.Update(items[i].Token, 1, items[i].Digest)
	}
	for l, level := range one.levels {
		if !slices.Equal(level, two.levels[l]) {
			t.Fatalf("level %d depends on the order", l)
		}
	}
}

func TestTree_RangeUpsideDown_IsEmpty(t *testing.T) {
	if sum, err := treeOf(t, Items{{5, 5}}, 4).Sum(7, 3); sum != (Sum{}) || err != nil {
		t.Fatal(sum, err)
	}
}

func TestTree_Refresh_MendsLeaves(t *testing.T) {
	r := seeded(t)
	items := randomItems(r, 2000).between(0, 3<<62)
	right, tree := treeOf(t, items, 7), treeOf(t, items, 7)
	tree.Insert(Item{hashkit.MaxToken, 1}) // where nothing is
	for range 50 {
		tree.Insert(randomItem(r)) // which the source does not show
	}
	from, to := hashkit.Token(1)<<62, hashkit.Token(1)<<63
	if err := tree.Refresh(from, to); err != nil {
		t.Fatal(err)
	}
	a, _ := right.Sum(from, to)
	if b, _ := tree.Sum(from, to); a != b {
		t.Fatalf("the range holds %v, want %v", b, a)
	}
	if err := tree.Refresh(to, from); err != nil || tree.Root() == right.Root() {
		t.Fatal("a range upside down changes the tree", err)
	}
	if err := tree.Refresh(0, hashkit.MaxToken); err != nil || tree.Root() != right.Root() {
		t.Fatal(err, tree.Root(), right.Root())
	}
}

func TestTree_SourceFails_SoDoesWhoAsks(t *testing.T) {
	items := randomItems(seeded(t), 100)
	tree := treeOf(t, items, 4)
	tree.source = &failing{Items: items}
	if _, err := tree.Sum(1, hashkit.MaxToken-1); !errors.Is(err, errSource) {
		t.Fatal(err)
	}
	if err := tree.Refresh(0, hashkit.MaxToken); !errors.Is(err, errSource) {
		t.Fatal(err)
	}
	if sum, err := tree.Sum(0, hashkit.MaxToken); err != nil || sum != tree.Root() {
		t.Fatal("whole leaves ask the source", err)
	}
}

func TestNewTree_Wrong_IsRefused(t *testing.T) {
	for _, bits := range []int{-1, MaxBits + 1} {
		if _, err := NewTree(Items{}, bits); err == nil {
			t.Errorf("a tree of %d bits", bits)
		}
	}
	if _, err := NewTree(nil, 4); err == nil {
		t.Error("a tree without a source")
	}
}

func TestTree_Bytes_17ALeaf(t *testing.T) {
	tree := treeOf(t, Items{}, 16)
	if got := float64(tree.Bytes()) / float64(tree.Leaves()); tree.Leaves() != 65536 || got > 17.1 {
		t.Fatalf("%d leaves of %.2f bytes", tree.Leaves(), got)
	}
}

func TestTree_UsedByMany(t *testing.T) {
	r := seeded(t)
	items := randomItems(r, 400)
	tree := treeOf(t, Items{}, 4)
	tree.source = items
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for _, it := range items[100*i : 100*i+100] {
				tree.Insert(Item{it.Token, it.Digest + 1})
				tree.Update(it.Token, it.Digest+1, it.Digest)
				if _, err := tree.Sum(it.Token, hashkit.MaxToken); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if want, _ := items.Sum(0, hashkit.MaxToken); tree.Root() != want {
		t.Fatalf("%v, want %v", tree.Root(), want)
	}
}
