package merkle

import (
	"slices"

	"github.com/dynomite-go/dynomite/hashkit"
)

// ownList is a piece of our own items, and the ranges that it is all of.
type ownList struct {
	runs  []Range
	items []Item
}

// ownItems is how many of our own items a step of a list looks at: 256 KB.
const ownItems = 16384

// load reads our own items from where the list stands, all of those with one token.
func (j *job) load(set Set) error {
	if j.ours != nil {
		return nil
	}
	own := &ownList{runs: j.runs}
	err := sorted(set, j.runs, func(it Item) bool {
		if n := len(own.items); n >= ownItems && it.Token != own.items[n-1].Token {
			own.runs = clip(j.runs, 0, it.Token-1)
			return false
		}
		own.items = append(own.items, it)
		return true
	})
	if err == nil {
		j.ours = own
	}
	return err
}

// items takes a list, or the part of one that fits into a message.
func (j *job) items(x *Exchange, q *request, r *reader) error {
	complete := r.byte() == 1
	items := r.items(q.runs, q.after)
	if !complete && len(items) == 0 {
		r.fail("a list without items goes on")
	}
	if err := r.done(); err != nil {
		return err
	}
	x.stats.Listed += len(items)
	if !complete {
		last := items[len(items)-1]
		n, found := slices.BinarySearchFunc(j.ours.items, last, Item.Compare)
		if found {
			n++
		}
		x.merge(j.ours.items[:n], items)
		j.ours.items = j.ours.items[n:]
		j.after = &last
		j.ours.runs = clip(j.ours.runs, last.Token, hashkit.MaxToken)
		return nil
	}
	x.merge(j.ours.items, items)
	end := j.ours.runs[len(j.ours.runs)-1].To
	j.after, j.ours = nil, nil
	if end == j.runs[len(j.runs)-1].To {
		x.finish()
		return nil
	}
	j.runs = clip(j.runs, end+1, hashkit.MaxToken)
	return nil
}

// merge finds what only one of two ascending lists holds.
func (x *Exchange) merge(ours, theirs []Item) {
	for len(ours) > 0 && len(theirs) > 0 {
		switch c := ours[0].Compare(theirs[0]); {
		case c < 0:
			x.onlyHere(ours[0])
			ours = ours[1:]
		case c > 0:
			x.onlyThere(theirs[0])
			theirs = theirs[1:]
		default:
			ours, theirs = ours[1:], theirs[1:]
		}
	}
	x.onlyHere(ours...)
	x.onlyThere(theirs...)
}

// inside says whether all items lie in runs.
func inside(runs []Range, lists ...[]Item) bool {
	for _, list := range lists {
		for _, it := range list {
			i, _ := slices.BinarySearchFunc(runs, it.Token, func(r Range, t hashkit.Token) int {
				if r.To < t {
					return -1
				}
				return 1
			})
			if i == len(runs) || it.Token < runs[i].From {
				return false
			}
		}
	}
	return true
}
