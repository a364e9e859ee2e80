package datastore

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynomite-go/dynomite/node/datastore/disk/disktest"
)

// TestMemory_Crash_LosesNothingCommitted stops the disk at one operation after
// the other, by the end of the process and by power failure, opens the store
// again, and looks that every committed delta is held and that nothing is held
// that was never written.
func TestMemory_Crash_LosesNothingCommitted(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for _, c := range []struct {
		sync  SyncPolicy
		power bool
	}{{SyncNo, false}, {SyncEverySecond, false}, {SyncAlways, false}, {SyncAlways, true}} {
		t.Run(fmt.Sprintf("%v, power failure %v", c.sync, c.power), func(t *testing.T) {
			for at := range 30 {
				crashOnce(t, seed+uint64(at), at, c.sync, c.power)
			}
		})
	}
}

func crashOnce(t *testing.T, seed uint64, at int, sync SyncPolicy, power bool) {
	w := newWorld(t, seed, Config{Dir: "/data", Sync: sync, Shards: 4})
	w.disk.CrashAfter(at)
	committed := 0 // of w.log
	var resets []RangeReset
	for range 120 {
		if err := w.step(&resets); err != nil {
			break
		}
		if w.rng.IntN(4) == 0 {
			n := len(w.log)
			if err := w.m.Commit(); err != nil {
				break
			}
			committed = n
		}
		if w.rng.IntN(40) == 0 {
			if w.m.Rewrite() != nil {
				break
			}
		}
	}
	w.m.Close()
	w.disk = w.disk.Restart(power)
	w.cfg.FS = w.disk
	w.open()
	defer w.m.Close()
	// A reset may have been lost, with what it kills.
	for _, r := range resets {
		if _, err := w.m.MergeReset(r.From, r.To, r.Version); err != nil {
			t.Fatal(err)
		}
	}
	for i, entry := range w.log {
		before, _ := w.m.Digest(entry[0])
		if _, err := w.m.Merge(entry[0], entry[1], MergeOptions{}, nil); err != nil {
			t.Fatal(err)
		}
		after, _ := w.m.Digest(entry[0])
		if i < committed && before != after {
			t.Fatalf("seed %d, crash at %d: committed delta %d of %d to %.20q was lost", seed, at, i, committed, entry[0])
		}
	}
	for _, key := range w.keys {
		if got, _ := w.m.Digest(key); got != w.n.digest(key) {
			t.Fatalf("seed %d, crash at %d: %.20q holds what was never written", seed, at, key)
		}
	}
}

// step writes something to both stores; an error is the disk's.
func (w *world) step(resets *[]RangeReset) error {
	key, c := w.key(), w.command()
	switch w.rng.IntN(30) {
	case 0:
		from := w.rng.Uint64()
		v, err := w.m.ResetRange(from, ^uint64(0))
		if err != nil {
			return err
		}
		w.n.clock.Stamp()
		w.n.reset(from, ^uint64(0), v)
		*resets = append(*resets, RangeReset{from, ^uint64(0), v})
	case 1, 2, 3, 4, 5, 6, 7, 8:
		up := w.other.update(key, c)
		if !up.Wrote {
			return nil
		}
		if _, err := w.m.Merge(key, up.Delta, MergeOptions{}, nil); err != nil {
			return err
		}
		if _, err := w.n.merge(key, up.Delta, MergeOptions{}); err != nil {
			w.t.Fatal(err)
		}
		w.log = append(w.log, [2][]byte{key, up.Delta})
	default:
		up, err := w.m.Update(key, c, nil)
		if err != nil {
			return err
		}
		w.n.update(key, c)
		if up.Wrote {
			w.log = append(w.log, [2][]byte{key, up.Delta})
		}
	}
	w.wall += int64(w.rng.IntN(20))
	return nil
}

