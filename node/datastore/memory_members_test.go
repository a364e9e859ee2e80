package datastore

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// Two replicas of a record become equal by exchanging parts: the fields that
// differ, and the rest.
func TestMembers_RandomHistories_PartsMakeEqual(t *testing.T) {
	seeded(t, 2*time.Second, func(t *testing.T, rng *rand.Rand) {
		a, b := newWorld(t, rng.Uint64(), Config{}), newWorld(t, rng.Uint64(), Config{})
		b.cfg.Clock.SetNode(7)
		b.wall += 3
		a.keys, b.keys = a.keys[:20], b.keys[:20]
		for range 300 {
			for _, w := range []*world{a, b} {
				key := w.key()
				up, err := w.m.Update(key, w.command(), nil)
				if err != nil {
					t.Fatal(err)
				}
				if up.Wrote {
					w.log = append(w.log, [2][]byte{key, up.Delta})
				}
			}
			for _, w := range []*world{a, b} {
				if len(w.log) == 0 || rng.IntN(3) > 0 {
					continue
				}
				o := a
				if w == a {
					o = b
				}
				d := w.log[rng.IntN(len(w.log))]
				if _, err := o.m.Merge(d[0], d[1], MergeOptions{}, nil); err != nil {
					t.Fatal(err)
				}
			}
			if rng.IntN(5) > 0 {
				continue
			}
			key := a.key()
			differ := 0
			for k := Kind(0); k < Kind(NumKinds); k++ {
				x, y := members(t, a.m, key, k), members(t, b.m, key, k)
				var hashes []uint64
				for h, d := range x {
					if y[h] != d {
						hashes = append(hashes, h)
					}
				}
				for h := range y {
					if _, ok := x[h]; !ok {
						hashes = append(hashes, h)
					}
				}
				differ += len(hashes)
				exchangeParts(t, a.m, b.m, key, k, hashes)
			}
			x, y := shape(t, a.m, key), shape(t, b.m, key)
			x.Large, y.Large, x.Newest, y.Newest = false, false, Version{}, Version{}
			if x != y {
				t.Fatalf("%.20q after %d fields:\n%+v\n%+v", key, differ, x, y)
			}
		}
	})
}

func shape(t *testing.T, m *Memory, key []byte) Shape {
	t.Helper()
	s, err := m.Shape(key)
	if err != nil {
		t.Fatal(err)
	}
	if d, _ := m.Digest(key); d != s.Digest {
		t.Fatalf("a shape with digest %x of a record with %x", s.Digest, d)
	}
	for k := Kind(0); k < Kind(NumKinds); k++ {
		sum := uint64(0)
		for _, d := range members(t, m, key, k) {
			sum += d
		}
		if sum != s.Members[k] {
			t.Fatalf("%v: the fields add up to %x, the shape has %x", k, sum, s.Members[k])
		}
	}
	return s
}

func members(t *testing.T, m *Memory, key []byte, k Kind) map[uint64]uint64 {
	t.Helper()
	out := map[uint64]uint64{}
	last := uint64(0)
	err := m.Members(key, k, 0, ^uint64(0), func(hash, digest uint64) bool {
		if hash < last {
			t.Fatal("not in the order of hashes")
		}
		last = hash
		out[hash] += digest
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func exchangeParts(t *testing.T, a, b *Memory, key []byte, k Kind, hashes []uint64) {
	t.Helper()
	x, err := a.Part(key, k, hashes, nil)
	if err != nil {
		t.Fatal(err)
	}
	y, err := b.Part(key, k, hashes, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []struct {
		m    *Memory
		part []byte
	}{{a, y}, {b, x}} {
		if len(p.part) == 0 {
			continue
		}
		if _, err := p.m.Merge(key, p.part, MergeOptions{}, nil); err != nil {
			t.Fatal(err)
		}
	}
}

// A part of a large hash names what it was asked for, in any order, and no more.
func TestPart_OfMany_IsSmall(t *testing.T) {
	m, err := Open(t.Context(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	key := []byte("h")
	if _, err := m.Update(key, updaterFunc(func(_ *View, d *Delta) {
		for i := range 3000 {
			d.Put(Hash, []byte{byte(i), byte(i >> 8)}, bytes.Repeat([]byte{'v'}, 30))
		}
	}), nil); err != nil {
		t.Fatal(err)
	}
	if s := shape(t, m, key); !s.Large {
		t.Fatal("3,000 fields are not large")
	}
	var hashes []uint64
	n := 0
	for h := range members(t, m, key, Hash) {
		hashes = append(hashes, h)
		if n++; n == 3 {
			break
		}
	}
	part, err := m.Part(key, Hash, append(hashes, hashes...), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(part) > 300 {
		t.Fatalf("3 fields of 30 bytes make a part of %d bytes", len(part))
	}
	o, err := Open(t.Context(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	if _, err := o.Merge(key, part, MergeOptions{}, nil); err != nil {
		t.Fatal(err)
	}
	got := members(t, o, key, Hash)
	want := slices.Sorted(slices.Values(hashes))
	var have []uint64
	for h := range got {
		have = append(have, h)
	}
	slices.Sort(have)
	if !slices.Equal(have, want) {
		t.Fatalf("the part has %x, want %x", have, want)
	}
}
