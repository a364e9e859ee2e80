package datastore

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// past tells what ScanSettled should show: every change that a key went
// through, with the generation of its stamp and the digest before it.
type past struct {
	generation uint64
	before     uint64
}

type settledWorld struct {
	*world
	past   map[string][]past
	shown  uint64
	mirror map[uint64][2]uint64 // leaf -> count and sum, as TakeStale told
	late   []lateDelta
}

type lateDelta struct {
	key, delta []byte
	stamp      Version
}

func (w *settledWorld) digest(key []byte) uint64 {
	d, err := w.m.Digest(key)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

func (w *settledWorld) step() {
	key, c := w.key(), w.command()
	before := w.digest(key)
	var stamp Version
	switch w.rng.IntN(4) {
	case 0, 1:
		unseen := w.rng.IntN(2) == 0 // what is shown does not depend on it
		up, err := w.m.Update(key, updaterFunc(func(v *View, d *Delta) {
			if unseen {
				d.WithoutBefore()
			}
			c.Update(v, d)
		}), nil)
		if err != nil {
			w.t.Fatal(err)
		}
		stamp = up.Stamp
	case 2:
		up := w.other.update(key, c)
		if !up.Wrote {
			return
		}
		if w.rng.IntN(3) == 0 {
			w.late = append(w.late, lateDelta{key, bytes.Clone(up.Delta), up.Stamp})
			return
		}
		stamp = up.Stamp
		if _, err := w.m.Merge(key, up.Delta, MergeOptions{}, nil); err != nil {
			w.t.Fatal(err)
		}
	default:
		if len(w.late) == 0 {
			return
		}
		d := w.late[w.rng.IntN(len(w.late))]
		if w.rng.IntN(3) > 0 { // one that is not shown yet, perhaps
			d = w.late[len(w.late)-1-w.rng.IntN(min(len(w.late), 5))]
		}
		key, stamp = d.key, d.stamp
		before = w.digest(key)
		if _, err := w.m.Merge(key, d.delta, MergeOptions{}, nil); err != nil {
			w.t.Fatal(err)
		}
	}
	if w.digest(key) == before {
		return
	}
	w.past[string(key)] = append(w.past[string(key)], past{uint64(stamp.Millis()) / generationMillis, before})
}

// want is what is to be shown of a key.
func (w *settledWorld) want(key []byte) uint64 {
	for _, p := range w.past[string(key)] {
		if p.generation > w.shown {
			return p.before
		}
	}
	return w.digest(key)
}

func (w *settledWorld) check() {
	w.t.Helper()
	var got, want [][2]uint64
	err := w.m.ScanSettled(0, ^uint64(0), func(token, digest uint64) bool {
		got = append(got, [2]uint64{token, digest})
		return true
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if !slices.IsSortedFunc(got, func(a, b [2]uint64) int { return compareTokens(a[0], b[0]) }) {
		w.t.Fatal("not in the order of tokens")
	}
	for _, key := range w.keys {
		if rec, _ := w.m.Record(key, nil); len(rec) == 0 {
			continue // purged
		}
		if d := w.want(key); d != 0 {
			want = append(want, [2]uint64{testToken(key), d})
		}
	}
	byBoth := func(a, b [2]uint64) int { return slices.Compare(a[:], b[:]) }
	slices.SortFunc(got, byBoth)
	slices.SortFunc(want, byBoth)
	if !slices.Equal(got, want) {
		w.t.Fatalf("shown %d records, want %d, or others, at generation %d", len(got), len(want), w.shown)
	}
}

func compareTokens(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// checkMirror sees to it that what TakeStale did not name has not changed.
func (w *settledWorld) checkMirror() {
	w.t.Helper()
	sums := func(from, to uint64, into map[uint64][2]uint64) {
		err := w.m.ScanSettled(from, to, func(token, digest uint64) bool {
			x := into[token>>(64-leafBits)]
			into[token>>(64-leafBits)] = [2]uint64{x[0] + 1, x[1] + digest}
			return true
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	from, to := w.rng.Uint64(), w.rng.Uint64()
	from, to = min(from, to), max(from, to)
	w.m.TakeStale(from, to, func(a, b uint64) { w.refresh(a, b, sums) })
	w.m.TakeStale(0, ^uint64(0), func(a, b uint64) { w.refresh(a, b, sums) })
	now := map[uint64][2]uint64{}
	sums(0, ^uint64(0), now)
	for leaf, x := range now {
		if w.mirror[leaf] != x {
			w.t.Fatalf("leaf %#x changed and was not named", leaf)
		}
	}
	for leaf := range w.mirror {
		if _, ok := now[leaf]; !ok {
			w.t.Fatalf("leaf %#x became empty and was not named", leaf)
		}
	}
	w.m.TakeStale(0, ^uint64(0), func(a, b uint64) { w.t.Fatalf("%#x to %#x is stale again", a, b) })
}

func (w *settledWorld) refresh(a, b uint64, sums func(from, to uint64, into map[uint64][2]uint64)) {
	if a<<leafBits != 0 || (b+1)<<leafBits != 0 {
		w.t.Fatalf("%#x to %#x are not whole leaves", a, b)
	}
	for leaf := range w.mirror {
		if leaf >= a>>(64-leafBits) && leaf <= b>>(64-leafBits) {
			delete(w.mirror, leaf)
		}
	}
	sums(a, b, w.mirror)
}

// Random writes, at random moments and in random order, with resets, purges and
// sweeps: what is shown is always what was there before the first change that
// is too young.
func TestScanSettled_RandomHistories_ShowThePast(t *testing.T) {
	seeded(t, 2*time.Second, func(t *testing.T, rng *rand.Rand) {
		w := &settledWorld{
			world: newWorld(t, rng.Uint64(), Config{Shards: 1 << rng.IntN(8)}),
			past:  map[string][]past{}, mirror: map[uint64][2]uint64{},
		}
		for range rng.IntN(50) {
			w.world.update()
		}
		w.m.Track()
		w.shown = w.m.Settle(0)
		for range 400 {
			w.step()
			w.wall += int64(rng.IntN(3) * rng.IntN(300))
			// More than kept generations behind the one shown are not told apart.
			due := uint64(w.m.clock.Now())/generationMillis-w.shown >= kept
			switch at := rng.IntN(20); {
			case due || at == 0:
				least := uint64(0)
				if rng.IntN(3) == 0 {
					least = w.shown + uint64(rng.IntN(3))
				}
				shown := w.m.Settle(least)
				if now := uint64(w.m.clock.Now()) / generationMillis; shown < w.shown || shown < now-2 || shown > now+kept {
					t.Fatalf("generation %d is shown after %d, at %d", shown, w.shown, now)
				}
				w.shown = shown
			case at == 1:
				w.check()
			case at == 2:
				w.checkMirror()
			case at == 3:
				if rng.IntN(8) == 0 {
					w.m.SetFloor(0, ^uint64(0), w.m.clock.High(), Version{})
					w.sweepAll()
				}
			case at == 4:
				if rng.IntN(8) == 0 {
					if _, err := w.m.ResetRange(0, ^uint64(0)); err != nil {
						t.Fatal(err)
					}
					clear(w.past)
				}
			}
		}
		w.check()
		w.checkMirror()
		w.wall += 10 * generationMillis
		w.shown = w.m.Settle(0)
		w.check()
		w.checkMirror()
		for i := range w.m.shards {
			for _, m := range w.m.shards[i].young.before {
				if len(m) > 0 {
					t.Fatalf("shard %d remembers %d digests for ever", i, len(m))
				}
			}
		}
	})
}

// Two replicas that get the same writes at different moments show the same,
// although at no moment they hold the same.
func TestScanSettled_BusyReplicas_AreEqual(t *testing.T) {
	seeded(t, time.Second, func(t *testing.T, rng *rand.Rand) {
		wall := int64(1_700_000_000_000)
		var stores [2]*Memory
		for i := range stores {
			m, err := Open(t.Context(), Config{Clock: NewClock(uint32(i+1), func() int64 { return wall + int64(i*30) }), Token: testToken})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { m.Close() })
			m.Track()
			stores[i] = m
		}
		type message struct {
			key, delta []byte
			at         int64
		}
		var network []message
		last := map[string]int64{}
		equal := 0
		for range 3000 {
			key := []byte{'k', byte(rng.IntN(100))}
			up, err := stores[0].Update(key, &setter{value: []byte{byte(rng.IntN(256))}}, nil)
			if err != nil {
				t.Fatal(err)
			}
			at := max(wall+int64(rng.IntN(500)), last[string(key)]) // a connection keeps the order
			last[string(key)] = at
			network = append(network, message{key, up.Delta, at})
			wall += int64(rng.IntN(10))
			network = slices.DeleteFunc(network, func(m message) bool {
				if m.at > wall {
					return false
				}
				if _, err := stores[1].Merge(m.key, m.delta, MergeOptions{}, nil); err != nil {
					t.Fatal(err)
				}
				return true
			})
			if rng.IntN(20) == 0 {
				shown := stores[0].Settle(0)
				if got := stores[1].Settle(shown); got != shown {
					shown = stores[0].Settle(got)
				}
				if a, b := settledSum(t, stores[0]), settledSum(t, stores[1]); a != b {
					t.Fatalf("generation %d: %v, and the other replica %v", shown, a, b)
				} else if a[0] > 0 {
					equal++
				}
			}
		}
		if equal < 50 {
			t.Fatalf("only %d comparisons of something", equal)
		}
	})
}

func settledSum(t *testing.T, m *Memory) (sum [2]uint64) {
	t.Helper()
	err := m.ScanSettled(0, ^uint64(0), func(token, digest uint64) bool {
		sum[0]++
		sum[1] += digest ^ token
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// An older write that comes after a newer one does not let that be seen early.
func TestScanSettled_OlderAfterNewer_HidesBoth(t *testing.T) {
	wall := int64(1_700_000_001_000)
	m, err := Open(t.Context(), Config{Clock: NewClock(1, func() int64 { return wall })})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	m.Track()
	other := newNaive(NewClock(2, func() int64 { return wall - generationMillis }), hashToken, 0)
	field := func(name string) Updater {
		return updaterFunc(func(_ *View, d *Delta) { d.Put(Hash, []byte(name), []byte("v")) })
	}
	older := other.update([]byte("h"), field("old"))
	if _, err := m.Update([]byte("h"), field("new"), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Merge([]byte("h"), older.Delta, MergeOptions{}, nil); err != nil {
		t.Fatal(err)
	}
	for passed := range int64(3) {
		m.Settle(0)
		if got := settledSum(t, m)[0]; got != uint64(passed/2) {
			t.Errorf("%d records are shown %d generations later", got, passed)
		}
		wall += generationMillis
	}
}

// A stamp from the future makes all later stamps stand still beside the wall
// clock: writes are shown all the same, and nothing is remembered for hours.
func TestScanSettled_AStampFromTheFuture_HidesNothing(t *testing.T) {
	wall := int64(1_700_000_000_000)
	m, err := Open(t.Context(), Config{Clock: NewClock(1, func() int64 { return wall })})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	m.Track()
	m.clock.Observe(At(wall+3600_000, 0, 2))
	m.Settle(0)
	const keys = 100
	for i := range keys {
		if _, err := m.Update([]byte{byte(i)}, &setter{value: []byte("v")}, nil); err != nil {
			t.Fatal(err)
		}
	}
	m.Settle(0)
	if got := settledSum(t, m)[0]; got != keys {
		t.Errorf("%d records are shown, want %d", got, keys)
	}
	for i := range m.shards {
		for _, past := range m.shards[i].young.before {
			if len(past) > 0 {
				t.Fatalf("shard %d remembers %d digests", i, len(past))
			}
		}
	}
	// And once the wall clock is there, what is young is hidden again.
	wall += 3600_000 + 10*generationMillis
	m.Settle(0)
	if _, err := m.Update([]byte("young"), &setter{value: []byte("v")}, nil); err != nil {
		t.Fatal(err)
	}
	if got := settledSum(t, m)[0]; got != keys {
		t.Errorf("%d records are shown, one is young", got)
	}
}
