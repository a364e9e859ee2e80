package coordinator

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/node/datastore"
)

// copied is what a store held at a moment.
type copied struct {
	resets  []datastore.RangeReset
	records map[string][]byte
}

func copyOf(t *testing.T, m *datastore.Memory, keys [][]byte) copied {
	t.Helper()
	c := copied{m.Resets(), map[string][]byte{}}
	for _, key := range keys {
		rec, err := m.Record(key, nil)
		if err != nil {
			t.Fatal(err)
		}
		c.records[string(key)] = rec
	}
	return c
}

// store is a store at a floor that holds the copy.
func (c copied) store(t *testing.T, hash hashkit.Func, floor, before datastore.Version) *datastore.Memory {
	t.Helper()
	m, err := datastore.Open(t.Context(), datastore.Config{Token: func(k []byte) uint64 { return uint64(hash(k)) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	m.SetFloor(0, lastToken, floor, before)
	c.join(t, m)
	return m
}

func (c copied) join(t *testing.T, m *datastore.Memory) {
	t.Helper()
	for _, r := range c.resets {
		if _, err := m.ExchangeReset(r.From, r.To, r.Version); err != nil {
			t.Fatal(err)
		}
	}
	for key, rec := range c.records {
		if len(rec) == 0 {
			continue
		}
		if _, err := m.Merge([]byte(key), rec, datastore.MergeOptions{Exchange: true}, nil); err != nil {
			t.Fatal(err)
		}
	}
}

// lacks says in which key a taker's copy has less than the giver's.
func (c copied) lacks(t *testing.T, given copied, hash hashkit.Func, floor, before datastore.Version) string {
	t.Helper()
	m := c.store(t, hash, floor, before)
	was := map[string]uint64{}
	for key := range c.records {
		was[key], _ = m.Digest([]byte(key))
	}
	given.join(t, m)
	for key := range c.records {
		if now, _ := m.Digest([]byte(key)); now != was[key] {
			return key
		}
	}
	return ""
}

// scenario is two owners that write, and keys some of which share a token.
type scenario struct {
	*bench
	rng  *rand.Rand
	hash hashkit.Func
	keys [][]byte
}

func newScenario(t *testing.T, rng *rand.Rand) *scenario {
	hash := hashkit.SlotHash
	if rng.IntN(3) == 0 {
		hash = func([]byte) hashkit.Token { return 7 }
	}
	s := &scenario{bench: newBenchHashed(t, 2, 2, hash), rng: rng, hash: hash}
	for i := range 24 {
		s.keys = append(s.keys, fmt.Appendf(nil, []string{"%d", "{t}%d"}[i%2], i))
	}
	s.keys = append(s.keys, []byte(""))
	return s
}

func (s *scenario) write(at, n int, sent float64) {
	s.t.Helper()
	for range n {
		if s.rng.IntN(200) == 0 {
			if _, err := s.stores[at].ResetRange(0, s.rng.Uint64()); err != nil {
				s.t.Fatal(err)
			}
		}
		key := s.keys[s.rng.IntN(len(s.keys))]
		up, err := s.stores[at].Update(key, randomWrite(s.rng), nil)
		if err == nil && up.Wrote && s.rng.Float64() < sent {
			_, err = s.stores[1-at].Merge(key, up.Delta, datastore.MergeOptions{}, nil)
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

// state is what a store holds, to be compared.
func (s *scenario) state(i int) string {
	sum, err := scanSum(&digests{store: s.stores[i]}, 0, hashkit.MaxToken)
	if err != nil {
		s.t.Fatal(err)
	}
	return fmt.Sprint(sum, s.stores[i].Resets())
}

// watched is a caller to node to that notes whether serving changes anything
// there, and before which something else goes on.
func (s *scenario) watched(to int, between func()) Caller {
	call := benchCaller(s.bench, 1-to)
	return func(ctx context.Context, node int, kind byte, payload []byte) ([]byte, error) {
		between()
		was := s.state(to)
		reply, err := call(ctx, node, kind, payload)
		if s.state(to) != was {
			s.t.Errorf("a message of kind %d changes who gives", kind)
		}
		return reply, err
	}
}

// Round after round, who takes holds all that the other held, whatever both go
// on to write, and who gives holds what it held.
func TestTake_RandomRounds_HoldsAllThatTheOtherHeld(t *testing.T) {
	var total Comparison
	for range 4 {
		seed := rand.Uint64()
		s := newScenario(t, rand.New(rand.NewPCG(seed, 1)))
		var floor, before datastore.Version
		for range 3 {
			s.write(0, 60, 0.5)
			s.write(1, 60, 0.5)
			closed := s.close()
			busy := s.rng.IntN(2) == 0
			for from := range 2 {
				given := copyOf(t, s.stores[1-from], s.keys)
				got, err := s.coords[from].Take(t.Context(), s.watched(1-from, func() {
					if busy {
						s.write(1-from, 2, 0.5)
						s.write(from, 2, 0.5)
					}
				}), 1-from, whole)
				if err != nil || got.Pushed != 0 {
					t.Fatalf("seed %#x: %+v, %v", seed, got, err)
				}
				if key := copyOf(t, s.stores[from], s.keys).lacks(t, given, s.hash, floor, before); key != "" {
					t.Fatalf("seed %#x: node %d lacks something of %q: %+v", seed, from, key, got)
				}
				total.Add(got)
			}
			for _, m := range s.stores {
				m.SetFloor(0, lastToken, closed, floor)
			}
			for _, m := range s.stores {
				for !m.Swept(0, lastToken) {
					m.Sweep(1000)
				}
			}
			floor, before = closed, floor
		}
	}
	if total.Members == 0 || total.Fetched == 0 {
		t.Errorf("%+v", total)
	}
}

// What died before it was asked for has left its death, by whatever it came.
func TestTake_KilledMeanwhile_WhatKilledItIsTaken(t *testing.T) {
	for _, ranged := range []bool{false, true} {
		b := newBench(t, 2)
		b.clocks[0].Observe(datastore.At(time.Now().Add(time.Hour).UnixMilli(), 0, 9))
		key := []byte("large")
		for i, m := range b.stores {
			put := func(_ *datastore.View, d *datastore.Delta) {
				for j := range 300 {
					d.Put(datastore.Hash, fmt.Append(nil, i, j), []byte("v"))
				}
			}
			if _, err := m.Update(key, updateFunc(put), nil); err != nil {
				t.Fatal(err)
			}
		}
		given, err := b.stores[0].Record(key, nil)
		if err != nil {
			t.Fatal(err)
		}
		call := benchCaller(b, 1)
		_, err = b.coords[1].Take(t.Context(), func(ctx context.Context, node int, kind byte, payload []byte) ([]byte, error) {
			reply, err := call(ctx, node, kind, payload)
			if kind != KindReconcile || payload[1] != modeGive {
				return reply, err
			}
			// The digests by kind are known, the fields are not, and never will be:
			// they are gone on both sides, here by what does not kill theirs.
			del := updateFunc(func(_ *datastore.View, d *datastore.Delta) { d.Delete() })
			if _, err := b.stores[1].Update(key, del, nil); err != nil {
				t.Error(err)
			}
			if ranged {
				_, err = b.stores[0].ResetRange(0, lastToken)
			} else {
				_, err = b.stores[0].Update(key, del, nil)
			}
			return reply, err
		}, 0, whole)
		if err != nil {
			t.Fatal(err)
		}
		was := b.digest(1, string(key))
		if _, err := b.stores[1].Merge(key, given, datastore.MergeOptions{Exchange: true}, nil); err != nil {
			t.Fatal(err)
		}
		if b.digest(1, string(key)) != was {
			t.Errorf("a range reset: %v: neither the fields nor what killed them was taken", ranged)
		}
	}
}

// What is cut short is an error, or asked for again: never taken for all.
func TestTake_AnswersAreCutShort_IsNeverTakenForAll(t *testing.T) {
	for range 20 {
		seed := rand.Uint64()
		s := newScenario(t, rand.New(rand.NewPCG(seed, 1)))
		s.write(0, 60, 0.3)
		given := copyOf(t, s.stores[0], s.keys)
		_, err := s.coords[1].Take(t.Context(), tampered(s.bench, 1, func(kind byte, reply []byte) []byte {
			if s.rng.IntN(3) > 0 || len(reply) == 0 {
				return reply
			}
			return reply[:s.rng.IntN(len(reply))]
		}), 0, whole)
		if err != nil {
			continue
		}
		if key := copyOf(t, s.stores[1], s.keys).lacks(t, given, s.hash, datastore.Version{}, datastore.Version{}); key != "" {
			t.Fatalf("seed %#x: lacks something of %q", seed, key)
		}
	}
}

// Keys that share a token come in messages that hold as many as fit, none of
// them twice, also if what was taken is not equal to what was given.
func TestTake_ManyKeysAtOneToken_SmallMessages(t *testing.T) {
	b := newBenchHashed(t, 2, 2, func([]byte) hashkit.Token { return 7 })
	const keys = 2000
	value := bytes.Repeat([]byte("v"), 1000)
	for i := range keys {
		for j, m := range b.stores {
			write := func(_ *datastore.View, d *datastore.Delta) { d.Put(datastore.Hash, fmt.Append(nil, j), value) }
			if i%3 == 0 && j == 1 {
				continue
			}
			if _, err := m.Update(fmt.Append(nil, "k", i), updateFunc(write), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	largest, call := 0, benchCaller(b, 1)
	got, err := b.coords[1].Take(t.Context(), func(ctx context.Context, node int, kind byte, payload []byte) ([]byte, error) {
		reply, err := call(ctx, node, kind, payload)
		largest = max(largest, len(payload), len(reply))
		return reply, err
	}, 0, whole)
	if err != nil || got.Fetched != keys || got.Differed != keys {
		t.Errorf("%+v, %v", got, err)
	}
	if largest > 2*pushBytes {
		t.Errorf("a message of %d bytes", largest)
	}
}

// More keys at a token than one message names are named in several.
func TestTake_ManyNames_AreAskedInParts(t *testing.T) {
	b := newBenchHashed(t, 2, 2, func([]byte) hashkit.Token { return 7 })
	const keys = 1200
	for i := range keys {
		key := bytes.Repeat(fmt.Appendf(nil, "%04d", i), 100)
		for j, m := range b.stores {
			if (i+j)%2 == 0 || i%3 == 0 {
				continue
			}
			if _, err := m.Update(key, setter{}, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	were := b.stores[1].Len()
	got, err := b.coords[1].Take(t.Context(), benchCaller(b, 1), 0, whole)
	if n := b.stores[0].Len(); err != nil || got.Fetched != n || b.stores[1].Len() != were+n {
		t.Errorf("%d keys of %d and %d: %+v, %v", b.stores[1].Len(), were, n, got, err)
	}
}

// An old copy ends up with what datastore makes of each key, and nothing of it
// goes to the other side.
func TestReturn_RandomCopies_IsThatOfEachKey(t *testing.T) {
	fetched := 0
	for range 8 {
		seed := rand.Uint64()
		s := newScenario(t, rand.New(rand.NewPCG(seed, 1)))
		s.write(0, 60, 0.6)
		s.write(1, 60, 0.6)
		g := s.close()
		for _, m := range s.stores {
			m.SetFloor(0, lastToken, g, datastore.Version{})
		}
		for !s.stores[0].Swept(0, lastToken) {
			s.stores[0].Sweep(1000)
		}
		s.write(0, 20, 0.5)
		s.write(1, 20, 0)
		want := copyOf(t, s.stores[1], s.keys).store(t, s.hash, g, datastore.Version{})
		theirs := copyOf(t, s.stores[0], s.keys)
		for _, r := range theirs.resets {
			if _, err := want.ExchangeReset(r.From, r.To, r.Version); err != nil {
				t.Fatal(err)
			}
		}
		for _, key := range s.keys {
			if err := want.Return(key, theirs.records[string(key)], g); err != nil {
				t.Fatal(err)
			}
		}
		got, err := s.coords[1].Return(t.Context(), s.watched(0, func() {}), 0, whole, g)
		if err != nil || got.Pushed != 0 {
			t.Fatalf("seed %#x: %+v, %v", seed, got, err)
		}
		for _, key := range s.keys {
			x, _ := want.Digest(key)
			if y, _ := s.stores[1].Digest(key); x != y {
				t.Fatalf("seed %#x: of %q holds %x, not %x", seed, key, y, x)
			}
		}
		fetched += got.Fetched
	}
	if fetched == 0 {
		t.Error("nothing was fetched")
	}
}

// What was killed and purged at the source goes; what is new stays.
func TestReturn_PurgedAtTheSource_Goes(t *testing.T) {
	b := newBench(t, 2)
	update := func(i int, key string, fn func(*datastore.Delta)) []byte {
		up, err := b.stores[i].Update([]byte(key), updateFunc(func(_ *datastore.View, d *datastore.Delta) { fn(d) }), nil)
		if err != nil {
			t.Fatal(err)
		}
		return up.Delta
	}
	field := []byte("f")
	for _, key := range []string{"hash", "gone"} {
		put := update(0, key, func(d *datastore.Delta) { d.Put(datastore.Hash, field, []byte("v")) })
		if _, err := b.stores[1].Merge([]byte(key), put, datastore.MergeOptions{}, nil); err != nil {
			t.Fatal(err)
		}
	}
	update(0, "hash", func(d *datastore.Delta) { d.Remove(datastore.Hash, field) })
	update(0, "gone", func(d *datastore.Delta) { d.Delete() })
	g := b.close()
	for _, m := range b.stores {
		m.SetFloor(0, lastToken, g, g)
		m.Sweep(1000)
	}
	update(1, "hash", func(d *datastore.Delta) { d.Put(datastore.Hash, []byte("new"), []byte("w")) })
	if _, err := b.coords[1].Return(t.Context(), benchCaller(b, 1), 0, whole, g); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]int{"hash": 1, "gone": 0} {
		if err := b.stores[1].Read([]byte(key), looker(func(v *datastore.View) {
			if _, ok := v.Field(datastore.Hash, field); ok || v.Len(datastore.Hash) != want {
				t.Errorf("%s shows %d fields, the dead one: %v", key, v.Len(datastore.Hash), ok)
			}
		})); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTake_AStoreWithoutFloors_IsAnError(t *testing.T) {
	b := newBench(t, 2)
	c := b.coords[1]
	c.Install(c.Cluster(), bare{b.stores[1]}, b.clocks[1].Observe)
	if _, err := c.Take(t.Context(), benchCaller(b, 1), 0, whole); err == nil {
		t.Error("it takes")
	}
	if _, err := c.Return(t.Context(), benchCaller(b, 1), 0, whole, datastore.Version{}); err == nil {
		t.Error("it returns")
	}
}
