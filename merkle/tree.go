package merkle

import (
	"fmt"
	"sync"

	"github.com/dynomite-go/dynomite/hashkit"
)

const (
	// MaxBits bounds the leaves of a tree to 2^24, which take 286 MB.
	MaxBits = 24
	// fanBits is the width of a node as a power of two: with 16 children an
	// update touches 5 cache lines in a tree of 65,536 leaves, and the sum of a
	// range reads 120 sums at most.
	fanBits = 4
	fan     = 1 << fanBits
)

// Tree keeps the sums of a set whose items somebody else holds. It is told of
// each item that comes and goes, and has a number and a digest for each of 2^bits
// equal leaves of the token space, and for each node above them:
//
//	                root            count, digest
//	     +-------+--'----+ ...      16 children to a node
//	   node    node    node
//	 +--+--+
//	leaf leaf ...                   one for 2^(64-bits) tokens
//
// A tree takes 17 bytes for a leaf, and nothing for an item. It is safe for
// concurrent use; its lock is held for the time of some additions, never while
// the source is asked.
type Tree struct {
	source Source
	shift  uint

	mu     sync.Mutex
	levels [][]Sum // the leaves first, the root last
}

var _ Set = (*Tree)(nil)

// NewTree makes the tree of an empty set with 2^bits leaves, 0 to [MaxBits].
// With 16 bits it takes 1.1 MB; 16 to 100 items a leaf is a good measure, and
// more only makes ranges that cut a leaf dearer. The source shows what the tree
// has been told of: a tree over a store that is not empty begins with
// [Tree.Refresh].
func NewTree(source Source, bits int) (*Tree, error) {
	if source == nil {
		return nil, fmt.Errorf("merkle: a tree needs a source")
	}
	if bits < 0 || bits > MaxBits {
		return nil, fmt.Errorf("merkle: a tree with 2^%d leaves, want 2^0 to 2^%d", bits, MaxBits)
	}
	t := &Tree{source: source, shift: uint(64 - bits)}
	for n := bits; ; n = max(0, n-fanBits) {
		t.levels = append(t.levels, make([]Sum, 1<<n))
		if n == 0 {
			return t, nil
		}
	}
}

// Insert tells of a new item. It costs an addition for each level.
func (t *Tree) Insert(it Item) { t.add(it.Token, of(it)) }

// Delete tells that an item is gone. Who deletes what was never inserted makes
// the tree wrong until [Tree.Refresh]; so does who inserts twice.
func (t *Tree) Delete(it Item) { t.add(it.Token, Sum{}.Minus(of(it))) }

// Update tells that the item at a token has another digest: a Delete and an
// Insert at the price of one.
func (t *Tree) Update(token hashkit.Token, old, new uint64) { t.add(token, Sum{0, new - old}) }

func (t *Tree) add(token hashkit.Token, change Sum) {
	i := t.leaf(token)
	t.mu.Lock()
	for _, level := range t.levels {
		level[i] = level[i].Plus(change)
		i >>= fanBits
	}
	t.mu.Unlock()
}

func (t *Tree) leaf(token hashkit.Token) uint64 { return uint64(token) >> t.shift }

// bounds are the first and the last token of a leaf.
func (t *Tree) bounds(leaf uint64) (from, to hashkit.Token) {
	from = hashkit.Token(leaf << t.shift)
	return from, from + hashkit.Token(1)<<t.shift - 1
}

// Root is the sum of the whole set.
func (t *Tree) Root() Sum {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.levels[len(t.levels)-1][0]
}

// Sum implements [Set]: it adds up whole leaves and nodes, and asks the source
// for what lies in the leaves, two at most, that the range cuts. If from is above
// to, the range is empty.
func (t *Tree) Sum(from, to hashkit.Token) (Sum, error) {
	if from > to {
		return Sum{}, nil
	}
	low, high := t.leaf(from), t.leaf(to)
	first, _ := t.bounds(low)
	_, last := t.bounds(high)
	if low == high && (from != first || to != last) {
		return t.scanned(from, to)
	}
	var edges Sum
	if from != first {
		_, end := t.bounds(low)
		s, err := t.scanned(from, end)
		if err != nil {
			return Sum{}, err
		}
		edges, low = s, low+1
	}
	if to != last {
		begin, _ := t.bounds(high)
		s, err := t.scanned(begin, to)
		if err != nil {
			return Sum{}, err
		}
		edges = edges.Plus(s)
	} else {
		high++
	}
	return t.whole(low, high).Plus(edges), nil
}

// whole adds up the leaves [low, high).
func (t *Tree) whole(low, high uint64) (sum Sum) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, level := range t.levels {
		for ; low < high && low%fan != 0; low++ {
			sum = sum.Plus(level[low])
		}
		for ; low < high && high%fan != 0; high-- {
			sum = sum.Plus(level[high-1])
		}
		low, high = low/fan, high/fan
	}
	return sum
}

func (t *Tree) scanned(from, to hashkit.Token) (sum Sum, err error) {
	err = t.source.Scan(from, to, func(it Item) bool {
		sum = sum.Plus(of(it))
		return true
	})
	return sum, err
}

// Scan implements [Source]: it asks the tree's own.
func (t *Tree) Scan(from, to hashkit.Token, fn func(Item) bool) error {
	return t.source.Scan(from, to, fn)
}

// Refresh makes the leaves that [from, to] touches again from what the source
// shows: the whole tree after a start, or a part that is in doubt. The caller
// sees to it that neither the source nor the tree changes there meanwhile. After
// an error some leaves are new and some are as they were.
func (t *Tree) Refresh(from, to hashkit.Token) error {
	if from > to {
		return nil
	}
	begin, _ := t.bounds(t.leaf(from))
	_, end := t.bounds(t.leaf(to))
	at, sum := t.leaf(from), Sum{}
	err := t.source.Scan(begin, end, func(it Item) bool {
		for ; at < t.leaf(it.Token); at++ {
			t.set(at, sum)
			sum = Sum{}
		}
		sum = sum.Plus(of(it))
		return true
	})
	if err != nil {
		return err
	}
	for ; at <= t.leaf(to); at++ {
		t.set(at, sum)
		sum = Sum{}
	}
	return nil
}

// set gives a leaf its sum, and the nodes above theirs.
func (t *Tree) set(leaf uint64, sum Sum) {
	t.mu.Lock()
	was := t.levels[0][leaf]
	t.mu.Unlock()
	if was != sum {
		begin, _ := t.bounds(leaf)
		t.add(begin, sum.Minus(was))
	}
}

// Leaves is the number of leaves, a power of two.
func (t *Tree) Leaves() int { return len(t.levels[0]) }

// Bytes is the memory that the tree takes.
func (t *Tree) Bytes() int {
	n := 0
	for _, level := range t.levels {
		n += 16 * len(level)
	}
	return n
}
