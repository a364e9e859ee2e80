package datastore

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"
)

// TestMemory_ConcurrentUse runs everything at once, on keys that collide.
// Increments must add up, and no reader may see a torn value.
func TestMemory_ConcurrentUse(t *testing.T) {
	m, err := Open(t.Context(), Config{Dir: t.TempDir(), Sync: SyncEverySecond, Shards: 4})
	if err != nil {
		t.Fatal(err)
	}
	tiny(m)
	const workers, rounds, keys = 4, 1500, 20
	var wg sync.WaitGroup
	var background sync.WaitGroup
	stop := make(chan struct{})
	loop := func(fn func() error) {
		background.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := fn(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	loop(func() error {
		m.SetFloor(0, ^uint64(0), At(time.Now().UnixMilli()-50, 0, 0), Version{})
		m.Sweep(500)
		return nil
	})
	loop(func() error {
		_, _, err := m.Scan(0, ^uint64(0), func(e Entry) bool { e.Append(nil); return true })
		m.Stats()
		return err
	})
	loop(m.Rewrite)
	for w := range workers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 1))
			var dst []byte
			for i := range rounds {
				n := rng.IntN(keys)
				up, err := m.Update(fmt.Append(nil, "counter", n), updaterFunc(func(_ *View, d *Delta) { d.Add(String, nil, 1) }), dst[:0])
				if err != nil {
					t.Error(err)
					return
				}
				dst = up.Delta
				// Values whose every 8 bytes are equal.
				block := binary.BigEndian.AppendUint64(nil, uint64(w)<<32|uint64(i))
				value := make([]byte, 0, 4096)
				for range 1 + rng.IntN(500) {
					value = append(value, block...)
				}
				if _, err := m.Update(fmt.Append(nil, "value", n), &setter{value}, nil); err != nil {
					t.Error(err)
				}
				if err := m.Read(fmt.Append(nil, "value", rng.IntN(keys)), readerFunc(func(v *View) {
					text, _ := v.Text()
					for i := 8; i < len(text); i += 8 {
						if string(text[i:i+8]) != string(text[:8]) {
							t.Error("a reader saw a torn value")
							return
						}
					}
				})); err != nil {
					t.Error(err)
				}
				if _, err := m.Update(fmt.Append(nil, "hash", n), updaterFunc(func(_ *View, d *Delta) {
					d.Put(Hash, fmt.Append(nil, rng.IntN(20)), block)
				}), nil); err != nil {
					t.Error(err)
				}
				if i%10 == 0 {
					if err := m.Commit(); err != nil {
						t.Error(err)
					}
				}
				if i%100 == 0 {
					if _, err := m.MergeReset(0, 1, m.clock.Stamp()); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	close(stop)
	background.Wait()
	total := func(m *Memory) (n int) {
		for i := range keys {
			if err := m.Read(fmt.Append(nil, "counter", i), readerFunc(func(v *View) {
				text, _ := v.Text()
				x, _ := strconv.Atoi(string(text))
				n += x
			})); err != nil {
				t.Fatal(err)
			}
		}
		return n
	}
	if n := total(m); n != workers*rounds {
		t.Errorf("%d increments add up to %d", workers*rounds, n)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	m, err = Open(t.Context(), m.cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if n := total(m); n != workers*rounds {
		t.Errorf("%d increments add up to %d after a restart", workers*rounds, n)
	}
}
