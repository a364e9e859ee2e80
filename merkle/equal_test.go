package merkle

import (
	"errors"
	"slices"
	"testing"

	"github.com/dynomite-go/dynomite/hashkit"
)

// Equal is about three moments: ours when we ask, theirs when they answer, ours
// when we have the answer.
func TestExchange_Equal_IsOfTheMomentOfTheAnswer(t *testing.T) {
	r := seeded(t)
	it := randomItem(r)
	put := func(p *replica) { p.put(it) }
	drop := func(p *replica) { p.drop(it) }
	still := func(*replica) {}
	for _, c := range []struct {
		name                 string
		weBefore, theyBefore func(*replica) // between the request and the answer
		weBehind, theyBehind func(*replica) // between the answer and its being read
		equal                bool
		nowEqual             bool // as who sees both would say in the end
	}{
		{"nobody changes", still, still, still, still, true, true},
		{"they change before they answer", still, put, still, still, false, false},
		{"they change behind their answer, which it cannot tell", still, still, still, put, true, false},
		{"they change back before they answer", still, func(p *replica) { p.put(it); p.drop(it) }, still, still, true, true},
		{"they are like us only behind their answer", still, put, still, drop, false, true},
		{"we change before they answer", put, still, still, still, false, false},
		{"we change behind their answer", still, still, put, still, false, false},
		{"both change alike, after we asked", put, put, still, still, false, true},
		{"both change alike, behind the answer", still, still, put, put, false, true},
		{"we change and change back", put, still, drop, still, true, true},
	} {
		items := randomItems(r, 100)
		a, b := newReplica(t, items), newReplica(t, items)
		x := exchange(t, a.tree, Config{Salt: r.Uint64()})
		asked := 0
		run(t, x, func(request []byte) ([]byte, error) {
			p := NewResponder(b.tree, testKey)
			if asked++; asked > 1 {
				return p.Answer(request)
			}
			c.weBefore(a)
			c.theyBefore(b)
			reply, err := p.Answer(request)
			c.weBehind(a)
			c.theyBehind(b)
			return reply, err
		})
		if s := x.Stats(); s.Equal != c.equal || slices.Equal(a.Items, b.Items) != c.nowEqual {
			t.Errorf("%s: %+v", c.name, s)
		}
	}
}

// Few items come and go at random, so that sets are often equal again by chance,
// and each side is small at times, so that its answer is a list. Equal is said
// exactly if the three moments agree.
func TestExchange_Equal_ExactlyIfTheThreeMomentsAgree(t *testing.T) {
	r := seeded(t)
	flip := randomItems(r, 3)
	said, unseen := 0, 0
	for n := range 3000 {
		items := randomItems(r, []int{0, 5, 100}[n%3])
		a, b := newReplica(t, items), newReplica(t, items)
		some := func(p *replica) {
			for range r.IntN(3) {
				if it := flip[r.IntN(len(flip))]; slices.Contains(p.Items, it) {
					p.drop(it)
				} else {
					p.put(it)
				}
			}
		}
		some(a)
		some(b)
		asked, agree := slices.Clone(a.Items), true
		x := exchange(t, a.tree, Config{Salt: r.Uint64()})
		run(t, x, func(request []byte) ([]byte, error) {
			some(a)
			some(b)
			agree = agree && slices.Equal(asked, b.Items)
			reply, err := NewResponder(b.tree, testKey).Answer(request)
			some(a)
			agree = agree && slices.Equal(asked, a.Items)
			some(b)
			return reply, err
		})
		s := x.Stats()
		if s.Equal != agree || s.Equal && (!s.Exact || s.RoundTrips != 1 || s.Here+s.There > 0) {
			t.Fatalf("the three moments agree: %v, but %+v", agree, s)
		}
		if s.Equal {
			said++
			if !slices.Equal(a.Items, b.Items) {
				unseen++
			}
		}
	}
	if said == 0 || unseen == 0 {
		t.Fatalf("equal %d times, %d times no more so in the end", said, unseen)
	}
}

// An answer of an earlier exchange, late, is about an earlier moment: though
// we ask the very same about the same set, it is not taken.
func TestExchange_EqualOfAnEarlierExchange_IsRefused(t *testing.T) {
	r := seeded(t)
	items := randomItems(r, 100)
	b := newReplica(t, items)
	p := NewResponder(b.tree, testKey)
	request, err := exchange(t, items, Config{Salt: 1}).Request()
	if err != nil {
		t.Fatal(err)
	}
	late, err := p.Answer(request)
	if err != nil || late[1] != sayEqual {
		t.Fatal(late, err)
	}
	b.put(randomItem(r))
	x := exchange(t, items, Config{Salt: 2})
	run(t, x, func(request []byte) ([]byte, error) {
		if err := x.Reply(late); !errors.Is(err, ErrDamaged) || x.Done() {
			t.Fatalf("a late answer: %v", err)
		}
		return p.Answer(request)
	})
	if s := x.Stats(); s.Equal || !s.Exact || s.There != 1 {
		t.Fatalf("%+v", s)
	}
}

// hurried is a set that changes while its ranges are added up.
type hurried struct {
	Items
	between func()
}

func (h *hurried) Sum(from, to hashkit.Token) (Sum, error) {
	defer h.between()
	return h.Items.Sum(from, to)
}

// Sums of several ranges are of several moments. Equality of theirs then holds
// for each range at its own; a change of ours is always noticed.
func TestExchange_ChangedBetweenTheRangesOfASum(t *testing.T) {
	r := seeded(t)
	items := NewItems(append(randomItems(r, 100), Item{5, 1}, Item{105, 1})...)
	halves := []Range{{0, 50}, {100, 150}}
	// At no moment it has both of 5 and 105: it has 5 first, and then 105.
	first, second := minus(items, Items{{105, 1}}), minus(items, Items{{5, 1}})
	torn := func() *hurried {
		h := &hurried{Items: first}
		h.between = func() { h.Items = second }
		return h
	}
	for _, c := range []struct {
		name         string
		ours, theirs Set
		equal        bool
	}{
		{"they", items, torn(), true},
		{"we", torn(), items, false},
	} {
		x := exchange(t, c.ours, Config{Ranges: halves})
		run(t, x, NewResponder(c.theirs, testKey).Answer)
		if s := x.Stats(); s.Equal != c.equal {
			t.Errorf("%s change: %+v", c.name, s)
		}
	}
}

// Parts that differ have no equal sums, so no honest side tells of them then; one
// that did could follow with a sketch of nothing, and be equal without the word.
func TestExchange_PartsOfEqualSums_AreRefused(t *testing.T) {
	items := randomItems(seeded(t), 100)
	x := exchange(t, items, Config{})
	if _, err := x.Request(); err != nil {
		t.Fatal(err)
	}
	b := appendSum([]byte{formatVersion, sayParts}, x.asked.sum)
	b = append(b, make([]byte, 4*parts)...)
	if err := x.Reply(seal(b, testKey, sealOf(x.message))); !errors.Is(err, ErrDamaged) || x.job().step != stepCompare {
		t.Fatal(err)
	}
}
