package hints

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// crashConfig has segments so small that a run of some dozen steps begins,
// compacts and deletes many.
func crashConfig(disk FS, sync Sync) Config {
	return Config{Self: "self", FS: disk, Sync: sync, Join: union, Window: -1, SegmentBytes: 500}
}

// recentOf has deltas joined to what is in files, or in memory, or either.
func recentOf(n int) int { return [...]int{0, 300, maxRecent}[n%3] }

// crashRun plays a story on a disk that dies after n operations, and says
// whether it came to its end before, and closed the log.
func crashRun(t *testing.T, s *story, disk *crashDisk, sync Sync, n int) (ended, closed bool) {
	disk.crashAfter(n)
	l, _, err := Open(crashConfig(disk, sync))
	if err != nil {
		if !errors.Is(err, errCrashed) {
			t.Fatal(err)
		}
		return false, false
	}
	s.log, l.maxRecent = l, recentOf(n)
	for range 40 {
		s.step()
		if disk.gone() {
			return false, false
		}
	}
	closed = l.Close() == nil
	return closed && !disk.gone(), closed
}

func (d *crashDisk) gone() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.crashed
}

// TestCrash_AtEveryWrite: for each operation that changes the disk, the process
// is killed or the power fails in the middle of it. What Commit returned for
// is there, as Config.Sync promises; who may lack something is marked; nothing
// goes to another node; and the log works.
func TestCrash_AtEveryWrite(t *testing.T) {
	seed := rand.Uint64()
	for _, sync := range []Sync{Always, EverySecond, No} {
		for _, power := range []bool{false, true} {
			t.Run(fmt.Sprintf("sync=%d/power=%v", sync, power), func(t *testing.T) {
				t.Parallel()
				for n, ended := 0, false; !ended; n++ {
					synctest.Test(t, func(t *testing.T) {
						ended = crashOnce(t, seed, n, sync, power)
					})
					if t.Failed() {
						t.Fatalf("seed %d, crash after %d operations", seed, n)
					}
				}
			})
		}
	}
}

func crashOnce(t *testing.T, seed uint64, n int, sync Sync, power bool) (ended bool) {
	s := newStory(rand.New(rand.NewPCG(seed, 1))) // the same story each time
	disk := newCrashDisk(rand.New(rand.NewPCG(seed, uint64(n))))
	ended, closed := crashRun(t, s, disk, sync, n)
	if closed {
		s.committed()
	}
	next := disk.restart(power)
	// Half of the time it happens again while the next process starts.
	if !ended && disk.rng.IntN(2) == 0 {
		next.crashAfter(disk.rng.IntN(8))
		if l, _, err := Open(crashConfig(next, sync)); err == nil {
			l.Commit()
		}
		next = next.restart(power)
	}
	l, rec, err := Open(crashConfig(next, sync))
	if err != nil {
		t.Fatal(err)
	}
	if closed && rec.Unclean || len(rec.Refused) > 0 && !rec.Unclean {
		t.Errorf("after a clean stop: %v: %+v", closed, rec)
	}
	got := s.queued(t, l)
	for id, it := range s.items {
		switch {
		case closed || !rec.Unclean:
			if want := !it.refused && !it.acked; got[id] != want {
				t.Errorf("%q is there: %v after a clean stop, %+v", id, got[id], it)
			}
		case it.acked || !it.committed:
		case !got[id] && promised(it, sync, power, disk.died):
			t.Errorf("%q was committed and is gone, %+v", id, it)
		case !slices.Contains(l.Dirty(it.node), All) && (sync == Always || !power):
			t.Errorf("%s may lack something and is marked %v", it.node, l.Dirty(it.node))
		}
	}
	for node := range s.marks {
		if d := l.Dirty(node); !covered(d, 1<<40) && (sync == Always || !power || !rec.Unclean) {
			t.Errorf("the mark of %s is gone: %v, %+v", node, d, rec)
		}
	}
	if t.Failed() {
		t.Logf("%+v\n%v", rec, next)
		return ended
	}
	works(t, s, l, next, sync)
	return ended
}

// promised says whether a delta has to be there after the crash.
func promised(it *item, sync Sync, power bool, crashed time.Time) bool {
	switch {
	case !power || sync == Always:
		return true
	case sync == No:
		return false
	}
	return crashed.Sub(it.at) > time.Second
}

// works goes on with a log after a crash, to a clean stop and the next start.
func works(t *testing.T, s *story, l *Log, disk *crashDisk, sync Sync) {
	s.log = l
	for range 10 {
		s.step()
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	s.committed()
	before := map[string]Stats{}
	for _, node := range storyNodes {
		before[node] = l.Stats(node)
	}
	l, rec, err := Open(crashConfig(disk.restart(true), sync))
	if err != nil || rec.Unclean || rec.Cut+rec.Damaged > 0 {
		t.Fatalf("%+v, %v", rec, err)
	}
	s.queued(t, l)
	for _, node := range storyNodes {
		if s := l.Stats(node); s.Records != before[node].Records || !slices.Equal(s.Dirty, before[node].Dirty) {
			t.Errorf("%s had %+v, has %+v", node, before[node], s)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestFullDisk_WhatIsNotThereIsMarked: writes, syncs and all else fail for a
// while, now and then. What is not there is marked, or the stop
// counts as unclean because a sync failed; what was acknowledged may come again, for acknowledgements are lost as well.
func TestFullDisk_WhatIsNotThereIsMarked(t *testing.T) {
	seed := rand.Uint64()
	full := errors.New("no space left on device")
	for n := range 60 {
		for _, sync := range []Sync{Always, EverySecond, No} {
			synctest.Test(t, func(t *testing.T) {
				rng := rand.New(rand.NewPCG(seed, uint64(n)))
				s, disk := newStory(rng), newCrashDisk(rng)
				cfg := crashConfig(disk, sync)
				cfg.MaxBytes, cfg.MaxRecord = 2500, 400
				l, _, err := Open(cfg)
				if err != nil {
					t.Fatal(err)
				}
				s.log, l.maxRecent = l, recentOf(n)
				disk.failing = func(op, name string) error {
					if op != "remove" && disk.ops%40 > 30 {
						return full
					}
					return nil
				}
				for range 80 {
					s.step()
				}
				disk.mu.Lock()
				disk.failing = nil
				disk.mu.Unlock()
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
				l, rec, err := Open(crashConfig(disk.restart(true), sync))
				if err != nil {
					t.Fatalf("%+v, %v", rec, err)
				}
				got := s.queued(t, l)
				for id, it := range s.items {
					dirty := rec.Unclean || covered(l.Dirty(it.node), it.token)
					if !got[id] && !it.acked && !dirty {
						t.Errorf("%q is there: %v, marked: %v, %+v", id, got[id], dirty, it)
					}
				}
				l.Close()
			})
			if t.Failed() {
				t.Fatalf("seed %d, run %d, sync %d", seed, n, sync)
			}
		}
	}
}