func TestMemory_DiskFull_RefusesWritesAndServesReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := disktest.New(nil)
		m, err := Open(t.Context(), Config{Dir: "/data", FS: d, Sync: SyncNo})
		if err != nil {
			t.Fatal(err)
		}
		set := func(key, value string) error {
			_, err := m.Update([]byte(key), &setter{[]byte(value)}, nil)
			if err != nil {
				return err
			}
			return m.Commit()
		}
		if err := set("a", "1"); err != nil {
			t.Fatal(err)
		}
		var full atomic.Bool
		full.Store(true)
		d.Fail(func(op disktest.Op) error {
			if full.Load() && op.Kind == "write" {
				return syscall.ENOSPC
			}
			return nil
		})
		// The first to notice is the one who commits.
		if err := set("b", "2"); !errors.Is(err, ErrLog) || !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("Commit on a full disk: %v", err)
		}
		_, err = m.Update([]byte("c"), &setter{[]byte("3")}, nil)
		if !errors.Is(err, ErrLog) {
			t.Fatalf("Update on a full disk: %v", err)
		}
		_, err = m.Merge([]byte("c"), nil, MergeOptions{}, nil)
		if !errors.Is(err, ErrLog) {
			t.Fatalf("Merge on a full disk: %v", err)
		}
		if _, err = m.ResetRange(0, 1); !errors.Is(err, ErrLog) {
			t.Fatalf("ResetRange on a full disk: %v", err)
		}
		if got := look(m, []byte("a")); !strings.Contains(got, `"1"`) {
			t.Fatalf("Read on a full disk shows %s", got)
		}
		if st := m.Stats(); st.LogWriteErrors == 0 {
			t.Fatalf("%+v", st)
		}
		full.Store(false)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if err := set("c", "3"); err != nil {
			t.Fatalf("with space again: %v", err)
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		m, err = Open(t.Context(), Config{Dir: "/data", FS: d.Restart(false)})
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"a", "b", "c"} {
			if got := look(m, []byte(key)); !strings.HasPrefix(got, "string") {
				t.Errorf("%s shows %s after a restart", key, got)
			}
		}
		m.Close()
	})
}

func TestMemory_Log_IsRewrittenWhenItIsWorthIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := disktest.New(nil)
		m, err := Open(t.Context(), Config{Dir: "/data", FS: d, Sync: SyncNo, RewriteMin: 100_000})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3000 {
			if _, err := m.Update(fmt.Append(nil, "key", i%100), &setter{make([]byte, 100)}, nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := m.Commit(); err != nil {
			t.Fatal(err)
		}
		if st := m.Stats(); st.LogBytes < 300_000 {
			t.Fatalf("%+v", st)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		st := m.Stats()
		if st.LogRewrites != 1 || st.LogBytes > 20_000 || st.LogBytes < st.DataBytes {
			t.Fatalf("%+v", st)
		}
		time.Sleep(10 * time.Second)
		if st := m.Stats(); st.LogRewrites != 1 {
			t.Fatalf("%d rewrites of an idle log", st.LogRewrites)
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		m, err = Open(t.Context(), Config{Dir: "/data", FS: d.Restart(true)})
		if err != nil {
			t.Fatal(err)
		}
		if n := m.Len(); n != 100 {
			t.Fatalf("%d keys after a restart", n)
		}
		if r := m.Recovery(); r.Operations != 100 || r.Cut.Bytes != 0 {
			t.Fatalf("%+v", r)
		}
		m.Close()
	})
}

func TestMemory_LargeCollections_SurviveARewriteInPieces(t *testing.T) {
	d := disktest.New(nil)
	m, err := Open(t.Context(), Config{Dir: "/data", FS: d, Sync: SyncNo})
	if err != nil {
		t.Fatal(err)
	}
	key := []byte("big")
	for i := 0; i < 20_000; i += 100 {
		_, err := m.Update(key, updaterFunc(func(_ *View, d *Delta) {
			for j := range 100 {
				d.Put(Hash, fmt.Append(nil, "field", i+j), make([]byte, 50))
			}
		}), nil)
		if err != nil {
			t.Fatal(err)
		}
	}
	// A hidden second kind, an expiry, removals: all atoms go through.
	if _, err := m.Update(key, updaterFunc(func(v *View, d *Delta) {
		d.ExpireAt(d.Now() + 1_000_000)
		d.Remove(Hash, []byte("field7"))
		d.Add(Hash, []byte("count"), 5)
	}), nil); err != nil {
		t.Fatal(err)
	}
	want, _ := m.Digest(key)
	shows := look(m, key)
	if err := m.Rewrite(); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	m, err = Open(t.Context(), Config{Dir: "/data", FS: d.Restart(false)})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if got, _ := m.Digest(key); got != want || look(m, key) != shows {
		t.Fatalf("digest %x after the rewrite, %x before", got, want)
	}
	if r := m.Recovery(); r.Operations < 4 {
		t.Errorf("the record was written in %d pieces", r.Operations)
	}
}
