package merkle

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dynomite-go/dynomite/hashkit"
)

// run carries messages until the exchange is done, and gives what was found,
// sorted.
func run(t testing.TB, x *Exchange, answer func([]byte) ([]byte, error)) (here, there Items) {
	t.Helper()
	for !x.Done() {
		request, err := x.Request()
		if err != nil {
			t.Fatal(err)
		}
		if len(request) > MaxMessage {
			t.Fatalf("a request of %d bytes", len(request))
		}
		reply, err := answer(request)
		if err != nil {
			t.Fatal(err)
		}
		if len(reply) > MaxMessage {
			t.Fatalf("a reply of %d bytes", len(reply))
		}
		if err := x.Reply(reply); err != nil {
			t.Fatal(err)
		}
		h, th := x.Take()
		here, there = append(here, h...), append(there, th...)
	}
	if request, err := x.Request(); request != nil || err != nil {
		t.Fatal("there is a request after the end", err)
	}
	slices.SortFunc(here, Item.Compare)
	slices.SortFunc(there, Item.Compare)
	return here, there
}

func exchange(t testing.TB, ours Set, cfg Config) *Exchange {
	t.Helper()
	cfg.Key = testKey
	x, err := NewExchange(ours, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// check compares two sets in both directions and requires exactly their difference.
func check(t testing.TB, r *rand.Rand, a, b Items, bits int, ranges []Range) {
	t.Helper()
	cfg := Config{Salt: r.Uint64(), Ranges: ranges}
	x := exchange(t, treeOf(t, a, bits), cfg)
	here, there := run(t, x, NewResponder(treeOf(t, b, bits), testKey).Answer)
	back := exchange(t, b, cfg) // without a tree
	mirrorHere, mirrorThere := run(t, back, NewResponder(a, testKey).Answer)
	if !slices.Equal(here, mirrorThere) || !slices.Equal(there, mirrorHere) {
		t.Fatalf("found %d and %d, the other way round %d and %d", len(here), len(there), len(mirrorHere), len(mirrorThere))
	}
	wantHere, wantThere := within(ranges, minus(a, b)), within(ranges, minus(b, a))
	if !slices.Equal(here, wantHere) || !slices.Equal(there, wantThere) {
		t.Fatalf("%d and %d items: found %d and %d, want %d and %d",
			len(a), len(b), len(here), len(there), len(wantHere), len(wantThere))
	}
	s := x.Stats()
	if !s.Exact || s.Equal != (len(here)+len(there) == 0) || s.Here != len(here) || s.There != len(there) {
		t.Fatalf("found %d and %d, but %+v", len(here), len(there), s)
	}
	if x.Remaining() != nil {
		t.Fatalf("done, and %v remain", x.Remaining())
	}
}

func within(ranges []Range, items Items) (out Items) {
	if ranges == nil {
		return items
	}
	for _, r := range ranges {
		out = append(out, items.between(r.From, r.To)...)
	}
	return out
}

func TestExchange_FindsExactlyTheDifference_AndItsMirror(t *testing.T) {
	r := seeded(t)
	for range 300 {
		base := randomItems(r, r.IntN(1<<r.IntN(13)))
		d := 0
		if len(base) > 0 && r.IntN(5) > 0 {
			d = r.IntN(1 + len(base)>>r.IntN(8))
		}
		a, b := apart(r, base, d, r.IntN(kinds))
		check(t, r, a, b, r.IntN(10), nil)
	}
}

func TestExchange_ManyDifferences_RangeIsCut(t *testing.T) {
	r := seeded(t)
	base := randomItems(r, 25000)
	for kind := range kinds {
		a, b := apart(r, base, 6000, kind)
		check(t, r, a, b, 10, nil)
	}
}

func TestExchange_MostDiffers_IsListed(t *testing.T) {
	r := seeded(t)
	base := randomItems(r, 40000)
	check(t, r, base, nil, 8, nil)
	check(t, r, base, base[:len(base)/2], 8, nil)
	check(t, r, base, randomItems(r, 40000), 8, nil)
	check(t, r, base[:30000], base[10000:], 8, nil)
}

func TestExchange_SkewedTokens(t *testing.T) {
	r := seeded(t)
	for _, shift := range []int{14, 32, 50, 60, 64} { // how many top bits are the same
		base := make([]Item, 4000)
		for i := range base {
			base[i] = Item{hashkit.Token(r.Uint64() >> shift), r.Uint64()}
		}
		for _, d := range []int{0, 1, 40, 1500, 3500} {
			a, b := apart(r, NewItems(base...), d, missingBoth)
			check(t, r, a, b, 8, nil)
		}
	}
}

func TestExchange_OneTokenHoldsMoreThanAMessage(t *testing.T) {
	r := seeded(t)
	base := make([]Item, 40000)
	for i := range base {
		base[i] = Item{1 << 63, r.Uint64()}
	}
	items := NewItems(append(base, randomItems(r, 1000)...)...)
	a, b := apart(r, items, 30000, missingBoth)
	check(t, r, a, b, 8, nil)
	check(t, r, items, nil, 8, nil)
}

// ranges gives n ranges, ascending, some of which touch.
func ranges(r *rand.Rand, n int) []Range {
	cuts := make([]hashkit.Token, 2*n)
	for i := range cuts {
		cuts[i] = hashkit.Token(r.Uint64())
	}
	slices.Sort(cuts)
	var out []Range
	for i := 0; i < len(cuts); i += 2 {
		from := cuts[i]
		if i > 0 && r.IntN(4) == 0 {
			from = cuts[i-1] + 1
		}
		out = append(out, Range{from, cuts[i+1]})
	}
	return out
}

func TestExchange_Ranges_NothingElseIsLookedAt(t *testing.T) {
	r := seeded(t)
	base := randomItems(r, 5000)
	for _, n := range []int{1, 2, 30, 500, 2500} {
		for _, d := range []int{0, 3, 300, 3000} {
			a, b := apart(r, base, d, missingBoth)
			check(t, r, a, b, 8, ranges(r, n))
		}
	}
	check(t, r, base, nil, 8, []Range{{0, 0}, {1, 1}, {7, 9}, {hashkit.MaxToken, hashkit.MaxToken}})
	check(t, r, base, nil, 8, []Range{})
}

func TestConfig_Wrong_IsRefused(t *testing.T) {
	for _, cfg := range []Config{
		{MaxRoundTrips: -1},
		{Ranges: []Range{{5, 4}}},
		{Ranges: []Range{{1, 4}, {4, 5}}},
		{Ranges: []Range{{6, 7}, {1, 2}}},
	} {
		if _, err := NewExchange(Items{}, cfg); err == nil {
			t.Errorf("%+v", cfg)
		}
	}
}

// The other side may forget everything, and every message may come twice.
func TestExchange_AnotherResponderEachTime_MessagesTwice(t *testing.T) {
	r := seeded(t)
	a, b := apart(r, randomItems(r, 20000), 6000, overwritten)
	x := exchange(t, a, Config{Salt: r.Uint64()})
	var before []byte
	here, there := run(t, x, func(request []byte) ([]byte, error) {
		again, err := x.Request()
		if err != nil || !slices.Equal(again, request) {
			t.Fatal("the same request is another one", err)
		}
		if before != nil {
			if err := x.Reply(before); !errors.Is(err, ErrDamaged) {
				t.Fatalf("the reply to the last request is taken for one to this: %v", err)
			}
		}
		before, err = NewResponder(b, testKey).Answer(request)
		return before, err
	})
	if !slices.Equal(here, minus(a, b)) || !slices.Equal(there, minus(b, a)) || !x.Stats().Exact {
		t.Fatalf("found %d and %d", len(here), len(there))
	}
}

func TestExchange_BrokenOff_ResumesWithWhatRemains(t *testing.T) {
	r := seeded(t)
	base := randomItems(r, 30000)
	for range 12 {
		d := []int{50, 9000, 25000}[r.IntN(3)]
		a, b := apart(r, base, d, r.IntN(kinds))
		var here, there Items
		var remaining []Range
		exchanges := 0
		for remaining == nil || len(remaining) > 0 {
			x := exchange(t, a, Config{Salt: r.Uint64(), Ranges: remaining})
			p := NewResponder(b, testKey)
			// Each time some more round trips, so that it comes to an end.
			for n := r.IntN(4) + exchanges; n >= 0 && !x.Done(); n-- {
				request, err := x.Request()
				if err != nil {
					t.Fatal(err)
				}
				reply, err := p.Answer(request)
				if err != nil {
					t.Fatal(err)
				}
				if err := x.Reply(reply); err != nil {
					t.Fatal(err)
				}
			}
			h, th := x.Take()
			here, there = append(here, h...), append(there, th...)
			remaining = append([]Range{}, x.Remaining()...)
			exchanges++
		}
		// A list that is broken off within a token begins with it again.
		if got := NewItems(here...); !slices.Equal(got, minus(a, b)) || len(here) > len(got)+exchanges {
			t.Fatalf("after %d exchanges %d items are found here", exchanges, len(here))
		}
		if got := NewItems(there...); !slices.Equal(got, minus(b, a)) || len(there) > len(got)+exchanges {
			t.Fatalf("after %d exchanges %d items are found there", exchanges, len(there))
		}
	}
}

func TestExchange_TooLong_SaysWhatRemains(t *testing.T) {
	r := seeded(t)
	a, b := apart(r, randomItems(r, 30000), 20000, missingBoth)
	x := exchange(t, a, Config{MaxRoundTrips: 3})
	p := NewResponder(b, testKey)
	for n := 0; ; n++ {
		request, err := x.Request()
		if errors.Is(err, ErrTooLong) {
			if n != 3 || x.Done() || len(x.Remaining()) == 0 {
				t.Fatalf("after %d round trips %v remain", n, x.Remaining())
			}
			return
		}
		if err != nil || n > 3 {
			t.Fatal(n, err)
		}
		reply, err := p.Answer(request)
		if err != nil {
			t.Fatal(err)
		}
		if err := x.Reply(reply); err != nil {
			t.Fatal(err)
		}
	}
}

// A set that cannot be read now and then is an error each time, and nothing is
// lost by it.
func TestExchange_SourceFails_GoesOnAfterwards(t *testing.T) {
	r := seeded(t)
	a, b := apart(r, randomItems(r, 3000), 700, missingBoth)
	ours, theirs := &failing{Items: a}, &failing{Items: b}
	x := exchange(t, ours, Config{Salt: r.Uint64()})
	p := NewResponder(theirs, testKey)
	fails := 0
	try := func(f *failing, what func() error) {
		for allowed := 1; ; allowed += 500 {
			f.after = allowed
			if what() == nil {
				return
			}
			fails++
			if fails > 1000 {
				t.Fatal("it never ends")
			}
		}
	}
	var reply []byte
	for !x.Done() {
		var request []byte
		try(ours, func() (err error) { request, err = x.Request(); return err })
		try(theirs, func() (err error) { reply, err = p.Answer(request); return err })
		try(ours, func() error { return x.Reply(reply) })
	}
	here, there := x.Take()
	if !slices.Equal(NewItems(here...), minus(a, b)) || !slices.Equal(NewItems(there...), minus(b, a)) || !x.Stats().Exact {
		t.Fatalf("found %d and %d after %d errors", len(here), len(there), fails)
	}
}

func TestDiff_IsAnExchange(t *testing.T) {
	r := seeded(t)
	a, b := apart(r, randomItems(r, 1000), 30, overwritten)
	here, there, stats, err := Diff(a, b, Config{})
	if err != nil || len(here) != 15 || len(there) != 15 || !stats.Exact {
		t.Fatal(len(here), len(there), stats, err)
	}
	for _, sets := range [][2]Set{{&failing{Items: a}, b}, {a, &failing{Items: b}}} {
		if _, _, _, err := Diff(sets[0], sets[1], Config{}); !errors.Is(err, errSource) {
			t.Fatal(err)
		}
	}
	if _, _, _, err := Diff(a, b, Config{MaxRoundTrips: -1}); err == nil {
		t.Fatal("a wrong config")
	}
}
