package merkle

import (
	"slices"
	"sort"

	"github.com/dynomite-go/dynomite/hashkit"
)

// Items is a [Set] in a slice, for sets that somebody has at hand: sorted by
// [Item.Compare], without repetitions. It is safe for concurrent use while
// nobody changes it.
type Items []Item

var _ Set = Items(nil)

// NewItems sorts and deduplicates a copy of items.
func NewItems(items ...Item) Items {
	own := slices.Clone(items)
	slices.SortFunc(own, Item.Compare)
	return slices.Compact(own)
}

// Scan implements [Source].
func (s Items) Scan(from, to hashkit.Token, fn func(Item) bool) error {
	for _, it := range s.between(from, to) {
		if !fn(it) {
			break
		}
	}
	return nil
}

// Sum implements [Set], by a scan.
func (s Items) Sum(from, to hashkit.Token) (sum Sum, err error) {
	for _, it := range s.between(from, to) {
		sum = sum.Plus(of(it))
	}
	return sum, nil
}

func (s Items) between(from, to hashkit.Token) Items {
	low := sort.Search(len(s), func(i int) bool { return s[i].Token >= from })
	high := sort.Search(len(s), func(i int) bool { return s[i].Token > to })
	return s[low:max(low, high)]
}
