package hints

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

// timedFS notes how long syncs take.
type timedFS struct {
	FS
	mu    sync.Mutex
	syncs []time.Duration
}

type timedFile struct {
	File
	fs *timedFS
}

func (f *timedFS) Create(name string) (File, error) {
	file, err := f.FS.Create(name)
	return timedFile{file, f}, err
}

func (f timedFile) Preallocate(from, to int64) error {
	if p, ok := f.File.(Preallocator); ok {
		return p.Preallocate(from, to)
	}
	return nil
}

func (f timedFile) Sync() error {
	began := time.Now()
	err := f.File.Sync()
	f.fs.mu.Lock()
	f.fs.syncs = append(f.fs.syncs, time.Since(began))
	f.fs.mu.Unlock()
	return err
}

// report says what the disk had to do with a result.
func (f *timedFS) report(b *testing.B) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.syncs) == 0 {
		return
	}
	slices.Sort(f.syncs)
	b.ReportMetric(float64(b.N)/float64(len(f.syncs)), "appends/sync")
	b.ReportMetric(float64(f.syncs[len(f.syncs)/2].Microseconds()), "µs/sync-median")
}

// BenchmarkAppend_64Goroutines_Fsync: each append returns after a sync.
func BenchmarkAppend_64Goroutines_Fsync(b *testing.B) {
	disk := &timedFS{FS: OS(b.TempDir())}
	l, _ := open(b, Config{FS: disk, Sync: Always, MaxBytes: 8 << 30})
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
	disk.report(b)
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

// BenchmarkCoalesce_Million: a million writes to ten thousand keys, on a disk,
// committed a hundred at a time.
func BenchmarkCoalesce_Million(b *testing.B) {
	newest := func(dst, _, _, newer []byte) ([]byte, error) { return append(dst, newer...), nil }
	value := make([]byte, 128)
	b.ReportAllocs()
	for b.Loop() {
		l, _ := open(b, Config{FS: OS(b.TempDir()), Join: newest})
		for i := range 1_000_000 {
			k := i % 10_000
			if err := l.Add("b", uint64(k), fmt.Appendf(nil, "key%012d", k), value); err != nil {
				b.Fatal(err)
			}
			if i%100 == 99 {
				l.Commit()
			}
		}
		s := l.Stats("b")
		b.ReportMetric(float64(s.Records), "records")
		b.ReportMetric(float64(s.DiskBytes)/(1<<20), "MiB-on-disk")
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(1e6*float64(b.N)/b.Elapsed().Seconds(), "writes/s")
}
