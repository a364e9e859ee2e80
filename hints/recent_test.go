package hints

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// Whatever was written, a record is there as it was, or is not.
func TestRecent_IsTheLastThatWasWritten(t *testing.T) {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 1))
	for run := range 300 {
		var r recent
		limit := rng.IntN(200)
		segs := []*segment{{}, {}}
		files := map[*segment][]byte{}
		for range 50 {
			seg := segs[rng.IntN(20)/19]
			if rng.IntN(30) == 0 { // written elsewhere meanwhile, or lost
				files[seg] = append(files[seg], 0)
			}
			b := make([]byte, rng.IntN(80))
			for i := range b {
				b[i] = byte(rng.Uint32())
			}
			r.keep(limit, seg, int64(len(files[seg])), b)
			file := append(files[seg], b...)
			files[seg] = file
			size := 0
			for _, b := range r.blocks {
				size += cap(b.b)
			}
			if size > limit || size != r.size {
				t.Fatalf("seed %d, run %d: %d bytes, said to be %d, want %d at most", seed, run, size, r.size, limit)
			}
			last := &slot{off: int64(len(file) - len(b)), size: uint32(len(b))}
			if got, ok := r.at(seg, last); len(b) > 0 && ok != (len(b) <= limit) || ok && !slices.Equal(got, b) {
				t.Fatalf("seed %d, run %d: the last %d bytes are %x, %v, want %x", seed, run, len(b), got, ok, b)
			}
			off := rng.IntN(len(file) + 1)
			s := &slot{off: int64(off), size: uint32(rng.IntN(len(file) - off + 1))}
			if got, ok := r.at(seg, s); ok && !slices.Equal(got, file[off:off+int(s.size)]) {
				t.Fatalf("seed %d, run %d: %x of %d bytes at %d of %d", seed, run, got, s.size, off, len(file))
			}
			if _, ok := r.at(&segment{}, s); ok {
				t.Fatalf("seed %d, run %d: of another segment", seed, run)
			}
		}
	}
}

// A counter of a node that is away is written to again and again.
func TestAdd_JoinsWhatWasWrittenWithoutReadingIt(t *testing.T) {
	fs := &pausedReads{FS: Memory()}
	l, _ := open(t, Config{FS: fs, Sync: Always, Join: concat})
	fs.during = func() { t.Error("a file was read") }
	for i := range 3 {
		for _, key := range []string{"one", "two"} {
			if err := l.Append("b", 1, []byte(key), fmt.Append(nil, i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	wantTexts(t, l, "b", "one=0+1+2", "two=0+1+2")
}

// What is made anew is made while everybody waits for the lock.
func TestRecent_GrowsInSmallSteps(t *testing.T) {
	var r recent
	seg, at, write := &segment{}, int64(0), make([]byte, 3000)
	for at < 2*maxRecent {
		blocks, size := len(r.blocks), r.size
		r.keep(maxRecent, seg, at, write)
		if len(r.blocks) > blocks+1 || r.size > size+recentBlock {
			t.Fatalf("%d blocks of %d bytes became %d of %d at %d", blocks, size, len(r.blocks), r.size, at)
		}
		at += int64(len(write))
	}
	if r.size <= maxRecent-2*recentBlock {
		t.Errorf("%d bytes are kept, want some %d", r.size, maxRecent)
	}
}
