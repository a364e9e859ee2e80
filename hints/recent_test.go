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
			if len(r.b) > limit || r.seg != seg || r.from+int64(len(r.b)) != int64(len(file)) {
				t.Fatalf("seed %d, run %d: %d bytes from %d, want the last ones of %d, %d at most", seed, run, len(r.b), r.from, len(file), limit)
			}
			if !slices.Equal(r.b, file[r.from:]) {
				t.Fatalf("seed %d, run %d: other bytes", seed, run)
			}
			if len(b) <= limit/2 && len(r.b) < len(b) {
				t.Fatalf("seed %d, run %d: %d bytes kept of %d with room for %d", seed, run, len(r.b), len(b), limit)
			}
			off := rng.IntN(len(file) + 1)
			s := &slot{off: int64(off), size: uint32(rng.IntN(len(file) - off + 1))}
			if got, ok := r.at(seg, s); ok && !slices.Equal(got, file[off:off+int(s.size)]) || ok != (int64(off) >= r.from) {
				t.Fatalf("seed %d, run %d: %x, %v of %d bytes at %d, from %d of %d", seed, run, got, ok, s.size, off, r.from, len(file))
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
