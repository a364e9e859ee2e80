package hashkit

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

func TestLookup(t *testing.T) {
	key := []byte("key")
	for name, hash := range map[string]Func{"murmur": Murmur, "xxhash64": XXHash64, "slot": SlotHash} {
		found, err := Lookup(name)
		if err != nil || found(key) != hash(key) {
			t.Errorf("Lookup(%q) gives another function, or error %v", name, err)
		}
	}
	_, err := Lookup("md6")
	if err == nil {
		t.Fatal("Lookup(md6) found something")
	}
	for _, name := range append(Names(), `"md6"`) {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("error %q does not name %s", err, name)
		}
	}
}

func TestSlotHash_TopIsSlotRestIsXXHash64OfWholeKey(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		key := fmt.Appendf(nil, "k{%d}%d", rng.IntN(50), rng.Uint64())
		token := SlotHash(key)
		if token.Slot() != Slot(key) {
			t.Fatalf("SlotHash(%q) is in slot %d, the key in %d", key, token.Slot(), Slot(key))
		}
		if uint64(token)<<14 != uint64(XXHash64(key))&^(1<<14-1) {
			t.Fatalf("SlotHash(%q) = %v does not carry the top of %v", key, token, XXHash64(key))
		}
	}
	if a, b := SlotHash([]byte("{u}a")), SlotHash([]byte("{u}b")); a.Slot() != b.Slot() || a == b {
		t.Errorf("keys with one tag: %v and %v, want one slot and two tokens", a, b)
	}
}

func TestSlotRange_CoversTheSpaceInOrder(t *testing.T) {
	next := Token(0)
	for slot := range Slots {
		from, to := SlotRange(uint16(slot))
		if from != next || from.Slot() != uint16(slot) || to.Slot() != uint16(slot) || to <= from {
			t.Fatalf("slot %d is [%v, %v], want it to start at %v", slot, from, to, next)
		}
		next = to + 1
	}
	if next != 0 {
		t.Errorf("the last slot ends before %v", next)
	}
	defer func() {
		if recover() == nil {
			t.Error("SlotRange(Slots) did not panic")
		}
	}()
	SlotRange(Slots)
}

// The tokens of 300,000 keys over 16384 equal pieces of the space:
// chi-squared has mean 16383 and standard deviation sqrt(2*16383) = 181, and six
// of them are noise's limit. The functions of which it cannot be asked, because
// they leave bits unset or mix too little, are named, so that one who
// chooses them knows; `dynomited hash --report` has their figures.
func TestFunctions_FillSlotsEvenly(t *testing.T) {
	uneven := map[string]bool{"crc16": true, "crc32": true, "fnv1_32": true, "fnv1_64": true, "fnv1a_32": true, "fnv1a_64": true, "hsieh": true}
	limit := 16383 + 6*math.Sqrt(2*16383)
	for _, f := range functions {
		if chi := slotsChiSquared(f.hash); chi > limit != uneven[f.name] {
			t.Errorf("%s: chi-squared %.0f over the slots, the limit is %.0f, known to be uneven: %v", f.name, chi, limit, uneven[f.name])
		}
	}
}

func slotsChiSquared(hash Func) (chi float64) {
	const keys = 300_000
	var counts [Slots]int
	key := make([]byte, 0, 16)
	for i := range keys {
		key = strconv.AppendInt(append(key[:0], "user:"...), int64(i), 10)
		counts[hash(key).Slot()]++
	}
	for _, n := range counts {
		d := float64(n) - float64(keys)/Slots
		chi += d * d / (float64(keys) / Slots)
	}
	return chi
}

// What comes out of 15 or 32 bits cannot be evener than they are, but is never
// all in one place.
func TestLookupSpread_FillsTheSpace(t *testing.T) {
	key := []byte("key")
	for _, f := range functions {
		spread, err := LookupSpread(f.name)
		if err != nil {
			t.Fatal(err)
		}
		if same := spread(key) == f.hash(key); same != f.wide {
			t.Errorf("%s: the same token: %v, all 64 bits in use: %v", f.name, same, f.wide)
		}
		var quarters [4]int
		const keys = 20_000
		for i := range keys {
			quarters[spread(fmt.Appendf(nil, "user:%d", i))>>62]++
		}
		for q, n := range quarters {
			if math.Abs(float64(n)-keys/4) > 0.05*keys {
				t.Errorf("%s: quarter %d has %d of %d keys", f.name, q, n, keys)
			}
		}
	}
	if _, err := LookupSpread("md6"); err == nil || !strings.Contains(err.Error(), "murmur3_x64_64") {
		t.Errorf("error %v does not list the names", err)
	}
}

func TestFunctions_AllocateNothing(t *testing.T) {
	keys := [][]byte{nil, []byte("a"), []byte("prefix{tag}suffix"), make([]byte, 4096)}
	var sink Token
	check := func(name string, hash Func) {
		if n := testing.AllocsPerRun(100, func() {
			for _, key := range keys {
				sink += hash(key)
			}
		}); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
	for _, f := range functions {
		check(f.name, f.hash)
		spread, err := LookupSpread(f.name)
		if err != nil {
			t.Fatal(err)
		}
		check("spread "+f.name, spread)
		check("tag of "+f.name, Braces.Bind(f.hash))
	}
	check("Slot", func(key []byte) Token { return Token(Slot(key)) })
}

func BenchmarkFunctions(b *testing.B) {
	for _, f := range functions {
		for _, size := range []int{16, 64, 1024} {
			key := make([]byte, size)
			b.Run(fmt.Sprintf("%s/%dB", f.name, size), func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(size))
				for b.Loop() {
					f.hash(key)
				}
			})
		}
	}
}
