package datastore

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
	"time"
)

// TestJoinDeltas_ThenMerged_IsAllOfThemMerged: a queue that keeps one delta
// per key gives a replica what every delta would have given it.
func TestJoinDeltas_ThenMerged_IsAllOfThemMerged(t *testing.T) {
	for _, f := range forms {
		t.Run(f.String(), func(t *testing.T) {
			seeded(t, 300*time.Millisecond, func(t *testing.T, rng *rand.Rand) {
				ds, rs, wall := history(t, rng, f, 2+rng.IntN(6), 2+rng.IntN(2), pick(rng, menus))
				var joined []byte
				want, got := newReplica(t, f, 99, 0), newReplica(t, f, 98, 0)
				start := pick(rng, rs).whole() // the absent one has something already
				for _, r := range []*replica{want, got} {
					r.o = oJoin(r.o, start.o)
					if !start.o.rr.IsZero() {
						r.h.reset(start.o.rr)
					}
					if len(start.b) > 0 {
						r.h.merge(start.b, MergeOptions{})
					}
				}
				for _, i := range rng.Perm(len(ds)) {
					d := ds[i]
					want.o, got.o = oJoin(want.o, d.o), oJoin(got.o, d.o)
					if !d.o.rr.IsZero() { // it travels beside the deltas
						want.h.reset(d.o.rr)
						got.h.reset(d.o.rr)
					}
					if len(d.b) == 0 {
						continue
					}
					want.h.merge(d.b, MergeOptions{})
					var err error
					switch {
					case joined == nil:
						joined = bytes.Clone(d.b)
					case rng.IntN(2) == 0:
						joined, err = JoinDeltas(nil, joined, d.b)
					default:
						joined, err = JoinDeltas([]byte{}, d.b, joined)
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				if joined != nil {
					got.h.merge(joined, MergeOptions{})
				}
				if a, b := want.h.encoded(), got.h.encoded(); !bytes.Equal(a, b) {
					t.Fatalf("merged one by one %x, joined first %x", a, b)
				}
				got.compare()
				got.compareViews(wall, wall+5)
			})
		})
	}
}

func TestJoinDeltas_AppendsAndRefuses(t *testing.T) {
	v := Version{Time: 7 << 16, Node: 1}
	set := append(appendPlain(nil, shapePlain, v, 0), "value"...)
	got, err := JoinDeltas([]byte("before"), set, set)
	if err != nil || !bytes.Equal(got, append([]byte("before"), set...)) {
		t.Errorf("%q, %v", got, err)
	}
	for _, bad := range [][]byte{nil, {0xff}, set[:5]} {
		if got, err := JoinDeltas([]byte("x"), set, bad); !errors.Is(err, ErrMalformed) || string(got) != "x" {
			t.Errorf("%x: %q, %v", bad, got, err)
		}
		if got, err := JoinDeltas([]byte("x"), bad, set); !errors.Is(err, ErrMalformed) || string(got) != "x" {
			t.Errorf("%x: %q, %v", bad, got, err)
		}
	}
}

func FuzzJoinDeltas(f *testing.F) {
	v := Version{Time: 7 << 16, Node: 1}
	f.Add(append(appendPlain(nil, shapePlain, v, 0), "a"...), append(appendPlain(nil, shapeBareExpiry, v, 9), "b"...))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		x, errX := JoinDeltas(nil, a, b)
		y, errY := JoinDeltas(nil, b, a)
		if (errX == nil) != (errY == nil) || !bytes.Equal(x, y) {
			t.Fatalf("%x %v, the other way round %x %v", x, errX, y, errY)
		}
		if errX != nil {
			return
		}
		if z, err := JoinDeltas(nil, x, a); err != nil || !bytes.Equal(z, x) {
			t.Fatalf("joined with a again: %x, was %x, %v", z, x, err)
		}
	})
}
