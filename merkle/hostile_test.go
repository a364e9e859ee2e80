package merkle

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/dynomite-go/dynomite/hashkit"
)

// allocated is how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// asked gives exchanges that wait for a reply of each kind.
func asked(t testing.TB, r *rand.Rand) []*Exchange {
	base := randomItems(r, 3000)
	a, b := apart(r, base, 400, missingBoth)
	compare := exchange(t, a, Config{})
	symbols := exchange(t, a, Config{})
	list := exchange(t, a, Config{})
	list.job().step = stepList
	request, _ := symbols.Request()
	reply, err := NewResponder(b, testKey).Answer(request)
	if err != nil {
		t.Fatal(err)
	}
	if err := symbols.Reply(reply); err != nil {
		t.Fatal(err)
	}
	out := []*Exchange{compare, symbols, list}
	for _, x := range out {
		if _, err := x.Request(); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func TestExchange_DamagedReply_IsRefused_AndNothingChanges(t *testing.T) {
	r := seeded(t)
	a, b := apart(r, randomItems(r, 2000), 300, missingBoth)
	x := exchange(t, a, Config{Salt: r.Uint64()})
	p := NewResponder(b, testKey)
	here, there := run(t, x, func(request []byte) ([]byte, error) {
		for range 40 {
			bad := slices.Clone(request)
			bad[r.IntN(len(bad))] ^= 1 << r.IntN(8)
			if _, err := p.Answer(bad); !errors.Is(err, ErrDamaged) {
				t.Fatalf("a damaged request: %v", err)
			}
		}
		reply, err := p.Answer(request)
		for range 40 {
			bad := slices.Clone(reply)
			bad[r.IntN(len(bad))] ^= 1 << r.IntN(8)
			if r.IntN(3) == 0 {
				bad = bad[:r.IntN(len(bad))]
			}
			if err := x.Reply(bad); !errors.Is(err, ErrDamaged) {
				t.Fatalf("a damaged reply: %v", err)
			}
		}
		return reply, err
	})
	if !slices.Equal(here, minus(a, b)) || !slices.Equal(there, minus(b, a)) {
		t.Fatalf("found %d and %d", len(here), len(there))
	}
	if err := x.Reply(nil); !errors.Is(err, ErrDamaged) {
		t.Fatalf("a reply after the end: %v", err)
	}
}

func TestExchange_AnotherKey_IsRefused(t *testing.T) {
	x := exchange(t, Items{{1, 1}}, Config{})
	request, err := x.Request()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewResponder(Items{{1, 1}}, Key{}).Answer(request); !errors.Is(err, ErrDamaged) {
		t.Fatal(err)
	}
}

// An answer of equal that belongs to another request must not be believed: that
// would be equality that was not.
func TestExchange_EqualFromAnotherExchange_IsRefused(t *testing.T) {
	p := NewResponder(Items{{1, 1}}, testKey)
	x, y := exchange(t, Items{{1, 1}}, Config{Salt: 1}), exchange(t, Items{{2, 2}}, Config{Salt: 1})
	request, _ := x.Request()
	if _, err := y.Request(); err != nil {
		t.Fatal(err)
	}
	reply, err := p.Answer(request)
	if err != nil || reply[1] != sayEqual {
		t.Fatal(reply, err)
	}
	if err := y.Reply(reply); !errors.Is(err, ErrDamaged) || y.Done() {
		t.Fatal(err)
	}
}

// forged replies are sealed as an honest side would.
func TestExchange_ForgedReplies_SayWhatIsWrong(t *testing.T) {
	r := seeded(t)
	huge := binary.AppendUvarint(nil, 1<<60)
	sum := appendSum(nil, Sum{1 << 63, 7})
	replies := map[string][]byte{
		"nothing":              nil,
		"no such kind":         {99},
		"equal and more":       {sayEqual, 1},
		"parts, cut off":       append([]byte{sayParts}, sum...),
		"symbols, cut off":     append([]byte{saySymbols}, sum...),
		"symbols, huge":        slices.Concat([]byte{saySymbols}, sum, make([]byte, 2000), huge),
		"items, huge":          slices.Concat([]byte{sayItems, 1}, huge),
		"items, cut off":       {sayItems, 1, 2, 0},
		"no items, goes on":    {sayItems, 0, 0},
		"items, upside down":   slices.Concat([]byte{sayItems, 1, 2, 9}, make([]byte, 8), []byte{0}, make([]byte, 8)),
		"items around the end": slices.Concat([]byte{sayItems, 1, 2, 9}, make([]byte, 8), binary.AppendUvarint(nil, ^uint64(0)), make([]byte, 8)),
	}
	for name, body := range replies {
		for i, x := range asked(t, r) {
			if name == "nothing" {
				body = []byte{}
			}
			reply := seal(append([]byte{formatVersion}, body...), testKey, sealOf(x.message))
			var err error
			if n := allocated(func() { err = x.Reply(reply) }); n > 400<<10 {
				t.Errorf("%s: %d bytes allocated", name, n)
			}
			if !errors.Is(err, ErrDamaged) || x.Done() || x.Stats().RoundTrips > 1 {
				t.Errorf("%s to request %d: %v", name, i, err)
			}
		}
	}
}

func TestExchange_ItemsOutsideTheRange_AreRefused(t *testing.T) {
	x := exchange(t, Items{{50, 1}}, Config{Ranges: []Range{{10, 20}, {40, 60}}})
	if _, err := x.Request(); err != nil {
		t.Fatal(err)
	}
	for _, token := range []hashkit.Token{9, 21, 39, 61} {
		body := appendItem([]byte{formatVersion, sayItems, 1, 1}, 0, Item{token, 1})
		if err := x.Reply(seal(body, testKey, sealOf(x.message))); !errors.Is(err, ErrDamaged) {
			t.Errorf("token %d: %v", token, err)
		}
	}
}

// liar answers with sealed nonsense of the right kind, only that it never says
// equal, which would be believed. It knows the asking side's set, so that some
// parts of it can be equal.
func liar(r *rand.Rand, request []byte, ours Set) []byte {
	q, err := readRequest(request, testKey)
	if err != nil {
		panic(err)
	}
	sum := Sum{r.Uint64() >> r.IntN(64), r.Uint64()}
	var b []byte
	switch q.kind {
	case askCompare:
		b = appendSum([]byte{formatVersion, sayParts}, sum)
		prints, err := fingerprints(ours, testKey, q)
		if err != nil {
			panic(err)
		}
		differ := r.Uint64() | r.Uint64()<<r.IntN(64)
		for i, f := range prints {
			b = binary.LittleEndian.AppendUint32(b, f^uint32(differ>>i&1))
		}
	case askSymbols:
		symbols := make([]Symbol, sketchSize)
		key := testKey.derive(forItems, q.salt)
		for i := range symbols {
			symbols[i] = Symbol{r.Uint64(), r.Uint64(), r.Uint64(), int64(r.Uint64() >> r.IntN(64))}
			if r.IntN(4) == 0 {
				symbols[i].Check = key.pair(symbols[i].Token, symbols[i].Digest)
			}
		}
		b = appendSymbols([]byte{formatVersion, saySymbols}, q, sum, symbols)
	default:
		var list []byte
		n, at := 0, q.runs[0].From
		if q.after != nil {
			at = q.after.Token
		}
		for ; n < 3000; n++ {
			next := at + hashkit.Token(1+r.Uint64()>>(8+r.IntN(50)))
			if next < at || !inside(q.runs, []Item{{next, 0}}) {
				break
			}
			before := at
			if n == 0 {
				before = 0
			}
			list = appendItem(list, before, Item{next, r.Uint64()})
			at = next
		}
		complete := byte(0)
		if n == 0 {
			complete = 1
		}
		b = binary.AppendUvarint([]byte{formatVersion, sayItems, complete}, uint64(n))
		b = append(b, list...)
	}
	return seal(b, testKey, sealOf(request))
}

// A side that lies all the time gets an error or the bound, costs no more memory
// than an honest one, and is never equal unless it says so in plain words.
func TestExchange_Liar_IsBounded(t *testing.T) {
	r := seeded(t)
	ours := randomItems(r, 2000)
	for range 60 {
		const most = 60
		x := exchange(t, ours, Config{MaxRoundTrips: most, Salt: r.Uint64()})
		damaged := 0
		for !x.Done() {
			request, err := x.Request()
			if errors.Is(err, ErrTooLong) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := x.Reply(liar(r, request, ours)); err != nil {
				if !errors.Is(err, ErrDamaged) {
					t.Fatal(err)
				}
				if damaged++; damaged > most {
					break
				}
			}
			if n := len(x.jobs); n > 8*maxPieces {
				t.Fatalf("%d jobs", n)
			}
			if h, th := x.Take(); len(h)+len(th) > ownItems+MaxMessage/9 {
				t.Fatalf("%d items in a step", len(h)+len(th))
			}
		}
		if s := x.Stats(); s.Equal || s.RoundTrips > most {
			t.Fatalf("%+v", s)
		}
	}
}

func TestResponder_ForgedRequests_SayWhatIsWrong(t *testing.T) {
	head := func(kind byte, rest ...byte) []byte {
		b := append([]byte{formatVersion, kind}, make([]byte, 8)...) // salt
		return append(append(b, 0), rest...)
	}
	numbers := func(n ...uint64) []byte {
		b := make([]byte, 1+8) // every token, no mask
		for _, v := range n {
			b = binary.AppendUvarint(b, v)
		}
		return b
	}
	for name, body := range map[string][]byte{
		"no such kind":           head(77, 0),
		"cut off":                head(askCompare),
		"a compare and more":     head(askCompare, make([]byte, 1+9+1)...),
		"many ranges":            head(askCompare, binary.AppendUvarint(nil, 1<<62)...),
		"ranges upside down":     head(askCompare, slices.Concat([]byte{1}, binary.LittleEndian.AppendUint64(nil, 9), binary.AppendUvarint(nil, ^uint64(0)-2), make([]byte, 9))...),
		"symbols backwards":      head(askSymbols, numbers(5, 4, 5, 5)...),
		"too many symbols":       head(askSymbols, numbers(0, 1<<40, 0, 1<<40)...),
		"fewer counts":           head(askSymbols, numbers(0, 9, 0, 8)...),
		"counts behind symbols":  head(askSymbols, numbers(5, 9, 4, 9)...),
		"counts that were known": head(askSymbols, numbers(0, 9, 10, 9)...),
		"an item, cut off":       head(askItems, 0, 1, 2),
	} {
		var err error
		n := allocated(func() { _, err = NewResponder(Items{{1, 1}}, testKey).Answer(seal(body, testKey, 0)) })
		if !errors.Is(err, ErrDamaged) || n > 64<<10 {
			t.Errorf("%s: %v, %d bytes allocated", name, err, n)
		}
	}
	if _, err := NewResponder(Items{}, testKey).Answer(make([]byte, MaxMessage+1)); !errors.Is(err, ErrDamaged) {
		t.Error("a long message", err)
	}
}

func FuzzResponder(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 1))
	set := randomItems(r, 100)
	for _, x := range asked(f, r) {
		f.Add(x.message[:len(x.message)-sealSize])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		p := NewResponder(set, testKey)
		if reply, err := p.Answer(body); err == nil && len(reply) > MaxMessage {
			t.Fatal(len(reply))
		}
		request := seal(body, testKey, 0)
		reply, err := p.Answer(request)
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		if len(reply) > MaxMessage {
			t.Fatal(len(reply))
		}
		if _, _, err := open(reply, testKey, sealOf(request)); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzExchange(f *testing.F) {
	items := randomItems(rand.New(rand.NewPCG(1, 1)), 120)
	ours, theirs := items[:100], items[20:]
	waiting := func(t testing.TB, which byte) *Exchange {
		x := exchange(t, ours, Config{})
		x.job().step = step(which % 3)
		x.job().wanted = sketching{upto: 20, counted: 30}
		if _, err := x.Request(); err != nil {
			t.Fatal(err)
		}
		return x
	}
	for which := range byte(3) {
		reply, err := NewResponder(theirs, testKey).Answer(waiting(f, which).message)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(which, reply[:len(reply)-sealSize])
	}
	f.Fuzz(func(t *testing.T, which byte, body []byte) {
		x := waiting(t, which)
		err := x.Reply(seal(body, testKey, sealOf(x.message)))
		if err != nil && !errors.Is(err, ErrDamaged) {
			t.Fatal(err)
		}
		if x.Stats().Equal && (err != nil || body[1] != sayEqual) {
			t.Fatal("equal, which nobody said")
		}
		if _, err := x.Request(); err != nil {
			t.Fatal(err)
		}
	})
}

// Symbols decode and still do not explain the sums that came with them: nothing
// of them is believed, and the difference is found in another way.
func TestExchange_SymbolsThatDoNotFitTheirSum_AreNotBelieved(t *testing.T) {
	r := seeded(t)
	a, b := apart(r, randomItems(r, 3000), 20, missingBoth)
	x := exchange(t, a, Config{Salt: r.Uint64()})
	p := NewResponder(b, testKey)
	sketches := 0
	here, there := run(t, x, func(request []byte) ([]byte, error) {
		reply, err := p.Answer(request)
		if err == nil && reply[1] == saySymbols {
			sketches++
			_, n := binary.Uvarint(reply[2:])
			reply[2+n] ^= 1 // the digest of what the symbols are made of
			reply = seal(reply[:len(reply)-sealSize], testKey, sealOf(request))
		}
		return reply, err
	})
	if sketches <= maxAgain || x.Stats().Listed == 0 {
		t.Fatalf("believed after %d sketches", sketches)
	}
	if !slices.Equal(here, minus(a, b)) || !slices.Equal(there, minus(b, a)) || !x.Stats().Exact {
		t.Fatalf("found %d and %d, %+v", len(here), len(there), x.Stats())
	}
}

// Whatever a side claims to hold, we ask for what an honest one can answer.
func TestExchange_HugeClaims_RequestsStayHonest(t *testing.T) {
	r := seeded(t)
	ours := randomItems(r, 1000)
	for _, count := range []uint64{0, 999, 1 << 62, 1 << 63, ^uint64(0)} {
		for _, differ := range []uint64{1, 1 << 63, ^uint64(1), ^uint64(0)} {
			x := exchange(t, ours, Config{})
			for !x.Done() && x.Stats().RoundTrips < 12 {
				request, err := x.Request()
				if err != nil {
					t.Fatal(err)
				}
				q, err := readRequest(request, testKey)
				if err != nil {
					t.Fatalf("a claim of %d: %v", count, err)
				}
				reply := liar(r, request, ours)
				if q.kind == askCompare {
					prints, _ := fingerprints(ours, testKey, q)
					b := appendSum([]byte{formatVersion, sayParts}, Sum{count, 1})
					for i, f := range prints {
						b = binary.LittleEndian.AppendUint32(b, f^uint32(differ>>i&1))
					}
					reply = seal(b, testKey, sealOf(request))
				}
				if err := x.Reply(reply); err != nil && !errors.Is(err, ErrDamaged) {
					t.Fatal(err)
				} else if err != nil {
					break
				}
			}
		}
	}
}
