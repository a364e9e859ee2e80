package datastoretest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/dynomite-go/dynomite/node/datastore"
)

func missingKey(t *testing.T, b *bench) {
	s := b.store(1)
	for _, key := range []string{"k", "", strings.Repeat("long", 30_000)} {
		s.wantShows(key, "none")
		if d := s.digest(key); d != 0 {
			t.Errorf("a missing key has the digest %x", d)
		}
		if rec := s.record(key); len(rec) != 0 {
			t.Errorf("a missing key has the record %x", rec)
		}
	}
}

func update(t *testing.T, b *bench) {
	s := b.store(7)
	first := s.set("k", "one")
	if first.Stamp.Node != 7 || first.Stamp.Millis() != b.wall.Load() || first.Before != 0 {
		t.Errorf("first update: %+v at %d", first, b.wall.Load())
	}
	s.wantShows("k", "string one")
	digest := s.digest("k")
	if digest == 0 {
		t.Error("the digest of a record is zero")
	}
	var saw string
	var now int64
	second := s.update("k", func(v *datastore.View, d *datastore.Delta) {
		saw, now = describe(v), v.Now()
		if d.Now() != v.Now() || d.Stamp().Millis() != v.Now() {
			t.Errorf("the view is of %d, the delta of %d", v.Now(), d.Now())
		}
		d.Overwrite([]byte("two"))
	})
	if saw != "string one" || now != second.Stamp.Millis() {
		t.Errorf("the second update saw %q at %d, its stamp is %v", saw, now, second.Stamp)
	}
	if second.Before != digest {
		t.Errorf("the second update saw the digest %x, it was %x", second.Before, digest)
	}
	if !first.Stamp.Less(second.Stamp) {
		t.Errorf("stamp %v came after %v", second.Stamp, first.Stamp)
	}
	s.wantShows("k", "string two")
	s.delete("k")
	s.wantShows("k", "none")
}

func looking(t *testing.T, b *bench) {
	s := b.store(1)
	s.set("k", "v")
	digest := s.digest("k")
	for _, key := range []string{"k", "missing"} {
		up := s.update(key, func(*datastore.View, *datastore.Delta) {})
		if up.Wrote || up.Stamp.IsZero() {
			t.Errorf("an update that only looks: %+v", up)
		}
	}
	if s.digest("k") != digest || s.digest("missing") != 0 || s.s.Len() != 1 {
		t.Error("an update that only looks changed something")
	}
}

func appending(t *testing.T, b *bench) {
	s := b.store(1)
	prefix := []byte("prefix")
	up, err := s.s.Update([]byte("k"), updater(func(_ *datastore.View, d *datastore.Delta) { d.Overwrite([]byte("v")) }), bytes.Clone(prefix))
	if err != nil || !bytes.HasPrefix(up.Delta, prefix) || len(up.Delta) == len(prefix) {
		t.Fatalf("Update: %q, %v", up.Delta, err)
	}
	delta := up.Delta[len(prefix):]
	up, err = s.s.Update([]byte("k"), updater(func(*datastore.View, *datastore.Delta) {}), bytes.Clone(prefix))
	if err != nil || !bytes.Equal(up.Delta, prefix) {
		t.Fatalf("Update that only looks: %q, %v", up.Delta, err)
	}
	rec, err := s.s.Record([]byte("k"), bytes.Clone(prefix))
	if err != nil || !bytes.HasPrefix(rec, prefix) || len(rec) == len(prefix) {
		t.Fatalf("Record: %q, %v", rec, err)
	}
	rec, err = s.s.Record([]byte("missing"), bytes.Clone(prefix))
	if err != nil || !bytes.Equal(rec, prefix) {
		t.Fatalf("Record of nothing: %q, %v", rec, err)
	}
	s.set("k", "newer")
	ans, err := s.s.Merge([]byte("k"), delta, datastore.MergeOptions{}, bytes.Clone(prefix))
	if err != nil || ans.Won || !bytes.HasPrefix(ans.Beat, prefix) || len(ans.Beat) == len(prefix) {
		t.Fatalf("Merge: %+v, %v", ans, err)
	}
	// Nothing that was returned changes later.
	o := b.store(2)
	o.merge("k", delta, datastore.MergeOptions{})
	o.wantShows("k", "string v")
}

func panicking(t *testing.T, b *bench) {
	s := b.store(1)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		s.s.Update([]byte("k"), updater(func(*datastore.View, *datastore.Delta) { panic("a command's fault") }), nil)
	}()
	s.set("k", "v") // not locked for ever
	s.wantShows("k", "string v")
}

func expiry(t *testing.T, b *bench) {
	s := b.store(1)
	at := b.wall.Load() + 1000
	s.update("k", func(_ *datastore.View, d *datastore.Delta) {
		d.Overwrite([]byte("v"))
		d.ExpireAt(at)
	})
	s.set("stays", "v")
	digest := s.digest("k")
	s.wantShows("k", fmt.Sprint("string v until ", at))
	b.pass(1000)
	s.wantShows("k", fmt.Sprint("string v until ", at)) // gone means later than that
	b.pass(1)
	s.wantShows("k", "none")
	s.wantShows("stays", "string v")
	if s.digest("k") != digest {
		t.Error("the passing of time changed a digest")
	}
	s.update("k", func(v *datastore.View, d *datastore.Delta) {
		if v.Kind() != datastore.None {
			t.Errorf("a command sees %q after the expiry", describe(v))
		}
		d.Add(datastore.String, nil, 5)
	})
	s.wantShows("k", "string 5")
	s.update("k", func(_ *datastore.View, d *datastore.Delta) { d.ExpireAt(d.Now() - 1) })
	s.wantShows("k", "none")
}

