package merkle

import (
	"errors"
	"flag"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dynomite-go/dynomite/hashkit"
)

var testKey = Key([]byte("a test's own key"))

// seedFlag is how a failure is seen again: go test ./merkle -run ^TestName$ -seed 7.
var seedFlag = flag.Uint64("seed", 0, "the seed that a failed test told; 0 is another one each time")

// seeded gives a random source, and says its seed if the test fails.
func seeded(t testing.TB) *rand.Rand {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	return replay(t, seed)
}

// replay gives the random source of one seed.
func replay(t testing.TB, seed uint64) *rand.Rand {
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 0))
}

func randomItem(r *rand.Rand) Item { return Item{hashkit.Token(r.Uint64()), r.Uint64()} }

func randomItems(r *rand.Rand, n int) Items {
	items := make([]Item, n)
	for i := range items {
		items[i] = randomItem(r)
	}
	return NewItems(items...)
}

// How two sets differ.
const (
	overwritten = iota
	missingThere
	missingHere
	missingBoth
	kinds
)

// apart makes two sets of base that differ in d items; in overwritten items, two
// of which are one overwrite.
func apart(r *rand.Rand, base Items, d, kind int) (ours, theirs Items) {
	ours = slices.Clone(base)
	picked := r.Perm(len(base))
	if kind == overwritten {
		for _, i := range picked[:d/2] {
			ours[i].Digest = r.Uint64()
		}
		return NewItems(ours...), base
	}
	ours = ours[:0]
	lacking := make([]int, len(base))
	for n, i := range picked[:d] {
		lacking[i] = kind
		if kind == missingBoth {
			lacking[i] = missingThere + n%2
		}
	}
	for i, it := range base {
		if lacking[i] != missingHere {
			ours = append(ours, it)
		}
		if lacking[i] != missingThere {
			theirs = append(theirs, it)
		}
	}
	return ours, theirs
}

// minus is what a holds and b does not.
func minus(a, b Items) (out Items) {
	for _, it := range a {
		if _, ok := slices.BinarySearchFunc(b, it, Item.Compare); !ok {
			out = append(out, it)
		}
	}
	return out
}

func treeOf(t testing.TB, source Source, bits int) *Tree {
	t.Helper()
	tree, err := NewTree(source, bits)
	if err != nil {
		t.Fatal(err)
	}
	if err := tree.Refresh(0, hashkit.MaxToken); err != nil {
		t.Fatal(err)
	}
	return tree
}

var errSource = errors.New("the disk is gone")

// failing is a source that fails behind some items.
type failing struct {
	Items
	after int
}

func (f *failing) Scan(from, to hashkit.Token, fn func(Item) bool) error {
	stopped := false
	err := f.Items.Scan(from, to, func(it Item) bool {
		if f.after--; f.after < 0 {
			stopped = true
			return false
		}
		return fn(it)
	})
	if stopped {
		return errSource
	}
	return err
}
