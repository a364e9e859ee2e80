package slab

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

func TestClasses_HoldWhatTheyAreFor(t *testing.T) {
	for n := 0; n <= MaxSize; n++ {
		c := classOf(n)
		size := int(classes[c].size)
		if size < n {
			t.Fatalf("class %d of %d bytes has slots of %d", c, n, size)
		}
		if c > 0 && int(classes[c-1].size) >= n {
			t.Fatalf("%d bytes fit class %d, not the smallest", n, c)
		}
		if n > fineMax && (size-n)*8 > n {
			t.Fatalf("%d bytes waste %d", n, size-n)
		}
		if size%8 != 0 {
			t.Fatalf("class %d has slots of %d bytes", c, size)
		}
	}
	for c, cl := range classes {
		if run := pageSize << cl.order; int(cl.slots)*int(cl.size) > run {
			t.Errorf("class %d: %d slots of %d exceed the run of %d", c, cl.slots, cl.size, run)
		}
	}
}

// entry is what the owner knows of a slot.
type entry struct {
	ref  Ref
	want []byte
}

// owner is a naive owner of slots that checks them against copies.
type owner struct {
	t     *testing.T
	s     Slab
	slots []entry
	at    map[Ref]int
}

func (o *owner) add(n int, rng *rand.Rand) {
	ref, b := o.s.Alloc(n)
	if ref == 0 || len(b) != n {
		o.t.Fatalf("Alloc(%d): ref %d, %d bytes", n, ref, len(b))
	}
	if _, ok := o.at[ref]; ok {
		o.t.Fatalf("Alloc(%d) gave slot %d, which is in use", n, ref)
	}
	x := byte(rng.Uint32())
	for i := range b {
		b[i] = x + byte(i)
	}
	o.at[ref] = len(o.slots)
	o.slots = append(o.slots, entry{ref, bytes.Clone(b)})
}

func (o *owner) drop(i int) {
	e := o.slots[i]
	o.check(e)
	o.s.Free(e.ref)
	delete(o.at, e.ref)
	last := len(o.slots) - 1
	if i != last {
		o.slots[i] = o.slots[last]
		o.at[o.slots[i].ref] = i
	}
	o.slots = o.slots[:last]
}

func (o *owner) moved(old, new Ref, b []byte) {
	i, ok := o.at[old]
	if !ok {
		o.t.Fatalf("slot %d was moved, but is not in use", old)
	}
	delete(o.at, old)
	o.slots[i].ref = new
	o.at[new] = i
	if !bytes.HasPrefix(b, o.slots[i].want) {
		o.t.Fatal("a moved slot has other bytes")
	}
}

func (o *owner) check(e entry) {
	o.t.Helper()
	if got := o.s.Bytes(e.ref); !bytes.HasPrefix(got, e.want) {
		o.t.Fatalf("slot %d of %d bytes was overwritten", e.ref, len(e.want))
	}
}

func (o *owner) checkAll() {
	o.t.Helper()
	size := 0
	for _, e := range o.slots {
		o.check(e)
		size += Size(len(e.want))
	}
	st := o.s.Stats()
	if st.Slots != len(o.slots) || st.SlotBytes != size {
		o.t.Fatalf("Stats %+v, want %d slots of %d bytes", st, len(o.slots), size)
	}
	if st.Resident > st.Mapped || st.SlotBytes > st.Resident {
		o.t.Fatalf("Stats %+v: slots <= resident <= mapped does not hold", st)
	}
}

