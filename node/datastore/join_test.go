package datastore

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

var steps = []int64{0, 0, 1, 1, 2, 4}

func pick[T any](rng *rand.Rand, s []T) T { return s[rng.IntN(len(s))] }

// TestSequential_OneReplica_IsRedis runs random commands on one replica and
// on a tiny Redis.
func TestSequential_OneReplica_IsRedis(t *testing.T) {
	for _, f := range forms {
		t.Run(f.String(), func(t *testing.T) {
			seeded(t, 200*time.Millisecond, func(t *testing.T, rng *rand.Rand) {
				r, redis, m := newReplica(t, f, 1, 0), &oRedis{}, pick(rng, menus)
				wall := int64(10)
				for range 1 + rng.IntN(12) {
					wall += pick(rng, steps)
					c := pick(rng, m).concrete(r.now(wall))
					v, reply, _ := r.do(wall, c)
					if want := redis.do(v.Millis(), c); reply != want {
						t.Fatalf("%v replied %q, Redis %q", c, reply, want)
					}
					for _, dt := range []int64{0, 1, 3, 9} {
						q := v.Millis() + dt
						r.compareViews(q)
						if got, want := r.o.view(q), redis.view(q); got != want {
							t.Fatalf("after %v at %d: %s, Redis %s", c, q, got, want)
						}
					}
				}
			})
		})
	}
}

// history runs random commands on replicas that hear of each other's deltas
// late, or never.
func history(t *testing.T, rng *rand.Rand, f form, n, replicas int, m []oCommand) (ds []*odelta, rs []*replica, wall int64) {
	for i := range replicas {
		rs = append(rs, newReplica(t, f, uint32(i+1), rng.Int64N(7)-3))
	}
	seen := newDigests()
	wall = 10
	for range n {
		wall += pick(rng, steps)
		r := pick(rng, rs)
		_, _, d := r.do(wall, pick(rng, m).concrete(r.now(wall)))
		if d != nil {
			ds = append(ds, d)
		}
		for _, d := range ds {
			for _, r := range rs {
				if rng.IntN(5) == 0 {
					r.merge(d)
					seen.note(t, r.h, r.o)
				}
			}
		}
		r.compareViews(wall-2, wall, wall+1, wall+5)
		seen.note(t, r.h, r.o)
	}
	return ds, rs, wall
}

// split returns the single atoms of deltas.
func split(ds []*odelta) (out []*odelta) {
	for _, d := range ds {
		for _, a := range oSplit(d.o) {
			x := &odelta{o: a, b: encodeORec(a)}
			if !a.rr.IsZero() {
				x.b = nil
			}
			out = append(out, x)
		}
	}
	return out
}

// fold joins deltas into an empty replica.
func fold(t *testing.T, f form, ds []*odelta) *replica {
	r := newReplica(t, f, 99, 0)
	for _, d := range ds {
		r.o = oJoin(r.o, d.o)
		if !d.o.rr.IsZero() {
			r.h.reset(d.o.rr)
		}
		if len(d.b) > 0 {
			r.h.merge(d.b, MergeOptions{})
		}
	}
	r.compare()
	return r
}

// whole is a replica's record as a delta.
func (r *replica) whole() *odelta {
	return &odelta{o: r.o, b: r.h.encoded()}
}

// TestJoin_AnyOrderAnyPieces_SameRecordSameViews is the law of the package:
// whatever the order, the repetition, the pieces and the road, replicas that have got
// the same have the same, and show the same at any time.
func TestJoin_AnyOrderAnyPieces_SameRecordSameViews(t *testing.T) {
	for _, f := range forms {
		t.Run(f.String(), func(t *testing.T) {
			seeded(t, 700*time.Millisecond, func(t *testing.T, rng *rand.Rand) {
				ds, rs, wall := history(t, rng, f, 2+rng.IntN(6), 2+rng.IntN(2), pick(rng, menus))
				checkLaws(t, rng, f, ds, rs, wall)
			})
		})
	}
}

