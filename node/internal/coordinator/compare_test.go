package coordinator

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/node/datastore"
)

type updateFunc func(*datastore.View, *datastore.Delta)

func (f updateFunc) Update(v *datastore.View, d *datastore.Delta) { f(v, d) }

// randomWrite is a command of some kind on a record of some kind and size.
func randomWrite(rng *rand.Rand) updateFunc {
	op, x := rng.IntN(12), rng.IntN(500)
	size := []int{3, 200, 2000, 6000, 100_000}[rng.IntN(5)]
	value := bytes.Repeat([]byte{byte('a' + rng.IntN(26))}, size)
	many := []int{1, 10, 200, 500}[rng.IntN(4)]
	field := func(i int) []byte { return fmt.Append(nil, "field", i) }
	return func(v *datastore.View, d *datastore.Delta) {
		hash := v.Kind() == datastore.None || v.Kind() == datastore.Hash
		switch {
		case op == 0:
			d.Overwrite(value)
		case op == 1:
			d.Overwrite(value)
			d.ExpireAt(d.Now() + 1e7)
		case op == 2:
			d.Delete()
		case op == 3 && v.Kind() != datastore.None:
			d.ExpireAt(d.Now() + int64(1e6+x))
		case op == 4 && v.Kind() == datastore.String:
			d.Put(datastore.String, nil, value)
		case op == 5 && hash:
			d.Add(datastore.Hash, field(x), 3)
		case op == 6 && hash:
			for i := range many {
				d.Remove(datastore.Hash, field(i))
			}
		case op >= 7 && hash:
			for i := range many {
				d.Put(datastore.Hash, field(x+i), value[:min(size, 100)])
			}
		}
	}
}

// Whatever two owners hold, after a comparison both hold the join of it, and
// the next one finds nothing.
func TestCompare_RandomRecords_BothSidesHoldTheJoin(t *testing.T) {
	b := newBench(t, 2)
	for round := range 40 {
		seed := rand.Uint64()
		rng := rand.New(rand.NewPCG(seed, 1))
		var keys [][]byte
		for i := range 12 {
			keys = append(keys, fmt.Appendf(nil, "%d:%d", round, i))
		}
		for range 80 {
			key, at := keys[rng.IntN(len(keys))], rng.IntN(2)
			up, err := b.stores[at].Update(key, randomWrite(rng), nil)
			if err != nil {
				t.Fatal(err)
			}
			if up.Wrote && rng.IntN(3) == 0 {
				if _, err := b.stores[1-at].Merge(key, up.Delta, datastore.MergeOptions{}, nil); err != nil {
					t.Fatal(err)
				}
			}
		}
		want := map[string]uint64{}
		join := openStore(t)
		for _, key := range keys {
			for _, s := range b.stores {
				rec, err := s.Record(key, nil)
				if err != nil {
					t.Fatal(err)
				}
				if len(rec) > 0 {
					if _, err := join.Merge(key, rec, datastore.MergeOptions{}, nil); err != nil {
						t.Fatal(err)
					}
				}
			}
			want[string(key)], _ = join.Digest(key)
		}
		from := rng.IntN(2)
		got, err := b.coords[from].Compare(t.Context(), benchCaller(b, from), 1-from, whole, true)
		if err != nil {
			t.Fatalf("seed %#x: %v", seed, err)
		}
		for _, key := range keys {
			for i, s := range b.stores {
				if d, _ := s.Digest(key); d != want[string(key)] {
					t.Fatalf("seed %#x: node %d, which asked: %v, does not hold the join of %s: %+v", seed, i, i == from, key, got)
				}
			}
		}
		if got.Differed == 0 || got.Fetched+got.Pushed == 0 {
			t.Fatalf("seed %#x: %+v", seed, got)
		}
		again, err := b.coords[1-from].Compare(t.Context(), benchCaller(b, 1-from), from, whole, true)
		if err != nil || again.Differed != 0 || again.Fetched != 0 || again.Pushed != 0 || again.Rounds > 3 {
			t.Fatalf("seed %#x: again: %+v, %v", seed, again, err)
		}
	}
}

