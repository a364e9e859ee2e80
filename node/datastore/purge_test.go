package datastore

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// oPurge is the specification's purge.
func oPurge(r *oRec, floor, floorBefore Version) *oRec {
	r = r.copy()
	if r.expAt != 0 && End(r.expAt).Compare(floorBefore) <= 0 && r.exp.Compare(floorBefore) <= 0 {
		kept, stamp := r.reset, r.rs
		r.reset = oMax(r.reset, End(r.expAt))
		r.exp, r.expAt = Version{}, 0
		r.norm()
		r.reset, r.rs = kept, stamp
	}
	if r.rs.Compare(floor) <= 0 {
		r.reset, r.rs = Version{}, Version{}
	}
	for k, v := range r.ks {
		if v.Compare(floor) <= 0 {
			delete(r.kreset, k)
			delete(r.ks, k)
		}
	}
	if r.expAt == 0 && r.exp.Compare(floor) <= 0 {
		r.exp = Version{}
	}
	for k, x := range r.reg {
		if x.tomb && x.v.Compare(floor) <= 0 {
			delete(r.reg, k)
		}
	}
	if r.remv.Compare(floor) <= 0 {
		r.remv, r.rem = Version{}, map[uint32][]oInterval{}
	}
	return r
}

func (h *holder) purge(floor, before Version) {
	h.t.Helper()
	if h.l != nil {
		h.e.lpurge(h.l, h.key, h.cut, floor, before)
		h.settle(nil)
		return
	}
	out, _ := h.e.purge(h.rec, h.cut, floor, before)
	h.settle(out)
}

// TestPurge_ClusterOfOne_ShowsAsIfNothingWerePurged has one replica purge at
// floors below its clock, next to one that keeps everything.
func TestPurge_ClusterOfOne_ShowsAsIfNothingWerePurged(t *testing.T) {
	for _, f := range forms {
		t.Run(f.String(), func(t *testing.T) {
			seeded(t, 120*time.Millisecond, func(t *testing.T, rng *rand.Rand) {
				r, kept, m := newReplica(t, f, 1, 0), newORec(), pick(rng, menus)
				var floor, before Version
				wall := int64(10)
				for range 1 + rng.IntN(12) {
					wall += pick(rng, steps)
					c := pick(rng, m).concrete(r.now(wall))
					v, reply, _ := r.do(wall, c)
					want, d := oExecute(kept, v, c)
					if reply != want {
						t.Fatalf("%v replied %q, without purges %q", c, reply, want)
					}
					if d != nil {
						kept = oJoin(kept, d)
					}
					for _, dt := range []int64{0, 1, 4, 30} {
						if got, want := r.o.view(v.Millis()+dt), kept.view(v.Millis()+dt); got != want {
							t.Fatalf("at %d shows %s, without purges %s", v.Millis()+dt, got, want)
						}
					}
					if rng.IntN(3) == 0 {
						before, floor = floor, v
						r.o = oPurge(r.o, floor, before)
						r.h.purge(floor, before)
						r.compare()
						r.compareViews(wall, wall+3)
					}
				}
			})
		})
	}
}

// TestPurge_Floors_LetGoWhatTheyMay names what goes at which floor.
func TestPurge_Floors_LetGoWhatTheyMay(t *testing.T) {
	v := func(ms int64) Version { return At(ms, 0, 1) }
	all := newORec()
	all.reset, all.rs = v(4), v(10)
	all.exp, all.expAt = v(11), 20
	all.reg[oField{Hash, "gone"}] = oReg{v: v(12), tomb: true}
	all.reg[oField{Hash, "here"}] = oReg{v: v(13), val: "1"}
	all.reg[oField{Hash, "later"}] = oReg{v: v(25), val: "1"}
	// A slot that was born on a tombstone stays when that goes.
	all.reg[oField{Hash, "again"}] = oReg{v: v(12), tomb: true}
	all.slot[oSlotKey{oField{Hash, "again"}, 1}] = oSlot{v(24), v(24), 1}
	for _, f := range forms {
		for _, x := range []struct {
			floor, before Version
			want          []string // what is left
		}{
			{v(9), v(9), []string{"reset", "gone", "here", "later", "expiry"}},
			{v(10), v(9), []string{"gone", "here", "later", "expiry"}},
			{v(12), v(12), []string{"here", "later", "expiry"}},
			{v(30), v(12), []string{"here", "later", "expiry"}},
			{v(30), End(20).Pred(), []string{"here", "later", "expiry"}},
			{v(30), End(20), []string{"later"}},
		} {
			h := newHolder(t, f, NewClock(1, nil))
			h.merge(encodeORec(all), MergeOptions{})
			h.purge(x.floor, x.before)
			r := h.atoms()
			var got []string
			if !r.reset.IsZero() {
				got = append(got, "reset")
			}
			for _, name := range []string{"gone", "here", "later"} {
				if _, ok := r.reg[oField{Hash, name}]; ok {
					got = append(got, name)
				}
			}
			if _, ok := r.slot[oSlotKey{oField{Hash, "again"}, 1}]; !ok {
				t.Errorf("%v form, floors %v and %v: a slot went", f, x.floor, x.before)
			}
			if _, ok := r.reg[oField{Hash, "again"}]; ok != x.floor.Less(v(12)) {
				t.Errorf("%v form, floors %v and %v: the tombstone under a slot is held: %v", f, x.floor, x.before, ok)
			}
			if !r.exp.IsZero() {
				got = append(got, "expiry")
			}
			if !slices.Equal(got, x.want) {
				t.Errorf("%v form, floors %v and %v: left %v, want %v", f, x.floor, x.before, got, x.want)
			}
		}
	}
}

func TestPurge_PlainString_LosesItsReset(t *testing.T) {
	e := newEngine(NewClock(1, nil), 1)
	v := At(5, 0, 1)
	rec := append(appendPlain(nil, shapePlain, v, 0), "x"...)
	if out, _ := e.purge(rec, Version{}, v.Pred(), v.Pred()); out != nil {
		t.Fatalf("purged above the floor: %x", out)
	}
	out, _ := e.purge(rec, Version{}, v, v)
	out = slices.Clone(out)
	if len(out) == 0 || out[0] != shapeBare || string(out[1:]) != string(rec[1:]) {
		t.Fatalf("got %x of %x", out, rec)
	}
	if again, _ := e.purge(out, Version{}, v, v); again != nil {
		t.Fatalf("purged twice: %x", again)
	}
}
