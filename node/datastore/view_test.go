package datastore

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// filled is a holder with a hash of n fields, every third a counter, every
// tenth removed again; and what it should show.
func filled(t *testing.T, f form, n int) (*holder, map[string]string) {
	now := int64(100)
	h := one(t, f, &now)
	h.fast = n > 50
	want := map[string]string{}
	h.update(writes(func(_ *View, d *Delta) {
		for i := range n {
			name := fmt.Sprintf("field:%d", i)
			want[name] = fmt.Sprint("value", i)
			if i%3 == 0 {
				d.Add(Hash, []byte(name), int64(i))
				want[name] = fmt.Sprint(i)
				continue
			}
			d.Put(Hash, []byte(name), []byte(want[name]))
		}
	}))
	h.update(writes(func(_ *View, d *Delta) {
		for i := 0; i < n; i += 10 {
			d.Remove(Hash, fmt.Appendf(nil, "field:%d", i))
			delete(want, fmt.Sprintf("field:%d", i))
		}
	}))
	return h, want
}

func TestView_Each_EveryFieldOnce(t *testing.T) {
	for _, f := range forms {
		h, want := filled(t, f, 300)
		got := map[string]string{}
		v := h.view(100)
		v.Each(Hash, func(field, value []byte) bool {
			if _, ok := got[string(field)]; ok {
				t.Fatalf("%s twice", field)
			}
			got[string(field)] = string(value)
			return true
		})
		if !maps.Equal(got, want) || v.Len(Hash) != len(want) {
			t.Errorf("%v form: %d fields, Len %d, want %d", f, len(got), v.Len(Hash), len(want))
		}
		n := 0
		v.Each(Hash, func(_, _ []byte) bool { n++; return n < 5 })
		if n != 5 {
			t.Errorf("%v form: went on to %d after false", f, n)
		}
		v.Each(Set, func(_, _ []byte) bool { t.Error("calls for a kind that is not shown"); return true })
	}
}

func TestView_EachFrom_PagesInOneOrder(t *testing.T) {
	var orders [][]uint64
	for _, f := range forms {
		h, want := filled(t, f, 300)
		v := h.view(100)
		got, hashes, cursor := map[string]string{}, []uint64(nil), uint64(0)
		for page := 0; ; page++ {
			n, next := 0, uint64(0)
			v.EachFrom(Hash, cursor, func(hash uint64, field, value []byte) bool {
				if hash < cursor {
					t.Fatalf("hash %x is below the cursor %x", hash, cursor)
				}
				if n == 7 {
					next = hash
					return false
				}
				n++
				got[string(field)] = string(value)
				hashes = append(hashes, hash)
				return true
			})
			if next == 0 {
				break
			}
			cursor = next
		}
		if !maps.Equal(got, want) || !slices.IsSorted(hashes) {
			t.Errorf("%v form: %d fields of %d, sorted %v", f, len(got), len(want), slices.IsSorted(hashes))
		}
		orders = append(orders, hashes)
	}
	if !slices.Equal(orders[0], orders[1]) || !slices.Equal(orders[0], orders[2]) {
		t.Error("the forms have different orders")
	}
}

func TestView_ValuesStayWhileItIsValid(t *testing.T) {
	for _, f := range forms {
		h, want := filled(t, f, 100)
		v := h.view(100)
		kept := map[string][]byte{}
		for name := range want {
			value, ok := v.Field(Hash, []byte(name))
			if !ok {
				t.Fatalf("%v form: no %s", f, name)
			}
			kept[name] = value
		}
		v.Each(Hash, func(_, _ []byte) bool { return true })
		for name, value := range kept {
			if string(value) != want[name] {
				t.Errorf("%v form: %s became %q, was %q", f, name, value, want[name])
			}
		}
		if _, ok := v.Field(Hash, []byte("field:0")); ok {
			t.Errorf("%v form: shows a removed field", f)
		}
		if _, ok := v.Field(Set, []byte("field:1")); ok {
			t.Errorf("%v form: shows a field of another kind", f)
		}
	}
}

func TestView_ExpiredLarge_IsGoneAtOnce(t *testing.T) {
	h, _ := filled(t, largeForm, 3000)
	h.update(writes(func(_ *View, d *Delta) { d.ExpireAt(500) }))
	if k := h.view(500).Kind(); k != Hash {
		t.Fatalf("at 500 it is %v", k)
	}
	if n := testing.AllocsPerRun(10, func() {
		if h.view(501).Kind() != None {
			t.Fatal("shown after its expiry")
		}
	}); n > 0 {
		t.Errorf("%v allocations to see that it is gone", n)
	}
	h.e.clock.Observe(At(501, 0, 0))
	h.update(writes(func(_ *View, d *Delta) { d.Put(Hash, []byte("new"), nil) }))
	if v := h.view(502); v.Len(Hash) != 1 || h.l.groups.Len() != 1 || !h.l.shrunk() {
		t.Errorf("after the next write it shows %d fields and holds %d", v.Len(Hash), h.l.groups.Len())
	}
}

// TestLarge_RandomFields_AsSmall drives both forms of a record of many fields.
func TestLarge_RandomFields_AsSmall(t *testing.T) {
	replay(t, rand.Uint64(), func(t *testing.T, rng *rand.Rand) {
		now := int64(100)
		small, big := one(t, smallForm, &now), one(t, mixedForm, &now)
		big.e.limits, big.fast = defaultLimits, true
		grown := 0
		for range 1500 {
			now += rng.Int64N(3)
			seed := rng.Uint64()
			u := writes(func(v *View, d *Delta) {
				rng := rand.New(rand.NewPCG(seed, 1))
				for range 1 + rng.IntN(20) {
					f := fmt.Appendf(nil, "%d", rng.IntN(400))
					switch rng.IntN(8) {
					case 0, 1, 2, 3:
						d.Put(Hash, f, bytes.Repeat([]byte("x"), rng.IntN(40)))
					case 4, 5:
						d.Add(Hash, f, 3)
					default:
						if _, ok := v.Field(Hash, f); ok {
							d.Remove(Hash, f)
						}
					}
				}
				switch {
				case seed%300 == 0:
					d.Delete()
				case seed%100 == 1:
					d.ExpireAt(d.Now() + 20)
				case seed%50 == 2:
					d.Persist()
				}
			})
			a, b := small.update(u), big.update(u)
			if a.Before != b.Before || !bytes.Equal(a.Delta, b.Delta) {
				t.Fatalf("forms wrote %x and %x, from %x and %x", a.Delta, b.Delta, a.Before, b.Before)
			}
			if big.l != nil {
				grown++
			}
		}
		if grown == 0 || grown == 1500 {
			t.Fatalf("large %d times", grown)
		}
		if small.digest() != big.digest() || small.atoms().text() != big.atoms().text() {
			t.Error("the forms ended apart")
		}
		if viewText(t, small.view(now)) != viewText(t, big.view(now)) {
			t.Error("the forms show different fields")
		}
	})
}
