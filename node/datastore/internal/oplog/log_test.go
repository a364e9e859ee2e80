package oplog

import (
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynomite-go/dynomite/node/datastore/disk"
	"github.com/dynomite-go/dynomite/node/datastore/disk/disktest"
)

func TestLog_ReplaysInOrder(t *testing.T) {
	fs := disk.OS()
	cfg := Config{FS: fs, Dir: t.TempDir() + "/new/log", Snapshot: newState().snapshot, Live: func() int64 { return 0 }}
	var want []string
	for round := range 4 {
		var got []string
		l, report, err := Open(cfg, func(kind Kind, key, body []byte) error {
			got = append(got, fmt.Sprintf("%d %s %s", kind, key, body))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) || report.Operations != len(want) {
			t.Fatalf("round %d: replayed %q, want %q; report %+v", round, got, want, report)
		}
		for i := range 10 {
			kind, key, body := Kind(i%4+1), fmt.Sprint("k", round), fmt.Sprint("b", i)
			want = append(want, fmt.Sprintf("%d %s %s", kind, key, body))
			l.Append(kind, []byte(key), []byte(body))
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatalf("Close again: %v", err)
		}
	}
}

func TestLog_TwoHoldersOfADirectory_AreRefused(t *testing.T) {
	for name, fs := range map[string]disk.FS{"os": disk.OS(), "memory": disktest.New(nil)} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{FS: fs, Dir: t.TempDir(), Snapshot: newState().snapshot, Live: func() int64 { return 0 }}
			l, _, err := Open(cfg, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := Open(cfg, nil); err == nil {
				t.Fatal("a second holder got in")
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			l, _, err = Open(cfg, nil)
			if err != nil {
				t.Fatalf("after Close: %v", err)
			}
			l.Close()
		})
	}
}

// TestLog_Commit_IsDurable looks at the disk the moment that Commit returns.
func TestLog_Commit_IsDurable(t *testing.T) {
	for _, c := range []struct {
		policy Policy
		power  bool
	}{{Never, false}, {EverySecond, false}, {Always, false}, {Always, true}} {
		t.Run(fmt.Sprintf("policy %d, power %v", c.policy, c.power), func(t *testing.T) {
			d := disktest.New(nil)
			l, s, _ := mustStart(t, d, c.policy)
			var wg sync.WaitGroup
			for w := range 4 {
				wg.Go(func() {
					for i := range 50 {
						do(l, s, fmt.Sprint("writer", w), uint64(i+1))
						if err := l.Commit(); err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			_, got, _ := mustStart(t, d.Restart(c.power), c.policy)
			if want := s.clone(); !maps.Equal(got.clone(), want) {
				t.Fatalf("after the crash %v, committed %v", got.clone(), want)
			}
		})
	}
}

// TestLog_Commit_WaitsAndGroups holds one writer in the disk and counts the writes of
// all who came meanwhile.
func TestLog_Commit_WaitsAndGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := disktest.New(nil)
		l, s, _ := mustStart(t, d, Always)
		gate := make(chan struct{})
		slow := slowFS{FS: d, sync: func() { <-gate }}
		l.seg.f = slowFile{l.seg.f, &slow}
		var wg sync.WaitGroup
		var returned atomic.Int32
		for w := range 51 {
			wg.Go(func() {
				do(l, s, fmt.Sprint(w), 1)
				if err := l.Commit(); err != nil {
					t.Error(err)
				}
				returned.Add(1)
			})
			if w == 0 {
				synctest.Wait() // the first is in Sync
			}
		}
		synctest.Wait()
		if n := returned.Load(); n != 0 {
			t.Errorf("%d commits returned before anything was synced", n)
		}
		close(gate)
		wg.Wait()
		if st := l.Stats(); st.Writes != 2 || st.Syncs != 2 {
			t.Errorf("%d writes and %d syncs for 51 commits, want 2 and 2", st.Writes, st.Syncs)
		}
		l.Close()
	})
}

type slowFS struct {
	disk.FS
	sync func()
}

type slowFile struct {
	disk.File
	fs *slowFS
}

func (f slowFile) Sync() error { f.fs.sync(); return f.File.Sync() }

func TestLog_EverySecond_SyncsBesideTheWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := disktest.New(nil)
		l, s, _ := mustStart(t, d, EverySecond)
		do(l, s, "a", 1)
		if err := l.Commit(); err != nil {
			t.Fatal(err)
		}
		if st := l.Stats(); st.Syncs != 0 {
			t.Fatalf("%d syncs at once", st.Syncs)
		}
		time.Sleep(time.Second + time.Millisecond)
		synctest.Wait()
		if st := l.Stats(); st.Syncs != 1 {
			t.Fatalf("%d syncs after a second", st.Syncs)
		}
		time.Sleep(10 * time.Second)
		if st := l.Stats(); st.Syncs != 1 {
			t.Fatalf("%d syncs with nothing to sync", st.Syncs)
		}
		l.Close()
	})
}