func openStore(t *testing.T) *datastore.Memory {
	t.Helper()
	m, err := datastore.Open(t.Context(), datastore.Config{Token: func(k []byte) uint64 { return uint64(hashkit.SlotHash(k)) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// A comparison that need not be of now leaves out what is young, and shows it
// later.
func TestCompare_Settled_LeavesOutWhatIsYoung(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, 2)
		compare := func(now bool, want int) {
			t.Helper()
			got, err := b.coords[1].Compare(t.Context(), benchCaller(b, 1), 0, whole, now)
			if err != nil || got.Fetched != want {
				t.Errorf("%+v, %v", got, err)
			}
		}
		b.stores[0].Update([]byte("k"), setter{}, nil)
		compare(false, 0)
		time.Sleep(4 * time.Second)
		compare(false, 1)
		b.stores[0].Update([]byte("l"), setter{}, nil)
		compare(false, 0)
		compare(true, 1)
	})
}

func TestParts_CoverTheRuns(t *testing.T) {
	rng := rand.New(rand.NewPCG(rand.Uint64(), 1))
	for range 2000 {
		var runs []Range
		at := hashkit.Token(0)
		for range rng.IntN(8) {
			from := at + hashkit.Token(rng.Uint64N(uint64(hashkit.MaxToken-at)/2+1))
			to := from + hashkit.Token(rng.Uint64N(uint64(hashkit.MaxToken-from)/2+1))
			runs = append(runs, Range{from, to})
			if at = to + 2; at < 2 {
				break
			}
		}
		if rng.IntN(4) == 0 {
			runs = whole
		}
		keys := rng.IntN(40 * partKeys)
		var got []Range
		for _, part := range parts(runs, keys) {
			for _, r := range part {
				if n := len(got); n > 0 && got[n-1].To+1 == r.From && !startsAt(runs, r.From) {
					got[n-1].To = r.To
					continue
				}
				got = append(got, r)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(runs) {
			t.Fatalf("%d keys, %v: %v", keys, runs, got)
		}
	}
	if n := len(parts(whole, 1_000_000)); n != 4 {
		t.Errorf("a million keys are compared in %d parts", n)
	}
}

// What is deleted is compared too, so it counts for what is compared at a time.
func TestParts_DeletedKeys_Count(t *testing.T) {
	b := newBench(t, 2)
	for i := range partKeys + 1 {
		if _, err := b.stores[0].Update(fmt.Append(nil, i), updateFunc(func(_ *datastore.View, d *datastore.Delta) { d.Delete() }), nil); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(b.coords[0].Parts(whole)); n != 2 {
		t.Errorf("%d deleted keys are compared in %d parts", partKeys+1, n)
	}
}

func startsAt(runs []Range, token hashkit.Token) bool {
	for _, r := range runs {
		if r.From == token {
			return true
		}
	}
	return false
}

// Keys that share a token, as those of one hash tag do, are named and answered
// in messages that hold records as far as they fit, whoever asks.
func TestCompare_ManyKeysAtOneToken_SmallMessages(t *testing.T) {
	for _, from := range []int{0, 1} {
		b := newBenchHashed(t, 2, 2, func([]byte) hashkit.Token { return 7 })
		const keys = 2000
		value := bytes.Repeat([]byte("v"), 1000)
		for i := range keys {
			up, err := b.stores[0].Update(fmt.Append(nil, "k", i), updateFunc(func(_ *datastore.View, d *datastore.Delta) { d.Overwrite(value) }), nil)
			if err != nil {
				t.Fatal(err)
			}
			if i%2 == 0 {
				continue
			}
			if _, err := b.stores[1].Merge(fmt.Append(nil, "k", i), up.Delta, datastore.MergeOptions{}, nil); err != nil {
				t.Fatal(err)
			}
		}
		largest, call := 0, benchCaller(b, from)
		got, err := b.coords[from].Compare(t.Context(), func(ctx context.Context, node int, kind byte, payload []byte) ([]byte, error) {
			reply, err := call(ctx, node, kind, payload)
			largest = max(largest, len(payload), len(reply))
			return reply, err
		}, 1-from, whole, true)
		if err != nil || b.stores[1].Len() != keys || got.Fetched+got.Pushed != keys/2 || got.Differed != keys/2 {
			t.Errorf("node %d asks, %d keys: %+v, %v", from, b.stores[1].Len(), got, err)
		}
		if largest > 2*pushBytes {
			t.Errorf("node %d asks: a message of %d bytes", from, largest)
		}
		again, err := b.coords[1-from].Compare(t.Context(), benchCaller(b, 1-from), from, whole, true)
		if err != nil || again.Differed != 0 {
			t.Errorf("again: %+v, %v", again, err)
		}
	}
}

// tampered is a caller whose replies go through a function.
func tampered(b *bench, from int, change func(kind byte, reply []byte) []byte) Caller {
	call := benchCaller(b, from)
	return func(ctx context.Context, node int, kind byte, payload []byte) ([]byte, error) {
		reply, err := call(ctx, node, kind, payload)
		return change(kind, reply), err
	}
}

// A node with few records compares in as many parts as the other side needs.
func TestCompare_TheOtherHasMore_InMoreParts(t *testing.T) {
	b := newBench(t, 2)
	asked := 0
	_, err := b.coords[0].Compare(t.Context(), tampered(b, 0, func(kind byte, reply []byte) []byte {
		if kind != KindCompare {
			return reply
		}
		if asked++; asked == 1 {
			r := reader{b: reply[1:]}
			shown := r.uvarint()
			return binary.AppendUvarint(binary.AppendUvarint(reply[:1:1], shown), 3*partKeys)
		}
		return reply
	}), 1, whole, true)
	if err != nil || asked != 1+4 {
		t.Errorf("%d messages, %v", asked, err)
	}
}

// What no healthy node answers ends a comparison, and is known for what it is.
func TestCompare_Lies_AreNonsense(t *testing.T) {
	for name, lie := range map[string]func(kind byte, reply []byte) []byte{
		"more joined than named": func(kind byte, reply []byte) []byte {
			if kind == KindReconcile {
				return []byte{compareVersion, 0, 1, 9, 0}
			}
			return reply
		},
		"more, and nothing": func(kind byte, reply []byte) []byte {
			if kind == KindReconcile {
				return []byte{compareVersion, 1, 0, 0, 0}
			}
			return reply
		},
		"nothing": func(kind byte, reply []byte) []byte {
			if kind == KindReconcile {
				return []byte{compareVersion}
			}
			return reply
		},
		"a key from elsewhere": func(kind byte, reply []byte) []byte {
			if kind == KindReconcile {
				h := held{key: []byte("elsewhere"), digest: 1}
				return h.appendAnswer([]byte{compareVersion, 0, 1, 0, 1})
			}
			return reply
		},
		"damage": func(kind byte, reply []byte) []byte {
			if kind == KindCompare && len(reply) > 12 {
				reply[len(reply)-9] ^= 1
			}
			return reply
		},
		"begin again": func(kind byte, reply []byte) []byte {
			if kind == KindCompare {
				return []byte{compareVersion, 1, 0}
			}
			return reply
		},
	} {
		b := newBench(t, 2)
		if _, err := b.stores[0].Update([]byte("k"), setter{}, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := b.coords[0].Compare(t.Context(), tampered(b, 0, lie), 1, whole, true); !Nonsense(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// bare is a store that has nothing but what it must.
type bare struct{ datastore.Store }

// Stores that tell neither the past nor parts of records are compared as they
// are.
func TestCompare_StoresOfSomebodyElse(t *testing.T) {
	b := newBench(t, 2)
	for i, c := range b.coords {
		c.Install(c.Cluster(), bare{b.stores[i]}, b.clocks[i].Observe)
		for j := range 300 {
			write := func(_ *datastore.View, d *datastore.Delta) { d.Put(datastore.Hash, fmt.Append(nil, i, j), []byte("v")) }
			for _, key := range []string{"large", fmt.Sprint("small", i, j)} {
				if _, err := b.stores[i].Update([]byte(key), updateFunc(write), nil); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	got, err := b.coords[0].Compare(t.Context(), benchCaller(b, 0), 1, whole, false)
	if err != nil || got.Fetched != 301 {
		t.Errorf("%+v, %v", got, err)
	}
	x, _ := scanSum(b.coords[0].digests, 0, hashkit.MaxToken)
	y, _ := scanSum(b.coords[1].digests, 0, hashkit.MaxToken)
	if x != y || x.Count != 601 {
		t.Errorf("%+v and %+v", x, y)
	}
}

// What this node does not own it does not take.
func TestServeReconcile_ATokenOfOthers_IsRefused(t *testing.T) {
	b := newBenchIn(t, 4, 2)
	c := b.coords[0]
	key := b.keyOf(2, 1)
	msg := binary.BigEndian.AppendUint64([]byte{compareVersion, modeRecords, 0}, uint64(c.Cluster().Hash([]byte(key))))
	if c.Cluster().owns(c.Cluster().Hash([]byte(key))) {
		t.Fatal("node 0 owns the key of others")
	}
	if _, err := c.ServeReconcile(append(msg, 0)); err == nil || !strings.Contains(err.Error(), "does not own") {
		t.Error(err)
	}
}

// A node without other owners keeps nothing to compare, and says so to whoever asks.
func TestServeCompare_AnOwnerAlone_Refuses(t *testing.T) {
	b := newBench(t, 1)
	if _, err := b.coords[0].ServeCompare("n1", []byte{compareVersion, scopeRecords, 1}); err == nil {
		t.Error("it answers")
	}
}

// What makes no sense is refused, and says why; nothing is adopted.
func TestServeReconcile_Nonsense_IsRefused(t *testing.T) {
	b := newBench(t, 2)
	c := b.coords[0]
	elsewhere := []byte{compareVersion, modeRecords, 0, 0, 0, 0, 0, 0, 0, 0, 7, 1}
	elsewhere = append(append(appendBytes(elsewhere, []byte("k")), 0), make([]byte, 20)...)
	for want, msg := range map[string][]byte{
		"another token":  elsewhere,
		"cut short":      {compareVersion, modeRecords, 0, 1, 2},
		"format version": {9, modeRecords, 0},
	} {
		if _, err := c.ServeReconcile(msg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
	if c.store.Len() != 0 {
		t.Error("something was joined")
	}
}

// slowCaller takes some time for each round trip, as a link that is far or busy.
func slowCaller(b *bench, from int, d time.Duration) Caller {
	call := benchCaller(b, from)
	return func(ctx context.Context, node int, kind byte, payload []byte) ([]byte, error) {
		time.Sleep(d)
		return call(ctx, node, kind, payload)
	}
}

// What takes longer than generations last is brought all the same: time that
// goes on is no failure as long as something is exchanged.
func TestCompare_OutlastsManyGenerations_IsDone(t *testing.T) {
	for _, now := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, 2)
			const keys = 60_000
			for i := range keys {
				if _, err := b.stores[0].Update(fmt.Append(nil, i), setter{}, nil); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(6 * time.Second)
			got, err := b.coords[1].Compare(t.Context(), slowCaller(b, 1, time.Second), 0, whole, now)
			if err != nil || got.Fetched != keys {
				t.Errorf("now %v: %+v, %v", now, got, err)
			}
		})
	}
}

// Who catches up gets through to an owner that takes longer than a generation
// for every answer.
func TestCompare_Now_WithASlowOwner_IsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, 2)
		const keys = 6000
		for i := range keys {
			if _, err := b.stores[0].Update(fmt.Append(nil, i), setter{}, nil); err != nil {
				t.Fatal(err)
			}
		}
		got, err := b.coords[1].Compare(t.Context(), slowCaller(b, 1, 5*time.Second), 0, whole, true)
		// The resets, the sums, two lists and 12 messages of records: begun once.
		if err != nil || got.Fetched != keys || got.Rounds > 18 {
			t.Errorf("%+v, %v", got, err)
		}
	})
}