func checkLaws(t *testing.T, rng *rand.Rand, f form, ds []*odelta, rs []*replica, wall int64) {
	t.Helper()
	want := fold(t, f, ds)
	text, digest := want.o.text(), want.h.digest()
	times := []int64{0, wall - 3, wall, wall + 2, wall + 4, wall + 8, wall + 50}
	want.compareViews(times...)
	same := func(how string, r *replica) {
		t.Helper()
		if r.o.text() != text || r.h.digest() != digest {
			t.Fatalf("%s\n got %s\nwant %s", how, r.o.text(), text)
		}
		r.compareViews(times...)
	}
	atoms := split(ds)
	for range 2 {
		pieces := slices.Concat(atoms, ds[:min(2, len(ds))])
		for _, r := range rs {
			if rng.IntN(2) == 0 {
				pieces = append(pieces, r.whole())
			}
		}
		rng.Shuffle(len(pieces), func(i, j int) { pieces[i], pieces[j] = pieces[j], pieces[i] })
		same("shuffled pieces", fold(t, f, pieces))
		for len(pieces) > 1 {
			i := rng.IntN(len(pieces))
			a := pieces[i]
			pieces = slices.Delete(pieces, i, i+1)
			j := rng.IntN(len(pieces))
			pieces[j] = fold(t, f, []*odelta{a, pieces[j]}).whole()
		}
		same("a tree of joins", fold(t, f, pieces))
	}
	for _, r := range rs {
		all := slices.Clone(ds)
		rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for _, d := range all {
			r.merge(d)
		}
		same("a replica", r)
		before := r.h.encoded()
		r.merge(r.whole())
		if string(r.h.encoded()) != string(before) {
			t.Fatal("joining a record to itself changes it")
		}
	}
}

// TestJoin_OneStampTwoContents_ReplicasAgree: no writer does this; if a fault
// does, the order of arrival must not decide.
func TestJoin_OneStampTwoContents_ReplicasAgree(t *testing.T) {
	v, w := At(10, 0, 1), At(9, 0, 1)
	one := func(set func(*oRec)) []byte {
		r := newORec()
		set(r)
		return encodeORec(r)
	}
	reg := func(val string, tomb bool) []byte {
		return one(func(r *oRec) { r.reg[oField{Hash, "f"}] = oReg{v, val, tomb} })
	}
	sum := func(born Version, n int64) []byte {
		return one(func(r *oRec) { r.slot[oSlotKey{oField{Hash, "f"}, 1}] = oSlot{v, born, n} })
	}
	el := func(pos int64, prev Version, val string) []byte {
		return one(func(r *oRec) { r.el[v] = oEl{v, pos, prev, val} })
	}
	expiry := func(at int64) []byte { return one(func(r *oRec) { r.exp, r.expAt = v, at }) }
	for i, pair := range [][2][]byte{
		{reg("a", false), reg("b", false)},
		{reg("a", false), reg("", true)},
		{sum(v, 1), sum(v, 2)},
		{sum(v, 1), sum(w, 1)},
		{el(1, w, "a"), el(1, w, "b")},
		{el(1, w, "a"), el(2, w, "a")},
		{el(1, w, "a"), el(1, w.Pred(), "a")},
		{expiry(20), expiry(0)},
	} {
		for _, f := range forms {
			a, b := newHolder(t, f, NewClock(1, nil)), newHolder(t, f, NewClock(1, nil))
			a.merge(pair[0], MergeOptions{})
			a.merge(pair[1], MergeOptions{})
			b.merge(pair[1], MergeOptions{})
			b.merge(pair[0], MergeOptions{})
			if a.digest() != b.digest() {
				t.Errorf("pair %d, %v form: %s and %s", i, f, a.atoms().text(), b.atoms().text())
			}
		}
	}
}