// converge writes on three nodes at once, delivers everything everywhere in
// any order, some of it twice, and wants equal replicas.
func converge(t *testing.T, b *bench) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	nodes := []*store{b.store(1), b.store(2), b.store(3)}
	keys := []string{"a", "b", "=c", "=d"}
	type written struct {
		key   string
		delta []byte
	}
	for range 20 {
		var all []written
		for range 12 {
			key := keys[rng.IntN(len(keys))]
			up := nodes[rng.IntN(3)].update(key, command(rng))
			if up.Wrote {
				all = append(all, written{key, up.Delta})
			}
			b.pass(int64(rng.IntN(3)))
		}
		for _, n := range nodes {
			for _, i := range rng.Perm(len(all)) {
				n.merge(all[i].key, all[i].delta, datastore.MergeOptions{})
				if rng.IntN(4) == 0 {
					again := all[rng.IntN(len(all))]
					n.merge(again.key, again.delta, datastore.MergeOptions{})
				}
			}
		}
		for _, key := range keys {
			nodes[0].equal(nodes[1], key)
			nodes[0].equal(nodes[2], key)
		}
		if nodes[0].s.Len() != nodes[1].s.Len() {
			t.Fatalf("Len %d and %d", nodes[0].s.Len(), nodes[1].s.Len())
		}
	}
}

// command is a random command that is valid whatever the key shows.
func command(rng *rand.Rand) updater {
	op, n := rng.IntN(9), rng.IntN(200)
	field := fmt.Append(nil, "f", n%10)
	value := bytes.Repeat([]byte{byte('a' + n%26)}, n)
	return func(v *datastore.View, d *datastore.Delta) {
		switch {
		case op < 2:
			d.Overwrite(value)
		case op == 2 && v.Kind() != datastore.None:
			d.Delete()
		case op == 3 && v.Kind() != datastore.None:
			d.ExpireAt(d.Now() + 1_000_000)
		case op == 4 && v.Kind() == datastore.None:
			d.Add(datastore.String, nil, int64(n))
		case op > 4 && (v.Kind() == datastore.None || v.Kind() == datastore.Hash):
			if _, ok := v.Field(datastore.Hash, field); ok && n%3 == 0 {
				d.Remove(datastore.Hash, field)
				return
			}
			for i := range n {
				d.Put(datastore.Hash, fmt.Append(field, i), value)
			}
		}
	}
}

func record(t *testing.T, b *bench) {
	s, o := b.store(1), b.store(2)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 200 {
		key := fmt.Sprint("key", i%10)
		s.update(key, command(rng))
		b.pass(1)
	}
	for i := range 10 {
		key := fmt.Sprint("key", i)
		rec := s.record(key)
		if len(rec) == 0 {
			continue
		}
		o.merge(key, rec, datastore.MergeOptions{})
		o.equal(s, key)
	}
}

func kinds(t *testing.T, b *bench) {
	s := b.store(1)
	for _, k := range []datastore.Kind{datastore.Hash, datastore.Set, datastore.ZSet} {
		key := k.String()
		for round := range 3 { // few fields, many, few again
			n := []int{3, 1000, 3}[round]
			s.update(key, func(v *datastore.View, d *datastore.Delta) {
				for i := range 1000 {
					field := fmt.Append(nil, "field", i)
					if _, ok := v.Field(k, field); i < n && !ok {
						d.Put(k, field, fmt.Append(nil, i))
					} else if i >= n && ok {
						d.Remove(k, field)
					}
				}
			})
			err := s.s.Read([]byte(key), reader(func(v *datastore.View) {
				if v.Kind() != k || v.Len(k) != n {
					t.Errorf("%v shows %v with %d fields, want %d", k, v.Kind(), v.Len(k), n)
				}
				for i := range n {
					if value, ok := v.Field(k, fmt.Append(nil, "field", i)); !ok || string(value) != fmt.Sprint(i) {
						t.Fatalf("field %d of %d is %q, %v", i, n, value, ok)
					}
				}
			}))
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

func sizes(t *testing.T, b *bench) {
	s := b.store(1)
	for _, keyLen := range []int{0, 1, 127, 128, 500, 33_000, 100_000} {
		for _, n := range []int{0, 1, 100, 127, 128, 4096, 16_384, 65_535, 70_000, 1 << 20, 3} {
			key, value := strings.Repeat("k", keyLen), strings.Repeat("v", n)
			s.set(key, value)
			s.wantShows(key, "string "+value)
		}
	}
	if n := s.s.Len(); n != 7 {
		t.Errorf("Len %d, want 7", n)
	}
}