func TestLog_UncommittedAppends_AreWrittenWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := disktest.New(nil)
		l, s, _ := mustStart(t, d, Never)
		do(l, s, "a", 7)
		time.Sleep(time.Second + time.Millisecond)
		synctest.Wait()
		if st := l.Stats(); st.Writes != 1 {
			t.Fatalf("%d writes after a second", st.Writes)
		}
		l.Close()
	})
}

func TestLog_DiskFull_SuspendsAndResumesWithoutLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := disktest.New(nil)
		l, s, _ := mustStart(t, d, EverySecond)
		do(l, s, "before", 1)
		if err := l.Commit(); err != nil {
			t.Fatal(err)
		}
		var full atomic.Bool
		full.Store(true)
		d.Fail(func(op disktest.Op) error {
			if op.Kind == "write" && full.Load() {
				return syscall.ENOSPC
			}
			return nil
		})
		for i := range 3 {
			do(l, s, "during", uint64(i+1))
			if err := l.Commit(); !errors.Is(err, syscall.ENOSPC) {
				t.Fatalf("Commit on a full disk: %v", err)
			}
		}
		if err := l.Err(); !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("Err on a full disk: %v", err)
		}
		time.Sleep(5 * time.Second)
		if l.Err() == nil {
			t.Fatal("the error went away with the disk still full")
		}
		full.Store(false)
		time.Sleep(time.Second + time.Millisecond)
		synctest.Wait()
		if err := l.Err(); err != nil {
			t.Fatalf("there is space again, and Err is %v", err)
		}
		do(l, s, "after", 1)
		if err := l.Commit(); err != nil {
			t.Fatal(err)
		}
		want := s.clone()
		_, got, report := mustStart(t, d.Restart(false), EverySecond)
		if !maps.Equal(got.clone(), want) || report.Cut.Bytes != 0 {
			t.Fatalf("replayed %v, want %v; report %+v", got.clone(), want, report)
		}
		l.Close()
	})
}

func TestLog_FailedSync_IsHealedByARewrite(t *testing.T) {
	for _, policy := range []Policy{Always, EverySecond} {
		synctest.Test(t, func(t *testing.T) {
			d := disktest.New(nil)
			l, s, _ := mustStart(t, d, policy)
			bad := true
			d.Fail(func(op disktest.Op) error {
				if op.Kind == "sync" && op.Name == segmentName(1)+".tmp" && bad {
					return syscall.EIO
				}
				return nil
			})
			do(l, s, "a", 1)
			err := l.Commit()
			if policy == Always && !errors.Is(err, syscall.EIO) {
				t.Fatalf("Commit: %v", err)
			}
			time.Sleep(time.Second + time.Millisecond)
			synctest.Wait()
			if st := l.Stats(); st.SyncErrors != 1 {
				t.Fatalf("the failed sync is not told: %+v", st)
			}
			time.Sleep(10 * time.Second)
			synctest.Wait()
			if err := l.Err(); err != nil {
				t.Fatalf("not healed: %v", err)
			}
			do(l, s, "b", 2)
			if err := l.Commit(); err != nil {
				t.Fatal(err)
			}
			if st := l.Stats(); st.SyncErrors != 1 || st.Rewrites != 1 {
				t.Errorf("%+v", st)
			}
			// The first segment's pages are gone, and nobody needs them.
			time.Sleep(2 * time.Second)
			want := s.clone()
			_, got, _ := mustStart(t, d.Restart(true), policy)
			if !maps.Equal(got.clone(), want) {
				t.Fatalf("replayed %v, want %v", got.clone(), want)
			}
			l.Close()
		})
	}
}

func TestLog_Closed(t *testing.T) {
	l, s, _ := mustStart(t, disktest.New(nil), Never)
	do(l, s, "a", 1)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Commit(); err != nil {
		t.Errorf("Commit of what Close wrote: %v", err)
	}
	l.Append(Delta, []byte("b"), nil)
	if err := l.Commit(); !errors.Is(err, ErrClosed) {
		t.Errorf("Commit after Close: %v", err)
	}
	if err := l.Rewrite(); !errors.Is(err, ErrClosed) {
		t.Errorf("Rewrite after Close: %v", err)
	}
}

func BenchmarkLog(b *testing.B) {
	key, body := []byte("key:000000012345"), make([]byte, 114)
	for _, c := range []struct {
		name   string
		commit bool
	}{{"Append", false}, {"AppendCommit", true}} {
		b.Run(c.name, func(b *testing.B) {
			cfg := Config{FS: disk.OS(), Dir: b.TempDir(), Sync: Never, Snapshot: newState().snapshot, Live: func() int64 { return 0 }, RewriteMin: 1 << 40}
			l, _, err := Open(cfg, nil)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				l.Append(Delta, key, body)
				if i++; c.commit || i&1023 == 0 {
					if err := l.Commit(); err != nil {
						b.Fatal(err)
					}
				}
			}
			l.Close()
		})
	}
}
