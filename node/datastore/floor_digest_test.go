package datastore

import (
	"math/rand/v2"
	"testing"
	"time"
)

// What a floor lets go is in no digest from the moment on at which it rises: the
// sweep, which comes by each owner at another moment, changes none.
func TestFloor_TheSweep_ChangesNoDigest(t *testing.T) {
	seeded(t, time.Second, func(t *testing.T, rng *rand.Rand) {
		w := newWorld(t, rng.Uint64(), Config{Shards: 4})
		for range 300 {
			if err := w.step(&[]RangeReset{}); err != nil {
				t.Fatal(err)
			}
			w.wall += int64(rng.IntN(20))
		}
		floor := w.m.clock.High()
		for range rng.IntN(300) {
			if err := w.step(&[]RangeReset{}); err != nil {
				t.Fatal(err)
			}
		}
		w.m.SetFloor(0, ^uint64(0), floor, Version{})
		before := map[string]Shape{}
		for _, key := range w.keys {
			before[string(key)] = w.shape(key)
		}
		w.sweepAll()
		for _, key := range w.keys {
			if was, is := before[string(key)], w.shape(key); was.Digest != is.Digest || was.Large == is.Large && was.Members != is.Members {
				t.Fatalf("%.20q had %+v, after the sweep %+v", key, was, is)
			}
		}
	})
}

// shape is what a key is compared by, which all ways to ask for it agree on.
func (w *world) shape(key []byte) Shape {
	w.t.Helper()
	digest, err := w.m.Digest(key)
	if err != nil {
		w.t.Fatal(err)
	}
	read, _ := w.m.ReadDigest(key, readerFunc(func(*View) {}))
	up, err := w.m.Update(key, updaterFunc(func(*View, *Delta) {}), nil)
	if err != nil || read != digest || up.Before != digest {
		w.t.Fatalf("%.20q: digest %x, read %x, before a command %x, %v", key, digest, read, up.Before, err)
	}
	s, err := w.m.Shape(key)
	if err != nil || s.Digest != digest {
		w.t.Fatalf("%.20q: digest %x, shape %x, %v", key, digest, s.Digest, err)
	}
	for k := range s.Members {
		sum := uint64(0)
		if err := w.m.Members(key, Kind(k), 0, ^uint64(0), func(_, digest uint64) bool { sum += digest; return true }); err != nil {
			w.t.Fatal(err)
		}
		if Kind(k) != List && sum != s.Members[k] {
			w.t.Fatalf("%.20q: the fields of %v add up to %x, not %x", key, Kind(k), sum, s.Members[k])
		}
	}
	return s
}

// One owner has purged, the other has not yet: what it sends holds what was
// purged, and that is no reason to send it again.
func TestFloor_WhatWasPurged_CountsAsJoined(t *testing.T) {
	for _, op := range []string{"SET", "DEL", "HDEL", "LPOP"} {
		t.Run(op, func(t *testing.T) {
			both(t, func(t *testing.T, trees bool) {
				p := newPair(t, trees, false)
				for at, c := range map[string][]oCommand{
					"SET":  {{op: "SET", val: "5"}},
					"DEL":  {{op: "SET", val: "5"}, {op: "DEL"}},
					"HDEL": {{op: "HSET", key: "f", val: "1"}, {op: "HSET", key: "g", val: "1"}, {op: "HDEL", key: "f"}},
					"LPOP": {{op: "RPUSH", val: "1"}, {op: "RPUSH", val: "2"}, {op: "LPOP"}},
				}[op] {
					p.b.take(p.run(int64(10+at), p.a, c), false)
				}
				p.close(End(20), p.a, p.b)
				late := p.b.copy().delta
				p.a.raise(End(20))
				p.a.purge()
				before := p.a.atoms().text()
				ans, err := p.a.m.Merge(floorKey, late, MergeOptions{}, nil)
				if err != nil || !ans.Won || ans.Refused != 0 || ans.Differs {
					t.Errorf("got %+v, %v", ans, err)
				}
				if after := p.a.atoms().text(); after != before {
					t.Errorf("held\n  %s\nholds\n  %s", before, after)
				}
			})
		})
	}
}

// While the round is under way, what another owner answers is not too old: it
// has yet to give it to everybody. When the floor has risen, it is.
func TestFloor_WhatAnOwnerHolds_IsTakenUntilTheFloorRises(t *testing.T) {
	both(t, func(t *testing.T, trees bool) {
		p := newPair(t, trees, false)
		p.run(10, p.b, oCommand{op: "SET", val: "5"}) // the frame stalls
		held := p.b.copy().delta
		p.close(End(20), p.a, p.b)
		if ans, err := p.a.m.Merge(floorKey, held, MergeOptions{}, nil); err != nil || ans.Refused == 0 {
			t.Fatalf("by the ordinary road: %+v, %v", ans, err)
		}
		ans, err := p.a.m.Merge(floorKey, held, MergeOptions{Held: true}, nil)
		if err != nil || !ans.Won || ans.Refused != 0 {
			t.Fatalf("held by an owner: %+v, %v", ans, err)
		}
		lost := p.newOwner(9, 0, Version{})
		defer lost.m.Close()
		late := p.run(11, lost, oCommand{op: "SET", val: "6"})
		raises := p.a.m.Raises()
		p.a.raise(End(20))
		if p.a.m.Raises() == raises || p.a.m.Floor(0) != End(20) {
			t.Errorf("the floor is %v, raised %d times", p.a.m.Floor(0), p.a.m.Raises())
		}
		if ans, err := p.a.m.Merge(floorKey, late.delta, MergeOptions{Held: true}, nil); err != nil || ans.Won || ans.Refused == 0 {
			t.Errorf("after the floor rose: %+v, %v", ans, err)
		}
	})
}

// Sync waits for the disk, whatever the policy.
func TestMemory_Sync_SurvivesAPowerFailure(t *testing.T) {
	for _, sync := range []SyncPolicy{SyncNo, SyncEverySecond, SyncAlways} {
		w := newWorld(t, 1, Config{Dir: "/data", Sync: sync})
		for range 50 {
			w.update()
		}
		if err := w.m.Sync(); err != nil {
			t.Fatal(err)
		}
		defer w.m.Close()
		w.disk = w.disk.Restart(true)
		w.cfg.FS = w.disk
		w.open()
		for _, key := range w.keys {
			if got, _ := w.m.Digest(key); got != w.n.digest(key) {
				t.Errorf("%v: %.20q was lost", sync, key)
			}
		}
	}
}

// A key that was deleted a moment ago is shown as it was before. A purge that
// takes its record away takes that too, and says so.
func TestScanSettled_RecordPurgedAway_IsTold(t *testing.T) {
	w := newWorld(t, 1, Config{Shards: 1})
	key := w.keys[0]
	put := func(fn func(*Delta)) {
		if _, err := w.m.Update(key, updaterFunc(func(_ *View, d *Delta) { fn(d) }), nil); err != nil {
			t.Fatal(err)
		}
	}
	put(func(d *Delta) { d.Overwrite([]byte("5")) })
	w.m.Track()
	w.wall += 10 * generationMillis
	w.m.Settle(0)
	put((*Delta).Delete)
	stale := func() (n int) {
		w.m.TakeStale(0, ^uint64(0), func(uint64, uint64) { n++ })
		return n
	}
	w.m.SetFloor(0, ^uint64(0), w.m.clock.High(), Version{})
	stale()
	w.sweepAll()
	if w.m.Stats().Records != 0 || stale() != 1 {
		t.Errorf("%d records, and nobody is told", w.m.Stats().Records)
	}
}
