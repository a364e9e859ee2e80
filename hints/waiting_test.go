package hints

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
)

// The first of those who wait is told to flush; another does it before it runs,
// and what they wait for cannot be written.
func TestAppend_LeaderWhoComesLate_LearnsOfTheFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // it does not run before
		fs := &hookFS{FS: Memory()}
		l, _ := open(t, Config{FS: fs, Sync: Always})
		l.yields.gosched = synctest.Wait // but here
		full, led, writes := errors.New("disk full"), make(chan error, 1), 0
		fs.write = func(string) error {
			if writes++; writes > 1 {
				return full
			}
			go func() { led <- l.Append("b", 1, []byte("leader"), []byte("x")) }()
			synctest.Wait()
			return nil
		}
		if err := l.Append("b", 2, []byte("first"), []byte("x")); err != nil {
			t.Fatal(err)
		}
		if err := l.Append("b", 3, []byte("second"), []byte("x")); !errors.Is(err, full) {
			t.Errorf("who flushed: %v, want %v", err, full)
		}
		if err := <-led; !errors.Is(err, full) {
			t.Errorf("the leader: %v, want %v: its delta was not written", err, full)
		}
		fs.write = nil
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
}

// Deltas are added while a write fails, and are given up with it; Close begins
// before those who wait have heard.
func TestClose_WhoWaits_LearnsWhatFailedBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
		fs := &hookFS{FS: Memory()}
		l, _ := open(t, Config{FS: fs, Sync: Always})
		full := errors.New("disk full")
		errs, closed := make(chan error, 3), make(chan error, 1)
		fs.write = func(string) error {
			fs.write = nil
			for i := range 3 {
				go func() { errs <- l.Append("b", 1, fmt.Appendf(nil, "k%d", i), []byte("x")) }()
			}
			synctest.Wait()
			go func() { closed <- l.Close() }()
			synctest.Wait()
			return full
		}
		if err := l.Append("b", 2, []byte("first"), []byte("x")); !errors.Is(err, full) {
			t.Fatal(err)
		}
		if err := <-closed; err != nil {
			t.Errorf("Close: %v", err)
		}
		for range 3 {
			if err := <-errs; !errors.Is(err, full) {
				t.Errorf("Append: %v, want %v; there are %d records", err, full, l.Stats("b").Records)
			}
		}
	})
}

// The last flush of Close marks something, and so has more to commit; those who
// wait for that come too late.
func TestClose_CommitsMeanwhile_DoNotHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := &hookFS{FS: Memory()}
		l, _ := open(t, Config{FS: fs, Sync: Always})
		add(t, l, "b", "k", "x")
		add(t, l, "c", "k", "x")
		full := errors.New("disk full")
		fs.write = func(name string) error {
			if name[0] == 'b' {
				return full
			}
			return nil
		}
		var all sync.WaitGroup
		fs.sync = func() {
			fs.sync = nil
			for range 3 {
				all.Go(func() {
					if err := l.Commit(); !errors.Is(err, ErrClosed) && !errors.Is(err, full) {
						t.Errorf("Commit: %v, want %v or %v", err, ErrClosed, full)
					}
				})
			}
			synctest.Wait()
		}
		if err := l.Close(); !errors.Is(err, full) {
			t.Errorf("Close: %v, want %v", err, full)
		}
		all.Wait()
	})
}
