package datastore

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/dynomite-go/dynomite/node/datastore/internal/offheap"
)

// TestMemory_BytesPerKey holds the store to its promise: a key of 16 bytes with
// a value of 100 takes at most 160 bytes with everything; redis-server takes
// 208. The rest of a run and of a block that each shard has weighs less the more keys there are.
func TestMemory_BytesPerKey(t *testing.T) {
	m, err := Open(t.Context(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	const n = 200_000
	set, dst := &setter{value: make([]byte, 100)}, []byte(nil)
	for i := range n {
		up, err := m.Update(millionKey(i), set, dst[:0])
		if err != nil {
			t.Fatal(err)
		}
		dst = up.Delta
	}
	st := m.Stats()
	per := float64(st.Bytes) / n
	t.Logf("%.1f bytes per key; %+v", per, st)
	if st.Keys != n || per > 160 {
		t.Errorf("%.1f bytes per key, want at most 160", per)
	}
}

func TestMemory_Empty_TakesAlmostNothing(t *testing.T) {
	m, err := Open(t.Context(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if _, err := m.Update([]byte("k"), &setter{[]byte("v")}, nil); err != nil {
		t.Fatal(err)
	}
	if st := m.Stats(); st.Bytes > 64<<10 {
		t.Errorf("one key takes %d bytes", st.Bytes)
	}
}

// TestMemory_ShrinksWithItsContents deletes nine keys of ten at random and
// looks that the memory follows, and that what is left is intact.
func TestMemory_ShrinksWithItsContents(t *testing.T) {
	m, err := Open(t.Context(), Config{Shards: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	const n = 30_000
	key := func(i int) []byte { return fmt.Appendf(nil, "key:%08d", i) }
	value := func(i int) []byte { return fmt.Appendf(nil, "%0*d", 60+i%7*20, i) }
	for i := range n {
		if _, err := m.Update(key(i), &setter{value(i)}, nil); err != nil {
			t.Fatal(err)
		}
	}
	full := m.Stats()
	rng := rand.New(rand.NewPCG(1, 2))
	kept := map[int]bool{}
	for _, i := range rng.Perm(n) {
		if len(kept) < n/10 {
			kept[i] = true
			continue
		}
		if _, err := m.Update(key(i), updaterFunc(func(_ *View, d *Delta) { d.Delete() }), nil); err != nil {
			t.Fatal(err)
		}
	}
	m.SetFloor(0, ^uint64(0), m.clock.High(), Version{})
	for m.Sweep(1000) > 0 {
	}
	st := m.Stats()
	t.Logf("%+v -> %+v", full, st)
	if st.Records != n/10 || offheap.Returns && st.Bytes > full.Bytes/2 {
		t.Errorf("a tenth of the records takes %d of %d bytes", st.Bytes, full.Bytes)
	}
	for i := range n {
		got := ""
		if err := m.Read(key(i), readerFunc(func(v *View) {
			text, _ := v.Text()
			got = string(text)
		})); err != nil {
			t.Fatal(err)
		}
		if want := string(value(i)); kept[i] && got != want || !kept[i] && got != "" {
			t.Fatalf("key %d is %q", i, got)
		}
	}
}