func TestSlab_RandomUse_SlotsNeverOverlapAndKeepTheirBytes(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	o := &owner{t: t, at: map[Ref]int{}}
	sizes := []func() int{
		func() int { return rng.IntN(300) },
		func() int { return 100 + rng.IntN(40) },
		func() int { return rng.IntN(5000) },
		func() int { return rng.IntN(MaxSize + 1) },
	}
	for phase := range 12 {
		size := sizes[phase%len(sizes)]
		grow := []int{70, 30, 50, 10}[phase*7%4] // of a hundred
		for range 1500 {
			if rng.IntN(100) < grow || len(o.slots) == 0 {
				o.add(size(), rng)
			} else {
				o.drop(rng.IntN(len(o.slots)))
			}
			o.s.Compact(2, o.moved)
		}
		o.checkAll()
	}
	for len(o.slots) > 0 {
		o.drop(rng.IntN(len(o.slots)))
	}
	o.checkAll()
	if in := o.s.inUse(); in != 0 {
		t.Errorf("%d pages are in use by no slot", in)
	}
	// Everything is free, so the buddies have fused to whole blocks.
	for order, list := range o.s.free[:maxOrder] {
		if list != 0 {
			t.Errorf("a free run of order %d was not fused", order)
		}
	}
}

func TestSlab_EmptyRunsServeOtherSizes(t *testing.T) {
	var s Slab
	fill := func(n, total int) (refs []Ref) {
		for range total / n {
			ref, _ := s.Alloc(n)
			refs = append(refs, ref)
		}
		return refs
	}
	const total = 4 << 20
	refs := fill(136, total)
	before := s.Stats().Mapped
	for range 3 {
		for _, n := range []int{48, 136, 1000, 9000, 60000} {
			for _, r := range refs {
				s.Free(r)
			}
			refs = fill(n, total)
		}
	}
	if after := s.Stats().Mapped; after > before*3/2 {
		t.Errorf("mapped %d bytes for the same load, %d at first", after, before)
	}
}

func TestSlab_Compaction_BoundsWaste(t *testing.T) {
	o := &owner{t: t, at: map[Ref]int{}}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		o.add(136, rng)
	}
	full := o.s.Stats()
	// Drop nine of ten, at random: without compaction every run stays.
	for len(o.slots) > 2000 {
		o.drop(rng.IntN(len(o.slots)))
		o.s.Compact(4, o.moved)
	}
	o.checkAll()
	st := o.s.Stats()
	t.Logf("%+v -> %+v", full, st)
	runs := o.s.inUse() << pageShift
	if runs > st.SlotBytes*5/4+4*pageSize {
		t.Errorf("%d bytes of runs for %d bytes of slots", runs, st.SlotBytes)
	}
	if st.Moved > 3*18000 {
		t.Errorf("%d slots moved for 18000 freed", st.Moved)
	}
}

func TestSlab_Reset_FreesAll(t *testing.T) {
	var s Slab
	for range 1000 {
		s.Alloc(500)
	}
	s.Reset()
	if st := s.Stats(); st != (Stats{}) {
		t.Errorf("Stats after Reset: %+v", st)
	}
	if ref, b := s.Alloc(10); ref == 0 || len(b) != 10 {
		t.Error("no slot after Reset")
	}
}

func TestSlab_TooLarge_Panics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	var s Slab
	s.Alloc(MaxSize + 1)
}

func TestFits(t *testing.T) {
	for _, c := range []struct {
		n, m int
		want bool
	}{{131, 136, true}, {137, 136, false}, {0, 16, true}, {MaxSize + 1, MaxSize, false}, {257, 288, true}} {
		if got := Fits(c.n, c.m); got != c.want {
			t.Errorf("Fits(%d, %d) = %v", c.n, c.m, got)
		}
	}
}

func BenchmarkSlab(b *testing.B) {
	for _, n := range []int{64, 133, 4096} {
		b.Run(fmt.Sprintf("AllocFree/%dB", n), func(b *testing.B) {
			var s Slab
			var ring [1024]Ref
			for i := range ring {
				ring[i], _ = s.Alloc(n)
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				s.Free(ring[i&1023])
				ring[i&1023], _ = s.Alloc(n)
				i += 7
			}
		})
	}
	b.Run("Bytes", func(b *testing.B) {
		var s Slab
		refs := make([]Ref, 1<<16)
		for i := range refs {
			refs[i], _ = s.Alloc(133)
		}
		i, sum := 0, 0
		for b.Loop() {
			sum += len(s.Bytes(refs[i&(1<<16-1)]))
			i += 7919
		}
		_ = sum
	})
}
