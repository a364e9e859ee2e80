package datastore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestCodec_EveryAtom_RoundTrips(t *testing.T) {
	v := func(ms int64, node uint32) Version { return At(ms, uint16(ms), node) }
	r := newORec()
	r.reset, r.rs = End(3), v(4, 1)
	r.kreset[Hash], r.ks[Hash] = v(5, 2), v(6, 2)
	r.kreset[List], r.ks[List] = v(5, 3), v(7, math.MaxUint32)
	r.exp, r.expAt = v(8, 1), math.MaxInt64
	r.remv = v(1<<46, 9)
	r.reg[oField{String, ""}] = oReg{v: v(9, 1), val: "text"}
	r.reg[oField{Hash, ""}] = oReg{v: v(9, 1), val: ""}
	r.reg[oField{Hash, "f"}] = oReg{v: v(10, 1), val: strings.Repeat("long", 100)}
	r.reg[oField{Set, strings.Repeat("m", 300)}] = oReg{v: v(10, 2), tomb: true}
	r.reg[oField{ZSet, "z"}] = oReg{v: v(10, 2), val: "1.5"}
	for n := range uint32(3) {
		r.slot[oSlotKey{oField{Hash, "f"}, n}] = oSlot{v(12, n), v(12, n), math.MinInt64}
		r.slot[oSlotKey{oField{String, ""}, n + 1<<31}] = oSlot{v(13, n+1<<31), v(2, n+1<<31), 77}
	}
	r.el[v(20, 4)] = oEl{v(21, 5), -3, v(19, 4), "element"}
	r.el[v(21, 4)] = oEl{v(21, 4), math.MaxInt64, Version{}, ""}
	r.rem[4] = []oInterval{{Version{}, v(6, 4)}, {v(7, 1), v(8, 4)}}
	r.rem[7] = []oInterval{{v(7, 1), v(8, 7)}}
	b := encodeORec(r)
	if got := decodeORec(t, b).text(); got != r.text() {
		t.Fatalf("\n got %s\nwant %s", got, r.text())
	}
	var a atoms
	for n := range len(b) {
		if err := a.decode(b[:n]); n > 0 && err == nil && string(a.append(nil)) == string(b) {
			t.Fatalf("%d of %d bytes decode to the whole", n, len(b))
		}
	}
}

func TestCodec_PlainString_IsHeaderAndValue(t *testing.T) {
	v := At(1000, 2, 3)
	r := newORec()
	r.reset, r.rs = v.Pred(), v
	r.reg[oField{String, ""}] = oReg{v: v, val: "value"}
	want := append(v.Append([]byte{shapePlain}), "value"...)
	if got := encodeORec(r); !bytes.Equal(got, want) {
		t.Errorf("plain string\n got %x\nwant %x", got, want)
	}
	r.exp, r.expAt = v, 2000
	want = append(v.Append([]byte{shapePlainExpiry}), 0, 0, 0, 0, 0, 0, 0x07, 0xd0)
	if got := encodeORec(r); !bytes.Equal(got, append(want, "value"...)) {
		t.Errorf("with an expiry\n got %x\nwant %x", got, want)
	}
	r.reset, r.rs = Version{}, Version{}
	if got := encodeORec(r); got[0] != shapeBareExpiry {
		t.Errorf("without a reset: shape %x", got[0])
	}
	r.exp = v.Pred()
	if got := encodeORec(r); got[0] != shapeGeneral || decodeORec(t, got).text() != r.text() {
		t.Errorf("with another command's expiry: %x", got)
	}
}

