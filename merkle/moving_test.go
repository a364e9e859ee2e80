package merkle

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dynomite-go/dynomite/hashkit"
)

// replica is a store with its tree.
type replica struct {
	Items
	tree *Tree
}

func (p *replica) Scan(from, to hashkit.Token, fn func(Item) bool) error {
	return p.Items.Scan(from, to, fn)
}

func newReplica(t testing.TB, items Items) *replica {
	p := &replica{Items: slices.Clone(items)}
	p.tree = treeOf(t, p, 8)
	return p
}

func (p *replica) put(it Item) {
	at, ok := slices.BinarySearchFunc(p.Items, it, Item.Compare)
	if !ok {
		p.Items = slices.Insert(p.Items, at, it)
		p.tree.Insert(it)
	}
}

func (p *replica) drop(it Item) {
	if at, ok := slices.BinarySearchFunc(p.Items, it, Item.Compare); ok {
		p.Items = slices.Delete(p.Items, at, at+1)
		p.tree.Delete(it)
	}
}

// change is a write or two.
func (p *replica) change(r *rand.Rand) {
	if n := len(p.Items); n > 0 && r.IntN(2) == 0 {
		it := p.Items[r.IntN(n)]
		p.drop(it)
		p.put(Item{it.Token, r.Uint64()})
		return
	}
	p.put(randomItem(r))
}

// Sets that change between all messages: what differs all the while is found,
// equality is only said of sets that were equal when the other side answered,
// and when the changes end the next exchange is exact, and the one after it equal.
func TestExchange_SetsThatChange_Converge(t *testing.T) {
	converge(t, seeded(t))
}

// The seed of two sets that were equal when the other side answered, which
// changed before we had its word.
func TestExchange_TheyChangeBehindTheirAnswer_Converge(t *testing.T) {
	converge(t, replay(t, 12184853734847099745))
}

func converge(t *testing.T, r *rand.Rand) {
	for range 25 {
		base := randomItems(r, 5000)
		d := []int{0, 2, 60, 1500, 4000}[r.IntN(5)]
		ours, theirs := apart(r, base, d, r.IntN(kinds))
		a, b := newReplica(t, ours), newReplica(t, theirs)
		lasting := map[Item]bool{}
		for _, it := range append(minus(ours, theirs), minus(theirs, ours)...) {
			lasting[it] = true
		}
		x := exchange(t, a.tree, Config{Salt: r.Uint64()})
		p := NewResponder(b.tree, testKey)
		var answered Items // what they had then, which is all that an answer can be about
		here, there := run(t, x, func(request []byte) ([]byte, error) {
			if r.IntN(3) > 0 {
				p = NewResponder(b.tree, testKey) // and no sketch is remembered
			}
			change(r, lasting, a, b)
			answered = slices.Clone(b.Items)
			reply, err := p.Answer(request)
			change(r, lasting, a, b)
			return reply, err
		})
		if s := x.Stats(); s.Equal && !slices.Equal(a.Items, answered) {
			t.Fatalf("we have not what they had, and are said to be equal: %+v", s)
		}
		for _, it := range append(here, there...) {
			delete(lasting, it)
		}
		if len(lasting) > 0 {
			t.Fatalf("%d of %d lasting differences are not found", len(lasting), d)
		}
		settle(t, r, a, b)
	}
}

// change changes both sets, and takes what it touched out of lasting.
func change(r *rand.Rand, lasting map[Item]bool, replicas ...*replica) {
	for _, p := range replicas {
		was := slices.Clone(p.Items)
		for range r.IntN(4) {
			p.change(r)
		}
		for _, it := range minus(was, p.Items) {
			delete(lasting, it)
		}
	}
}

// settle makes two sets equal by what exchanges find.
func settle(t testing.TB, r *rand.Rand, a, b *replica) {
	t.Helper()
	for n := range 2 {
		x := exchange(t, a.tree, Config{Salt: r.Uint64()})
		here, there := run(t, x, NewResponder(b.tree, testKey).Answer)
		if s := x.Stats(); !s.Exact || s.Equal != (n == 1) && len(here)+len(there) > 0 {
			t.Fatalf("exchange %d of sets at rest: %+v", n, s)
		}
		for _, it := range here {
			b.put(it)
		}
		for _, it := range there {
			a.put(it)
		}
	}
	if !slices.Equal(a.Items, b.Items) {
		t.Fatal("not equal in the end")
	}
}

// We change while the word that both are equal is on its way.
func TestExchange_ChangedWhileAsked_IsNotEqual(t *testing.T) {
	r := seeded(t)
	items := randomItems(r, 100)
	a, b := newReplica(t, items), newReplica(t, items)
	x := exchange(t, a.tree, Config{})
	run(t, x, func(request []byte) ([]byte, error) {
		reply, err := NewResponder(b.tree, testKey).Answer(request)
		a.put(randomItem(r))
		return reply, err
	})
	if s := x.Stats(); s.Equal || s.Exact {
		t.Fatalf("%+v", s)
	}
}

// A tree that was told something else than its source shows is never equal to
// one that was not, though no item differs.
func TestExchange_TreeThatDoesNotFitItsSource_IsNotEqual(t *testing.T) {
	r := seeded(t)
	items := randomItems(r, 1000)
	wrong := treeOf(t, items, 8)
	wrong.Insert(randomItem(r))
	x := exchange(t, wrong, Config{})
	here, there := run(t, x, NewResponder(treeOf(t, items, 8), testKey).Answer)
	if s := x.Stats(); s.Equal || s.Exact || len(here)+len(there) > 0 {
		t.Fatalf("%+v", s)
	}
}

// A responder remembers a sketch for who asks for more of it, not for who begins.
func TestResponder_BegunAgain_SketchIsOfNow(t *testing.T) {
	r := seeded(t)
	items := randomItems(r, 3000)
	b := newReplica(t, items[1:])
	p := NewResponder(b.tree, testKey)
	for n := 1; n < 4; n++ {
		x := exchange(t, treeOf(t, items, 8), Config{Salt: 5})
		here, _ := run(t, x, p.Answer)
		if len(here) != n || !x.Stats().Exact {
			t.Fatalf("%d items are missing, %d are found", n, len(here))
		}
		b.drop(here[0])
		if at := slices.IndexFunc(b.Items, func(it Item) bool { return it.Token>>58 == items[0].Token>>58 }); at >= 0 {
			b.drop(b.Items[at]) // in the same part, so that the same parts differ
		}
	}
}
