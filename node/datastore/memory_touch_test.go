package datastore

import (
	"bytes"
	"fmt"
	"testing"
)

// touched is a store of some records of every form, and their keys.
func touched(t *testing.T, shards int) (*Memory, [][]byte) {
	m, err := Open(t.Context(), Config{Shards: shards})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	keys := [][]byte{make([]byte, maxSlabKey+1)}
	for i := range 3000 {
		keys = append(keys, fmt.Appendf(nil, "key:%012d", i))
	}
	for i, key := range keys {
		n := i % 500
		if n == 0 {
			n = 9000 // aside
		}
		if _, err := m.Update(key, &setter{bytes.Repeat([]byte{byte(i)}, n)}, nil); err != nil {
			t.Fatal(err)
		}
	}
	return m, keys
}

// TestMemory_TouchFindsTheRecords: every record that is there, in stores of few
// shards and of many, and nothing else; and every lock is given back.
func TestMemory_TouchFindsTheRecords(t *testing.T) {
	for _, shards := range []int{1, 64, 256} {
		m, keys := touched(t, shards)
		sums, missed := make(map[uint64]bool), 0
		for i := 0; i < len(keys); i += MostTouched {
			some := keys[i:min(i+MostTouched, len(keys))]
			found, sum := m.touch(some)
			sums[sum] = true
			missed += len(some) - found
			if found < len(some)/2 {
				t.Errorf("%d shards: found %d of %d", shards, found, len(some))
			}
		}
		// One per leaf begins it; and of more than 64 shards two may stand in each
		// other's way.
		if missed > len(keys)/20 && shards <= 64 {
			t.Errorf("%d shards: missed %d of %d", shards, missed, len(keys))
		}
		if len(sums) < 10 {
			t.Errorf("%d shards: nothing was loaded", shards)
		}
		if found, _ := m.touch([][]byte{[]byte("nothing"), nil}); found != 0 {
			t.Errorf("%d shards: found %d that are not there", shards, found)
		}
		if found, _ := m.touch(keys[:MostTouched+10]); found > MostTouched {
			t.Errorf("%d shards: found %d, more than fit", shards, found)
		}
		for i := range m.shards {
			if !m.shards[i].mu.TryLock() {
				t.Errorf("%d shards: shard %d stayed locked", shards, i)
			}
			m.shards[i].mu.Unlock()
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		m.Touch(keys)
	}
}

// TestMemory_TouchWaitsForNobody: a shard that is in use is left out.
func TestMemory_TouchWaitsForNobody(t *testing.T) {
	m, keys := touched(t, 64)
	s := m.shard(m.token(keys[1]))
	s.mu.Lock()
	defer s.mu.Unlock()
	if found, _ := m.touch(keys[1:2]); found != 0 {
		t.Error("a record was found under another's lock")
	}
	if found, _ := m.touch(keys[1 : MostTouched+1]); found == 0 || found == MostTouched {
		t.Errorf("found %d of %d", found, MostTouched)
	}
}
