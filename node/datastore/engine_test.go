package datastore

import (
	"bytes"
	"slices"
	"testing"
)

func TestEngine_CommonCases_AllocateNothing(t *testing.T) {
	set := &overwriter{bytes.Repeat([]byte("v"), 100)}
	plain := newBenchRecord()
	plain.update(set)
	var deltas [][]byte
	other := newBenchRecord()
	for range 300 {
		other.update(set)
		deltas = append(deltas, slices.Clone(other.dst))
	}
	merged, missing, counter, based, hash, big := newBenchRecord(), newBenchRecord(), newBenchRecord(), newBenchRecord(), newBenchRecord(), newBenchRecord()
	based.update(&overwriter{[]byte("5")})
	hash.fill(20)
	big.fill(1000)
	field := &fieldSetter{benchField(7), []byte("abcdefghij")}
	reader, i := &textReader{}, 0
	for name, x := range map[string]struct {
		run func()
		max float64
	}{
		"SET over a string":              {func() { plain.update(set) }, 0},
		"SET over nothing":               {func() { missing.rec = missing.rec[:0]; missing.update(set) }, 0},
		"GET":                            {func() { reader.Read(plain.e.view(plain.rec, Version{}, plain.now)) }, 0},
		"merge over nothing or a string": {func() { merged.merge(deltas[i]); i++ }, 0},
		"INCR of a slot":                 {func() { counter.update(&incrementer{}) }, 0},
		"INCR of a register and a slot":  {func() { based.update(&incrementer{}) }, 0},
		"HSET, small":                    {func() { hash.update(field) }, 0},
		"HGET, small":                    {func() { hash.e.view(hash.rec, Version{}, hash.now).Field(Hash, field.field) }, 0},
		"digest of a string":             {func() { plain.e.digest(engineBenchKey, plain.rec, Version{}) }, 0},
		"digest, small":                  {func() { hash.e.digest(engineBenchKey, hash.rec, Version{}) }, 0},
		"HSET, large":                    {func() { big.update(field) }, 3},
		"HGET, large":                    {func() { big.e.lview(big.l, Version{}, big.now).Field(Hash, field.field) }, 1},
	} {
		x.run()
		x.run()
		if n := testing.AllocsPerRun(100, x.run); n > x.max {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestEngine_Outgrown_ByCellsOrBytesButNotStrings(t *testing.T) {
	long := bytes.Repeat([]byte("v"), 5000)
	for name, x := range map[string]struct {
		write func(*Delta)
		want  bool
	}{
		"a long string":         {func(d *Delta) { d.Overwrite(long) }, false},
		"a long edited string":  {func(d *Delta) { d.Put(String, nil, long) }, false},
		"a long field":          {func(d *Delta) { d.Put(Hash, nil, long) }, true},
		"100 fields":            {func(d *Delta) { putFields(d, 100) }, false},
		"200 fields":            {func(d *Delta) { putFields(d, 200) }, true},
		"a string and 3 fields": {func(d *Delta) { d.Put(String, nil, long); putFields(d, 3) }, false},
	} {
		r := newBenchRecord()
		r.update(writes(func(_ *View, d *Delta) { x.write(d) }))
		if got := r.e.outgrown(r.rec); got != x.want {
			t.Errorf("%s: %v", name, got)
		}
		if got := r.e.growLarge(engineBenchKey, r.rec, Version{}); !got.shrunk() != x.want && name != "100 fields" {
			t.Errorf("%s: shrunk is %v", name, got.shrunk())
		}
	}
}

func putFields(d *Delta, n int) {
	for i := range n {
		d.Put(Hash, benchField(i), nil)
	}
}

// TestEngine_Stamp_AboveTheRecord: also if nobody has told the clock.
func TestEngine_Stamp_AboveTheRecord(t *testing.T) {
	newer := wrote(t, 9, 5000, oCommand{op: "HSET", key: "f", val: "1"}).b
	for _, rec := range [][]byte{newer, wrote(t, 9, 5000, set("x")).b} {
		e := newEngine(NewClock(1, func() int64 { return 10 }), 1)
		u := writes(func(_ *View, d *Delta) { d.Put(Hash, nil, nil) })
		if _, up := e.update(nil, rec, Version{}, u, nil); !At(5000, 0, 9).Less(up.Stamp) {
			t.Errorf("stamped %v", up.Stamp)
		}
		e = newEngine(NewClock(1, func() int64 { return 10 }), 1)
		if up := e.lupdate(e.growLarge(nil, rec, Version{}), nil, Version{}, u, nil); !At(5000, 0, 9).Less(up.Stamp) {
			t.Errorf("large: stamped %v", up.Stamp)
		}
		if _, up := e.update(nil, nil, At(6000, 0, 1), u, nil); !At(6000, 0, 1).Less(up.Stamp) {
			t.Errorf("after a range reset: stamped %v", up.Stamp)
		}
		e = newEngine(NewClock(1, func() int64 { return 10 }), 1)
		if e.merge(nil, nil, Version{}, rec, MergeOptions{}, nil); e.clock.Now() != 5000 {
			t.Error("merge does not observe")
		}
		if e.newest(rec) != At(5000, 0, 9) {
			t.Errorf("newest is %v", e.newest(rec))
		}
	}
}

func TestDigest_EveryFieldCounts(t *testing.T) {
	v := func(ms int64) Version { return At(ms, 0, 1) }
	seen := map[uint64]string{}
	note := func(what string, seed uint64, key string, r *oRec) {
		t.Helper()
		e := newEngine(NewClock(1, nil), seed)
		d := e.digest([]byte(key), encodeORec(r), Version{})
		if was, ok := seen[d]; ok {
			t.Errorf("%s: the digest of %s", what, was)
		}
		seen[d] = what
		if l := e.growLarge([]byte(key), encodeORec(r), Version{}); e.ldigest(l, []byte(key), Version{}) != d {
			t.Errorf("%s: another digest when large", what)
		}
	}
	reg := func(k Kind, f, val string, v Version, tomb bool) *oRec {
		r := newORec()
		r.reg[oField{k, f}] = oReg{v, val, tomb}
		return r
	}
	cell := func(k Kind, f string, node uint32, s oSlot) *oRec {
		r := newORec()
		s.v.Node, s.born.Node = node, node
		r.slot[oSlotKey{oField{k, f}, node}] = s
		return r
	}
	el := func(id Version, x oEl) *oRec {
		r := newORec()
		r.el[id] = x
		return r
	}
	head := func(set func(*oRec)) *oRec {
		r := newORec()
		set(r)
		return r
	}
	long := string(bytes.Repeat([]byte("x"), 300))
	note("a register", 1, "key", reg(Hash, "f", "v", v(5), false))
	note("another seed", 2, "key", reg(Hash, "f", "v", v(5), false))
	note("another key", 1, "kez", reg(Hash, "f", "v", v(5), false))
	note("another kind", 1, "key", reg(Set, "f", "v", v(5), false))
	note("another field", 1, "key", reg(Hash, "g", "v", v(5), false))
	note("another split", 1, "key", reg(Hash, "fv", "", v(5), false))
	note("another value", 1, "key", reg(Hash, "f", "w", v(5), false))
	note("a long value", 1, "key", reg(Hash, "f", long, v(5), false))
	note("another long value", 1, "key", reg(Hash, "f", long[1:]+"y", v(5), false))
	note("another stamp", 1, "key", reg(Hash, "f", "v", v(6), false))
	note("another node", 1, "key", reg(Hash, "f", "v", At(5, 0, 2), false))
	note("a tombstone", 1, "key", reg(Hash, "f", "", v(5), true))
	note("a slot", 1, "key", cell(Hash, "f", 1, oSlot{v(5), v(5), 1}))
	note("another sum", 1, "key", cell(Hash, "f", 1, oSlot{v(5), v(5), 2}))
	note("another birth", 1, "key", cell(Hash, "f", 1, oSlot{v(5), v(4), 1}))
	note("another slot stamp", 1, "key", cell(Hash, "f", 1, oSlot{v(6), v(4), 1}))
	note("another slot node", 1, "key", cell(Hash, "f", 2, oSlot{v(5), v(5), 1}))
	note("another slot field", 1, "key", cell(Hash, "g", 1, oSlot{v(5), v(5), 1}))
	note("a string slot", 1, "key", cell(String, "", 1, oSlot{v(5), v(5), 1}))
	note("an element", 1, "key", el(v(5), oEl{v(5), 0, v(4), "x"}))
	note("another id", 1, "key", el(v(6), oEl{v(5), 0, v(4), "x"}))
	note("another element stamp", 1, "key", el(v(5), oEl{v(6), 0, v(4), "x"}))
	note("another position", 1, "key", el(v(5), oEl{v(5), -1, v(4), "x"}))
	note("another prev", 1, "key", el(v(5), oEl{v(5), 0, v(3), "x"}))
	note("another element value", 1, "key", el(v(5), oEl{v(5), 0, v(4), "y"}))
	note("a reset", 1, "key", head(func(r *oRec) { r.reset, r.rs = v(5), v(6) }))
	note("another upto", 1, "key", head(func(r *oRec) { r.reset, r.rs = v(4), v(6) }))
	note("another reset stamp", 1, "key", head(func(r *oRec) { r.reset, r.rs = v(5), v(7) }))
	note("a kind's reset", 1, "key", head(func(r *oRec) { r.kreset[Hash], r.ks[Hash] = v(5), v(6) }))
	note("another kind's reset", 1, "key", head(func(r *oRec) { r.kreset[Set], r.ks[Set] = v(5), v(6) }))
	note("an expiry", 1, "key", head(func(r *oRec) { r.exp, r.expAt = v(5), 9 }))
	note("another time", 1, "key", head(func(r *oRec) { r.exp, r.expAt = v(5), 10 }))
	note("no expiry", 1, "key", head(func(r *oRec) { r.exp, r.expAt = v(5), 0 }))
	note("another expiry stamp", 1, "key", head(func(r *oRec) { r.exp, r.expAt = v(6), 9 }))
	note("a removal", 1, "key", head(func(r *oRec) { r.remv = v(9); r.rem[1] = []oInterval{{v(1), v(3)}} }))
	note("another removal", 1, "key", head(func(r *oRec) { r.remv = v(10); r.rem[1] = []oInterval{{v(1), v(3)}} }))
	note("another lo", 1, "key", head(func(r *oRec) { r.remv = v(9); r.rem[1] = []oInterval{{v(2), v(3)}} }))
	note("another hi", 1, "key", head(func(r *oRec) { r.remv = v(9); r.rem[1] = []oInterval{{v(1), v(4)}} }))
	note("another pusher", 1, "key", head(func(r *oRec) { r.remv = v(9); r.rem[2] = []oInterval{{v(1), v(3)}} }))
	note("nothing", 1, "key", newORec())
	if seen[0] != "nothing" {
		t.Error("nothing has a digest")
	}
	plain := head(func(r *oRec) { r.reset, r.rs = v(5).Pred(), v(5); r.reg[oField{String, ""}] = oReg{v: v(5), val: "v"} })
	note("a plain string", 1, "key", plain)
	plain.exp, plain.expAt = v(5), 9
	note("a plain string with an expiry", 1, "key", plain)
	e := newEngine(NewClock(1, nil), 1)
	var a atoms
	b := encodeORec(plain)
	mustDecode(&a, b)
	if e.digest([]byte("key"), b, Version{}) != e.digestAtoms([]byte("key"), &a) {
		t.Error("the plain shape has another digest than its atoms")
	}
}
