package datastore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
)

const millionKeys = 1_000_000

// million has a million keys of 16 bytes with values of 100 bytes. It is
// made once: filling takes longer than measuring.
var million = sync.OnceValue(func() *Memory {
	m, err := Open(context.Background(), Config{})
	if err != nil {
		panic(err)
	}
	var dst []byte
	set := &setter{value: make([]byte, 100)}
	for i := range millionKeys {
		up, err := m.Update(millionKey(i), set, dst[:0])
		if err != nil {
			panic(err)
		}
		dst = up.Delta
	}
	return m
})

func millionKey(i int) []byte { return fmt.Appendf(nil, "key:%012d", i) }

type setter struct{ value []byte }

func (s *setter) Update(_ *View, d *Delta) { d.Overwrite(s.value) }

type getter struct{ n int }

func (g *getter) Read(v *View) {
	value, _ := v.Text()
	g.n += len(value)
}

func millionRandom() [][]byte {
	keys := make([][]byte, 1<<16)
	for i := range keys {
		keys[i] = millionKey(rand.IntN(millionKeys))
	}
	return keys
}

func BenchmarkMemory(b *testing.B) {
	m := million()
	runtime.GC()
	keys := millionRandom()
	b.Run("Read/1M", func(b *testing.B) {
		b.ReportAllocs()
		var g getter
		i := 0
		for b.Loop() {
			if err := m.Read(keys[i&(1<<16-1)], &g); err != nil {
				b.Fatal(err)
			}
			i++
		}
		if g.n != 100*i {
			b.Fatal("wrong values")
		}
	})
	b.Run("Update/1M", func(b *testing.B) {
		b.ReportAllocs()
		set := &setter{value: make([]byte, 100)}
		var dst []byte
		i := 0
		for b.Loop() {
			up, err := m.Update(keys[i&(1<<16-1)], set, dst[:0])
			if err != nil {
				b.Fatal(err)
			}
			dst = up.Delta
			i++
		}
	})
	b.Run("Merge/1M", func(b *testing.B) {
		b.ReportAllocs()
		clock := NewClock(2, nil)
		delta := append(appendPlain(nil, shapePlain, Version{}, 0), make([]byte, 100)...)
		var dst []byte
		i := 0
		for b.Loop() {
			clock.Stamp().Append(delta[1:1])
			ans, err := m.Merge(keys[i&(1<<16-1)], delta, MergeOptions{}, dst[:0])
			if err != nil || !ans.Won && i == 0 {
				b.Fatal(ans, err)
			}
			dst = ans.Beat
			i++
		}
	})
	b.Run("Scan/1M", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			n := 0
			if _, _, err := m.Scan(0, ^uint64(0), func(Entry) bool { n++; return true }); err != nil || n != millionKeys {
				b.Fatal(n, err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/millionKeys, "ns/key")
	})
	b.Run("Parallel/Read/1M", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			var g getter
			i := rand.IntN(1 << 16)
			for pb.Next() {
				if err := m.Read(keys[i&(1<<16-1)], &g); err != nil {
					b.Error(err)
				}
				i++
			}
		})
	})
}
