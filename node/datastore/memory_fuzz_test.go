package datastore

import (
	"bytes"
	"fmt"
	"testing"
)

// FuzzMemory_Merge merges any bytes into nothing, a string, a small hash and a
// tree. They are joined, or are an error and change nothing.
func FuzzMemory_Merge(f *testing.F) {
	m, err := Open(f.Context(), Config{Clock: NewClock(1, func() int64 { return 1_700_000_000_000 })})
	if err != nil {
		f.Fatal(err)
	}
	seeds := tiny(m)
	defer m.Close()
	for i, n := range []int{0, 3, 40} {
		up, err := seeds.Update(fmt.Append(nil, "seed", i), updaterFunc(func(_ *View, d *Delta) {
			if n == 0 {
				d.Overwrite([]byte("value"))
				d.ExpireAt(d.Now() + 100)
			}
			for j := range n {
				d.Put(Hash, fmt.Append(nil, "field", j), []byte("value"))
			}
		}), nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(up.Delta)
		f.Add(up.Delta[:len(up.Delta)/2])
	}
	f.Fuzz(func(t *testing.T, delta []byte) {
		m, err := Open(t.Context(), Config{Shards: 1, Clock: NewClock(1, func() int64 { return 1_700_000_000_000 })})
		if err != nil {
			t.Fatal(err)
		}
		tiny(m)
		defer m.Close()
		for key, fields := range map[string]int{"nothing": 0, "string": 0, "hash": 3, "tree": 40} {
			_, err := m.Update([]byte(key), updaterFunc(func(_ *View, d *Delta) {
				if key == "string" {
					d.Overwrite([]byte("text"))
				}
				for j := range fields {
					d.Put(Hash, fmt.Append(nil, "field", j), []byte("value"))
				}
			}), nil)
			if err != nil {
				t.Fatal(err)
			}
			before, _ := m.Digest([]byte(key))
			_, err = m.Merge([]byte(key), delta, MergeOptions{Check: true}, nil)
			after, _ := m.Digest([]byte(key))
			if err != nil {
				if before != after {
					t.Fatalf("%x is refused by %q (%v) and changes it", delta, key, err)
				}
				continue
			}
			// A record that was merged can be merged again.
			rec, _ := m.Record([]byte(key), nil)
			if len(rec) == 0 {
				continue
			}
			if _, err := m.Merge([]byte("copy"+key), rec, MergeOptions{}, nil); err != nil {
				t.Fatalf("the record %x is refused: %v", rec, err)
			}
			again, _ := m.Record([]byte("copy"+key), nil)
			if !bytes.Equal(rec, again) {
				t.Fatalf("%x was copied as %x", rec, again)
			}
			m.Sweep(10)
		}
	})
}
