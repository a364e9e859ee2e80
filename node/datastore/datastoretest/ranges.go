package datastoretest

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/dynomite-go/dynomite/node/datastore"
)

// fill sets n keys, every third with a token that others have too.
func (s *store) fill(n int) (keys []string) {
	for i := range n {
		key := fmt.Sprint("key", i)
		if i%3 == 0 {
			key = "=" + key
		}
		s.set(key, fmt.Sprint("value", i))
		keys = append(keys, key)
	}
	return keys
}

// scan collects a whole scan, going on whenever fn stops it.
func (s *store) scan(from, to uint64, fn func(datastore.Entry) bool) (keys []string) {
	s.t.Helper()
	last := from
	for calls := 0; ; calls++ {
		var stopped bool
		next, done, err := s.s.Scan(from, to, func(e datastore.Entry) bool {
			if e.Token < last || e.Token < from || e.Token > to || e.Token != token(e.Key) {
				s.t.Fatalf("Scan(%x, %x) shows %q at %x after %x", from, to, e.Key, e.Token, last)
			}
			if stopped && e.Token != last {
				s.t.Fatalf("Scan went on to another token after it was stopped")
			}
			last = e.Token
			keys = append(keys, string(e.Key))
			if fn != nil && !fn(e) {
				stopped = true
			}
			return !stopped
		})
		if err != nil {
			s.t.Fatalf("Scan: %v", err)
		}
		if done {
			return keys
		}
		if !stopped {
			s.t.Fatal("Scan is not done, and nobody stopped it")
		}
		if next <= last || next > to {
			s.t.Fatalf("Scan is to go on from %x, it was at %x", next, last)
		}
		if calls > 100_000 {
			s.t.Fatal("Scan does not end")
		}
		from = next
	}
}

func wantKeys(t *testing.T, what string, got, want []string) {
	t.Helper()
	got, want = slices.Clone(got), slices.Clone(want)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("%s: %d keys, want %d", what, len(got), len(want))
	}
}

func scan(t *testing.T, b *bench) {
	s, o := b.store(1), b.store(2)
	keys := s.fill(1000)
	wantKeys(t, "at once", s.scan(0, math.MaxUint64, nil), keys)
	for _, n := range []int{1, 7, 100} {
		i := 0
		got := s.scan(0, math.MaxUint64, func(datastore.Entry) bool { i++; return i%n != 0 })
		wantKeys(t, fmt.Sprint("by ", n), got, keys)
	}
	// An entry is the whole record, and deleted keys have one.
	s.delete(keys[0])
	at := b.wall.Load() + 5000
	s.update(keys[1], func(_ *datastore.View, d *datastore.Delta) { d.ExpireAt(at) })
	s.scan(0, math.MaxUint64, func(e datastore.Entry) bool {
		key := string(e.Key)
		o.merge(key, e.Append(nil), datastore.MergeOptions{})
		kind, expiry := datastore.String, int64(0)
		switch key {
		case keys[0]:
			kind = datastore.None
		case keys[1]:
			expiry = at
		}
		if e.Kind != kind || e.Expiry != expiry {
			t.Fatalf("%q is shown as %v until %d", key, e.Kind, e.Expiry)
		}
		if digest := o.digest(key); digest != e.Digest {
			t.Fatalf("%q has the digest %x, its copy %x", key, e.Digest, digest)
		}
		return true
	})
	for _, key := range keys {
		o.equal(s, key)
	}
}

func scanEqual(t *testing.T, b *bench) {
	s := b.store(1)
	var equal []string
	for i := range 700 {
		key := fmt.Sprint("=", i)
		s.set(key, "v")
		equal = append(equal, key)
	}
	// Stopped at the first, it still shows all.
	n := 0
	next, done, err := s.s.Scan(0, math.MaxUint64, func(datastore.Entry) bool { n++; return false })
	if err != nil || n != len(equal) || !done && next <= token([]byte("=")) {
		t.Fatalf("Scan showed %d of %d equal tokens; go on from %x, done %v, %v", n, len(equal), next, done, err)
	}
	wantKeys(t, "equal tokens", s.scan(0, math.MaxUint64, func(datastore.Entry) bool { return false }), equal)
}

func scanRange(t *testing.T, b *bench) {
	s := b.store(1)
	keys := s.fill(500)
	tokens := []uint64{0, math.MaxUint64, token([]byte("=")), 1 << 63}
	for _, key := range keys[:20] {
		tokens = append(tokens, token([]byte(key)))
	}
	for _, from := range tokens {
		for _, to := range tokens {
			var want []string
			for _, key := range keys {
				if x := token([]byte(key)); from <= x && x <= to {
					want = append(want, key)
				}
			}
			i := 0
			got := s.scan(from, to, func(datastore.Entry) bool { i++; return i%50 != 0 })
			wantKeys(t, fmt.Sprintf("from %x to %x", from, to), got, want)
		}
	}
}