func TestCodec_BadBytes_AreErrorsThatChangeNothing(t *testing.T) {
	v := At(5, 0, 1)
	general := func(flags byte, rest ...byte) []byte {
		b := append([]byte{shapeGeneral, flags}, make([]byte, 8)...)
		return append(b, rest...)
	}
	zero := make([]byte, versionSize)
	for name, b := range map[string][]byte{
		"nothing":              nil,
		"another format":       {0x20, 1, 2},
		"unknown shape":        append([]byte{0x15}, make([]byte, 30)...),
		"short plain":          append([]byte{shapePlain}, zero[:11]...),
		"plain at version 0":   append([]byte{shapePlain}, zero...),
		"plain too late":       binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64([]byte{shapePlain}, 1<<63), 1),
		"short expiry":         append(v.Append([]byte{shapePlainExpiry}), 1, 2, 3),
		"expiry 0":             append(v.Append([]byte{shapePlainExpiry}), zero[:8]...),
		"expiry below 0":       append(v.Append([]byte{shapePlainExpiry}), bytes.Repeat([]byte{0xff}, 8)...),
		"short general":        {shapeGeneral, 1, 0, 0},
		"general with nothing": general(0),
		"unknown flag":         general(0x80),
		"short reset":          general(flagReset, 1, 1),
		"reset of version 0":   general(flagReset, 0, 0, 1, 1),
		"kreset of no kind":    general(flagKindResets, 0),
		"kreset of None":       general(flagKindResets, 1, 1, 1, 1, 1),
		"kreset of kind 6":     general(flagKindResets, 1<<6, 1, 1, 1, 1),
		"huge expiry":          general(flagExpiry, append([]byte{1, 1}, binary.AppendUvarint(nil, 1<<63)...)...),
		"no elements":          general(flagElements, 0),
		"too many elements":    general(flagElements, 200, 1, 1, 1, 1, 1, 1, 0, 0),
		"no intervals":         general(flagIntervals, 0),
		"empty interval":       general(flagIntervals, 1, 4, 2, 2, 2, 2),
		"touching intervals":   general(flagIntervals, 2, 4, 1, 4, 2, 4, 4, 2, 4, 3, 4),
		"no cells":             general(flagCells),
		"cell of kind None":    general(flagCells, 0, 1, 1, 0),
		"cell of a list":       general(flagCells, byte(List), 1, 'f', 1, 1, 0),
		"class 3":              general(flagCells, byte(String)|3<<tagClass, 1, 1, 0),
		"same field as none":   general(flagCells, byte(Hash)|tagSameField, 1, 1, 0),
		"fresh register":       general(flagCells, byte(String)|tagFresh, 1, 1, 0),
		"long field":           general(flagCells, byte(Hash), 9, 'f', 1, 1, 0),
		"long value":           general(flagCells, byte(String), 1, 1, 7, 'v'),
		"node of 33 bits":      general(flagCells, append([]byte{byte(String), 1}, binary.AppendUvarint(nil, 1<<32)...)...),
		"endless number":       general(flagCells, append([]byte{byte(String)}, bytes.Repeat([]byte{0xff}, 11)...)...),
		"born before 0":        general(flagCells, byte(String)|byte(slot)<<tagClass, 1, 5, 6, 2),
		"register twice":       general(flagCells, byte(String), 1, 1, 0, byte(String), 1, 1, 0),
		"slot before register": general(flagCells, byte(String)|byte(slot)<<tagClass|tagFresh, 1, 5, 2, byte(String), 1, 1, 0),
		"trailing bytes":       general(flagReset, 1, 1, 1, 1, 9),
	} {
		for _, f := range forms {
			h := newHolder(t, f, NewClock(1, func() int64 { return 0 }))
			h.merge(v.Append([]byte{shapePlain}), MergeOptions{})
			high, digest := h.e.clock.High(), h.digest()
			var err error
			if h.l != nil {
				_, err = h.e.lmerge(h.l, h.key, h.cut, b, MergeOptions{}, nil)
			} else {
				_, _, err = h.e.merge(h.key, h.rec, h.cut, b, MergeOptions{}, nil)
			}
			if !errors.Is(err, ErrMalformed) || !errors.Is(h.e.check(b), ErrMalformed) {
				t.Errorf("%s (%x): %v", name, b, err)
			}
			if h.e.clock.High() != high || h.digest() != digest {
				t.Errorf("%s changed something", name)
			}
		}
	}
}

// FuzzDelta feeds any bytes: what is no delta is an error, what is one can be
// joined, encodes to the same atoms, and has one digest in each form.
func FuzzDelta(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 40 {
		r := newORec()
		for i := range 1 + rng.IntN(8) {
			v := At(int64(10+i), 0, uint32(1+rng.IntN(3)))
			if _, d := oExecute(r, v, pick(rng, menu).concrete(v.Millis())); d != nil {
				if b := encodeORec(d); len(b) > 0 {
					f.Add(b, encodeORec(r))
				}
				r = oJoin(r, d)
			}
		}
	}
	f.Fuzz(func(t *testing.T, delta, rec []byte) {
		e := newEngine(NewClock(1, func() int64 { return 0 }), 7)
		e.limits = limits{maxBytes: 64, maxCells: 4}
		e.outgrown(delta)
		if e.check(delta) != nil {
			return
		}
		var a atoms
		if err := a.decode(delta); err != nil {
			t.Fatalf("check passes, decode says %v", err)
		}
		once := a.append(nil)
		if err := a.decode(once); err != nil {
			t.Fatalf("%x encodes to %x: %v", delta, once, err)
		}
		if twice := a.append(nil); !bytes.Equal(once, twice) {
			t.Fatalf("%x encodes to %x, then to %x", delta, once, twice)
		}
		key := []byte("key")
		if e.check(rec) != nil {
			rec = nil
		}
		held := slices.Clone(e.drop(rec, Version{}))
		if held == nil {
			held = rec
		}
		e.clock.Observe(e.newest(held))
		out, ans, err := e.merge(key, held, Version{}, delta, MergeOptions{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if out == nil {
			out = held
		}
		out = slices.Clone(out)
		small := e.digest(key, out, Version{})
		l := e.growLarge(key, held, Version{})
		lans, err := e.lmerge(l, key, Version{}, delta, MergeOptions{}, nil)
		if err != nil || lans.Won != ans.Won {
			t.Fatalf("large answers %v, %v; small %v", lans.Won, err, ans.Won)
		}
		if large := e.ldigest(l, key, Version{}); large != small {
			t.Fatalf("digests %x large, %x small", large, small)
		}
		if got := e.digest(key, l.append(nil), Version{}); got != small {
			t.Fatalf("digests %x of the large one's encoding, %x small", got, small)
		}
		if v := e.newest(out); !v.Less(e.clock.Stamp()) {
			t.Fatal("the clock has not observed the record")
		}
		e.view(out, Version{}, 1<<40)
		e.purge(out, Version{}, End(1<<40), End(1<<40))
	})
}
