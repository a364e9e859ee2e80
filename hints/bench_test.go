package hints

import (
	"fmt"
	"sync"
	"testing"
)

// BenchmarkAppend_64Goroutines_Fsync: each append returns after a sync.
func BenchmarkAppend_64Goroutines_Fsync(b *testing.B) {
	l, _ := open(b, Config{FS: OS(b.TempDir()), Sync: Always, MaxBytes: 8 << 30})
	value := make([]byte, 128)
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	for g := range 64 {
		wg.Go(func() {
			for i := g; i < b.N; i += 64 {
				if err := l.Append("b", uint64(i), fmt.Appendf(nil, "key%012d", i), value); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
}

func BenchmarkAdd_Coalesced(b *testing.B) {
	newest := func(dst, _, _, newer []byte) ([]byte, error) { return append(dst, newer...), nil }
	l, _ := open(b, Config{Join: newest})
	value := make([]byte, 128)
	keys := make([][]byte, 10_000)
	for i := range keys {
		keys[i] = fmt.Appendf(nil, "key%012d", i)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if err := l.Add("b", 1, keys[i%len(keys)], value); err != nil {
			b.Fatal(err)
		}
		if i++; i%100 == 0 {
			l.Commit()
		}
	}
}