func resetRange(t *testing.T, b *bench) {
	s := b.store(1)
	keys := s.fill(300)
	from, to := uint64(1)<<62, uint64(3)<<62
	v, err := s.s.ResetRange(from, to)
	if err != nil {
		t.Fatal(err)
	}
	left := 0
	for _, key := range keys {
		x := token([]byte(key))
		if from <= x && x <= to {
			s.wantShows(key, "none")
			if d := s.digest(key); d != 0 {
				t.Fatalf("%q has the digest %x after the reset", key, d)
			}
			continue
		}
		left++
		if s.shows(key) == "none" {
			t.Fatalf("%q is out of the range and gone", key)
		}
	}
	if n := s.s.Len(); n != left {
		t.Errorf("Len %d, %d keys are left", n, left)
	}
	if r := s.s.Resets(); len(r) != 1 || r[0] != (datastore.RangeReset{From: from, To: to, Version: v}) {
		t.Errorf("Resets %v", r)
	}
	// What is written later lives; what was written before does not come back.
	if up := s.set(keys[0], "later"); !v.Less(up.Stamp) {
		t.Errorf("stamp %v after the reset at %v", up.Stamp, v)
	}
	s.wantShows(keys[0], "string later")
	o := b.store(2)
	if _, err := o.s.MergeReset(0, math.MaxUint64, v); err != nil {
		t.Fatal(err)
	}
	s2 := b.store(3)
	b.pass(-1000)
	old := s2.set("old", "value")
	b.pass(1000)
	if ans := o.merge("old", old.Delta, datastore.MergeOptions{}); ans.Won || ans.Newest.Less(v) || len(ans.Beat) == 0 {
		t.Errorf("a delta from before the reset: %+v", ans)
	} else {
		s2.merge("old", ans.Beat, datastore.MergeOptions{})
		s2.wantShows("old", "none")
	}
	o.wantShows("old", "none")
}

func mergeReset(t *testing.T, b *bench) {
	s, o := b.store(1), b.store(2)
	b.pass(1000)
	s.set("old", "value")
	b.pass(1000)
	v, err := o.s.ResetRange(0, math.MaxUint64)
	if err != nil {
		t.Fatal(err)
	}
	ans, err := s.s.MergeReset(0, math.MaxUint64, v)
	if err != nil || !ans.Won || ans.Newest.Less(v) {
		t.Fatalf("nothing newer is held: %+v, %v", ans, err)
	}
	s.wantShows("old", "none")
	b.pass(1000)
	newer := s.set("new", "value")
	if !v.Less(newer.Stamp) {
		t.Fatalf("stamp %v after a reset at %v was merged", newer.Stamp, v)
	}
	b.pass(-500)
	late, err := b.store(3).s.ResetRange(0, math.MaxUint64)
	if err != nil {
		t.Fatal(err)
	}
	ans, err = s.s.MergeReset(0, math.MaxUint64, late)
	if err != nil || ans.Won || ans.Newest.Less(newer.Stamp) {
		t.Fatalf("a newer record is held: %+v, %v", ans, err)
	}
	s.wantShows("new", "string value")
	// Merging again changes nothing, and the list of resets stays short.
	for range 3 {
		if _, err := s.s.MergeReset(0, math.MaxUint64, v); err != nil {
			t.Fatal(err)
		}
	}
	if r := s.s.Resets(); len(r) != 1 || r[0].Version != late {
		t.Errorf("Resets %v, want that at %v", r, late)
	}
	if _, err := s.s.MergeReset(2, 1, late); err == nil {
		t.Error("an empty range was accepted")
	}
}

func length(t *testing.T, b *bench) {
	s := b.store(1)
	want := func(keys, expires int) {
		t.Helper()
		if s.s.Len() != keys || s.s.Expires() != expires {
			t.Errorf("Len %d, Expires %d; want %d, %d", s.s.Len(), s.s.Expires(), keys, expires)
		}
	}
	want(0, 0)
	keys := s.fill(100)
	want(100, 0)
	s.set(keys[0], "again")
	s.delete(keys[1])
	s.delete(keys[1])
	s.delete("never there")
	want(99, 0)
	for _, key := range keys[10:20] {
		s.update(key, func(_ *datastore.View, d *datastore.Delta) { d.ExpireAt(d.Now() + 100) })
	}
	want(99, 10)
	s.update(keys[10], func(_ *datastore.View, d *datastore.Delta) { d.Persist() })
	s.set(keys[11], "no expiry")
	s.delete(keys[12])
	want(98, 7)
	s.set(keys[1], "back")
	want(99, 7)
}

func concurrent(t *testing.T, b *bench) {
	s := b.store(1)
	const workers, rounds = 4, 300
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range rounds {
				_, err := s.s.Update([]byte("n"), updater(func(_ *datastore.View, d *datastore.Delta) { d.Add(datastore.String, nil, 1) }), nil)
				if err == nil {
					_, err = s.s.Update(fmt.Append(nil, "own", w, i), updater(func(_ *datastore.View, d *datastore.Delta) { d.Overwrite([]byte("v")) }), nil)
				}
				if err == nil {
					err = s.s.Commit()
				}
				if err == nil && i%50 == 0 {
					_, _, err = s.s.Scan(0, math.MaxUint64, func(e datastore.Entry) bool { e.Append(nil); return true })
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	s.wantShows("n", fmt.Sprint("string ", workers*rounds))
	if n := s.s.Len(); n != workers*rounds+1 {
		t.Errorf("Len %d, want %d", n, workers*rounds+1)
	}
}

func closing(t *testing.T, b *bench) {
	s := b.store(1)
	s.set("k", "v")
	for range 2 {
		if err := s.s.Commit(); err != nil {
			t.Fatalf("Commit: %v", err)
		}
	}
	for range 2 {
		if err := s.s.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
	}
	if err := s.s.Read([]byte("k"), reader(func(*datastore.View) { t.Error("a closed store shows something") })); err == nil {
		t.Error("Read of a closed store: no error")
	}
	if _, err := s.s.Update([]byte("k"), updater(func(*datastore.View, *datastore.Delta) { t.Error("a closed store runs a command") }), nil); err == nil {
		t.Error("Update of a closed store: no error")
	}
}
